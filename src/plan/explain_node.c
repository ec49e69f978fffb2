// One node of a plan as one line: Flink's name for what it does, Flink's attributes in Flink's
// order. Where weir does something else than Flink would, the line says what weir does: a window
// aggregation in one step is a WindowAggregate, the materialiser of a sink is a node of its own.
#include "plan/bind.h"
#include "plan/explain_int.h"
#include "plan/match.h"

void explain_columns(const Explain *self, const Str *names, const uint32_t *column,
                     uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        buf_printf(self->out, "%s" STR_FMT, i ? ", " : "", STR_ARG(names[column[i]]));
    }
}

static void put_list(const Explain *self, const char *what, const Str *names, uint32_t count) {
    buf_printf(self->out, "%s=[", what);
    for (uint32_t i = 0; i < count; i++) {
        buf_printf(self->out, "%s" STR_FMT, i ? ", " : "", STR_ARG(names[i]));
    }
    buf_putc(self->out, ']');
}

static void put_keys(const Explain *self, const char *what, const Str *names,
                     const uint32_t *column, uint32_t count) {
    buf_printf(self->out, "%s=[", what);
    explain_columns(self, names, column, count);
    buf_putc(self->out, ']');
}

static void put_table(const Plan *plan, const char *sep, Buf *out) {
    const ObjectName *name = &plan->table->name;
    buf_printf(out, STR_FMT "%s" STR_FMT "%s" STR_FMT, STR_ARG(name->catalog), sep,
               STR_ARG(name->database), sep, STR_ARG(name->object));
}

// The highest unit that divides it, as Flink's TimeUtils.
static void put_duration(int64_t ms, Buf *out) {
    static const struct {
        int64_t ms;
        const char *name;
    } UNITS[] = {{86400000, "d"}, {3600000, "h"}, {60000, "min"}, {1000, "s"}, {1, "ms"}};
    size_t i = 0;
    while (ms % UNITS[i].ms) i++;
    buf_printf(out, "%lld %s", (long long)(ms / UNITS[i].ms), UNITS[i].name);
}

// ---- scans and sinks ---------------------------------------------------------------------------

// What a connector evaluates itself.
static void put_taken(const TableDesc *desc, const TableFilter *filter, Buf *out) {
    static const char *const OPS[] = {
        [FILTER_EQUAL] = "=",
        [FILTER_NOT_EQUAL] = "<>",
        [FILTER_LESS] = "<",
        [FILTER_LESS_EQUAL] = "<=",
        [FILTER_GREATER] = ">",
        [FILTER_GREATER_EQUAL] = ">=",
        [FILTER_LIKE] = "LIKE",
        [FILTER_IS_NULL] = "IS NULL",
        [FILTER_IS_NOT_NULL] = "IS NOT NULL",
        [FILTER_AND] = "AND",
        [FILTER_OR] = "OR",
    };
    buf_putc(out, '(');
    if (filter->arg[0]) {
        put_taken(desc, filter->arg[0], out);
    } else {
        buf_put_str(out, desc->physical->field[filter->column]);
    }
    buf_printf(out, " %s", OPS[filter->op]);
    if (filter->arg[1] || filter->value) buf_putc(out, ' ');
    if (filter->arg[1]) put_taken(desc, filter->arg[1], out);
    bool text = filter->value && type_is_text(filter->value->type);
    if (text) buf_putc(out, '\'');
    if (filter->value) value_print(filter->value, 0, NULL, true, out);
    if (text) buf_putc(out, '\'');
    buf_putc(out, ')');
}

static void put_taken_all(const TableDesc *desc, const ScanSpec *scan, Buf *out) {
    for (uint32_t i = 0; i < scan->filter_count; i++) {
        if (i) buf_puts(out, " AND ");
        put_taken(desc, scan->filter[i], out);
    }
}

// A term that the decoder tests; the filter above tests it again.
static void put_term(const Explain *self, const Plan *plan, const FilterTerm *term) {
    static const char *const OPS[] = {
        [TERM_EQUAL] = "=",  [TERM_NOT_EQUAL] = "<>", [TERM_LESS] = "<",
        [TERM_LESS_EQUAL] = "<=", [TERM_GREATER] = ">",  [TERM_GREATER_EQUAL] = ">=",
        [TERM_IN] = "IN", [TERM_IS_NULL] = "IS NULL", [TERM_NOT_NULL] = "IS NOT NULL"};
    Explain prefix = *self;
    prefix.notation = NOTATION_PREFIX;
    buf_printf(self->out, "%s(" STR_FMT, OPS[term->op], STR_ARG(plan->type->field[term->column]));
    for (uint32_t v = 0; v < term->value_count; v++) {
        buf_puts(self->out, ", ");
        explain_literal(&prefix, term->value[v]);
    }
    buf_putc(self->out, ')');
}

static void put_early(const Explain *self, const Plan *plan) {
    uint32_t count = plan->scan->early_count;
    if (!count && !plan->scan->filter_count) return;
    buf_puts(self->out, ", filter=[");
    put_taken_all(plan->desc, plan->scan, self->out);
    if (count && plan->scan->filter_count) buf_puts(self->out, " AND ");
    if (count > 1) buf_puts(self->out, "and(");
    for (uint32_t i = 0; i < count; i++) {
        if (i) buf_puts(self->out, ", ");
        put_term(self, plan, &plan->scan->early[i]);
    }
    buf_puts(self->out, count > 1 ? ")]" : "]");
}

static void put_scan(Explain *self, const Plan *plan, const Str *names) {
    const ScanSpec *scan = plan->scan;
    buf_puts(self->out, "table=[[");
    put_table(plan, ", ", self->out);
    if (scan) {
        put_early(self, plan);
        const Type *wanted = scan->wanted;
        if (wanted->child_count < plan->desc->physical->child_count || scan->metadata_count) {
            buf_puts(self->out, ", ");
            put_list(self, "project", wanted->field, wanted->child_count);
            buf_puts(self->out, ", metadata=[");
            for (uint32_t i = 0; i < scan->metadata_count; i++) {
                buf_printf(self->out, "%s" STR_FMT, i ? ", " : "", STR_ARG(scan->metadata[i].key));
            }
            buf_putc(self->out, ']');
        }
        if (scan->limit >= 0) buf_printf(self->out, ", limit=[%lld]", (long long)scan->limit);
        if (scan->left_out_count) {
            buf_printf(self->out, ", partitionsLeftOut=[%u]", scan->left_out_count);
        }
    }
    buf_puts(self->out, "]], ");
    put_list(self, "fields", names, plan->type->child_count);
}

static void put_values(const Explain *self, const Plan *plan) {
    Explain untyped = *self;  // the row type has said it
    untyped.notation = NOTATION_INFIX;
    buf_puts(self->out, "tuples=[[");
    for (uint32_t r = 0; r < plan->row_count; r++) {
        buf_puts(self->out, r ? ", { " : "{ ");
        if (!plan->type->child_count) buf_putc(self->out, '0');  // the row of SELECT without FROM
        for (uint32_t c = 0; c < plan->type->child_count; c++) {
            Vec *one = vec_slice(self->arena, plan->values[c], r, 1);
            if (c) buf_puts(self->out, ", ");
            if (type_is_text(one->type) && !vec_is_null(one, 0)) buf_puts(self->out, "_UTF-16LE");
            explain_literal(&untyped, one);
        }
        buf_puts(self->out, " }");
    }
    buf_puts(self->out, "]]");
}

static const char *const CONFLICTS[] = {[CONFLICT_NOTHING] = "NOTHING",
                                        [CONFLICT_ERROR] = "ERROR",
                                        [CONFLICT_DEDUPLICATE] = "DEDUPLICATE"};

static const char *conflict_of(const Plan *plan) {
    bool known = plan->conflict < sizeof CONFLICTS / sizeof *CONFLICTS;
    return known ? CONFLICTS[plan->conflict] : NULL;
}

static void put_sink(const Explain *self, const Plan *plan, const Str *names) {
    buf_puts(self->out, "table=[");
    put_table(plan, ".", self->out);
    buf_puts(self->out, "], ");
    put_list(self, "fields", names, plan->type ? plan->type->child_count : 0);
    if (plan->input[0]->kind == PLAN_MATERIALIZE) buf_puts(self->out, ", upsertMaterialize=[true]");
    if (conflict_of(plan)) buf_printf(self->out, ", conflictStrategy=[%s]", conflict_of(plan));
}

// ---- aggregations ------------------------------------------------------------------------------

static void put_agg(const Explain *self, const PlanAgg *agg, const Str *names, bool retract,
                    Str as) {
    // A ranking is made of another function, or of none.
    bool ranks = !agg->call->argc && agg->name.len;
    Str name = ranks || !agg->call->func ? agg->name : str_c(agg->call->func->name);
    buf_printf(self->out, STR_FMT "%s(%s", STR_ARG(name), retract ? "_RETRACT" : "",
               agg->call->distinct ? "DISTINCT " : agg->call->argc ? "" : "*");
    explain_columns(self, names, agg->arg, agg->call->argc);
    buf_putc(self->out, ')');
    if (agg->filter >= 0) {
        buf_printf(self->out, " FILTER " STR_FMT, STR_ARG(names[agg->filter]));
    }
    buf_printf(self->out, " AS " STR_FMT, STR_ARG(as));
}

// Keys, then aggregates: [from] is the first aggregate's column.
static void put_select(const Explain *self, const Plan *plan, const Str *in, const Str *names,
                       uint32_t from) {
    buf_puts(self->out, "select=[");
    explain_columns(self, in, plan->key, plan->key_count);
    for (uint32_t i = 0; i < plan->agg_count; i++) {
        if (i || plan->key_count) buf_puts(self->out, ", ");
        put_agg(self, &plan->agg[i], in, plan->agg[i].call->retract, names[from + i]);
    }
}

static void put_group(const Explain *self, const Plan *plan, const Str *in) {
    if (!plan->key_count) return;
    put_keys(self, "groupBy", in, plan->key, plan->key_count);
    buf_puts(self->out, ", ");
}

static const char *const WINDOWS[] = {
    [WINDOW_TUMBLE] = "TUMBLE", [WINDOW_HOP] = "HOP", [WINDOW_CUMULATE] = "CUMULATE",
    [WINDOW_SESSION] = "SESSION"};

static void put_window_sizes(const Explain *self, const WindowSpec *window, const Str *in) {
    Buf *out = self->out;
    static const char *const SIZE[] = {[WINDOW_TUMBLE] = "size", [WINDOW_HOP] = "size",
                                       [WINDOW_CUMULATE] = "max_size", [WINDOW_SESSION] = "gap"};
    buf_printf(out, "%s=[", SIZE[window->kind]);
    put_duration(window->size_ms, out);
    buf_putc(out, ']');
    if (window->kind == WINDOW_HOP || window->kind == WINDOW_CUMULATE) {
        buf_puts(out, window->kind == WINDOW_HOP ? ", slide=[" : ", step=[");
        put_duration(window->slide_ms, out);
        buf_putc(out, ']');
    }
    if (window->offset_ms) {
        buf_puts(out, ", offset=[");
        put_duration(window->offset_ms, out);
        buf_putc(out, ']');
    }
    if (window->kind == WINDOW_SESSION && window->partition_count && !window->attached) {
        buf_puts(out, ", ");
        put_keys(self, "partition keys", in, window->partition, window->partition_count);
    }
}

static void put_window(const Explain *self, const char *what, const WindowSpec *window,
                       const Str *in, Str start, Str end) {
    buf_printf(self->out, "%s=[%s(", what, WINDOWS[window->kind]);
    if (start.ptr || end.ptr) {
        if (start.ptr) buf_printf(self->out, "win_start=[" STR_FMT "], ", STR_ARG(start));
        if (end.ptr) buf_printf(self->out, "win_end=[" STR_FMT "], ", STR_ARG(end));
    } else {
        buf_printf(self->out, "time_col=[" STR_FMT "], ", STR_ARG(in[window->time_column]));
    }
    put_window_sizes(self, window, in);
    buf_puts(self->out, ")]");
}

// GROUP BY TUMBLE(ts, …).
static void put_group_window(const Explain *self, const WindowSpec *window, const Str *in) {
    Str time = in[window->time_column];
    long long size = window->size_ms, slide = window->slide_ms;
    buf_puts(self->out, "window=[");
    switch (window->kind) {
        case WINDOW_HOP:
            buf_printf(self->out, "SlidingGroupWindow('w$, " STR_FMT ", %lld, %lld)",
                       STR_ARG(time), size, slide);
            break;
        case WINDOW_SESSION:
            buf_printf(self->out, "SessionGroupWindow('w$, " STR_FMT ", %lld)", STR_ARG(time),
                       size);
            break;
        default:
            buf_printf(self->out, "TumblingGroupWindow('w$, " STR_FMT ", %lld)", STR_ARG(time),
                       size);
            break;
    }
    buf_puts(self->out, "], ");
}

static void put_window_agg(const Explain *self, const Plan *plan, const Str *in,
                           const Str *names) {
    static const char *const PROPS[] = {
        [PROP_START] = "start", [PROP_END] = "end", [PROP_TIME] = "rowtime"};
    const WindowSpec *window = plan->window;
    put_group(self, plan, in);
    if (window->legacy) {
        put_group_window(self, window, in);
    } else {
        Str start = {0}, end = {0};
        if (window->attached) {
            start = in[window->start_column];
            end = in[window->end_column];
        }
        put_window(self, "window", window, in, start, end);
        buf_puts(self->out, ", ");
    }
    put_select(self, plan, in, names, plan->key_count + plan->prop_count);
    for (uint32_t i = 0; i < plan->prop_count; i++) {
        bool first = !i && !plan->agg_count && !plan->key_count;
        buf_printf(self->out, "%s%s('w$) AS " STR_FMT, first ? "" : ", ", PROPS[plan->prop[i]],
                   STR_ARG(names[plan->key_count + i]));
    }
    buf_putc(self->out, ']');
}

static void put_expand(const Explain *self, const Plan *plan, const Str *in, const Str *names) {
    uint32_t columns = plan->type->child_count - 1;
    buf_puts(self->out, "projects=[");
    for (uint32_t s = 0; s < plan->set_count; s++) {
        buf_puts(self->out, s ? ", {" : "{");
        for (uint32_t c = 0; c < columns; c++) {
            bool kept = plan->keep[s][c];
            if (!kept) buf_puts(self->out, "null AS ");
            buf_printf(self->out, STR_FMT ", ", STR_ARG(kept ? in[c] : names[c]));
        }
        buf_printf(self->out, "%lld AS " STR_FMT "}", (long long)plan->expand_id[s],
                   STR_ARG(names[columns]));
    }
    buf_putc(self->out, ']');
}

static void put_frame_end(const FrameEnd *end, bool low, Buf *out) {
    if (end->unbounded) {
        buf_printf(out, "UNBOUNDED %s", low ? "PRECEDING" : "FOLLOWING");
    } else if (end->range) {
        value_print(end->range, 0, NULL, true, out);
        buf_puts(out, end->preceding ? " PRECEDING" : " FOLLOWING");
    } else if (end->rows) {
        buf_printf(out, "%lld %s", (long long)end->rows,
                   end->preceding ? "PRECEDING" : "FOLLOWING");
    } else {
        buf_puts(out, "CURRENT ROW");
    }
}

static void put_frame(const Plan *plan, Buf *out) {
    const OverFrame *frame = &plan->frame;
    buf_printf(out, "window=[ %s BETWEEN ", frame->rows ? "ROWS" : "RANGE");
    if (frame->general) {
        put_frame_end(&frame->low, true, out);
        buf_puts(out, " AND ");
        put_frame_end(&frame->high, false, out);
    } else {
        if (frame->preceding < 0) {
            buf_puts(out, "UNBOUNDED PRECEDING");
        } else if (!frame->preceding) {
            buf_puts(out, "CURRENT ROW");
        } else {
            buf_printf(out, "%lld PRECEDING", (long long)frame->preceding);
        }
        buf_puts(out, " AND CURRENT ROW");
    }
    buf_puts(out, "], ");
}

// ---- order, ranks ------------------------------------------------------------------------------

static void put_order(const Explain *self, const Plan *plan, const Str *in) {
    buf_puts(self->out, "orderBy=[");
    for (uint32_t i = 0; i < plan->order_count; i++) {
        buf_printf(self->out, "%s" STR_FMT " %s", i ? ", " : "",
                   STR_ARG(in[plan->order[i].column]), plan->order[i].descending ? "DESC" : "ASC");
    }
    buf_putc(self->out, ']');
}

static const char *const RANK_KINDS[] = {"ROW_NUMBER", "RANK", "DENSE_RANK"};

static void put_strategy(const Explain *self, const Plan *plan) {
    Buf *out = self->out;
    if (plan->rank_way != RANK_UPDATE) {
        buf_printf(out, "strategy=[%s]",
                   plan->rank_way == RANK_APPEND ? "AppendFastStrategy" : "RetractStrategy");
        return;
    }
    buf_puts(out, "strategy=[UpdateFastStrategy[");
    for (uint32_t i = 0; i < plan->row_key_count; i++) {
        buf_printf(out, "%s%u", i ? "," : "", plan->row_key[i]);
    }
    buf_puts(out, "]]");
}

static void put_rank(const Explain *self, const Plan *plan, const Str *in, const Str *names) {
    put_strategy(self, plan);
    buf_printf(self->out, ", rankType=[%s], rankRange=[", RANK_KINDS[plan->rank_kind]);
    if (plan->rank_end_column >= 0) {
        buf_printf(self->out, "rankEnd=" STR_FMT, STR_ARG(in[plan->rank_end_column]));
    } else {
        buf_printf(self->out, "rankStart=%lld, rankEnd=%lld", (long long)plan->rank_start,
                   (long long)plan->rank_end);
    }
    buf_puts(self->out, "], ");
    put_keys(self, "partitionBy", in, plan->key, plan->key_count);
    buf_puts(self->out, ", ");
    put_order(self, plan, in);
    buf_puts(self->out, ", ");
    put_list(self, "select", names, plan->type->child_count);
}

// A Top-N of all rows without their ranks is what ORDER BY … LIMIT has become.
static bool is_sort_limit(const Plan *plan) {
    return plan->kind == PLAN_RANK && !plan->key_count && !plan->rank_output &&
           plan->rank_end_column < 0;
}

static void put_limit(const Plan *plan, Buf *out) {
    long long offset = plan->offset, fetch = plan->fetch;
    if (plan->kind == PLAN_RANK) {
        offset = plan->rank_start - 1;
        fetch = plan->rank_end - offset;
    }
    buf_printf(out, "offset=[%lld], ", offset);
    if (fetch < 0) {
        buf_puts(out, "fetch=[unlimited]");
    } else {
        buf_printf(out, "fetch=[%lld]", fetch);
    }
}

static void put_sort_limit(const Explain *self, const Plan *plan, const Str *in) {
    if (plan->order_count) {
        put_order(self, plan, in);
        buf_puts(self->out, ", ");
    }
    put_limit(plan, self->out);
    if (plan->kind != PLAN_RANK) return;
    buf_puts(self->out, ", ");
    put_strategy(self, plan);
}

static void put_dedup(const Explain *self, const Plan *plan, const Str *in) {
    buf_printf(self->out, "keep=[%s], ", plan->keep_last ? "LastRow" : "FirstRow");
    put_keys(self, "key", in, plan->key, plan->key_count);
    buf_printf(self->out, ", order=[%s], outputInsertOnly=[%s]",
               plan->proctime_order ? "PROCTIME" : "ROWTIME",
               plan->changes == CHANGE_INSERT ? "true" : "false");
}

static void put_window_rank(const Explain *self, const Plan *plan, const Str *in,
                            const Str *names) {
    WindowColumns window = {.start = -1, .end = -1};
    if (plan_window_columns(plan->input[0], &window)) {
        const Str none = {0};
        put_window(self, "window", window.spec, in, window.start < 0 ? none : in[window.start],
                   window.end < 0 ? none : in[window.end]);
        buf_puts(self->out, ", ");
    }
    buf_printf(self->out, "rankType=[%s], rankRange=[rankStart=%lld, rankEnd=%lld], partitionBy=[",
               RANK_KINDS[plan->rank_kind], (long long)plan->rank_start,
               (long long)plan->rank_end);
    bool first = true;
    for (uint32_t i = 0; i < plan->key_count; i++) {
        int32_t column = (int32_t)plan->key[i];
        if (column == window.start || column == window.end) continue;
        buf_printf(self->out, "%s" STR_FMT, first ? "" : ", ", STR_ARG(in[column]));
        first = false;
    }
    buf_puts(self->out, "], ");
    put_order(self, plan, in);
    buf_puts(self->out, ", ");
    put_list(self, "select", names, plan->type->child_count);
}

// ---- joins -------------------------------------------------------------------------------------

const char *explain_join_type(JoinType type) {
    static const char *const NAMES[] = {
        [JOIN_TYPE_INNER] = "InnerJoin",     [JOIN_TYPE_LEFT] = "LeftOuterJoin",
        [JOIN_TYPE_RIGHT] = "RightOuterJoin", [JOIN_TYPE_FULL] = "FullOuterJoin",
        [JOIN_TYPE_SEMI] = "LeftSemiJoin",   [JOIN_TYPE_ANTI] = "LeftAntiJoin"};
    return NAMES[type];
}

static const char *input_spec(const Plan *plan, uint32_t s) {
    if (!plan->unique[s]) return "NoUniqueKey";
    for (uint32_t i = 0; i < plan->unique_count[s]; i++) {
        const uint32_t *key = s ? plan->right_key : plan->key;
        uint32_t k = 0;
        while (k < plan->key_count && key[k] != plan->unique[s][i]) k++;
        if (k == plan->key_count) return "HasUniqueKey";
    }
    return "JoinKeyContainsUniqueKey";
}

static void put_join(Explain *self, const Plan *plan, const Str *names) {
    const Str *both = explain_names_both(self, plan);
    if (plan->kind == PLAN_WINDOW_JOIN) {
        static const char *const SIDES[] = {"leftWindow", "rightWindow"};
        for (uint32_t s = 0; s < 2; s++) {
            WindowColumns window;
            const Str *in = explain_names(self, plan->input[s]), none = {0};
            if (!plan_window_columns(plan->input[s], &window)) continue;
            put_window(self, SIDES[s], window.spec, in,
                       window.start < 0 ? none : in[window.start],
                       window.end < 0 ? none : in[window.end]);
            buf_puts(self->out, ", ");
        }
    }
    buf_printf(self->out, "joinType=[%s], ", explain_join_type(plan->join));
    if (plan->kind == PLAN_INTERVAL_JOIN) {
        bool rowtime = plan->input[0]->type->child[plan->time_column]->attribute != TIME_PROCTIME;
        buf_printf(self->out,
                   "windowBounds=[isRowTime=%s, leftLowerBound=%lld, leftUpperBound=%lld, "
                   "leftTimeIndex=%u, rightTimeIndex=%u], ",
                   rowtime ? "true" : "false", (long long)plan->lower_ms,
                   (long long)plan->upper_ms, plan->time_column, plan->right_time_column);
    }
    buf_puts(self->out, "where=[");
    explain_join_condition(self, plan, both);
    buf_puts(self->out, "], ");
    put_list(self, "select", names, plan->type->child_count);
    if (plan->kind == PLAN_JOIN) {
        buf_printf(self->out, ", leftInputSpec=[%s], rightInputSpec=[%s]", input_spec(plan, 0),
                   input_spec(plan, 1));
    }
}

static void put_lookup(Explain *self, const Plan *plan, const Str *in, const Str *names) {
    const LookupPlan *lookup = plan->lookup;
    Buf *out = self->out;
    buf_puts(out, "table=[");
    put_table(plan, ".", out);
    buf_printf(out, "], joinType=[%s], ", explain_join_type(plan->join));
    if (!lookup->right) {  // as it was bound
        buf_puts(out, "condition=[");
        if (plan->condition) explain_expr(self, plan->condition, names);
        buf_putc(out, ']');
        return;
    }
    if (lookup->hint.async) {
        buf_printf(out, "async=[%s, %lldms, %lld], ",
                   lookup->hint.unordered ? "UNORDERED" : "ORDERED",
                   (long long)lookup->hint.timeout_ms, (long long)lookup->hint.capacity);
    }
    if (lookup->hint.retry_attempts) {
        buf_printf(out, "retry=[lookup_miss, FIXED_DELAY, %lldms, %lld], ",
                   (long long)lookup->hint.retry_delay_ms, (long long)lookup->hint.retry_attempts);
    }
    buf_puts(out, "lookup=[");
    for (uint32_t i = 0; i < plan->key_count; i++) {
        Str name = plan->desc->physical->field[lookup->spec->key[i]];
        buf_printf(out, "%s" STR_FMT "=" STR_FMT, i ? ", " : "", STR_ARG(name),
                   STR_ARG(in[plan->key[i]]));
    }
    buf_puts(out, "], ");
    if (lookup->scan->filter_count) {
        buf_puts(out, "filter=[");
        put_taken_all(plan->desc, lookup->scan, out);
        buf_puts(out, "], ");
    }
    if (lookup->filter) {
        buf_puts(out, "where=[");
        explain_expr(self, lookup->filter, lookup->scan->produced->field);
        buf_puts(out, "], ");
    }
    if (plan->condition) {
        buf_puts(out, "joinCondition=[");
        explain_expr(self, plan->condition, names);
        buf_puts(out, "], ");
    }
    put_list(self, "select", names, plan->type->child_count);
}

// ---- patterns and functions --------------------------------------------------------------------

static void put_pattern(const MatchSpec *spec, Buf *out) {
    for (uint32_t i = 0; i < spec->part_count; i++) {
        const MatchPart *part = &spec->part[i];
        int32_t low = part->low, high = part->high;
        if (i) buf_putc(out, ' ');
        buf_put_str(out, part->name);
        if (low == 1 && high == 1) continue;
        if (high < 0 && low <= 1) {
            buf_putc(out, low ? '+' : '*');
        } else if (low == 0 && high == 1) {
            buf_putc(out, '?');
        } else if (low == high) {
            buf_printf(out, "{%d}", low);
        } else if (high < 0) {
            buf_printf(out, "{%d,}", low);
        } else {
            buf_printf(out, "{%d,%d}", low, high);
        }
        if (!part->greedy && low != high && high != 1) buf_putc(out, '?');
    }
}

static void put_match(const Explain *self, const Plan *plan, const Str *in) {
    static const char *const SKIP[] = {[MATCH_SKIP_PAST_LAST] = "PAST LAST ROW",
                                       [MATCH_SKIP_TO_NEXT] = "TO NEXT ROW",
                                       [MATCH_SKIP_TO_FIRST] = "TO FIRST ",
                                       [MATCH_SKIP_TO_LAST] = "TO LAST "};
    const MatchSpec *spec = plan->match;
    Buf *out = self->out;
    if (plan->key_count) {
        put_keys(self, "partitionBy", in, plan->key, plan->key_count);
        buf_puts(out, ", ");
    }
    if (plan->order_count || !plan->proctime_order) {
        put_order(self, plan, in);
    } else {
        buf_puts(out, "orderBy=[PROCTIME() ASC]");
    }
    buf_puts(out, ", measures=[");
    for (uint32_t i = 0; i < spec->measure_count; i++) {
        if (i) buf_puts(out, ", ");
        explain_expr(self, spec->measure[i], spec->row->field);
        buf_printf(out, " AS " STR_FMT, STR_ARG(plan->type->field[plan->key_count + i]));
    }
    buf_printf(out, "], rowsPerMatch=[ONE ROW PER MATCH], after=[SKIP %s", SKIP[spec->skip]);
    bool to_var = spec->skip == MATCH_SKIP_TO_FIRST || spec->skip == MATCH_SKIP_TO_LAST;
    if (to_var && spec->skip_var >= 0) buf_put_str(out, spec->part[spec->skip_var].name);
    buf_puts(out, "], pattern=[");
    put_pattern(spec, out);
    buf_puts(out, "], define={");
    bool first = true;
    for (uint32_t i = 0; i < spec->part_count; i++) {
        if (!spec->define[i].expr) continue;
        buf_printf(out, "%s" STR_FMT "=>", first ? "" : ", ", STR_ARG(spec->part[i].name));
        explain_expr(self, spec->define[i].expr, spec->row->field);
        first = false;
    }
    buf_putc(out, '}');
    if (!spec->within_ms) return;
    buf_puts(out, ", within=[");
    put_duration(spec->within_ms, out);
    buf_putc(out, ']');
}

static void put_process_table(const Explain *self, const Plan *plan, const ProcessTable *table,
                              const Str *in) {
    Buf *out = self->out;
    buf_puts(out, "TABLE");
    if (plan->key_count) buf_puts(out, " PARTITION BY(");
    explain_columns(self, in, table->key, plan->key_count);
    if (plan->key_count) buf_putc(out, ')');
    for (uint32_t o = 0; o < table->order_count; o++) {
        buf_printf(out, "%s" STR_FMT "%s", o ? ", " : " ORDER BY(",
                   STR_ARG(in[table->order[o].column]), table->order[o].descending ? " DESC" : "");
    }
    if (table->order_count) buf_putc(out, ')');
}

static void put_process(const Explain *self, const Plan *plan, const Str *in, const Str *names) {
    const ProcessSpec *spec = plan->process;
    Buf *out = self->out;
    const char *sep = "";
    uint32_t t = 0;
    buf_printf(out, "invocation=[" STR_FMT "(", STR_ARG(spec->udf->name));
    for (uint32_t i = 0; i < spec->udf->in_count; i++, sep = ", ") {
        buf_puts(out, sep);
        if (spec->arg[i]) {
            explain_expr(self, spec->arg[i], in);
            continue;
        }
        put_process_table(self, plan, &spec->table[t], t ? plan->input[t]->type->field : in);
        t++;
    }
    for (uint32_t i = 0; spec->timed && i < spec->table_count; i++) {
        Str time = (i ? plan->input[i]->type->field : in)[spec->table[i].time_column];
        buf_printf(out, "%s%s" STR_FMT, i ? ", " : sep, i ? "" : "DESCRIPTOR(", STR_ARG(time));
    }
    if (spec->timed) buf_putc(out, ')');
    buf_printf(out, ")], uid=[" STR_FMT "], ", STR_ARG(spec->uid));
    put_list(self, "select", names, plan->type->child_count);
}

static void put_predict(const Explain *self, const Plan *plan, const Str *in, const Str *names) {
    const PredictSpec *spec = plan->predict;
    buf_printf(self->out, "invocation=[ML_PREDICT(TABLE, MODEL " STR_FMT ", DESCRIPTOR(",
               STR_ARG(spec->model->name));
    for (uint32_t i = 0; i < plan->func_arg_count; i++) {
        if (i) buf_puts(self->out, ", ");
        explain_expr(self, plan->func_arg[i], in);
    }
    buf_printf(self->out, "))], provider=[%s], async=[%s], ", spec->provider->name,
               !spec->async ? "false" : spec->ordered ? "ORDERED" : "ALLOW_UNORDERED");
    put_list(self, "select", names, plan->type->child_count);
}

static void put_evaluate(const Explain *self, const Plan *plan, const Str *in, const Str *names) {
    const EvaluateSpec *spec = plan->evaluate;
    buf_printf(self->out, "label=[" STR_FMT "], ", STR_ARG(in[spec->label]));
    put_list(self, "select", names, plan->type->child_count);
}

static void put_vector_search(const Explain *self, const Plan *plan, const Str *in,
                              const Str *names) {
    static const char *const METRICS[] = {"cosine", "dot", "l2"};
    const VectorSpec *spec = plan->vector;
    buf_puts(self->out, "table=[");
    put_table(plan, ".", self->out);
    buf_printf(self->out, "], joinType=[%s], columnToSearch=[" STR_FMT "], columnToQuery=[",
               plan->outer ? "LeftOuterJoin" : "InnerJoin",
               STR_ARG(plan->lookup->right->field[spec->column]));
    explain_expr(self, plan->func_arg[0], in);
    buf_printf(self->out, "], topK=[%u], metric=[%s], ", spec->top_k, METRICS[spec->metric]);
    put_list(self, "select", names, plan->type->child_count);
}

static void put_changelog(const Explain *self, const Plan *plan, const Str *names) {
    static const char *const KINDS[] = {"INSERT", "UPDATE_BEFORE", "UPDATE_AFTER", "DELETE"};
    buf_printf(self->out, "invocation=[%s(op_mapping => MAP[",
               plan->to_changelog ? "TO_CHANGELOG" : "FROM_CHANGELOG");
    for (uint32_t i = 0; i < plan->op_count; i++) {
        buf_printf(self->out, "%s'" STR_FMT "' = %s", i ? ", " : "", STR_ARG(plan->op_code[i]),
                   KINDS[plan->op_kind[i] & 3]);
    }
    buf_puts(self->out, "])], ");
    put_list(self, "select", names, plan->type->child_count);
}

static void put_correlate(const Explain *self, const Plan *plan, const Str *in,
                          const Str *names) {
    buf_puts(self->out, "invocation=[");
    if (plan->kind == PLAN_UNNEST) {
        buf_puts(self->out, "UNNEST(");
        explain_expr(self, plan->collection, in);
        buf_puts(self->out, plan->ordinality ? ") WITH ORDINALITY" : ")");
    } else {
        Str name = plan->udf ? plan->udf->name : plan->function;
        buf_printf(self->out, STR_FMT "(", STR_ARG(name));
        for (uint32_t i = 0; i < plan->func_arg_count; i++) {
            if (i) buf_puts(self->out, ", ");
            explain_expr(self, plan->func_arg[i], in);
        }
        buf_putc(self->out, ')');
    }
    buf_puts(self->out, "], ");
    put_list(self, "select", names, plan->type->child_count);
    buf_printf(self->out, ", joinType=[%s]", plan->outer ? "LEFT" : "INNER");
}

// ---- one node ----------------------------------------------------------------------------------

static void put_calc(Explain *self, const Plan *plan, const Plan *filter, const Str *names) {
    const Plan *below = filter ? filter->input[0] : plan->input[0];
    const Str *in = explain_names(self, below);
    bool projects = plan->kind == PLAN_PROJECT;
    const Expr *condition = filter ? filter->condition : projects ? NULL : plan->condition;
    buf_puts(self->out, "select=[");
    for (uint32_t i = 0; i < plan->type->child_count; i++) {
        if (i) buf_puts(self->out, ", ");
        const Expr *expr = projects ? plan->expr[i] : NULL;
        if (!expr || (expr->kind == EXPR_COLUMN && str_eq(in[expr->column], names[i]))) {
            buf_put_str(self->out, names[i]);
            continue;
        }
        explain_expr(self, expr, in);
        buf_printf(self->out, " AS " STR_FMT, STR_ARG(names[i]));
    }
    buf_putc(self->out, ']');
    if (!condition) return;
    buf_puts(self->out, ", where=[");
    explain_expr(self, condition, in);
    buf_putc(self->out, ']');
}

static void put_watermark(const Explain *self, const Plan *plan, const Str *in) {
    buf_printf(self->out, "rowtime=[" STR_FMT "], watermark=[", STR_ARG(in[plan->time_column]));
    explain_expr(self, plan->watermark, in);
    buf_putc(self->out, ']');
    if (plan->idle_timeout_ms > 0) {
        buf_puts(self->out, ", idleTimeout=[");
        put_duration(plan->idle_timeout_ms, self->out);
        buf_putc(self->out, ']');
    }
    if (plan->on_event) buf_puts(self->out, ", emitStrategy=[on-event]");
    if (plan->align_group.ptr) {
        buf_printf(self->out, ", alignmentGroup=[" STR_FMT "]", STR_ARG(plan->align_group));
    }
}

static const char *name_of(const Plan *plan) {
    if (is_sort_limit(plan)) return plan->order_count ? "SortLimit" : "Limit";
    if (plan->kind == PLAN_WINDOW_AGG && plan->window->legacy) return "GroupWindowAggregate";
    if (plan->kind == PLAN_AGG && plan->input[0]->kind == PLAN_LOCAL_AGG) {
        return "GlobalGroupAggregate";
    }
    if (plan->kind == PLAN_SORT) {
        const Type *row = plan->input[0]->type;
        bool timed = plan->order_count && row->child[plan->order[0].column]->attribute != TIME_NONE;
        if (plan->fetch >= 0 || plan->offset) return "SortLimit";
        return timed ? "TemporalSort" : "Sort";
    }
    return plan_kind_name(plan->kind);
}

static void put_details(Explain *self, const Plan *plan, const Plan *filter) {
    const Str *names = explain_names(self, plan);
    const Str *in = plan->input_count ? explain_names(self, plan->input[0]) : NULL;
    switch (plan->kind) {
        case PLAN_SCAN: put_scan(self, plan, names); return;
        case PLAN_VALUES: put_values(self, plan); return;
        case PLAN_PROJECT:
        case PLAN_FILTER: put_calc(self, plan, filter, names); return;
        case PLAN_WATERMARK: put_watermark(self, plan, in); return;
        case PLAN_UNION:
            buf_puts(self->out, "all=[true], ");
            put_list(self, "union", names, plan->type->child_count);
            return;
        case PLAN_LOCAL_AGG:
            put_group(self, plan, in);
            explain_local_select(self, plan, in);
            return;
        case PLAN_AGG:
            put_group(self, plan, in);
            if (plan->input[0]->kind == PLAN_LOCAL_AGG) {
                explain_global_select(self, plan, in, names);
                return;
            }
            put_select(self, plan, in, names, plan->key_count);
            buf_putc(self->out, ']');
            return;
        case PLAN_WINDOW_AGG: put_window_agg(self, plan, in, names); return;
        case PLAN_WINDOW_TVF:
            put_window(self, "window", plan->window, in, (Str){0}, (Str){0});
            return;
        case PLAN_EXPAND: put_expand(self, plan, in, names); return;
        case PLAN_JOIN:
        case PLAN_INTERVAL_JOIN:
        case PLAN_TEMPORAL_JOIN:
        case PLAN_WINDOW_JOIN: put_join(self, plan, names); return;
        case PLAN_LOOKUP_JOIN: put_lookup(self, plan, in, names); return;
        case PLAN_UNNEST:
        case PLAN_TABLE_FUNC:
        case PLAN_APPLY: put_correlate(self, plan, in, names); return;
        case PLAN_PROCESS: put_process(self, plan, in, names); return;
        case PLAN_PREDICT: put_predict(self, plan, in, names); return;
        case PLAN_EVALUATE: put_evaluate(self, plan, in, names); return;
        case PLAN_VECTOR_SEARCH: put_vector_search(self, plan, in, names); return;
        case PLAN_CHANGELOG: put_changelog(self, plan, names); return;
        case PLAN_SORT:
            if (plan->fetch >= 0 || plan->offset) {
                put_sort_limit(self, plan, in);
            } else {
                put_order(self, plan, in);
            }
            return;
        case PLAN_LIMIT: put_sort_limit(self, plan, in); return;
        case PLAN_RANK:
            if (is_sort_limit(plan)) {
                put_sort_limit(self, plan, in);
            } else {
                put_rank(self, plan, in, names);
            }
            return;
        case PLAN_DEDUP: put_dedup(self, plan, in); return;
        case PLAN_WINDOW_RANK: put_window_rank(self, plan, in, names); return;
        case PLAN_OVER:
            if (plan->key_count) {
                put_keys(self, "partitionBy", in, plan->key, plan->key_count);
                buf_puts(self->out, ", ");
            }
            put_order(self, plan, in);
            buf_puts(self->out, ", ");
            put_frame(plan, self->out);
            buf_puts(self->out, "select=[");
            for (uint32_t i = 0; i < plan->input[0]->type->child_count; i++) {
                buf_printf(self->out, STR_FMT ", ", STR_ARG(in[i]));
            }
            for (uint32_t i = 0; i < plan->agg_count; i++) {
                if (i) buf_puts(self->out, ", ");
                put_agg(self, &plan->agg[i], in, false,
                        names[plan->input[0]->type->child_count + i]);
            }
            buf_putc(self->out, ']');
            return;
        case PLAN_MATCH: put_match(self, plan, in); return;
        case PLAN_NORMALIZE: put_keys(self, "key", in, plan->key, plan->key_count); return;
        case PLAN_MATERIALIZE: put_keys(self, "key", in, plan->key, plan->key_count); return;
        case PLAN_SINK: put_sink(self, plan, in); return;
        default: put_list(self, "fields", names, plan->type->child_count); return;
    }
}

void explain_node(Explain *self, const Plan *plan, const Plan *filter) {
    buf_printf(self->out, "%s(", name_of(plan));
    Str advice = self->advice ? self->advice->label[plan->id] : (Str){0};
    if (advice.ptr) buf_printf(self->out, "advice=[" STR_FMT "], ", STR_ARG(advice));
    put_details(self, plan, filter);
}
