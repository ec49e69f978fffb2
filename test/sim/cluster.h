// test/sim/cluster.h - the simulated Kafka cluster: topics, and the coordinator of transactions as
// KIP-98 describes it. It outlives the processes that talk to it, and never fails itself: what goes
// wrong goes wrong on the way to it (client.c).
#pragma once

#include "world.h"

// How a request fared.
typedef enum BrokerCode {
    BROKER_OK,
    BROKER_UNKNOWN_TOPIC,
    BROKER_FENCED,        // a newer producer has the transactional id
    BROKER_INVALID_STATE, // there is nothing to commit, or it was aborted
} BrokerCode;

typedef enum TransactionState {
    TRANSACTION_OPEN,
    TRANSACTION_COMMITTED,
    TRANSACTION_ABORTED
} TransactionState;

typedef struct Transaction {
    TransactionState state;
    struct Transaction *next;  // of all
} Transaction;

typedef struct Record {
    char *key, *value;    // owned; NULL: null
    uint32_t key_size, value_size;
    int64_t visible_ns;   // nobody can fetch it before
    int64_t stamp_ms;
    Transaction *transaction;  // NULL: none
} Record;

typedef struct BrokerPartition {
    Record *record;
    uint32_t count, cap;
} BrokerPartition;

typedef struct BrokerTopic {
    char *name;
    BrokerPartition *partition;
    uint32_t partitions;
    struct BrokerTopic *next;
} BrokerTopic;

void cluster_start(void);  // an empty cluster
void cluster_free(void);
BrokerTopic *cluster_create(const char *name, uint32_t partitions);
BrokerTopic *cluster_topic(const char *name);  // NULL: there is none
void cluster_append(BrokerTopic *topic, uint32_t partition, Str key, Str value, int64_t visible_ns);

// Registers [id]: a new epoch; what is open under it is aborted.
void cluster_init_producer(const char *id, int64_t timeout_ms, int64_t *producer, int16_t *epoch);
// Without an [id] the record is there at once.
BrokerCode cluster_produce(const char *id, int64_t producer, int16_t epoch, const char *topic,
                          uint32_t partition, const Record *record);
BrokerCode cluster_end(const char *id, int64_t producer, int16_t epoch, bool commit);

// Requests of somebody who has died that are still on their way.
void cluster_produce_late(const char *id, int64_t producer, int16_t epoch, const char *topic,
                         uint32_t partition, const Record *record);
void cluster_end_late(const char *id, int64_t producer, int16_t epoch, bool commit);
// Whatever time brings: late requests arrive, old transactions are given up.
void cluster_tick(void);
// Gives up all that is still open: what a cluster does in the end.
void cluster_expire_all(void);

// Each record of [topic] that a consumer with isolation.level = read_committed sees, in order.
void cluster_committed(const BrokerTopic *topic, void (*record)(void *arg, const Record *record),
                      void *arg);

// client.c: Kafka's connectors, fit to be simulated. Before the first session.
void client_register(void);
