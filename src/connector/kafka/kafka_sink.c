// Writes rows as messages. An idempotent producer, so that a retry inside librdkafka neither loses
// nor doubles nor reorders messages; flush waits until the brokers have acknowledged all.
//
// 'upsert-kafka' sends a deletion as the key with a null value, and may hold rows back to send only
// the last change of each key (sink.buffer-flush.*).
#include <stdatomic.h>
#include <stdio.h>

#include "connector/kafka/kafka_int.h"

enum {
    FLUSH_SLICE_MS = 100,        // between looks at delivery errors
    FULL_WAIT_MS = 50,           // when the producer's queue is full
    FLUSH_PATIENCE_MS = 300000,  // librdkafka gives a message up on its own (delivery.timeout.ms)
    ASK_TOPIC_EVERY_MS = 2000,   // of waiting
};

// A key's last change, held back.
typedef struct Held {
    char *value;  // owned; NULL: deleted
    size_t size;
} Held;

typedef struct KafkaSink {
    SinkWriter base;
    KafkaTable table;
    TaskEnv env;
    KafkaTrouble trouble;
    rd_kafka_t *rk;
    rd_kafka_topic_t **topic;  // one for each of the table's topics
    Encoder *key, *value;
    MessagePart key_part, value_part;
    int32_t topic_column, headers_column, timestamp_column;  // of the schema, or -1
    uint32_t counter;                                        // round-robin
    _Atomic int failed;  // rd_kafka_resp_err_t of the first message given up
    Buf key_bytes, value_bytes;
    Map held;  // key bytes -> Held
    int64_t held_since_ms;
} KafkaSink;

// --- Sending -----------------------------------------------------------------------------------

// Called by rd_kafka_poll and _flush, for messages that were given up only.
static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque) {
    KafkaSink *self = message->_private;
    int none = RD_KAFKA_RESP_ERR_NO_ERROR;
    if (!message->err || !self) return;
    (void)atomic_compare_exchange_strong(&self->failed, &none, message->err);
    (void)rk, (void)opaque;
}

static Status sink_trouble(KafkaSink *self, Error *err) {
    int failed = atomic_load(&self->failed);
    if (!failed && !kafka_trouble_fatal(&self->trouble)) return ST_OK;
    char what[320];
    (void)snprintf(what, sizeof what, "writing table '" STR_FMT "' to Kafka",
                   STR_ARG(self->table.desc->name));
    rd_kafka_resp_err_t code = failed ? (rd_kafka_resp_err_t)failed : RD_KAFKA_RESP_ERR__FATAL;
    return kafka_trouble_error(&self->trouble, code, what, err);
}

// Which of the table's topics: the only one, or the one that the row's metadata column names.
static Status topic_of(KafkaSink *self, const Batch *batch, uint32_t row, rd_kafka_topic_t **out,
                       Error *err) {
    if (self->topic_column < 0) {
        *out = self->topic[0];
        return ST_OK;
    }
    const Vec *vec = batch->column[self->topic_column];
    Str name = vec_is_null(vec, row) ? STR("") : vec_str(vec)[row];
    for (uint32_t i = 0; i < self->table.topic_count; i++) {
        if (!str_eq(self->table.topic[i], name)) continue;
        *out = self->topic[i];
        return ST_OK;
    }
    return error_set(err, ST_RUNTIME,
                     "topic '" STR_FMT "' is not one of those that table '" STR_FMT "' names",
                     STR_ARG(name), STR_ARG(self->table.desc->name));
}

static rd_kafka_headers_t *headers_of(KafkaSink *self, const Batch *batch, uint32_t row) {
    if (self->headers_column < 0) return NULL;
    const Vec *vec = batch->column[self->headers_column];
    if (vec_is_null(vec, row)) return NULL;
    ListView list = vec_list(vec)[row];
    rd_kafka_headers_t *headers = rd_kafka_headers_new(list.count);
    for (uint32_t i = list.offset; i < list.offset + list.count; i++) {
        if (vec_is_null(vec->child[0], i)) continue;  // Kafka has no headers without a name
        Str name = vec_str(vec->child[0])[i], value = vec_str(vec->child[1])[i];
        bool null = vec_is_null(vec->child[1], i);
        (void)rd_kafka_header_add(headers, name.ptr ? name.ptr : "", name.len,
                                  null        ? NULL
                                  : value.ptr ? value.ptr
                                              : "",
                                  null ? 0 : value.len);
    }
    return headers;
}

typedef struct Outgoing {
    rd_kafka_topic_t *topic;
    const char *key, *value;  // NULL: none
    size_t key_size, value_size;
    int64_t timestamp_ms;         // 0: now
    rd_kafka_headers_t *headers;  // the producer takes them over
} Outgoing;

static Status produce(KafkaSink *self, const Outgoing *message, Error *err) {
    for (;;) {
        rd_kafka_resp_err_t code = rd_kafka_producev(
            self->rk, RD_KAFKA_V_RKT(message->topic), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
            RD_KAFKA_V_KEY((void *)message->key, message->key_size),
            RD_KAFKA_V_VALUE((void *)message->value, message->value_size),
            RD_KAFKA_V_TIMESTAMP(message->timestamp_ms), RD_KAFKA_V_OPAQUE(self),
            RD_KAFKA_V_HEADERS(message->headers), RD_KAFKA_V_END);
        if (!code) return ST_OK;
        Status st = ST_OK;
        if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
            char what[320];
            (void)snprintf(what, sizeof what, "writing table '" STR_FMT "' to topic '%s'",
                           STR_ARG(self->table.desc->name), rd_kafka_topic_name(message->topic));
            st = kafka_trouble_error(&self->trouble, code, what, err);
        } else {
            (void)rd_kafka_poll(self->rk, FULL_WAIT_MS);  // the broker is slower than we are
            st = sink_trouble(self, err);
        }
        if (!st) continue;
        if (message->headers) rd_kafka_headers_destroy(message->headers);
        return st;
    }
}

// 'fixed' and 'round-robin' choose by number; the default, by key, is librdkafka's own. Called by
// the thread that produces, or by librdkafka's once it has learnt of the partitions.
static int32_t partition_fixed(const rd_kafka_topic_t *topic, const void *key, size_t key_size,
                               int32_t count, void *topic_opaque, void *message_opaque) {
    const KafkaSink *self = topic_opaque;
    return (int32_t)(self->env.index % (uint32_t)count);
}

static int32_t partition_round_robin(const rd_kafka_topic_t *topic, const void *key,
                                     size_t key_size, int32_t count, void *topic_opaque,
                                     void *message_opaque) {
    KafkaSink *self = topic_opaque;
    uint32_t next = __atomic_fetch_add(&self->counter, 1, __ATOMIC_RELAXED);
    return (int32_t)((self->env.index + next) % (uint32_t)count);
}

// --- Holding back ------------------------------------------------------------------------------

static Status held_flush(KafkaSink *self, Error *err) {
    Status st = ST_OK;
    for (uint32_t i = 0; i < self->held.count; i++) {
        MapEntry *entry = &self->held.entry[i];
        Held *held = entry->value;
        Outgoing message = {.topic = self->topic[0],
                            .key = entry->key.ptr,
                            .key_size = entry->key.len,
                            .value = held->value,
                            .value_size = held->size};
        if (!st) st = produce(self, &message, err);
        mem_free(held->value);
        mem_free(held);
    }
    map_clear(&self->held);
    return st;
}

static Status hold(KafkaSink *self, const Outgoing *message, Error *err) {
    Str key = str_make(message->key, message->key_size);
    Held *held = map_get(&self->held, key);
    if (!held) {
        held = NEW(Held);
        (void)map_put(&self->held, key, held);
    }
    mem_free(held->value);
    held->size = message->value_size;
    held->value = NULL;
    if (message->value) {
        held->value = mem_alloc(message->value_size + 1);
        if (message->value_size) memcpy(held->value, message->value, message->value_size);
    }
    int64_t now = os_monotonic_ns() / 1000000;
    if (self->held.count == 1) self->held_since_ms = now;
    if (self->held.count < self->table.buffer_rows &&
        now - self->held_since_ms < self->table.buffer_ms) {
        return ST_OK;
    }
    return held_flush(self, err);
}

// --- Rows --------------------------------------------------------------------------------------

// The columns of one part as a batch of their own, for its encoder.
static Batch *part_batch(const MessagePart *part, const Batch *in) {
    Batch *batch = batch_new(part->type);
    batch->rows = in->rows;
    batch->kinds = in->kinds;
    for (uint32_t i = 0; i < part->column_count; i++) {
        batch->column[i] = in->column[part->column[i]];
    }
    return batch;
}

static Status write_row(KafkaSink *self, const Batch *in, const Batch *key, const Batch *value,
                        uint32_t row, Error *err) {
    Outgoing message = {0};
    self->key_bytes.len = self->value_bytes.len = 0;
    if (self->key) {
        TRY(self->key->vt->row(self->key, key, row, &self->key_bytes, err));
        message.key = self->key_bytes.ptr ? self->key_bytes.ptr : "";
        message.key_size = self->key_bytes.len;
    }
    if (!self->table.upsert || row_kind_is_add(batch_kind(in, row))) {
        TRY(self->value->vt->row(self->value, value, row, &self->value_bytes, err));
        message.value = self->value_bytes.ptr ? self->value_bytes.ptr : "";
        message.value_size = self->value_bytes.len;
    }
    TRY(topic_of(self, in, row, &message.topic, err));
    if (self->timestamp_column >= 0) {
        const Vec *vec = in->column[self->timestamp_column];
        if (!vec_is_null(vec, row)) {
            message.timestamp_ms = vec_timestamp(vec, row).ms;
            if (message.timestamp_ms < 0) {
                return error_set(err, ST_RUNTIME,
                                 "a Kafka message cannot have a time stamp before 1970: %lld",
                                 (long long)message.timestamp_ms);
            }
        }
    }
    if (self->table.buffer_rows > 0 && self->headers_column < 0 && self->timestamp_column < 0) {
        return hold(self, &message, err);
    }
    message.headers = headers_of(self, in, row);
    return produce(self, &message, err);
}

static Status sink_write(SinkWriter *base, const Batch *batch, Error *err) {
    KafkaSink *self = (KafkaSink *)base;
    Batch *key = self->key ? part_batch(&self->key_part, batch) : NULL;
    Batch *value = part_batch(&self->value_part, batch);
    Status st = ST_OK;
    for (uint32_t row = 0; !st && row < batch->rows; row++) {
        st = write_row(self, batch, key, value, row, err);
    }
    batch_unref(key);
    batch_unref(value);
    (void)rd_kafka_poll(self->rk, 0);
    return st ? st : sink_trouble(self, err);
}

// When messages stay, the topic may be one that we cannot write to: librdkafka would go on asking
// for it until they time out. Asks once, and fails where waiting does not help.
static Status topics_ask(KafkaSink *self, Error *err) {
    for (uint32_t i = 0; i < self->table.topic_count; i++) {
        const struct rd_kafka_metadata *about;
        if (rd_kafka_metadata(self->rk, 0, self->topic[i], &about, ASK_TOPIC_EVERY_MS)) continue;
        rd_kafka_resp_err_t code = about->topic_cnt ? about->topics[0].err : 0;
        rd_kafka_metadata_destroy(about);
        if (code != RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED &&
            code != RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION) {
            continue;
        }
        char what[320];
        (void)snprintf(what, sizeof what, "writing table '" STR_FMT "' to topic '%s'",
                       STR_ARG(self->table.desc->name), self->table.topic[i].ptr);
        return kafka_trouble_error(&self->trouble, code, what, err);
    }
    return ST_OK;
}

static Status sink_flush(SinkWriter *base, bool end_of_input, Error *err) {
    KafkaSink *self = (KafkaSink *)base;
    TRY(held_flush(self, err));
    if (self->table.guarantee == NO_GUARANTEE && !end_of_input) {
        (void)rd_kafka_poll(self->rk, 0);
        return sink_trouble(self, err);
    }
    for (int64_t waited = 0; waited < FLUSH_PATIENCE_MS; waited += FLUSH_SLICE_MS) {
        rd_kafka_resp_err_t code = rd_kafka_flush(self->rk, FLUSH_SLICE_MS);
        TRY(sink_trouble(self, err));
        if (code != RD_KAFKA_RESP_ERR__TIMED_OUT) return ST_OK;
        if (waited % ASK_TOPIC_EVERY_MS == ASK_TOPIC_EVERY_MS - FLUSH_SLICE_MS) {
            TRY(topics_ask(self, err));
        }
    }
    return kafka_trouble_error(&self->trouble, RD_KAFKA_RESP_ERR__TIMED_OUT, "writing to Kafka",
                               err);
}

// --- Life --------------------------------------------------------------------------------------

static void sink_close(SinkWriter *base) {
    KafkaSink *self = (KafkaSink *)base;
    if (!self) return;
    for (uint32_t i = 0; i < self->held.count; i++) {
        Held *held = self->held.entry[i].value;
        mem_free(held->value);
        mem_free(held);
    }
    map_clear(&self->held);
    for (uint32_t i = 0; self->topic && i < self->table.topic_count; i++) {
        if (self->topic[i]) rd_kafka_topic_destroy(self->topic[i]);
    }
    if (self->rk) {
        // Whoever wanted the rest out has flushed; a failed job does not wait for its brokers.
        (void)rd_kafka_purge(self->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        (void)rd_kafka_poll(self->rk, 0);
        rd_kafka_destroy(self->rk);
    }
    if (self->key) self->key->vt->close(self->key);
    if (self->value) self->value->vt->close(self->value);
    buf_free(&self->key_bytes);
    buf_free(&self->value_bytes);
    kafka_trouble_clear(&self->trouble);
    mem_free(self);
}

static const SinkVt SINK_VT = {.write = sink_write, .flush = sink_flush, .close = sink_close};

static Status find_metadata(KafkaSink *self, const SinkSpec *spec, Error *err) {
    self->topic_column = self->headers_column = self->timestamp_column = -1;
    for (uint32_t i = 0; i < spec->metadata_count; i++) {
        int32_t column = (int32_t)(spec->table->physical->child_count + i);
        MetadataKey key = kafka_metadata_key(spec->metadata[i].key);
        if (key == META_TOPIC) self->topic_column = column;
        if (key == META_HEADERS) self->headers_column = column;
        if (key == META_TIMESTAMP) self->timestamp_column = column;
    }
    if (self->table.topic_count == 1 || self->topic_column >= 0) return ST_OK;
    (void)error_set(err, ST_VALIDATION,
                    "table '" STR_FMT
                    "' names several topics and nothing says which one to write to",
                    STR_ARG(spec->table->name));
    error_hint(err, "add a column METADATA FROM 'topic'");
    return ST_VALIDATION;
}

static Status encoders_open(KafkaSink *self, Error *err) {
    const MessagePart *key = &self->table.key, *value = &self->table.value;
    self->key_part = *key;
    self->value_part = *value;
    EncodeSpec spec = {.schema = value->type, .options = value->options, .zone = self->env.zone};
    TRY(value->format->encoder_new(&spec, &self->value, err));
    if (!key->format) return ST_OK;
    spec = (EncodeSpec){.schema = key->type, .options = key->options, .zone = self->env.zone};
    return key->format->encoder_new(&spec, &self->key, err);
}

static Status producer_open(KafkaSink *self, Error *err) {
    rd_kafka_conf_t *conf;
    char reason[256];
    TRY(kafka_conf(&self->table, true, &conf, err));
    kafka_trouble_listen(&self->trouble, conf);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    self->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof reason);
    if (!self->rk) {
        rd_kafka_conf_destroy(conf);
        return error_set(err, ST_VALIDATION, "table '" STR_FMT "': %s",
                         STR_ARG(self->table.desc->name), reason);
    }
    self->topic = ARENA_ARRAY(self->env.arena, rd_kafka_topic_t *, self->table.topic_count);
    for (uint32_t i = 0; i < self->table.topic_count; i++) {
        rd_kafka_topic_conf_t *topic = rd_kafka_default_topic_conf_dup(self->rk);
        rd_kafka_topic_conf_set_opaque(topic, self);
        if (self->table.partitioner == PARTITION_FIXED) {
            rd_kafka_topic_conf_set_partitioner_cb(topic, partition_fixed);
        } else if (self->table.partitioner == PARTITION_ROUND_ROBIN) {
            rd_kafka_topic_conf_set_partitioner_cb(topic, partition_round_robin);
        }
        self->topic[i] = rd_kafka_topic_new(self->rk, self->table.topic[i].ptr, topic);
        if (self->topic[i]) continue;
        return error_set(err, ST_RUNTIME, "topic '%s': %s", self->table.topic[i].ptr,
                         rd_kafka_err2str(rd_kafka_last_error()));
    }
    return ST_OK;
}

Status kafka_sink_open(const SinkSpec *spec, const TaskEnv *env, bool upsert, SinkWriter **out,
                       Error *err) {
    KafkaSink *self = NEW(KafkaSink);
    self->base.vt = &SINK_VT;
    self->env = *env;
    kafka_trouble_init(&self->trouble);
    Status st = kafka_table_read(env->arena, spec->table, upsert, true, &self->table, err);
    if (!st) st = find_metadata(self, spec, err);
    if (!st) st = encoders_open(self, err);
    if (!st) st = producer_open(self, err);
    if (st) {
        sink_close(&self->base);
        return st;
    }
    *out = &self->base;
    return ST_OK;
}
