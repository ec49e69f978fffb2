// Alignment of watermarks: sources whose tables name the same group
// ('scan.watermark.alignment.group') wait for each other. Each reader tells how far it has come;
// one, or one of its splits, that lies more than its drift above the least of the group is not read
// until the others have caught up. Idle readers and those that have ended hold nobody back.
//
// A group spans the workers of a job, not other jobs; Flink's span the sources of one job, too.
#include "exec/watermark.h"
#include "run/worker.h"

typedef struct AlignMember AlignMember;
struct AlignMember {
    _Atomic int64_t reached_ms;
    AlignMember *next;
};

typedef struct AlignGroup AlignGroup;
struct AlignGroup {
    Str name;
    AlignMember *member;
    AlignGroup *next;
};

struct Align {
    const Plan *plan;      // of the assigner
    Operator *assigner;
    AlignGroup *group;
    AlignMember *own;
    int64_t least_ms;      // of the group, when it was asked last
    int64_t asked_ms;      // processing time of that
};

// The assigner right above a source, or NULL.
static Operator *assigner_of(const Operator *source) {
    const Operator *at = source;
    while (at->target_count == 1) {
        Operator *above = at->target[0].op;
        if (above->plan->kind == PLAN_WATERMARK) return above;
        if (above->plan->kind != PLAN_PROJECT && above->plan->kind != PLAN_FILTER) return NULL;
        at = above;
    }
    return NULL;
}

static AlignGroup *group_of(Job *job, Str name) {
    AlignGroup *at = job->align;
    while (at && !str_eq(at->name, name)) at = at->next;
    if (at) return at;
    at = ARENA_NEW(&job->arena, AlignGroup);
    *at = (AlignGroup){.name = name, .next = job->align};
    job->align = at;
    return at;
}

void align_join(Job *job, Source *source) {
    bool scan = source->base.plan->kind == PLAN_SCAN;
    Operator *assigner = scan ? assigner_of(&source->base) : NULL;
    if (!assigner || !assigner->plan->align_group.ptr) return;
    Align *self = ARENA_NEW(&job->arena, Align);
    *self = (Align){.plan = assigner->plan, .assigner = assigner,
                    .group = group_of(job, assigner->plan->align_group),
                    .own = ARENA_NEW(&job->arena, AlignMember), .least_ms = WATERMARK_NONE};
    atomic_init(&self->own->reached_ms, WATERMARK_NONE);
    self->own->next = self->group->member;
    self->group->member = self->own;
    source->align = self;
}

static int64_t least_of(const AlignGroup *group) {
    int64_t least = WATERMARK_MAX;
    for (AlignMember *at = group->member; at; at = at->next) {
        int64_t ms = atomic_load_explicit(&at->reached_ms, memory_order_relaxed);
        if (ms < least) least = ms;
    }
    return least;
}

static bool is_ahead(const Align *self, int64_t ms) {
    if (ms == WATERMARK_NONE || self->least_ms == WATERMARK_MAX) return false;
    // Before all have told anything, whoever has begun waits.
    if (self->least_ms == WATERMARK_NONE) return true;
    return ms > self->least_ms && ms - self->least_ms > self->plan->align_drift_ms;
}

void align_leave(Source *source) {
    if (source->align) atomic_store(&source->align->own->reached_ms, WATERMARK_MAX);
}

bool align_waits(Source *source) {
    Align *self = source->align;
    const uint32_t *split;
    const int64_t *ms;
    uint32_t count = watermark_splits(self->assigner, &split, &ms), ahead = 0;
    int64_t reached = WATERMARK_MAX;
    for (uint32_t i = 0; i < count; i++) {
        if (ms[i] < reached) reached = ms[i];
    }
    // Without any split there is nobody to wait for; before the first one it is not known.
    if (!count && !source->idle && !source->started) reached = WATERMARK_NONE;
    atomic_store_explicit(&self->own->reached_ms, reached, memory_order_relaxed);
    int64_t now = os_now_ms();
    if (now - self->asked_ms >= self->plan->align_interval_ms || now < self->asked_ms) {
        self->asked_ms = now;
        self->least_ms = least_of(self->group);
    }
    void (*pause)(SourceReader *, uint32_t, bool) = source->reader->vt->pause_split;
    for (uint32_t i = 0; i < count; i++) {
        bool far = is_ahead(self, ms[i]);
        ahead += far;
        if (pause) pause(source->reader, split[i], far);
    }
    return count && ahead == count;
}
