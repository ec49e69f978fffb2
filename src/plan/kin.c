// What an operator remains when the query around it changes: its kin.
//
// The stable id stands on everything below a node: one more column, and it is another. Kin stands
// on what decides whether kept state still means the same: the kind, the keys, the windows, the
// join's condition, the tables below; each in words of the tables' columns, so that a projection
// more or less makes no difference. What it leaves out (aggregates, columns, filters) run/upgrade.c
// compares and tells of. 0: the state goes to exactly the same operator or to none.
#include "plan/kin.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/bits.h"
#include "base/hash.h"
#include "base/map.h"
#include "plan/rule.h"

enum { TEXT_MAX = 2048, DEPTH_MAX = 64 };  // longer texts are cut: they are compared and shown only

static void put_column(const Plan *plan, uint32_t column, uint32_t depth, Buf *out);

// The expression in words of the tables below [input].
static void put_words(const Expr *expr, const Plan *input, uint32_t depth, Buf *out) {
    const Type *row = input->type;
    uint64_t *used = NEW_ARRAY(uint64_t, BITS_WORDS(row->child_count) + 1);
    Str *name = NEW_ARRAY(Str, row->child_count + 1);
    Arena arena = {0};
    expr_columns(expr, used);
    for (uint32_t c = 0; c < row->child_count; c++) {
        name[c] = row->field[c];
        if (!bits_get(used, c)) continue;
        Buf text = {0};
        put_column(input, c, depth, &text);
        bool simple = str_find(buf_str(&text), STR(" "), 0) < 0 || expr->kind == EXPR_COLUMN;
        name[c] = simple ? str_dup(&arena, buf_str(&text))
                         : str_printf(&arena, "(" STR_FMT ")", STR_ARG(buf_str(&text)));
        buf_free(&text);
    }
    const Type *words = type_row(&arena, row->child_count, row->child, name, false);
    expr_print(expr, words, out);
    arena_clear(&arena);
    mem_free(name);
    mem_free(used);
}

static void put_agg(const Plan *plan, uint32_t agg, uint32_t depth, Buf *out) {
    const PlanAgg *at = &plan->agg[agg];
    const Plan *input = plan->input[0];
    buf_printf(out, "%s(%s", at->call->func->name, at->call->distinct ? "DISTINCT " : "");
    if (!at->call->argc) buf_putc(out, '*');
    for (uint32_t i = 0; i < at->call->argc; i++) {
        if (i) buf_puts(out, ", ");
        put_column(input, at->arg[i], depth, out);
    }
    buf_putc(out, ')');
    if (at->filter < 0) return;
    buf_puts(out, " FILTER (WHERE ");
    put_column(input, (uint32_t)at->filter, depth, out);
    buf_putc(out, ')');
}

// Nodes that hand their input's columns on as they are.
static bool hands_on(PlanKind kind) {
    switch (kind) {
        case PLAN_FILTER:
        case PLAN_WATERMARK:
        case PLAN_SORT:
        case PLAN_LIMIT:
        case PLAN_DEDUP:
        case PLAN_NORMALIZE:
        case PLAN_DROP_BEFORE:
        case PLAN_MATERIALIZE:
        case PLAN_SINK:
        case PLAN_COLLECT: return true;
        default: return false;
    }
}

static void put_column(const Plan *plan, uint32_t column, uint32_t depth, Buf *out) {
    if (out->len > TEXT_MAX || depth > DEPTH_MAX) return;
    bool joins = plan->kind == PLAN_JOIN || plan->kind == PLAN_INTERVAL_JOIN ||
                 plan->kind == PLAN_TEMPORAL_JOIN || plan->kind == PLAN_WINDOW_JOIN;
    uint32_t left = plan->input_count ? plan->input[0]->type->child_count : 0;
    if (plan->kind == PLAN_PROJECT) {
        put_words(plan->expr[column], plan->input[0], depth + 1, out);
    } else if (plan->input_count && (hands_on(plan->kind) ||
               ((plan->kind == PLAN_RANK || plan->kind == PLAN_OVER) && column < left))) {
        put_column(plan->input[0], column, depth + 1, out);
    } else if (joins && column < left) {
        put_column(plan->input[0], column, depth + 1, out);
    } else if (joins && plan->input_count > 1) {
        put_column(plan->input[1], column - left, depth + 1, out);
    } else if (plan->kind == PLAN_AGG && column < plan->key_count) {
        put_column(plan->input[0], plan->key[column], depth + 1, out);
    } else if (plan->kind == PLAN_AGG && column - plan->key_count < plan->agg_count) {
        put_agg(plan, column - plan->key_count, depth + 1, out);
    } else {
        buf_put_str(out, plan->type->field[column]);
    }
}

void plan_column_text(const Plan *plan, uint32_t column, Buf *out) {
    put_column(plan, column, 0, out);
}

void plan_agg_text(const Plan *plan, uint32_t agg, Buf *out) {
    Buf own = {0};
    uint32_t same = 0;
    put_agg(plan, agg, 0, &own);
    for (uint32_t i = 0; i < agg; i++) {
        Buf other = {0};
        put_agg(plan, i, 0, &other);
        same += str_eq(buf_str(&own), buf_str(&other));
        buf_free(&other);
    }
    buf_put_str(out, buf_str(&own));
    if (same) buf_printf(out, " #%u", same + 1);
    buf_free(&own);
}

// ---- kin ---------------------------------------------------------------------------------------

static void put_keys(const char *what, const Plan *input, const uint32_t *key, uint32_t count,
                     Buf *out) {
    for (uint32_t i = 0; i < count; i++) {
        buf_puts(out, i ? ", " : what);
        put_column(input, key[i], 0, out);
    }
}

void plan_about(const Plan *plan, Buf *out) {
    if (plan->kind == PLAN_SCAN) buf_printf(out, " " STR_FMT, STR_ARG(plan->table->name.object));
    if (plan->kind == PLAN_SINK) buf_printf(out, " " STR_FMT, STR_ARG(plan->sink->table->name));
    if (plan->input_count) put_keys(" by ", plan->input[0], plan->key, plan->key_count, out);
}

// The tables below, by name, each once.
static void gather_tables(const Plan *plan, Map *seen, Map *tables) {
    char id[16];
    (void)snprintf(id, sizeof id, "%u", plan->id);
    if (map_has(seen, str_c(id))) return;
    (void)map_put(seen, str_c(id), seen);
    if (plan->kind == PLAN_SCAN) {
        Buf name = {0};
        object_name_print(plan->table->name, &name);
        (void)map_put(tables, buf_str(&name), tables);
        buf_free(&name);
    }
    for (uint32_t i = 0; i < plan->input_count; i++) gather_tables(plan->input[i], seen, tables);
}

static int by_text(const void *a, const void *b) {
    return str_cmp(*(const Str *)a, *(const Str *)b);
}

static void put_tables(const Plan *plan, Buf *out) {
    Map seen = {0}, tables = {0};
    gather_tables(plan, &seen, &tables);
    Str *name = NEW_ARRAY(Str, tables.count + 1);
    for (uint32_t i = 0; i < tables.count; i++) name[i] = tables.entry[i].key;
    qsort(name, tables.count, sizeof *name, by_text);
    for (uint32_t i = 0; i < tables.count; i++) buf_printf(out, " from " STR_FMT, STR_ARG(name[i]));
    mem_free(name);
    map_clear(&tables);
    map_clear(&seen);
}

static void put_condition(const Plan *plan, Buf *out) {
    if (!plan->condition || plan->input_count < 2) return;
    // Over the columns of both inputs.
    uint32_t left = plan->input[0]->type->child_count, right = plan->input[1]->type->child_count;
    uint64_t *used = NEW_ARRAY(uint64_t, BITS_WORDS(left + right) + 1);
    Arena arena = {0};
    Str *name = ARENA_ARRAY(&arena, Str, left + right + 1);
    const Type **child = ARENA_ARRAY(&arena, const Type *, left + right + 1);
    expr_columns(plan->condition, used);
    for (uint32_t c = 0; c < left + right; c++) {
        const Plan *input = plan->input[c >= left];
        uint32_t column = c < left ? c : c - left;
        child[c] = input->type->child[column];
        name[c] = STR("");
        if (!bits_get(used, c)) continue;
        Buf text = {0};
        put_column(input, column, 0, &text);
        name[c] = str_dup(&arena, buf_str(&text));
        buf_free(&text);
    }
    buf_puts(out, " on ");
    expr_print(plan->condition, type_row(&arena, left + right, child, name, false), out);
    arena_clear(&arena);
    mem_free(used);
}

static void put_window(const Plan *plan, Buf *out) {
    const WindowSpec *window = plan->window;
    if (!window) return;
    buf_printf(out, " window %d %lld %lld %lld %d %d", (int)window->kind,
               (long long)window->size_ms, (long long)window->slide_ms,
               (long long)window->offset_ms, window->proctime, window->legacy);
    if (!window->attached) {
        put_column(plan->input[0], window->time_column, 0, out);
        return;
    }
    // The windows that the rows carry were made below.
    const Plan *at = plan->input[0];
    while (at->kind != PLAN_WINDOW_TVF && at->input_count) at = at->input[0];
    if (at->kind == PLAN_WINDOW_TVF) put_window(at, out);
}

// All of what the plan is but for filters, and for projections, which the columns' words stand for:
// the same operator, over rows that come by another filter.
static void put_alike(const Plan *plan, uint32_t depth, Buf *out) {
    if (out->len > TEXT_MAX * 16 || depth > DEPTH_MAX) return;
    switch (plan->kind) {
        case PLAN_SCAN:  // filters and limits may have gone there; the tables' names come below
        case PLAN_FILTER:
        case PLAN_PROJECT:
        case PLAN_WATERMARK: break;
        default: plan_fingerprint(plan, out);
    }
    for (uint32_t i = 0; i < plan->input_count; i++) put_alike(plan->input[i], depth + 1, out);
}

static void put_inputs(const Plan *plan, Buf *out) {
    for (uint32_t i = 0; i < plan->input_count; i++) {
        const Plan *input = plan->input[i];
        type_print(input->type, out);
        for (uint32_t c = 0; c < input->type->child_count; c++) {
            buf_puts(out, " column ");
            put_column(input, c, 0, out);
        }
    }
}

// False: nothing but the same operator takes its state.
static bool put_kin(const Plan *plan, Buf *out) {
    buf_printf(out, "%d", (int)plan->kind);
    switch (plan->kind) {
        case PLAN_SCAN:
            buf_printf(out, " %s ", plan->connector->name);
            object_name_print(plan->table->name, out);
            return true;
        case PLAN_SINK:
            buf_printf(out, " %s ", plan->connector->name);
            buf_put_str(out, plan->sink->table->name);
            return true;
        case PLAN_WATERMARK: break;
        case PLAN_AGG: break;
        case PLAN_WINDOW_AGG: put_window(plan, out); break;
        case PLAN_NORMALIZE:
        case PLAN_MATERIALIZE: break;
        case PLAN_JOIN:
        case PLAN_INTERVAL_JOIN:
        case PLAN_TEMPORAL_JOIN:
            buf_printf(out, " join %d %lld %lld", (int)plan->join, (long long)plan->lower_ms,
                       (long long)plan->upper_ms);
            put_keys(" right ", plan->input[1], plan->right_key, plan->key_count, out);
            put_condition(plan, out);
            break;
        case PLAN_RANK:
        case PLAN_DEDUP:
        case PLAN_OVER:
            for (uint32_t i = 0; i < plan->order_count; i++) {
                buf_printf(out, " order %d %d ", plan->order[i].descending,
                           plan->order[i].nulls_first);
                put_column(plan->input[0], plan->order[i].column, 0, out);
            }
            buf_printf(out, " rank %d %d %lld %lld %d %d frame %d %lld", plan->rank_kind,
                       (int)plan->rank_way, (long long)plan->rank_start, (long long)plan->rank_end,
                       plan->keep_last, plan->proctime_order, plan->frame.rows,
                       (long long)plan->frame.preceding);
            for (uint32_t i = 0; i < plan->agg_count; i++) put_agg(plan, i, 0, out);
            break;
        case PLAN_MATCH:
        case PLAN_WINDOW_JOIN:
        case PLAN_WINDOW_RANK:
        case PLAN_SORT:
        case PLAN_LIMIT:
        case PLAN_EVALUATE:
            put_alike(plan, 0, out);
            put_inputs(plan, out);
            break;
        default: return false;
    }
    put_keys(" keys ", plan->input[0], plan->key, plan->key_count, out);
    put_tables(plan, out);
    return true;
}

uint64_t plan_kin(const Plan *plan) {
    Buf text = {0};
    uint64_t kin = put_kin(plan, &text) ? hash_bytes(text.ptr, text.len, 0) : 0;
    buf_free(&text);
    return kin;
}
