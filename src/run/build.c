// Plans to operators: one dataflow per worker, exchanges where rows must change hands.
#include <string.h>

#include "base/hash.h"
#include "run/worker.h"

static Operator *operator_new(Worker *worker, const OperatorVt *vt, const Plan *plan,
                              uint32_t inputs) {
    ASSERT(inputs <= OPERATOR_INPUTS_MAX);
    Operator *op = arena_zalloc(&worker->arena, vt->size);
    op->vt = vt;
    op->plan = plan;
    op->env = &worker->env;
    op->budget = ARENA_NEW(&worker->arena, Budget);
    budget_init(op->budget, worker->job->spec->budget, vt->name, 0);
    op->input_count = inputs;
    op->watermark_in = op->watermark_out = WATERMARK_NONE;
    op->timer_ms = INT64_MAX;
    for (uint32_t i = 0; i < inputs; i++) op->watermark[i] = WATERMARK_NONE;
    if (worker->op_count == worker->op_cap) {
        worker->op_cap = worker->op_cap ? worker->op_cap * 2 : 16;
        worker->op = mem_realloc(worker->op, worker->op_cap * sizeof *worker->op);
    }
    worker->op[worker->op_count++] = op;
    return op;
}

static void connect(Worker *worker, Operator *from, Operator *to, uint32_t input) {
    OpTarget *target = ARENA_ARRAY(&worker->arena, OpTarget, from->target_count + 1);
    if (from->target_count) memcpy(target, from->target, from->target_count * sizeof *target);
    target[from->target_count++] = (OpTarget){to, input};
    from->target = target;
}

// The exchange is the job's: the first worker to come here makes it, in plan order, the others find
// it.
static Exchange *exchange_get(Job *job, const Plan *consumer, uint32_t input, const uint32_t *key,
                              uint32_t key_count) {
    for (Exchange *at = job->exchanges; at; at = at->next) {
        if (at->consumer == consumer && at->input == input) return at;
    }
    Exchange *made = ARENA_NEW(&job->arena, Exchange);
    *made = (Exchange){.producer = consumer->input[input], .key = key, .key_count = key_count,
                       .stage = job->exchange_count++, .next = job->exchanges, .consumer = consumer,
                       .input = input};
    Buf type = {0};
    type_print(made->producer->type, &type);
    made->type_hash = hash_bytes(type.ptr, type.len, 0);
    buf_free(&type);
    made->ring = arena_alloc_aligned(&job->arena, sizeof(Ring) * job->workers * job->workers, 64);
    memset(made->ring, 0, sizeof(Ring) * job->workers * job->workers);
    int64_t most = config_int(job->spec->config, "weir.exchange-size", RING_SIZE);
    for (uint32_t i = 0; i < job->workers * job->workers; i++) {
        made->ring[i].most = most > 0 && most < RING_SIZE ? (uint32_t)most : RING_SIZE;
    }
    job->exchanges = made;
    return made;
}

static Status build(Worker *worker, const Plan *plan, Operator **out, Error *err);

// 'sink.parallelism' below the number of workers: rows go to the first ones.
static bool has_fewer_writers(const Job *job, const Plan *plan) {
    return plan->kind == PLAN_SINK && plan->parallelism && plan->parallelism < job->workers;
}

static Status build_input(Worker *worker, const Plan *plan, uint32_t i, Operator *op, Error *err) {
    Job *job = worker->job;
    Operator *from;
    const uint32_t *key = NULL;
    uint32_t key_count = 0, targets = job->workers;
    bool stays = job->workers == 1 || !plan_distribution(plan, i, &key, &key_count) ||
                 plan_spread_by(plan->input[i], key, key_count);
    if (has_fewer_writers(job, plan)) {
        bool keyed = plan->input[i]->changes != CHANGE_INSERT;
        targets = plan->parallelism;
        key = plan->desc->primary_key;
        key_count = keyed ? plan->desc->primary_key_count : 0;
        stays = false;
    }
    bool local = plan->input[i]->kind == PLAN_LOCAL_AGG;  // folds what would change hands
    TRY(build(worker, stays && local ? plan->input[i]->input[0] : plan->input[i], &from, err));
    if (stays) {
        connect(worker, from, op, i);
        return ST_OK;
    }
    // The recursion has numbered the exchanges below already: this one's stage is later than
    // theirs.
    Exchange *exchange = exchange_get(job, plan, i, key, key_count);
    exchange->targets = targets;
    ExchangeOut *sender =
        (ExchangeOut *)operator_new(worker, &EXCHANGE_OUT_OPERATOR, plan->input[i], 1);
    sender->exchange = exchange;
    sender->pending = ARENA_ARRAY(&worker->arena, ElementQueue, job->workers);
    sender->begin = ARENA_ARRAY(&worker->arena, uint32_t, job->workers + 1);
    connect(worker, from, &sender->base, 0);
    ExchangeIn *receiver =
        (ExchangeIn *)operator_new(worker, &EXCHANGE_IN_OPERATOR, plan->input[i], job->workers);
    receiver->exchange = exchange;
    receiver->replay = ARENA_ARRAY(&worker->arena, ElementQueue, job->workers);
    receiver->blocked = ARENA_ARRAY(&worker->arena, bool, job->workers);
    receiver->recording = ARENA_ARRAY(&worker->arena, bool, job->workers);
    connect(worker, &receiver->base, op, i);
    worker->out = mem_realloc(worker->out, (worker->out_count + 1) * sizeof *worker->out);
    worker->out[worker->out_count++] = sender;
    worker->in = mem_realloc(worker->in, (worker->in_count + 1) * sizeof *worker->in);
    worker->in[worker->in_count++] = receiver;
    return ST_OK;
}

static Status build(Worker *worker, const Plan *plan, Operator **out, Error *err) {
    if (worker->by_plan[plan->id]) {
        *out = worker->by_plan[plan->id];
        return ST_OK;
    }
    bool source = plan->kind == PLAN_SCAN || plan->kind == PLAN_VALUES;
    const OperatorVt *vt =
        source ? &SOURCE_OPERATOR : operator_for(plan->kind, worker->env.func->batch);
    if (!vt) {
        return error_set(err, ST_UNSUPPORTED, "%s is planned but cannot run yet",
                         plan_kind_name(plan->kind));
    }
    Operator *op = operator_new(worker, vt, plan, plan->input_count);
    worker->by_plan[plan->id] = op;
    for (uint32_t i = 0; i < plan->input_count; i++) TRY(build_input(worker, plan, i, op, err));
    if (source) {
        worker->source =
            mem_realloc(worker->source, (worker->source_count + 1) * sizeof *worker->source);
        worker->source[worker->source_count++] = (Source *)op;
    }
    *out = op;
    return ST_OK;
}

// Gathers the senders that rows from [op] on may come to. [walk] marks what was seen.
static void find_senders(ExchangeIn *in, Operator *op, uint32_t walk) {
    if (op->walk == walk) return;
    op->walk = walk;
    if (op->vt == &EXCHANGE_OUT_OPERATOR) in->leads_to[in->leads_to_count++] = (ExchangeOut *)op;
    for (uint32_t i = 0; i < op->target_count; i++) {
        find_senders(in, op->target[i].op, walk);
    }
}

Status worker_build(Worker *worker, Error *err) {
    const JobSpec *spec = worker->job->spec;
    worker->by_plan = ARENA_ARRAY(&worker->arena, Operator *, worker->job->plan_count);
    for (uint32_t i = 0; i < spec->root_count; i++) {
        Operator *root;
        TRY(build(worker, spec->root[i], &root, err));
    }
    // Receivers of later stages first: what is nearest to the sinks drains first.
    for (uint32_t i = 0; i < worker->in_count; i++) {
        for (uint32_t j = i + 1; j < worker->in_count; j++) {
            if (worker->in[j]->exchange->stage <= worker->in[i]->exchange->stage) continue;
            ExchangeIn *swap = worker->in[i];
            worker->in[i] = worker->in[j];
            worker->in[j] = swap;
        }
    }
    for (uint32_t i = 0; i < worker->in_count; i++) {
        ExchangeIn *in = worker->in[i];
        in->leads_to = ARENA_ARRAY(&worker->arena, ExchangeOut *, worker->out_count);
        find_senders(in, &in->base, i + 1);
    }
    for (uint32_t i = 0; i < worker->source_count; i++) align_join(worker->job, worker->source[i]);
    return ST_OK;
}
