// The changelog formats: debezium-json, canal-json, maxwell-json, ogg-json. Each is an envelope
// around rows of the table. An envelope is read twice: once for the places of its parts, in
// whatever order they come, then the rows are read from their places into columns, old row first.
//
// What Flink does is kept, also where it surprises: canal and maxwell look for a field of the old
// row in all of "old", so that a batch of updates with different columns shares them.
#include "format/json/json.h"
#include "format/json/json_int.h"
#include "spi/pattern.h"
#include "type/datetime.h"

typedef enum CdcField {
    CDC_OP,
    CDC_AFTER,
    CDC_BEFORE,
    CDC_DATABASE,
    CDC_TABLE,
    CDC_FIELDS_FIXED,  // metadata follow
} CdcField;

// How a metadata column comes from its part of the envelope.
typedef enum CdcMeta {
    META_TEXT,     // as a STRING
    META_JSON,     // by the column's own type: MAP, ARRAY
    META_MS,       // milliseconds since 1970
    META_SECONDS,
    META_STAMP,    // '2020-05-13 15:40:06.000000'
} CdcMeta;

typedef struct CdcMetadata {
    const char *name;   // as the user says
    const char *field;  // of the envelope
    const char *inner;  // of that object, or NULL
    CdcMeta how;
    TypeKind kind;      // of the column: VARCHAR, TIMESTAMP_LTZ, MAP, ARRAY
    int32_t precision;
} CdcMetadata;

typedef struct CdcDialect {
    const char *name;
    const char *field[CDC_FIELDS_FIXED];  // their names in the envelope; NULL: has none
    const char *insert[2], *update, *remove, *ignore;  // values of the operation
    bool arrays;      // after and before are arrays of rows
    bool old_values;  // before has only the fields that changed
    const CdcMetadata *metadata;
} CdcDialect;

enum { METADATA_MAX = 16 };

typedef struct CdcDecoder {
    Decoder base;
    Arena arena;
    Arena scratch;       // of one message
    const CdcDialect *dialect;
    JsonReader envelope, rows, payload;
    Batch *parts;        // one row: the places of the envelope's parts
    const Type *wanted;
    const CdcMetadata *meta[METADATA_MAX];
    uint32_t meta_part[METADATA_MAX];  // its part of the envelope; several may share one
    JsonReader *inner;   // one for each metadata column: reads its object or value
    uint32_t meta_count;
    bool schema_include;
    Pattern *database, *table;
    const char *reason;  // of the failure, unless a reader has it
    JsonReader *failed;  // the reader that has it
} CdcDecoder;

static const CdcMetadata DEBEZIUM_METADATA[] = {
    {"schema", "schema", NULL, META_TEXT, TYPE_VARCHAR, 0},
    {"ingestion-timestamp", "ts_ms", NULL, META_MS, TYPE_TIMESTAMP_LTZ, 3},
    {"source.timestamp", "source", "ts_ms", META_MS, TYPE_TIMESTAMP_LTZ, 3},
    {"source.database", "source", "db", META_TEXT, TYPE_VARCHAR, 0},
    {"source.schema", "source", "schema", META_TEXT, TYPE_VARCHAR, 0},
    {"source.table", "source", "table", META_TEXT, TYPE_VARCHAR, 0},
    {"source.properties", "source", NULL, META_JSON, TYPE_MAP, 0},
    {0},
};
static const CdcMetadata CANAL_METADATA[] = {
    {"database", "database", NULL, META_TEXT, TYPE_VARCHAR, 0},
    {"table", "table", NULL, META_TEXT, TYPE_VARCHAR, 0},
    {"sql-type", "sqlType", NULL, META_JSON, TYPE_MAP, 0},
    {"pk-names", "pkNames", NULL, META_JSON, TYPE_ARRAY, 0},
    {"ingestion-timestamp", "ts", NULL, META_MS, TYPE_TIMESTAMP_LTZ, 3},
    {"event-timestamp", "es", NULL, META_MS, TYPE_TIMESTAMP_LTZ, 3},
    {0},
};
static const CdcMetadata MAXWELL_METADATA[] = {
    {"database", "database", NULL, META_TEXT, TYPE_VARCHAR, 0},
    {"table", "table", NULL, META_TEXT, TYPE_VARCHAR, 0},
    {"primary-key-columns", "primary_key_columns", NULL, META_JSON, TYPE_ARRAY, 0},
    {"ingestion-timestamp", "ts", NULL, META_SECONDS, TYPE_TIMESTAMP_LTZ, 3},
    {0},
};
static const CdcMetadata OGG_METADATA[] = {
    {"table", "table", NULL, META_TEXT, TYPE_VARCHAR, 0},
    {"primary-keys", "primary_keys", NULL, META_JSON, TYPE_ARRAY, 0},
    {"ingestion-timestamp", "current_ts", NULL, META_STAMP, TYPE_TIMESTAMP_LTZ, 6},
    {"event-timestamp", "op_ts", NULL, META_STAMP, TYPE_TIMESTAMP_LTZ, 6},
    {0},
};

static const CdcDialect DEBEZIUM = {
    .name = "debezium-json",
    .field = {"op", "after", "before", NULL, NULL},
    .insert = {"c", "r"}, .update = "u", .remove = "d",
    .metadata = DEBEZIUM_METADATA,
};
static const CdcDialect CANAL = {
    .name = "canal-json",
    .field = {"type", "data", "old", "database", "table"},
    .insert = {"INSERT", NULL}, .update = "UPDATE", .remove = "DELETE", .ignore = "CREATE",
    .arrays = true, .old_values = true,
    .metadata = CANAL_METADATA,
};
static const CdcDialect MAXWELL = {
    .name = "maxwell-json",
    .field = {"type", "data", "old", NULL, NULL},
    .insert = {"insert", NULL}, .update = "update", .remove = "delete",
    .old_values = true,
    .metadata = MAXWELL_METADATA,
};
static const CdcDialect OGG = {
    .name = "ogg-json",
    .field = {"op_type", "after", "before", NULL, NULL},
    .insert = {"I", NULL}, .update = "U", .remove = "D",
    .metadata = OGG_METADATA,
};

static const char NO_BEFORE[] =
    "the \"before\" field of an UPDATE or DELETE is null: the source must send whole rows (REPLICA "
    "IDENTITY FULL in PostgreSQL)";

// Failures -------------------------------------------------------------------------------------

static char *fail(CdcDecoder *self, const char *reason) {
    self->reason = reason;
    self->failed = NULL;
    return NULL;
}

static char *fail_in(CdcDecoder *self, JsonReader *reader) {
    self->reason = NULL;
    self->failed = reader;
    return NULL;
}

static Status record_failed(Decoder *base, Str record, Error *err) {
    CdcDecoder *self = (CdcDecoder *)base;
    if (self->rows.options.ignore_errors) {
        base->skipped++;
        return ST_OK;
    }
    if (self->failed || self->envelope.not_text) {
        (void)json_reader_error(self->envelope.not_text ? &self->envelope : self->failed, err);
    } else {
        (void)error_set(err, ST_RUNTIME, "%s", self->reason);
    }
    error_while(err, "reading the %s message %.*s", self->dialect->name,
                (int)(record.len < 200 ? record.len : 200), record.ptr);
    return ST_RUNTIME;
}

// Parts of the envelope --------------------------------------------------------------------------

// The bytes of a part, or ptr == NULL where it is missing or null.
static Str part(const CdcDecoder *self, uint32_t field) {
    const Vec *vec = self->parts->column[field];
    if (vec_is_null(vec, 0)) return (Str){NULL, 0};
    return vec_str(vec)[0];
}

// JsonNode.asText of a scalar part: a string without its quotes and escapes. The part stays as it
// is: several columns may come from it.
static Str part_text(CdcDecoder *self, Str bytes) {
    if (!bytes.ptr || bytes.ptr[0] != '"') return bytes;
    Str text = str_sub(bytes, 1, bytes.len - 2);
    if (!text.len || !memchr(text.ptr, '\\', text.len)) return text;
    Str copy = str_dup(&self->scratch, text);
    copy.len = json_unescape((char *)(uintptr_t)copy.ptr, copy.len);
    return copy.len == UINT32_MAX ? (Str){"", 0} : copy;
}

// Reads the object [bytes] into row [row] of [columns].
static bool read_part(CdcDecoder *self, JsonReader *reader, Str bytes, Vec **columns,
                      uint32_t row) {
    reader->lines = false;
    reader->borrow = self->envelope.borrow;
    reader->end = str_end(bytes);
    if (json_read_object(reader, columns, row, (char *)(uintptr_t)bytes.ptr, false)) return true;
    (void)fail_in(self, reader);
    return false;
}

// Rows -------------------------------------------------------------------------------------------

static bool read_row(CdcDecoder *self, Str bytes, uint32_t row) {
    if (!bytes.ptr) {
        (void)fail(self, "a message without its row");
        return false;
    }
    return read_part(self, &self->rows, bytes, self->base.batch->column, row);
}

// Which wanted fields have a key of their name anywhere in [bytes], as JsonNode.findValue sees it.
static void find_names(const CdcDecoder *self, Str bytes, uint64_t *present) {
    const Map *names = &self->rows.root.by_name;
    char *at = (char *)(uintptr_t)bytes.ptr;
    const char *end = at + bytes.len;
    while (at < end) {
        if (*at != '"') {
            at++;
            continue;
        }
        bool escaped;
        char *to = json_string_end(at + 1, end, false, &escaped);
        if (!to) return;
        Str name = {at + 1, (uint32_t)(to - at) - 2};
        for (at = to; at < end && (*at == ' ' || *at == '\t'); at++) continue;
        if (at >= end || *at != ':') continue;
        intptr_t place = (intptr_t)map_get(names, name);
        if (place > 0) bits_set(present, (uint32_t)place - 1);
    }
}

// The fields that "old" does not mention have not changed.
static void fill_unchanged(CdcDecoder *self, const uint64_t *present, uint32_t before,
                           uint32_t after) {
    for (uint32_t i = 0; i < self->wanted->child_count; i++) {
        Vec *vec = self->base.batch->column[i];
        if (!vec_is_null(vec, before) || bits_get(present, i) || vec_is_null(vec, after)) continue;
        slot_undo(vec, before);
        vec_share_value(vec, before, vec, after);
    }
}

static bool read_metadata(CdcDecoder *self, uint32_t row);

static bool emit(CdcDecoder *self, RowKind kind) {
    Batch *batch = self->base.batch;
    uint32_t row = batch->rows;
    if (!read_metadata(self, row)) return false;
    batch->rows++;
    if (kind != ROW_INSERT || batch->kinds) batch_need_kinds(batch)[row] = (uint8_t)kind;
    return true;
}

// One change of one row; [present] for dialects whose before is partial.
static bool change(CdcDecoder *self, RowKind kind, Str after, Str before, const uint64_t *present) {
    Decoder *base = &self->base;
    uint32_t row = base->batch->rows;
    decoder_reserve(base, row + 2);
    if (kind == ROW_INSERT) return read_row(self, after, row) && emit(self, ROW_INSERT);
    bool partial = self->dialect->old_values;
    if (kind == ROW_DELETE) {
        if (!partial && !before.ptr) return fail(self, NO_BEFORE) != NULL;
        return read_row(self, partial ? after : before, row) && emit(self, ROW_DELETE);
    }
    if (!before.ptr) return fail(self, NO_BEFORE) != NULL;
    if (!read_row(self, before, row) || !read_row(self, after, row + 1)) return false;
    if (partial) fill_unchanged(self, present, row, row + 1);
    return emit(self, ROW_UPDATE_BEFORE) && emit(self, ROW_UPDATE_AFTER);
}

// The next element of the array whose rest is at *at; ptr == NULL at its end.
static Str next_element(const char **at, const char *end) {
    const char *from = *at;
    while (from < end && *from != '{') {
        if (*from == ']' || *from == '}') return (Str){NULL, 0};
        from++;
    }
    if (from >= end) return (Str){NULL, 0};
    char *to = json_container_end((char *)(uintptr_t)from + 1, end, false);
    if (!to) return (Str){NULL, 0};
    *at = to;
    return str_make(from, (size_t)(to - from));
}

static bool changes(CdcDecoder *self, RowKind kind, Str after, Str before) {
    enum { PRESENT_WORDS = TYPE_FIELDS_MAX / 64 };
    uint64_t present[PRESENT_WORDS];
    if (kind == ROW_UPDATE_AFTER && self->dialect->old_values) {
        memset(present, 0, BITS_WORDS(self->wanted->child_count) * 8);
        if (before.ptr) find_names(self, before, present);
    }
    if (!self->dialect->arrays) return change(self, kind, after, before, present);
    if (!after.ptr || after.ptr[0] != '[') {
        return fail(self, "the \"data\" field is no array") != NULL;
    }
    if (kind == ROW_UPDATE_AFTER && (!before.ptr || before.ptr[0] != '[')) {
        return fail(self, "the \"old\" field of an UPDATE is no array") != NULL;
    }
    const char *at = after.ptr + 1, *end = str_end(after);
    const char *old_at = before.ptr ? before.ptr + 1 : NULL, *old_end = str_end(before);
    for (;;) {
        Str row = next_element(&at, end), old = {NULL, 0};
        if (!row.ptr) return true;
        if (kind == ROW_UPDATE_AFTER) old = next_element(&old_at, old_end);
        if (!change(self, kind, row, old, present)) return false;
    }
}

static bool is_op(Str op, const char *name) {
    return name && str_eq(op, str_c(name));
}

// Reads the message at [at] into zero, one or more rows.
static char *read_message(CdcDecoder *self, char *at) {
    const CdcDialect *dialect = self->dialect;
    self->reason = "no message";
    if (self->scratch.bytes) arena_reset(&self->scratch);
    self->failed = NULL;
    char *to = at;
    if (self->schema_include) {
        self->payload.lines = self->envelope.lines;
        self->payload.end = self->envelope.end;
        row_undo(self->parts, 0);
        to = json_read_object(&self->payload, &self->parts->column[0], 0, at, false);
        if (!to) return fail_in(self, &self->payload);
        Str payload = part(self, 0);
        if (!payload.ptr) return fail(self, "a message without \"payload\"");
        at = (char *)(uintptr_t)payload.ptr;
    }
    row_undo(self->parts, 0);
    char *end = json_read_object(&self->envelope, self->parts->column, 0, at, false);
    if (!end) return fail_in(self, &self->envelope);
    if (!self->schema_include) to = end;

    // The names are compared before anything is read: another table's rows may have other types.
    for (int i = CDC_DATABASE; i <= CDC_TABLE; i++) {
        const Pattern *pattern = i == CDC_DATABASE ? self->database : self->table;
        if (!pattern) continue;
        Str name = part_text(self, part(self, (uint32_t)i));
        if (!name.ptr) return fail(self, "a message without database or table");
        if (!pattern_matches(pattern, name)) return to;
    }
    Str op = part_text(self, part(self, CDC_OP)), after = part(self, CDC_AFTER),
        before = part(self, CDC_BEFORE);
    if (!op.ptr) return fail(self, "a message without its operation");
    RowKind kind;
    if (is_op(op, dialect->insert[0]) || is_op(op, dialect->insert[1])) {
        kind = ROW_INSERT;
    } else if (is_op(op, dialect->update)) {
        kind = ROW_UPDATE_AFTER;
    } else if (is_op(op, dialect->remove)) {
        kind = ROW_DELETE;
    } else if (is_op(op, dialect->ignore)) {
        return to;
    } else {
        return fail(self, "an unknown operation");
    }
    decoder_open(&self->base);
    Batch *batch = self->base.batch;
    uint32_t start = batch->rows;
    if (changes(self, kind, after, before)) return to;
    // What a part of the message has left behind is written over.
    for (uint32_t row = start; row < batch->rows + 2 && row < batch->column[0]->cap; row++) {
        row_undo(batch, row);
    }
    batch->rows = start;
    return NULL;
}

// Metadata ---------------------------------------------------------------------------------------

static bool metadata_value(CdcDecoder *self, uint32_t index, Str bytes, Vec *vec, uint32_t row) {
    const CdcMetadata *meta = self->meta[index];
    int64_t number;
    Timestamp stamp;
    if (meta->how == META_JSON) {
        // A value is read as the only field of an object that is put around it.
        Buf object = {0};
        buf_puts(&object, "{\"v\":");
        buf_put_str(&object, bytes);
        buf_puts(&object, "}");
        memset(buf_reserve(&object, DECODE_PADDING), 0, DECODE_PADDING);
        bool borrow = self->envelope.borrow;
        self->envelope.borrow = false;
        bool good = read_part(self, &self->inner[index], buf_str(&object), &vec, row);
        self->envelope.borrow = borrow;
        buf_free(&object);
        return good;
    }
    Str text = part_text(self, bytes);
    if (meta->how == META_TEXT) {
        slot_text_copy(vec, row, text);
        return true;
    }
    if (meta->how == META_STAMP) {
        if (!timestamp_parse(text, &stamp) && !timestamp_parse_format(text, true, false, &stamp)) {
            return fail(self, "a timestamp of the message cannot be read") != NULL;
        }
    } else {
        if (!str_to_i64(text, &number)) {
            return fail(self, "a time of the message is no number") != NULL;
        }
        stamp = (Timestamp){.ms = meta->how == META_SECONDS ? number * 1000 : number};
    }
    vec_set_timestamp(vec, row, stamp);
    return true;
}

// The value of key [name] in the object [bytes], or ptr == NULL.
static Str inner_part(CdcDecoder *self, uint32_t index, Str bytes) {
    Arena arena;
    arena_init(&arena);
    Vec *vec = vec_new(&arena, type_of(TYPE_VARCHAR, true), 1);
    Str found = {NULL, 0};
    if (bytes.ptr[0] == '{' && read_part(self, &self->inner[index], bytes, &vec, 0) &&
        !vec_is_null(vec, 0)) {
        found = vec_str(vec)[0];
    }
    arena_clear(&arena);
    return found;
}

static bool read_metadata(CdcDecoder *self, uint32_t row) {
    for (uint32_t i = 0; i < self->meta_count; i++) {
        Vec *vec = self->base.batch->column[self->wanted->child_count + i];
        Str bytes = part(self, self->meta_part[i]);
        if (bytes.ptr && self->meta[i]->inner) bytes = inner_part(self, i, bytes);
        if (!bytes.ptr) {
            slot_null(vec, row);
        } else if (!metadata_value(self, i, bytes, vec, row)) {
            return false;
        }
    }
    return true;
}

// The face ---------------------------------------------------------------------------------------

static char *one_record(Decoder *base, char *at) {
    CdcDecoder *self = (CdcDecoder *)base;
    return read_message(self, json_skip_blank(&self->envelope, at));
}

static const JsonRecords RECORDS = {.record = one_record, .failed = record_failed};

static Status cdc_message(Decoder *base, Str message, bool borrow, Error *err) {
    return json_read_message(base, &((CdcDecoder *)base)->envelope, &RECORDS, message, borrow, err);
}

static Status cdc_stream(Decoder *base, char *bytes, size_t size, bool at_end, size_t *used,
                         Error *err) {
    return json_read_lines(base, &((CdcDecoder *)base)->envelope, &RECORDS, bytes, size, at_end,
                           used, err);
}

static void cdc_close(Decoder *base) {
    CdcDecoder *self = (CdcDecoder *)base;
    batch_unref(base->batch);
    batch_unref(self->parts);
    json_reader_clear(&self->envelope);
    json_reader_clear(&self->rows);
    json_reader_clear(&self->payload);
    for (uint32_t i = 0; i < self->meta_count; i++) json_reader_clear(&self->inner[i]);
    pattern_free(self->database);
    pattern_free(self->table);
    arena_clear(&self->scratch);
    arena_clear(&self->arena);
    mem_free(self);
}

static const DecoderVt CDC_DECODER = {
    .message = cdc_message, .stream = cdc_stream, .close = cdc_close};

// A reader of the bytes of some fields.
static Status raw_reader(CdcDecoder *self, JsonReader *reader, const Str *field, uint32_t count,
                         const Type **type, Error *err) {
    const Type **child = ARENA_ARRAY(&self->arena, const Type *, count);
    for (uint32_t i = 0; i < count; i++) child[i] = type_of(TYPE_VARCHAR, true);
    *type = type_row(&self->arena, count, child, field, true);
    JsonOptions options = {.tree = true};
    TRY(json_reader_init(reader, *type, *type, &options, err));
    for (uint32_t i = 0; i < count; i++) reader->root.child[i].op = JSON_RAW;
    return ST_OK;
}

static Status plan_metadata(CdcDecoder *self, const DecodeSpec *spec, Error *err) {
    if (spec->metadata_count > METADATA_MAX) {
        return error_set(err, ST_UNSUPPORTED, "more than %d metadata columns", METADATA_MAX);
    }
    self->inner = ARENA_ARRAY(&self->arena, JsonReader, spec->metadata_count);
    for (uint32_t i = 0; i < spec->metadata_count; i++) {
        const CdcMetadata *meta = self->dialect->metadata;
        while (meta->name && !str_eq(str_c(meta->name), spec->metadata[i])) meta++;
        if (!meta->name) {
            return error_set(err, ST_VALIDATION, "the format %s has no metadata '" STR_FMT "'",
                             self->dialect->name, STR_ARG(spec->metadata[i]));
        }
        const Type *type;
        self->meta[i] = meta;
        self->meta_count++;
        if (meta->inner) {
            Str name = str_c(meta->inner);
            TRY(raw_reader(self, &self->inner[i], &name, 1, &type, err));
        } else if (meta->how == META_JSON) {
            static const Str VALUE = {"v", 1};
            type = type_row(&self->arena, 1, &spec->metadata_type[i], &VALUE, true);
            JsonOptions options = {.tree = true};
            TRY(json_reader_init(&self->inner[i], type, type, &options, err));
        }
    }
    return ST_OK;
}

static Status plan_envelope(CdcDecoder *self, Error *err) {
    uint32_t count = CDC_FIELDS_FIXED;
    Str *field = ARENA_ARRAY(&self->arena, Str, count + self->meta_count);
    for (uint32_t i = 0; i < count; i++) {
        // A part that the dialect lacks gets a name that no key has.
        const char *name = self->dialect->field[i];
        field[i] = name ? str_c(name) : str_printf(&self->arena, "\n%u", i);
    }
    for (uint32_t i = 0; i < self->meta_count; i++) {
        uint32_t at = 0;
        while (at < count && !str_eq(field[at], str_c(self->meta[i]->field))) at++;
        self->meta_part[i] = at;
        if (at == count) field[count++] = str_c(self->meta[i]->field);
    }
    const Type *type;
    TRY(raw_reader(self, &self->envelope, field, count, &type, err));
    self->parts = batch_new_columns(type, 1);
    static const Str PAYLOAD = {"payload", 7};
    return raw_reader(self, &self->payload, &PAYLOAD, 1, &type, err);
}

static Status cdc_decoder_new(const CdcDialect *dialect, const DecodeSpec *spec, Decoder **out,
                              Error *err) {
    CdcDecoder *self = NEW(CdcDecoder);
    arena_init(&self->arena);
    arena_init(&self->scratch);
    self->base.vt = &CDC_DECODER;
    self->base.produced = spec->produced ? spec->produced : spec->wanted;
    self->dialect = dialect;
    self->wanted = spec->wanted;
    JsonOptions options = json_options(&spec->options, spec->full);
    options.tree = true;
    options.fail_on_missing = false;
    Status st =
        json_reader_init(&self->rows, spec->wanted, json_full(&self->arena, spec), &options, err);
    if (!st) st = plan_metadata(self, spec, err);
    if (!st) st = plan_envelope(self, err);
    if (!st && dialect == &DEBEZIUM) {
        self->schema_include = options_bool(&spec->options, "schema-include");
    }
    if (!st && dialect == &CANAL) {
        const char *database = options_get(&spec->options, "database.include");
        const char *table = options_get(&spec->options, "table.include");
        if (database) st = pattern_new(str_c(database), "database.include", &self->database, err);
        if (!st && table) st = pattern_new(str_c(table), "table.include", &self->table, err);
    }
    if (st) {
        cdc_close(&self->base);
        return st;
    }
    *out = &self->base;
    return ST_OK;
}

static const Type *cdc_metadata_type(const CdcDialect *dialect, Arena *arena, Str name) {
    const Type *text = type_of(TYPE_VARCHAR, true);
    for (const CdcMetadata *meta = dialect->metadata; meta->name; meta++) {
        if (!str_eq(str_c(meta->name), name)) continue;
        switch (meta->kind) {
            case TYPE_TIMESTAMP_LTZ: return type_timestamp_ltz(arena, meta->precision, true);
            case TYPE_ARRAY: return type_array(arena, text, true);
            case TYPE_MAP:
                return type_map(
                    arena, text,
                    meta->inner || dialect == &DEBEZIUM ? text : type_of(TYPE_INT, true), true);
            default: return text;
        }
    }
    return NULL;
}

// Encoders ---------------------------------------------------------------------------------------

typedef struct CdcEncoder {
    Encoder base;
    const CdcDialect *dialect;
    const Type *schema;
    JsonWriter writer;
} CdcEncoder;

// An update is a delete and a create: what comes out can be read by whoever keeps a table.
static Status cdc_row(Encoder *base, const Batch *batch, uint32_t row, Buf *out, Error *err) {
    CdcEncoder *self = (CdcEncoder *)base;
    const CdcDialect *dialect = self->dialect;
    bool add = row_kind_is_add(batch_kind(batch, row));
    const char *op = add ? dialect->insert[0] : dialect->remove;
    if (dialect->old_values) {
        buf_puts(out, dialect->arrays ? "{\"data\":[" : "{\"data\":");
        TRY(json_put_row(&self->writer, self->schema, batch->column, row, out, err));
        buf_printf(out, "%s,\"type\":\"%s\"}", dialect->arrays ? "]" : "", op);
        return ST_OK;
    }
    bool nulls = !self->writer.ignore_nulls;
    buf_puts(out, !add ? "{\"before\":" : nulls ? "{\"before\":null,\"after\":" : "{\"after\":");
    TRY(json_put_row(&self->writer, self->schema, batch->column, row, out, err));
    buf_printf(out, "%s,\"%s\":\"%s\"}", !add && nulls ? ",\"after\":null" : "",
               dialect->field[CDC_OP], op);
    return ST_OK;
}

static void cdc_encoder_close(Encoder *base) {
    mem_free(base);
}

static const EncoderVt CDC_ENCODER = {.row = cdc_row, .close = cdc_encoder_close};

static Status cdc_encoder_new(const CdcDialect *dialect, const EncodeSpec *spec, Encoder **out,
                              Error *err) {
    TRY(json_check_type(spec->schema, err));
    CdcEncoder *self = NEW(CdcEncoder);
    self->base.vt = &CDC_ENCODER;
    self->dialect = dialect;
    self->schema = spec->schema;
    self->writer = json_writer(&spec->options);
    *out = &self->base;
    return ST_OK;
}

// The rows of the table of formats ---------------------------------------------------------------

// clang-format off
#define CDC_OPTIONS_COMMON \
    {.key = "ignore-parse-errors", .kind = OPTION_BOOL, .fallback = "false", .doc = "A field that cannot be read is NULL, a message that cannot be is skipped."}, \
    {.key = "timestamp-format.standard", .kind = OPTION_TEXT, .fallback = "SQL", .values = JSON_STANDARDS, .doc = "How timestamps are written: 'SQL' (a blank in the middle) or 'ISO-8601' (a T)."}, \
    {.key = "map-null-key.mode", .kind = OPTION_TEXT, .fallback = "FAIL", .values = JSON_NULL_KEYS, .doc = "What a sink does with a NULL key of a map."}, \
    {.key = "map-null-key.literal", .kind = OPTION_TEXT, .fallback = "null", .doc = "The literal for such a key."}, \
    {.key = "encode.decimal-as-plain-number", .kind = OPTION_BOOL, .fallback = "false", .doc = "DECIMALs are written without exponents."}, \
    {.key = "encode.ignore-null-fields", .kind = OPTION_BOOL, .fallback = "false", .doc = "NULL fields are not written."}

static const OptionDef DEBEZIUM_OPTIONS[] = {
    CDC_OPTIONS_COMMON,
    {.key = "schema-include", .kind = OPTION_BOOL, .fallback = "false", .doc = "Messages carry their schema, the change lies in \"payload\"."},
    {0},
};
static const OptionDef CANAL_OPTIONS[] = {
    CDC_OPTIONS_COMMON,
    {.key = "database.include", .kind = OPTION_TEXT, .doc = "Only changes of databases that match this regular expression."},
    {.key = "table.include", .kind = OPTION_TEXT, .doc = "Only changes of tables that match this regular expression."},
    {0},
};
static const OptionDef PLAIN_OPTIONS[] = {
    CDC_OPTIONS_COMMON,
    {0},
};
// clang-format on

static Status cdc_check(const Type *schema, const Options *options, bool decode, Error *err) {
    TRY(json_check_options(options, decode, err));
    return json_check_type(schema, err);
}

static Status debezium_check(const Type *schema, const Options *options, bool decode, Error *err) {
    if (!decode && options_bool(options, "schema-include")) {
        return error_set(err, ST_VALIDATION,
                         "table '" STR_FMT "': debezium-json cannot write schemas",
                         STR_ARG(options->owner));
    }
    return cdc_check(schema, options, decode, err);
}

#define CDC_FACE(prefix, dialect)                                                       \
    static Status prefix##_decoder(const DecodeSpec *spec, Decoder **out, Error *err) { \
        return cdc_decoder_new(&(dialect), spec, out, err);                             \
    }                                                                                   \
    static Status prefix##_encoder(const EncodeSpec *spec, Encoder **out, Error *err) { \
        return cdc_encoder_new(&(dialect), spec, out, err);                             \
    }                                                                                   \
    static const Type *prefix##_metadata(Arena *arena, Str name) {                      \
        return cdc_metadata_type(&(dialect), arena, name);                              \
    }
CDC_FACE(debezium, DEBEZIUM)
CDC_FACE(canal, CANAL)
CDC_FACE(maxwell, MAXWELL)
CDC_FACE(ogg, OGG)

static const char *const DEBEZIUM_NAMES[] = {"schema", "ingestion-timestamp", "source.timestamp",
                                             "source.database", "source.schema", "source.table",
                                             "source.properties", NULL};
static const char *const CANAL_NAMES[] = {"database", "table", "sql-type", "pk-names",
                                          "ingestion-timestamp", "event-timestamp", NULL};
static const char *const MAXWELL_NAMES[] = {"database", "table", "primary-key-columns",
                                            "ingestion-timestamp", NULL};
static const char *const OGG_NAMES[] = {"table", "primary-keys", "ingestion-timestamp",
                                        "event-timestamp", NULL};

#define CDC_FORMAT(id, prefix, option_table, checker, names, text)                           \
    {                                                                                        \
        .name = id, .options = option_table, .decodes = CHANGES_ALL, .encodes = CHANGES_ALL, \
        .separator = "\n", .decoder_new = prefix##_decoder,     \
        .encoder_new = prefix##_encoder, .check = checker, .metadata = names,                \
        .metadata_type = prefix##_metadata, .doc = text,                                     \
    }
const Format DEBEZIUM_JSON_FORMAT =
    CDC_FORMAT("debezium-json", debezium, DEBEZIUM_OPTIONS, debezium_check, DEBEZIUM_NAMES,
               "Changes as Debezium writes them.");
const Format CANAL_JSON_FORMAT = CDC_FORMAT("canal-json", canal, CANAL_OPTIONS, cdc_check,
                                            CANAL_NAMES, "Changes as Alibaba's Canal writes them.");
const Format MAXWELL_JSON_FORMAT = CDC_FORMAT("maxwell-json", maxwell, PLAIN_OPTIONS, cdc_check,
                                              MAXWELL_NAMES, "Changes as Maxwell writes them.");
const Format OGG_JSON_FORMAT = CDC_FORMAT("ogg-json", ogg, PLAIN_OPTIONS, cdc_check, OGG_NAMES,
                                          "Changes as Oracle GoldenGate writes them.");
