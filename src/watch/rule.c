#include "watch/rule.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "sql/parser.h"

enum { RULE_LEN_MAX = 1000 };

static const char KNOWS[] =
    "a rule is a condition over actual, forecast, low, high and score: numbers,"
    " + - * / %, comparisons, BETWEEN, AND, OR, NOT, IS NULL, ABS";

// ---- what a rule may say -----------------------------------------------------------------------

typedef enum Kind { WRONG, NUMBER, TRUTH } Kind;

typedef enum Op {
    OP_CONSTANT, OP_MEMBER,
    OP_ADD, OP_SUBTRACT, OP_MULTIPLY, OP_DIVIDE, OP_REMAINDER, OP_NEGATE, OP_SAME, OP_ABS,
    OP_EQUAL, OP_DIFFERENT, OP_LESS, OP_AT_MOST, OP_MORE, OP_AT_LEAST, OP_BETWEEN, OP_NOT_BETWEEN,
    OP_IS_NULL, OP_IS_NOT_NULL, OP_AND, OP_OR, OP_NOT,
} Op;

typedef struct Operator {
    const char *name;
    Op op;
    uint32_t args;
    Kind takes, gives;
} Operator;

static const Operator OPERATORS[] = {
    {"+", OP_ADD, 2, NUMBER, NUMBER},
    {"-", OP_SUBTRACT, 2, NUMBER, NUMBER},
    {"*", OP_MULTIPLY, 2, NUMBER, NUMBER},
    {"/", OP_DIVIDE, 2, NUMBER, NUMBER},
    {"%", OP_REMAINDER, 2, NUMBER, NUMBER},
    {"UNARY -", OP_NEGATE, 1, NUMBER, NUMBER},
    {"UNARY +", OP_SAME, 1, NUMBER, NUMBER},
    {"ABS", OP_ABS, 1, NUMBER, NUMBER},
    {"=", OP_EQUAL, 2, NUMBER, TRUTH},
    {"<>", OP_DIFFERENT, 2, NUMBER, TRUTH},
    {"<", OP_LESS, 2, NUMBER, TRUTH},
    {"<=", OP_AT_MOST, 2, NUMBER, TRUTH},
    {">", OP_MORE, 2, NUMBER, TRUTH},
    {">=", OP_AT_LEAST, 2, NUMBER, TRUTH},
    {"BETWEEN ASYMMETRIC", OP_BETWEEN, 3, NUMBER, TRUTH},
    {"NOT BETWEEN ASYMMETRIC", OP_NOT_BETWEEN, 3, NUMBER, TRUTH},
    {"IS NULL", OP_IS_NULL, 1, NUMBER, TRUTH},
    {"IS NOT NULL", OP_IS_NOT_NULL, 1, NUMBER, TRUTH},
    {"AND", OP_AND, 2, TRUTH, TRUTH},
    {"OR", OP_OR, 2, TRUTH, TRUTH},
    {"NOT", OP_NOT, 1, TRUTH, TRUTH},
};
enum { OPERATOR_COUNT = sizeof OPERATORS / sizeof *OPERATORS };

static const struct {
    const char *name;
    size_t at;
} MEMBERS[] = {
    {"actual", offsetof(RulePoint, actual)}, {"value", offsetof(RulePoint, actual)},
    {"forecast", offsetof(RulePoint, forecast)}, {"low", offsetof(RulePoint, low)},
    {"high", offsetof(RulePoint, high)}, {"score", offsetof(RulePoint, score)},
};
enum { MEMBER_COUNT = sizeof MEMBERS / sizeof *MEMBERS };

// What is asked of each point. A truth is 1 or 0, what is not known NAN.
typedef struct Node {
    Op op;
    double number;  // OP_CONSTANT
    size_t member;  // OP_MEMBER: where it is in the point
    struct Node *arg[3];
} Node;

struct WatchRule {
    Arena arena;
    Node *condition;
};

static const Operator *operator_of(const AstCall *call) {
    for (uint32_t i = 0; i < OPERATOR_COUNT; i++) {
        if (str_eq(call->name, str_c(OPERATORS[i].name)) && call->arg.count == OPERATORS[i].args) {
            return &OPERATORS[i];
        }
    }
    return NULL;
}

static Kind wrong(Str text, const AstExpr *expr, const char *what, Error *err) {
    AstSpan span = expr->span;
    uint32_t len = span.to > span.from && span.to <= text.len ? span.to - span.from : 0;
    (void)error_set(err, ST_VALIDATION, "the rule's '" STR_FMT "' %s",
                    STR_ARG(str_sub(text, span.from, len)), what);
    error_hint(err, "%s", KNOWS);
    return WRONG;
}

static Kind make_literal(const AstLiteral *literal, Node *node) {
    *node = (Node){.op = OP_CONSTANT, .number = literal->boolean};
    if (literal->kind == LIT_BOOLEAN) return TRUTH;
    if (literal->kind < LIT_INTEGER || literal->kind > LIT_APPROX) return WRONG;
    if (!str_to_f64(literal->text, &node->number)) node->number = (double)NAN;
    return NUMBER;
}

static Kind make_name(const AstName *name, Node *node) {
    for (uint32_t i = 0; name->count == 1 && i < MEMBER_COUNT; i++) {
        if (!str_eq_nocase(name->part[0].name, str_c(MEMBERS[i].name))) continue;
        *node = (Node){.op = OP_MEMBER, .member = MEMBERS[i].at};
        return NUMBER;
    }
    return WRONG;
}

static Kind make(WatchRule *self, Str text, const AstExpr *expr, Node **out, Error *err) {
    Node *node = *out = ARENA_NEW(&self->arena, Node);
    Kind kind = WRONG;
    if (expr->kind == EX_LITERAL) kind = make_literal(&expr->literal, node);
    if (expr->kind == EX_NAME) kind = make_name(&expr->name, node);
    if (kind != WRONG) return kind;
    const Operator *op = expr->kind == EX_CALL ? operator_of(expr->call) : NULL;
    if (!op) return wrong(text, expr, "is nothing that a rule knows", err);
    node->op = op->op;
    for (uint32_t i = 0; i < op->args; i++) {
        const AstExpr *arg = expr->call->arg.at[i];
        kind = make(self, text, arg, &node->arg[i], err);
        if (kind == WRONG) return WRONG;
        if (kind != op->takes) {
            return wrong(text, arg, kind == NUMBER ? "is a number, not a condition"
                                                   : "is a condition, not a number", err);
        }
    }
    return op->gives;
}

static Status parse(WatchRule *self, Str text, Error *err) {
    AstExpr *expr;
    if (text.len > RULE_LEN_MAX) {
        (void)error_set(err, ST_VALIDATION, "a rule of %u bytes, %d at most", text.len,
                        RULE_LEN_MAX);
        error_hint(err, "%s", KNOWS);
        return ST_VALIDATION;
    }
    Status st = sql_parse_expr(&self->arena, text, &expr, err);
    if (st) {
        error_hint(err, "%s", KNOWS);
        return st;
    }
    Kind kind = make(self, text, expr, &self->condition, err);
    if (kind == NUMBER) (void)wrong(text, expr, "is a number, not a condition", err);
    return kind == TRUTH ? ST_OK : ST_VALIDATION;
}

Status watch_rule_parse(Str text, WatchRule **out, Error *err) {
    WatchRule *self = NEW(WatchRule);
    Status st = parse(self, text, err);
    if (st) {
        watch_rule_free(self);
        return st;
    }
    *out = self;
    return ST_OK;
}

void watch_rule_free(WatchRule *self) {
    if (!self) return;
    arena_clear(&self->arena);
    mem_free(self);
}

// ---- whether it holds --------------------------------------------------------------------------

// AND and OR of what may be unknown: 0 and 1 decide, whatever the other is.
static double both(const double *arg, double decides) {
    if (arg[0] == decides || arg[1] == decides) return decides;
    return isnan(arg[0]) || isnan(arg[1]) ? (double)NAN : 1 - decides;
}

// Of what is known.
static double apply(Op op, const double *arg) {
    bool between = arg[0] >= arg[1] && arg[0] <= arg[2];
    switch (op) {
        case OP_ADD: return arg[0] + arg[1];
        case OP_SUBTRACT: return arg[0] - arg[1];
        case OP_MULTIPLY: return arg[0] * arg[1];
        case OP_DIVIDE: return arg[1] == 0 ? (double)NAN : arg[0] / arg[1];
        case OP_REMAINDER: return arg[1] == 0 ? (double)NAN : fmod(arg[0], arg[1]);
        case OP_NEGATE: return -arg[0];
        case OP_ABS: return fabs(arg[0]);
        case OP_EQUAL: return arg[0] == arg[1];
        case OP_DIFFERENT: return arg[0] != arg[1];
        case OP_LESS: return arg[0] < arg[1];
        case OP_AT_MOST: return arg[0] <= arg[1];
        case OP_MORE: return arg[0] > arg[1];
        case OP_AT_LEAST: return arg[0] >= arg[1];
        case OP_BETWEEN: return between;
        case OP_NOT_BETWEEN: return !between;
        case OP_NOT: return 1 - arg[0];
        default: return arg[0];  // UNARY +
    }
}

static double eval(const Node *node, const RulePoint *point) {
    double arg[3] = {0};
    bool unknown = false;
    if (node->op == OP_CONSTANT) return node->number;
    if (node->op == OP_MEMBER) {
        memcpy(arg, (const char *)point + node->member, sizeof *arg);
        return arg[0];
    }
    for (uint32_t i = 0; i < 3 && node->arg[i]; i++) {
        arg[i] = eval(node->arg[i], point);
        unknown |= isnan(arg[i]) != 0;
    }
    switch (node->op) {
        case OP_IS_NULL: return unknown;
        case OP_IS_NOT_NULL: return !unknown;
        case OP_AND: return both(arg, 0);
        case OP_OR: return both(arg, 1);
        default: return unknown ? (double)NAN : apply(node->op, arg);
    }
}

bool watch_rule_holds(const WatchRule *self, const RulePoint *point) {
    return eval(self->condition, point) == 1;
}

// ---- its alarm ---------------------------------------------------------------------------------

RuleEvent watch_rule_push(RuleState *self, bool holds, int64_t ts_ms, int sensitivity) {
    static const uint32_t POINTS[] = {[WATCH_HIGH] = 1, [WATCH_MIDDLE] = 2, [WATCH_LOW] = 5};
    if (holds == self->open) {
        self->in_a_row = 0;
        return RULE_NONE;
    }
    if (!self->in_a_row++ && holds) self->begin_ms = ts_ms;
    if (self->in_a_row < POINTS[sensitivity]) return RULE_NONE;
    if (!holds) return watch_rule_end(self);
    self->in_a_row = 0;
    self->open = true;
    self->number++;
    self->seq = 1;
    self->opened_ms = ts_ms;
    return RULE_OPEN;
}

RuleEvent watch_rule_end(RuleState *self) {
    self->in_a_row = 0;
    if (!self->open) return RULE_NONE;
    self->open = false;
    self->seq++;
    return RULE_CLOSE;
}

void watch_rule_code(Codec *codec, RuleState *self) {
    codec_bool(codec, &self->open);
    codec_u32(codec, &self->in_a_row);
    codec_u64(codec, &self->number);
    codec_i64(codec, &self->seq);
    codec_i64(codec, &self->begin_ms);
    codec_i64(codec, &self->opened_ms);
}
