#include "cluster.h"

typedef enum CoordinatorState { ID_EMPTY, ID_ONGOING, ID_COMMITTED, ID_ABORTED } CoordinatorState;

// What the coordinator knows of a transactional id.
typedef struct TransactionalId {
    char *name;
    int64_t producer;
    int16_t epoch;
    CoordinatorState state;
    Transaction *transaction;  // while ongoing
    int64_t timeout_ms, until_ns;
    struct TransactionalId *next;
} TransactionalId;

typedef struct Late {
    bool is_end, commit;
    char *id, *topic;
    int64_t producer;
    int16_t epoch;
    uint32_t partition;
    Record record;
    int64_t at_ns;
    struct Late *next;
} Late;

static struct {
    BrokerTopic *topic;
    TransactionalId *id;
    Transaction *transaction;
    Late *late;
    int64_t producers;
} cluster;

// ---- topics ------------------------------------------------------------------------------------

void cluster_free(void) {
    for (BrokerTopic *at = cluster.topic, *next; at; at = next) {
        next = at->next;
        for (uint32_t p = 0; p < at->partitions; p++) {
            for (uint32_t i = 0; i < at->partition[p].count; i++) {
                mem_free(at->partition[p].record[i].key);
                mem_free(at->partition[p].record[i].value);
            }
            mem_free(at->partition[p].record);
        }
        mem_free(at->partition);
        mem_free(at->name);
        mem_free(at);
    }
    for (TransactionalId *at = cluster.id, *next; at; at = next) {
        next = at->next;
        mem_free(at->name);
        mem_free(at);
    }
    for (Transaction *at = cluster.transaction, *next; at; at = next) {
        next = at->next;
        mem_free(at);
    }
    for (Late *at = cluster.late, *next; at; at = next) {
        next = at->next;
        mem_free(at->id);
        mem_free(at->topic);
        mem_free(at->record.key);
        mem_free(at->record.value);
        mem_free(at);
    }
    memset(&cluster, 0, sizeof cluster);
}

void cluster_start(void) {
    cluster_free();
}

BrokerTopic *cluster_create(const char *name, uint32_t partitions) {
    BrokerTopic *topic = NEW(BrokerTopic);
    topic->name = mem_strdup(name);
    topic->partition = NEW_ARRAY(BrokerPartition, partitions);
    topic->partitions = partitions;
    topic->next = cluster.topic;
    return cluster.topic = topic;
}

BrokerTopic *cluster_topic(const char *name) {
    BrokerTopic *at = cluster.topic;
    while (at && strcmp(at->name, name) != 0) at = at->next;
    return at;
}

static char *bytes_new(const char *bytes, uint32_t size) {
    if (!bytes) return NULL;
    char *copy = mem_alloc(size + 1u);
    memcpy(copy, bytes, size);
    copy[size] = 0;
    return copy;
}

static Record record_copy(const Record *from) {
    Record to = *from;
    to.key = bytes_new(from->key, from->key_size);
    to.value = bytes_new(from->value, from->value_size);
    return to;
}

static void append(BrokerPartition *partition, const Record *record, Transaction *transaction) {
    if (partition->count == partition->cap) {
        partition->cap = partition->cap ? partition->cap * 2 : 64;
        partition->record = mem_realloc(partition->record, partition->cap * sizeof *record);
    }
    Record *to = &partition->record[partition->count++];
    *to = record_copy(record);
    to->transaction = transaction;
}

void cluster_append(BrokerTopic *topic, uint32_t partition, Str key, Str value,
                   int64_t visible_ns) {
    Record record = {.key = (char *)(uintptr_t)key.ptr, .key_size = key.len,
                     .value = (char *)(uintptr_t)value.ptr, .value_size = value.len,
                     .visible_ns = visible_ns};
    append(&topic->partition[partition], &record, NULL);
    trace("data: %s/%u " STR_FMT " at %lld ms", topic->name, partition, STR_ARG(value),
          (long long)(visible_ns / 1000000));
}

void cluster_committed(const BrokerTopic *topic, void (*record)(void *arg, const Record *record),
                      void *arg) {
    for (uint32_t p = 0; p < topic->partitions; p++) {
        for (uint32_t i = 0; i < topic->partition[p].count; i++) {
            const Record *at = &topic->partition[p].record[i];
            TransactionState state = at->transaction ? at->transaction->state
                                                     : TRANSACTION_COMMITTED;
            if (state == TRANSACTION_OPEN) break;  // the last stable offset
            if (state == TRANSACTION_COMMITTED) record(arg, at);
        }
    }
}

// ---- the coordinator ---------------------------------------------------------------------------

static TransactionalId *id_find(const char *name) {
    TransactionalId *at = cluster.id;
    while (at && strcmp(at->name, name) != 0) at = at->next;
    return at;
}

static void end(TransactionalId *id, bool commit) {
    id->transaction->state = commit ? TRANSACTION_COMMITTED : TRANSACTION_ABORTED;
    id->transaction = NULL;
    id->state = commit ? ID_COMMITTED : ID_ABORTED;
}

void cluster_init_producer(const char *name, int64_t timeout_ms, int64_t *producer,
                          int16_t *epoch) {
    TransactionalId *id = id_find(name);
    if (!id) {
        id = NEW(TransactionalId);
        id->name = mem_strdup(name);
        id->producer = ++cluster.producers;
        id->epoch = -1;
        id->next = cluster.id;
        cluster.id = id;
    }
    if (id->state == ID_ONGOING) end(id, false);
    id->state = ID_EMPTY;
    id->epoch++;
    id->timeout_ms = timeout_ms;
    *producer = id->producer;
    *epoch = id->epoch;
}

BrokerCode cluster_produce(const char *name, int64_t producer, int16_t epoch, const char *topic,
                          uint32_t partition, const Record *record) {
    BrokerTopic *to = cluster_topic(topic);
    if (!to || partition >= to->partitions) return BROKER_UNKNOWN_TOPIC;
    if (!name) {
        append(&to->partition[partition], record, NULL);
        return BROKER_OK;
    }
    TransactionalId *id = id_find(name);
    if (!id || id->producer != producer || id->epoch != epoch) return BROKER_FENCED;
    if (id->state != ID_ONGOING) {
        id->state = ID_ONGOING;
        id->transaction = NEW(Transaction);
        id->transaction->next = cluster.transaction;
        cluster.transaction = id->transaction;
        id->until_ns = world.now_ns + id->timeout_ms * 1000000;
    }
    append(&to->partition[partition], record, id->transaction);
    return BROKER_OK;
}

BrokerCode cluster_end(const char *name, int64_t producer, int16_t epoch, bool commit) {
    TransactionalId *id = id_find(name);
    if (!id || id->producer != producer || id->epoch != epoch) return BROKER_FENCED;
    if (id->state == ID_ONGOING) {
        trace("broker: %s %s", commit ? "commits" : "aborts", name);
        end(id, commit);
        return BROKER_OK;
    }
    return id->state == (commit ? ID_COMMITTED : ID_ABORTED) ? BROKER_OK : BROKER_INVALID_STATE;
}

void cluster_expire_all(void) {
    for (TransactionalId *id = cluster.id; id; id = id->next) {
        if (id->state == ID_ONGOING) end(id, false);
    }
}

// ---- what comes late ---------------------------------------------------------------------------

static Late *late_new(const char *id, int64_t producer, int16_t epoch) {
    Late *late = NEW(Late);
    *late = (Late){.id = mem_strdup(id), .producer = producer, .epoch = epoch,
                   .at_ns = world.now_ns + (int64_t)chance_below(3000) * 1000000,
                   .next = cluster.late};
    fault(FAULT_REQUEST_LATE);
    return cluster.late = late;
}

void cluster_produce_late(const char *id, int64_t producer, int16_t epoch, const char *topic,
                         uint32_t partition, const Record *record) {
    Late *late = late_new(id, producer, epoch);
    late->topic = mem_strdup(topic);
    late->partition = partition;
    late->record = record_copy(record);
}

void cluster_end_late(const char *id, int64_t producer, int16_t epoch, bool commit) {
    Late *late = late_new(id, producer, epoch);
    late->is_end = true;
    late->commit = commit;
}

static void arrive(Late *late) {
    BrokerCode code =
        late->is_end
            ? cluster_end(late->id, late->producer, late->epoch, late->commit)
            : cluster_produce(late->id, late->producer, late->epoch, late->topic, late->partition,
                             &late->record);
    note("broker: late %s of %s %s", late->is_end ? "end" : "record", late->id,
          code ? "refused" : "taken");
    mem_free(late->id);
    mem_free(late->topic);
    mem_free(late->record.key);
    mem_free(late->record.value);
    mem_free(late);
}

void cluster_tick(void) {
    for (Late **at = &cluster.late; *at;) {
        Late *late = *at;
        if (world.now_ns < late->at_ns) {
            at = &late->next;
            continue;
        }
        *at = late->next;
        arrive(late);
    }
    for (TransactionalId *id = cluster.id; id; id = id->next) {
        if (id->state != ID_ONGOING || world.now_ns < id->until_ns) continue;
        note("broker: gives %s up", id->name);
        end(id, false);
        id->epoch++;
    }
}
