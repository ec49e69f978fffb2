// Exchanges: rows to the worker that owns their key.
#include "base/hash.h"
#include "run/worker.h"

bool ring_push(Ring *ring, Element element) {
    uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    if (tail - atomic_load_explicit(&ring->head, memory_order_acquire) == ring->most) return false;
    ring->element[tail % RING_SIZE] = element;
    atomic_store_explicit(&ring->tail, tail + 1, memory_order_release);
    return true;
}

bool ring_pop(Ring *ring, Element *out) {
    uint32_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    if (head == atomic_load_explicit(&ring->tail, memory_order_acquire)) return false;
    *out = ring->element[head % RING_SIZE];
    atomic_store_explicit(&ring->head, head + 1, memory_order_release);
    return true;
}

void element_queue_add(ElementQueue *queue, Element element) {
    if (queue->from + queue->count == queue->cap) {
        if (queue->from) {
            memmove(queue->element, queue->element + queue->from, queue->count * sizeof element);
            queue->from = 0;
        } else {
            queue->cap = queue->cap ? queue->cap * 2 : 16;
            queue->element = mem_realloc(queue->element, queue->cap * sizeof element);
        }
    }
    queue->element[queue->from + queue->count++] = element;
}

bool element_queue_take(ElementQueue *queue, Element *out) {
    if (!queue->count) return false;
    *out = queue->element[queue->from++];
    if (!--queue->count) queue->from = 0;
    return true;
}

void element_queue_clear(ElementQueue *queue) {
    for (Element element; element_queue_take(queue, &element);) batch_unref(element.batch);
    mem_free(queue->element);
    *queue = (ElementQueue){0};
}

static bool ring_full(const Ring *ring) {
    return atomic_load_explicit(&ring->tail, memory_order_relaxed) -
               atomic_load_explicit(&ring->head, memory_order_acquire) == ring->most;
}

// The producer's last word before it lets an element wait: the consumer sees [awaited] when it has
// made room, or had made it before, and then the second try finds it.
static bool ring_push_or_await(Ring *ring, Element element) {
    if (ring_push(ring, element)) return true;
    atomic_store(&ring->awaited, 1);
    atomic_thread_fence(memory_order_seq_cst);
    return ring_push(ring, element);
}

static Worker *worker_of(const Operator *op) {
    return (Worker *)op->env->owner;
}

Ring *exchange_ring(const Exchange *exchange, uint32_t workers, uint32_t from, uint32_t to) {
    return &exchange->ring[from * workers + to];
}

static Ring *ring_to(const ExchangeOut *self, uint32_t to) {
    Worker *worker = worker_of(&self->base);
    return exchange_ring(self->exchange, worker->job->workers, worker->index, to);
}

static void send(ExchangeOut *self, uint32_t to, Element element) {
    Worker *worker = worker_of(&self->base);
    if (!self->pending[to].count && ring_push_or_await(ring_to(self, to), element)) {
        worker_wake(&worker->job->worker[to]);
        return;
    }
    element_queue_add(&self->pending[to], element);
    self->waiting = true;
}

bool exchange_out_flush(ExchangeOut *self) {
    Worker *worker = worker_of(&self->base);
    if (!self->waiting) return true;
    bool waiting = false;
    for (uint32_t to = 0; to < worker->job->workers; to++) {
        ElementQueue *pending = &self->pending[to];
        while (pending->count &&
               ring_push_or_await(ring_to(self, to), pending->element[pending->from])) {
            Element sent;
            (void)element_queue_take(pending, &sent);
            worker_wake(&worker->job->worker[to]);
        }
        waiting |= pending->count > 0;
    }
    self->waiting = waiting;
    return !waiting;
}

bool exchange_out_stirs(const ExchangeOut *self) {
    const Worker *worker = worker_of(&self->base);
    for (uint32_t to = 0; self->waiting && to < worker->job->workers; to++) {
        if (self->pending[to].count && !ring_full(ring_to(self, to))) return true;
    }
    return false;
}

static void send_all(ExchangeOut *self, Element element) {
    for (uint32_t to = 0; to < worker_of(&self->base)->job->workers; to++) send(self, to, element);
}

// Fills [rows] with the rows of the batch, target by target, each in order: a counting sort.
static void sort_by_target(ExchangeOut *self, const Batch *in, uint32_t groups, uint32_t workers) {
    const Exchange *exchange = self->exchange;
    if (self->rows_cap < in->rows) {
        self->rows_cap = in->rows < BATCH_ROWS_MAX ? BATCH_ROWS_MAX : in->rows;
        self->hashes = mem_realloc(self->hashes, self->rows_cap * sizeof *self->hashes);
        self->target = mem_realloc(self->target, self->rows_cap * sizeof *self->target);
        self->rows = mem_realloc(self->rows, self->rows_cap * sizeof *self->rows);
    }
    memset(self->hashes, 0, in->rows * sizeof *self->hashes);
    for (uint32_t k = 0; k < exchange->key_count; k++) {
        vec_hash_into(in->column[exchange->key[k]], self->hashes);
    }
    // begin[t + 1] counts target t, then says where its next row goes, and so where it ends.
    uint32_t *next = self->begin + 1;
    memset(self->begin, 0, (workers + 1) * sizeof *self->begin);
    for (uint32_t i = 0; i < in->rows; i++) {
        // The high bits choose the worker: the low ones choose the slot in its tables.
        self->target[i] = state_owner(self->hashes[i], groups, exchange->targets);
        next[self->target[i]]++;
    }
    uint32_t at = 0;
    for (uint32_t to = 0; to < workers; to++) {
        uint32_t count = next[to];
        next[to] = at;
        at += count;
    }
    for (uint32_t i = 0; i < in->rows; i++) self->rows[next[self->target[i]]++] = i;
}

// What a target gets is copied, text too, while this core has it in its caches. By reference the
// other one would fetch it line by line from among what nobody reads, and blocks of input would
// stay in memory until it has. A join of two workers took 15 % more time that way.
static Status exchange_out_on_batch(Operator *op, uint32_t input, Batch *in, Error *err) {
    (void)input, (void)err;
    ExchangeOut *self = (ExchangeOut *)op;
    const Exchange *exchange = self->exchange;
    uint32_t workers = worker_of(op)->job->workers;
    if (!exchange->key_count) {  // all in one place, or what a worker has to one writer
        uint32_t to = exchange->targets < workers ? worker_of(op)->index % exchange->targets : 0;
        send(self, to, (Element){ELEMENT_BATCH, batch_ref(in), 0});
        return ST_OK;
    }
    sort_by_target(self, in, worker_of(op)->job->groups, workers);
    for (uint32_t to = 0; to < workers; to++) {
        uint32_t count = self->begin[to + 1] - self->begin[to];
        if (!count) continue;
        Batch *part = count == in->rows ? batch_ref(in)
                                        : batch_gather_own(in, self->rows + self->begin[to], count);
        send(self, to, (Element){ELEMENT_BATCH, part, 0});
    }
    return ST_OK;
}

static Status exchange_out_on_watermark(Operator *op, int64_t ms, Error *err) {
    (void)err;
    send_all((ExchangeOut *)op, (Element){ELEMENT_WATERMARK, NULL, ms});
    return ST_OK;
}

static Status exchange_out_on_barrier(Operator *op, uint64_t checkpoint, Error *err) {
    (void)err;
    if (worker_of(op)->overtaking) return ST_OK;  // it is the cut: exchange_out_cut
    send_all((ExchangeOut *)op, (Element){ELEMENT_BARRIER, NULL, (int64_t)checkpoint});
    return ST_OK;
}

void exchange_out_cut(ExchangeOut *self, uint64_t checkpoint) {
    Worker *worker = worker_of(&self->base);
    for (uint32_t to = 0; to < worker->job->workers; to++) {
        Ring *ring = ring_to(self, to);
        atomic_store_explicit(&ring->cut_tail,
                              atomic_load_explicit(&ring->tail, memory_order_relaxed),
                              memory_order_relaxed);
        atomic_store_explicit(&ring->cut, checkpoint, memory_order_release);
        worker_wake(&worker->job->worker[to]);
    }
}

static Status exchange_out_on_end(Operator *op, Error *err) {
    (void)err;
    send_all((ExchangeOut *)op, (Element){ELEMENT_END, NULL, 0});
    return ST_OK;
}

static Status exchange_out_on_idle(Operator *op, bool idle, Error *err) {
    (void)err;
    send_all((ExchangeOut *)op, (Element){ELEMENT_IDLE, NULL, idle});
    return ST_OK;
}

static void exchange_out_close(Operator *op) {
    ExchangeOut *self = (ExchangeOut *)op;
    for (uint32_t to = 0; self->pending && to < worker_of(op)->job->workers; to++) {
        element_queue_clear(&self->pending[to]);
    }
    mem_free(self->hashes);
    mem_free(self->target);
    mem_free(self->rows);
}

const OperatorVt EXCHANGE_OUT_OPERATOR = {
    .name = "exchange",
    .plan_kind = PLAN_KIND_COUNT_,
    .size = sizeof(ExchangeOut),
    .on_batch = exchange_out_on_batch,
    .on_watermark = exchange_out_on_watermark,
    .on_barrier = exchange_out_on_barrier,
    .on_end = exchange_out_on_end,
    .on_idle = exchange_out_on_idle,
    .close = exchange_out_close,
};

// ---- receiving ---------------------------------------------------------------------------------

static Status exchange_in_on_batch(Operator *op, uint32_t input, Batch *in, Error *err) {
    (void)input;
    return output_batch(op, batch_ref(in), err);
}

static void exchange_in_close(Operator *op) {
    ExchangeIn *self = (ExchangeIn *)op;
    for (uint32_t from = 0; self->replay && from < worker_of(op)->job->workers; from++) {
        element_queue_clear(&self->replay[from]);
    }
}

const OperatorVt EXCHANGE_IN_OPERATOR = {
    .name = "exchange-in", .plan_kind = PLAN_KIND_COUNT_, .size = sizeof(ExchangeIn),
    .on_batch = exchange_in_on_batch, .close = exchange_in_close,
};

static bool channel_ended(const ExchangeIn *self, uint32_t channel) {
    return self->base.ended_inputs >> channel & 1;
}

// Handed on when it has come on every channel that is open; what follows it waits until the
// worker's state is taken.
static Status pass_barrier(ExchangeIn *self, Error *err) {
    uint32_t workers = worker_of(&self->base)->job->workers;
    if (self->barriers + self->ended < workers) return ST_OK;
    self->barriers = 0;
    self->passed = self->barrier;
    memset(self->blocked, 0, workers * sizeof *self->blocked);
    return self->base.ended ? ST_OK : output_barrier(&self->base, self->barrier, err);
}

static Status receive(ExchangeIn *self, uint32_t channel, Element element, Error *err) {
    Operator *op = &self->base;
    switch (element.kind) {
        case ELEMENT_BATCH: {
            Status st = operator_batch(op, channel, element.batch, err);
            batch_unref(element.batch);
            return st;
        }
        case ELEMENT_WATERMARK: return operator_watermark(op, channel, element.value, err);
        case ELEMENT_IDLE: return operator_idle(op, channel, element.value != 0, err);
        case ELEMENT_BARRIER:
            // Aligned: what follows the barrier on this channel waits for the other channels' one.
            // One that was overtaken comes too late.
            if ((uint64_t)element.value <= self->passed) return ST_OK;
            self->blocked[channel] = true;
            self->barriers++;
            self->barrier = (uint64_t)element.value;
            return pass_barrier(self, err);
        case ELEMENT_END:
            self->ended++;
            TRY(operator_end(op, channel, err));
            return self->barriers ? pass_barrier(self, err) : ST_OK;
    }
    return ST_OK;
}

Status exchange_in_overtake(ExchangeIn *self, uint64_t checkpoint, Error *err) {
    uint32_t workers = worker_of(&self->base)->job->workers;
    if (self->passed >= checkpoint || self->base.ended) return ST_OK;
    for (uint32_t from = 0; from < workers; from++) {
        self->recording[from] = !self->blocked[from] && !channel_ended(self, from);
        self->recordings += self->recording[from];
        self->blocked[from] = true;
    }
    self->barriers = workers - self->ended;
    self->barrier = checkpoint;
    return pass_barrier(self, err);
}

// What comes next on a channel. Where its sender's snapshot lies, the barrier stands, though none
// was sent: nothing behind it is taken in before this worker has its snapshot.
static bool channel_next(ExchangeIn *self, uint32_t from, Element *out) {
    const Worker *worker = worker_of(&self->base);
    if (element_queue_take(&self->replay[from], out)) return true;
    if (worker_holds(worker)) return false;
    Ring *ring = exchange_ring(self->exchange, worker->job->workers, from, worker->index);
    uint32_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    // In this order: whoever sees an element that was sent after the cut sees the cut.
    bool empty = head == atomic_load_explicit(&ring->tail, memory_order_acquire);
    if (self->recording[from]) (void)in_flight_channel(self, from);
    uint64_t cut = atomic_load_explicit(&ring->cut, memory_order_acquire);
    if (cut > self->passed && head == atomic_load_explicit(&ring->cut_tail, memory_order_relaxed) &&
        !channel_ended(self, from)) {
        *out = (Element){ELEMENT_BARRIER, NULL, (int64_t)cut};
        return true;
    }
    return !empty && ring_pop(ring, out);
}

bool exchange_in_stuck(const ExchangeIn *self) {
    for (uint32_t i = 0; i < self->leads_to_count; i++) {
        if (self->leads_to[i]->waiting) return true;
    }
    return false;
}

bool exchange_in_stirs(const ExchangeIn *self) {
    const Worker *worker = worker_of(&self->base);
    bool takes = self->passed <= worker->snapped && !worker->halted && !exchange_in_stuck(self);
    for (uint32_t from = 0; from < worker->job->workers; from++) {
        Ring *ring = exchange_ring(self->exchange, worker->job->workers, from, worker->index);
        bool empty = atomic_load(&ring->head) == atomic_load(&ring->tail);
        if (takes && !self->blocked[from] && !empty) return true;
        if (self->recording[from] && atomic_load(&ring->cut) == worker->snapped) return true;
    }
    return false;
}

enum { POLL_ELEMENTS = 16 };

Status exchange_in_poll(ExchangeIn *self, bool *progress, Error *err) {
    Worker *worker = worker_of(&self->base);
    for (uint32_t from = 0; from < worker->job->workers; from++) {
        Ring *ring = exchange_ring(self->exchange, worker->job->workers, from, worker->index);
        Element element;
        bool took = false;
        for (uint32_t n = 0; n < POLL_ELEMENTS && !self->blocked[from] &&
                             self->passed <= worker->snapped && !worker->halted &&
                             channel_next(self, from, &element);
             n++) {
            *progress = took = true;
            worker->align_batches += element.batch && worker_aligning(worker);
            if (self->recording[from]) {
                in_flight_put(worker, (InFlight){.exchange = self->exchange, .from = from,
                                                 .to = worker->index, .element = element});
            }
            TRY(receive(self, from, element, err));
        }
        if (!took) continue;
        atomic_thread_fence(memory_order_seq_cst);  // ring_push_or_await
        if (atomic_load_explicit(&ring->awaited, memory_order_relaxed)) {
            atomic_store(&ring->awaited, 0);
            worker_wake(&worker->job->worker[from]);
        }
    }
    return ST_OK;
}
