// CSV to columns. A block is indexed chunk by chunk (csv_index.c); the walk over the index cuts one
// record at a time into fields, and once the record is known to be whole and well-formed its wanted
// fields are read into their columns. Text points into the block; escapes are resolved in place.
#include "format/csv/csv_int.h"
#include "type/number.h"

enum {
    CHUNK_BYTES = 1 << 15,  // indexed at a time: the places stay in the first-level cache
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
    CsvMarks marks;
    const Type *wanted;
    CsvColumn *column;  // of the file, in order
    uint32_t column_count;
    uint32_t *read;     // the columns that somebody reads, in their order in the file
    uint32_t read_count;
    Span *span;         // of the record at hand, column_count + 1
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

// Cuts the record at [at]; *next is where the following one begins.
static Cut cut_record(CsvDecoder *self, char *at, char *end, bool at_end, char **next) {
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
            while (after < end && *after != dialect->separator && *after != '\r' && *after != '\n') {
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
    if (result) return result;
    if (self->span_count > self->column_count && !dialect->ignore_extra) {
        const Span *extra = &self->span[self->column_count];
        bool blank = read_trim((Str){extra->ptr, extra->len}).len == 0;
        if (self->span_count > self->column_count + 1 || !blank || !dialect->trailing_comma) {
            return CUT_EXTRA;
        }
    }
    return CUT_RECORD;
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
    return (dialect->has_null && str_eq(text, dialect->null_literal)) ||
           (dialect->empty_is_null && text.len == 0);
}

// Reads a plain decimal integer of up to 18 digits, the common shape; else false.
static inline bool small_integer(Str text, int64_t *out) {
    if (text.len == 0 || text.len > 18) return false;
    const char *at = text.ptr, *end = at + text.len;
    bool negative = *at == '-';
    at += negative;
    if (at == end) return false;
    int64_t value = 0;
    for (; at < end; at++) {
        uint32_t digit = (uint32_t)(*at - '0');
        if (digit > 9) return false;
        value = value * 10 + digit;
    }
    *out = negative ? -value : value;
    return true;
}

static inline bool integer_value(Str text, int64_t min, int64_t max, int64_t *out) {
    if (!small_integer(text, out) && !read_integer(read_trim(text), INT64_MIN, INT64_MAX, out)) {
        return false;
    }
    return *out >= min && *out <= max;
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

// Reads a value of a simple type; false: it is not one.
static inline bool simple_value(CsvDecoder *self, const Type *type, Vec *vec, uint32_t row, Str text) {
    int64_t value;
    Timestamp stamp;
    switch (type->kind) {
        case TYPE_CHAR:
        case TYPE_VARCHAR:
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
        case TYPE_BOOLEAN: vec_u8(vec)[row] = read_bool(text); return true;
        case TYPE_DOUBLE:
            return f64_parse(text, &vec_f64(vec)[row]) || f64_parse_java(text, &vec_f64(vec)[row]);
        case TYPE_FLOAT:
            return f32_parse(text, &vec_f32(vec)[row]) || f32_parse_java(text, &vec_f32(vec)[row]);
        case TYPE_DECIMAL: return decimal_value(type, vec, row, text);
        case TYPE_DATE: return read_date_lenient(text, &vec_i32(vec)[row]);
        case TYPE_TIME: return time_value(type, vec, row, text);
        case TYPE_TIMESTAMP:
            if (!read_timestamp(&self->time, text.ptr, text.len, TIME_SQL, &stamp)) {
                text = read_trim(text);
                if (!read_timestamp(&self->time, text.ptr, text.len, TIME_SQL, &stamp)) return false;
            }
            vec_set_timestamp(vec, row, stamp);
            return true;
        case TYPE_TIMESTAMP_LTZ:
            text = read_trim(text);
            if (!read_timestamp(&self->time, text.ptr, text.len, TIME_SQL_ZULU, &stamp)) return false;
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

// A value, NULL, or with ignore-parse-errors NULL for what cannot be read.
static inline bool nullable_value(CsvDecoder *self, const Type *type, Vec *vec, uint32_t row, Str text,
                                  Fault *fault) {
    if (is_null(&self->dialect, text)) {
        slot_null(vec, row);
        return true;
    }
    if (simple_value(self, type, vec, row, text)) return true;
    *fault = (Fault){.text = text, .type = type};
    if (!self->dialect.ignore_errors) return false;
    slot_null(vec, row);
    return true;
}

// The next element of a nested field; false when there are no more.
static bool next_element(const CsvDecoder *self, Str *rest, bool *first, Str *element) {
    Str separator = self->dialect.element_separator;
    if (*first && read_trim(*rest).len == 0) return false;
    if (!*first && !rest->ptr) return false;
    *first = false;
    int64_t at = str_find(*rest, separator, 0);
    if (at < 0) {
        *element = *rest;
        *rest = (Str){NULL, 0};
    } else {
        *element = str_sub(*rest, 0, (uint32_t)at);
        *rest = str_sub(*rest, (uint32_t)at + separator.len, rest->len);
    }
    if (self->dialect.trim) *element = str_trim(*element);
    return true;
}

static bool array_value(CsvDecoder *self, Vec *vec, uint32_t row, Str text, Fault *fault) {
    uint32_t offset = vec->child[0]->len, count = 0;
    bool first = true;
    Str element;
    while (next_element(self, &text, &first, &element)) {
        uint32_t at = list_push(vec);
        count++;
        if (!nullable_value(self, vec->child[0]->type, vec->child[0], at, element, fault)) return false;
    }
    vec_list(vec)[row] = (ListView){offset, count};
    return true;
}

static bool row_value(CsvDecoder *self, const CsvColumn *column, Vec *vec, uint32_t row, Str text,
                      Fault *fault) {
    uint32_t fields = column->full->child_count, count = 0;
    bool first = true;
    Str element, rest = text;
    while (next_element(self, &rest, &first, &element)) {
        int32_t at = count < fields ? column->part[count] : -1;
        count++;
        if (at < 0) continue;
        if (!nullable_value(self, vec->type->child[at], vec->child[at], row, element, fault)) return false;
    }
    if (count == 0) {
        slot_null(vec, row);
        return true;
    }
    if (count < fields && !self->dialect.ignore_errors) {
        *fault = (Fault){.text = text, .expected = fields, .actual = count};
        return false;
    }
    for (; count < fields; count++) {
        if (column->part[count] >= 0) slot_null(vec->child[column->part[count]], row);
    }
    return true;
}

static Status value_error(CsvDecoder *self, uint32_t column, const Fault *fault, Error *err) {
    Str name = self->wanted->field[self->column[column].target];
    if (fault->expected) {
        return error_set(err, ST_RUNTIME,
                         "column '" STR_FMT "': row length mismatch: %u fields expected but was %u in '"
                         STR_FMT "'",
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

// Reads the record in span[] into the next row.
static Status read_record(CsvDecoder *self, Error *err) {
    const CsvDialect *dialect = &self->dialect;
    uint32_t present = self->span_count < self->column_count ? self->span_count : self->column_count;
    if (present < self->column_count && dialect->fail_on_missing) {
        return error_set(err, ST_RUNTIME, "not enough column values: expected %u, found %u",
                         self->column_count, present);
    }
    if (present < self->wanted->child_count && !dialect->ignore_errors) {
        return error_set(err, ST_RUNTIME, "row length mismatch: %u fields expected but was %u",
                         self->wanted->child_count, present);
    }
    Batch *batch = self->base.batch;
    uint32_t row = batch->rows;
    for (uint32_t r = 0; r < self->read_count; r++) {
        uint32_t i = self->read[r];
        const CsvColumn *column = &self->column[i];
        Vec *vec = batch->column[column->target];
        if (i >= present) {
            slot_null(vec, row);
            continue;
        }
        Span *span = &self->span[i];
        if (span->escaped) resolve(self, span);
        Str text = {span->ptr, span->len};
        if (dialect->trim && !span->quoted) text = read_trim(text);
        Fault fault;
        bool good = vec->type->kind == TYPE_ARRAY ? array_value(self, vec, row, text, &fault)
                    : vec->type->kind == TYPE_ROW ? row_value(self, column, vec, row, text, &fault)
                                                  : nullable_value(self, vec->type, vec, row, text, &fault);
        if (!good) {
            Status st = value_error(self, i, &fault, err);
            row_undo(batch, row);
            return st;
        }
    }
    batch->rows++;
    return ST_OK;
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
        return error_set(err, ST_RUNTIME,
                         "expected the column separator '%c' or the end of the line after a closing "
                         "quote", self->dialect.separator);
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

static Status csv_stream(Decoder *base, char *bytes, size_t size, bool at_end, size_t *used,
                         Error *err) {
    CsvDecoder *self = (CsvDecoder *)base;
    char *at = bytes, *end = bytes + size;
    self->borrow = true;
    if (self->stop != bytes || self->stop_end != end) {
        self->indexed = bytes;
        self->place_at = self->place_count = 0;
    }
    self->stop = NULL;
    decoder_open(base);
    Status st = ST_OK;
    while (at < end && !decoder_full(base)) {
        if (self->dialect.comments) {
            char *data = skip_comments(self, at, end, at_end);
            if (!data) break;
            at = data;
            if (at == end) break;
        }
        char *next;
        Cut cut = cut_record(self, at, end, at_end, &next);
        if (cut == CUT_MORE) break;
        base->records++;
        st = cut ? cut_error(self, cut, err) : read_record(self, err);
        if (st && !self->dialect.ignore_errors) {
            error_place(err, (Place){.line = line_of(bytes, at)});
            break;
        }
        if (st) {
            base->skipped++;
            st = ST_OK;
        }
        at = next;
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
    char *at = (char *)(uintptr_t)message.ptr, *end = at + message.len, *next;
    self->borrow = borrow;
    self->indexed = at;
    self->place_at = self->place_count = 0;
    self->stop = NULL;
    decoder_open(base);
    if (self->dialect.comments) at = skip_comments(self, at, end, true);
    if (at == end) return ST_OK;
    base->records++;
    Cut cut = cut_record(self, at, end, true, &next);
    Status st = cut ? cut_error(self, cut, err) : read_record(self, err);
    if (!st || !self->dialect.ignore_errors) return st;
    base->skipped++;
    return ST_OK;
}

static void csv_close(Decoder *base) {
    CsvDecoder *self = (CsvDecoder *)base;
    batch_unref(base->batch);
    mem_free(self->place);
    arena_clear(&self->arena);
    mem_free(self);
}

static const DecoderVt CSV_DECODER = {.message = csv_message, .stream = csv_stream, .close = csv_close};

static int32_t field_index(const Type *row, Str name) {
    for (uint32_t i = 0; i < row->child_count; i++) {
        if (str_eq(row->field[i], name)) return (int32_t)i;
    }
    return -1;
}

static void plan_columns(CsvDecoder *self, const Type *full, const Type *wanted) {
    self->column_count = full->child_count;
    self->column = ARENA_ARRAY(&self->arena, CsvColumn, full->child_count);
    self->read = ARENA_ARRAY(&self->arena, uint32_t, full->child_count);
    self->span = ARENA_ARRAY(&self->arena, Span, full->child_count + 1);
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
    plan_columns(self, spec->full, spec->wanted);
    const CsvDialect *dialect = &self->dialect;
    char separator = dialect->separator;
    self->marks = (CsvMarks){{separator, '\n', '\r', dialect->has_quote ? dialect->quote : separator,
                              dialect->has_escape ? dialect->escape : separator}};
    *out = &self->base;
    return ST_OK;
}
