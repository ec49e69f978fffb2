#include "exec/session.h"

struct SessionKey {  // a row of the state table
    Session *first;  // by start
    bool doomed;
};

// ---- the heap ----------------------------------------------------------------------------------

static bool before(const SessionTimer *a, const SessionTimer *b) {
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->number < b->number;
}

static void timer_push(Sessions *self, Session *session) {
    if (self->heap_count == self->heap_cap) {
        self->heap_cap = self->heap_cap ? self->heap_cap * 2 : 64;
        self->heap = mem_realloc(self->heap, self->heap_cap * sizeof *self->heap);
    }
    SessionTimer timer = {window_fires_at(self->def.clock, session->end), session->number, session};
    uint32_t at = self->heap_count++;
    for (; at && before(&timer, &self->heap[(at - 1) / 2]); at = (at - 1) / 2) {
        self->heap[at] = self->heap[(at - 1) / 2];
    }
    self->heap[at] = timer;
    if (self->def.clock->spec->proctime) self->def.op->env->timer_at(self->def.op, timer.at_ms);
}

static Session *timer_pop(Sessions *self) {
    Session *top = self->heap[0].session;
    SessionTimer last = self->heap[--self->heap_count];
    uint32_t at = 0;
    for (;;) {
        uint32_t child = at * 2 + 1;
        if (child >= self->heap_count) break;
        if (child + 1 < self->heap_count && before(&self->heap[child + 1], &self->heap[child])) {
            child++;
        }
        if (!before(&self->heap[child], &last)) break;
        self->heap[at] = self->heap[child];
        at = child;
    }
    self->heap[at] = last;
    return top;
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
        from->dead = true;
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

Status sessions_fire(Sessions *self, int64_t ms, Error *err) {
    while (self->heap_count && self->heap[0].at_ms <= ms) {
        int64_t due = self->heap[0].at_ms;
        Session *session = timer_pop(self);
        if (session->dead) {
            session_free(self, session);
            continue;
        }
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
    if (self->heap_count && self->def.clock->spec->proctime) {
        self->def.op->env->timer_at(self->def.op, self->heap[0].at_ms);
    }
    return ST_OK;
}

void sessions_key(const Sessions *self, const Session *session, Vec **out, uint32_t at) {
    state_key(self->keys, (const uint8_t *)session->key, out, at);
}
