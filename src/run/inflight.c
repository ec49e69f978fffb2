// Unaligned checkpoints: a barrier overtakes the rows that lie before it, and they become part of
// the snapshot (Chandy and Lamport 1985, "state of the channels"; as in Flink, the barrier goes to
// the front of queues and does not wait behind what is in them).
//
// A worker takes its snapshot at once, and in every ring that it fills it marks how far it had come
// (exchange_out_cut). What is in flight from one worker to another is then
//   - what waits for room with the sender: it is in the sender's snapshot;
//   - what lies in the ring below the mark, or has been taken out of it since the receiver's
//     snapshot: it is in the receiver's.
// Nothing above the mark is taken in before the receiver has its snapshot (channel_next), so that
// no row counts twice. Checkpoints that began aligned mix well with that: a channel whose barrier
// has come has nothing in flight.
//
// Only references are taken at the instant of the snapshot; the rows are written in steps.
#include "col/codec.h"
#include "run/checkpoint.h"

void in_flight_put(Worker *worker, InFlight at) {
    if (at.element.kind == ELEMENT_BARRIER) return;
    if (at.element.batch) (void)batch_ref(at.element.batch);
    if (worker->in_flight_count == worker->in_flight_cap) {
        worker->in_flight_cap = worker->in_flight_cap ? worker->in_flight_cap * 2 : 64;
        worker->in_flight =
            mem_realloc(worker->in_flight, worker->in_flight_cap * sizeof *worker->in_flight);
    }
    worker->in_flight[worker->in_flight_count++] = at;
}

void in_flight_clear(Worker *worker) {
    for (uint32_t i = worker->in_flight_from; i < worker->in_flight_count; i++) {
        batch_unref(worker->in_flight[i].element.batch);
    }
    mem_free(worker->in_flight);
    worker->in_flight = NULL;
    worker->in_flight_from = worker->in_flight_count = worker->in_flight_cap = 0;
}

static void put_queue(Worker *worker, const ElementQueue *queue, InFlight at) {
    for (uint32_t i = 0; i < queue->count; i++) {
        at.element = queue->element[queue->from + i];
        in_flight_put(worker, at);
    }
}

void in_flight_begin(Worker *worker) {
    uint32_t workers = worker->job->workers;
    for (uint32_t i = 0; i < worker->out_count; i++) {
        ExchangeOut *out = worker->out[i];
        for (uint32_t to = 0; to < workers; to++) {
            put_queue(worker, &out->pending[to],
                      (InFlight){.exchange = out->exchange, .from = worker->index, .to = to,
                                 .queued = true});
        }
        exchange_out_cut(out, worker->aligning);
    }
}

bool in_flight_channel(ExchangeIn *self, uint32_t from) {
    Worker *worker = (Worker *)self->base.env->owner;
    Ring *ring = exchange_ring(self->exchange, worker->job->workers, from, worker->index);
    if (atomic_load_explicit(&ring->cut, memory_order_acquire) != worker->snapped) return false;
    InFlight at = {.exchange = self->exchange, .from = from, .to = worker->index};
    put_queue(worker, &self->replay[from], at);
    uint32_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    for (; head != atomic_load_explicit(&ring->cut_tail, memory_order_relaxed); head++) {
        at.element = ring->element[head % RING_SIZE];
        in_flight_put(worker, at);
    }
    self->recording[from] = false;
    self->recordings--;
    return true;
}

// ---- frames ------------------------------------------------------------------------------------

// What a frame holds behind the name of its exchange; behind it the rows, each its kind and its
// columns.
typedef struct InFlightHead {
    uint64_t type_hash;
    int64_t value;
    uint32_t from, to;
    uint32_t rows;
    uint8_t kind, queued;
    uint16_t unused;
} InFlightHead;

static uint32_t index_of(const Worker *worker, const Exchange *exchange) {
    for (uint32_t i = 0; i < worker->op_count; i++) {
        const Operator *op = worker->op[i];
        if (op->vt == &EXCHANGE_IN_OPERATOR && ((const ExchangeIn *)op)->exchange == exchange) {
            return i;
        }
    }
    ASSERT(false);  // every worker has both halves of every exchange
    return 0;
}

static void write_one(Worker *worker, const InFlight *at, Buf *bytes) {
    Checkpointer *self = worker->job->checkpointer;
    const Batch *batch = at->element.batch;
    InFlightHead head = {at->exchange->type_hash, at->element.value, at->from, at->to,
                         batch ? batch->rows : 0, (uint8_t)at->element.kind, at->queued, 0};
    bytes->len = 0;
    buf_put(bytes, &head, sizeof head);
    for (uint32_t row = 0; row < head.rows; row++) {
        codec_put_u8(bytes, (uint8_t)batch_kind(batch, row));
        for (uint32_t c = 0; c < batch->schema->child_count; c++) {
            codec_put(batch->column[c], row, bytes);
        }
    }
    FrameName name;
    operator_frame_name(worker, index_of(worker, at->exchange), &name);
    frames_put_named(&worker->frames, PART_IN_FLIGHT, &name, buf_str(bytes));
    atomic_fetch_add(&self->in_flight, 1);
    atomic_fetch_add(&self->in_flight_batches, batch != NULL);
    atomic_fetch_add(&self->in_flight_bytes, bytes->len);
}

bool in_flight_step(Worker *worker, int64_t until_ns) {
    uint32_t recordings = 0;
    for (uint32_t i = 0; i < worker->in_count; i++) {
        ExchangeIn *in = worker->in[i];
        for (uint32_t from = 0; in->recordings && from < worker->job->workers; from++) {
            if (in->recording[from]) (void)in_flight_channel(in, from);
        }
        recordings += in->recordings;
    }
    Buf bytes = {0};
    while (worker->in_flight_from < worker->in_flight_count) {
        InFlight *at = &worker->in_flight[worker->in_flight_from++];
        write_one(worker, at, &bytes);
        batch_unref(at->element.batch);
        if (os_monotonic_ns() >= until_ns) break;
    }
    buf_free(&bytes);
    bool all = worker->in_flight_from == worker->in_flight_count;
    if (all) worker->in_flight_from = worker->in_flight_count = 0;
    return all && !recordings;
}

// ---- restoring ---------------------------------------------------------------------------------

static Status cut_short(Error *err) {
    return error_set(err, ST_RUNTIME, "a frame is cut short");
}

static Batch *read_rows(const Type *type, uint32_t rows, const char *at) {
    Builder builder;
    builder_init(&builder, type);
    for (; rows; rows--) {
        uint8_t kind;
        at = codec_get_u8(at, &kind);
        uint32_t row = builder_row(&builder, (RowKind)kind);
        for (uint32_t c = 0; c < type->child_count; c++) {
            at = codec_get(at, builder.batch->column[c], row);
        }
    }
    Batch *batch = builder_take(&builder);
    builder_clear(&builder);
    return batch;
}

static ExchangeOut *sender_of(const Worker *worker, const Exchange *exchange) {
    for (uint32_t i = 0; i < worker->out_count; i++) {
        if (worker->out[i]->exchange == exchange) return worker->out[i];
    }
    return NULL;
}

Status in_flight_restore(ExchangeIn *self, Str bytes, Error *err) {
    Worker *worker = (Worker *)self->base.env->owner;
    InFlightHead head;
    if (bytes.len < sizeof head) return cut_short(err);
    memcpy(&head, bytes.ptr, sizeof head);
    if (head.type_hash != self->exchange->type_hash) {
        (void)error_set(err, ST_VALIDATION,
                        "the checkpoint holds rows in flight to '%s' (%016llx) of another type "
                        "than this job sends",
                        self->base.vt->name, (unsigned long long)self->base.plan->stable_id);
        error_hint(err, "unaligned checkpoints serve the query that took them; change a query with "
                        "a savepoint or an aligned checkpoint");
        return ST_VALIDATION;
    }
    uint32_t workers = worker->job->workers, own = head.queued ? head.from : head.to;
    if (head.from >= workers || head.to >= workers || own != worker->index) return cut_short(err);
    Element element = {.kind = (ElementKind)head.kind, .value = head.value};
    if (element.kind == ELEMENT_BATCH) {
        element.batch =
            read_rows(self->base.plan->type, head.rows, bytes.ptr + sizeof head);
        if (!element.batch) return cut_short(err);
    }
    if (head.queued) {
        ExchangeOut *out = sender_of(worker, self->exchange);
        element_queue_add(&out->pending[head.to], element);
        out->waiting = true;
    } else {
        element_queue_add(&self->replay[head.from], element);
    }
    return ST_OK;
}
