// Writes rows as messages. Flush, at every barrier, waits until the brokers have acknowledged all:
// at-least-once. For exactly-once messages are in transactions, one a checkpoint; without
// checkpoints, in a job that ends by itself, one for all.
//
// 'upsert-kafka' sends a deletion as the key with a null value, and may hold rows back to send only
// the last change of each key (sink.buffer-flush.*).
#include <stdio.h>

#include "connector/kafka/kafka_int.h"
#include "spi/pattern.h"

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
    KafkaTeller teller;
    Producer *producer;          // the one to send by; NULL: the transactions give one
    Transactions *transactions;  // exactly-once only, and then they own [producer]
    Encoder *key, *value;
    MessagePart key_part, value_part;
    int32_t topic_column, headers_column, timestamp_column;  // of the schema, or -1
    Pattern *pattern;                                        // of topics; NULL: a list
    uint32_t counter;                                        // round-robin
    Buf key_bytes, value_bytes;
    Map held;  // key bytes -> Held
    int64_t held_since_ms;
} KafkaSink;

// --- Sending -----------------------------------------------------------------------------------

static Status sink_trouble(KafkaSink *self, Error *err) {
    return producer_trouble(self->producer, &self->table, err);
}

// Sees to it that there is a producer.
static Status sink_ready(KafkaSink *self, Error *err) {
    if (self->producer) return ST_OK;
    return transactions_begin(self->transactions, &self->producer, err);
}

// Which of the table's topics: the only one, or the one that the row's metadata column names.
static Status topic_of(KafkaSink *self, const Batch *batch, uint32_t row, rd_kafka_topic_t **out,
                       Error *err) {
    if (self->topic_column < 0) {
        *out = self->producer->topic[0];
        return ST_OK;
    }
    const Vec *vec = batch->column[self->topic_column];
    Str name = vec_is_null(vec, row) ? STR("") : vec_str(vec)[row];
    if (self->pattern && pattern_matches(self->pattern, name)) {
        return producer_topic(self->producer, &self->table, name, out, err);
    }
    if (self->pattern) {
        return error_set(err, ST_RUNTIME,
                         "topic '" STR_FMT "' does not match '%s', the 'topic-pattern' of table '"
                         STR_FMT "'", STR_ARG(name), self->table.pattern,
                         STR_ARG(self->table.desc->name));
    }
    for (uint32_t i = 0; i < self->table.topic_count; i++) {
        if (!str_eq(self->table.topic[i], name)) continue;
        *out = self->producer->topic[i];
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
    rd_kafka_headers_t *headers = rdkafka.headers_new(list.count);
    for (uint32_t i = list.offset; i < list.offset + list.count; i++) {
        if (vec_is_null(vec->child[0], i)) continue;  // Kafka has no headers without a name
        Str name = vec_str(vec->child[0])[i], value = vec_str(vec->child[1])[i];
        bool null = vec_is_null(vec->child[1], i);
        (void)rdkafka.header_add(headers, name.ptr ? name.ptr : "", name.len,
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
        rd_kafka_resp_err_t code = rdkafka.producev(
            self->producer->rk, RD_KAFKA_V_RKT(message->topic),
            RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
            RD_KAFKA_V_KEY((void *)message->key, message->key_size),
            RD_KAFKA_V_VALUE((void *)message->value, message->value_size),
            RD_KAFKA_V_TIMESTAMP(message->timestamp_ms), RD_KAFKA_V_OPAQUE(self->producer),
            RD_KAFKA_V_HEADERS(message->headers), RD_KAFKA_V_END);
        if (!code) {
            self->producer->written = true;
            return ST_OK;
        }
        Status st = ST_OK;
        if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
            char what[320];
            (void)snprintf(what, sizeof what, "writing table '" STR_FMT "' to topic '%s'",
                           STR_ARG(self->table.desc->name), rdkafka.topic_name(message->topic));
            st = kafka_trouble_error(&self->producer->trouble, code, what, err);
        } else {
            (void)rdkafka.poll(self->producer->rk,
                                FULL_WAIT_MS);  // the broker is slower than we are
            st = sink_trouble(self, err);
        }
        if (!st) continue;
        if (message->headers) rdkafka.headers_destroy(message->headers);
        return st;
    }
}

// --- Holding back ------------------------------------------------------------------------------

static Status held_flush(KafkaSink *self, Error *err) {
    Status st = ST_OK;
    for (uint32_t i = 0; i < self->held.count; i++) {
        MapEntry *entry = &self->held.entry[i];
        Held *held = entry->value;
        Outgoing message = {.topic = self->producer->topic[0],
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
    TRY(sink_ready(self, err));
    Batch *key = self->key ? part_batch(&self->key_part, batch) : NULL;
    Batch *value = part_batch(&self->value_part, batch);
    Status st = ST_OK;
    for (uint32_t row = 0; !st && row < batch->rows; row++) {
        st = write_row(self, batch, key, value, row, err);
    }
    batch_unref(key);
    batch_unref(value);
    (void)rdkafka.poll(self->producer->rk, 0);
    return st ? st : sink_trouble(self, err);
}

// When messages stay, the topic may be one that we cannot write to: librdkafka would go on asking
// for it until they time out. Asks once, and fails where waiting does not help.
static Status topics_ask(KafkaSink *self, Error *err) {
    for (uint32_t i = 0; i < self->producer->topic_count; i++) {
        const struct rd_kafka_metadata *about;
        if (rdkafka.metadata(self->producer->rk, 0, self->producer->topic[i], &about,
                              ASK_TOPIC_EVERY_MS))
            continue;
        rd_kafka_resp_err_t code = about->topic_cnt ? about->topics[0].err : 0;
        rdkafka.metadata_destroy(about);
        if (code != RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED &&
            code != RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION) {
            continue;
        }
        char what[320];
        (void)snprintf(what, sizeof what, "writing table '" STR_FMT "' to topic '%s'",
                       STR_ARG(self->table.desc->name),
                       rdkafka.topic_name(self->producer->topic[i]));
        return kafka_trouble_error(&self->producer->trouble, code, what, err);
    }
    return ST_OK;
}

// Waits until the brokers have all messages.
static Status send_all(KafkaSink *self, bool end_of_input, Error *err) {
    TRY(held_flush(self, err));
    if (self->table.guarantee == NO_GUARANTEE && !end_of_input) {
        (void)rdkafka.poll(self->producer->rk, 0);
        return sink_trouble(self, err);
    }
    for (int64_t waited = 0; waited < FLUSH_PATIENCE_MS; waited += FLUSH_SLICE_MS) {
        rd_kafka_resp_err_t code = rdkafka.flush(self->producer->rk, FLUSH_SLICE_MS);
        TRY(sink_trouble(self, err));
        if (code != RD_KAFKA_RESP_ERR__TIMED_OUT) return ST_OK;
        if (waited % ASK_TOPIC_EVERY_MS == ASK_TOPIC_EVERY_MS - FLUSH_SLICE_MS) {
            TRY(topics_ask(self, err));
        }
    }
    return kafka_trouble_error(&self->producer->trouble, RD_KAFKA_RESP_ERR__TIMED_OUT,
                               "writing to Kafka", err);
}

static Status sink_flush(SinkWriter *base, bool end_of_input, Error *err) {
    KafkaSink *self = (KafkaSink *)base;
    TRY(sink_ready(self, err));
    TRY(send_all(self, end_of_input, err));
    // With checkpoints the last one commits.
    if (!end_of_input || !self->transactions || self->env.checkpoints) return ST_OK;
    TRY(transactions_prepare(self->transactions, UINT64_MAX, err));
    self->producer = NULL;
    return transactions_commit(self->transactions, UINT64_MAX, err);
}

// --- Two-phase commit --------------------------------------------------------------------------

static Status sink_prepare(SinkWriter *base, uint64_t checkpoint, Buf *committable, Error *err) {
    KafkaSink *self = (KafkaSink *)base;
    TRY(sink_ready(self, err));  // what earlier runs left open is dealt with before it is forgotten
    TRY(transactions_prepare(self->transactions, checkpoint, err));
    self->producer = NULL;
    transactions_save(self->transactions, committable);
    return ST_OK;
}

static Status sink_commit(SinkWriter *base, uint64_t checkpoint, Error *err) {
    return transactions_commit(((KafkaSink *)base)->transactions, checkpoint, err);
}

static Status sink_restore(SinkWriter *base, Str committable, Error *err) {
    return transactions_restore(((KafkaSink *)base)->transactions, committable, err);
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
    if (self->transactions) {
        transactions_close(self->transactions);
    } else {
        producer_free(self->producer);
    }
    if (self->key) self->key->vt->close(self->key);
    if (self->value) self->value->vt->close(self->value);
    buf_free(&self->key_bytes);
    buf_free(&self->value_bytes);
    pattern_free(self->pattern);
    mem_free(self);
}

static const SinkVt SINK_VT = {.write = sink_write, .flush = sink_flush, .close = sink_close};
static const SinkVt EXACTLY_ONCE_VT = {
    .write = sink_write,
    .flush = sink_flush,
    .prepare = sink_prepare,
    .commit = sink_commit,
    .restore = sink_restore,
    .close = sink_close,
};

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
                    "table '" STR_FMT "' names %s and nothing says which one to write to",
                    STR_ARG(spec->table->name),
                    self->table.pattern ? "a pattern of topics" : "several topics");
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

// A transaction that no checkpoint comes to commit would lose its messages.
static Status transactions_open(KafkaSink *self, Error *err) {
    const KafkaTable *table = &self->table;
    int64_t interval_ms = self->env.checkpoint_ms;
    if (!interval_ms && self->env.unbounded) {
        (void)error_set(err, ST_VALIDATION,
                        "'sink.delivery-guarantee' = 'exactly-once' of table '" STR_FMT
                        "' needs checkpoints: they commit what is written, and this job has no end",
                        STR_ARG(table->desc->name));
        error_hint(err, "set 'execution.checkpointing.interval' and 'execution.checkpointing.dir'");
        return ST_VALIDATION;
    }
    if (table->transaction_ms < 2 * interval_ms && self->env.index == 0 && self->env.print) {
        char line[512];
        int len = snprintf(line, sizeof line,
                           "table '" STR_FMT
                           "': 'properties.transaction.timeout.ms' (%lld) is less "
                           "than two checkpoint intervals (%lld): brokers may give up what is yet "
                           "to be committed",
                           STR_ARG(table->desc->name), (long long)table->transaction_ms,
                           (long long)interval_ms);
        size_t size = len < (int)sizeof line ? (size_t)len : sizeof line - 1;
        self->env.print(self->env.print_arg, str_make(line, size), true);
    }
    self->transactions = transactions_new(table, &self->env);
    return ST_OK;
}

Status kafka_sink_open(const SinkSpec *spec, const TaskEnv *env, bool upsert, SinkWriter **out,
                       Error *err) {
    KafkaSink *self = NEW(KafkaSink);
    self->base.vt = &SINK_VT;
    self->env = *env;
    Status st = kafka_table_read(env->arena, spec->table, upsert, true, &self->table, err);
    self->teller = (KafkaTeller){.print = env->print, .print_arg = env->print_arg};
    self->table.teller = &self->teller;
    if (!st) st = find_metadata(self, spec, err);
    if (!st && self->table.pattern) {
        st = pattern_new(str_c(self->table.pattern), "'topic-pattern'", &self->pattern, err);
    }
    if (!st) st = encoders_open(self, err);
    bool exactly = self->table.guarantee == EXACTLY_ONCE;
    if (exactly) self->base.vt = &EXACTLY_ONCE_VT;
    if (!st && exactly) {
        st = transactions_open(self, err);
    } else if (!st) {
        st = producer_new(&self->table, env->index, &self->counter, NULL, &self->producer, err);
    }
    if (st) {
        sink_close(&self->base);
        return st;
    }
    *out = &self->base;
    return ST_OK;
}
