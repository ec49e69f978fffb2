// A producer: librdkafka's client, its topics and partitioners, and what became of its messages. It
// is idempotent, so that a retry inside librdkafka neither loses nor doubles nor reorders messages.
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "connector/kafka/kafka_int.h"

enum {
    INIT_SLICE_MS = 300,
    INIT_PATIENCE_MS = 60000,
    STATISTICS_MS = 200,      // the producer's ids are to be had from the statistics only
};

// Called by rd_kafka_poll and _flush, for messages that were given up only.
static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque) {
    Producer *self = message->_private;
    int none = RD_KAFKA_RESP_ERR_NO_ERROR;
    if (!message->err || !self) return;
    (void)atomic_compare_exchange_strong(&self->failed, &none, message->err);
    (void)rk, (void)opaque;
}

// The number behind "[name]": in [json].
static bool number_named(Str json, const char *name, int64_t *out) {
    int64_t at = str_find(json, str_c(name), 0);
    if (at < 0) return false;
    Str rest = str_sub(json, (uint32_t)at + (uint32_t)strlen(name), json.len);
    uint32_t from = 0, len = 0;
    while (from < rest.len && (rest.ptr[from] == ' ' || rest.ptr[from] == ':')) from++;
    rest = str_sub(rest, from, rest.len);
    while (len < rest.len &&
           (rest.ptr[len] == '-' || (rest.ptr[len] >= '0' && rest.ptr[len] <= '9')))
        len++;
    return str_to_i64(str_sub(rest, 0, len), out);
}

static int on_statistics(rd_kafka_t *rk, char *json, size_t size, void *opaque) {
    Producer *self = opaque;
    Str text = str_make(json, size);
    int64_t at = str_find(text, STR("\"eos\""), 0), id, epoch;
    (void)rk;
    if (at < 0) return 0;
    text = str_sub(text, (uint32_t)at, text.len);
    if (!number_named(text, "\"producer_id\"", &id)) return 0;
    if (!number_named(text, "\"producer_epoch\"", &epoch)) return 0;
    atomic_store(&self->epoch, (int32_t)epoch);
    atomic_store(&self->id, id);
    return 0;
}

// 'fixed' and 'round-robin' choose by number; the default, by key, is librdkafka's own. Called by
// the thread that produces, or by librdkafka's once it has learnt of the partitions.
static int32_t partition_fixed(const rd_kafka_topic_t *topic, const void *key, size_t key_size,
                               int32_t count, void *topic_opaque, void *message_opaque) {
    const Producer *self = topic_opaque;
    return (int32_t)(self->index % (uint32_t)count);
}

static int32_t partition_round_robin(const rd_kafka_topic_t *topic, const void *key,
                                     size_t key_size, int32_t count, void *topic_opaque,
                                     void *message_opaque) {
    Producer *self = topic_opaque;
    uint32_t next = __atomic_fetch_add(self->counter, 1, __ATOMIC_RELAXED);
    return (int32_t)((self->index + next) % (uint32_t)count);
}

static Status topic_open(Producer *self, const KafkaTable *table, const char *name, Error *err) {
    rd_kafka_topic_conf_t *conf = rdkafka.default_topic_conf_dup(self->rk);
    rdkafka.topic_conf_set_opaque(conf, self);
    if (table->partitioner == PARTITION_FIXED) {
        rdkafka.topic_conf_set_partitioner_cb(conf, partition_fixed);
    } else if (table->partitioner == PARTITION_ROUND_ROBIN) {
        rdkafka.topic_conf_set_partitioner_cb(conf, partition_round_robin);
    }
    rd_kafka_topic_t *topic = rdkafka.topic_new(self->rk, name, conf);
    if (!topic) {
        return error_set(err, ST_RUNTIME, "topic '%s': %s", name,
                         rdkafka.err2str(rdkafka.last_error()));
    }
    self->topic = mem_realloc(self->topic, (self->topic_count + 1) * sizeof(rd_kafka_topic_t *));
    self->topic[self->topic_count++] = topic;
    return ST_OK;
}

static Status topics_open(Producer *self, const KafkaTable *table, Error *err) {
    for (uint32_t i = 0; i < table->topic_count; i++) {
        TRY(topic_open(self, table, table->topic[i].ptr, err));
    }
    return ST_OK;
}

Status producer_topic(Producer *self, const KafkaTable *table, Str name, rd_kafka_topic_t **out,
                      Error *err) {
    enum { NAME_MAX_LEN = 249 };  // Kafka's
    for (uint32_t i = 0; i < self->topic_count; i++) {
        *out = self->topic[i];
        if (str_eq(str_c(rdkafka.topic_name(*out)), name)) return ST_OK;
    }
    char text[NAME_MAX_LEN + 1];
    if (!name.len || name.len > NAME_MAX_LEN) {
        return error_set(err, ST_RUNTIME, "a topic's name has 1 to %d bytes, not %u", NAME_MAX_LEN,
                         name.len);
    }
    memcpy(text, name.ptr, name.len);
    text[name.len] = 0;
    TRY(topic_open(self, table, text, err));
    *out = self->topic[self->topic_count - 1];
    return ST_OK;
}

static Status set(rd_kafka_conf_t *conf, const char *key, const char *value, Error *err) {
    char reason[256];
    if (rdkafka.conf_set(conf, key, value, reason, sizeof reason) == RD_KAFKA_CONF_OK)
        return ST_OK;
    return error_set(err, ST_VALIDATION, "%s", reason);
}

static Status conf_transactional(const KafkaTable *table, const char *id, rd_kafka_conf_t *conf,
                                 Error *err) {
    char number[32];
    TRY(set(conf, "transactional.id", id, err));
    (void)snprintf(number, sizeof number, "%d", STATISTICS_MS);
    TRY(set(conf, "statistics.interval.ms", number, err));
    (void)snprintf(number, sizeof number, "%lld", (long long)table->transaction_ms);
    TRY(set(conf, "transaction.timeout.ms", number, err));
    rdkafka.conf_set_stats_cb(conf, on_statistics);
    // No message may be tried for longer than its transaction lives.
    if (options_has(&table->options, "properties.delivery.timeout.ms")) return ST_OK;
    size_t size = sizeof number;
    long long most = 0;
    if (rdkafka.conf_get(conf, "delivery.timeout.ms", number, &size) == RD_KAFKA_CONF_OK)
        most = strtoll(number, NULL, 10);
    if (most <= table->transaction_ms) return ST_OK;
    (void)snprintf(number, sizeof number, "%lld", (long long)table->transaction_ms);
    return set(conf, "delivery.timeout.ms", number, err);
}

static Status client_open(Producer *self, const KafkaTable *table, const char *transaction,
                          Error *err) {
    rd_kafka_conf_t *conf;
    char reason[256];
    TRY(kafka_conf(table, true, &conf, err));
    kafka_trouble_listen(&self->trouble, table, conf);
    rdkafka.conf_set_dr_msg_cb(conf, on_delivery);
    Status st = transaction ? conf_transactional(table, transaction, conf, err) : ST_OK;
    if (!st) {
        self->rk = rdkafka.new(RD_KAFKA_PRODUCER, conf, reason, sizeof reason);
        self->trouble.rk = self->rk;
        if (self->rk) return ST_OK;
        st = error_set(err, ST_VALIDATION, "table '" STR_FMT "': %s", STR_ARG(table->desc->name),
                       reason);
    }
    rdkafka.conf_destroy(conf);
    return st;
}

Status producer_new(const KafkaTable *table, uint32_t index, uint32_t *counter,
                    const char *transaction, Producer **out, Error *err) {
    Producer *self = NEW(Producer);
    // The statistics find the producer by the trouble that its client reports to.
    _Static_assert(offsetof(Producer, trouble) == 0, "callbacks get the one for the other");
    kafka_trouble_init(&self->trouble);
    self->index = index;
    self->counter = counter;
    self->id = -1;
    if (transaction) self->transaction = mem_strdup(transaction);
    Status st = client_open(self, table, transaction, err);
    if (!st) st = topics_open(self, table, err);
    if (st) {
        producer_free(self);
        return st;
    }
    *out = self;
    return ST_OK;
}

Status producer_init_transactions(Producer *self, const _Atomic bool *closing, Error *err) {
    int64_t until_ms = os_monotonic_ns() / 1000000 + INIT_PATIENCE_MS;
    char what[320];
    (void)snprintf(what, sizeof what, "beginning Kafka transaction '%.200s'", self->transaction);
    bool registered = false;
    for (;;) {
        rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR__TIMED_OUT;
        bool again = true;
        if (!registered) {
            rd_kafka_error_t *error = rdkafka.init_transactions(self->rk, INIT_SLICE_MS);
            registered = !error;
            if (error) {
                code = rdkafka.error_code(error);
                again = rdkafka.error_is_retriable(error) != 0;
                rdkafka.error_destroy(error);
            }
        }
        (void)rdkafka.poll(self->rk, registered ? STATISTICS_MS / 4 : 0);
        if (registered && atomic_load(&self->id) >= 0) return ST_OK;
        if (atomic_load(closing)) return error_set(err, ST_CANCELLED, "closing");
        if (!again || kafka_trouble_fatal(&self->trouble) ||
            os_monotonic_ns() / 1000000 > until_ms) {
            return kafka_trouble_error(&self->trouble, code, what, err);
        }
    }
}

Status producer_trouble(Producer *self, const KafkaTable *table, Error *err) {
    int failed = atomic_load(&self->failed);
    if (!failed && !kafka_trouble_fatal(&self->trouble)) return ST_OK;
    char what[320];
    (void)snprintf(what, sizeof what, "writing table '" STR_FMT "' to Kafka",
                   STR_ARG(table->desc->name));
    rd_kafka_resp_err_t code = failed ? (rd_kafka_resp_err_t)failed : RD_KAFKA_RESP_ERR__FATAL;
    return kafka_trouble_error(&self->trouble, code, what, err);
}

void producer_free(Producer *self) {
    if (!self) return;
    for (uint32_t i = 0; i < self->topic_count; i++) {
        if (self->topic[i]) rdkafka.topic_destroy(self->topic[i]);
    }
    mem_free(self->topic);
    if (self->rk) {
        // Whoever wanted the rest out has flushed; a failed job does not wait for its brokers.
        (void)rdkafka.purge(self->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        (void)rdkafka.poll(self->rk, 0);
        rdkafka.destroy(self->rk);
    }
    kafka_trouble_clear(&self->trouble);
    mem_free(self->transaction);
    mem_free(self);
}
