// Expressions. Parentheses follow the operators' strengths, which are those of parse_expr.c: [left]
// and [right] of an operator are compared with what its neighbours ask for.
#include "sql/print_int.h"

enum { PREC_ATOM = 400 };  // above all operators

// ---- strengths ---------------------------------------------------------------------------------

typedef struct Strength {
    int left, right;
} Strength;

static bool name_is(const AstCall *call, const char *name) {
    return str_eq(call->name, str_c(name));
}

static Strength binary_strength(const AstCall *call) {
    static const struct {
        const char *name;
        int precedence;
    } NAMES[] = {
        {"OR", 22}, {"AND", 24}, {"+", 40}, {"-", 40}, {"*", 60}, {"/", 60}, {"%", 60}, {"||", 60},
        {"MULTISET UNION", 14}, {"MULTISET UNION DISTINCT", 14}, {"MULTISET EXCEPT", 14},
        {"MULTISET EXCEPT DISTINCT", 14}, {"MULTISET INTERSECT", 18},
        {"MULTISET INTERSECT DISTINCT", 18},
    };
    int precedence = 30;  // comparisons and their kin
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        if (name_is(call, NAMES[i].name)) precedence = NAMES[i].precedence;
    }
    return (Strength){2 * precedence, 2 * precedence + 1};
}

static bool is_like(const AstCall *call) {
    Str name = call->name;
    if (str_starts(name, STR("NOT "))) name = str_sub(name, 4, name.len - 4);
    return str_is(name, "LIKE") || str_is(name, "ILIKE") || str_is(name, "RLIKE") ||
           str_is(name, "SIMILAR TO");
}

static bool is_between(const AstCall *call) {
    return str_starts(call->name, STR("BETWEEN ")) || str_starts(call->name, STR("NOT BETWEEN "));
}

static bool is_in(const AstCall *call) {
    return name_is(call, "IN") || name_is(call, "NOT IN");
}

static bool is_quantified(const AstCall *call) {
    return str_ends(call->name, STR(" SOME")) || str_ends(call->name, STR(" ALL"));
}

static Strength call_strength(const Printer *pr, const AstCall *call) {
    const Strength atom = {PREC_ATOM, PREC_ATOM};
    switch (call->syntax) {
        case SYN_FUNCTION: case SYN_BARE:
            return call->over || call->filter || call->nulls ? (Strength){40, 41} : atom;
        case SYN_PREFIX:
            if (str_starts(call->name, STR("UNARY "))) return (Strength){160, 161};
            if (name_is(call, "NOT")) return (Strength){52, 53};
            if (name_is(call, "SPECIFIC") || name_is(call, "NEW")) {
                return call->arg.at[0]->call->over && is_flink(pr) ? (Strength){40, 41} : atom;
            }
            if (str_ends(call->name, STR("VALUE"))) return atom;
            return (Strength){80, 81};
        case SYN_BINARY: return binary_strength(call);
        case SYN_POSTFIX: return (Strength){57, 56};
        case SYN_SPECIAL:
            if (is_like(call)) return (Strength){65, 64};
            if (is_between(call) || is_in(call) || is_quantified(call)) return (Strength){64, 65};
            if (is_flink(pr) && (name_is(call, "INTERVAL") || name_is(call, "MINUS_DATE"))) {
                return (Strength){40, 1};
            }
            return atom;
    }
    return atom;
}

// ---- operators ---------------------------------------------------------------------------------

static void print_query_in(Printer *pr, const AstQuery *query) {
    put(pr, "(");
    print_query(pr, query);
    put(pr, ")");
}

// The items from [first] on in parentheses; a query alone has its own.
static void print_list_in(Printer *pr, const AstCall *call, uint32_t first) {
    if (call->arg.count == first + 1 && call->arg.at[first]->kind == EX_QUERY) {
        print_query_in(pr, call->arg.at[first]->query);
        return;
    }
    put(pr, "(");
    for (uint32_t i = first; i < call->arg.count; i++) {
        put_comma(pr, i - first);
        print_expr(pr, call->arg.at[i]);
    }
    put(pr, ")");
}

// In Flink's text the two ends of a period are marked as such.
static void print_period(Printer *pr, const AstExpr *expr, int left, int right) {
    bool row = expr->kind == EX_CALL && expr->call->arg.count == 2 &&
               expr->call->syntax == SYN_SPECIAL &&
               (str_is(expr->call->name, "ROW") || str_is(expr->call->name, "PERIOD"));
    if (!row || !is_flink(pr)) {
        print_expr_within(pr, expr, left, right);
        return;
    }
    put(pr, "PERIOD ");
    print_list_in(pr, expr->call, 0);
}

static bool is_period_operator(const AstCall *call) {
    static const char *const NAMES[] = {"OVERLAPS", "CONTAINS", "EQUALS", "PRECEDES", "SUCCEEDS",
                                        "IMMEDIATELY PRECEDES", "IMMEDIATELY SUCCEEDS"};
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        if (name_is(call, NAMES[i])) return true;
    }
    return false;
}

// MULTISET UNION is MULTISET UNION ALL to Flink, IS JSON is IS JSON VALUE.
static void print_operator(Printer *pr, const AstCall *call) {
    put_str(pr, call->name);
    if (!is_flink(pr)) return;
    if (str_starts(call->name, STR("MULTISET ")) && !str_ends(call->name, STR("DISTINCT"))) {
        put(pr, " ALL");
    }
    if (str_ends(call->name, STR(" JSON"))) put(pr, " VALUE");
}

static void print_binary(Printer *pr, const AstCall *call, int left, int right) {
    Strength own = binary_strength(call);
    bool period = is_period_operator(call);
    if (period) print_period(pr, call->arg.at[0], left, own.left);
    else print_expr_within(pr, call->arg.at[0], left, own.left);
    put(pr, " ");
    print_operator(pr, call);
    put(pr, " ");
    if (period) print_period(pr, call->arg.at[1], own.right, right);
    else print_expr_within(pr, call->arg.at[1], own.right, right);
}

static bool holds_and(const AstExpr *expr) {
    if (expr->kind != EX_CALL) return false;
    if (str_is(expr->call->name, "AND")) return true;
    for (uint32_t i = 0; i < expr->call->arg.count; i++) {
        if (holds_and(expr->call->arg.at[i])) return true;
    }
    return false;
}

static bool holds_between(const AstExpr *expr) {
    if (expr->kind != EX_CALL) return false;
    if (is_between(expr->call)) return true;
    for (uint32_t i = 0; i < expr->call->arg.count; i++) {
        if (holds_between(expr->call->arg.at[i])) return true;
    }
    return false;
}

static void print_between(Printer *pr, const AstCall *call, int left, int right) {
    print_expr_within(pr, call->arg.at[0], left, 64);
    put(pr, " ");
    put_str(pr, call->name);
    put(pr, " ");
    const AstExpr *low = call->arg.at[1];
    bool wrap = holds_and(low) || (!is_flink(pr) && holds_between(low));
    print_expr_within(pr, low, wrap ? 200 : 0, wrap ? 200 : 0);
    put(pr, " AND ");
    print_expr_within(pr, call->arg.at[2], 65, right);
}

static void print_like(Printer *pr, const AstCall *call) {
    print_expr_within(pr, call->arg.at[0], 65, 64);
    put(pr, " ");
    put_str(pr, call->name);
    put(pr, " ");
    print_expr_within(pr, call->arg.at[1], 65, 64);
    if (call->arg.count < 3) return;
    put(pr, " ESCAPE ");
    print_expr_within(pr, call->arg.at[2], 65, 64);
}

// A name, a number, a sign before one of them, or anything in parentheses.
static void print_interval_value(Printer *pr, const AstExpr *value) {
    bool number =
        value->kind == EX_LITERAL && value->literal.text.len && value->literal.text.ptr[0] != '-';
    if (value->kind == EX_NAME || number) {
        print_expr(pr, value);
    } else if (value->kind == EX_CALL && str_starts(value->call->name, STR("UNARY "))) {
        put_str(pr, str_sub(value->call->name, 6, 1));
        put(pr, " ");
        print_interval_value(pr, value->call->arg.at[0]);
    } else {
        put(pr, "(");
        print_expr(pr, value);
        put(pr, ")");
    }
}

// ROW, PERIOD, ITEM, DOT and what else has a shape of its own.
static void print_special(Printer *pr, const AstCall *call) {
    const AstExprs arg = call->arg;
    // Flink forgets the parentheses of (a + b)[1] and (a + b).c; to be read again they are needed.
    int left = is_flink(pr) ? 0 : 200;
    if (name_is(call, "ITEM") || str_starts(call->name, STR("ITEM "))) {
        Str wrap = str_sub(call->name, 5, call->name.len);
        print_expr_within(pr, arg.at[0], left, left);
        put(pr, "[");
        if (wrap.len) {
            put_str(pr, wrap);
            put(pr, "(");
        }
        print_expr(pr, arg.at[1]);
        put(pr, wrap.len ? ")]" : "]");
    } else if (name_is(call, "DOT")) {
        bool wrap = !is_flink(pr) && (arg.at[0]->kind == EX_NAME || arg.at[0]->kind == EX_LITERAL);
        if (wrap) put(pr, "(");
        print_expr_within(pr, arg.at[0], wrap ? 0 : left, wrap ? 0 : left);
        put(pr, wrap ? ")." : ".");
        print_expr(pr, arg.at[1]);
    } else if (name_is(call, "INTERVAL")) {
        put(pr, "INTERVAL ");
        print_interval_value(pr, arg.at[0]);
        put(pr, " ");
        print_interval_qualifier(pr, &arg.at[1]->type->interval);
    } else if (name_is(call, "MINUS_DATE")) {
        put(pr, "(");
        print_expr_within(pr, arg.at[0], 0, 80);
        put(pr, " - ");
        print_expr_within(pr, arg.at[1], 81, 0);
        put(pr, ") ");
        print_interval_qualifier(pr, &arg.at[2]->type->interval);
    } else if (name_is(call, "{fn}")) {
        const AstCall *inner = arg.at[0]->call;
        put(pr, "{fn ");
        if (inner->path.count) {  // any word, in back-ticks only if it had them
            if (inner->path.part[0].quoted) print_ident(pr, inner->path.part[0]);
            else put_str(pr, inner->path.part[0].name);
            put(pr, "(");
            for (uint32_t i = 0; i < inner->arg.count; i++) {
                put_comma(pr, i);
                print_expr(pr, inner->arg.at[i]);
            }
            put(pr, ")");
        } else {
            print_expr(pr, arg.at[0]);
        }
        put(pr, is_flink(pr) ? " }" : "}");
    } else if (name_is(call, "LIST")) {
        print_exprs(pr, arg);
    } else if (name_is(call, "ARRAY") || name_is(call, "MAP") || name_is(call, "MULTISET")) {
        put_str(pr, call->name);
        put(pr, "[");
        print_exprs(pr, arg);
        put(pr, "]");
    } else {  // ROW, PERIOD
        put_str(pr, is_flink(pr) ? STR("ROW") : call->name);
        put(pr, "(");
        print_exprs(pr, arg);
        put(pr, ")");
    }
}

// ---- functions ---------------------------------------------------------------------------------

static const char *json_do_text(AstJsonDo what) {
    static const char *const TEXTS[] = {
        "", "ERROR", "NULL", "DEFAULT", "EMPTY ARRAY", "EMPTY OBJECT", "TRUE", "FALSE", "UNKNOWN"};
    return TEXTS[what];
}

static void print_json_on(Printer *pr, AstJsonDo what, const AstExpr *value, const char *on) {
    if (what == JSON_UNSAID) return;
    put(pr, " ");
    put(pr, json_do_text(what));
    if (what == JSON_DEFAULT) {
        put(pr, " ");
        print_expr(pr, value);
    }
    put(pr, on);
}

static void print_json_arg(Printer *pr, const AstCall *call, uint32_t index) {
    print_expr(pr, call->arg.at[index]);
    if (index < call->json->format_count && call->json->format_json[index]) put(pr, " FORMAT JSON");
}

static void print_json_nulls(Printer *pr, AstJsonNulls nulls, bool any) {
    if (nulls == JSON_NULLS_UNSAID) return;
    put(pr, any ? " " : "");
    put(pr, nulls == NULL_ON_NULL ? "NULL ON NULL" : "ABSENT ON NULL");
}

static void print_json_wrapper(Printer *pr, AstJsonWrapper wrapper) {
    static const char *const TEXTS[] = {"", " WITHOUT ARRAY WRAPPER",
                                        " WITH CONDITIONAL ARRAY WRAPPER",
                                        " WITH UNCONDITIONAL ARRAY WRAPPER"};
    put(pr, TEXTS[wrapper]);
}

// What Flink takes for said where it was not.
static AstJson json_with_defaults(const Printer *pr, const AstCall *call) {
    AstJson json = *call->json;
    if (!is_flink(pr)) return json;
    if (name_is(call, "JSON_QUERY")) {
        if (!json.wrapper) json.wrapper = WRAPPER_WITHOUT;
        if (!json.on_empty) json.on_empty = JSON_NULL;
        if (!json.on_error) json.on_error = JSON_NULL;
    }
    bool object = name_is(call, "JSON_OBJECT") || name_is(call, "JSON_OBJECTAGG");
    bool array = name_is(call, "JSON_ARRAYAGG") || (name_is(call, "JSON_ARRAY") && call->arg.count);
    if (!json.nulls && object) json.nulls = NULL_ON_NULL;
    if (!json.nulls && array) json.nulls = ABSENT_ON_NULL;
    return json;
}

static void print_json(Printer *pr, const AstCall *call) {
    AstJson json = json_with_defaults(pr, call);
    bool object = name_is(call, "JSON_OBJECT") || name_is(call, "JSON_OBJECTAGG");
    for (uint32_t i = 0; i < call->arg.count; i++) {
        if (object && i % 2) {
            put(pr, " VALUE ");
        } else {
            put_comma(pr, i);
            if (object) put(pr, "KEY ");
        }
        print_json_arg(pr, call, i);
    }
    if (json.returning) {
        put(pr, " RETURNING ");
        print_type(pr, json.returning);
    }
    print_json_wrapper(pr, json.wrapper);
    print_json_on(pr, json.on_empty, json.empty_default, " ON EMPTY");
    print_json_on(pr, json.on_error, json.error_default, " ON ERROR");
    print_json_nulls(pr, json.nulls, call->arg.count > 0);
}

// The arguments of functions with words between them; false for all others.
static bool print_worded(Printer *pr, const AstCall *call) {
    static const struct {
        const char *name;
        const char *words[3];  // before the second, third, fourth argument
    } WORDED[] = {
        {"EXTRACT", {" FROM "}},
        {"FLOOR", {" TO "}},
        {"CEIL", {" TO "}},
        {"POSITION", {" IN ", " FROM "}},
        {"OVERLAY", {" PLACING ", " FROM ", " FOR "}},
        {"TRIM", {" ", " FROM "}},
        {"TRANSLATE USING", {" USING "}},
        {"SAFE_CAST", {" AS "}},
        {"CONTAINS_SUBSTR", {", ", ", JSON_SCOPE => "}},
    };
    for (size_t i = 0; i < sizeof WORDED / sizeof *WORDED; i++) {
        if (call->path.count || !name_is(call, WORDED[i].name)) continue;
        for (uint32_t a = 0; a < call->arg.count; a++) {
            bool scope = a == 2 && name_is(call, "CONTAINS_SUBSTR");
            if (a) put(pr, scope && is_flink(pr) ? ", " : WORDED[i].words[a - 1]);
            bool operand = name_is(call, "POSITION") && a == 0 && !is_flink(pr);
            print_expr_within(pr, call->arg.at[a], operand ? 200 : 0, operand ? 200 : 0);
        }
        return true;
    }
    return false;
}

static void print_function_name(Printer *pr, const AstCall *call) {
    if (call->path.count == 0) {
        put_str(pr, str_is(call->name, "TRANSLATE USING") ? STR("TRANSLATE") : call->name);
        return;
    }
    AstIdent first = call->path.part[0];
    if (call->path.count > 1 || first.quoted) print_name(pr, call->path);
    else put_str(pr, is_flink(pr) ? call->name : first.name);
}

static void print_suffix(Printer *pr, const AstCall *call) {
    if (call->nulls) put(pr, call->nulls == TREAT_IGNORE ? " IGNORE NULLS" : " RESPECT NULLS");
    if (call->within_distinct) {
        put(pr, " WITHIN DISTINCT (");
        print_exprs(pr, call->within_distinct_by);
        put(pr, ")");
    }
    if (call->within_group.count) {
        put(pr, " WITHIN GROUP (ORDER BY ");
        print_orders(pr, call->within_group);
        put(pr, ")");
    }
    if (call->filter) {
        put(pr, " FILTER (WHERE ");
        print_expr(pr, call->filter);
        put(pr, ")");
    }
    if (call->over) {
        put(pr, " OVER ");
        if (call->over->in_parentheses) print_window(pr, call->over);
        else print_ident(pr, call->over->ref);
    }
}

// PREV(a) means PREV(a, 1), FIRST(a) means FIRST(a, 0): Flink says so.
static void print_navigation_offset(Printer *pr, const AstCall *call) {
    if (!is_flink(pr) || call->path.count || call->arg.count != 1) return;
    if (name_is(call, "PREV") || name_is(call, "NEXT")) put(pr, ", 1");
    if (name_is(call, "FIRST") || name_is(call, "LAST")) put(pr, ", 0");
}

static void print_function(Printer *pr, const AstCall *call) {
    print_function_name(pr, call);
    if (call->subquery) {
        if (is_flink(pr)) put(pr, " (");
        print_query_in(pr, call->arg.at[0]->query);
        if (is_flink(pr)) put(pr, ")");
        return;
    }
    put(pr, "(");
    if (call->json) {
        print_json(pr, call);
    } else if (!print_worded(pr, call)) {
        if (call->quantifier) put(pr, call->quantifier == QUANT_DISTINCT ? "DISTINCT " : "ALL ");
        print_exprs(pr, call->arg);
        print_navigation_offset(pr, call);
        if (call->order_in.count) {
            put(pr, " ORDER BY ");
            print_orders(pr, call->order_in);
        }
    }
    put(pr, ")");
    print_suffix(pr, call);
}

static void print_prefix(Printer *pr, const AstCall *call, int right) {
    const AstExpr *operand = call->arg.at[0];
    Strength own = call_strength(pr, call);
    if (name_is(call, "NEXT VALUE") || name_is(call, "CURRENT VALUE")) {
        put_str(pr, call->name);
        put(pr, " FOR ");
        print_expr(pr, operand);
        return;
    }
    Str name = call->name;
    if (str_starts(name, STR("UNARY "))) name = str_sub(name, 6, 1);
    put_str(pr, name);
    put(pr, " ");
    if (name_is(call, "NEW") || name_is(call, "SPECIFIC")) {
        print_function(pr, operand->call);
    } else if (operand->kind == EX_QUERY) {
        print_query_in(pr, operand->query);
    } else {
        // - 1 would be read as a literal.
        bool number = operand->kind == EX_LITERAL && operand->literal.kind >= LIT_INTEGER &&
                      operand->literal.kind <= LIT_APPROX && str_starts(name, STR("-"));
        // - - a needs no parentheses to be read again; Flink writes - (- a).
        bool chain = !is_flink(pr) && own.left == 160 && operand->kind == EX_CALL &&
                     str_starts(operand->call->name, STR("UNARY "));
        if (number) put(pr, "(");
        print_expr_within(pr, operand, number || chain ? 0 : own.right,
                          number || chain ? 0 : right);
        if (number) put(pr, ")");
    }
}

// Functions that the validator has rewritten; false for all others.
static bool print_rewritten(Printer *pr, const AstCall *call) {
    static const char *const UNITS[][2] = {
        {"YEAR", "YEAR"},     {"QUARTER", "QUARTER"}, {"MONTH", "MONTH"},   {"WEEK", "WEEK"},
        {"DAYOFYEAR", "DOY"}, {"DAYOFMONTH", "DAY"},  {"DAYOFWEEK", "DOW"}, {"HOUR", "HOUR"},
        {"MINUTE", "MINUTE"}, {"SECOND", "SECOND"}};
    if (name_is(call, "NULLIF") && call->arg.count == 2) {
        put(pr, "CASE WHEN ");
        print_expr_within(pr, call->arg.at[0], 0, 60);
        put(pr, " = ");
        print_expr_within(pr, call->arg.at[1], 61, 0);
        put(pr, " THEN NULL ELSE ");
        print_expr(pr, call->arg.at[0]);
        put(pr, " END");
        return true;
    }
    for (size_t i = 0; i < sizeof UNITS / sizeof *UNITS; i++) {
        if (call->arg.count != 1 || !name_is(call, UNITS[i][0])) continue;
        buf_printf(pr->out, "EXTRACT(%s FROM ", UNITS[i][1]);
        print_expr(pr, call->arg.at[0]);
        put(pr, ")");
        return true;
    }
    return false;
}

static void print_call(Printer *pr, const AstCall *call, int left, int right) {
    if (is_validated(pr) && call->syntax == SYN_FUNCTION && print_rewritten(pr, call)) return;
    switch (call->syntax) {
        case SYN_FUNCTION: print_function(pr, call); return;
        case SYN_BARE: put_str(pr, call->name); return;
        case SYN_PREFIX: print_prefix(pr, call, right); return;
        case SYN_BINARY: print_binary(pr, call, left, right); return;
        case SYN_POSTFIX:
            print_expr_within(pr, call->arg.at[0], left, 57);
            put(pr, " ");
            print_operator(pr, call);
            return;
        case SYN_SPECIAL: break;
    }
    if (is_between(call)) {
        print_between(pr, call, left, right);
    } else if (is_like(call)) {
        print_like(pr, call);
    } else if (is_in(call) || is_quantified(call)) {
        print_expr_within(pr, call->arg.at[0], left, 64);
        put(pr, " ");
        put_str(pr, call->name);
        put(pr, " ");
        print_list_in(pr, call, 1);
    } else {
        print_special(pr, call);
    }
}

// ---- CASE, CAST, arguments ---------------------------------------------------------------------

// Flink has made CASE x WHEN 1 into CASE WHEN x = 1.
static void print_flink_when(Printer *pr, const AstExpr *operand, const AstExpr *when) {
    bool list = when->kind == EX_CALL && str_is(when->call->name, "LIST");
    print_expr_within(pr, operand, 0, list ? 64 : 60);
    put(pr, list ? " IN (" : " = ");
    if (list) print_exprs(pr, when->call->arg);
    else print_expr_within(pr, when, 61, 0);
    if (list) put(pr, ")");
}

static void print_case(Printer *pr, const AstExpr *expr) {
    put(pr, "CASE");
    const AstExpr *operand = expr->cases.operand;
    if (operand && !is_flink(pr)) {
        put(pr, " ");
        print_expr(pr, operand);
    }
    for (uint32_t i = 0; i < expr->cases.branch_count; i++) {
        const AstCaseWhen *branch = &expr->cases.branch[i];
        put(pr, " WHEN ");
        if (operand && is_flink(pr)) print_flink_when(pr, operand, branch->when);
        else print_expr(pr, branch->when);
        put(pr, " THEN ");
        print_expr(pr, branch->then);
    }
    if (expr->cases.otherwise) {
        put(pr, " ELSE ");
        print_expr(pr, expr->cases.otherwise);
    } else if (is_flink(pr)) {
        put(pr, " ELSE NULL");
    }
    put(pr, " END");
}

static void print_table_argument(Printer *pr, const AstExpr *expr) {
    if (expr->table.query) print_query_in(pr, expr->table.query);
    else {
        if (expr->table.table_word) put(pr, "TABLE ");
        print_name(pr, expr->table.name);
    }
    if (expr->table.has_partition) {
        put(pr, is_flink(pr) ? " PARTITION BY " : " PARTITION BY (");
        print_exprs(pr, expr->table.partition);
        if (!is_flink(pr)) put(pr, ")");
    }
    if (expr->table.has_order) {
        put(pr, is_flink(pr) ? " ORDER BY " : " ORDER BY (");
        print_orders(pr, expr->table.order);
        if (!is_flink(pr)) put(pr, ")");
    }
}

static void print_named(Printer *pr, const AstExpr *expr) {
    const AstExpr *value = expr->named.value;
    bool plain_table =
        value->kind == EX_TABLE && !value->table.has_partition && !value->table.has_order &&
        !value->table.query;
    bool wrap = is_flink(pr) && (value->kind == EX_MODEL || plain_table);
    print_ident(pr, expr->named.name);
    put(pr, " => ");
    if (wrap) put(pr, "(");
    print_expr(pr, value);
    if (wrap) put(pr, ")");
}

// A unit of time or another word; a name that is none of those we know stands in back-ticks.
static void print_symbol(Printer *pr, const AstExpr *expr) {
    Str text = expr->symbol.text;
    if (is_flink(pr) && !expr->symbol.is_name) {
        if (str_is(text, "DAYOFWEEK")) text = STR("DOW");
        if (str_is(text, "DAYOFYEAR")) text = STR("DOY");
        if (str_starts(text, STR("WEEK("))) {
            put(pr, "`WEEK_");
            put_str(pr, str_sub(text, 5, text.len - 6));
            put(pr, "`");
            return;
        }
    }
    if (expr->symbol.is_name) print_ident(pr, (AstIdent){.name = text});
    else put_str(pr, text);
}

// ---- expressions -------------------------------------------------------------------------------

// PI is a function without parentheses, though it looks like a column.
static void print_column(Printer *pr, AstName name) {
    bool pi =
        name.count == 1 && !name.part[0].quoted && str_eq_nocase(name.part[0].name, STR("PI"));
    if (pi && is_flink(pr)) put(pr, "PI");
    else print_name(pr, name);
}

static Strength strength_of(const Printer *pr, const AstExpr *expr) {
    return expr->kind == EX_CALL ? call_strength(pr, expr->call) : (Strength){PREC_ATOM, PREC_ATOM};
}

void print_expr_within(Printer *pr, const AstExpr *expr, int left, int right) {
    Strength own = strength_of(pr, expr);
    bool wrap = left > own.left || (own.right <= right && right != 0);
    // A literal's minus is no operator to the parser, but -1.a and (-1)[2] read otherwise.
    if (wrap) {
        put(pr, "(");
        left = right = 0;
    }
    switch (expr->kind) {
        case EX_LITERAL: print_literal(pr, expr); break;
        case EX_NAME: print_column(pr, expr->name); break;
        case EX_STAR:
            print_name(pr, expr->name);
            put(pr, expr->name.count ? ".*" : "*");
            break;
        case EX_CALL: print_call(pr, expr->call, left, right); break;
        case EX_CASE: print_case(pr, expr); break;
        case EX_CAST:
            put(pr, expr->cast.try_cast ? "TRY_CAST(" : "CAST(");
            print_expr(pr, expr->cast.value);
            put(pr, " AS ");
            print_type(pr, expr->cast.type);
            put(pr, ")");
            break;
        case EX_QUERY:
            if (is_validated(pr)) put(pr, "((");
            print_query_in(pr, expr->query);
            if (is_validated(pr)) put(pr, "))");
            break;
        case EX_SYMBOL: print_symbol(pr, expr); break;
        case EX_TYPE: print_type(pr, expr->type); break;
        case EX_NAMED: print_named(pr, expr); break;
        case EX_TABLE: print_table_argument(pr, expr); break;
        case EX_MODEL:
            put(pr, "MODEL ");
            print_name(pr, expr->name);
            break;
        case EX_DEFAULT: put(pr, "DEFAULT"); break;
        case EX_PARAM: put(pr, "?"); break;
    }
    if (wrap) put(pr, ")");
}

void print_expr(Printer *pr, const AstExpr *expr) { print_expr_within(pr, expr, 0, 0); }

void print_exprs(Printer *pr, AstExprs exprs) {
    for (uint32_t i = 0; i < exprs.count; i++) {
        put_comma(pr, i);
        print_expr(pr, exprs.at[i]);
    }
}

// ---- entry points ------------------------------------------------------------------------------

void sql_print_expr(const AstExpr *expr, SqlStyle style, Buf *out) {
    Printer pr = {.out = out, .style = style};
    print_expr(&pr, expr);
}
