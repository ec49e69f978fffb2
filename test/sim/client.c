// Kafka's client library as connector/kafka/ calls it, over the simulated cluster: the connector is
// the real one, and so are its threads. Only what weir uses is here; its contract is librdkafka's,
// the code is not. Behind it lies the network: requests get lost, or their replies, or arrive
// twice, or after their sender has died.
//
// In place of kafka_broker.c, which speaks to sockets, are its functions at the end.
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "cluster.h"
#include "connector/kafka/kafka_int.h"
#include "postgres.h"

enum {
    QUEUE_MAX = 256,        // messages that a producer holds
    SEND_MAX = 32,          // messages of a request
    STATISTICS_NS = 200000000,
    FETCH_MAX = 24,         // messages of a partition
};

struct rd_kafka_conf_s {
    void *opaque;
    int (*on_statistics)(rd_kafka_t *, char *, size_t, void *);
    void (*on_error)(rd_kafka_t *, int, const char *, void *);
    void (*on_delivery)(rd_kafka_t *, const rd_kafka_message_t *, void *);
    char id[200];           // transactional.id
    int64_t timeout_ms;     // of its transactions
};

struct rd_kafka_topic_s {
    rd_kafka_t *client;
    char *name;
    struct rd_kafka_topic_s *next;  // a consumer's own
};

typedef struct Outgoing {
    char *topic;
    uint32_t partition;
    Record record;
    void *opaque;
    bool arrived;           // only the reply is missing
} Outgoing;

typedef struct Assigned {
    char *topic;
    int32_t partition;
    int64_t next;
    bool paused, told_end;
} Assigned;

struct rd_kafka_s {
    rd_kafka_conf_t conf;
    bool producer;
    int64_t id;
    int16_t epoch;
    bool fatal;
    bool sending;           // a request is on its way: it is the only one
    int64_t statistics_ns;
    Outgoing *queue;
    uint32_t queued;
    Assigned *assigned;
    uint32_t assigned_count;
    rd_kafka_topic_t *topics;
};

struct rd_kafka_queue_s {
    rd_kafka_t *client;
};

struct rd_kafka_error_s {
    rd_kafka_resp_err_t code;
    bool retriable;
};

// ---- the network -------------------------------------------------------------------------------

typedef enum Fate { ARRIVES, LOST, REPLY_LOST, TWICE } Fate;

static Fate network(const char *what, const char *about) {
    world_call();
    cluster_tick();
    if (world.dead) return LOST;
    Fate fate = ARRIVES;
    if (world.faulty && chance_in(world.plan.broker_down)) {
        fault(FAULT_BROKER_DOWN);
        world.broker_down_until_ns = world.now_ns + chance_between(1, 3000) * 1000000;
    }
    if (world.faulty && world.now_ns < world.broker_down_until_ns) {
        fate = LOST;
    } else if (world.faulty && chance_in(world.plan.request_lost)) {
        fault(FAULT_REQUEST_LOST);
        fate = LOST;
    } else if (world.faulty && chance_in(world.plan.reply_lost)) {
        fault(FAULT_REPLY_LOST);
        fate = REPLY_LOST;
    } else if (world.faulty && chance_in(world.plan.request_twice)) {
        fault(FAULT_REQUEST_TWICE);
        fate = TWICE;
    }
    static const char *const FATES[] = {"", ": lost", ": reply lost", ": twice"};
    if (fate == ARRIVES) {
        trace("kafka: %s %s", what, about);
    } else {
        note("kafka: %s %s%s", what, about, FATES[fate]);
    }
    return fate;
}

// What a call says whose request or reply is lost. The dead need not be patient.
static rd_kafka_resp_err_t no_answer(void) {
    return world.dead ? RD_KAFKA_RESP_ERR__FATAL : RD_KAFKA_RESP_ERR__TIMED_OUT;
}

static void pause_ms(int64_t ms) {
    if (!world.dead) fiber_sleep_ns(ms * 1000000);
}

// Whoever asks has a thread for it: the rest of the job goes on meanwhile.
static void think(void) {
    if (!world.faulty || !chance_in(world.plan.reply_slow)) return;
    fault(FAULT_REPLY_SLOW);
    pause_ms(chance_between(1, 400));
}

// ---- settings ----------------------------------------------------------------------------------

rd_kafka_conf_t *rd_kafka_conf_new(void) {
    rd_kafka_conf_t *conf = NEW(rd_kafka_conf_t);
    conf->timeout_ms = 60000;
    return conf;
}

void rd_kafka_conf_destroy(rd_kafka_conf_t *conf) {
    mem_free(conf);
}

rd_kafka_conf_res_t rd_kafka_conf_set(rd_kafka_conf_t *conf, const char *name, const char *value,
                                      char *reason, size_t size) {
    (void)reason, (void)size;
    if (strcmp(name, "transactional.id") == 0) {
        (void)snprintf(conf->id, sizeof conf->id, "%s", value);
    }
    if (strcmp(name, "transaction.timeout.ms") == 0) conf->timeout_ms = strtoll(value, NULL, 10);
    return RD_KAFKA_CONF_OK;
}

rd_kafka_conf_res_t rd_kafka_conf_get(const rd_kafka_conf_t *conf, const char *name, char *value,
                                      size_t *size) {
    (void)conf, (void)name, (void)value, (void)size;
    return RD_KAFKA_CONF_UNKNOWN;
}

const char **rd_kafka_conf_dump(rd_kafka_conf_t *conf, size_t *count) {
    (void)conf;
    *count = 0;
    return NULL;
}

void rd_kafka_conf_dump_free(const char **all, size_t count) {
    (void)all, (void)count;
}

void rd_kafka_conf_set_opaque(rd_kafka_conf_t *conf, void *opaque) {
    conf->opaque = opaque;
}

void rd_kafka_conf_set_error_cb(rd_kafka_conf_t *conf,
                                void (*call)(rd_kafka_t *, int, const char *, void *)) {
    conf->on_error = call;
}

void rd_kafka_conf_set_log_cb(rd_kafka_conf_t *conf,
                              void (*call)(const rd_kafka_t *, int, const char *, const char *)) {
    (void)conf, (void)call;
}

void rd_kafka_conf_set_stats_cb(rd_kafka_conf_t *conf,
                                int (*call)(rd_kafka_t *, char *, size_t, void *)) {
    conf->on_statistics = call;
}

void rd_kafka_conf_set_dr_msg_cb(rd_kafka_conf_t *conf,
                                 void (*call)(rd_kafka_t *, const rd_kafka_message_t *, void *)) {
    conf->on_delivery = call;
}

rd_kafka_topic_conf_t *rd_kafka_default_topic_conf_dup(rd_kafka_t *rk) {
    (void)rk;
    return NULL;
}

void rd_kafka_topic_conf_set_opaque(rd_kafka_topic_conf_t *conf, void *opaque) {
    (void)conf, (void)opaque;
}

void rd_kafka_topic_conf_set_partitioner_cb(
    rd_kafka_topic_conf_t *conf,
    int32_t (*call)(const rd_kafka_topic_t *, const void *, size_t, int32_t, void *, void *)) {
    (void)conf, (void)call;
}

// ---- errors ------------------------------------------------------------------------------------

const char *rd_kafka_err2str(rd_kafka_resp_err_t code) {
    switch (code) {
        case RD_KAFKA_RESP_ERR__TIMED_OUT: return "Local: Timed out";
        case RD_KAFKA_RESP_ERR__FENCED: return "Local: This instance has been fenced";
        case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART: return "Broker: Unknown topic or partition";
        case RD_KAFKA_RESP_ERR_INVALID_TXN_STATE: return "Broker: invalid transaction state";
        default: return "Kafka's error";
    }
}

rd_kafka_resp_err_t rd_kafka_last_error(void) {
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_error_t *error_new(rd_kafka_resp_err_t code, bool retriable) {
    rd_kafka_error_t *error = NEW(rd_kafka_error_t);
    *error = (rd_kafka_error_t){code, retriable};
    return error;
}

void rd_kafka_error_destroy(rd_kafka_error_t *error) {
    mem_free(error);
}
rd_kafka_resp_err_t rd_kafka_error_code(const rd_kafka_error_t *error) {
    return error->code;
}
const char *rd_kafka_error_string(const rd_kafka_error_t *error) {
    return rd_kafka_err2str(error->code);
}
int rd_kafka_error_is_retriable(const rd_kafka_error_t *error) {
    return error->retriable;
}

rd_kafka_resp_err_t rd_kafka_fatal_error(rd_kafka_t *rk, char *text, size_t size) {
    if (!rk->fatal) return RD_KAFKA_RESP_ERR_NO_ERROR;
    if (text) (void)snprintf(text, size, "%s", rd_kafka_err2str(RD_KAFKA_RESP_ERR__FENCED));
    return RD_KAFKA_RESP_ERR__FENCED;
}

// ---- clients and topics ------------------------------------------------------------------------

rd_kafka_t *rd_kafka_new(rd_kafka_type_t type, rd_kafka_conf_t *conf, char *reason, size_t size) {
    (void)reason, (void)size;
    rd_kafka_t *rk = NEW(rd_kafka_t);
    rk->conf = *conf;
    rk->producer = type == RD_KAFKA_PRODUCER;
    rk->id = -1;
    rk->epoch = -1;
    mem_free(conf);
    return rk;
}

static void outgoing_clear(Outgoing *message) {
    mem_free(message->topic);
    mem_free(message->record.key);
    mem_free(message->record.value);
}

static void queue_drop(rd_kafka_t *rk, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) outgoing_clear(&rk->queue[i]);
    rk->queued -= count;
    if (rk->queued) memmove(rk->queue, rk->queue + count, rk->queued * sizeof *rk->queue);
}

void rd_kafka_destroy(rd_kafka_t *rk) {
    // A request can be on its way when its sender dies.
    for (uint32_t i = 0; rk->conf.id[0] && i < rk->queued && world.dead && !chance_below(4); i++) {
        const Outgoing *message = &rk->queue[i];
        cluster_produce_late(rk->conf.id, rk->id, rk->epoch, message->topic, message->partition,
                            &message->record);
    }
    queue_drop(rk, rk->queued);
    for (uint32_t i = 0; i < rk->assigned_count; i++) mem_free(rk->assigned[i].topic);
    while (rk->topics) {
        rd_kafka_topic_t *topic = rk->topics;
        rk->topics = topic->next;
        rd_kafka_topic_destroy(topic);
    }
    mem_free(rk->queue);
    mem_free(rk->assigned);
    mem_free(rk);
}

rd_kafka_topic_t *rd_kafka_topic_new(rd_kafka_t *rk, const char *name,
                                     rd_kafka_topic_conf_t *conf) {
    (void)conf;
    rd_kafka_topic_t *topic = NEW(rd_kafka_topic_t);
    topic->client = rk;
    topic->name = mem_strdup(name);
    return topic;
}

void rd_kafka_topic_destroy(rd_kafka_topic_t *topic) {
    mem_free(topic->name);
    mem_free(topic);
}

const char *rd_kafka_topic_name(const rd_kafka_topic_t *topic) {
    return topic->name;
}

rd_kafka_resp_err_t rd_kafka_metadata(rd_kafka_t *rk, int all, rd_kafka_topic_t *only,
                                      const struct rd_kafka_metadata **out, int timeout_ms) {
    (void)rk;
    ASSERT(!all && only);  // jobs here name their topics
    Fate fate = network("metadata", only->name);
    think();
    if (fate == LOST || fate == REPLY_LOST) {
        pause_ms(timeout_ms);
        return no_answer();
    }
    const BrokerTopic *topic = cluster_topic(only->name);
    struct rd_kafka_metadata *about = NEW(struct rd_kafka_metadata);
    about->topic_cnt = 1;
    about->topics = NEW(struct rd_kafka_metadata_topic);
    about->topics->topic = mem_strdup(only->name);
    about->topics->err =
        topic ? RD_KAFKA_RESP_ERR_NO_ERROR : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    about->topics->partition_cnt = topic ? (int)topic->partitions : 0;
    about->topics->partitions =
        NEW_ARRAY(struct rd_kafka_metadata_partition, about->topics->partition_cnt + 1);
    for (int i = 0; i < about->topics->partition_cnt; i++) about->topics->partitions[i].id = i;
    *out = about;
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

void rd_kafka_metadata_destroy(const struct rd_kafka_metadata *about) {
    mem_free(about->topics->topic);
    mem_free(about->topics->partitions);
    mem_free(about->topics);
    mem_free((void *)(uintptr_t)about);
}

// ---- lists of partitions -----------------------------------------------------------------------

rd_kafka_topic_partition_list_t *rd_kafka_topic_partition_list_new(int size) {
    (void)size;
    return NEW(rd_kafka_topic_partition_list_t);
}

void rd_kafka_topic_partition_list_destroy(rd_kafka_topic_partition_list_t *list) {
    for (int i = 0; i < list->cnt; i++) mem_free(list->elems[i].topic);
    mem_free(list->elems);
    mem_free(list);
}

rd_kafka_topic_partition_t *rd_kafka_topic_partition_list_add(rd_kafka_topic_partition_list_t *list,
                                                              const char *topic,
                                                              int32_t partition) {
    list->elems = mem_realloc(list->elems, ((size_t)list->cnt + 1) * sizeof *list->elems);
    rd_kafka_topic_partition_t *at = &list->elems[list->cnt++];
    *at = (rd_kafka_topic_partition_t){.topic = mem_strdup(topic), .partition = partition};
    return at;
}

static BrokerPartition *partition_of(const char *topic, int32_t partition) {
    BrokerTopic *at = cluster_topic(topic);
    return at && partition >= 0 && (uint32_t)partition < at->partitions ? &at->partition[partition]
                                                                        : NULL;
}

rd_kafka_resp_err_t rd_kafka_offsets_for_times(rd_kafka_t *rk,
                                               rd_kafka_topic_partition_list_t *list,
                                               int timeout_ms) {
    (void)rk;
    Fate fate = network("offsets", list->cnt ? list->elems[0].topic : "");
    think();
    if (fate == LOST || fate == REPLY_LOST) {
        pause_ms(timeout_ms);
        return no_answer();
    }
    for (int i = 0; i < list->cnt; i++) {
        rd_kafka_topic_partition_t *at = &list->elems[i];
        const BrokerPartition *partition = partition_of(at->topic, at->partition);
        ASSERT(partition && at->offset < 0);  // jobs here begin and end at an end
        at->offset = at->offset == RD_KAFKA_OFFSET_END ? partition->count : 0;
    }
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

rd_kafka_resp_err_t rd_kafka_committed(rd_kafka_t *rk, rd_kafka_topic_partition_list_t *list,
                                       int timeout_ms) {
    (void)rk, (void)timeout_ms;
    for (int i = 0; i < list->cnt; i++) list->elems[i].offset = RD_KAFKA_OFFSET_INVALID;
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

// Offsets of groups are there for others to look at: nobody looks.
rd_kafka_resp_err_t rd_kafka_commit(rd_kafka_t *rk, const rd_kafka_topic_partition_list_t *list,
                                    int async) {
    (void)rk, (void)list, (void)async;
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

// ---- consumers ---------------------------------------------------------------------------------

rd_kafka_resp_err_t rd_kafka_poll_set_consumer(rd_kafka_t *rk) {
    (void)rk;
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

rd_kafka_queue_t *rd_kafka_queue_get_consumer(rd_kafka_t *rk) {
    rd_kafka_queue_t *queue = NEW(rd_kafka_queue_t);
    queue->client = rk;
    return queue;
}

void rd_kafka_queue_destroy(rd_kafka_queue_t *queue) {
    mem_free(queue);
}

void rd_kafka_queue_io_event_enable(rd_kafka_queue_t *queue, int fd, const void *payload,
                                    size_t size) {
    (void)queue, (void)fd, (void)payload, (void)size;
}

static Assigned *assigned_find(rd_kafka_t *rk, const char *topic, int32_t partition) {
    for (uint32_t i = 0; i < rk->assigned_count; i++) {
        Assigned *at = &rk->assigned[i];
        if (at->partition == partition && strcmp(at->topic, topic) == 0) return at;
    }
    return NULL;
}

rd_kafka_error_t *rd_kafka_incremental_assign(rd_kafka_t *rk,
                                              const rd_kafka_topic_partition_list_t *list) {
    for (int i = 0; i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *at = &list->elems[i];
        ASSERT(!assigned_find(rk, at->topic, at->partition));
        rk->assigned = mem_realloc(rk->assigned, (rk->assigned_count + 1) * sizeof *rk->assigned);
        rk->assigned[rk->assigned_count++] = (Assigned){
            .topic = mem_strdup(at->topic), .partition = at->partition,
            .next = at->offset == RD_KAFKA_OFFSET_BEGINNING ? 0 : at->offset};
        trace("kafka: reading %s/%d from %lld", at->topic, at->partition,
              (long long)rk->assigned[rk->assigned_count - 1].next);
    }
    return NULL;
}

rd_kafka_error_t *rd_kafka_incremental_unassign(rd_kafka_t *rk,
                                                const rd_kafka_topic_partition_list_t *list) {
    for (int i = 0; i < list->cnt; i++) {
        Assigned *at = assigned_find(rk, list->elems[i].topic, list->elems[i].partition);
        if (!at) continue;
        mem_free(at->topic);
        *at = rk->assigned[--rk->assigned_count];
    }
    return NULL;
}

static rd_kafka_resp_err_t set_paused(rd_kafka_t *rk, rd_kafka_topic_partition_list_t *list,
                                      bool paused) {
    for (int i = 0; i < list->cnt; i++) {
        Assigned *at = assigned_find(rk, list->elems[i].topic, list->elems[i].partition);
        if (at) at->paused = paused;
    }
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

rd_kafka_resp_err_t rd_kafka_pause_partitions(rd_kafka_t *rk,
                                              rd_kafka_topic_partition_list_t *list) {
    return set_paused(rk, list, true);
}
rd_kafka_resp_err_t rd_kafka_resume_partitions(rd_kafka_t *rk,
                                               rd_kafka_topic_partition_list_t *list) {
    return set_paused(rk, list, false);
}

static rd_kafka_topic_t *consumer_topic(rd_kafka_t *rk, const char *name) {
    rd_kafka_topic_t *at = rk->topics;
    while (at && strcmp(at->name, name) != 0) at = at->next;
    if (at) return at;
    at = rd_kafka_topic_new(rk, name, NULL);
    at->next = rk->topics;
    return rk->topics = at;
}

// Some messages of one partition, and the news that its end is reached.
static ssize_t fetch(rd_kafka_t *rk, Assigned *from, rd_kafka_message_t **out, size_t room) {
    const BrokerPartition *partition = partition_of(from->topic, from->partition);
    ssize_t count = 0;
    size_t most = chance_below(4) ? FETCH_MAX : 1;
    for (; room > 1 && most && from->next < partition->count; most--, room--) {
        const Record *record = &partition->record[from->next];
        if (record->visible_ns > world.now_ns) return count;
        rd_kafka_message_t *message = NEW(rd_kafka_message_t);
        *message = (rd_kafka_message_t){
            .rkt = consumer_topic(rk, from->topic), .partition = from->partition,
            .payload = record->value, .len = record->value_size, .key = record->key,
            .key_len = record->key_size, .offset = from->next++};
        out[count++] = message;
        from->told_end = false;
    }
    if (from->next < partition->count || from->told_end) return count;
    from->told_end = true;
    rd_kafka_message_t *message = NEW(rd_kafka_message_t);
    *message = (rd_kafka_message_t){.err = RD_KAFKA_RESP_ERR__PARTITION_EOF,
                                    .rkt = consumer_topic(rk, from->topic),
                                    .partition = from->partition, .offset = from->next};
    out[count++] = message;
    return count;
}

ssize_t rd_kafka_consume_batch_queue(rd_kafka_queue_t *queue, int timeout_ms,
                                     rd_kafka_message_t **out, size_t size) {
    (void)timeout_ms;
    rd_kafka_t *rk = queue->client;
    ssize_t count = 0;
    cluster_tick();
    if (world.dead || (world.faulty && world.now_ns < world.broker_down_until_ns)) return 0;
    uint32_t first = (uint32_t)chance_below(rk->assigned_count);
    for (uint32_t i = 0; i < rk->assigned_count; i++) {
        Assigned *from = &rk->assigned[(first + i) % rk->assigned_count];
        if (from->paused || !chance_below(3)) continue;
        ssize_t got = fetch(rk, from, out + count, size - (size_t)count);
        if (got) {
            trace("kafka: %zd messages of %s/%d, up to %lld", got, from->topic, from->partition,
                  (long long)from->next);
        }
        count += got;
    }
    return count;
}

void rd_kafka_message_destroy(rd_kafka_message_t *message) {
    mem_free(message);
}

int64_t rd_kafka_message_timestamp(const rd_kafka_message_t *message,
                                   rd_kafka_timestamp_type_t *type) {
    const BrokerPartition *partition =
        partition_of(message->rkt->name, message->partition);
    if (type) *type = RD_KAFKA_TIMESTAMP_CREATE_TIME;
    return partition->record[message->offset].stamp_ms;
}

// Nobody sets headers here.
rd_kafka_resp_err_t rd_kafka_message_headers(const rd_kafka_message_t *message,
                                             rd_kafka_headers_t **headers) {
    (void)message, (void)headers;
    return RD_KAFKA_RESP_ERR__NOENT;
}
rd_kafka_headers_t *rd_kafka_headers_new(size_t size) {
    (void)size;
    return NULL;
}
rd_kafka_headers_t *rd_kafka_headers_copy(const rd_kafka_headers_t *headers) {
    (void)headers;
    return NULL;
}
void rd_kafka_headers_destroy(rd_kafka_headers_t *headers) {
    (void)headers;
}
rd_kafka_resp_err_t rd_kafka_header_add(rd_kafka_headers_t *headers, const char *name,
                                        ssize_t name_size, const void *value, ssize_t value_size) {
    (void)headers, (void)name, (void)name_size, (void)value, (void)value_size;
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}
size_t rd_kafka_header_cnt(const rd_kafka_headers_t *headers) {
    (void)headers;
    return 0;
}
rd_kafka_resp_err_t rd_kafka_header_get_all(const rd_kafka_headers_t *headers, size_t index,
                                            const char **name, const void **value, size_t *size) {
    (void)headers, (void)index, (void)name, (void)value, (void)size;
    return RD_KAFKA_RESP_ERR__NOENT;
}

// ---- producers ---------------------------------------------------------------------------------

static void set_fatal(rd_kafka_t *rk) {
    if (rk->fatal) return;
    rk->fatal = true;
    if (rk->conf.on_error) {
        rk->conf.on_error(rk, RD_KAFKA_RESP_ERR__FATAL, "fenced", rk->conf.opaque);
    }
}

// One request with what is first in the queue. A producer that is idempotent sends again what was
// not acknowledged, and the broker knows it.
static void send_some(rd_kafka_t *rk) {
    if (world.dead) set_fatal(rk);
    if (!rk->queued || rk->fatal || rk->sending) return;
    uint32_t count = rk->queued < SEND_MAX ? rk->queued : SEND_MAX;
    rk->sending = true;
    Fate fate = network("produce", rk->conf.id);
    rk->sending = false;
    if (fate == LOST) return;
    for (uint32_t i = 0; i < count; i++) {
        Outgoing *message = &rk->queue[i];
        if (message->arrived) continue;
        if (cluster_produce(rk->conf.id[0] ? rk->conf.id : NULL, rk->id, rk->epoch, message->topic,
                           message->partition, &message->record)) {
            set_fatal(rk);
            return;
        }
        message->arrived = true;
    }
    if (fate != REPLY_LOST) queue_drop(rk, count);
}

rd_kafka_resp_err_t rd_kafka_producev(rd_kafka_t *rk, ...) {
    Outgoing message = {0};
    va_list args;
    va_start(args, rk);
    for (rd_kafka_vtype_t type; (type = va_arg(args, rd_kafka_vtype_t)) != RD_KAFKA_VTYPE_END;) {
        switch (type) {
            case RD_KAFKA_VTYPE_RKT:
                message.topic = va_arg(args, rd_kafka_topic_t *)->name;
                break;
            case RD_KAFKA_VTYPE_MSGFLAGS: (void)va_arg(args, int); break;
            case RD_KAFKA_VTYPE_KEY:
                message.record.key = va_arg(args, char *);
                message.record.key_size = (uint32_t)va_arg(args, size_t);
                break;
            case RD_KAFKA_VTYPE_VALUE:
                message.record.value = va_arg(args, char *);
                message.record.value_size = (uint32_t)va_arg(args, size_t);
                break;
            case RD_KAFKA_VTYPE_TIMESTAMP: message.record.stamp_ms = va_arg(args, int64_t); break;
            case RD_KAFKA_VTYPE_OPAQUE: message.opaque = va_arg(args, void *); break;
            case RD_KAFKA_VTYPE_HEADERS: (void)va_arg(args, rd_kafka_headers_t *); break;
            default: ASSERT(false);  // a part of a message that nobody sends
        }
    }
    va_end(args);
    if (rk->fatal || world.dead) return RD_KAFKA_RESP_ERR__FATAL;
    if (rk->queued == QUEUE_MAX) return RD_KAFKA_RESP_ERR__QUEUE_FULL;
    const BrokerTopic *topic = cluster_topic(message.topic);
    Str key = str_make(message.record.key, message.record.key_size);
    uint64_t hash = key.ptr ? hash_bytes(key.ptr, key.len, 0) : chance_bits();
    message.partition = topic ? (uint32_t)(hash % topic->partitions) : 0;
    message.topic = mem_strdup(message.topic);
    char **const owned[] = {&message.record.key, &message.record.value};
    const uint32_t size[] = {message.record.key_size, message.record.value_size};
    for (uint32_t i = 0; i < 2; i++) {
        if (!*owned[i]) continue;
        char *copy = mem_alloc(size[i] + 1u);
        memcpy(copy, *owned[i], size[i]);
        *owned[i] = copy;
    }
    rk->queue = mem_realloc(rk->queue, (rk->queued + 1) * sizeof *rk->queue);
    rk->queue[rk->queued++] = message;
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

int rd_kafka_poll(rd_kafka_t *rk, int timeout_ms) {
    if (timeout_ms > 0) pause_ms(timeout_ms);
    if (!chance_below(3)) send_some(rk);
    if (!rk->conf.on_statistics || world.now_ns < rk->statistics_ns) return 0;
    rk->statistics_ns = world.now_ns + STATISTICS_NS;
    char text[128];
    int size = snprintf(text, sizeof text,
                        "{ \"eos\":{ \"producer_id\":%lld, \"producer_epoch\":%d } }",
                        (long long)rk->id, rk->epoch);
    (void)rk->conf.on_statistics(rk, text, (size_t)size, rk->conf.opaque);
    return 1;
}

rd_kafka_resp_err_t rd_kafka_flush(rd_kafka_t *rk, int timeout_ms) {
    int64_t until_ns = world.now_ns + (int64_t)timeout_ms * 1000000;
    while (rk->queued && !rk->fatal) {
        send_some(rk);
        if (!rk->queued) break;
        if (world.now_ns >= until_ns) return RD_KAFKA_RESP_ERR__TIMED_OUT;
        pause_ms(10);
    }
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

rd_kafka_resp_err_t rd_kafka_purge(rd_kafka_t *rk, int flags) {
    (void)flags;
    (void)rk;  // rd_kafka_destroy drops what is queued
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

rd_kafka_error_t *rd_kafka_init_transactions(rd_kafka_t *rk, int timeout_ms) {
    Fate fate = network("register", rk->conf.id);
    if (fate != LOST) {
        int64_t id;
        int16_t epoch;
        cluster_init_producer(rk->conf.id, rk->conf.timeout_ms, &id, &epoch);
        if (fate == TWICE) cluster_init_producer(rk->conf.id, rk->conf.timeout_ms, &id, &epoch);
        if (fate != REPLY_LOST) {
            rk->id = id;
            rk->epoch = epoch;
            return NULL;
        }
    }
    pause_ms(timeout_ms);
    return error_new(no_answer(), !world.dead);
}

rd_kafka_error_t *rd_kafka_begin_transaction(rd_kafka_t *rk) {
    return rk->fatal ? error_new(RD_KAFKA_RESP_ERR__FENCED, false) : NULL;
}

rd_kafka_error_t *rd_kafka_abort_transaction(rd_kafka_t *rk, int timeout_ms) {
    (void)timeout_ms;
    Fate fate = network("abort", rk->conf.id);
    if (fate == LOST) return error_new(RD_KAFKA_RESP_ERR__TIMED_OUT, true);
    queue_drop(rk, rk->queued);
    (void)cluster_end(rk->conf.id, rk->id, rk->epoch, false);
    return fate == REPLY_LOST ? error_new(RD_KAFKA_RESP_ERR__TIMED_OUT, true) : NULL;
}

int rd_kafka_version(void) {
    return RD_KAFKA_VERSION;
}

const char *rd_kafka_version_str(void) {
    return "simulated";
}

// ---- in place of connector/kafka/kafka_broker.c ------------------------------------------------

// The three requests that kafka_wire.c sends over sockets, and their answers.
enum { FIND_COORDINATOR = 10, INIT_PRODUCER_ID = 22, END_TXN = 26 };

void broker_init(KafkaBroker *self, const KafkaTable *table) {
    *self = (KafkaBroker){.table = table, .fd = -1};
}

void broker_clear(KafkaBroker *self) {
    buf_free(&self->setting);
}

void broker_close(KafkaBroker *self) {
    self->fd = -1;
    self->setting.len = 0;
}

const char *broker_setting(KafkaBroker *self, const char *name) {
    (void)self, (void)name;
    return NULL;
}

Status broker_broken(KafkaBroker *self, Status st, const char *what, const char *why, Error *err) {
    broker_close(self);
    return error_set(err, st, "%s: %s", what, why);
}

Status broker_open(KafkaBroker *self, Str address, bool *fresh, Error *err) {
    (void)address, (void)err;
    *fresh = self->fd < 0;
    self->fd = 0;
    return ST_OK;
}

static int code_of(BrokerCode code) {
    return code == BROKER_OK       ? RD_KAFKA_RESP_ERR_NO_ERROR
           : code == BROKER_FENCED ? RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH
                                   : RD_KAFKA_RESP_ERR_INVALID_TXN_STATE;
}

// What the cluster answers to the body of a request, behind the time that it asks for.
static void answer_to(int api, Str body, Buf *out) {
    bool good = true;
    char id[200];
    Str text = wire_take_text(&body, &good);
    (void)snprintf(id, sizeof id, STR_FMT, STR_ARG(text));
    int64_t producer = 0;
    int16_t epoch = 0;
    switch (api) {
        case FIND_COORDINATOR:
            wire_put_number(out, 0, 2);
            wire_put_text(out, STR(""));
            wire_put_number(out, 1, 4);
            wire_put_text(out, STR("simulated"));
            wire_put_number(out, 9092, 4);
            break;
        case INIT_PRODUCER_ID:
            cluster_init_producer(id, wire_take_number(&body, 4, &good), &producer, &epoch);
            wire_put_number(out, 0, 2);
            wire_put_number(out, (uint64_t)producer, 8);
            wire_put_number(out, (uint64_t)epoch, 2);
            break;
        case END_TXN:
            producer = wire_take_number(&body, 8, &good);
            epoch = (int16_t)wire_take_number(&body, 2, &good);
            bool commit = wire_take_number(&body, 1, &good) != 0;
            wire_put_number(out, (uint64_t)code_of(cluster_end(id, producer, epoch, commit)), 2);
            break;
        default: ASSERT(false);  // a request that nobody sends
    }
    ASSERT(good);
}

static void post_late(int api, Str body) {
    if (api != END_TXN) return;
    bool good = true;
    char id[200];
    Str text = wire_take_text(&body, &good);
    (void)snprintf(id, sizeof id, STR_FMT, STR_ARG(text));
    int64_t producer = wire_take_number(&body, 8, &good);
    int16_t epoch = (int16_t)wire_take_number(&body, 2, &good);
    cluster_end_late(id, producer, epoch, wire_take_number(&body, 1, &good) != 0);
}

Status broker_send(KafkaBroker *self, Str bytes, Error *err) {
    bool good = true;
    (void)wire_take_number(&bytes, 4, &good);
    int api = (int)wire_take_number(&bytes, 2, &good);
    (void)wire_take_number(&bytes, 2, &good);
    int64_t number = wire_take_number(&bytes, 4, &good);
    (void)wire_take_text(&bytes, &good);
    static const char *const NAMES[] = {
        [FIND_COORDINATOR] = "find", [INIT_PRODUCER_ID] = "shut out", [END_TXN] = "commit"};
    char id[200];
    Str body = bytes, text = wire_take_text(&body, &good);
    (void)snprintf(id, sizeof id, STR_FMT, STR_ARG(text));
    bool died = world.dead;
    Fate fate = network(NAMES[api], id);
    self->setting.len = 0;
    if (world.dead) {
        if (!died && !chance_below(4)) post_late(api, bytes);
        return broker_broken(self, ST_RUNTIME, "sending", "the process is dead", err);
    }
    if (fate == LOST) return ST_OK;
    Buf *out = &self->setting;
    for (int times = fate == TWICE ? 2 : 1; times > 0; times--) {
        out->len = 0;
        wire_put_number(out, 0, 4);  // the length, once it is known
        wire_put_number(out, (uint64_t)number, 4);
        wire_put_number(out, 0, 4);
        answer_to(api, bytes, out);
    }
    Buf length = {0};
    wire_put_number(&length, out->len - 4, 4);
    memcpy(out->ptr, length.ptr, 4);
    buf_free(&length);
    if (fate == REPLY_LOST) out->len = 0;
    return ST_OK;
}

Status broker_receive(KafkaBroker *self, char *out, size_t size, Error *err) {
    Buf *answer = &self->setting;
    if (answer->len < size) {
        pause_ms(100);
        return broker_broken(self, ST_CONNECT, "receiving", "no answer", err);
    }
    memcpy(out, answer->ptr, size);
    answer->len -= size;
    memmove(answer->ptr, answer->ptr + size, answer->len);
    return ST_OK;
}

// In place of os/library.c: nothing is loaded, the functions above are the library, or those of
// postgres.c.
Status library_load(Library *library, Error *err) {
    (void)err;
    if (library->functions == &rdkafka) {
#define OWN(name) .name = rd_kafka_##name,
        rdkafka = (RdKafka){RDKAFKA_FUNCTIONS(OWN)};
#undef OWN
    } else {
        postgres_into_library(library);
    }
    library->loaded = true;
    return ST_OK;
}

// ---- the connectors ----------------------------------------------------------------------------

// A reader of Kafka sleeps in the kernel when its worker has nothing else to do: here it must not.
static SourceVt awake_vt;

static Status open_awake(const Connector *connector, const ScanSpec *spec, const TaskEnv *env,
                         SourceReader **out, Error *err) {
    TRY(connector->source_open(spec, env, out, err));
    awake_vt = *(*out)->vt;
    awake_vt.wait = NULL;
    (*out)->vt = &awake_vt;
    return ST_OK;
}

static Status source_open(const ScanSpec *spec, const TaskEnv *env, SourceReader **out,
                          Error *err) {
    return open_awake(&KAFKA_CONNECTOR, spec, env, out, err);
}

static Status upsert_source_open(const ScanSpec *spec, const TaskEnv *env, SourceReader **out,
                                 Error *err) {
    return open_awake(&UPSERT_KAFKA_CONNECTOR, spec, env, out, err);
}

void client_register(void) {
    static Connector kafka, upsert;
    kafka = KAFKA_CONNECTOR;
    kafka.source_open = source_open;
    upsert = UPSERT_KAFKA_CONNECTOR;
    upsert.source_open = upsert_source_open;
    connector_register(&kafka);  // the first of a name stays
    connector_register(&upsert);
}
