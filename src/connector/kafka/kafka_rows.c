// Messages become rows: the value's decoder gives rows, the key's decoder gives rows, and each row
// of the one goes with each of the other (nearly always: one with one). Metadata columns are filled
// in beside them. The columns of the decoders' batches are handed on as they are when rows and
// messages go one to one, else gathered.
//
// Memory: the bytes of messages whose text columns somebody reads are copied into a holder, a batch
// without columns that the made batch keeps; text views point there. A message's own memory belongs
// to librdkafka and may not have the padding that decoders want.
#include <stdio.h>

#include "connector/kafka/kafka_int.h"

// --- Metadata ----------------------------------------------------------------------------------

static const struct {
    const char *name;
    bool writable;
} METADATA[META_COUNT_] = {
    [META_TOPIC] = {"topic", true},
    [META_PARTITION] = {"partition", false},
    [META_HEADERS] = {"headers", true},
    [META_LEADER_EPOCH] = {"leader-epoch", false},
    [META_OFFSET] = {"offset", false},
    [META_TIMESTAMP] = {"timestamp", true},
    [META_TIMESTAMP_TYPE] = {"timestamp-type", false},
};

MetadataKey kafka_metadata_key(Str key) {
    MetadataKey i = 0;
    while (i < META_COUNT_ && !str_eq(key, str_c(METADATA[i].name))) i++;
    return i;
}

static const Type *metadata_type(Arena *arena, MetadataKey key) {
    switch (key) {
        case META_TOPIC:
        case META_TIMESTAMP_TYPE: return type_varchar(arena, TYPE_LENGTH_MAX, false);
        case META_PARTITION: return type_of(TYPE_INT, false);
        case META_LEADER_EPOCH: return type_of(TYPE_INT, true);
        case META_OFFSET: return type_of(TYPE_BIGINT, false);
        case META_TIMESTAMP: return type_timestamp_ltz(arena, 3, false);
        case META_HEADERS:
            return type_map(arena, type_varchar(arena, TYPE_LENGTH_MAX, false),
                            type_varbinary(arena, TYPE_LENGTH_MAX, false), false);
        case META_COUNT_: break;
    }
    UNREACHABLE();
}

enum { VALUE_PREFIX = 6 };  // "value."

const Type *kafka_metadata_type(Arena *arena, const TableDesc *desc, Str key, bool *writable) {
    MetadataKey own = kafka_metadata_key(key);
    if (own < META_COUNT_) {
        *writable = METADATA[own].writable;
        return metadata_type(arena, own);
    }
    *writable = false;
    if (!str_starts(key, STR("value."))) return NULL;
    const char *name = map_get(desc->options.map, STR("format"));
    if (!name) name = map_get(desc->options.map, STR("value.format"));
    const Format *format = name ? format_find(str_c(name)) : NULL;
    if (!format || !format->metadata_type) return NULL;
    return format->metadata_type(arena, str_sub(key, VALUE_PREFIX, key.len));
}

// --- The maker ---------------------------------------------------------------------------------

enum { NO_ROW = UINT32_MAX };

typedef enum ColumnSource {
    FROM_VALUE,
    FROM_KEY,
    FROM_VALUE_OR_KEY,  // upsert, and in both: deletions only have the key
    FROM_MESSAGE,
} ColumnSource;

typedef struct ColumnPlan {
    uint8_t source;       // ColumnSource
    uint8_t meta;         // MetadataKey
    uint32_t value, key;  // columns of the decoders' batches
} ColumnPlan;

// What a made row is of.
typedef struct RowOrigin {
    uint32_t value, key;  // rows of the decoders' batches, or NO_ROW
    uint32_t message;     // index into RowMaker.message
} RowOrigin;

// What metadata columns want of a message.
typedef struct MessageInfo {
    int64_t offset, timestamp_ms;
    rd_kafka_timestamp_type_t timestamp_type;
    rd_kafka_headers_t *headers;  // owned (detached), or NULL
} MessageInfo;

struct RowMaker {
    const KafkaTable *table;
    const Type *produced;
    ColumnPlan *plan;  // one a produced column; in the job's arena
    Decoder *value, *key;
    bool plain;       // no key, no metadata: the value's batch is the result
    bool hold_bytes;  // a text column is read: bytes must outlive this call
    bool want_headers;
    Batch *holder;
    const Type *nothing;  // schema of the holder
    Buf scratch;          // a message's bytes when they need not be held
    RowOrigin *row;       // when not plain
    uint32_t rows, row_cap;
    MessageInfo *message;
    uint32_t messages, message_cap;
    char *topic;  // of the batch at hand; owned
    int32_t partition;
};

static bool holds_bytes(const Type *type) {
    if (type_phys(type) == PHYS_STR) return true;
    for (uint32_t i = 0; i < type->child_count; i++) {
        if (holds_bytes(type->child[i])) return true;
    }
    return false;
}

static bool part_has(const MessagePart *part, const Type *physical, Str name) {
    for (uint32_t i = 0; i < part->column_count; i++) {
        if (str_eq(physical->field[part->column[i]], name)) return true;
    }
    return false;
}

// A row type that grows.
typedef struct RowType {
    const Type *child[TYPE_FIELDS_MAX];
    Str field[TYPE_FIELDS_MAX];
    uint32_t count;
} RowType;

static uint32_t row_type_add(RowType *self, const Type *type, Str name) {
    self->child[self->count] = type;
    self->field[self->count] = name;
    return self->count++;
}

typedef struct RowFilter {
    FilterTerm *term;
    uint32_t count;
} RowFilter;

static Status open_decoder(const MessagePart *part, const Type *wanted, const RowType *metadata,
                           RowFilter filter, const TaskEnv *env, Decoder **out, Error *err) {
    RowType *all = NEW(RowType);
    for (uint32_t i = 0; i < wanted->child_count; i++) {
        (void)row_type_add(all, wanted->child[i], wanted->field[i]);
    }
    DecodeSpec spec = {.full = part->type, .wanted = wanted, .options = part->options,
                       .zone = env->zone, .filter = filter.term, .filter_count = filter.count};
    if (metadata && metadata->count) {
        Str *name = ARENA_ARRAY(env->arena, Str, metadata->count);
        const Type **type = ARENA_ARRAY(env->arena, const Type *, metadata->count);
        for (uint32_t i = 0; i < metadata->count; i++) {
            name[i] = metadata->field[i];
            type[i] = metadata->child[i];
            (void)row_type_add(all, type[i], name[i]);
        }
        spec.metadata = name;
        spec.metadata_type = type;
        spec.metadata_count = metadata->count;
    }
    spec.produced = type_row(env->arena, all->count, all->child, all->field, false);
    mem_free(all);
    return part->format->decoder_new(&spec, out, err);
}

// The terms that look at columns of the value alone. Of upserts each message counts, whatever is in
// it: a value that nobody wants still takes the place of the one before.
static RowFilter value_filter(const RowMaker *self, const ScanSpec *spec, Arena *arena) {
    RowFilter filter = {.term = ARENA_ARRAY(arena, FilterTerm, spec->early_count + 1)};
    for (uint32_t i = 0; i < spec->early_count && !self->table->upsert; i++) {
        FilterTerm term = spec->early[i];
        const ColumnPlan *plan = &self->plan[term.column];
        if (term.column >= spec->wanted->child_count || plan->source != FROM_VALUE) continue;
        term.column = plan->value;
        filter.term[filter.count++] = term;
    }
    return filter;
}

// Decides where each produced column comes from and opens the decoders for what they give.
static Status plan_columns(RowMaker *self, const ScanSpec *spec, const TaskEnv *env, Error *err) {
    const KafkaTable *table = self->table;
    const Type *physical = table->desc->physical;
    RowType *value = NEW(RowType), *key = NEW(RowType), *meta = NEW(RowType);
    self->plan = ARENA_ARRAY(env->arena, ColumnPlan, spec->produced->child_count + 1);
    self->plain = !table->key.format;
    for (uint32_t i = 0; i < spec->wanted->child_count; i++) {
        Str name = spec->wanted->field[i];
        const Type *type = spec->wanted->child[i];
        bool in_value = part_has(&table->value, physical, name);
        bool from_key = part_has(&table->key, physical, name) && (!in_value || table->upsert);
        ColumnPlan *plan = &self->plan[i];
        if (in_value) plan->value = row_type_add(value, type, name);
        if (from_key) {
            plan->key = row_type_add(key, type, str_sub(name, table->key_prefix.len, name.len));
        }
        plan->source = in_value && from_key ? FROM_VALUE_OR_KEY : in_value ? FROM_VALUE : FROM_KEY;
    }
    for (uint32_t i = 0; i < spec->metadata_count; i++) {
        const MetadataColumn *column = &spec->metadata[i];
        ColumnPlan *plan = &self->plan[spec->wanted->child_count + i];
        plan->meta = (uint8_t)kafka_metadata_key(column->key);
        if (plan->meta == META_COUNT_) {  // the format's
            Str name = str_sub(column->key, VALUE_PREFIX, column->key.len);
            plan->source = FROM_VALUE;
            plan->value = value->count + row_type_add(meta, column->type, name);
        } else {
            plan->source = FROM_MESSAGE;
            self->plain = false;
            self->want_headers |= plan->meta == META_HEADERS;
        }
    }
    const Type *value_type = type_row(env->arena, value->count, value->child, value->field, false);
    const Type *key_type = type_row(env->arena, key->count, key->child, key->field, false);
    self->hold_bytes = holds_bytes(value_type) || holds_bytes(key_type) || meta->count;
    Status st = open_decoder(&table->value, value_type, meta,
                             value_filter(self, spec, env->arena), env, &self->value, err);
    if (!st && table->key.format) {
        st = open_decoder(&table->key, key_type, NULL, (RowFilter){0}, env, &self->key, err);
    }
    mem_free(value);
    mem_free(key);
    mem_free(meta);
    return st;
}

Status rows_new(const KafkaTable *table, const ScanSpec *spec, const TaskEnv *env, RowMaker **out,
                Error *err) {
    RowMaker *self = NEW(RowMaker);
    self->table = table;
    self->produced = spec->produced;
    self->nothing = type_row(env->arena, 0, NULL, NULL, false);
    Status st = plan_columns(self, spec, env, err);
    if (st) {
        rows_free(self);
        return st;
    }
    *out = self;
    return ST_OK;
}

static void forget_messages(RowMaker *self) {
    for (uint32_t i = 0; i < self->messages; i++) {
        if (self->message[i].headers) rdkafka.headers_destroy(self->message[i].headers);
    }
    self->messages = self->rows = 0;
}

void rows_free(RowMaker *self) {
    if (!self) return;
    forget_messages(self);
    if (self->value) self->value->vt->close(self->value);
    if (self->key) self->key->vt->close(self->key);
    batch_unref(self->holder);
    buf_free(&self->scratch);
    mem_free(self->row);
    mem_free(self->message);
    mem_free(self->topic);
    mem_free(self);
}

// --- Adding ------------------------------------------------------------------------------------

static uint32_t decoded(const Decoder *decoder) {
    return decoder->batch ? decoder->batch->rows : 0;
}

// The bytes with padding behind them, where they may stay as long as the batch.
static Str keep_bytes(RowMaker *self, const void *bytes, size_t size) {
    char *at;
    if (!bytes) return (Str){NULL, 0};
    if (self->hold_bytes) {
        if (!self->holder) self->holder = batch_new(self->nothing);
        at = arena_alloc_aligned(&self->holder->arena, size + DECODE_PADDING, 1);
    } else {
        self->scratch.len = 0;
        at = buf_reserve(&self->scratch, size + DECODE_PADDING);
    }
    memcpy(at, bytes, size);
    memset(at + size, 0, DECODE_PADDING);
    return str_make(at, size);
}

static void push_row(RowMaker *self, uint32_t value, uint32_t key) {
    if (self->rows == self->row_cap) {
        self->row_cap = self->row_cap ? self->row_cap * 2 : BATCH_ROWS_MAX;
        self->row = mem_realloc(self->row, self->row_cap * sizeof *self->row);
    }
    self->row[self->rows++] = (RowOrigin){value, key, self->messages - 1};
}

static void push_message(RowMaker *self, const rd_kafka_message_t *message) {
    if (self->messages == self->message_cap) {
        self->message_cap = self->message_cap ? self->message_cap * 2 : BATCH_ROWS_MAX;
        self->message = mem_realloc(self->message, self->message_cap * sizeof *self->message);
    }
    if (self->messages == 0) {
        const char *topic = rdkafka.topic_name(message->rkt);
        if (!self->topic || strcmp(self->topic, topic) != 0) {
            mem_free(self->topic);
            self->topic = mem_strdup(topic);
        }
        self->partition = message->partition;
    }
    MessageInfo *info = &self->message[self->messages++];
    *info = (MessageInfo){.offset = message->offset};
    info->timestamp_ms = rdkafka.message_timestamp(message, &info->timestamp_type);
    rd_kafka_headers_t *headers;
    if (self->want_headers && !rdkafka.message_headers(message, &headers)) {
        info->headers = rdkafka.headers_copy(headers);
    }
}

static Status add(RowMaker *self, const rd_kafka_message_t *message, Error *err) {
    uint32_t key_from = 0, key_to = 0;
    if (!self->plain) push_message(self, message);
    if (self->key) {
        key_from = decoded(self->key);
        Str bytes = keep_bytes(self, message->key, message->key_len);
        Status st = self->key->vt->message(self->key, bytes, self->hold_bytes, err);
        if (st) {
            error_while(err, "key of the message");
            return st;
        }
        key_to = decoded(self->key);
    }
    uint32_t value_from = decoded(self->value), value_to = value_from;
    bool deletes = self->table->upsert && !message->payload;
    if (!deletes) {
        Str bytes = keep_bytes(self, message->payload, message->len);
        TRY(self->value->vt->message(self->value, bytes, self->hold_bytes, err));
        value_to = decoded(self->value);
    }
    if (self->plain) return ST_OK;
    for (uint32_t value = value_from; value < value_to || deletes; value++) {
        if (!self->key) push_row(self, value, NO_ROW);
        for (uint32_t key = key_from; key < key_to; key++) {
            push_row(self, deletes ? NO_ROW : value, key);
        }
        if (deletes) break;
    }
    return ST_OK;
}

Status rows_add(RowMaker *self, const rd_kafka_message_t *message, Error *err) {
    Status st = add(self, message, err);
    if (st && err) {
        (void)snprintf(err->source, sizeof err->source, "%s-%d@%lld",
                       rdkafka.topic_name(message->rkt), (int)message->partition,
                       (long long)message->offset);
    }
    return st;
}

bool rows_full(const RowMaker *self) {
    return self->rows >= BATCH_ROWS_MAX || self->messages >= BATCH_ROWS_MAX ||
           decoder_full(self->value) || (self->key && decoder_full(self->key));
}

// --- Taking ------------------------------------------------------------------------------------

// Which rows of a decoder's batch the made rows are of; NULL when they are the same rows, one by
// one. *missing: some rows have none.
static uint32_t *rows_of(RowMaker *self, Arena *arena, bool key, uint32_t decoder_rows,
                         bool *missing) {
    uint32_t *from = ARENA_ARRAY(arena, uint32_t, self->rows + 1);
    bool same = decoder_rows == self->rows;
    *missing = false;
    for (uint32_t i = 0; i < self->rows; i++) {
        from[i] = key ? self->row[i].key : self->row[i].value;
        same &= from[i] == i;
        if (from[i] != NO_ROW) continue;
        *missing = true;
        from[i] = 0;
    }
    return same ? NULL : from;
}

// One side of the message: its decoder's batch and which of its rows go where.
typedef struct Side {
    Batch *batch;  // NULL: it gave no rows
    uint32_t *from;
    bool missing;
} Side;

static Vec *side_column(const RowMaker *self, const Side *side, bool key, uint32_t column,
                        const Type *type, Arena *arena) {
    if (!side->batch) {
        Vec *none = vec_new(arena, type, self->rows);
        vec_set_all_null(none);
        return none;
    }
    Vec *vec = side->batch->column[column];
    if (!side->from) return vec;
    vec = vec_gather(arena, vec, side->from, self->rows);
    for (uint32_t i = 0; side->missing && i < self->rows; i++) {
        if ((key ? self->row[i].key : self->row[i].value) == NO_ROW) vec_set_null(vec, i);
    }
    return vec;
}

static void headers_fill(Vec *vec, uint32_t row, rd_kafka_headers_t *headers) {
    size_t count = headers ? rdkafka.header_cnt(headers) : 0;
    uint32_t at = vec_list_begin(vec, row, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        const char *name;
        const void *bytes;
        size_t size;
        if (rdkafka.header_get_all(headers, i, &name, &bytes, &size)) continue;
        vec_set_text(vec->child[0], at + (uint32_t)i, str_c(name));
        if (bytes) {
            vec_set_text(vec->child[1], at + (uint32_t)i, str_make(bytes, size));
        } else {
            vec_set_null(vec->child[1], at + (uint32_t)i);
        }
    }
}

static Str timestamp_type_name(rd_kafka_timestamp_type_t type) {
    switch (type) {
        case RD_KAFKA_TIMESTAMP_CREATE_TIME: return STR("CreateTime");
        case RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME: return STR("LogAppendTime");
        case RD_KAFKA_TIMESTAMP_NOT_AVAILABLE: break;
    }
    return STR("NoTimestampType");
}

static Vec *message_column(const RowMaker *self, MetadataKey key, const Type *type, Arena *arena) {
    Vec *vec = vec_new(arena, type, self->rows);
    Str topic = {0};
    if (key == META_TOPIC) topic = str_dup(arena, str_c(self->topic));
    if (key == META_LEADER_EPOCH) vec_set_all_null(vec);  // this client does not tell
    for (uint32_t i = 0; i < self->rows; i++) {
        const MessageInfo *info = &self->message[self->row[i].message];
        switch (key) {
            case META_TOPIC: vec_str(vec)[i] = topic; break;
            case META_PARTITION: vec_i32(vec)[i] = self->partition; break;
            case META_OFFSET: vec_i64(vec)[i] = info->offset; break;
            case META_TIMESTAMP:
                vec_set_timestamp(vec, i, (Timestamp){.ms = info->timestamp_ms});
                break;
            case META_TIMESTAMP_TYPE:
                vec_str(vec)[i] = timestamp_type_name(info->timestamp_type);
                break;
            case META_HEADERS: headers_fill(vec, i, info->headers); break;
            case META_LEADER_EPOCH:
            case META_COUNT_: break;
        }
    }
    return vec;
}

// A column that is in key and value: the value's, and the key's for deletions.
static Vec *merged_column(const RowMaker *self, const Side *value, const Side *key,
                          const ColumnPlan *plan, const Type *type, Arena *arena) {
    Vec *from_key = side_column(self, key, true, plan->key, type, arena);
    if (!value->batch) return from_key;
    Vec *from_value = side_column(self, value, false, plan->value, type, arena);
    if (!value->missing) return from_value;
    Vec *vec = vec_new(arena, type, self->rows);
    for (uint32_t i = 0; i < self->rows; i++) {
        vec_share_value(vec, i, self->row[i].value == NO_ROW ? from_key : from_value, i);
    }
    return vec;
}

static void fill_kinds(const RowMaker *self, const Side *value, Batch *out) {
    if (!self->table->upsert && !(value->batch && value->batch->kinds)) return;
    uint8_t *kinds = batch_need_kinds(out);
    for (uint32_t i = 0; i < self->rows; i++) {
        uint32_t from = self->row[i].value;
        if (self->table->upsert) {
            kinds[i] = from == NO_ROW ? ROW_DELETE : ROW_UPDATE_AFTER;
        } else {
            kinds[i] = value->batch->kinds[from];
        }
    }
}

static Batch *assemble(RowMaker *self) {
    if (!self->rows) return NULL;
    Arena scratch;
    arena_init(&scratch);
    Side value = {.batch = decoder_take(self->value)};
    Side key = {.batch = self->key ? decoder_take(self->key) : NULL};
    value.from =
        rows_of(self, &scratch, false, value.batch ? value.batch->rows : 0, &value.missing);
    key.from = rows_of(self, &scratch, true, key.batch ? key.batch->rows : 0, &key.missing);
    Batch *out = batch_new(self->produced);
    out->rows = self->rows;
    for (uint32_t i = 0; i < self->produced->child_count; i++) {
        const ColumnPlan *plan = &self->plan[i];
        const Type *type = self->produced->child[i];
        switch ((ColumnSource)plan->source) {
            case FROM_VALUE:
                out->column[i] = side_column(self, &value, false, plan->value, type, &out->arena);
                break;
            case FROM_KEY:
                out->column[i] = side_column(self, &key, true, plan->key, type, &out->arena);
                break;
            case FROM_VALUE_OR_KEY:
                out->column[i] = merged_column(self, &value, &key, plan, type, &out->arena);
                break;
            case FROM_MESSAGE:
                out->column[i] = message_column(self, (MetadataKey)plan->meta, type, &out->arena);
                break;
        }
    }
    fill_kinds(self, &value, out);
    if (value.batch) batch_keep(out, value.batch);
    if (key.batch) batch_keep(out, key.batch);
    if (self->holder) batch_keep(out, self->holder);
    batch_unref(value.batch);
    batch_unref(key.batch);
    arena_clear(&scratch);
    return batch_seal(out);
}

Batch *rows_take(RowMaker *self) {
    Batch *out;
    if (self->plain) {
        if (self->value->batch && self->holder) batch_keep(self->value->batch, self->holder);
        out = decoder_take(self->value);
    } else {
        out = assemble(self);
        // Rows that came to nothing (a value without a key row) are not left for the next batch.
        batch_unref(decoder_take(self->value));
        if (self->key) batch_unref(decoder_take(self->key));
        forget_messages(self);
    }
    self->holder = batch_unref(self->holder);
    return out;
}
