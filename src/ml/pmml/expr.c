// ml/pmml/expr.c - expressions of derived fields, of functions that the document defines, and of
// outputs.
#include <math.h>
#include <stdlib.h>

#include "ml/pmml/func.h"

typedef enum ExprKind {
    EXPR_CONSTANT, EXPR_FIELD, EXPR_PARAM, EXPR_NORM_CONTINUOUS, EXPR_NORM_DISCRETE,
    EXPR_DISCRETIZE, EXPR_MAP_VALUES, EXPR_APPLY, EXPR_CALL, EXPR_IF, EXPR_TEXT_INDEX,
    EXPR_AGGREGATE,
} ExprKind;

typedef struct Bin {
    Interval interval;
    Value value;
} Bin;

// Rows of a lookup table: row after row the columns asked for, and the answer.
typedef struct Lookup {
    const Expr **key;
    DataType *type;
    Value *cell;   // [rows * keys]
    Value *answer;
    uint32_t keys, rows;
} Lookup;

struct Expr {
    uint8_t kind;
    uint8_t invalid;      // EXPR_APPLY: what becomes of an undefined result
    uint8_t aggregate;
    bool has_missing_to, has_otherwise;
    DataType type;        // of the result; PT_NONE: that of what it is made from
    Value value;          // EXPR_CONSTANT, EXPR_NORM_DISCRETE
    Value missing_to, otherwise;
    const Field *field;
    uint32_t param, args, bins;
    const Expr **arg;
    const Bin *bin;
    const Lookup *lookup;
    const NormContinuous *norm;
    const Builtin *builtin;
    const Function *function;
    const TextIndex *text_index;
};

struct Function {
    Str name;
    DataType type;
    DataType *param_type;
    Str *param;
    uint32_t params;
    bool compiling;
    const Expr *body;
};

static const char *const EXPRESSIONS[] = {
    "Constant",  "FieldRef", "NormContinuous", "NormDiscrete", "Discretize", "MapValues",
    "TextIndex", "Apply",    "Aggregate",      "Lag",          "Error"};

const Xml *expr_child(const Xml *at) {
    for (const Xml *child = at->first; child; child = child->next) {
        for (size_t i = 0; i < sizeof EXPRESSIONS / sizeof *EXPRESSIONS; i++) {
            if (xml_is(child, EXPRESSIONS[i])) return child;
        }
    }
    return NULL;
}

// -- Compiling ------------------------------------------------------------------------------------

static const Expr *compile(Load *load, Model *model, const Function *function, const Xml *at);

static void constant(Load *load, const Xml *at, Expr *self) {
    DataType type = attr_type(load, at, "dataType");
    Str text = at->text;
    if (attr_bool(load, at, "missing", false)) return;
    if (type.type == PT_NONE) self->value = value_guess(text);
    else if (text.len || type.type == PT_STRING) self->value = need_value(load, at, text, type);
    self->type.type = self->value.type;
}

// A field, or a parameter of the function around.
static const Expr *reference(Load *load, Model *model, const Function *function, const Xml *at,
                             Str name) {
    Expr *self = ARENA_NEW(load->arena, Expr);
    for (uint32_t i = 0; function && i < function->params; i++) {
        if (!str_eq(function->param[i], name)) continue;
        self->kind = EXPR_PARAM;
        self->param = i;
        self->type = function->param_type[i];
        return self;
    }
    self->kind = EXPR_FIELD;
    self->field = field_find(load, model, name, at);
    self->type = self->field->type;
    return self;
}

static const Expr *referenced(Load *load, Model *model, const Function *function, const Xml *at,
                              const char *attribute) {
    return reference(load, model, function, at, need_attr(load, at, attribute));
}

static void discretize(Load *load, const Xml *at, Expr *self) {
    if (self->type.type == PT_NONE) self->type.type = PT_STRING;
    Bin *bin = ARENA_ARRAY(load->arena, Bin, xml_count(at, "DiscretizeBin"));
    for (const Xml *b = xml_child(at, "DiscretizeBin"); b; b = xml_next(b, "DiscretizeBin")) {
        bin[self->bins].interval = read_interval(load, need_child(load, b, "Interval"));
        bin[self->bins++].value = need_value(load, b, need_attr(load, b, "binValue"), self->type);
    }
    self->bin = bin;
}

static uint32_t table_rows(const Xml *table) {
    return table ? xml_count(table, "row") : 0;
}

static void map_values(Load *load, Model *model, const Function *function, const Xml *at,
                       Expr *self) {
    Lookup *lookup = ARENA_NEW(load->arena, Lookup);
    uint32_t keys = xml_count(at, "FieldColumnPair");
    const Xml *table = xml_child(at, "InlineTable");
    Str answer = need_column(load, at, "outputColumn");
    Str *column = ARENA_ARRAY(load->arena, Str, keys);
    if (xml_child(at, "TableLocator"))
        load_unsupported(load, at, "a table outside of the document");
    if (self->type.type == PT_NONE) self->type.type = PT_STRING;
    lookup->key = ARENA_ARRAY(load->arena, const Expr *, keys);
    lookup->cell = load_array(load, at, (uint64_t)keys * table_rows(table), sizeof(Value));
    lookup->answer = ARENA_ARRAY(load->arena, Value, table_rows(table));
    for (const Xml *p = xml_child(at, "FieldColumnPair"); p; p = xml_next(p, "FieldColumnPair")) {
        column[lookup->keys] = need_column(load, p, "column");
        lookup->key[lookup->keys++] = referenced(load, model, function, p, "field");
    }
    const Xml *r = table ? xml_child(table, "row") : NULL;
    for (; r; r = xml_next(r, "row")) {
        Value *cell = lookup->cell + (size_t)lookup->rows * keys;
        for (const Xml *c = r->first; c; c = c->next) {
            if (str_eq(c->name, answer))
                lookup->answer[lookup->rows] = need_value(load, c, c->text, self->type);
            for (uint32_t k = 0; k < keys; k++) {
                if (!str_eq(c->name, column[k])) continue;
                if (!value_parse(c->text, lookup->key[k]->type, &cell[k]))
                    cell[k] = value_text(c->text);
            }
        }
        lookup->rows++;
    }
    self->lookup = lookup;
}

static Function *function_find(Load *load, Model *model, Str name, const Xml *at) {
    const Xml *xml = map_get(&load->functions, name);
    if (!xml) load_fail(load, at, "there is no function '" STR_FMT "'", STR_ARG(name));
    Function *self = map_get(&model->functions, name);
    if (self) {
        if (self->compiling)
            load_fail(load, at, "the function '" STR_FMT "' calls itself", STR_ARG(name));
        return self;
    }
    self = ARENA_NEW(load->arena, Function);
    (void)map_put(&model->functions, name, self);
    self->name = name;
    self->type = attr_type(load, xml, "dataType");
    uint32_t count = xml_count(xml, "ParameterField");
    self->param = ARENA_ARRAY(load->arena, Str, count);
    self->param_type = ARENA_ARRAY(load->arena, DataType, count);
    for (const Xml *p = xml_child(xml, "ParameterField"); p; p = xml_next(p, "ParameterField")) {
        self->param_type[self->params] = attr_type(load, p, "dataType");
        self->param[self->params++] = need_attr(load, p, "name");
    }
    const Xml *body = expr_child(xml);
    if (!body) load_fail(load, xml, "a function without an expression");
    self->compiling = true;
    self->body = compile(load, model, self, body);
    self->compiling = false;
    return self;
}

static void apply(Load *load, Model *model, const Function *function, const Xml *at, Expr *self) {
    static const char *const INVALIDS[] = {"returnInvalid", "asIs", "asMissing", ""};
    Str name = need_attr(load, at, "function"), text = xml_attr(at, "mapMissingTo");
    if (text.ptr) self->missing_to = value_guess(text), self->has_missing_to = true;
    text = xml_attr(at, "defaultValue");
    if (text.ptr) self->otherwise = value_guess(text), self->has_otherwise = true;
    self->invalid = (uint8_t)attr_enum(load, at, "invalidValueTreatment", INVALIDS, 0);
    uint32_t count = 0;
    for (const Xml *c = at->first; c; c = c->next) count += !xml_is(c, "Extension");
    self->arg = ARENA_ARRAY(load->arena, const Expr *, count + 1);
    for (const Xml *c = at->first; c; c = c->next) {
        if (!xml_is(c, "Extension")) self->arg[self->args++] = compile(load, model, function, c);
    }
    self->builtin = builtin_find(name);
    uint32_t least, most;
    if (self->builtin) {
        self->kind = str_is(name, "if") ? EXPR_IF : EXPR_APPLY;
        self->type.type = self->builtin->type;
        least = self->builtin->args_min, most = self->builtin->args_max;
    } else {
        self->kind = EXPR_CALL;
        self->function = function_find(load, model, name, at);
        self->type = self->function->type;
        least = most = self->function->params;
    }
    if (self->args < least || (self->args > most && most != 255)) {
        load_fail(load, at, "'" STR_FMT "' does not take %u arguments", STR_ARG(name), self->args);
    }
}

static void aggregate(Load *load, Model *model, const Function *function, const Xml *at,
                      Expr *self) {
    static const char *const NAMES[] = {"count", "sum", "average", "min", "max", "multiset", ""};
    self->arg = ARENA_ARRAY(load->arena, const Expr *, 1);
    self->arg[0] = referenced(load, model, function, at, "field");
    self->aggregate = (uint8_t)attr_enum(load, at, "function", NAMES, 0);
    if (self->aggregate == 5) load_unsupported(load, at, "the function multiset");
    self->type.type = self->aggregate == 0 ? PT_INTEGER : PT_DOUBLE;
}

static void one_of(Load *load, Model *model, const Function *function, const Xml *at, Expr *self) {
    Str text = xml_attr(at, "mapMissingTo"), otherwise = xml_attr(at, "defaultValue");
    self->type = attr_type(load, at, "dataType");
    self->arg = ARENA_ARRAY(load->arena, const Expr *, 1);
    if (xml_is(at, "NormContinuous")) {
        self->kind = EXPR_NORM_CONTINUOUS;
        self->norm = norm_compile(load, NULL, at);
        self->type.type = PT_DOUBLE;
        text = (Str){0};
    } else if (xml_is(at, "NormDiscrete")) {
        self->kind = EXPR_NORM_DISCRETE;
        self->type.type = PT_DOUBLE;
    } else if (xml_is(at, "Discretize")) {
        self->kind = EXPR_DISCRETIZE;
        discretize(load, at, self);
    } else {
        self->kind = EXPR_MAP_VALUES;
        map_values(load, model, function, at, self);
    }
    if (self->kind != EXPR_MAP_VALUES)
        self->arg[0] = referenced(load, model, function, at, "field");
    if (self->kind == EXPR_NORM_DISCRETE) {
        Str value = need_attr(load, at, "value");
        if (!value_parse(value, self->arg[0]->type, &self->value)) self->value = value_text(value);
    }
    if (text.ptr)
        self->missing_to = need_value(load, at, text, self->type), self->has_missing_to = true;
    if (otherwise.ptr) {
        self->otherwise = need_value(load, at, otherwise, self->type);
        self->has_otherwise = true;
    }
}

static const Expr *compile(Load *load, Model *model, const Function *function, const Xml *at) {
    load_deeper(load, at);
    Expr *self = ARENA_NEW(load->arena, Expr);
    if (xml_is(at, "Constant")) constant(load, at, self);
    else if (xml_is(at, "FieldRef")) {
        *self = *referenced(load, model, function, at, "field");
        Str text = xml_attr(at, "mapMissingTo");
        if (text.ptr) self->missing_to = value_text(text), self->has_missing_to = true;
    } else if (xml_is(at, "Apply")) apply(load, model, function, at, self);
    else if (xml_is(at, "TextIndex")) {
        self->kind = EXPR_TEXT_INDEX;
        self->text_index = text_index_compile(load, model, function, at);
    } else if (xml_is(at, "Aggregate")) {
        self->kind = EXPR_AGGREGATE;
        aggregate(load, model, function, at, self);
    } else if (xml_is(at, "Lag")) load_unsupported(load, at, "looking at earlier rows");
    else if (xml_is(at, "NormContinuous") || xml_is(at, "NormDiscrete") ||
             xml_is(at, "Discretize") || xml_is(at, "MapValues")) {
        one_of(load, model, function, at, self);
    } else load_unsupported(load, at, "this expression");
    load->depth--;
    return self;
}

const Expr *expr_compile(Load *load, Model *model, const Function *function, const Xml *at) {
    return compile(load, model, function, at);
}

const Expr *expr_reference(Load *load, Model *model, const Function *function, const Xml *at,
                           const char *attribute) {
    return referenced(load, model, function, at, attribute);
}

DataType expr_type(const Expr *self) {
    if (self->type.type != PT_NONE || self->kind == EXPR_FIELD || self->kind == EXPR_CONSTANT) {
        return self->type;
    }
    if (self->kind == EXPR_CALL) return expr_type(self->function->body);
    if (self->kind != EXPR_APPLY && self->kind != EXPR_IF) return self->type;
    DataType type = {0};
    for (uint32_t i = self->kind == EXPR_IF ? 1 : 0; i < self->args; i++) {
        DataType other = expr_type(self->arg[i]);
        if (type.type == PT_NONE || type.type == other.type) type = other;
        else if (type_is_number(type.type) && type_is_number(other.type)) type.type = PT_DOUBLE;
        else if (other.type != PT_NONE) return (DataType){0};
    }
    return type;
}

// -- Values ---------------------------------------------------------------------------------------

static Value call(Row *row, const Expr *self) {
    const Function *function = self->function;
    Value *param = ROW_ARRAY(row, Value, self->args + 1);
    for (uint32_t i = 0; i < self->args; i++) {
        Value value = expr_value(row, self->arg[i]);
        if (is_missing(value) && self->has_missing_to) return self->missing_to;
        if (!value_cast(value, function->param_type[i], row->arena, &param[i])) {
            row_fail(row, "function '" STR_FMT "': '" STR_FMT "' is not of the type of %u",
                     STR_ARG(function->name), STR_ARG(value_str(value, row->arena)), i + 1);
        }
    }
    const Value *before = row->param;
    row->param = param;
    Value value = expr_value(row, function->body), cast;
    row->param = before;
    if (!value_cast(value, function->type, row->arena, &cast)) {
        row_fail(row, "function '" STR_FMT "': '" STR_FMT "' is not of its type",
                 STR_ARG(function->name), STR_ARG(value_str(value, row->arena)));
    }
    return cast;
}

// Values of an ordinal field stand in the order in which it lists them, whatever their texts.
static void rank(Row *row, const Expr *self, Value *arg) {
    for (uint32_t i = 0; i < 2; i++) {
        const Expr *one = self->arg[i];
        if (one->kind != EXPR_FIELD || !field_is_ordered(one->field)) continue;
        arg[0] = field_rank(row, one->field, arg[0]);
        arg[1] = field_rank(row, one->field, arg[1]);
        return;
    }
}

static Value builtin(Row *row, const Expr *self) {
    const Builtin *function = self->builtin;
    Value few[4], *arg = self->args <= 4 ? few : ROW_ARRAY(row, Value, self->args);
    bool missing = false;
    for (uint32_t i = 0; i < self->args; i++) {
        arg[i] = expr_value(row, self->arg[i]);
        if (is_missing(arg[i]) && self->has_missing_to) return self->missing_to;
        missing |= is_missing(arg[i]);
    }
    if (missing && !function->takes_missing) return MISSING;
    if (function->orders) rank(row, self, arg);
    return function->call(row, function, arg, self->args);
}

static Value choose(Row *row, const Expr *self) {
    Value flag = expr_value(row, self->arg[0]);
    if (is_missing(flag)) return self->has_missing_to ? self->missing_to : MISSING;
    uint32_t arm = value_as_number(flag) != 0 &&
                           (flag.type != PT_STRING || str_eq_nocase(flag.text, STR("true")))
                       ? 1
                       : 2;
    if (arm >= self->args) return MISSING;
    Value value = expr_value(row, self->arg[arm]);
    return is_missing(value) && self->has_missing_to ? self->missing_to : value;
}

static Value applied(Row *row, const Expr *self) {
    Value value = self->kind == EXPR_CALL ? call(row, self)
                  : self->kind == EXPR_IF ? choose(row, self) : builtin(row, self);
    if (is_missing(value)) return self->has_otherwise ? self->otherwise : MISSING;
    bool invalid = value.invalid || (value.type != PT_STRING && !value.list && isnan(value.number));
    if (!invalid || self->invalid == 1) return value;
    if (self->invalid == 2) return self->has_otherwise ? self->otherwise : MISSING;
    row_fail(row, "function '%s' has no valid result",
             self->builtin ? self->builtin->name : str_cstr(row->arena, self->function->name));
}

static Value look_up(Row *row, const Expr *self) {
    const Lookup *lookup = self->lookup;
    Value few[4], *key = lookup->keys <= 4 ? few : ROW_ARRAY(row, Value, lookup->keys);
    for (uint32_t k = 0; k < lookup->keys; k++) {
        key[k] = expr_value(row, lookup->key[k]);
        if (is_missing(key[k])) return self->has_missing_to ? self->missing_to : MISSING;
    }
    for (uint32_t r = 0; r < lookup->rows; r++) {
        const Value *cell = lookup->cell + (size_t)r * lookup->keys;
        uint32_t k = 0;
        while (k < lookup->keys && value_eq(cell[k], key[k])) k++;
        if (k == lookup->keys) return lookup->answer[r];
    }
    return self->has_otherwise ? self->otherwise : MISSING;
}

static Value of_one(Row *row, const Expr *self) {
    Value value = expr_value(row, self->arg[0]);
    if (is_missing(value) && self->has_missing_to) return self->missing_to;
    if (self->kind == EXPR_NORM_CONTINUOUS) {
        double x = is_missing(value) ? (double)NAN : value_as_number(value);
        x = norm_value(self->norm, x);
        return isnan(x) ? MISSING : value_double(x);
    }
    if (is_missing(value)) return MISSING;
    if (self->kind == EXPR_NORM_DISCRETE) return value_double(value_eq(value, self->value));
    double x = value_as_number(value);
    for (uint32_t i = self->bins; i > 0; i--) {  // where bins overlap, the later one holds
        if (interval_has(&self->bin[i - 1].interval, x)) return self->bin[i - 1].value;
    }
    return self->has_otherwise ? self->otherwise : MISSING;
}

static Value aggregated(Row *row, const Expr *self) {
    Value one = expr_value(row, self->arg[0]), list = one;
    if (is_missing(list)) return MISSING;
    if (!list.list) list = (Value){.list = true, .items = 1, .item = &one};
    double sum = 0, least = INFINITY, most = -INFINITY;
    uint32_t count = 0;
    for (uint32_t i = 0; i < list.items; i++) {
        if (is_missing(list.item[i])) continue;
        double x = value_as_number(list.item[i]);
        count++, sum += x, least = fmin(least, x), most = fmax(most, x);
    }
    if (self->aggregate == 0) return value_number(count, PT_INTEGER);
    if (count == 0) return MISSING;
    return value_double(self->aggregate == 1 ? sum : self->aggregate == 2 ? sum / count
                        : self->aggregate == 3 ? least : most);
}

static Value value_of(Row *row, const Expr *self) {
    Value value = MISSING;
    switch ((ExprKind)self->kind) {
        case EXPR_CONSTANT: return self->value;
        case EXPR_FIELD: value = field_value(row, self->field); break;
        case EXPR_PARAM: value = row->param[self->param]; break;
        case EXPR_NORM_CONTINUOUS:
        case EXPR_NORM_DISCRETE:
        case EXPR_DISCRETIZE: return of_one(row, self);
        case EXPR_MAP_VALUES: return look_up(row, self);
        case EXPR_APPLY:
        case EXPR_CALL:
        case EXPR_IF: return applied(row, self);
        case EXPR_TEXT_INDEX: return text_index_value(row, self->text_index);
        case EXPR_AGGREGATE: return aggregated(row, self);
    }
    return is_missing(value) && self->has_missing_to ? self->missing_to : value;
}

Value expr_value(Row *row, const Expr *self) {
    if (++row->depth > ROW_DEPTH_MAX) row_fail(row, "expressions are nested too deep");
    if (++row->steps > ROW_STEPS_MAX) row_fail(row, "the model takes too long for one row");
    if (row->arena->bytes > ROW_BYTES_MAX)
        row_fail(row, "the model takes too much memory for one row");
    Value value = value_of(row, self);
    row->depth--;
    return value;
}
