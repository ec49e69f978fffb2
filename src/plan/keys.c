#include "plan/keys.h"

#include "base/bits.h"
#include "base/map.h"

// One question for the keys of a plan. A plan may be read twice and be an input of what is read
// twice again, so what a join was found to have is kept: forty doublings would be 2^40 questions.
typedef struct KeySearch {
    Arena *arena;
    bool upsert;  // keys by which changes stay in order, too
    Map joins;    // const PlanKeys * by the address of the join
} KeySearch;

static uint64_t *key_new(Arena *arena, const Plan *plan) {
    return ARENA_ARRAY(arena, uint64_t, BITS_WORDS(plan->type->child_count + 1));
}

static PlanKeys *keys_new(Arena *arena, uint32_t cap) {
    PlanKeys *keys = ARENA_NEW(arena, PlanKeys);
    keys->set = ARENA_ARRAY(arena, uint64_t *, cap + 1);
    return keys;
}

// Whether different values stay different under CAST, by the rules of Flink's injective casts
// (asked of a real one): to a longer text or wider integer, and to STRING from what prints exactly.
// That DECIMAL is not among them and a longer TIMESTAMP neither is Flink's choice.
static bool cast_injective(const Type *from, const Type *to) {
    if (from->kind == to->kind && type_equal_but_null(from, to)) return true;
    if (type_is_integer(from) && type_is_integer(to)) return to->kind > from->kind;
    bool longer = to->length >= from->length;
    if (type_is_text(from) && type_is_text(to)) {
        return longer && (to->kind == TYPE_VARCHAR || from->kind == TYPE_CHAR);
    }
    if (type_is_bytes(from) && type_is_bytes(to)) {
        return longer && (to->kind == TYPE_VARBINARY || from->kind == TYPE_BINARY);
    }
    if (to->kind == TYPE_VARBINARY) return type_is_text(from) && to->length == TYPE_LENGTH_MAX;
    if (to->kind == TYPE_TIMESTAMP_LTZ && from->kind == TYPE_TIMESTAMP) {
        return to->precision == from->precision;
    }
    if (to->kind != TYPE_VARCHAR || to->length != TYPE_LENGTH_MAX) return false;
    return type_is_integer(from) || type_is_approx(from) || type_is_datetime(from) ||
           from->kind == TYPE_BOOLEAN;
}

// Whether [expr] is column [column], or a cast of it that keeps values apart.
static bool keeps_column(const Expr *expr, uint32_t column) {
    while (expr->kind == EXPR_CAST && !expr->try_cast &&
           cast_injective(expr->arg[0]->type, expr->type)) {
        expr = expr->arg[0];
    }
    return expr->kind == EXPR_COLUMN && expr->column == column;
}

enum { KEYS_MAX = 32 };  // a column that is projected often would make many

// Adds what becomes of one key of the input: each of its columns from [column] on may stand in the
// output several times, and any choice of them is a key.
static void project_key(Arena *arena, const Plan *plan, const uint64_t *in, uint32_t column,
                        const uint64_t *so_far, PlanKeys *out) {
    uint32_t columns = plan->input[0]->type->child_count;
    while (column < columns && !bits_get(in, column)) column++;
    if (out->count == KEYS_MAX) return;
    if (column == columns) {
        uint64_t *set = out->set[out->count++] = key_new(arena, plan);
        memcpy(set, so_far, BITS_WORDS(plan->type->child_count) * sizeof *set);
        return;
    }
    for (uint32_t to = 0; to < plan->type->child_count; to++) {
        if (!keeps_column(plan->expr[to], column)) continue;
        uint64_t *next = key_new(arena, plan);
        memcpy(next, so_far, BITS_WORDS(plan->type->child_count) * sizeof *next);
        bits_set(next, to);
        project_key(arena, plan, in, column + 1, next, out);
    }
}

static const PlanKeys *keys_of(KeySearch *search, const Plan *plan);

// The keys of the input whose columns all pass a projection, as they are or cast. Where no column
// passes, not even the empty key of a total is found to order changes by.
static PlanKeys *of_project(KeySearch *search, const Plan *plan) {
    Arena *arena = search->arena;
    const PlanKeys *in = keys_of(search, plan->input[0]);
    PlanKeys *out = keys_new(arena, KEYS_MAX);
    bool any = !search->upsert;
    for (uint32_t to = 0; to < plan->type->child_count && !any; to++) {
        for (uint32_t c = 0; c < plan->input[0]->type->child_count && !any; c++) {
            any = keeps_column(plan->expr[to], c);
        }
    }
    if (!any) return out;
    for (uint32_t k = 0; k < in->count; k++) {
        project_key(arena, plan, in->set[k], 0, key_new(arena, plan), out);
    }
    return out;
}

static PlanKeys *of_columns(Arena *arena, const Plan *plan, const uint32_t *column,
                            uint32_t count) {
    PlanKeys *out = keys_new(arena, 1);
    out->set[out->count] = key_new(arena, plan);
    for (uint32_t i = 0; i < count; i++) bits_set(out->set[out->count], column[i]);
    out->count++;
    return out;
}

// Whether [column] of [plan]'s rows is a constant.
static bool is_constant(const Plan *plan, uint32_t column) {
    for (; plan->kind == PLAN_PROJECT || plan->kind == PLAN_FILTER; plan = plan->input[0]) {
        if (plan->kind == PLAN_FILTER) continue;
        const Expr *expr = plan->expr[column];
        if (expr->kind != EXPR_COLUMN) return expr->kind == EXPR_LITERAL;
        column = expr->column;
    }
    return false;
}

// The group keys; constants among them tell nothing apart.
static PlanKeys *of_agg(Arena *arena, const Plan *plan) {
    uint32_t *column = ARENA_ARRAY(arena, uint32_t, plan->key_count + 1), count = 0;
    for (uint32_t i = 0; i < plan->key_count; i++) {
        if (!is_constant(plan->input[0], plan->key[i])) column[count++] = i;
    }
    return of_columns(arena, plan, column, count);
}

// Whether rows of one key always meet in one partition, and so stay in order.
static bool holds_partition(const Plan *plan, const uint64_t *key) {
    for (uint32_t i = 0; i < plan->key_count; i++) {
        if (!bits_get(key, plan->key[i])) return false;
    }
    return true;
}

// The input's own keys, which the aggregates stand behind.
static PlanKeys *of_over(KeySearch *search, const Plan *plan) {
    Arena *arena = search->arena;
    const PlanKeys *in = keys_of(search, plan->input[0]);
    PlanKeys *out = keys_new(arena, in->count);
    for (uint32_t k = 0; k < in->count; k++) {
        if (search->upsert && !holds_partition(plan, in->set[k])) continue;
        uint64_t *set = out->set[out->count++] = key_new(arena, plan);
        memcpy(set, in->set[k], BITS_WORDS(plan->input[0]->type->child_count) * sizeof *set);
    }
    return out;
}

// Whether [key] has all that the rows of an ORDER BY with LIMIT are ordered by.
static bool holds_order(const Plan *plan, const uint64_t *key) {
    if (plan->fetch <= 0 || plan->key_count) return true;
    for (uint32_t i = 0; i < plan->order_count; i++) {
        if (!bits_get(key, plan->order[i].column)) return false;
    }
    return true;
}

// The input's own keys, and the partition with the rank, or alone where the rank is one.
static PlanKeys *of_rank(KeySearch *search, const Plan *plan) {
    Arena *arena = search->arena;
    const PlanKeys *in = keys_of(search, plan->input[0]);
    PlanKeys *out = keys_new(arena, in->count + 1);
    bool one = plan->rank_start == plan->rank_end && !plan->rank_kind;
    if (plan->kind == PLAN_DEDUP || one || (plan->rank_output && !plan->rank_kind)) {
        uint64_t *set = out->set[out->count++] = key_new(arena, plan);
        for (uint32_t i = 0; i < plan->key_count; i++) bits_set(set, plan->key[i]);
        if (!one && plan->rank_output) bits_set(set, plan->input[0]->type->child_count);
    }
    for (uint32_t k = 0; k < in->count; k++) {
        if (search->upsert &&
            !(holds_partition(plan, in->set[k]) && holds_order(plan, in->set[k]))) {
            continue;
        }
        uint64_t *set = out->set[out->count++] = key_new(arena, plan);
        memcpy(set, in->set[k], BITS_WORDS(plan->input[0]->type->child_count) * sizeof *set);
    }
    return out;
}

static bool is_inside(const uint64_t *part, const uint64_t *whole, uint32_t columns) {
    for (size_t w = 0; w < BITS_WORDS(columns); w++) {
        if (part[w] & ~whole[w]) return false;
    }
    return true;
}

// One side of a join: the keys of its rows that still are keys behind the exchange to the join, and
// whether its rows are told apart by the columns it is joined by.
typedef struct JoinSide {
    const PlanKeys *in;
    uint64_t *joined;  // the columns it is joined by
    bool *kept;        // per key
    bool unique;
    uint32_t columns;
} JoinSide;

static JoinSide join_side(KeySearch *search, const Plan *join, uint32_t s) {
    Arena *arena = search->arena;
    const Plan *input = join->input[s];
    JoinSide side = {.in = keys_of(search, input), .columns = input->type->child_count};
    const uint32_t *column = s ? join->right_key : join->key;
    side.joined = key_new(arena, input);
    side.kept = ARENA_ARRAY(arena, bool, side.in->count + 1);
    for (uint32_t i = 0; i < join->key_count; i++) bits_set(side.joined, column[i]);
    for (uint32_t k = 0; k < side.in->count; k++) {
        side.kept[k] = !search->upsert || is_inside(side.joined, side.in->set[k], side.columns);
        side.unique |= is_inside(side.in->set[k], side.joined, side.columns);
    }
    return side;
}

static void add_shifted(uint64_t *set, const uint64_t *key, uint32_t columns, uint32_t shift) {
    for (uint32_t c = 0; c < columns; c++) {
        if (bits_get(key, c)) bits_set(set, c + shift);
    }
}

// The keys of one side where each of its rows meets one of the other at most, and is not made up of
// NULLs; and those of both sides together.
static PlanKeys *of_join(KeySearch *search, const Plan *join) {
    Arena *arena = search->arena;
    JoinType type = join->join;
    JoinSide left = join_side(search, join, 0), right = join_side(search, join, 1);
    bool half = type == JOIN_TYPE_SEMI || type == JOIN_TYPE_ANTI;
    bool left_whole = half || (right.unique && type != JOIN_TYPE_RIGHT && type != JOIN_TYPE_FULL);
    bool right_whole = !half && left.unique && type != JOIN_TYPE_LEFT && type != JOIN_TYPE_FULL;
    PlanKeys *out = keys_new(arena, KEYS_MAX);
    for (uint32_t l = 0; l < left.in->count && left_whole && out->count < KEYS_MAX; l++) {
        if (!left.kept[l]) continue;
        uint64_t *set = out->set[out->count++] = key_new(arena, join);
        add_shifted(set, left.in->set[l], left.columns, 0);
    }
    for (uint32_t r = 0; r < right.in->count && right_whole && out->count < KEYS_MAX; r++) {
        if (!right.kept[r]) continue;
        uint64_t *set = out->set[out->count++] = key_new(arena, join);
        add_shifted(set, right.in->set[r], right.columns, left.columns);
    }
    for (uint32_t l = 0; l < left.in->count && !half; l++) {
        for (uint32_t r = 0; r < right.in->count && out->count < KEYS_MAX; r++) {
            if (!left.kept[l] || !right.kept[r]) continue;
            uint64_t *set = out->set[out->count++] = key_new(arena, join);
            add_shifted(set, left.in->set[l], left.columns, 0);
            add_shifted(set, right.in->set[r], right.columns, left.columns);
        }
    }
    return out;
}

static const PlanKeys *join_keys(KeySearch *search, const Plan *join) {
    Str address = {.ptr = (const char *)&join, .len = sizeof join};
    PlanKeys *keys = map_get(&search->joins, address);
    if (!keys) map_put(&search->joins, address, keys = of_join(search, join));
    return keys;
}

static const PlanKeys *keys_of(KeySearch *search, const Plan *plan) {
    Arena *arena = search->arena;
    switch (plan->kind) {
        case PLAN_SCAN: {
            const TableDesc *desc = plan->desc;
            if (!desc || !desc->primary_key_count) break;
            PlanKeys *out = keys_new(arena, 1);
            out->set[0] = key_new(arena, plan);
            for (uint32_t i = 0; i < desc->primary_key_count; i++) {
                Str name = desc->physical->field[desc->primary_key[i]];
                uint32_t c = 0;
                while (c < plan->type->child_count && !str_eq(plan->type->field[c], name)) c++;
                if (c == plan->type->child_count) return out;  // pruned away
                bits_set(out->set[0], c);
            }
            out->count = 1;
            return out;
        }
        case PLAN_PROJECT: return of_project(search, plan);
        case PLAN_FILTER:
        case PLAN_WATERMARK:
        case PLAN_DROP_BEFORE:
        case PLAN_NORMALIZE:
        case PLAN_SORT:
        case PLAN_LIMIT: return keys_of(search, plan->input[0]);
        case PLAN_AGG: return of_agg(arena, plan);
        case PLAN_LOOKUP_JOIN: {  // a row keeps its key where it meets one row at most
            const PlanKeys *in = plan_keys(arena, plan->input[0]);
            PlanKeys *out = keys_new(arena, in->count);
            uint32_t columns = plan->input[0]->type->child_count;
            for (uint32_t k = 0; plan->lookup->unique && k < in->count; k++) {
                out->set[out->count] = key_new(arena, plan);
                memcpy(out->set[out->count++], in->set[k], BITS_WORDS(columns) * sizeof(uint64_t));
            }
            return out;
        }
        case PLAN_JOIN:
        case PLAN_INTERVAL_JOIN:
        case PLAN_TEMPORAL_JOIN:
        case PLAN_WINDOW_JOIN: return join_keys(search, plan);
        case PLAN_OVER: return of_over(search, plan);
        case PLAN_RANK:
        case PLAN_DEDUP: return of_rank(search, plan);
        default: break;
    }
    return keys_new(arena, 0);
}

static const PlanKeys *search_keys(Arena *arena, const Plan *plan, bool upsert) {
    KeySearch search = {.arena = arena, .upsert = upsert};
    const PlanKeys *keys = keys_of(&search, plan);
    map_clear(&search.joins);
    return keys;
}

const PlanKeys *plan_keys(Arena *arena, const Plan *plan) {
    return search_keys(arena, plan, false);
}

const PlanKeys *plan_upsert_keys(Arena *arena, const Plan *plan) {
    return search_keys(arena, plan, true);
}
