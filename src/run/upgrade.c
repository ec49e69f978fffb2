#include "run/upgrade.h"

#include <stdio.h>

#include "plan/kin.h"
#include "sql/parser.h"

enum { NOBODY = UINT32_MAX };

typedef struct Fate {
    uint32_t to;     // operator of now, or NOBODY
    bool kin;        // found by kin
    bool has_state;  // tables, or a source's position
    Buf said;        // how its layout differs
} Fate;

struct Upgrade {
    Arena *arena;
    Job *job;
    const Checkpoint *from;
    CheckpointOperator *now;
    uint32_t now_count;
    Fate *fate;       // of each operator of the snapshot
    bool *taken;      // operators of now that get something
    UpgradeTable *table;
    uint32_t table_count, table_cap;
    bool rekeys;
};

// ---- describing --------------------------------------------------------------------------------

static Str type_text(Arena *arena, const Type *type) {
    Buf text = {0};
    type_print(type, &text);
    Str out = str_dup(arena, buf_str(&text));
    buf_free(&text);
    return out;
}

static Str columns_text(Arena *arena, const Plan *plan) {
    Buf text = {0};
    for (uint32_t c = 0; c < plan->type->child_count; c++) {
        buf_put_str(&text, plan->type->field[c]);
        buf_putc(&text, '\t');
        plan_column_text(plan, c, &text);
        buf_putc(&text, '\n');
    }
    Str out = str_dup(arena, buf_str(&text));
    buf_free(&text);
    return out;
}

static void describe(Arena *arena, const Worker *worker, uint32_t index, CheckpointOperator *out) {
    const Operator *op = worker->op[index];
    const Plan *plan = op->plan;
    FrameName name;
    operator_frame_name(worker, index, &name);
    *out = (CheckpointOperator){.id = name.operator_id, .ordinal = name.ordinal, .name = name.name};
    if (op->vt == &EXCHANGE_IN_OPERATOR || op->vt == &EXCHANGE_OUT_OPERATOR) return;
    out->kin = plan_kin(plan);
    Buf about = {0};
    plan_about(plan, &about);
    out->about = str_dup(arena, buf_str(&about));
    buf_free(&about);
    if (op->vt == &SOURCE_OPERATOR) out->input[0] = type_text(arena, plan->type);
    for (uint32_t i = 0; i < plan->input_count && i < 2; i++) {
        out->input[i] = type_text(arena, plan->input[i]->type);
        out->columns[i] = columns_text(arena, plan->input[i]);
    }
}

CheckpointOperator *operators_describe(Arena *arena, const Job *job, uint32_t *count) {
    const Worker *worker = &job->worker[0];
    *count = worker->op_count;
    CheckpointOperator *out = ARENA_ARRAY(arena, CheckpointOperator, worker->op_count + 1);
    for (uint32_t i = 0; i < worker->op_count; i++) describe(arena, worker, i, &out[i]);
    return out;
}

// ---- who takes what ----------------------------------------------------------------------------

static bool same_name(const CheckpointOperator *a, uint64_t id, Str name, uint32_t ordinal) {
    return a->id == id && a->ordinal == ordinal && str_eq(a->name, name);
}

static void match_exactly(Upgrade *self) {
    for (uint32_t s = 0; s < self->from->op_count; s++) {
        const CheckpointOperator *saved = &self->from->op[s];
        self->fate[s].to = NOBODY;
        for (uint32_t n = 0; n < self->now_count; n++) {
            if (!same_name(&self->now[n], saved->id, saved->name, saved->ordinal)) continue;
            self->fate[s].to = n;
            self->taken[n] = true;
        }
    }
}

// The operators left of one kin, in the order of their plans; *count of them.
static void left_of_kin(const Upgrade *self, const CheckpointOperator *like, bool saved,
                        uint32_t *out, uint32_t *count) {
    const CheckpointOperator *all = saved ? self->from->op : self->now;
    uint32_t all_count = saved ? self->from->op_count : self->now_count;
    *count = 0;
    for (uint32_t i = 0; i < all_count; i++) {
        bool left = saved ? self->fate[i].to == NOBODY : !self->taken[i];
        if (left && all[i].kin == like->kin && str_eq(all[i].name, like->name)) out[(*count)++] = i;
    }
}

// Of several of one kin each has its counterpart by place, if they are as many as before.
static void match_kin(Upgrade *self) {
    uint32_t most = self->from->op_count + self->now_count;
    uint32_t *saved = ARENA_ARRAY(self->arena, uint32_t, most + 1);
    uint32_t *now = ARENA_ARRAY(self->arena, uint32_t, most + 1);
    for (uint32_t s = 0; s < self->from->op_count; s++) {
        const CheckpointOperator *at = &self->from->op[s];
        uint32_t saved_count, now_count;
        if (self->fate[s].to != NOBODY || !at->kin) continue;
        left_of_kin(self, at, true, saved, &saved_count);
        left_of_kin(self, at, false, now, &now_count);
        if (saved_count != now_count) continue;
        for (uint32_t i = 0; i < saved_count; i++) {
            self->fate[saved[i]].to = now[i];
            self->fate[saved[i]].kin = true;
            self->taken[now[i]] = true;
        }
    }
}

// ---- layouts -----------------------------------------------------------------------------------

static Status parse_type(Arena *arena, Str text, const Type **out, Error *err) {
    AstType *ast;
    TRY(sql_parse_type(arena, text, &ast, err));
    return bind_type(arena, ast, out, err);
}

static Status fit(Upgrade *self, Fate *fate, Str text, const Type *now, const StateTableDef *value,
                  Migration **out, Error *err) {
    *out = NULL;
    Str now_text = type_text(self->arena, now);
    if (str_eq(text, now_text)) return ST_OK;
    const Type *saved, *plain;
    TRY(parse_type(self->arena, text, &saved, err));
    TRY(parse_type(self->arena, now_text, &plain, err));  // without time attributes
    MigrateBegin begin = {0};
    if (value) {
        begin = (MigrateBegin){value->begin, value->begin_of, value->clear_arg, value->rows_fixed};
    }
    return migrate_rows(self->arena, saved, plain, !value, value ? &begin : NULL, out, &fate->said,
                        err);
}

// What of the operator's state lies at hand: its table, as the snapshot describes it.
static Status fit_table(Upgrade *self, const FrameTable *saved, Error *err) {
    Fate *fate = NULL;
    const CheckpointOperator *op = NULL;
    for (uint32_t s = 0; s < self->from->op_count && !fate; s++) {
        bool other = self->from->op[s].id != saved->operator_id;
        if (other || str_is(self->from->op[s].name, "exchange")) continue;
        bool matters = self->fate[s].to == NOBODY ||
                       state_table_find(self->job->worker[0].state,
                                        self->now[self->fate[s].to].id, saved->name);
        if (matters) fate = &self->fate[s], op = &self->from->op[s];
    }
    if (self->table_count == self->table_cap) {
        self->table_cap = self->table_cap ? self->table_cap * 2 : 16;
        UpgradeTable *grown = ARENA_ARRAY(self->arena, UpgradeTable, self->table_cap);
        if (self->table_count) memcpy(grown, self->table, self->table_count * sizeof *grown);
        self->table = grown;
    }
    UpgradeTable *at = &self->table[self->table_count++];
    *at = (UpgradeTable){.saved_id = saved->operator_id, .name = str_dup(self->arena, saved->name)};
    if (!fate) return ST_OK;  // of no operator that is described: an orphan, if there are rows
    fate->has_state = true;
    if (fate->to == NOBODY) return ST_OK;
    uint64_t id = self->now[fate->to].id;
    const StateTable *table = state_table_find(self->job->worker[0].state, id, saved->name);
    const StateTableDef *def = state_table_def(table);
    Status st = ST_OK;
    if (def->version != saved->version) {
        st = error_set(err, ST_VALIDATION, "its version was %u and is %u", saved->version,
                       def->version);
    }
    if (!st) st = fit(self, fate, saved->key, def->key, NULL, &at->key, err);
    if (!st) st = fit(self, fate, saved->value, def->value, def, &at->value, err);
    self->rekeys |= !st && at->key;
    at->id = st ? 0 : id;
    if (!st) return ST_OK;
    error_while(err, "state '" STR_FMT "' of " STR_FMT STR_FMT " (%016llx) cannot be carried over",
                STR_ARG(saved->name), STR_ARG(op->name), STR_ARG(op->about),
                (unsigned long long)saved->operator_id);
    error_hint(err, "begin with the query that took it, or with --allow-non-restored-state, which "
                    "drops what this operator has kept");
    if (!self->job->spec->checkpoint->allow_non_restored) return st;
    fate->said.len = 0;
    buf_printf(&fate->said, "%s", err->message);
    self->taken[fate->to] = false;
    fate->to = NOBODY;
    return ST_OK;
}

// The tables stand at the beginning of each file; those of the newest will do.
static Status fit_tables(Upgrade *self, Str path, Error *err) {
    for (uint32_t i = 0; i < self->from->file_count; i++) {
        const CheckpointFile *file = &self->from->file[i];
        if (file->checkpoint != self->from->id) continue;
        FrameReader *reader;
        FrameHead head;
        Str name = str_printf(self->arena, STR_FMT "/" STR_FMT, STR_ARG(path), STR_ARG(file->path));
        TRY(frames_open(name, &reader, &head, err));
        PartKind kind = PART_TABLE;
        Status st = ST_OK;
        while (!st && kind != PART_ROWS && kind != PART_END) {
            Str bytes;
            FrameTable table;
            st = frames_next(reader, &kind, &bytes, err);
            if (st || kind != PART_TABLE) continue;
            st = frame_table(bytes, &table, err);
            if (!st && !upgrade_table(self, table.operator_id, table.name)) {
                st = fit_table(self, &table, err);
            }
        }
        frames_close(reader);
        return st;
    }
    return ST_OK;
}

// A name that nobody has given may stand for anything.
static bool is_generated(Str name) {
    return str_starts(name, STR("EXPR$")) || str_starts(name, STR("$"));
}

static bool next_line(Str *text, Str *name, Str *words) {
    int64_t tab = str_find(*text, STR("\t"), 0), end = str_find(*text, STR("\n"), 0);
    if (tab < 0 || end < tab) return false;
    *name = str_sub(*text, 0, (uint32_t)tab);
    *words = str_sub(*text, (uint32_t)tab + 1, (uint32_t)(end - tab - 1));
    *text = str_sub(*text, (uint32_t)end + 1, text->len);
    return true;
}

// Columns of kept rows that are called as before and mean something else.
static Status compare_columns(const Upgrade *self, uint32_t s, Error *err) {
    const CheckpointOperator *saved = &self->from->op[s];
    const CheckpointOperator *now = &self->now[self->fate[s].to];
    const Plan *plan = self->job->worker[0].op[self->fate[s].to]->plan;
    if (plan->kind == PLAN_AGG || plan->kind == PLAN_WINDOW_AGG) return ST_OK;
    for (uint32_t i = 0; i < 2; i++) {
        Str rest = saved->columns[i], name, was, other, is;
        while (next_line(&rest, &name, &was)) {
            Str all = now->columns[i];
            bool found = false;
            while (!found && next_line(&all, &other, &is)) found = str_eq(name, other);
            if (!found || str_eq(was, is)) continue;
            Buf *said = &self->fate[s].said;
            buf_printf(said,
                       "%s" STR_FMT " was " STR_FMT " in rows kept and is " STR_FMT " from here on",
                       said->len ? ", " : "", STR_ARG(name), STR_ARG(was), STR_ARG(is));
            if (!is_generated(name)) continue;
            (void)error_set(err, ST_VALIDATION,
                            "rows that " STR_FMT STR_FMT " keeps would be silently wrong: " STR_FMT,
                            STR_ARG(saved->name), STR_ARG(saved->about), STR_ARG(buf_str(said)));
            error_hint(err,
                       "give the column a name (AS ...) to keep them as they are, or drop them "
                       "with --allow-non-restored-state");
            return self->job->spec->checkpoint->allow_non_restored ? ST_OK : ST_VALIDATION;
        }
    }
    return ST_OK;
}

// ---- telling -----------------------------------------------------------------------------------

static void PRINTF_LIKE(2, 3) tell(const Upgrade *self, const char *fmt, ...) {
    const CheckpointSpec *spec = self->job->spec->checkpoint;
    if (!spec->log) return;
    char text[ERROR_MESSAGE_MAX * 2];
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (len >= (int)sizeof text) len = sizeof text - 1;
    spec->log(spec->log_arg, str_make(text, (size_t)len));
}

// An operator of now that keeps something.
static bool has_state(const Upgrade *self, uint32_t n) {
    PlanKind kind = self->job->worker[0].op[n]->plan->kind;
    return self->now[n].kin && kind != PLAN_SINK && kind != PLAN_WATERMARK;
}

static void tell_fates(Upgrade *self, Str path) {
    bool differs = false;
    for (uint32_t s = 0; s < self->from->op_count; s++) {
        const Fate *fate = &self->fate[s];
        differs |= fate->kin || fate->said.len || (fate->has_state && fate->to == NOBODY);
    }
    if (!differs) return;
    tell(self, "the query has changed; of " STR_FMT ":", STR_ARG(path));
    for (uint32_t s = 0; s < self->from->op_count; s++) {
        const CheckpointOperator *op = &self->from->op[s];
        const Fate *fate = &self->fate[s];
        if (!fate->has_state) continue;
        const char *what = fate->to == NOBODY ? "dropped"
                           : fate->said.len   ? "migrated"
                                              : "restored";
        bool told = fate->said.len != 0;
        tell(self, "  " STR_FMT STR_FMT ": %s%s" STR_FMT, STR_ARG(op->name), STR_ARG(op->about),
             what,
             told                 ? ": "
             : fate->to == NOBODY ? ", no operator takes it"
             : fate->kin          ? ", what comes in has changed"
                                  : "",
             STR_ARG(buf_str(&fate->said)));
    }
    for (uint32_t n = 0; n < self->now_count; n++) {
        if (self->taken[n] || !has_state(self, n)) continue;
        tell(self, "  " STR_FMT STR_FMT ": new, begins with nothing", STR_ARG(self->now[n].name),
             STR_ARG(self->now[n].about));
    }
}

// ---- the whole ---------------------------------------------------------------------------------

static Status fit_all(Upgrade *self, Str path, Error *err) {
    match_exactly(self);
    match_kin(self);
    for (uint32_t s = 0; s < self->from->op_count; s++) {
        Fate *fate = &self->fate[s];
        fate->has_state = str_is(self->from->op[s].name, "source");
        if (fate->to != NOBODY && fate->kin) TRY(compare_columns(self, s, err));
    }
    return fit_tables(self, path, err);
}

Status upgrade_new(Arena *arena, Job *job, Str path, const Checkpoint *from, Upgrade **out,
                   Error *err) {
    Upgrade *self = ARENA_NEW(arena, Upgrade);
    *self = (Upgrade){.arena = arena, .job = job, .from = from};
    self->now = operators_describe(arena, job, &self->now_count);
    self->fate = ARENA_ARRAY(arena, Fate, from->op_count + 1);
    self->taken = ARENA_ARRAY(arena, bool, self->now_count + 1);
    Status st = fit_all(self, path, err);
    if (!st) tell_fates(self, path);
    for (uint32_t s = 0; s < from->op_count; s++) buf_free(&self->fate[s].said);
    *out = self;
    return st;
}

static uint32_t saved_index(const Upgrade *self, const FrameName *name) {
    for (uint32_t s = 0; s < self->from->op_count; s++) {
        if (same_name(&self->from->op[s], name->operator_id, name->name, name->ordinal)) return s;
    }
    return NOBODY;
}

Operator *upgrade_operator(const Upgrade *self, Worker *worker, const FrameName *saved,
                           uint32_t *index) {
    uint32_t s = saved_index(self, saved);
    if (s == NOBODY || self->fate[s].to == NOBODY) return NULL;
    *index = self->fate[s].to;
    return worker->op[*index];
}

bool upgrade_same_rows(const Upgrade *self, const FrameName *saved) {
    uint32_t s = saved_index(self, saved);
    if (s == NOBODY || self->fate[s].to == NOBODY) return false;
    const CheckpointOperator *was = &self->from->op[s], *is = &self->now[self->fate[s].to];
    return str_eq(was->input[0], is->input[0]) && str_eq(was->input[1], is->input[1]);
}

const UpgradeTable *upgrade_table(const Upgrade *self, uint64_t saved_id, Str name) {
    for (uint32_t i = 0; i < self->table_count; i++) {
        const UpgradeTable *at = &self->table[i];
        if (at->saved_id == saved_id && str_eq(at->name, name)) return at;
    }
    return NULL;
}

bool upgrade_differs(const Upgrade *self) {
    for (uint32_t s = 0; s < self->from->op_count; s++) {
        if (self->fate[s].kin || self->fate[s].to == NOBODY) return true;
    }
    for (uint32_t n = 0; n < self->now_count; n++) {
        if (!self->taken[n]) return true;
    }
    return false;
}

bool upgrade_rekeys(const Upgrade *self) {
    return self->rekeys;
}
