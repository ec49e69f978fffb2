// CSV to columns. A block is indexed chunk by chunk (csv_index.c); the walk over the index cuts one
// record at a time into fields, and once the record is known to be whole and well-formed its wanted
// fields are read into their columns. Text points into the block; escapes are resolved in place.
#include "base/simd.h"
#include "base/utf8.h"
#include "format/csv/csv_int.h"
#include "format/digits.h"
#include "type/number.h"

#define NOINLINE __attribute__((noinline))

enum {
    CHUNK_BYTES = 1 << 15,       // indexed at a time: the places stay in the first-level cache
    GROUP_SPAN_BYTES = 1 << 15,  // of a group's spans, for the same reason
    GROUP_RECORDS_MAX = 256,
};

typedef struct Span {
    char *ptr;
    uint32_t len;
    bool quoted;
    bool escaped;  // doubled quotes or escape characters inside
} Span;

typedef struct CsvColumn {
    int32_t target;    // index in [wanted], or -1: nobody reads it
    const Type *full;  // as declared, with all the fields of a ROW
    int32_t *part;     // ROW: for each full field its index in the wanted ROW, or -1
} CsvColumn;

typedef struct CsvDecoder {
    Decoder base;
    Arena arena;
    CsvDialect dialect;
    char quote;         // the dialect's, or the separator where there is none
    bool plain;         // neither escapes nor trimming: cut_fast may do
    bool mend;          // there are bytes that only Jackson takes for UTF-8
    CsvMarks marks;
    const Type *wanted;
    CsvColumn *column;  // of the file, in order
    uint32_t column_count;
    uint32_t *read;     // the columns that somebody reads, in their order in the file, those that
    uint32_t read_count;  // the filter looks at first
    uint32_t filtered_count;    // how many those are
    const FilterTerm *filter;   // over [wanted]; borrowed
    uint32_t filter_count;
    // Records are cut in groups, and a group is read column by column: loops without a switch.
    Span *spans;        // group_max records of column_count + 1 fields each
    char **start;       // of each record of the group
    uint32_t *present;  // how many fields each has, at most column_count
    uint32_t group_max;
    Span *span;         // of the record at hand, in spans
    uint32_t span_count;
    TimeCache time;
    bool borrow;

    // The index of the chunk at hand.
    uint32_t *place;
    uint32_t place_count, place_at;
    char *chunk;        // where the places count from
    char *indexed;      // the end of what is indexed
    char *stop, *stop_end;  // where the last call stopped with its index still good
} CsvDecoder;

typedef enum Cut {
    CUT_RECORD,   // the record is in span[]
    CUT_MORE,     // it is not whole
    CUT_EXTRA,    // too many fields
    CUT_QUOTE,    // something stands between a closing quote and the separator
    CUT_OPEN,     // a quote is never closed
} Cut;

// The next place of a structural byte, or NULL at the end of what there is.
static inline char *next_mark(CsvDecoder *self, char *end) {
    while (self->place_at == self->place_count) {
        if (self->indexed >= end) return NULL;
        size_t left = (size_t)(end - self->indexed);
        uint32_t size = left < CHUNK_BYTES ? (uint32_t)left : CHUNK_BYTES;
        self->chunk = self->indexed;
        self->place_count = csv_index(self->chunk, size, self->marks, self->place);
        self->place_at = 0;
        self->indexed += size;
    }
    return self->chunk + self->place[self->place_at++];
}

// Moves the index on to the first place at or behind [to].
static void skip_marks(CsvDecoder *self, char *to) {
    while (self->place_at < self->place_count && self->chunk + self->place[self->place_at] < to) {
        self->place_at++;
    }
    if (self->place_at == self->place_count && self->indexed < to) self->indexed = to;
}

// The end of the quoted field that begins at [at]: the closing quote, or NULL.
static char *quoted_end(CsvDecoder *self, char *at, char *end, bool *escaped) {
    const CsvDialect *dialect = &self->dialect;
    char *mark;
    *escaped = false;
    char *behind = at + 1;  // marks before this are spent
    while ((mark = next_mark(self, end))) {
        if (mark < behind) continue;
        if (dialect->has_escape && *mark == dialect->escape && *mark != dialect->quote) {
            *escaped = true;
            behind = mark + 2;
        } else if (*mark == dialect->quote) {
            if (mark + 1 >= end || mark[1] != dialect->quote) return mark;
            *escaped = true;
            behind = mark + 2;
        }
    }
    return NULL;
}

static inline void push_span(CsvDecoder *self, char *from, char *to, bool quoted, bool escaped) {
    // One more than the columns is kept, to see whether it is blank.
    if (self->span_count <= self->column_count) {
        self->span[self->span_count] = (Span){from, (uint32_t)(to - from), quoted, escaped};
    }
    self->span_count++;
}

// The usual record: no escapes, quotes closed right before a separator, the whole of it indexed and
// ended by a line feed. False: nothing has happened yet, take the long way.
static inline bool cut_fast(CsvDecoder *self, char *at, char **next) {
    const uint32_t *place = self->place + self->place_at, *last = self->place + self->place_count;
    const char separator = self->dialect.separator, quote = self->quote;
    const uint32_t columns = self->column_count;
    char *chunk = self->chunk, *from = at;
    Span *span = self->span;
    uint32_t count = 0;
    while (place < last) {
        char *mark = chunk + *place++;
        char c = *mark;
        if (c == quote && quote != separator) {
            if (mark != from) continue;  // inside of an unquoted field: an ordinary byte
            bool doubled = false;
            char *close = NULL;
            while (place < last && !close) {
                char *inner = chunk + *place++;
                if (*inner != quote) continue;
                if (place < last && chunk + *place == inner + 1 && inner[1] == quote) {
                    doubled = true;
                    place++;
                } else {
                    close = inner;
                }
            }
            if (!close || place == last || chunk + *place != close + 1) return false;
            mark = chunk + *place++;
            c = *mark;
            if (c != separator && c != '\n') return false;
            if (count <= columns) {
                span[count] = (Span){from + 1, (uint32_t)(close - from) - 1, true, doubled};
            }
        } else if (c == separator || c == '\n') {
            if (count <= columns) span[count] = (Span){from, (uint32_t)(mark - from), false, false};
        } else {
            return false;
        }
        count++;
        from = mark + 1;
        if (c == separator) continue;
        self->span_count = count;
        self->place_at = (uint32_t)(place - self->place);
        *next = from;
        return true;
    }
    return false;
}

static inline Cut check_extra(const CsvDecoder *self) {
    if (self->span_count <= self->column_count || self->dialect.ignore_extra) return CUT_RECORD;
    const Span *extra = &self->span[self->column_count];
    bool blank = read_trim((Str){extra->ptr, extra->len}).len == 0;
    bool trailing =
        self->span_count == self->column_count + 1 && blank && self->dialect.trailing_comma;
    return trailing ? CUT_RECORD : CUT_EXTRA;
}

// Cuts the record at [at]; *next is where the following one begins.
static NOINLINE Cut cut_slow(CsvDecoder *self, char *at, char *end, bool at_end, char **next) {
    const CsvDialect *dialect = &self->dialect;
    Cut result = CUT_RECORD;
    self->span_count = 0;
    char *from = at;
    bool escaped = false;
    for (;;) {
        char *mark = next_mark(self, end);
        if (mark && mark < from) continue;  // spent by an escape
        if (mark && dialect->trim && !escaped) {
            while (from < mark && (unsigned char)*from <= ' ') from++;
        }
        if (mark && dialect->has_quote && *mark == dialect->quote && *mark != dialect->separator) {
            if (mark != from || escaped) continue;  // inside of an unquoted field: an ordinary byte
            bool doubled;
            char *close = quoted_end(self, from, end, &doubled);
            if (!close || (close + 1 >= end && !at_end)) {
                if (!at_end) return CUT_MORE;
                *next = end;
                return CUT_OPEN;
            }
            push_span(self, from + 1, close, true, doubled);
            // Blanks may follow, then the separator or the end of the line.
            char *after = close + 1;
            while (after < end && *after != dialect->separator && *after != '\r' &&
                   *after != '\n') {
                if ((unsigned char)*after > ' ') result = CUT_QUOTE;
                after++;
            }
            if (after >= end && !at_end) return CUT_MORE;
            skip_marks(self, after);
            if (after >= end) {
                *next = end;
                return result;
            }
            mark = next_mark(self, end);
            from = after;
        } else if (mark && dialect->has_escape && *mark == dialect->escape) {
            // The byte after it is literal, whatever it is; the field is resolved when it is read.
            if (mark + 1 >= end && !at_end) return CUT_MORE;
            escaped = true;
            skip_marks(self, mark + 2);
            continue;
        } else {
            push_span(self, from, mark ? mark : end, false, escaped);
        }
        escaped = false;
        if (!mark) {  // the last record may miss its line end
            if (!at_end) return CUT_MORE;
            *next = end;
            break;
        }
        from = mark + 1;
        if (*mark == dialect->separator) continue;
        if (*mark == '\r') {
            if (from >= end && !at_end) return CUT_MORE;  // "\n" may come
            if (from < end && *from == '\n') {
                from++;
                skip_marks(self, from);
            }
        }
        *next = from;
        break;
    }
    return result ? result : check_extra(self);
}

static inline Cut cut_record(CsvDecoder *self, char *at, char *end, bool at_end, char **next) {
    if (self->plain && cut_fast(self, at, next)) return check_extra(self);
    return cut_slow(self, at, end, at_end, next);
}

// Takes doubled quotes and escapes out of the field, in place.
static void resolve(const CsvDecoder *self, Span *span) {
    const CsvDialect *dialect = &self->dialect;
    char *out = span->ptr, *in = span->ptr, *end = in + span->len;
    while (in < end) {
        char c = *in++;
        if (dialect->has_escape && c == dialect->escape && in < end &&
            !(span->quoted && c == dialect->quote)) {
            c = *in++;
            c = c == '0' ? '\0' : c == 'n' ? '\n' : c == 'r' ? '\r' : c == 't' ? '\t' : c;
        } else if (span->quoted && c == dialect->quote && in < end && *in == c) {
            in++;
        }
        *out++ = c;
    }
    span->len = (uint32_t)(out - span->ptr);
    span->escaped = false;
}

static inline bool is_null(const CsvDialect *dialect, Str text) {
    if (text.len == 0 && dialect->empty_is_null) return true;
    return dialect->has_null && text.len == dialect->null_literal.len &&
           (text.len == 0 || memcmp(text.ptr, dialect->null_literal.ptr, text.len) == 0);
}

static inline bool integer_value(Str text, int64_t min, int64_t max, int64_t *out) {
    if (digits_integer(text.ptr, out) != str_end(text) || !text.len) {
        if (!read_integer(read_trim(text), INT64_MIN, INT64_MAX, out)) return false;
    }
    return *out >= min && *out <= max;
}

static inline bool double_value(Str text, double *out) {
    if (text.len && digits_real(text.ptr, out) == str_end(text)) return true;
    return f64_parse(text, out) || f64_parse_java(text, out);
}

static inline uint8_t bool_value(Str text) {
    if (text.len == 4 && memcmp(text.ptr, "true", 4) == 0) return 1;
    if (text.len == 5 && memcmp(text.ptr, "false", 5) == 0) return 0;
    return read_bool(text);
}

static bool decimal_value(const Type *type, Vec *vec, uint32_t row, Str text) {
    bool fits;
    i128 value;
    if (!read_decimal(text, type->precision, type->scale, &value, &fits)) return false;
    if (fits) {
        vec_i128(vec)[row] = value;
    } else {
        slot_null(vec, row);
    }
    return true;
}

static bool bytes_value(Vec *vec, uint32_t row, Str text) {
    uint32_t len;
    char *room = vec_text_room(vec, text.len / 4 * 3 + 3);
    if (!read_base64(text, room, &len)) return false;
    vec_str(vec)[row] = (Str){room, len};
    return true;
}

static bool time_value(const Type *type, Vec *vec, uint32_t row, Str text) {
    static const int32_t UNIT[] = {1000, 100, 10, 1};
    int32_t ms, unit = UNIT[type->precision < 3 ? type->precision : 3];
    if (!read_time_short(text, &ms)) return false;
    vec_i32(vec)[row] = ms / unit * unit;
    return true;
}

static inline bool stamp_value(CsvDecoder *self, Vec *vec, uint32_t row, Str text) {
    Timestamp stamp;
    if (!read_timestamp(&self->time, text.ptr, text.len, TIME_SQL, &stamp)) {
        text = read_trim(text);
        if (!read_timestamp(&self->time, text.ptr, text.len, TIME_SQL, &stamp)) return false;
    }
    vec_set_timestamp(vec, row, stamp);
    return true;
}

static __attribute__((noinline, cold)) void mend_text(Str *text) {
    uint32_t unused;
    (void)utf8_read_jackson((char *)(uintptr_t)text->ptr, &text->len, &unused);
}

// Reads a value of a simple type; false: it is not one.
static inline bool simple_value(CsvDecoder *self, const Type *type, Vec *vec, uint32_t row,
                                Str text) {
    int64_t value;
    Timestamp stamp;
    switch (type->kind) {
        case TYPE_CHAR:
        case TYPE_VARCHAR:
            if (self->mend) mend_text(&text);
            if (self->borrow) {
                vec_str(vec)[row] = text;
            } else {
                slot_text_copy(vec, row, text);
            }
            return true;
        case TYPE_BIGINT:
            if (!integer_value(text, INT64_MIN, INT64_MAX, &value)) return false;
            vec_i64(vec)[row] = value;
            return true;
        case TYPE_INT:
            if (!integer_value(text, INT32_MIN, INT32_MAX, &value)) return false;
            vec_i32(vec)[row] = (int32_t)value;
            return true;
        case TYPE_SMALLINT:
            if (!integer_value(text, INT16_MIN, INT16_MAX, &value)) return false;
            vec_i16(vec)[row] = (int16_t)value;
            return true;
        case TYPE_TINYINT:
            if (!integer_value(text, INT8_MIN, INT8_MAX, &value)) return false;
            vec_i8(vec)[row] = (int8_t)value;
            return true;
        case TYPE_BOOLEAN: vec_u8(vec)[row] = bool_value(text); return true;
        case TYPE_DOUBLE: return double_value(text, &vec_f64(vec)[row]);
        case TYPE_FLOAT:
            return f32_parse(text, &vec_f32(vec)[row]) || f32_parse_java(text, &vec_f32(vec)[row]);
        case TYPE_DECIMAL: return decimal_value(type, vec, row, text);
        case TYPE_DATE: return read_date_lenient(text, &vec_i32(vec)[row]);
        case TYPE_TIME: return time_value(type, vec, row, text);
        case TYPE_TIMESTAMP: return stamp_value(self, vec, row, text);
        case TYPE_TIMESTAMP_LTZ:
            text = read_trim(text);
            if (!read_timestamp(&self->time, text.ptr, text.len, TIME_SQL_ZULU, &stamp)) {
                return false;
            }
            vec_set_timestamp(vec, row, stamp);
            return true;
        case TYPE_BINARY:
        case TYPE_VARBINARY: return bytes_value(vec, row, text);
        default: UNREACHABLE();
    }
}

// What was wrong, for the message.
typedef struct Fault {
    Str text;
    const Type *type;
    uint32_t expected, actual;  // fields of a ROW; expected == 0: the text is at fault
} Fault;

// An element of a list or a field of a row: a value, NULL, or with ignore-parse-errors NULL for
// what cannot be read. [sparse] as in decode.h.
static inline bool nested_value(CsvDecoder *self, const Type *type, Vec *vec, uint32_t row,
                                Str text, bool sparse, Fault *fault) {
    if (is_null(&self->dialect, text)) {
        if (!sparse) slot_null(vec, row);
        return true;
    }
    if (sparse) slot_present(vec, row);
    if (simple_value(self, type, vec, row, text)) return true;
    *fault = (Fault){.text = text, .type = type};
    if (!self->dialect.ignore_errors) return false;
    slot_null(vec, row);
    return true;
}

// Walks over the elements of a nested field. A field of blanks has none, others have at least one.
typedef struct Elements {
    const char *at, *end;  // at == NULL: no more
    char separator;
    bool trim;
} Elements;

static inline Elements elements_of(const CsvDecoder *self, Str text) {
    Elements elements = {.at = text.ptr,
                         .end = str_end(text),
                         .separator = self->dialect.element_separator.ptr[0],
                         .trim = self->dialect.trim};
    if (text.len == 0 || ((unsigned char)text.ptr[0] <= ' ' && read_trim(text).len == 0)) {
        elements.at = NULL;
    }
    return elements;
}

static inline bool next_element(Elements *elements, Str *element) {
    if (!elements->at) return false;
    const Simd16 separator = simd_fill(elements->separator);
    const char *at = elements->at;
    uint32_t mask;
    while (!(mask = simd_mask(simd_eq(simd_load(at), separator))) && at < elements->end) at += 16;
    if (mask) at += __builtin_ctz(mask);
    bool last = at >= elements->end;
    if (last) at = elements->end;
    *element = str_make(elements->at, (size_t)(at - elements->at));
    if (elements->trim) *element = str_trim(*element);
    elements->at = last ? NULL : at + 1;
    return true;
}

static bool array_value(CsvDecoder *self, Vec *vec, uint32_t row, Str text, Fault *fault) {
    uint32_t offset = vec->child[0]->len, count = 0;
    Elements elements = elements_of(self, text);
    Str element;
    while (next_element(&elements, &element)) {
        uint32_t at = list_push(vec);
        count++;
        if (!nested_value(self, vec->child[0]->type, vec->child[0], at, element, false, fault)) {
            return false;
        }
    }
    vec_list(vec)[row] = (ListView){offset, count};
    return true;
}

static bool row_value(CsvDecoder *self, const CsvColumn *column, Vec *vec, uint32_t row, Str text,
                      Fault *fault) {
    uint32_t fields = column->full->child_count, count = 0;
    Elements elements = elements_of(self, text);
    Str element;
    while (next_element(&elements, &element)) {
        int32_t at = count < fields ? column->part[count] : -1;
        count++;
        if (at < 0) continue;
        if (!nested_value(self, vec->type->child[at], vec->child[at], row, element, true, fault)) {
            return false;
        }
    }
    if (count == 0) return true;  // NULL, as the row is already
    slot_present(vec, row);
    if (count < fields && !self->dialect.ignore_errors) {
        *fault = (Fault){.text = text, .expected = fields, .actual = count};
        return false;
    }
    return true;
}

static Status value_error(CsvDecoder *self, uint32_t column, const Fault *fault, Error *err) {
    Str name = self->wanted->field[self->column[column].target];
    if (fault->expected) {
        return error_set(err, ST_RUNTIME,
                         "column '" STR_FMT
                         "': row length mismatch: %u fields expected but was %u in '" STR_FMT "'",
                         STR_ARG(name), fault->expected, fault->actual,
                         STR_ARG(str_sub(fault->text, 0, 100)));
    }
    Buf type = {0};
    type_print_summary(fault->type, false, &type);
    Status st = error_set(err, ST_RUNTIME, "column '" STR_FMT "': '" STR_FMT "' is not a " STR_FMT,
                          STR_ARG(name), STR_ARG(str_sub(fault->text, 0, 100)),
                          STR_ARG(buf_str(&type)));
    buf_free(&type);
    return st;
}

// Whether the record in span[] has fields enough.
static Status check_missing(CsvDecoder *self, uint32_t present, Error *err) {
    if (present < self->column_count && self->dialect.fail_on_missing) {
        return error_set(err, ST_RUNTIME, "not enough column values: expected %u, found %u",
                         self->column_count, present);
    }
    if (present < self->wanted->child_count && !self->dialect.ignore_errors) {
        return error_set(err, ST_RUNTIME, "row length mismatch: %u fields expected but was %u",
                         self->wanted->child_count, present);
    }
    return ST_OK;
}

typedef bool ReadValue(CsvDecoder *self, const CsvColumn *column, Vec *vec, uint32_t row, Str text,
                       Fault *fault);

// Reads one column of [count] records into the rows from [row] on, with [read] made part of the
// loop. Returns how many came out well: all, or those before the first that did not.
static inline __attribute__((always_inline)) uint32_t read_loop(CsvDecoder *self, uint32_t index,
                                                                Vec *vec, uint32_t row,
                                                                uint32_t count, ReadValue *read,
                                                                Fault *fault) {
    const CsvDialect *dialect = &self->dialect;
    const CsvColumn *column = &self->column[index];
    const bool nested = column->full->child_count != 0, ignore = dialect->ignore_errors,
               trim = dialect->trim;
    const uint32_t stride = self->column_count + 1;
    Span *span = self->spans + index;
    for (uint32_t i = 0; i < count; i++, span += stride) {
        if (index >= self->present[i]) {
            slot_null(vec, row + i);
            continue;
        }
        if (span->escaped) resolve(self, span);
        Str text = {span->ptr, span->len};
        if (trim && !span->quoted) text = read_trim(text);
        if (!nested && is_null(dialect, text)) {
            slot_null(vec, row + i);
            continue;
        }
        if (read(self, column, vec, row + i, text, fault)) continue;
        if (!ignore) {
            if (!nested) *fault = (Fault){.text = text, .type = vec->type};
            return i;
        }
        slot_null(vec, row + i);
    }
    return count;
}

static inline bool read_i64(CsvDecoder *self, const CsvColumn *column, Vec *vec, uint32_t row,
                            Str text, Fault *fault) {
    (void)self;
    (void)column;
    (void)fault;
    return integer_value(text, INT64_MIN, INT64_MAX, &((int64_t *)vec->data)[row]);
}

static inline bool read_i32(CsvDecoder *self, const CsvColumn *column, Vec *vec, uint32_t row,
                            Str text, Fault *fault) {
    (void)self;
    (void)column;
    (void)fault;
    int64_t value;
    if (!integer_value(text, INT32_MIN, INT32_MAX, &value)) return false;
    ((int32_t *)vec->data)[row] = (int32_t)value;
    return true;
}

static inline bool read_double(CsvDecoder *self, const CsvColumn *column, Vec *vec, uint32_t row,
                               Str text, Fault *fault) {
    (void)self;
    (void)column;
    (void)fault;
    return double_value(text, &((double *)vec->data)[row]);
}

static inline bool read_text(CsvDecoder *self, const CsvColumn *column, Vec *vec, uint32_t row,
                             Str text, Fault *fault) {
    (void)self;
    (void)column;
    (void)fault;
    ((Str *)vec->data)[row] = text;
    return true;
}

static inline bool read_stamp(CsvDecoder *self, const CsvColumn *column, Vec *vec, uint32_t row,
                              Str text, Fault *fault) {
    (void)column;
    (void)fault;
    return stamp_value(self, vec, row, text);
}

static inline bool read_simple(CsvDecoder *self, const CsvColumn *column, Vec *vec, uint32_t row,
                               Str text, Fault *fault) {
    (void)column;
    (void)fault;
    return simple_value(self, vec->type, vec, row, text);
}

static inline bool read_array(CsvDecoder *self, const CsvColumn *column, Vec *vec, uint32_t row,
                              Str text, Fault *fault) {
    (void)column;
    return array_value(self, vec, row, text, fault);
}

// Reads column [index] of the file for the group.
static uint32_t read_column(CsvDecoder *self, uint32_t index, uint32_t count, Fault *fault) {
    Vec *vec = self->base.batch->column[self->column[index].target];
    uint32_t row = self->base.batch->rows;
    switch (vec->type->kind) {
        case TYPE_BIGINT: return read_loop(self, index, vec, row, count, read_i64, fault);
        case TYPE_INT: return read_loop(self, index, vec, row, count, read_i32, fault);
        case TYPE_DOUBLE: return read_loop(self, index, vec, row, count, read_double, fault);
        case TYPE_CHAR:
        case TYPE_VARCHAR:
            if (self->borrow && !self->mend) {
                return read_loop(self, index, vec, row, count, read_text, fault);
            }
            return read_loop(self, index, vec, row, count, read_simple, fault);
        case TYPE_TIMESTAMP: return read_loop(self, index, vec, row, count, read_stamp, fault);
        case TYPE_ARRAY: return read_loop(self, index, vec, row, count, read_array, fault);
        case TYPE_ROW: return read_loop(self, index, vec, row, count, row_value, fault);
        default: return read_loop(self, index, vec, row, count, read_simple, fault);
    }
}

// The first record of the group that cannot be read.
typedef struct BadRecord {
    char *start;  // NULL: all are fine
    uint32_t column;
    Fault fault;
} BadRecord;

// Reads the columns read[from] to read[to] of [count] records. Returns how many came before one
// that is bad, or all.
static uint32_t read_columns(CsvDecoder *self, uint32_t from, uint32_t to, uint32_t count,
                             BadRecord *bad) {
    for (uint32_t r = from; r < to && count; r++) {
        Fault fault;
        uint32_t done = read_column(self, self->read[r], count, &fault);
        if (done == count) continue;
        // Columns to come are read up to here: an earlier record may be bad there.
        *bad = (BadRecord){self->start[done], self->read[r], fault};
        count = done;
    }
    return count;
}

// Moves a slot of a scalar column down over one that is not needed.
static void slot_move(Vec *vec, uint32_t to, uint32_t from) {
    uint32_t size = phys_size(vec->phys);
    memcpy((char *)vec->data + (size_t)to * size, (char *)vec->data + (size_t)from * size, size);
    if (!vec->valid) return;
    if (bits_get(vec->valid, from)) {
        bits_set(vec->valid, to);
    } else {
        bits_clear(vec->valid, to);
    }
}

// Of the first [count] records of the group, whose filtered columns have been read, keeps those
// that pass, one behind the other. Returns how many.
static uint32_t keep_passing(CsvDecoder *self, uint32_t count) {
    const uint32_t stride = self->column_count + 1, row = self->base.batch->rows;
    Vec **column = self->base.batch->column;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t t = 0;
        while (t < self->filter_count && filter_term_passes(&self->filter[t],
                                                            column[self->filter[t].column],
                                                            row + i)) {
            t++;
        }
        if (t < self->filter_count) continue;
        if (kept < i) {
            memcpy(self->spans + (size_t)kept * stride, self->spans + (size_t)i * stride,
                   stride * sizeof *self->spans);
            self->start[kept] = self->start[i];
            self->present[kept] = self->present[i];
            for (uint32_t r = 0; r < self->filtered_count; r++) {
                slot_move(column[self->column[self->read[r]].target], row + kept, row + i);
            }
        }
        kept++;
    }
    return kept;
}

// Reads the group's [count] records into rows of the batch. On failure those before the bad one are
// in the batch, and *bad is where it begins.
static Status read_group(CsvDecoder *self, uint32_t count, char **bad, Error *err) {
    Batch *batch = self->base.batch;
    BadRecord found = {0};
    uint32_t good = read_columns(self, 0, self->filtered_count, count, &found);
    if (self->filter_count) good = keep_passing(self, good);
    good = read_columns(self, self->filtered_count, self->read_count, good, &found);
    // Without a bad record only the filter's columns have been read beyond.
    for (uint32_t i = good; i < count; i++) {
        if (found.start) row_undo(batch, batch->rows + i);
        for (uint32_t r = 0; !found.start && r < self->filtered_count; r++) {
            slot_undo(batch->column[self->column[self->read[r]].target], batch->rows + i);
        }
    }
    batch->rows += good;
    if (!found.start) return ST_OK;
    *bad = found.start;
    return value_error(self, found.column, &found.fault, err);
}

static Status cut_error(CsvDecoder *self, Cut cut, Error *err) {
    if (cut == CUT_EXTRA) {
        const Span *extra = &self->span[self->column_count];
        return error_set(err, ST_RUNTIME, "too many entries: expected at most %u (value #%u is '"
                         STR_FMT "')",
                         self->column_count, self->column_count + 1,
                         STR_ARG(str_sub((Str){extra->ptr, extra->len}, 0, 100)));
    }
    if (cut == CUT_QUOTE) {
        return error_set(
            err, ST_RUNTIME,
            "expected the column separator '%c' or the end of the line after a closing "
            "quote",
            self->dialect.separator);
    }
    return error_set(err, ST_RUNTIME, "missing closing quote for value");
}

// With allow-comments: skips blank and comment lines, and the blanks a line begins with. Returns
// NULL when more bytes are needed to tell.
static char *skip_comments(CsvDecoder *self, char *at, char *end, bool at_end) {
    char *start = at;
    while (at < end) {
        if (*at == '#') {
            while (at < end && *at != '\n' && *at != '\r') at++;
            if (at == end && !at_end) return NULL;
        } else if (*at == ' ' || *at == '\n' || *at == '\r') {
            at++;
        } else {
            break;
        }
    }
    if (at == end && !at_end && at != start) return NULL;
    skip_marks(self, at);
    return at;
}

static uint32_t line_of(const char *bytes, const char *at) {
    uint32_t line = 1;
    for (; bytes < at; bytes++) line += *bytes == '\n';
    return line;
}

// Cuts records into the group until it or the batch is full, there are no more whole ones, or one
// is bad (*bad, unless errors are ignored). *at is moved behind those cut.
static Status cut_group(CsvDecoder *self, char **at, char *end, bool at_end, uint32_t room,
                        uint32_t *count, Error *err) {
    Decoder *base = &self->base;
    Status st = ST_OK;
    *count = 0;
    if (room > self->group_max) room = self->group_max;
    while (*at < end && *count < room) {
        if (self->dialect.comments) {
            char *data = skip_comments(self, *at, end, at_end);
            if (!data) break;
            *at = data;
            if (data == end) break;
        }
        char *next;
        self->span = self->spans + (size_t)*count * (self->column_count + 1);
        Cut cut = cut_record(self, *at, end, at_end, &next);
        if (cut == CUT_MORE) break;
        base->records++;
        uint32_t present =
            self->span_count < self->column_count ? self->span_count : self->column_count;
        st = cut ? cut_error(self, cut, err) : check_missing(self, present, err);
        if (!st) {
            self->start[*count] = *at;
            self->present[(*count)++] = present;
        } else if (self->dialect.ignore_errors) {
            base->skipped++;
            st = ST_OK;
        } else {
            break;
        }
        *at = next;
    }
    return st;
}

// Jackson reads characters before it reads fields: a byte that is no part of one ends the file's
// reading, whatever the options say.
static Status check_text(CsvDecoder *self, const char *bytes, size_t size, bool at_end,
                         Error *err) {
    size_t stop;
    self->mend = utf8_valid_prefix(bytes, size) < size;
    if (!self->mend || utf8_jackson_reads(bytes, size, at_end, &stop)) return ST_OK;
    (void)error_set(err, ST_RUNTIME, "this is not UTF-8: byte 0x%02X%s",
              stop < size ? (unsigned char)bytes[stop] : 0u, stop < size ? "" : " (the end)");
    error_place(err, (Place){.line = line_of(bytes, bytes + stop)});
    return ST_RUNTIME;
}

static Status csv_stream(Decoder *base, char *bytes, size_t size, bool at_end, size_t *used,
                         Error *err) {
    CsvDecoder *self = (CsvDecoder *)base;
    char *at = bytes, *end = bytes + size;
    self->borrow = true;
    if (base->begins && size >= 3 && memcmp(at, "\xEF\xBB\xBF", 3) == 0) at += 3;
    if (size) base->begins = false;
    if (self->stop != bytes || self->stop_end != end) {
        self->indexed = at;
        self->place_at = self->place_count = 0;
        TRY(check_text(self, bytes, size, at_end, err));
    }
    self->stop = NULL;
    decoder_open(base);
    Status st = ST_OK;
    uint32_t count = 1;
    while (!st && count && !decoder_full(base)) {
        st = cut_group(self, &at, end, at_end, BATCH_ROWS_MAX - base->batch->rows, &count, err);
        char *bad = at;
        Status read = read_group(self, count, &bad, err);
        if (read) st = read;  // it comes before the one that could not be cut
        if (st) error_place(err, (Place){.line = line_of(bytes, bad)});
        if (st) at = bad;
    }
    if (decoder_full(base)) {
        self->stop = at;
        self->stop_end = end;
    }
    *used = (size_t)(at - bytes);
    return st;
}

// One message is one record; what follows its first line is not looked at.
static Status csv_message(Decoder *base, Str message, bool borrow, Error *err) {
    CsvDecoder *self = (CsvDecoder *)base;
    if (!message.ptr || message.len == 0) return ST_OK;
    char *at = (char *)(uintptr_t)message.ptr, *end = (char *)(uintptr_t)str_end(message);
    self->borrow = borrow;
    self->indexed = at;
    self->place_at = self->place_count = 0;
    self->stop = NULL;
    decoder_open(base);
    decoder_reserve(base, base->batch->rows + 1);
    uint32_t count;
    char *bad;
    Status st = check_text(self, at, message.len, true, err);
    if (st && !self->dialect.ignore_errors) return st;
    if (st) {
        base->records++;
        base->skipped++;
        return ST_OK;
    }
    if (message.len >= 3 && memcmp(at, "\xEF\xBB\xBF", 3) == 0) self->indexed = at += 3;
    TRY(cut_group(self, &at, end, true, 1, &count, err));
    return read_group(self, count, &bad, err);
}

static void csv_close(Decoder *base) {
    CsvDecoder *self = (CsvDecoder *)base;
    batch_unref(base->batch);
    mem_free(self->place);
    arena_clear(&self->arena);
    mem_free(self);
}

static const DecoderVt CSV_DECODER = {
    .message = csv_message, .stream = csv_stream, .close = csv_close};

static int32_t field_index(const Type *row, Str name) {
    for (uint32_t i = 0; i < row->child_count; i++) {
        if (str_eq(row->field[i], name)) return (int32_t)i;
    }
    return -1;
}

static bool is_filtered(const CsvDecoder *self, int32_t target) {
    for (uint32_t i = 0; i < self->filter_count; i++) {
        if (self->filter[i].column == (uint32_t)target) return true;
    }
    return false;
}

// Moves the columns that the filter looks at to the front of the list.
static void filtered_first(CsvDecoder *self) {
    for (uint32_t r = 0; r < self->read_count; r++) {
        uint32_t column = self->read[r];
        if (!is_filtered(self, self->column[column].target)) continue;
        memmove(&self->read[self->filtered_count + 1], &self->read[self->filtered_count],
                (r - self->filtered_count) * sizeof *self->read);
        self->read[self->filtered_count++] = column;
    }
}

static void plan_columns(CsvDecoder *self, const Type *full, const Type *wanted) {
    self->column_count = full->child_count;
    self->column = ARENA_ARRAY(&self->arena, CsvColumn, full->child_count);
    self->read = ARENA_ARRAY(&self->arena, uint32_t, full->child_count);
    size_t record_bytes = (full->child_count + 1) * sizeof(Span);
    self->group_max =
        record_bytes < GROUP_SPAN_BYTES ? (uint32_t)(GROUP_SPAN_BYTES / record_bytes) : 1;
    if (self->group_max > GROUP_RECORDS_MAX) self->group_max = GROUP_RECORDS_MAX;
    self->spans = arena_alloc(&self->arena, self->group_max * record_bytes);
    self->start = ARENA_ARRAY(&self->arena, char *, self->group_max);
    self->present = ARENA_ARRAY(&self->arena, uint32_t, self->group_max);
    for (uint32_t i = 0; i < full->child_count; i++) {
        CsvColumn *column = &self->column[i];
        column->target = field_index(wanted, full->field[i]);
        column->full = full->child[i];
        if (column->target >= 0) self->read[self->read_count++] = i;
        if (column->target < 0 || column->full->kind != TYPE_ROW) continue;
        const Type *part = wanted->child[column->target];
        column->part = ARENA_ARRAY(&self->arena, int32_t, column->full->child_count);
        for (uint32_t k = 0; k < column->full->child_count; k++) {
            column->part[k] = field_index(part, column->full->field[k]);
        }
    }
}

Status csv_decoder_new(const DecodeSpec *spec, Decoder **out, Error *err) {
    CsvDecoder *self = NEW(CsvDecoder);
    arena_init(&self->arena);
    self->base.vt = &CSV_DECODER;
    self->base.produced = spec->produced ? spec->produced : spec->wanted;
    self->wanted = spec->wanted;
    self->place = mem_alloc((CHUNK_BYTES + 64) * sizeof *self->place);
    Status st = csv_dialect(&spec->options, &self->dialect, &self->arena, err);
    if (!st) st = csv_check_type(spec->full, err);
    if (st) {
        csv_close(&self->base);
        return st;
    }
    self->filter_count = spec->filter_count;
    self->filter = spec->filter;
    plan_columns(self, spec->full, spec->wanted);
    filtered_first(self);
    const CsvDialect *dialect = &self->dialect;
    char separator = dialect->separator;
    self->quote = dialect->has_quote ? dialect->quote : separator;
    self->plain = !dialect->has_escape && !dialect->trim;
    self->marks = (CsvMarks){{separator, '\n', '\r', self->quote,
                              dialect->has_escape ? dialect->escape : separator}};
    *out = &self->base;
    return ST_OK;
}
