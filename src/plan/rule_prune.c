// Projection push-down. First every node learns what its consumers read of its columns, down into
// ROW fields; then the nodes are made anew, from the sources up, with just that. Outer joins whose
// other side nobody reads, and which are of one row there, go as a whole.
#include "plan/keys.h"
#include "plan/rule.h"

// What is read of a value: all of it, or some fields of a ROW.
typedef struct Need Need;
struct Need {
    bool all, any;
    Need *field;  // per child of the ROW, once one is wanted alone
};

typedef struct NodeNeed {
    Plan *plan;
    Need *column;
    uint32_t consumers, seen;  // counted first; a node is passed on when all have spoken
    int8_t idle;               // the side of an outer join that adds nothing, counted from 1
    Plan *made;
    uint32_t *map;  // old column -> new
} NodeNeed;

typedef struct Pruner {
    PlanContext *context;
    Arena *arena;
    NodeNeed *node;     // by plan id
    NodeNeed *trimmed;  // the input of the node being made, cut to what it reads
    bool rank_end_lost;
} Pruner;

static void need_all(Need *need) {
    need->all = need->any = true;
}

static void need_merge(Arena *arena, const Type *type, Need *into, const Need *from) {
    if (!from->any) return;
    into->any = true;
    if (from->all || type->kind != TYPE_ROW) {
        into->all = true;
        return;
    }
    if (!into->field) into->field = ARENA_ARRAY(arena, Need, type->child_count);
    for (uint32_t i = 0; i < type->child_count; i++) {
        need_merge(arena, type->child[i], &into->field[i], &from->field[i]);
    }
}

// Marks what [expr] reads of its input's columns, when [wanted] is read of its value.
static void need_expr(Arena *arena, const Expr *expr, const Need *wanted, Need *columns,
                      const Type *input) {
    if (expr->kind == EXPR_COLUMN) {
        need_merge(arena, input->child[expr->column], &columns[expr->column], wanted);
        return;
    }
    if (expr->kind == EXPR_FIELD) {
        const Type *row = expr->arg[0]->type;
        Need part = {.any = true, .field = ARENA_ARRAY(arena, Need, row->child_count)};
        part.field[expr->column] = *wanted;
        need_expr(arena, expr->arg[0], &part, columns, input);
        return;
    }
    Need all = {true, true, NULL};
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        need_expr(arena, expr->arg[i], &all, columns, input);
    }
}

static void count_consumers(Pruner *self, Plan *plan) {
    NodeNeed *node = &self->node[plan->id];
    node->plan = plan;
    if (node->consumers++) return;
    node->column = ARENA_ARRAY(self->arena, Need, plan->type->child_count + 1);
    for (uint32_t i = 0; i < plan->input_count; i++) count_consumers(self, plan->input[i]);
}

static void mark(Need *columns, const uint32_t *index, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) need_all(&columns[index[i]]);
}

static void mark_every(Need *columns, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) need_all(&columns[i]);
}

static void gather_needs(Pruner *self, Plan *plan);

// Aggregate [a]'s column: behind the keys and the window's properties.
static uint32_t agg_column(const Plan *plan, uint32_t a) {
    return plan->type->child_count - plan->agg_count + a;
}

// Whether column [c] of the input partitions or orders its rows.
static bool orders_by(const Plan *plan, uint32_t c) {
    for (uint32_t k = 0; k < plan->key_count; k++) {
        if (plan->key[k] == c) return true;
    }
    for (uint32_t k = 0; k < plan->order_count; k++) {
        if (plan->order[k].column == c) return true;
    }
    return false;
}

// Whether [plan] is a projection that only picks columns of its input, which has no OVER: then it
// is one projection with that.
static bool picks_columns(const Plan *plan) {
    if (plan->kind != PLAN_PROJECT) return false;
    switch (plan->input[0]->kind) {
        case PLAN_OVER:
        case PLAN_RANK:
        case PLAN_WINDOW_RANK:
        case PLAN_DEDUP: return false;
        default: break;
    }
    for (uint32_t i = 0; i < plan->type->child_count; i++) {
        if (plan->expr[i]->kind != EXPR_COLUMN) return false;
    }
    return true;
}

// Where column [c] of [plan] stands in what Flink has below its OVER: projections that only pick
// columns are merged into the one of the OVER.
static uint32_t place_below(const Plan *plan, uint32_t c) {
    while (plan->kind == PLAN_FILTER || picks_columns(plan)) {
        if (plan->kind == PLAN_PROJECT) c = plan->expr[c]->column;
        plan = plan->input[0];
    }
    return c;
}

// A Top-N whose end is a column: Flink remembers its place in the input, and not that the input is
// then cut to the columns that are needed otherwise. So it is the column that comes to stand there,
// unless that could not be one.
static void settle_rank_end(Pruner *self, const NodeNeed *node, Need *below) {
    Plan *rank = node->plan;
    const Plan *input = rank->input[0];
    const Type *row = input->type;
    uint32_t named = (uint32_t)rank->rank_end_column, place = place_below(input, named), kept = 0;
    uint32_t *at = ARENA_ARRAY(self->arena, uint32_t, row->child_count + 1);  // the kept ones
    for (uint32_t c = 0; c < row->child_count; c++) {
        if (orders_by(rank, c) || node->column[c].any) at[kept++] = c;
    }
    for (uint32_t i = 0; i < kept; i++) {
        uint32_t mine = place_below(input, at[i]), before = 0;
        for (uint32_t k = 0; k < kept; k++) before += place_below(input, at[k]) < mine;
        if (before != place) continue;
        rank->rank_end_column = (int32_t)at[i];
        if (type_is_integer(row->child[at[i]]) || !type_is_integer(row->child[named])) return;
        rank->rank_end_column = (int32_t)named;
        need_all(&below[named]);
        return;
    }
    self->rank_end_lost = true;
}

// Rows that pass in some order, or some of them, perhaps with a rank or aggregates behind them.
static void need_ordered(Pruner *self, const NodeNeed *node, Need *below) {
    const Plan *plan = node->plan, *input = plan->input[0];
    uint32_t columns = input->type->child_count;
    for (uint32_t c = 0; c < columns; c++) {
        need_merge(self->arena, input->type->child[c], &below[c], &node->column[c]);
    }
    for (uint32_t a = 0; plan->kind == PLAN_OVER && a < plan->agg_count; a++) {
        if (node->column[columns + a].any) mark(below, plan->agg[a].arg, plan->agg[a].call->argc);
    }
    mark(below, plan->key, plan->key_count);
    for (uint32_t i = 0; i < plan->order_count; i++) need_all(&below[plan->order[i].column]);
    if (plan->rank_end_column >= 0) settle_rank_end(self, node, below);
    if (plan->window) {
        need_all(&below[plan->window->start_column]);
        need_all(&below[plan->window->end_column]);
    }
}

// What a join needs of input [side]: it keeps its rows, which should be narrow. Joins hand on the
// columns of the left input, then (but for SEMI and ANTI) those of the right one.
static Need *join_needs(Pruner *self, const NodeNeed *node, uint32_t side) {
    Arena *arena = self->arena;
    const Plan *plan = node->plan;
    const Type *left = plan->input[0]->type, *right = plan->input[1]->type;
    uint32_t first = side ? left->child_count : 0;
    const Type *input = side ? right : left;
    Need *need = ARENA_ARRAY(arena, Need, input->child_count + 1);
    for (uint32_t c = 0; c < input->child_count && first + c < plan->type->child_count; c++) {
        if (node->column[first + c].any) need_all(&need[c]);
    }
    mark(need, side ? plan->right_key : plan->key, plan->key_count);
    if (plan->kind == PLAN_INTERVAL_JOIN) {
        need_all(&need[side ? plan->right_time_column : plan->time_column]);
    }
    if (!plan->condition) return need;
    uint64_t *used =
        ARENA_ARRAY(arena, uint64_t, BITS_WORDS(left->child_count + right->child_count));
    expr_columns(plan->condition, used);
    for (uint32_t c = 0; c < input->child_count; c++) {
        if (bits_get(used, first + c)) need_all(&need[c]);
    }
    return need;
}

static void pass_needs(Pruner *self, Plan *plan) {
    NodeNeed *node = &self->node[plan->id];
    Arena *arena = self->arena;
    Need all = {true, true, NULL};
    for (uint32_t i = 0; i < plan->input_count; i++) {
        Plan *input = plan->input[i];
        Need *below = self->node[input->id].column;
        uint32_t columns = input->type->child_count;
        switch (plan->kind) {
            case PLAN_PROJECT:
                for (uint32_t c = 0; c < plan->type->child_count; c++) {
                    if (node->column[c].any) {
                        need_expr(arena, plan->expr[c], &node->column[c], below, input->type);
                    }
                }
                break;
            case PLAN_FILTER:
                need_expr(arena, plan->condition, &all, below, input->type);
                for (uint32_t c = 0; c < columns; c++) {
                    need_merge(arena, input->type->child[c], &below[c], &node->column[c]);
                }
                break;
            case PLAN_WATERMARK:
                need_expr(arena, plan->watermark, &all, below, input->type);
                need_all(&below[plan->time_column]);
                for (uint32_t c = 0; c < columns; c++) {
                    need_merge(arena, input->type->child[c], &below[c], &node->column[c]);
                }
                break;
            case PLAN_WINDOW_TVF:
                if (plan->window->kind == WINDOW_SESSION) mark_every(below, columns);
                need_all(&below[plan->window->time_column]);
                for (uint32_t c = 0; c < columns; c++) {
                    need_merge(arena, input->type->child[c], &below[c], &node->column[c]);
                }
                break;
            case PLAN_AGG:
            case PLAN_WINDOW_AGG:
                mark(below, plan->key, plan->key_count);
                for (uint32_t a = 0; a < plan->agg_count; a++) {
                    if (!node->column[agg_column(plan, a)].any) continue;
                    mark(below, plan->agg[a].arg, plan->agg[a].call->argc);
                    if (plan->agg[a].filter >= 0) need_all(&below[plan->agg[a].filter]);
                }
                if (plan->window && plan->window->attached) {
                    need_all(&below[plan->window->start_column]);
                    need_all(&below[plan->window->end_column]);
                } else if (plan->window) {
                    need_all(&below[plan->window->time_column]);
                }
                break;
            case PLAN_SORT:
            case PLAN_LIMIT:
            case PLAN_RANK:
            case PLAN_WINDOW_RANK:
            case PLAN_DEDUP:
            case PLAN_OVER: need_ordered(self, node, below); break;
            case PLAN_JOIN:
            case PLAN_INTERVAL_JOIN:
            case PLAN_LOOKUP_JOIN:
            case PLAN_WINDOW_JOIN: {
                if (node->idle == (int8_t)(i + 1)) break;
                if (node->idle) {
                    uint32_t from = i ? plan->input[0]->type->child_count : 0;
                    for (uint32_t c = 0; c < columns; c++) {
                        if (node->column[from + c].any) need_all(&below[c]);
                    }
                    break;
                }
                const Need *need = join_needs(self, node, i);
                for (uint32_t c = 0; c < columns; c++) {
                    need_merge(arena, input->type->child[c], &below[c], &need[c]);
                }
                break;
            }
            case PLAN_UNION:
                for (uint32_t c = 0; c < columns; c++) {
                    if (node->column[c].any) need_all(&below[c]);
                }
                break;
            default: mark_every(below, columns); break;
        }
        NodeNeed *input_node = &self->node[input->id];
        if (++input_node->seen == input_node->consumers) gather_needs(self, input);
    }
}

// Whether [column] is one of a node below the projections at the top of [plan], as it is: a cast
// one is no part of a key to Flink here.
static bool is_plain(const Plan *plan, uint32_t column) {
    for (; plan->kind == PLAN_PROJECT || plan->kind == PLAN_FILTER; plan = plan->input[0]) {
        if (plan->kind == PLAN_FILTER) continue;
        if (plan->expr[column]->kind != EXPR_COLUMN) return false;
        column = plan->expr[column]->column;
    }
    return true;
}

// Whether no two rows of [side] have the same join key. Flink sees no keys through a watermark
// here.
static bool joins_by_key(const Pruner *self, const Plan *join, uint32_t side) {
    const Plan *input = join->input[side], *below = input;
    while (below->kind == PLAN_PROJECT || below->kind == PLAN_FILTER) below = below->input[0];
    if (below->kind == PLAN_WATERMARK) return false;
    size_t words = BITS_WORDS(input->type->child_count + 1);
    uint64_t *joined = ARENA_ARRAY(self->arena, uint64_t, words);
    for (uint32_t k = 0; k < join->key_count; k++) {
        uint32_t column = side ? join->right_key[k] : join->key[k];
        if (is_plain(input, column)) bits_set(joined, column);
    }
    const PlanKeys *keys = plan_keys(self->arena, input);
    for (uint32_t k = 0; k < keys->count; k++) {
        size_t w = 0;
        while (w < words && !(keys->set[k][w] & ~joined[w])) w++;
        if (w == words) return true;
    }
    return false;
}

// An outer join of which nobody reads the side that may be missing, and which finds at most one row
// there, is its other side: Calcite's ProjectJoinRemoveRule.
static void find_idle_side(const Pruner *self, NodeNeed *node) {
    const Plan *plan = node->plan;
    if (plan->kind != PLAN_JOIN && plan->kind != PLAN_INTERVAL_JOIN) return;
    if (plan->join != JOIN_TYPE_LEFT && plan->join != JOIN_TYPE_RIGHT) return;
    if (plan->kind == PLAN_INTERVAL_JOIN &&
        plan->input[0]->type->child[plan->time_column]->attribute !=
            plan->input[1]->type->child[plan->right_time_column]->attribute) {
        return;  // a time attribute is cast to equal a plain timestamp: that is no key
    }
    uint32_t side = plan->join == JOIN_TYPE_LEFT, left = plan->input[0]->type->child_count;
    uint32_t from = side ? left : 0, to = side ? plan->type->child_count : left;
    bool read = false;
    for (uint32_t c = from; c < to; c++) read |= node->column[c].any;
    if (!read && joins_by_key(self, plan, side)) node->idle = (int8_t)(side + 1);
}

// All consumers of [plan] have said what they read.
static void gather_needs(Pruner *self, Plan *plan) {
    find_idle_side(self, &self->node[plan->id]);
    // An operator without any column left still has rows: keep one.
    Need *column = self->node[plan->id].column;
    uint32_t c = 0;
    while (c < plan->type->child_count && !column[c].any) c++;
    bool keyed = (plan->kind == PLAN_RANK || plan->kind == PLAN_DEDUP) && plan->key_count;
    if (c == plan->type->child_count && c && plan->kind != PLAN_PROJECT) {
        uint32_t first = self->node[plan->id].idle == 1 ? plan->input[0]->type->child_count : 0;
        need_all(&column[keyed ? plan->key[0] : first]);
    }
    pass_needs(self, plan);
}

// ---- making the nodes anew ---------------------------------------------------------------------

static const Type *pruned_type(Arena *arena, const Type *type, const Need *need) {
    if (need->all || type->kind != TYPE_ROW) return type;
    const Type **child = ARENA_ARRAY(arena, const Type *, type->child_count + 1);
    Str *name = ARENA_ARRAY(arena, Str, type->child_count + 1);
    uint32_t count = 0;
    for (uint32_t i = 0; i < type->child_count; i++) {
        if (!need->field[i].any) continue;
        child[count] = pruned_type(arena, type->child[i], &need->field[i]);
        name[count++] = type->field[i];
    }
    return type_row(arena, count, child, name, type->nullable);
}

// [expr] over the new input: columns renumbered, fields found again by name.
static Expr *pruned_expr(Arena *arena, const Expr *expr, const NodeNeed *input) {
    Expr *copy = arena_dup(arena, expr, sizeof *expr);
    if (expr->kind == EXPR_COLUMN) {
        copy->column = input->map[expr->column];
        const Type *type = input->made->type->child[copy->column];
        if (type->kind == TYPE_ROW) copy->type = type;
        return copy;
    }
    if (!expr->arg_count) return copy;
    copy->arg = ARENA_ARRAY(arena, Expr *, expr->arg_count);
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        copy->arg[i] = pruned_expr(arena, expr->arg[i], input);
    }
    if (expr->kind == EXPR_FIELD) {
        const Type *row = copy->arg[0]->type;
        Str name = expr->arg[0]->type->field[expr->column];
        copy->column = 0;
        while (!str_eq(row->field[copy->column], name)) copy->column++;
        if (row->child[copy->column]->kind == TYPE_ROW) {
            copy->type = type_nullable(arena, row->child[copy->column], expr->type->nullable);
        }
    }
    return copy;
}

static Plan *remake(Pruner *self, Plan *plan);

static uint32_t *map_columns(Arena *arena, const uint32_t *old, uint32_t count,
                             const NodeNeed *input) {
    uint32_t *made = ARENA_ARRAY(arena, uint32_t, count + 1);
    for (uint32_t i = 0; i < count; i++) made[i] = input->map[old[i]];
    return made;
}

static void remake_project(Pruner *self, NodeNeed *node, Plan *made) {
    const Plan *plan = node->plan;
    const NodeNeed *input = &self->node[plan->input[0]->id];
    uint32_t count = 0, columns = plan->type->child_count;
    const Type **child = ARENA_ARRAY(self->arena, const Type *, columns + 1);
    Str *name = ARENA_ARRAY(self->arena, Str, columns + 1);
    made->expr = ARENA_ARRAY(self->arena, Expr *, columns + 1);
    for (uint32_t i = 0; i < columns; i++) {
        if (!node->column[i].any) continue;
        node->map[i] = count;
        made->expr[count] = pruned_expr(self->arena, plan->expr[i], input);
        child[count] =
            plan->type->child[i]->kind == TYPE_ROW ? made->expr[count]->type : plan->type->child[i];
        name[count++] = plan->type->field[i];
    }
    made->type = type_row(self->arena, count, child, name, false);
}

// Nodes whose output is their input's columns, perhaps with some of their own after them.
static void remake_passing(Pruner *self, NodeNeed *node, Plan *made) {
    const Plan *plan = node->plan;
    const NodeNeed *input = &self->node[plan->input[0]->id];
    uint32_t from = plan->input[0]->type->child_count, in = input->made->type->child_count;
    uint32_t own = plan->type->child_count - from, total = in + own;
    const Type **child = ARENA_ARRAY(self->arena, const Type *, total + 1);
    Str *name = ARENA_ARRAY(self->arena, Str, total + 1);
    for (uint32_t i = 0; i < in; i++) {
        child[i] = input->made->type->child[i];
        name[i] = input->made->type->field[i];
    }
    for (uint32_t i = 0; i < from; i++) {
        uint32_t to = node->map[i] = input->map[i];
        // Time attributes are the node's own business.
        if (to < in) {
            child[to] = type_attribute(self->arena, child[to],
                                       (TimeAttribute)plan->type->child[i]->attribute);
        }
    }
    for (uint32_t i = 0; i < own; i++) {
        node->map[from + i] = in + i;
        child[in + i] = plan->type->child[from + i];
        name[in + i] = plan->type->field[from + i];
    }
    made->type = type_row(self->arena, total, child, name, false);
    if (plan->condition) made->condition = pruned_expr(self->arena, plan->condition, input);
    if (plan->watermark) made->watermark = pruned_expr(self->arena, plan->watermark, input);
    made->time_column = input->map[plan->time_column];
    if (plan->window) {
        made->window = arena_dup(self->arena, plan->window, sizeof *plan->window);
        made->window->time_column = input->map[plan->window->time_column];
        made->window->partition =
            map_columns(self->arena, plan->window->partition, plan->window->partition_count, input);
    }
}

// Aggregates that nobody reads go; without any left the groups alone remain, as of DISTINCT.
static void remake_agg(Pruner *self, NodeNeed *node, Plan *made) {
    const Plan *plan = node->plan;
    const NodeNeed *input = &self->node[plan->input[0]->id];
    uint32_t first = agg_column(plan, 0), total = plan->type->child_count;
    const Type **child = ARENA_ARRAY(self->arena, const Type *, total + 1);
    Str *name = ARENA_ARRAY(self->arena, Str, total + 1);
    for (uint32_t i = 0; i < first; i++) {
        child[i] = plan->type->child[i];
        name[i] = plan->type->field[i];
    }
    made->key = map_columns(self->arena, plan->key, plan->key_count, input);
    made->agg = ARENA_ARRAY(self->arena, PlanAgg, plan->agg_count + 1);
    made->agg_count = 0;
    for (uint32_t a = 0; a < plan->agg_count; a++) {
        if (!node->column[first + a].any) continue;
        PlanAgg *agg = &made->agg[made->agg_count];
        *agg = plan->agg[a];
        agg->arg = map_columns(self->arena, agg->arg, agg->call->argc, input);
        if (agg->filter >= 0) agg->filter = (int32_t)input->map[agg->filter];
        uint32_t to = node->map[first + a] = first + made->agg_count++;
        child[to] = plan->type->child[first + a];
        name[to] = plan->type->field[first + a];
    }
    made->type = type_row(self->arena, first + made->agg_count, child, name, false);
    if (plan->window) {
        made->window = arena_dup(self->arena, plan->window, sizeof *plan->window);
        if (plan->window->attached) {
            made->window->start_column = input->map[plan->window->start_column];
            made->window->end_column = input->map[plan->window->end_column];
        } else {
            made->window->time_column = input->map[plan->window->time_column];
        }
    }
}

// Where the rows of a ROW_NUMBER are told apart by all their columns, they are cut to those wanted
// first, as Flink's plan has it. (ORDER BY … LIMIT takes its input as it is.)
static void trim_input(Pruner *self, const NodeNeed *node, Plan *made) {
    const Plan *plan = node->plan;
    NodeNeed *input = &self->node[plan->input[0]->id];
    uint32_t in = input->made->type->child_count, from = plan->input[0]->type->child_count,
             kept = 0;
    if (plan->kind != PLAN_RANK || plan->fetch > 0) return;
    uint8_t *wanted = ARENA_ARRAY(self->arena, uint8_t, in + 1);
    for (uint32_t i = 0; i < from; i++) {
        bool ends = plan->rank_end_column == (int32_t)i;
        if (node->column[i].any || orders_by(plan, i) || ends) wanted[input->map[i]] = 1;
    }
    uint32_t *to = ARENA_ARRAY(self->arena, uint32_t, in + 1);
    Expr **expr = ARENA_ARRAY(self->arena, Expr *, in + 1);
    Str *name = ARENA_ARRAY(self->arena, Str, in + 1);
    for (uint32_t i = 0; i < in; i++) {
        to[i] = kept;
        if (!wanted[i]) continue;
        name[kept] = input->made->type->field[i];
        expr[kept++] = expr_column(self->arena, i, input->made->type->child[i]);
    }
    if (kept == in) return;
    // Others may read the same input: this node has a map of its own.
    NodeNeed *own = ARENA_NEW(self->arena, NodeNeed);
    own->made = made->input[0] = plan_project(self->context, input->made, expr, name, kept);
    own->map = ARENA_ARRAY(self->arena, uint32_t, from + 1);
    for (uint32_t i = 0; i < from; i++) own->map[i] = to[input->map[i]];
    self->trimmed = own;
}

static void remake_ordered(Pruner *self, NodeNeed *node, Plan *made) {
    const Plan *plan = node->plan;
    self->trimmed = NULL;
    trim_input(self, node, made);
    const NodeNeed *input = self->trimmed ? self->trimmed : &self->node[plan->input[0]->id];
    uint32_t from = plan->input[0]->type->child_count, in = input->made->type->child_count;
    uint32_t total = plan->type->child_count, count = in;
    const Type **child = ARENA_ARRAY(self->arena, const Type *, in + total + 1);
    Str *name = ARENA_ARRAY(self->arena, Str, in + total + 1);
    memcpy(child, input->made->type->child, in * sizeof *child);
    memcpy(name, input->made->type->field, in * sizeof *name);
    for (uint32_t i = 0; i < from; i++) node->map[i] = input->map[i];
    made->agg = ARENA_ARRAY(self->arena, PlanAgg, plan->agg_count + 1);
    made->agg_count = 0;
    for (uint32_t i = from; i < total; i++) {
        if (!node->column[i].any) continue;
        node->map[i] = count;
        child[count] = plan->type->child[i];
        name[count++] = plan->type->field[i];
        if (plan->kind != PLAN_OVER) continue;
        PlanAgg *agg = &made->agg[made->agg_count++];
        *agg = plan->agg[i - from];
        agg->arg = map_columns(self->arena, agg->arg, agg->call->argc, input);
    }
    made->rank_output = plan->rank_output && count > in;
    made->type = type_row(self->arena, count, child, name, false);
    made->key = map_columns(self->arena, plan->key, plan->key_count, input);
    made->order = ARENA_ARRAY(self->arena, OrderKey, plan->order_count + 1);
    for (uint32_t i = 0; i < plan->order_count; i++) {
        made->order[i] = plan->order[i];
        made->order[i].column = input->map[plan->order[i].column];
    }
    if (plan->rank_end_column >= 0) {
        made->rank_end_column = (int32_t)input->map[plan->rank_end_column];
    }
    if (plan->window) {
        made->window = arena_dup(self->arena, plan->window, sizeof *plan->window);
        made->window->start_column = input->map[plan->window->start_column];
        made->window->end_column = input->map[plan->window->end_column];
    }
}

// Input [side] of a join as it was made anew, without what the join does not need (another consumer
// or a filter may). Sets the map from the old columns.
static Plan *narrow_input(Pruner *self, const NodeNeed *node, uint32_t side, uint32_t *map) {
    const NodeNeed *input = &self->node[node->plan->input[side]->id];
    const Need *need = join_needs(self, node, side);
    uint32_t columns = input->plan->type->child_count, count = 0;
    Expr **expr = ARENA_ARRAY(self->arena, Expr *, columns + 1);
    Str *name = ARENA_ARRAY(self->arena, Str, columns + 1);
    for (uint32_t c = 0; c < columns; c++) {
        if (!need[c].any) continue;
        uint32_t from = input->map[c];
        map[c] = count;
        expr[count] = expr_column(self->arena, from, input->made->type->child[from]);
        name[count++] = input->made->type->field[from];
    }
    if (count && count < input->made->type->child_count) {
        return plan_project(self->context, input->made, expr, name, count);
    }
    memcpy(map, input->map, columns * sizeof *map);
    return input->made;
}

static void remake_join(Pruner *self, NodeNeed *node, Plan *made) {
    const Plan *plan = node->plan;
    Arena *arena = self->arena;
    uint32_t left = plan->input[0]->type->child_count, right = plan->input[1]->type->child_count;
    uint32_t *map = ARENA_ARRAY(arena, uint32_t, left + right + 1);
    for (uint32_t s = 0; s < 2; s++) {
        made->input[s] = narrow_input(self, node, s, map + (s ? left : 0));
    }
    uint32_t first = made->input[0]->type->child_count;
    uint32_t total = first + made->input[1]->type->child_count;
    made->key = ARENA_ARRAY(arena, uint32_t, plan->key_count + 1);
    made->right_key = ARENA_ARRAY(arena, uint32_t, plan->key_count + 1);
    for (uint32_t k = 0; k < plan->key_count; k++) {
        made->key[k] = map[plan->key[k]];
        made->right_key[k] = map[left + plan->right_key[k]];
    }
    if (plan->kind == PLAN_INTERVAL_JOIN) {
        made->time_column = map[plan->time_column];
        made->right_time_column = map[left + plan->right_time_column];
    }
    for (uint32_t c = left; c < left + right; c++) map[c] += first;
    if (plan->type->child_count == left) total = first;  // SEMI, ANTI
    const Type **child = ARENA_ARRAY(arena, const Type *, total + 1);
    Str *name = ARENA_ARRAY(arena, Str, total + 1);
    for (uint32_t c = 0; c < total; c++) {  // what an input could not leave out
        const Type *input = made->input[c >= first]->type;
        child[c] = type_nullable(arena, input->child[c < first ? c : c - first], true);
        name[c] = input->field[c < first ? c : c - first];
    }
    for (uint32_t c = 0; c < plan->type->child_count; c++) {
        if (!node->column[c].any) continue;
        child[map[c]] = plan->type->child[c];
        name[map[c]] = plan->type->field[c];
    }
    memcpy(node->map, map, plan->type->child_count * sizeof *map);
    made->type = type_row(arena, total, child, name, false);
    if (!plan->condition) return;
    NodeNeed both = {.map = map, .made = arena_dup(arena, made, sizeof *made)};
    const Type **wide = ARENA_ARRAY(arena, const Type *, first + right + 1);
    Str *wide_name = ARENA_ARRAY(arena, Str, first + right + 1);
    uint32_t n = 0;
    for (uint32_t s = 0; s < 2; s++) {
        const Type *input = made->input[s]->type;
        for (uint32_t c = 0; c < input->child_count; c++) {
            wide[n] = input->child[c];
            wide_name[n++] = input->field[c];
        }
    }
    both.made->type = type_row(arena, n, wide, wide_name, false);
    made->condition = pruned_expr(arena, plan->condition, &both);
}

// The inputs of UNION ALL become alike: each is cut to the columns that are wanted.
static void remake_union(Pruner *self, NodeNeed *node, Plan *made) {
    const Plan *plan = node->plan;
    uint32_t columns = plan->type->child_count, count = 0;
    const Type **child = ARENA_ARRAY(self->arena, const Type *, columns + 1);
    Str *name = ARENA_ARRAY(self->arena, Str, columns + 1);
    uint32_t *kept = ARENA_ARRAY(self->arena, uint32_t, columns + 1);
    for (uint32_t c = 0; c < columns; c++) {
        if (!node->column[c].any) continue;
        node->map[c] = count;
        child[count] = plan->type->child[c];
        name[count] = plan->type->field[c];
        kept[count++] = c;
    }
    for (uint32_t i = 0; i < plan->input_count; i++) {
        const NodeNeed *input = &self->node[plan->input[i]->id];
        const Type *row = input->made->type;
        Expr **expr = ARENA_ARRAY(self->arena, Expr *, count + 1);
        bool same = row->child_count == count;
        for (uint32_t k = 0; k < count; k++) {
            uint32_t from = input->map[kept[k]];
            expr[k] = expr_column(self->arena, from, row->child[from]);
            same &= from == k;
        }
        if (!same) {
            made->input[i] = plan_project(self->context, input->made, expr, name, count);
        }
    }
    made->type = type_row(self->arena, count, child, name, false);
}

static void remake_scan(Pruner *self, NodeNeed *node, Plan *made) {
    const Plan *plan = node->plan;
    const ScanSpec *old = plan->scan;
    ScanSpec *scan = made->scan = arena_dup(self->arena, old, sizeof *old);
    uint32_t physical = old->wanted->child_count, total = plan->type->child_count, count = 0;
    const Type **child = ARENA_ARRAY(self->arena, const Type *, total + 1);
    Str *name = ARENA_ARRAY(self->arena, Str, total + 1);
    MetadataColumn *metadata = ARENA_ARRAY(self->arena, MetadataColumn, total + 1);
    scan->metadata_count = 0;
    for (uint32_t i = 0; i < total; i++) {
        if (i == physical) scan->wanted = type_row(self->arena, count, child, name, false);
        if (!node->column[i].any) continue;
        if (i >= physical) metadata[scan->metadata_count++] = old->metadata[i - physical];
        node->map[i] = count;
        child[count] = pruned_type(self->arena, plan->type->child[i], &node->column[i]);
        name[count++] = plan->type->field[i];
    }
    if (physical == total) scan->wanted = type_row(self->arena, count, child, name, false);
    scan->metadata = metadata;
    made->type = scan->produced = type_row(self->arena, count, child, name, false);
}

static Plan *remake(Pruner *self, Plan *plan);

// A join of which one side is idle, as its other one.
static Plan *remake_idle(Pruner *self, NodeNeed *node) {
    const Plan *plan = node->plan;
    uint32_t kept = node->idle == 1, from = kept ? plan->input[0]->type->child_count : 0;
    Plan *made = remake(self, plan->input[kept]);
    const NodeNeed *input = &self->node[plan->input[kept]->id];
    for (uint32_t c = 0; c < plan->input[kept]->type->child_count; c++) {
        node->map[from + c] = input->map[c];
    }
    return node->made = made;
}

static Plan *remake(Pruner *self, Plan *plan) {
    NodeNeed *node = &self->node[plan->id];
    if (node->made) return node->made;
    Plan *made = node->made = arena_dup(self->arena, plan, sizeof *plan);
    node->map = ARENA_ARRAY(self->arena, uint32_t, plan->type->child_count + 1);
    for (uint32_t i = 0; i < plan->type->child_count; i++) node->map[i] = i;
    if (node->idle) return remake_idle(self, node);
    made->input = ARENA_ARRAY(self->arena, Plan *, plan->input_count + 1);
    for (uint32_t i = 0; i < plan->input_count; i++) made->input[i] = remake(self, plan->input[i]);
    switch (plan->kind) {
        case PLAN_SCAN: remake_scan(self, node, made); break;
        case PLAN_PROJECT: remake_project(self, node, made); break;
        case PLAN_FILTER:
        case PLAN_WATERMARK:
        case PLAN_WINDOW_TVF: remake_passing(self, node, made); break;
        case PLAN_AGG:
        case PLAN_WINDOW_AGG: remake_agg(self, node, made); break;
        case PLAN_SORT:
        case PLAN_LIMIT:
        case PLAN_RANK:
        case PLAN_WINDOW_RANK:
        case PLAN_DEDUP: remake_ordered(self, node, made); break;
        case PLAN_OVER:
            remake_ordered(self, node, made);
            if (!made->agg_count && plan->over_left_out) return node->made = made->input[0];
            break;
        case PLAN_JOIN:
        case PLAN_INTERVAL_JOIN:
        case PLAN_LOOKUP_JOIN:
        case PLAN_WINDOW_JOIN: remake_join(self, node, made); break;
        case PLAN_UNION: remake_union(self, node, made); break;
        default: break;  // reads all columns of its inputs: nothing moved
    }
    return made;
}

Status rule_prune(PlanContext *context, Plan **roots, uint32_t count, Error *err) {
    Pruner self = {.context = context,
                   .arena = context->arena,
                   .node = ARENA_ARRAY(context->arena, NodeNeed, context->next_id + 1)};
    for (uint32_t i = 0; i < count; i++) count_consumers(&self, roots[i]);
    for (uint32_t i = 0; i < count; i++) {
        mark_every(self.node[roots[i]->id].column, roots[i]->type->child_count);
        gather_needs(&self, roots[i]);
    }
    if (self.rank_end_lost) {
        return error_set(err, ST_VALIDATION,
                         "Rank end index can't greater than input field count: the query cuts the "
                         "columns before it off; select them too");
    }
    for (uint32_t i = 0; i < count; i++) roots[i] = remake(&self, roots[i]);
    return ST_OK;
}
