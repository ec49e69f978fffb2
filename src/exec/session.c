#include "exec/session.h"

#include "exec/recall.h"

struct SessionKey {  // a row of the state table
    Session *first;  // by start
    bool doomed;
};

// ---- the heap ----------------------------------------------------------------------------------

static bool before(const SessionTimer *a, const SessionTimer *b) {
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->number < b->number;
}

static void heap_put(Sessions *self, uint32_t at, SessionTimer timer) {
    self->heap[at] = timer;
    timer.session->heap_at = at + 1;
}

static void sift_up(Sessions *self, uint32_t at, SessionTimer timer) {
    for (; at && before(&timer, &self->heap[(at - 1) / 2]); at = (at - 1) / 2) {
        heap_put(self, at, self->heap[(at - 1) / 2]);
    }
    heap_put(self, at, timer);
}

static void timer_push(Sessions *self, Session *session) {
    if (self->heap_count == self->heap_cap) {
        self->heap_cap = self->heap_cap ? self->heap_cap * 2 : 64;
        self->heap = mem_realloc(self->heap, self->heap_cap * sizeof *self->heap);
    }
    SessionTimer timer = {window_fires_at(self->def.clock, session->end), session->number, session};
    sift_up(self, self->heap_count++, timer);
    if (self->def.clock->spec->proctime) self->def.op->env->timer_at(self->def.op, timer.at_ms);
}

static void timer_remove(Sessions *self, Session *session) {
    uint32_t at = session->heap_at - 1;
    if (!session->heap_at) return;
    session->heap_at = 0;
    SessionTimer last = self->heap[--self->heap_count];
    if (last.session == session) return;
    for (;;) {
        uint32_t child = at * 2 + 1;
        if (child >= self->heap_count) break;
        if (child + 1 < self->heap_count && before(&self->heap[child + 1], &self->heap[child])) {
            child++;
        }
        if (!before(&self->heap[child], &last)) break;
        heap_put(self, at, self->heap[child]);
        at = child;
    }
    sift_up(self, at, last);
}

// ---- sessions ----------------------------------------------------------------------------------

static Status session_new(Sessions *self, SessionKey *key, int64_t start, int64_t end,
                          Session **out, Error *err) {
    size_t size = (sizeof(Session) + self->def.data_size + 15) & ~(size_t)15;
    Session *session = self->unused;
    if (session) {
        self->unused = session->next;
        memset(session, 0, size);
    } else {
        TRY(budget_charge(self->def.op->budget, (int64_t)size, err));
        self->charged += (int64_t)size;
        session = arena_zalloc(&self->arena, size);
    }
    session->start = start;
    session->end = end;
    session->key = key;
    session->number = self->born++;
    *out = session;
    return ST_OK;
}

static void session_free(Sessions *self, Session *session) {
    session->next = self->unused;
    self->unused = session;
}

static void key_clear(void *arg, uint8_t *row) {
    Sessions *self = arg;
    if (self->closed) return;
    for (Session *session = ((SessionKey *)(void *)row)->first; session; session = session->next) {
        self->def.clear(self->def.arg, session);
    }
}

static int64_t key_wanted(void *arg, const uint8_t *row) {
    const Sessions *self = arg;
    const Session *first = ((const SessionKey *)(const void *)row)->first;
    return first ? window_fires_at(self->def.clock, first->end) : INT64_MAX;
}

static void key_leave(void *arg, uint8_t *row) {
    Sessions *self = arg;
    SessionKey *key = (SessionKey *)(void *)row;
    for (Session *session = key->first, *next; session; session = next) {
        next = session->next;
        timer_remove(self, session);
        self->def.clear(self->def.arg, session);
        session_free(self, session);
    }
    key->first = NULL;
}

// ROW<sessions ARRAY<ROW<start, end, number, the fields of the data>>>
static const Type *sessions_type(Arena *arena, const FieldList *data) {
    uint32_t count = 3 + data->count;
    const Type **child = ARENA_ARRAY(arena, const Type *, count);
    Str *name = ARENA_ARRAY(arena, Str, count);
    static const Str HEAD[] = {{"start", 5}, {"end", 3}, {"number", 6}};
    for (uint32_t i = 0; i < count; i++) {
        child[i] = i < 3 ? type_of(TYPE_BIGINT, false) : data->child[i - 3];
        name[i] = i < 3 ? HEAD[i] : data->name[i - 3];
    }
    FieldList list = {.arena = arena};
    field_add(&list, "sessions",
              type_array(arena, type_row(arena, count, child, name, false), false));
    return field_row(&list);
}

static void key_save(void *arg, const uint8_t *row, Buf *out) {
    Sessions *self = arg;
    uint32_t count = 0;
    Session *first = ((const SessionKey *)(const void *)row)->first;
    for (Session *session = first; session; session = session->next) count++;
    codec_put_list_head(out, count);
    for (Session *session = first; session; session = session->next) {
        codec_put_row_head(out);
        codec_put_i64(out, session->start);
        codec_put_i64(out, session->end);
        codec_put_i64(out, (int64_t)session->number);
        self->def.save(self->def.arg, session, out);
    }
}

static const char *key_load(void *arg, uint8_t *row, const char *at, Error *err) {
    Sessions *self = arg;
    Session **to = &((SessionKey *)(void *)row)->first;
    uint32_t count;
    at = codec_get_list_head(at, &count);
    for (; count; count--) {
        int64_t start, end, number;
        at = codec_get_row_head(at);
        at = codec_get_i64(at, &start);
        at = codec_get_i64(at, &end);
        at = codec_get_i64(at, &number);
        if (session_new(self, (SessionKey *)(void *)row, start, end, to, err)) return NULL;
        (*to)->number = (uint64_t)number;
        if ((uint64_t)number >= self->born) self->born = (uint64_t)number + 1;
        at = self->def.load(self->def.arg, *to, at, err);
        if (!at) return NULL;
        timer_push(self, *to);
        to = &(*to)->next;
    }
    return at;
}

static bool key_begin(void *arg, uint32_t field, Buf *out) {
    const SessionsDef *def = &((Sessions *)arg)->def;
    return def->begin(def->arg, field, out);
}

void sessions_open(Sessions *self, const SessionsDef *def) {
    *self = (Sessions){.def = *def};
    Arena *arena = def->op->env->arena;
    StateTableDef table = {
        .name = def->name,
        .operator_id = def->op->plan->stable_id, .budget = def->op->budget,
        .version = 1,
        .row_size = sizeof(SessionKey),
        .key = kept_key_type(arena, def->input, def->key, def->key_count),
        .value = sessions_type(arena, def->fields),
        .clear = key_clear,
        .save = key_save,
        .load = key_load,
        .begin = def->begin ? key_begin : NULL,
        .begin_of = def->begin_of,
        .may_leave = true,
        .load_all = true,
        .wanted = key_wanted,
        .leave = key_leave,
        .clear_arg = self,
    };
    self->keys = state_table_open(def->op->env->state, &table);
    self->def.fields = NULL;  // the caller's
}

void sessions_close(Sessions *self) {
    if (!self->keys) return;
    uint64_t cursor = 0;
    for (uint8_t *row; (row = state_next(self->keys, &cursor));) key_clear(self, row);
    self->closed = true;
    budget_release(self->def.op->budget, self->charged);
    arena_clear(&self->arena);
    mem_free(self->heap);
}

Status sessions_keys(Sessions *self, Vec *const *key, uint32_t rows, const uint64_t *valid,
                     SessionKey **out, Error *err) {
    return state_find(self->keys, key, rows, valid, true, 0, (uint8_t **)out, NULL, err);
}

static bool is_late(const Sessions *self, int64_t end) {
    if (self->def.clock->spec->proctime) return false;
    return window_fires_at(self->def.clock, end) <= self->def.op->watermark_in;
}

Status sessions_add(Sessions *self, SessionKey *key, int64_t ms, Session **out, Error *err) {
    int64_t start = ms, end = ms + self->def.clock->spec->size_ms;
    *out = NULL;
    Session **at = &key->first;
    while (*at && (*at)->end < start) at = &(*at)->next;
    Session *into = *at;
    if (!into || into->start > end) {
        if (is_late(self, end)) return ST_OK;
        TRY(session_new(self, key, start, end, &into, err));
        into->next = *at;
        *at = into;
        timer_push(self, into);
        return *out = into, ST_OK;
    }
    // The heap entry of a session that grew is looked at again when it comes up.
    if (start < into->start) into->start = start;
    if (end > into->end) into->end = end;
    while (into->next && into->next->start <= into->end) {
        Session *from = into->next;
        TRY(self->def.merge(self->def.arg, into, from, err));
        self->def.clear(self->def.arg, from);
        if (from->end > into->end) into->end = from->end;
        into->next = from->next;
        timer_remove(self, from);
        session_free(self, from);
    }
    *out = into;
    return ST_OK;
}

void sessions_settle(Sessions *self, SessionKey **keys, uint32_t rows) {
    for (uint32_t i = 0; i < rows; i++) {
        if (!keys[i] || keys[i]->first || keys[i]->doomed) {
            keys[i] = NULL;
        } else {
            keys[i]->doomed = true;
        }
    }
    for (uint32_t i = 0; i < rows; i++) {
        if (keys[i]) state_remove(self->keys, (uint8_t *)keys[i]);
    }
}

// Those in memory that are due at [ms].
static Status fire_due(void *arg, int64_t ms, Error *err) {
    Sessions *self = arg;
    while (self->heap_count && self->heap[0].at_ms <= ms) {
        int64_t due = self->heap[0].at_ms;
        Session *session = self->heap[0].session;
        timer_remove(self, session);
        if (window_fires_at(self->def.clock, session->end) > due) {
            timer_push(self, session);
            continue;
        }
        SessionKey *key = session->key;
        state_write(self->keys, (uint8_t *)key);
        TRY(self->def.fire(self->def.arg, session, err));
        self->def.clear(self->def.arg, session);
        Session **at = &key->first;
        while (*at != session) at = &(*at)->next;
        *at = session->next;
        session_free(self, session);
        if (!key->first) state_remove(self->keys, (uint8_t *)key);
    }
    return ST_OK;
}

Status sessions_fire(Sessions *self, int64_t ms, Error *err) {
    TRY(recall_until(self->keys, ms, fire_due, self, err));
    if (self->def.clock->spec->proctime) {
        int64_t next_ms = state_away_first(self->keys);
        if (self->heap_count && self->heap[0].at_ms < next_ms) next_ms = self->heap[0].at_ms;
        if (next_ms != INT64_MAX) self->def.op->env->timer_at(self->def.op, next_ms);
    }
    return ST_OK;
}

void sessions_key(const Sessions *self, const Session *session, Vec **out, uint32_t at) {
    state_key(self->keys, (const uint8_t *)session->key, out, at);
}
