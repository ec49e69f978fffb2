// State and timers of process table functions.
//
// An entry's row is eight bytes of ours and the function's value, or a Store (udf/store.h). A row
// whose content is all zero is removed when the batch is done, as Flink removes empty state.
//
// Timers: a key has its timers by name, and those without a name in order of time; the heap of the
// operator holds, as a rule, one time of each key: its earliest. A timer that is put off or taken
// back leaves a time in the heap at which nothing is due: it is looked at once and then forgotten,
// so that moving a timer on with every row costs no more than the row. With RocksDB keys leave
// memory, and come back when their first timer is due.
#include "exec/process_state.h"

#include "col/codec.h"
#include "exec/kept.h"
#include "udf/store.h"

enum { ENTRY_HEAD = 8 };

typedef struct NamedTimer {
    int64_t ms;
    char *name;  // owned
} NamedTimer;

struct ProcessKey {
    TimerTimes armed;  // times in the heap
    NamedTimer *named;
    int64_t *unnamed;  // ascending, from [unnamed_from]
    uint32_t named_count, named_cap;
    uint32_t unnamed_from, unnamed_count, unnamed_cap;
    uint64_t leaving;
};

static Budget *budget_of(const ProcessState *self) {
    return self->op->budget;
}

static int64_t now_of(const ProcessState *self) {
    return self->op->env->now_ms(self->op->env->now_arg);
}

static Store *store_of(uint8_t *row) {
    return (Store *)(void *)(row + ENTRY_HEAD);
}

static uint32_t value_size(const weir_state_def *def) {
    return def->kind == WEIR_STATE_VALUE ? def->size : (uint32_t)sizeof(Store);
}

// ---- life --------------------------------------------------------------------------------------

static void entry_clear(void *arg, uint8_t *row) {
    const ProcessEntry *entry = arg;
    store_clear(store_of(row), budget_of(entry->state));
}

static const StoreKind STORE_KINDS[] = {[WEIR_STATE_VALUE] = STORE_BYTES,
                                        [WEIR_STATE_BYTES] = STORE_BYTES,
                                        [WEIR_STATE_LIST] = STORE_LIST,
                                        [WEIR_STATE_MAP] = STORE_MAP};

static void entry_save(void *arg, const uint8_t *row, Buf *out) {
    const ProcessEntry *entry = arg;
    const weir_state_def *def = &entry->state->def->state[entry->index];
    Arena scratch = {0};
    Vec *value = vec_new(&scratch, store_type(STORE_KINDS[def->kind]), 1);
    if (def->kind == WEIR_STATE_VALUE) {
        vec_set_text(value, 0, str_make((const char *)row + ENTRY_HEAD, def->size));
    } else {
        store_write((const Store *)(const void *)(row + ENTRY_HEAD), STORE_KINDS[def->kind], value,
                    0);
    }
    codec_put(value, 0, out);
    arena_clear(&scratch);
}

static const char *entry_load(void *arg, uint8_t *row, const char *at, Error *err) {
    const ProcessEntry *entry = arg;
    const weir_state_def *def = &entry->state->def->state[entry->index];
    Arena scratch = {0};
    Status st = ST_OK;
    Vec *value = vec_new(&scratch, store_type(STORE_KINDS[def->kind]), 1);
    at = codec_get(at, value, 0);
    if (def->kind != WEIR_STATE_VALUE) {
        st = store_read(store_of(row), STORE_KINDS[def->kind], value, 0, budget_of(entry->state),
                        err);
    } else if (vec_str(value)[0].len == def->size) {
        memcpy(row + ENTRY_HEAD, vec_str(value)[0].ptr, def->size);
    } else {
        st = error_set(err, ST_RUNTIME,
                       "function '" STR_FMT "': its state '%s' has %u bytes, in the checkpoint %u",
                       STR_ARG(entry->state->op->plan->process->udf->name), def->name, def->size,
                       vec_str(value)[0].len);
    }
    arena_clear(&scratch);
    return st ? NULL : at;
}

static void key_clear(void *arg, uint8_t *row) {
    ProcessState *self = arg;
    ProcessKey *key = (ProcessKey *)(void *)row;
    if (self->closed) return;
    for (uint32_t i = 0; i < key->named_count; i++) mem_free(key->named[i].name);
    budget_release(budget_of(self), (int64_t)(key->named_cap * sizeof *key->named) +
                                        (int64_t)(key->unnamed_cap * sizeof *key->unnamed));
    mem_free(key->named);
    mem_free(key->unnamed);
    timer_times_free(&self->timers, &key->armed);
}

// The earliest timer of a key, of those with a name its index; -1: it has none.
static int64_t earliest(const ProcessKey *key, int64_t *name) {
    int64_t least = INT64_MAX;
    *name = -1;
    if (key->unnamed_from < key->unnamed_count) least = key->unnamed[key->unnamed_from];
    for (uint32_t i = 0; i < key->named_count; i++) {
        if (key->named[i].ms >= least) continue;
        least = key->named[i].ms;
        *name = i;
    }
    return least;
}

static int64_t key_wanted(void *arg, const uint8_t *row) {
    int64_t name;
    (void)arg;
    return earliest((const ProcessKey *)(const void *)row, &name);
}

static void key_leave(void *arg, uint8_t *row) {
    timers_forget(&((ProcessState *)arg)->timers, &((ProcessKey *)(void *)row)->armed);
}

// Timers are written as their names and times, and the times of those without a name.
static const Type *timers_type(void) {
    static const Type TEXT = {.kind = TYPE_VARCHAR, .length = TYPE_LENGTH_MAX},
                      TIME = {.kind = TYPE_BIGINT};
    static const Type *const TEXTS[] = {&TEXT}, *const TIMES[] = {&TIME};
    static const Type NAMES = {.kind = TYPE_ARRAY, .child_count = 1, .child = TEXTS},
                      MS = {.kind = TYPE_ARRAY, .child_count = 1, .child = TIMES};
    static const Type *const FIELDS[] = {&NAMES, &MS, &MS};
    static const Str FIELD_NAMES[] = {{"names", 5}, {"named", 5}, {"unnamed", 7}};
    static const Type ROW = {
        .kind = TYPE_ROW, .child_count = 3, .child = FIELDS, .field = FIELD_NAMES};
    return &ROW;
}

static void key_save(void *arg, const uint8_t *row, Buf *out) {
    (void)arg;
    const ProcessKey *key = (const ProcessKey *)(const void *)row;
    Arena scratch = {0};
    Vec *value = vec_new(&scratch, timers_type(), 1);
    Vec *name = value->child[0], *named = value->child[1], *unnamed = value->child[2];
    uint32_t at = vec_list_begin(name, 0, key->named_count);
    (void)vec_list_begin(named, 0, key->named_count);
    for (uint32_t i = 0; i < key->named_count; i++) {
        vec_set_text(name->child[0], at + i, str_c(key->named[i].name));
        vec_i64(named->child[0])[at + i] = key->named[i].ms;
    }
    at = vec_list_begin(unnamed, 0, key->unnamed_count - key->unnamed_from);
    for (uint32_t i = key->unnamed_from; i < key->unnamed_count; i++) {
        vec_i64(unnamed->child[0])[at++] = key->unnamed[i];
    }
    for (uint32_t c = 0; c < value->type->child_count; c++) codec_put(value->child[c], 0, out);
    arena_clear(&scratch);
}

static Status key_timer(ProcessState *self, ProcessKey *key, const char *name, int64_t ms,
                        Error *err);

static const char *key_load(void *arg, uint8_t *row, const char *at, Error *err) {
    ProcessState *self = arg;
    ProcessKey *key = (ProcessKey *)(void *)row;
    Arena scratch = {0};
    Status st = ST_OK;
    Vec *value = vec_new(&scratch, timers_type(), 1);
    for (uint32_t c = 0; c < value->type->child_count; c++) at = codec_get(at, value->child[c], 0);
    ListView named = vec_list(value->child[0])[0], unnamed = vec_list(value->child[2])[0];
    for (uint32_t i = 0; !st && i < named.count; i++) {
        Str name = vec_str(value->child[0]->child[0])[named.offset + i];
        int64_t ms = vec_i64(value->child[1]->child[0])[vec_list(value->child[1])[0].offset + i];
        st = key_timer(self, key, str_cstr(&scratch, name), ms, err);
    }
    for (uint32_t i = 0; !st && i < unnamed.count; i++) {
        st =
            key_timer(self, key, NULL, vec_i64(value->child[2]->child[0])[unnamed.offset + i], err);
    }
    arena_clear(&scratch);
    return st ? NULL : at;
}

static const Type *described(Arena *arena, const weir_state_def *def) {
    const Type *type = store_type(STORE_KINDS[def->kind]);
    Str name = str_c(def->name);
    return type_row(arena, 1, &type, &name, false);
}

const Type *process_key_type(Arena *arena, const Plan *plan) {
    const Type *key = kept_key_type(arena, plan->input[0]->type, plan->key, plan->key_count);
    const Type **child = ARENA_ARRAY(arena, const Type *, plan->key_count + 1);
    if (plan->process->table_count == 1) return key;
    for (uint32_t k = 0; k < plan->key_count; k++) {
        child[k] = type_nullable(arena, key->child[k], true);
    }
    return type_row(arena, plan->key_count, child, key->field, false);
}

Status process_state_open(ProcessState *self, Operator *op, Error *err) {
    (void)err;
    const Plan *plan = op->plan;
    const weir_function_def *def = plan->process->udf->def;
    Arena *arena = op->env->arena;
    *self = (ProcessState){
        .op = op, .def = def, .timers = {.budget = op->budget, .one_each = true}};
    arena_init(&self->arena);
    const Type *key = process_key_type(arena, plan);
    for (uint32_t e = 0; e < def->state_count; e++) {
        const weir_state_def *state = &def->state[e];
        self->ttl_ms[e] = state->ttl_ms < 0 ? 0 : state->ttl_ms ? state->ttl_ms : plan->ttl_ms;
        StateTableDef table = {
            .name = state->name,
            .operator_id = plan->stable_id, .budget = op->budget,
            .key = key,
            .value = described(arena, state),
            .version = 1,
            .row_size = ENTRY_HEAD + ((value_size(state) + 7u) & ~7u),
            .ttl_ms = self->ttl_ms[e],
            .clear = state->kind == WEIR_STATE_VALUE ? NULL : entry_clear,
            .save = entry_save,
            .load = entry_load,
            .may_leave = true,
            .clear_arg = &self->self[e],
        };
        self->self[e] = (ProcessEntry){self, e};
        self->entry[e] = state_table_open(op->env->state, &table);
    }
    if (!def->on_timer) return ST_OK;
    StateTableDef table = {
        .name = "timers",
        .operator_id = plan->stable_id, .budget = op->budget,
        .key = key,
        .value = timers_type(),
        .version = 1,
        .row_size = sizeof(ProcessKey),
        .clear = key_clear,
        .save = key_save,
        .load = key_load,
        .may_leave = true, .load_all = true,
        .wanted = key_wanted,
        .leave = key_leave,
        .clear_arg = self,
    };
    self->keys = state_table_open(op->env->state, &table);
    return ST_OK;
}

void process_state_close(ProcessState *self) {
    uint64_t cursor = 0;
    for (uint8_t *row; self->keys && (row = state_next(self->keys, &cursor));) key_clear(self, row);
    for (uint32_t e = 0; self->def && e < self->def->state_count; e++) {
        if (self->def->state[e].kind == WEIR_STATE_VALUE || !self->entry[e]) continue;
        cursor = 0;
        for (uint8_t *row; (row = state_next(self->entry[e], &cursor));) {
            entry_clear(&self->self[e], row);
        }
    }
    self->closed = true;
    timers_free(&self->timers);
    mem_free(self->fired);
    self->fired = NULL;
    arena_clear(&self->arena);
}

// ---- a batch's keys ----------------------------------------------------------------------------

// A watermark may call for more keys than memory takes. Nobody holds a row of any key now.
static Status make_room(ProcessState *self, uint32_t rows, Error *err) {
    self->looked_up += rows;
    if (self->looked_up < RECALL_MAX) return ST_OK;
    self->looked_up = 0;
    for (uint32_t e = 0; e < self->def->state_count; e++) {
        TRY(state_table_trim(self->entry[e], err));
    }
    return self->keys ? state_table_trim(self->keys, err) : ST_OK;
}

Status process_state_find(ProcessState *self, Vec *const *key, uint32_t rows, Error *err) {
    int64_t now_ms = now_of(self);
    TRY(make_room(self, rows, err));
    arena_reset(&self->arena);
    self->rows = rows;
    for (uint32_t e = 0; e < self->def->state_count; e++) {
        uint8_t **found = self->found[e] = ARENA_ARRAY(&self->arena, uint8_t *, rows + 1);
        TRY(state_find(self->entry[e], key, rows, NULL, true, now_ms, found, NULL, err));
        if (!self->ttl_ms[e] || self->def->state[e].kind != WEIR_STATE_VALUE) continue;
        uint32_t size = self->def->state[e].size;
        self->before[e] = ARENA_ARRAY(&self->arena, uint8_t, (size_t)size * rows + 1);
        for (uint32_t r = 0; r < rows; r++) {
            memcpy(self->before[e] + (size_t)size * r, found[r] + ENTRY_HEAD, size);
        }
    }
    if (!self->keys) return ST_OK;
    self->key = ARENA_ARRAY(&self->arena, uint8_t *, rows + 1);
    return state_find(self->keys, key, rows, NULL, true, now_ms, self->key, NULL, err);
}

static bool all_zero(const uint8_t *bytes, uint32_t size) {
    for (uint32_t i = 0; i < size; i++) {
        if (bytes[i]) return false;
    }
    return true;
}

static bool key_is_idle(const ProcessKey *key) {
    return !key->named_count && key->unnamed_from == key->unnamed_count;
}

// Takes the rows away whose [empty] says so; many rows of the batch may be of one.
static void drop_rows(StateTable *table, uint8_t **row, const bool *empty, uint32_t rows,
                      size_t leaving_at) {
    uint32_t count = 0;
    for (uint32_t r = 0; r < rows; r++) {
        if (!empty[r]) continue;
        uint64_t *leaving = (uint64_t *)(void *)(row[r] + leaving_at);
        if (*leaving) continue;
        *leaving = 1;
        row[count++] = row[r];
    }
    for (uint32_t i = 0; i < count; i++) state_remove(table, row[i]);
}

void process_state_settle(ProcessState *self) {
    bool *empty = ARENA_ARRAY(&self->arena, bool, self->rows + 1);
    int64_t now_ms = now_of(self);
    for (uint32_t e = 0; e < self->def->state_count; e++) {
        const weir_state_def *def = &self->def->state[e];
        uint8_t **found = self->found[e];
        for (uint32_t r = 0; r < self->rows; r++) {
            const uint8_t *value = found[r] + ENTRY_HEAD;
            empty[r] = all_zero(value, value_size(def));
            if (!self->before[e] || empty[r]) continue;
            const uint8_t *before = self->before[e] + (size_t)def->size * r;
            if (memcmp(before, value, def->size) != 0) {
                state_touch(self->entry[e], found[r], now_ms);
            }
        }
        drop_rows(self->entry[e], found, empty, self->rows, 0);
        self->before[e] = NULL;
    }
    for (uint32_t r = 0; self->keys && r < self->rows; r++) {
        empty[r] = key_is_idle((ProcessKey *)(void *)self->key[r]);
    }
    if (self->keys) {
        drop_rows(self->keys, self->key, empty, self->rows, offsetof(ProcessKey, leaving));
    }
    self->rows = 0;
}

// ---- entries -----------------------------------------------------------------------------------

// A row number that a function made up reads the first row's.
static uint8_t *entry_at(ProcessState *self, uint32_t entry, uint32_t row) {
    ASSERT(self->rows > 0);
    return self->found[entry][row < self->rows ? row : 0];
}

void *process_state_value(ProcessState *self, uint32_t entry, uint32_t row) {
    return entry_at(self, entry, row) + ENTRY_HEAD;
}

bool process_state_get(ProcessState *self, uint32_t entry, uint32_t row, Str key, Str *out) {
    const Store *store = store_of(entry_at(self, entry, row));
    if (self->def->state[entry].kind == WEIR_STATE_MAP) return store_get(store, key, out);
    return self->def->state[entry].kind == WEIR_STATE_BYTES && store_value(store, out);
}

Status process_state_put(ProcessState *self, uint32_t entry, uint32_t row, Str key, Str value,
                         bool remove, Error *err) {
    uint8_t *at = entry_at(self, entry, row);
    Store *store = store_of(at);
    if (self->ttl_ms[entry]) state_touch(self->entry[entry], at, now_of(self));
    switch (self->def->state[entry].kind) {
        case WEIR_STATE_LIST: return store_append(store, value, budget_of(self), err);
        case WEIR_STATE_BYTES:
            if (!remove) return store_set(store, value, budget_of(self), err);
            store_clear(store, budget_of(self));
            return ST_OK;
        default:
            if (!remove) return store_put(store, key, value, budget_of(self), err);
            store_remove(store, key, budget_of(self));
            return ST_OK;
    }
}

bool process_state_next(ProcessState *self, uint32_t entry, uint32_t row, uint64_t *cursor,
                        Str *key, Str *out) {
    return store_next(store_of(entry_at(self, entry, row)), cursor, key, out);
}

void process_state_clear(ProcessState *self, uint32_t entry, uint32_t row) {
    for (uint32_t e = 0; e < self->def->state_count; e++) {
        if (entry != WEIR_ALL && e != entry) continue;
        const weir_state_def *def = &self->def->state[e];
        uint8_t *at = entry_at(self, e, row);
        if (def->kind != WEIR_STATE_VALUE)
            store_clear(store_of(at), budget_of(self));
        else
            memset(at + ENTRY_HEAD, 0, def->size);
    }
}

// ---- timers ------------------------------------------------------------------------------------

static ProcessKey *key_at(ProcessState *self, uint32_t row) {
    ASSERT(self->rows > 0);
    return (ProcessKey *)(void *)self->key[row < self->rows ? row : 0];
}

static Status grow(ProcessState *self, void *array, uint32_t *cap, size_t size, Error *err) {
    uint32_t grown = *cap ? *cap * 2 : 2;
    void *at;
    memcpy(&at, array, sizeof at);
    TRY(budget_charge(budget_of(self), (int64_t)((grown - *cap) * size), err));
    at = mem_realloc(at, grown * size);
    memcpy(array, &at, sizeof at);
    *cap = grown;
    return ST_OK;
}

// Sees to it that the heap comes to the key in time.
static Status arm(ProcessState *self, ProcessKey *key, Error *err) {
    int64_t name, ms = earliest(key, &name);
    bool armed = !timer_times_empty(&key->armed);
    if (ms == INT64_MAX || (armed && key->armed.at[key->armed.from] <= ms)) return ST_OK;
    return timers_add(&self->timers, key, &key->armed, ms, err);
}

static uint32_t unnamed_place(const ProcessKey *key, int64_t ms) {
    uint32_t low = key->unnamed_from, high = key->unnamed_count;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (key->unnamed[mid] < ms)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static Status add_unnamed(ProcessState *self, ProcessKey *key, int64_t ms, Error *err) {
    uint32_t at = unnamed_place(key, ms);
    if (at < key->unnamed_count && key->unnamed[at] == ms) return ST_OK;
    if (key->unnamed_count == key->unnamed_cap && key->unnamed_from) {
        uint32_t left = key->unnamed_count - key->unnamed_from;
        memmove(key->unnamed, key->unnamed + key->unnamed_from, left * sizeof *key->unnamed);
        at -= key->unnamed_from;
        key->unnamed_from = 0;
        key->unnamed_count = left;
    }
    if (key->unnamed_count == key->unnamed_cap) {
        TRY(grow(self, &key->unnamed, &key->unnamed_cap, sizeof *key->unnamed, err));
    }
    memmove(key->unnamed + at + 1, key->unnamed + at,
            (key->unnamed_count - at) * sizeof *key->unnamed);
    key->unnamed[at] = ms;
    key->unnamed_count++;
    return ST_OK;
}

static void remove_named(ProcessKey *key, uint32_t i) {
    memmove(key->named + i, key->named + i + 1, (key->named_count - i - 1) * sizeof *key->named);
    key->named_count--;
}

static Status key_timer(ProcessState *self, ProcessKey *key, const char *name, int64_t ms,
                        Error *err) {
    if (!name) {
        TRY(add_unnamed(self, key, ms, err));
        return arm(self, key, err);
    }
    uint32_t i = 0;
    while (i < key->named_count && strcmp(key->named[i].name, name) != 0) i++;
    if (i == key->named_count) {
        if (i == key->named_cap) {
            TRY(grow(self, &key->named, &key->named_cap, sizeof *key->named, err));
        }
        key->named[key->named_count++].name = mem_strdup(name);
    }
    key->named[i].ms = ms;
    return arm(self, key, err);
}

Status process_state_timer(ProcessState *self, uint32_t row, const char *name, int64_t ms,
                           Error *err) {
    return key_timer(self, key_at(self, row), name, ms, err);
}

void process_state_timer_clear(ProcessState *self, uint32_t row, const char *name, int64_t ms) {
    if (!self->keys) return;
    ProcessKey *key = key_at(self, row);
    bool all = !name && ms == INT64_MIN;
    for (uint32_t i = 0; i < key->named_count;) {
        if (!all && (!name || strcmp(key->named[i].name, name) != 0)) {
            i++;
            continue;
        }
        mem_free(key->named[i].name);
        remove_named(key, i);
    }
    if (all) key->unnamed_from = key->unnamed_count = 0;
    if (all || name) return;
    uint32_t at = unnamed_place(key, ms);
    if (at == key->unnamed_count || key->unnamed[at] != ms) return;
    memmove(key->unnamed + at, key->unnamed + at + 1,
            (key->unnamed_count - at - 1) * sizeof *key->unnamed);
    key->unnamed_count--;
}

int64_t process_state_next_ms(const ProcessState *self) {
    if (!self->keys) return INT64_MAX;
    int64_t here_ms = timers_first(&self->timers), away_ms = state_away_first(self->keys);
    return here_ms < away_ms ? here_ms : away_ms;
}

// Keys that may be due before those in memory are, up to [ms], come back.
static Status recall_due(ProcessState *self, int64_t ms, Error *err) {
    StateRecall recall = {.from_ms = INT64_MIN, .until_ms = ms};
    Status st = ST_OK;
    while (!st) {
        int64_t here_ms = timers_first(&self->timers);
        if (!state_away_due(self->keys, here_ms < ms ? here_ms : ms)) break;
        recall.at.len = 0;
        st = state_recall(self->keys, &recall, err);
    }
    state_recall_clear(&recall);
    return st;
}

bool process_state_due(ProcessState *self, int64_t ms, ProcessKey **out, int64_t *at_ms,
                       const char **name, Status *st, Error *err) {
    Timer timer;
    *st = ST_OK;
    if (!self->keys) return false;
    for (;;) {
        *st = recall_due(self, ms, err);
        if (*st || !timers_due(&self->timers, ms, &timer)) return false;
        ProcessKey *key = timer.key;
        state_write(self->keys, timer.key);
        int64_t which, first = earliest(key, &which);
        if (first > timer.ms) {  // put off
            *st = arm(self, key, err);
            if (*st) return false;
            continue;
        }
        mem_free(self->fired);
        self->fired = NULL;
        if (which >= 0) {
            self->fired = key->named[which].name;
            remove_named(key, (uint32_t)which);
        } else {
            key->unnamed_from++;
        }
        *out = key;
        *at_ms = first;
        *name = self->fired;
        *st = arm(self, key, err);
        return !*st;
    }
}

void process_state_key(const ProcessState *self, const ProcessKey *key, Vec **out, uint32_t at) {
    state_key(self->keys, (const uint8_t *)key, out, at);
}
