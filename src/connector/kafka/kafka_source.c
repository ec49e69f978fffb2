// Reads partitions. A thread of the reader's own looks for partitions and offsets (they take round
// trips); the worker's poll takes over what it found, gets messages of all partitions from one
// queue, sorts them by partition, and hands on batches of one partition each.
//
// Offsets belong to the reader: they lie in its snapshots. The group's offsets are only told to
// Kafka, after a checkpoint and at a clean end, for others to look at and for a later
// 'group-offsets' start.
//
// Locks: [lock] guards what the two threads share (found, trouble of the search, closing).
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "connector/kafka/kafka_int.h"

enum {
    MESSAGES_MAX = BATCH_ROWS_MAX,  // of one poll
    COMMIT_MS = 5000,               // between commits when enable.auto.commit asks for them
    SEARCH_MS = 1000,               // from a first search that failed to the next
};

typedef struct Split {
    char *topic;  // owned
    int32_t partition;
    int64_t next;  // offset to go on from
    int64_t begun;  // that of the first message; -1: there was none yet
    int64_t stop;
    bool ended, paused;
    const rd_kafka_topic_t *handle;  // as messages show it; compared, never used
    int32_t first, last;             // messages of this poll: a list through KafkaSource.follow
} Split;

typedef struct KafkaSource {
    SourceReader base;
    KafkaTable table;
    TaskEnv env;
    KafkaTeller teller;
    KafkaTrouble trouble;
    rd_kafka_t *rk;
    rd_kafka_queue_t *queue;
    RowMaker *rows;
    int wake;  // an eventfd: messages are there, or the search has found something

    Split *split;  // named by their index
    uint32_t splits, ended;
    uint32_t announced;  // so many of them the worker knows
    uint32_t assigned;   // so many of them are fetched
    uint32_t latest;  // split of the last message: the next is likely of it, too
    bool stopping, finished;

    OsThread *thread;      // NULL: the search has not started
    OsMonitor lock;
    Assignments known;     // what the search need not look at; of its thread, once it runs
    Assignments found;     // lock: not taken over yet
    bool searched;         // lock: to the end, at least once; written by its thread only
    bool restored;         // before the thread starts only
    int64_t *taken;        // of the splits of the snapshot restored last: their numbers here, or -1
    uint32_t taken_count;
    Status search_status;  // lock
    Error search_error;    // lock
    _Atomic bool closing;

    bool auto_commit;
    int64_t committed_ms;
    Buf snapshot;  // positions of the last snapshot, to commit when it is complete
    rd_kafka_message_t *message[MESSAGES_MAX];
    int32_t follow[MESSAGES_MAX];
} KafkaSource;

static void wake_up(KafkaSource *self) {
    uint64_t one = 1;
    (void)!write(self->wake, &one, sizeof one);
}

// --- The search --------------------------------------------------------------------------------

// Waits for the next search; false when the reader closes or there is none.
static bool search_again(KafkaSource *self) {
    int64_t wait_ms = self->searched ? self->table.discovery_ms : SEARCH_MS;
    int64_t until_ms = os_monotonic_ns() / 1000000 + wait_ms, left_ms;
    bool again = wait_ms > 0;
    os_lock(&self->lock);
    while (again && !atomic_load(&self->closing) &&
           (left_ms = until_ms - os_monotonic_ns() / 1000000) > 0) {
        os_wait(&self->lock, left_ms);
    }
    os_unlock(&self->lock);
    return again && !atomic_load(&self->closing);
}

static void search(void *arg) {
    KafkaSource *self = arg;
    DiscoverEnv env = {.table = &self->table,
                       .rk = self->rk,
                       .trouble = &self->trouble,
                       .index = self->env.index,
                       .count = self->env.count,
                       .closing = &self->closing};
    bool later = self->restored;
    do {
        Assignments found;
        Error err = {0};
        Status st = kafka_discover(&env, &self->known, later, &found, &err);
        for (uint32_t i = 0; !st && i < found.count; i++) {
            assignments_add(&self->known, str_c(found.item[i].topic), found.item[i].partition, 0,
                            0);
        }
        // Once it runs, a search that fails is tried again next time: what is read goes on.
        bool fails = st && !(later && status_retryable(st));
        os_lock(&self->lock);
        for (uint32_t i = 0; !st && i < found.count; i++) {
            const Assignment *item = &found.item[i];
            assignments_add(&self->found, str_c(item->topic), item->partition, item->start,
                            item->stop);
        }
        if (fails) {
            self->search_status = st;
            self->search_error = err;
        }
        self->searched |= !st;
        os_unlock(&self->lock);
        if (!st) assignments_clear(&found);
        wake_up(self);
        if (fails) break;
        later = true;
    } while (search_again(self));
}

static Status search_start(KafkaSource *self, Error *err) {
    return os()->thread_start(search, self, &self->thread, err);
}

// --- Splits ------------------------------------------------------------------------------------

static uint32_t split_add(KafkaSource *self, const char *topic, int32_t partition, int64_t next,
                          int64_t stop) {
    self->split = mem_realloc(self->split, (self->splits + 1) * sizeof *self->split);
    self->split[self->splits] = (Split){.topic = mem_strdup(topic),
                                        .partition = partition,
                                        .next = next,
                                        .begun = -1,
                                        .stop = stop,
                                        .first = -1};
    return self->splits++;
}

// Splits [from, splits) are given to the client to fetch.
static Status assign(KafkaSource *self, uint32_t from, Error *err) {
    rd_kafka_topic_partition_list_t *list = rdkafka.topic_partition_list_new(1);
    for (uint32_t i = from; i < self->splits; i++) {
        Split *split = &self->split[i];
        if (split->ended) continue;
        rdkafka.topic_partition_list_add(list, split->topic, split->partition)->offset =
            split->next;
    }
    rd_kafka_error_t *error = list->cnt ? rdkafka.incremental_assign(self->rk, list) : NULL;
    rdkafka.topic_partition_list_destroy(list);
    if (!error) return ST_OK;
    (void)error_set(err, ST_RUNTIME, "cannot read from Kafka: %s", rdkafka.error_string(error));
    rdkafka.error_destroy(error);
    return ST_RUNTIME;
}

static Status split_end(KafkaSource *self, uint32_t index, SourceOutput *out, Error *err) {
    Split *split = &self->split[index];
    if (split->ended) return ST_OK;
    split->ended = true;
    self->ended++;
    rd_kafka_topic_partition_list_t *list = rdkafka.topic_partition_list_new(1);
    rdkafka.topic_partition_list_add(list, split->topic, split->partition);
    rd_kafka_error_t *error = rdkafka.incremental_unassign(self->rk, list);
    if (error) rdkafka.error_destroy(error);  // it goes on fetching what nobody reads: no harm
    rdkafka.topic_partition_list_destroy(list);
    return out->split_end(out, index, err);
}

// Tells of splits that are new, or restored: time must not run ahead of those that are silent yet.
static Status announce(KafkaSource *self, SourceOutput *out, Error *err) {
    while (self->announced < self->splits) {
        uint32_t index = self->announced++;
        if (!self->split[index].ended) TRY(out->split_start(out, index, err));
    }
    return ST_OK;
}

// Takes over what the search found since. Nothing is fetched before it has been through once: of
// the partitions that other workers had before, some may be in no snapshot, and time must not run
// ahead of those.
static Status take_found(KafkaSource *self, SourceOutput *out, Error *err) {
    Assignments found;
    os_lock(&self->lock);
    found = self->found;
    self->found = (Assignments){0};
    bool searched = self->searched;
    Status st = self->search_status;
    if (st && err) *err = self->search_error;
    os_unlock(&self->lock);
    for (uint32_t i = 0; i < found.count; i++) {
        const Assignment *item = &found.item[i];
        (void)split_add(self, item->topic, item->partition, item->start, item->stop);
    }
    assignments_clear(&found);
    if (!st) st = announce(self, out, err);
    if (st || !searched || self->assigned == self->splits) return st;
    uint32_t from = self->assigned;
    self->assigned = self->splits;
    for (uint32_t i = from; i < self->splits; i++) {  // nothing to read: never asked for
        Split *split = &self->split[i];
        if (split->ended || split->next < 0 || split->next < split->stop) continue;
        split->ended = true;
        self->ended++;
        TRY(out->split_end(out, i, err));
    }
    return assign(self, from, err);
}

static bool source_knows_splits(SourceReader *base) {
    KafkaSource *self = (KafkaSource *)base;
    os_lock(&self->lock);
    bool knows = self->searched && !self->found.count;
    os_unlock(&self->lock);
    return knows;
}

static void kafka_pause_split(SourceReader *base, uint32_t index, bool paused) {
    KafkaSource *self = (KafkaSource *)base;
    Split *split = &self->split[index];
    if (split->ended || split->paused == paused) return;
    split->paused = paused;
    rd_kafka_topic_partition_list_t *list = rdkafka.topic_partition_list_new(1);
    rdkafka.topic_partition_list_add(list, split->topic, split->partition);
    if (paused) {
        (void)rdkafka.pause_partitions(self->rk, list);  // a failure: it is read on, as before
    } else {
        (void)rdkafka.resume_partitions(self->rk, list);
    }
    rdkafka.topic_partition_list_destroy(list);
}

static bool all_read(KafkaSource *self) {
    return source_knows_splits(&self->base) && self->table.bound != BOUND_NONE &&
           self->ended == self->splits;
}

static bool split_is(Split *split, const rd_kafka_message_t *message) {
    if (split->partition != message->partition) return false;
    if (split->handle) return split->handle == message->rkt;
    if (strcmp(split->topic, rdkafka.topic_name(message->rkt)) != 0) return false;
    split->handle = message->rkt;
    return true;
}

static Split *split_of(KafkaSource *self, const rd_kafka_message_t *message) {
    if (self->latest < self->splits && split_is(&self->split[self->latest], message)) {
        return &self->split[self->latest];
    }
    for (uint32_t i = 0; i < self->splits; i++) {
        if (!split_is(&self->split[i], message)) continue;
        self->latest = i;
        return &self->split[i];
    }
    // The same topic under another handle.
    for (uint32_t i = 0; message->rkt && i < self->splits; i++) {
        Split *split = &self->split[i];
        if (split->partition != message->partition ||
            strcmp(split->topic, rdkafka.topic_name(message->rkt)) != 0) {
            continue;
        }
        split->handle = message->rkt;
        self->latest = i;
        return split;
    }
    return NULL;
}

// --- Poll --------------------------------------------------------------------------------------

// An event that is no message: the end of a partition, or an error.
static Status take_event(KafkaSource *self, const rd_kafka_message_t *message, SourceOutput *out,
                         Error *err) {
    Split *split = message->rkt ? split_of(self, message) : NULL;
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        if (split && !split->ended && message->offset > split->next) split->next = message->offset;
        if (split && message->offset >= split->stop) {
            return split_end(self, (uint32_t)(split - self->split), out, err);
        }
        return ST_OK;
    }
    char what[320] = "reading from Kafka";
    if (split) {
        (void)snprintf(what, sizeof what, "reading partition %d of topic '%s'",
                       (int)split->partition, split->topic);
    }
    return kafka_trouble_error(&self->trouble, message->err, what, err);
}

// Makes batches of the messages of one split and hands them on.
static Status emit_split(KafkaSource *self, uint32_t index, SourceOutput *out, Error *err) {
    Split *split = &self->split[index];
    for (int32_t i = split->first; i >= 0; i = self->follow[i]) {
        const rd_kafka_message_t *message = self->message[i];
        if (split->ended || message->offset < split->next) continue;  // seen before a seek
        if (message->offset >= split->stop) {
            Batch *batch = rows_take(self->rows);
            if (batch) TRY(out->batch(out, index, batch, err));
            TRY(split_end(self, index, out, err));
            continue;
        }
        TRY(rows_add(self->rows, message, err));
        if (split->begun < 0) split->begun = message->offset;
        split->next = message->offset + 1;
        if (rows_full(self->rows)) {
            Batch *batch = rows_take(self->rows);
            if (batch) TRY(out->batch(out, index, batch, err));
        }
    }
    Batch *batch = rows_take(self->rows);
    if (batch) TRY(out->batch(out, index, batch, err));
    return split->next >= split->stop ? split_end(self, index, out, err) : ST_OK;
}

static Status emit(KafkaSource *self, uint32_t count, SourceOutput *out, Error *err) {
    uint32_t order[MESSAGES_MAX], touched = 0;  // splits in the order of their first message
    for (uint32_t i = 0; i < count; i++) {
        const rd_kafka_message_t *message = self->message[i];
        self->follow[i] = -1;
        Split *split = message->err ? NULL : split_of(self, message);
        if (!split) continue;
        if (split->first < 0) {
            split->first = (int32_t)i;
            order[touched++] = (uint32_t)(split - self->split);
        } else {
            self->follow[split->last] = (int32_t)i;
        }
        split->last = (int32_t)i;
    }
    Status st = ST_OK;
    for (uint32_t i = 0; i < touched; i++) {
        if (!st) st = emit_split(self, order[i], out, err);
        self->split[order[i]].first = -1;
    }
    for (uint32_t i = 0; !st && i < count; i++) {  // the end of a partition follows its messages
        if (self->message[i]->err) st = take_event(self, self->message[i], out, err);
    }
    return st;
}

static void commit(KafkaSource *self, bool wait) {
    if (!self->table.group) return;
    rd_kafka_topic_partition_list_t *list = rdkafka.topic_partition_list_new(1);
    for (uint32_t i = 0; i < self->splits; i++) {
        const Split *split = &self->split[i];
        if (split->next < 0) continue;
        rdkafka.topic_partition_list_add(list, split->topic, split->partition)->offset =
            split->next;
    }
    // Informational: a commit that fails is made up for by the next one.
    if (list->cnt) (void)rdkafka.commit(self->rk, list, wait ? 0 : 1);
    rdkafka.topic_partition_list_destroy(list);
}

static void commit_by_clock(KafkaSource *self) {
    if (!self->auto_commit) return;
    int64_t now = os_monotonic_ns() / 1000000;
    if (now - self->committed_ms < COMMIT_MS) return;
    self->committed_ms = now;
    commit(self, false);
}

static Status source_poll(SourceReader *base, SourceOutput *out, ReadState *state, Error *err) {
    KafkaSource *self = (KafkaSource *)base;
    *state = READ_END;
    if (self->stopping) {
        self->finished = true;
        return ST_OK;
    }
    if (!self->thread) TRY(search_start(self, err));
    TRY(take_found(self, out, err));
    ssize_t got = rdkafka.consume_batch_queue(self->queue, 0, self->message, MESSAGES_MAX);
    uint32_t count = got > 0 ? (uint32_t)got : 0;
    Status st = emit(self, count, out, err);
    for (uint32_t i = 0; i < count; i++) rdkafka.message_destroy(self->message[i]);
    if (st) return st;
    if (kafka_trouble_fatal(&self->trouble)) {
        return kafka_trouble_error(&self->trouble, RD_KAFKA_RESP_ERR__FATAL, "reading from Kafka",
                                   err);
    }
    commit_by_clock(self);
    if (all_read(self)) {
        self->finished = true;
    } else {
        *state = count == MESSAGES_MAX ? READ_MORE : READ_IDLE;
    }
    return ST_OK;
}

static bool source_is_empty(SourceReader *base) {
    return source_knows_splits(base) && !((KafkaSource *)base)->splits;
}

static void source_wait(SourceReader *base, int64_t timeout_ms) {
    KafkaSource *self = (KafkaSource *)base;
    struct pollfd event = {.fd = self->wake, .events = POLLIN};
    uint64_t times;
    if (poll(&event, 1, (int)(timeout_ms < 0 ? 0 : timeout_ms)) > 0) {
        (void)!read(self->wake, &times, sizeof times);
    }
}

static void source_stop(SourceReader *base) {
    KafkaSource *self = (KafkaSource *)base;
    self->stopping = true;
    wake_up(self);
}

// --- Snapshots ---------------------------------------------------------------------------------

// A line a partition: topic, partition, next offset, stop offset, set apart by blanks. Topic names
// have none.
static Status source_snapshot(SourceReader *base, Buf *out, Error *err) {
    KafkaSource *self = (KafkaSource *)base;
    self->snapshot.len = 0;
    for (uint32_t i = 0; i < self->splits; i++) {
        const Split *split = &self->split[i];
        buf_printf(&self->snapshot, "%s %d %lld %lld\n", split->topic, (int)split->partition,
                   (long long)split->next, (long long)split->stop);
    }
    buf_put_str(out, buf_str(&self->snapshot));
    return ST_OK;
}

static void source_tell(SourceReader *base, Buf *out) {
    const KafkaSource *self = (const KafkaSource *)base;
    uint32_t told = 0;
    for (uint32_t i = 0; i < self->splits; i++) {
        const Split *split = &self->split[i];
        if (split->begun < 0) continue;
        buf_printf(out, "%s{\"split\":\"%s/%d\",\"from\":%lld,\"to\":%lld}", told++ ? "," : "",
                   split->topic, (int)split->partition, (long long)split->begun,
                   (long long)split->next);
    }
}

static bool number_next(Str *line, int64_t *out) {
    int64_t blank = str_find(*line, STR(" "), 0);
    uint32_t end = blank < 0 ? line->len : (uint32_t)blank;
    if (!str_to_i64(str_sub(*line, 0, end), out)) return false;
    *line = str_sub(*line, blank < 0 ? end : end + 1, line->len);
    return true;
}

// May be called with the snapshots of several readers: each keeps the partitions that are its own.
static Status source_restore(SourceReader *base, Str bytes, Error *err) {
    KafkaSource *self = (KafkaSource *)base;
    Arena arena;
    arena_init(&arena);
    Status st = ST_OK;
    self->restored = true;
    self->taken_count = 0;
    for (uint32_t at = 0; !st && at < bytes.len;) {
        int64_t end = str_find(bytes, STR("\n"), at);
        uint32_t stop_at = end < 0 ? bytes.len : (uint32_t)end;
        Str line = str_sub(bytes, at, stop_at - at);
        at = stop_at + 1;
        int64_t blank = str_find(line, STR(" "), 0), partition, next, stop;
        const char *topic = str_cstr(&arena, str_sub(line, 0, blank < 0 ? 0 : (uint32_t)blank));
        line = str_sub(line, blank < 0 ? 0 : (uint32_t)blank + 1, line.len);
        if (blank <= 0 || !number_next(&line, &partition) || !number_next(&line, &next) ||
            !number_next(&line, &stop) || partition < 0 || partition > INT32_MAX) {
            st = error_set(err, ST_RUNTIME, "the saved Kafka offsets cannot be read");
            break;
        }
        bool mine = kafka_owner(topic, (int32_t)partition, self->env.count) == self->env.index;
        self->taken = mem_realloc(self->taken, (self->taken_count + 1) * sizeof *self->taken);
        self->taken[self->taken_count++] = mine ? (int64_t)self->splits : -1;
        if (!mine) continue;
        uint32_t index = split_add(self, topic, (int32_t)partition, next, stop);
        assignments_add(&self->known, str_c(topic), (int32_t)partition, 0, 0);
        if (next < 0 || next < stop) continue;
        self->split[index].ended = true;
        self->ended++;
    }
    arena_clear(&arena);
    return st;
}

static int64_t source_takes(SourceReader *base, uint32_t split) {
    const KafkaSource *self = (const KafkaSource *)base;
    return split < self->taken_count ? self->taken[split] : -1;
}

static Status source_checkpoint_complete(SourceReader *base, uint64_t checkpoint, Error *err) {
    KafkaSource *self = (KafkaSource *)base;
    if (!self->table.group) return ST_OK;
    const char *wanted =
        options_get(&self->table.options, "properties.commit.offsets.on.checkpoint");
    if (wanted && str_eq_nocase(str_c(wanted), STR("false"))) return ST_OK;
    rd_kafka_topic_partition_list_t *list = rdkafka.topic_partition_list_new(1);
    Str bytes = buf_str(&self->snapshot);
    char topic[256];
    int partition;
    long long next;
    for (int64_t at = 0, end; (end = str_find(bytes, STR("\n"), (uint32_t)at)) >= 0; at = end + 1) {
        if (sscanf(bytes.ptr + at, "%255s %d %lld", topic, &partition, &next) != 3) continue;
        if (next >= 0) rdkafka.topic_partition_list_add(list, topic, partition)->offset = next;
    }
    if (list->cnt) (void)rdkafka.commit(self->rk, list, 1);
    rdkafka.topic_partition_list_destroy(list);
    return ST_OK;
}

// Without checkpoints, too, a group that is asked for goes on behind what a job has finished.
static void source_drained(SourceReader *base) {
    KafkaSource *self = (KafkaSource *)base;
    if (self->finished) commit(self, true);
}

// --- Life --------------------------------------------------------------------------------------

static void source_close(SourceReader *base) {
    KafkaSource *self = (KafkaSource *)base;
    if (!self) return;
    os_lock(&self->lock);
    atomic_store(&self->closing, true);
    os_tell(&self->lock);
    os_unlock(&self->lock);
    os()->thread_join(self->thread);
    if (self->queue) {
        rdkafka.queue_io_event_enable(self->queue, -1, NULL, 0);
        rdkafka.queue_destroy(self->queue);
    }
    if (self->rk) rdkafka.destroy(self->rk);
    rows_free(self->rows);
    for (uint32_t i = 0; i < self->splits; i++) mem_free(self->split[i].topic);
    mem_free(self->split);
    mem_free(self->taken);
    assignments_clear(&self->known);
    assignments_clear(&self->found);
    buf_free(&self->snapshot);
    if (self->wake >= 0) (void)close(self->wake);
    os()->monitor_clear(&self->lock);
    kafka_trouble_clear(&self->trouble);
    mem_free(self);
}

static const SourceVt SOURCE_VT = {
    .pause_split = kafka_pause_split,
    .poll = source_poll,
    .is_empty = source_is_empty,
    .wait = source_wait,
    .stop = source_stop,
    .snapshot = source_snapshot,
    .restore = source_restore,
    .takes = source_takes,
    .knows_splits = source_knows_splits,
    .checkpoint_complete = source_checkpoint_complete,
    .tell = source_tell,
    .drained = source_drained,
    .close = source_close,
};

static Status client_open(KafkaSource *self, Error *err) {
    rd_kafka_conf_t *conf;
    char reason[256];
    TRY(kafka_conf(&self->table, false, &conf, err));
    kafka_trouble_listen(&self->trouble, &self->table, conf);
    self->rk = rdkafka.new(RD_KAFKA_CONSUMER, conf, reason, sizeof reason);
    if (!self->rk) {
        rdkafka.conf_destroy(conf);
        return error_set(err, ST_VALIDATION, "table '" STR_FMT "': %s",
                         STR_ARG(self->table.desc->name), reason);
    }
    (void)rdkafka.poll_set_consumer(self->rk);
    self->queue = rdkafka.queue_get_consumer(self->rk);
    self->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (self->wake < 0) return error_set(err, ST_IO, "cannot make an event: out of file handles");
    static const uint64_t ONE = 1;
    rdkafka.queue_io_event_enable(self->queue, self->wake, &ONE, sizeof ONE);
    return ST_OK;
}

Status kafka_source_open(const ScanSpec *spec, const TaskEnv *env, bool upsert, SourceReader **out,
                         Error *err) {
    KafkaSource *self = NEW(KafkaSource);
    self->base.vt = &SOURCE_VT;
    self->env = *env;
    self->wake = -1;
    kafka_trouble_init(&self->trouble);
    os()->monitor_init(&self->lock);
    Status st = kafka_table_read(env->arena, spec->table, upsert, false, &self->table, err);
    self->teller = (KafkaTeller){.print = env->print, .print_arg = env->print_arg};
    self->table.teller = &self->teller;
    if (!st) st = rows_new(&self->table, spec, env, &self->rows, err);
    if (!st) st = client_open(self, err);
    if (st) {
        source_close(&self->base);
        return st;
    }
    const char *text = options_get(&self->table.options, "properties.enable.auto.commit");
    self->auto_commit = text && str_eq_nocase(str_c(text), STR("true"));
    self->committed_ms = os_monotonic_ns() / 1000000;
    *out = &self->base;
    return ST_OK;
}
