// connector/kafka/kafka_int.h - what the files of this folder share. The way of a message:
//
//   kafka_conf      properties.* of the Java client -> librdkafka's settings
//   kafka_offsets   topics -> partitions, and where to start and stop in each; on a thread of its
// own
//   kafka_source    messages of the partitions -> by partition -> kafka_rows -> batches
//   kafka_rows      key and value decoders, metadata -> one batch
//   kafka_sink      batches -> key and value encoders -> messages
//   kafka_producer  a client that sends them
//   kafka_transactions, kafka_wire   exactly-once: a producer for each transaction; commits
//   kafka_broker, kafka_sasl         the connection under those: TLS, authentication
//   kafka_table     the options of a table, read once by all of them
#pragma once

#include <librdkafka/rdkafka.h>
#include <pthread.h>

#include "connector/kafka/kafka.h"
#include "os/library.h"

// librdkafka's functions, as rdkafka.conf_new(...): os/library.h says why.
#define RDKAFKA_FUNCTIONS(X)                                                                      \
    X(abort_transaction)                                                                          \
    X(begin_transaction) X(commit) X(committed) X(conf_destroy) X(conf_dump) X(conf_dump_free)    \
        X(conf_get) X(conf_new) X(conf_set) X(conf_set_dr_msg_cb) X(conf_set_error_cb) X(         \
            conf_set_log_cb) X(conf_set_opaque) X(conf_set_stats_cb) X(consume_batch_queue)       \
            X(default_topic_conf_dup) X(destroy) X(err2str) X(error_code) X(error_destroy) X(     \
                error_is_retriable) X(error_string) X(fatal_error) X(flush) X(header_add)         \
                X(header_cnt) X(header_get_all) X(headers_copy) X(headers_destroy) X(headers_new) \
                    X(incremental_assign) X(incremental_unassign) X(init_transactions)            \
                        X(last_error) X(message_destroy) X(message_headers) X(message_timestamp)  \
                            X(metadata) X(metadata_destroy) X(new) X(offsets_for_times)           \
                                X(pause_partitions) X(poll) X(poll_set_consumer) X(producev)      \
                                    X(purge) X(queue_destroy) X(queue_get_consumer)               \
                                        X(queue_io_event_enable) X(resume_partitions)             \
                                            X(topic_conf_set_opaque)                              \
                                                X(topic_conf_set_partitioner_cb) X(topic_destroy) \
                                                    X(topic_name) X(topic_new)                    \
                                                        X(topic_partition_list_add)               \
                                                            X(topic_partition_list_destroy)       \
                                                                X(topic_partition_list_new)       \
                                                                    X(version) X(version_str)
#define RDKAFKA_MEMBER(name) __typeof__(&rd_kafka_##name) name;
typedef struct RdKafka {
    RDKAFKA_FUNCTIONS(RDKAFKA_MEMBER)
} RdKafka;
extern RdKafka rdkafka;  // filled in by the first kafka_conf

// --- kafka_table.c -----------------------------------------------------------------------------

typedef enum StartMode {  // in the order of the option's values
    START_GROUP,
    START_EARLIEST,
    START_LATEST,
    START_TIMESTAMP,
    START_SPECIFIC,
} StartMode;

typedef enum BoundMode {
    BOUND_NONE,
    BOUND_LATEST,
    BOUND_GROUP,
    BOUND_TIMESTAMP,
    BOUND_SPECIFIC,
} BoundMode;

typedef enum ResetMode { RESET_NONE, RESET_EARLIEST, RESET_LATEST } ResetMode;

typedef enum Partitioner { PARTITION_DEFAULT, PARTITION_FIXED, PARTITION_ROUND_ROBIN } Partitioner;

typedef enum Guarantee { AT_LEAST_ONCE, EXACTLY_ONCE, NO_GUARANTEE } Guarantee;

typedef struct PartitionOffset {
    int32_t partition;
    int64_t offset;
} PartitionOffset;

// Key or value of a message: its format and the physical columns in it.
typedef struct MessagePart {
    const Format *format;  // NULL: no key
    Options options;       // the format's view
    uint32_t *column;      // indexes into the physical columns
    uint32_t column_count;
    const Type *type;      // ROW of those columns, as the format names them
} MessagePart;

// Who tells people of what clients complain about and get over, now and then.
typedef struct KafkaTeller {
    void (*print)(void *arg, Str line, bool to_stderr);
    void *print_arg;
    _Atomic int64_t told_ns;  // when it did so last; 0: never
} KafkaTeller;

// A table's options, read and checked. Lies in an arena.
typedef struct KafkaTable {
    const TableDesc *desc;
    Options options;  // with this connector's definitions
    bool upsert;
    const Str *topic;     // a list, or
    uint32_t topic_count;
    const char *pattern;  // a regular expression; NULL when there is a list
    MessagePart key, value;
    Str key_prefix;       // of the key's columns in the table; the format does not see it
    bool value_has_key;   // value.fields-include = ALL

    StartMode start;
    int64_t start_ms;
    const PartitionOffset *start_offset;
    uint32_t start_offset_count;
    BoundMode bound;
    int64_t bound_ms;
    const PartitionOffset *bound_offset;
    uint32_t bound_offset_count;
    ResetMode reset;         // where there is nothing to go by
    int64_t discovery_ms;    // 0: look once
    const char *group;       // consumer group, or NULL

    Partitioner partitioner;
    Guarantee guarantee;
    const char *transaction_prefix;  // of the ids of transactions; exactly-once only
    int64_t transaction_ms;          // how long brokers keep one open
    int64_t buffer_rows, buffer_ms;  // upsert sink; 0: no buffer
    KafkaTeller *teller;     // of the reader or writer that uses the table; NULL: nobody
} KafkaTable;

extern const OptionDef KAFKA_OPTIONS[], UPSERT_KAFKA_OPTIONS[];

// Reads and checks the options; [out] and what it holds lie in [arena], [desc] must outlive it.
NODISCARD Status kafka_table_read(Arena *arena, const TableDesc *desc, bool upsert, bool as_sink,
                                  KafkaTable *out, Error *err);
// Only what a scan's boundedness needs; for tables that were checked.
bool kafka_table_bounded(const TableDesc *desc);

// --- kafka_conf.c ------------------------------------------------------------------------------

// librdkafka's settings for the table's properties.*, as consumer or producer. ST_VALIDATION names
// the property; values of secrets are never part of a message.
NODISCARD Status kafka_conf(const KafkaTable *table, bool producer, rd_kafka_conf_t **out,
                            Error *err);

// The last thing a client complained about. librdkafka's threads write it, any thread reads it.
typedef struct KafkaTrouble {
    pthread_mutex_t lock;
    rd_kafka_resp_err_t code;  // RD_KAFKA_RESP_ERR_NO_ERROR: nothing yet
    bool fatal;                // no point in waiting: wrong password, refused
    char text[256];
    rd_kafka_t *rk;            // whose it is; NULL: there is none yet
    KafkaTeller *teller;       // NULL: nobody hears of what passes
    const TableDesc *table;
} KafkaTrouble;

void kafka_trouble_init(KafkaTrouble *trouble);
void kafka_trouble_clear(KafkaTrouble *trouble);
// Has the clients made from [conf] report to [trouble], and what passes told by the table's teller.
void kafka_trouble_listen(KafkaTrouble *trouble, const KafkaTable *table, rd_kafka_conf_t *conf);
// "what: text" of the last complaint, if there is one, else of [code].
Status kafka_trouble_error(KafkaTrouble *trouble, rd_kafka_resp_err_t code, const char *what,
                           Error *err);
bool kafka_trouble_fatal(KafkaTrouble *trouble);

// --- kafka_offsets.c ---------------------------------------------------------------------------

enum { OFFSET_UNKNOWN = -1001, OFFSET_NO_STOP = INT64_MAX };

// A partition to read. Offsets may be RD_KAFKA_OFFSET_BEGINNING.
typedef struct Assignment {
    char *topic;  // owned
    int32_t partition;
    int64_t start;  // first offset to read
    int64_t stop;   // first offset not to read, or OFFSET_NO_STOP
} Assignment;

typedef struct Assignments {
    Assignment *item;
    uint32_t count, cap;
} Assignments;

void assignments_add(Assignments *list, Str topic, int32_t partition, int64_t start, int64_t stop);
const Assignment *assignments_find(const Assignments *list, const char *topic, int32_t partition);
void assignments_clear(Assignments *list);

// Which of [count] readers a partition belongs to; as Flink spreads them.
uint32_t kafka_owner(const char *topic, int32_t partition, uint32_t count);

typedef struct DiscoverEnv {
    const KafkaTable *table;
    rd_kafka_t *rk;
    KafkaTrouble *trouble;
    uint32_t index, count;  // the reader among all
    const _Atomic bool *closing;  // give up soon when it becomes true
} DiscoverEnv;

// Finds the partitions that belong to this reader and are not in [known], and where each begins and
// ends: by the table's options, or, when [later], at the beginning. Blocks, some seconds at most
// when nobody answers: ST_CONNECT. ST_CANCELLED when closing.
NODISCARD Status kafka_discover(const DiscoverEnv *env, const Assignments *known, bool later,
                                Assignments *found, Error *err);

// --- kafka_rows.c ------------------------------------------------------------------------------

// The connector's own metadata.
typedef enum MetadataKey {
    META_TOPIC,
    META_PARTITION,
    META_HEADERS,
    META_LEADER_EPOCH,
    META_OFFSET,
    META_TIMESTAMP,
    META_TIMESTAMP_TYPE,
    META_COUNT_
} MetadataKey;

// META_COUNT_ when [key] is none of them.
MetadataKey kafka_metadata_key(Str key);
// Type of metadata column [key], which may be the value format's ("value.…"); NULL: unknown.
const Type *kafka_metadata_type(Arena *arena, const TableDesc *desc, Str key, bool *writable);

// Makes batches of messages.
typedef struct RowMaker RowMaker;
NODISCARD Status rows_new(const KafkaTable *table, const ScanSpec *spec, const TaskEnv *env,
                          RowMaker **out, Error *err);
// Adds the rows of one message. ST_RUNTIME with topic, partition and offset when it does not
// decode.
NODISCARD Status rows_add(RowMaker *self, const rd_kafka_message_t *message, Error *err);
bool rows_full(const RowMaker *self);
Batch *rows_take(RowMaker *self);  // what was added since, sealed, owned by the caller; or NULL
void rows_free(RowMaker *self);

// --- kafka_producer.c --------------------------------------------------------------------------

// A client that sends messages. librdkafka's threads write what is atomic.
typedef struct Producer {
    KafkaTrouble trouble;
    rd_kafka_t *rk;
    rd_kafka_topic_t **topic;  // one for each of the table's topics, then those of producer_topic
    uint32_t topic_count;
    _Atomic int failed;        // rd_kafka_resp_err_t of the first message given up
    uint32_t index;            // of the writer, for partitioners
    uint32_t *counter;         // round-robin; borrowed
    // Of a transaction: its number and id; the ids that Kafka knows the producer by, -1: not yet.
    uint64_t number;
    char *transaction;         // owned; NULL: none
    _Atomic int64_t id;
    _Atomic int32_t epoch;
    bool ready;                // transactions can begin
    bool written;              // a message is in the open transaction
    struct Producer *next;
} Producer;

// [transaction]: the id of the transactions, or NULL. [counter] must outlive the producer.
NODISCARD Status producer_new(const KafkaTable *table, uint32_t index, uint32_t *counter,
                              const char *transaction, Producer **out, Error *err);
// Registers the transactional id and learns the producer's; waits, [closing] ends that.
NODISCARD Status producer_init_transactions(Producer *self, const _Atomic bool *closing,
                                            Error *err);
// A topic by name, opened when it is first asked for: of tables that write to those of a pattern.
NODISCARD Status producer_topic(Producer *self, const KafkaTable *table, Str name,
                                rd_kafka_topic_t **out, Error *err);
// What the producer or one of its messages failed of, if that happened.
NODISCARD Status producer_trouble(Producer *self, const KafkaTable *table, Error *err);
// Does not wait: what is not sent yet is lost, an open transaction stays open.
void producer_free(Producer *self);

// --- kafka_broker.c ----------------------------------------------------------------------------

typedef struct KafkaTls KafkaTls;

// A connection to one broker. Used by one thread.
typedef struct KafkaBroker {
    const KafkaTable *table;
    rd_kafka_conf_t *conf;  // the table's settings; NULL before the first connection
    KafkaTls *tls;          // NULL: none
    int fd;                 // -1: none
    char address[280];      // where it leads, host:port
    Buf setting;
} KafkaBroker;

void broker_init(KafkaBroker *self, const KafkaTable *table);
void broker_clear(KafkaBroker *self);
// Connects to [address], host:port, unless that is where it leads already: then *fresh is false.
// ST_CONNECT: nobody answers; ST_RUNTIME: TLS does not come about.
NODISCARD Status broker_open(KafkaBroker *self, Str address, bool *fresh, Error *err);
NODISCARD Status broker_send(KafkaBroker *self, Str bytes, Error *err);
NODISCARD Status broker_receive(KafkaBroker *self, char *out, size_t size, Error *err);
void broker_close(KafkaBroker *self);
// Closes, and says of [what] that it failed, and [why].
Status broker_broken(KafkaBroker *self, Status st, const char *what, const char *why, Error *err);
// A setting of librdkafka's, NULL where there is none; good until the next call.
const char *broker_setting(KafkaBroker *self, const char *name);

// --- kafka_wire.c ------------------------------------------------------------------------------

// Requests about transactions. Used by one thread.
typedef struct KafkaWire {
    const char *bootstrap;  // borrowed
    KafkaBroker broker;
    int32_t requests;
} KafkaWire;

void wire_init(KafkaWire *self, const KafkaTable *table);
void wire_clear(KafkaWire *self);
void wire_put_number(Buf *out, uint64_t value, uint32_t size);  // high bytes first
void wire_put_text(Buf *out, Str text);
// Takes [size] bytes of [in]; [in] is all taken when it is too short, and *good false.
int64_t wire_take_number(Str *in, uint32_t size, bool *good);
Str wire_take_text(Str *in, bool *good);  // that may be null
// Sends a request over the open connection; [answer] becomes what follows the head of its answer.
NODISCARD Status wire_call(KafkaWire *self, int api, int version, Str body, Buf *answer,
                           Error *err);
// [address], host:port, of who coordinates [id], from what follows the head of the broker's answer.
NODISCARD Status wire_coordinator(Str answer, const char *id, Buf *address, Error *err);
// Commits a transaction, whoever began it; one that is committed stays so. ST_RUNTIME: it cannot be
// any more. ST_CONNECT: nobody answers.
NODISCARD Status wire_commit(KafkaWire *self, const char *id, int64_t producer, int16_t epoch,
                             Error *err);
// Aborts what is open under [id], and shuts out who has it open. *unused: there never was anything.
NODISCARD Status wire_abort(KafkaWire *self, const char *id, bool *unused, Error *err);

// --- kafka_transactions.c ----------------------------------------------------------------------

// The transactions of one writer.
typedef struct Transactions Transactions;
Transactions *transactions_new(const KafkaTable *table, const TaskEnv *env);
// Commits what a checkpoint holds. Before transactions_begin; may be called several times.
NODISCARD Status transactions_restore(Transactions *self, Str committable, Error *err);
// The producer of the open transaction; opens one when there is none. At first it aborts what
// earlier runs have left open.
NODISCARD Status transactions_begin(Transactions *self, Producer **out, Error *err);
// The open transaction, if it has messages, which are flushed, belongs to [checkpoint] now.
NODISCARD Status transactions_prepare(Transactions *self, uint64_t checkpoint, Error *err);
// What transactions_restore needs to commit all that is prepared, and to go on.
void transactions_save(const Transactions *self, Buf *out);
// Commits what belongs to [checkpoint] and those before it.
NODISCARD Status transactions_commit(Transactions *self, uint64_t checkpoint, Error *err);
void transactions_close(Transactions *self);

// --- kafka_source.c, kafka_sink.c --------------------------------------------------------------

Status kafka_source_open(const ScanSpec *spec, const TaskEnv *env, bool upsert, SourceReader **out,
                         Error *err);
Status kafka_sink_open(const SinkSpec *spec, const TaskEnv *env, bool upsert, SinkWriter **out,
                       Error *err);

// --- kafka_sasl.c ------------------------------------------------------------------------------

enum { SCRAM_KEY_MAX = 64 };

// One side of SCRAM, without a connection.
typedef struct Scram {
    bool wide;        // SHA-512, not 256
    Buf nonce;        // ours
    Buf message;      // to be sent next
    Buf signed_text;
    unsigned char expected[SCRAM_KEY_MAX];  // the broker's proof
} Scram;

// [message] becomes the first one. [nonce] NULL: a random one.
NODISCARD bool scram_begin(Scram *self, const char *mechanism, const char *user, const char *nonce,
                           Error *err);
// [message] becomes the answer to [challenge]; NULL, or what is wrong.
const char *scram_answer(Scram *self, Str challenge, const char *password);
const char *scram_check(const Scram *self, Str last);  // the broker's proof
void scram_clear(Scram *self);

bool sasl_known(const char *mechanism);
// Says who we are, over a connection that was just opened. ST_RUNTIME: the broker will not have us.
NODISCARD Status sasl_authenticate(KafkaWire *wire, Error *err);
