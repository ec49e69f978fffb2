// Exactly once: every checkpoint commits the transaction that its rows were written in, and a new
// transaction goes on at once.
//
// librdkafka cannot resume a transaction: the producer that registers an id aborts what is open
// under it. So no id is ever used for two transactions that matter: they are
// "prefix-subtask-number", with numbers that go up, and each has a producer of its own. To register
// takes round trips and to learn the producer's ids takes statistics: a thread keeps some producers
// ready, and frees those that are through.
//
// A prepared transaction is known by its id and its producer's id and epoch. These lie in the
// checkpoint, and with them it is committed from outside (kafka_wire.c), in life as after death:
// there is one way. Committing twice does no harm.
//
// A run that begins goes through the numbers from that of its checkpoint on, until one was never
// used: what was open under them is aborted (no checkpoint knows of it, and readers would wait for
// its end), and whoever still writes under them is shut out. It goes on with the first unused one.
//
// Locks: [lock] guards the list of producers and what the thread reports.
#include <stdatomic.h>
#include <stdio.h>

#include "connector/kafka/kafka_int.h"

enum {
    STANDBY = 3,     // producers ready; short intervals between checkpoints need several
    ABORT_MS = 2000, // at most, of a job that has failed
    LOOK_MS = 500,   // between looks of the thread: statistics heap up in clients nobody polls
};

// A transaction whose messages are all in Kafka, waiting for its commit.
typedef struct Prepared {
    char *id;  // owned
    int64_t producer;
    int16_t epoch;
    uint64_t checkpoint;
} Prepared;

// Where a former subtask was: the first number that no checkpoint knows to be prepared.
typedef struct Past {
    char *prefix;  // owned
    uint32_t subtask;
    uint64_t next;
} Past;

struct Transactions {
    const KafkaTable *table;
    uint32_t index;
    uint32_t counter;  // of the round-robin partitioner
    KafkaWire wire;
    Prepared *prepared;
    uint32_t prepared_count;
    Past *past;
    uint32_t past_count;
    bool began;
    Producer *open;    // of the transaction that is written to; NULL: none
    uint64_t next;     // number of [open], or of the producer that will be next

    OsThread *thread;      // NULL: it has not started
    OsMonitor lock;
    Producer *standby;     // lock: in the order of their numbers
    uint32_t standby_count;
    Producer *retired;     // lock: to be freed
    uint64_t made;         // of the thread: number of the next producer to make
    Status status;         // lock: why the thread has ended
    Error error;           // lock
    _Atomic bool closing;
};

Transactions *transactions_new(const KafkaTable *table, const TaskEnv *env) {
    Transactions *self = NEW(Transactions);
    self->table = table;
    self->index = env->index;
    self->next = 1;
    wire_init(&self->wire, table);
    os()->monitor_init(&self->lock);
    return self;
}

static void id_print(const char *prefix, uint32_t subtask, uint64_t number, Buf *out) {
    out->len = 0;
    buf_printf(out, "%s-%u-%llu", prefix, subtask, (unsigned long long)number);
    (void)buf_cstr(out);
}

// --- The thread ---------------------------------------------------------------------------------

static Status make_one(Transactions *self, Producer **out, Error *err) {
    Buf id = {0};
    id_print(self->table->transaction_prefix, self->index, self->made, &id);
    Status st = producer_new(self->table, self->index, &self->counter, id.ptr, out, err);
    buf_free(&id);
    if (st) return st;
    (*out)->number = self->made++;
    return ST_OK;
}

// Called and left with the lock held. Clients are made ahead, so that they are connected when it is
// their turn to register.
static Status fill_up(Transactions *self, Error *err) {
    while (self->standby_count < STANDBY) {
        os_unlock(&self->lock);
        Producer *producer = NULL;
        Status st = make_one(self, &producer, err);
        os_lock(&self->lock);
        TRY(st);
        Producer **end = &self->standby;
        while (*end) end = &(*end)->next;
        *end = producer;
        self->standby_count++;
    }
    Producer *first = self->standby;
    while (first && first->ready) first = first->next;
    if (!first) return ST_OK;
    // Nobody takes a producer that is not ready: it stays in the list.
    os_unlock(&self->lock);
    Status st = producer_init_transactions(first, &self->closing, err);
    os_lock(&self->lock);
    first->ready = !st;
    os_tell(&self->lock);
    return st;
}

static bool has_work(const Transactions *self) {
    if (self->retired || self->standby_count < STANDBY) return true;
    for (const Producer *at = self->standby; at; at = at->next) {
        if (!at->ready) return true;
    }
    return false;
}

// Lets callbacks come: statistics of clients that nobody else polls.
static void poll_all(Transactions *self) {
    for (Producer *at = self->standby; at; at = at->next) (void)rdkafka.poll(at->rk, 0);
    if (self->open) (void)rdkafka.poll(self->open->rk, 0);
}

static void keep_ready(void *arg) {
    Transactions *self = arg;
    os_lock(&self->lock);
    while (!atomic_load(&self->closing) && !self->status) {
        if (!has_work(self)) {
            os_wait(&self->lock, LOOK_MS);
            poll_all(self);
            continue;
        }
        Producer *retired = self->retired;
        if (retired) {
            self->retired = retired->next;
            os_unlock(&self->lock);
            producer_free(retired);
            os_lock(&self->lock);
            continue;
        }
        Error err = {0};
        Status st = fill_up(self, &err);
        if (!st) continue;
        self->status = st;
        self->error = err;
        os_tell(&self->lock);
    }
    os_unlock(&self->lock);
}

// --- Beginning ----------------------------------------------------------------------------------

// Aborts all from number [*number] on, which becomes the first that was never used.
static Status abort_from(Transactions *self, const char *prefix, uint32_t subtask,
                         uint64_t *number, Error *err) {
    Buf id = {0};
    Status st = ST_OK;
    for (bool unused = false; !st; ++*number) {
        id_print(prefix, subtask, *number, &id);
        st = wire_abort(&self->wire, id.ptr, &unused, err);
        if (unused) break;
    }
    buf_free(&id);
    return st;
}

static Status start(Transactions *self, Error *err) {
    bool own = false;
    for (uint32_t i = 0; i < self->past_count; i++) {
        const Past *past = &self->past[i];
        uint64_t number = past->next;
        TRY(abort_from(self, past->prefix, past->subtask, &number, err));
        if (past->subtask != self->index ||
            strcmp(past->prefix, self->table->transaction_prefix) != 0) {
            continue;
        }
        own = true;
        self->next = number;
    }
    if (!own) {
        TRY(abort_from(self, self->table->transaction_prefix, self->index, &self->next, err));
    }
    self->made = self->next;
    TRY(os()->thread_start(keep_ready, self, &self->thread, err));
    self->began = true;
    return ST_OK;
}

// Takes the first producer in line, when it is ready.
static Status take_producer(Transactions *self, Producer **out, Error *err) {
    os_lock(&self->lock);
    while (!self->status && !(self->standby && self->standby->ready)) {
        os_wait(&self->lock, LOOK_MS);
    }
    bool there = self->standby && self->standby->ready;
    Status st = there ? ST_OK : self->status;
    if (there) {
        *out = self->standby;
        self->standby = (*out)->next;
        (*out)->next = NULL;
        self->standby_count--;
        self->open = *out;
        os_tell(&self->lock);
    } else if (err) {
        *err = self->error;
    }
    os_unlock(&self->lock);
    return st;
}

Status transactions_begin(Transactions *self, Producer **out, Error *err) {
    if (!self->began) TRY(start(self, err));
    if (self->open) {
        *out = self->open;
        return ST_OK;
    }
    Producer *producer = NULL;
    TRY(take_producer(self, &producer, err));
    self->next = producer->number;
    rd_kafka_error_t *error = rdkafka.begin_transaction(producer->rk);
    if (error) {
        (void)error_set(err, ST_CONNECT, "cannot begin Kafka transaction '%s': %s",
                        producer->transaction, rdkafka.error_string(error));
        rdkafka.error_destroy(error);
        return ST_CONNECT;
    }
    *out = producer;
    return ST_OK;
}

// --- Two phases ---------------------------------------------------------------------------------

Status transactions_prepare(Transactions *self, uint64_t checkpoint, Error *err) {
    Producer *producer = self->open;
    if (!producer || !producer->written) return ST_OK;
    int64_t id = atomic_load(&producer->id);
    int32_t epoch = atomic_load(&producer->epoch);
    if (id < 0 || epoch < 0) {
        return error_set(err, ST_RUNTIME, "Kafka transaction '%s' has lost its producer",
                         producer->transaction);
    }
    self->prepared = mem_realloc(self->prepared,
                                 (self->prepared_count + 1) * sizeof *self->prepared);
    self->prepared[self->prepared_count++] = (Prepared){
        .id = mem_strdup(producer->transaction), .producer = id, .epoch = (int16_t)epoch,
        .checkpoint = checkpoint};
    self->next = producer->number + 1;
    os_lock(&self->lock);
    self->open = NULL;
    producer->next = self->retired;
    self->retired = producer;
    os_tell(&self->lock);
    os_unlock(&self->lock);
    return ST_OK;
}

// Lines: "subtask next prefix", then "producer epoch id" for each prepared transaction. The option
// is checked to have no line breaks.
void transactions_save(const Transactions *self, Buf *out) {
    buf_printf(out, "%u %llu %s\n", self->index, (unsigned long long)self->next,
               self->table->transaction_prefix);
    for (uint32_t i = 0; i < self->prepared_count; i++) {
        const Prepared *at = &self->prepared[i];
        buf_printf(out, "%lld %d %s\n", (long long)at->producer, (int)at->epoch, at->id);
    }
}

static bool line_next(Str *in, int64_t *first, int64_t *second, Str *text) {
    return str_take_line(in, text) && str_take_i64(text, first) && str_take_i64(text, second) &&
           text->len > 0;
}

Status transactions_restore(Transactions *self, Str committable, Error *err) {
    int64_t subtask, next, producer, epoch;
    Str text;
    if (!line_next(&committable, &subtask, &next, &text) || subtask < 0 || next < 1) {
        return error_set(err, ST_RUNTIME, "the saved Kafka transactions cannot be read");
    }
    self->past = mem_realloc(self->past, (self->past_count + 1) * sizeof *self->past);
    self->past[self->past_count++] = (Past){str_own(text), (uint32_t)subtask, (uint64_t)next};
    while (committable.len) {
        if (!line_next(&committable, &producer, &epoch, &text)) {
            return error_set(err, ST_RUNTIME, "the saved Kafka transactions cannot be read");
        }
        char *id = str_own(text);
        Status st = wire_commit(&self->wire, id, producer, (int16_t)epoch, err);
        mem_free(id);
        TRY(st);
    }
    return ST_OK;
}

Status transactions_commit(Transactions *self, uint64_t checkpoint, Error *err) {
    uint32_t done = 0;
    Status st = ST_OK;
    while (done < self->prepared_count && self->prepared[done].checkpoint <= checkpoint) {
        Prepared *at = &self->prepared[done];
        st = wire_commit(&self->wire, at->id, at->producer, at->epoch, err);
        if (st) break;
        mem_free(at->id);
        done++;
    }
    self->prepared_count -= done;
    if (done) {
        memmove(self->prepared, self->prepared + done,
                self->prepared_count * sizeof *self->prepared);
    }
    return st;
}

// --- Life ---------------------------------------------------------------------------------------

static void producers_free(Producer *list) {
    while (list) {
        Producer *next = list->next;
        producer_free(list);
        list = next;
    }
}

void transactions_close(Transactions *self) {
    if (!self) return;
    os_lock(&self->lock);
    atomic_store(&self->closing, true);
    os_tell(&self->lock);
    os_unlock(&self->lock);
    os()->thread_join(self->thread);
    // What is prepared is the checkpoint's. What is open would hold readers up: if it cannot be
    // aborted now, the next run does it, or the brokers when its time is over.
    if (self->open && self->open->written) {
        rd_kafka_error_t *error = rdkafka.abort_transaction(self->open->rk, ABORT_MS);
        if (error) rdkafka.error_destroy(error);
    }
    producers_free(self->standby);
    producers_free(self->retired);
    producer_free(self->open);
    wire_clear(&self->wire);
    for (uint32_t i = 0; i < self->prepared_count; i++) mem_free(self->prepared[i].id);
    for (uint32_t i = 0; i < self->past_count; i++) mem_free(self->past[i].prefix);
    mem_free(self->prepared);
    mem_free(self->past);
    os()->monitor_clear(&self->lock);
    mem_free(self);
}
