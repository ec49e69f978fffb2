// ml/pmml/predicate.c - conditions over fields, in three-valued logic.
#include "ml/pmml/pmml_int.h"

static const char *const OPERATORS[] = {
    "equal", "notEqual", "lessThan", "lessOrEqual", "greaterThan", "greaterOrEqual", "isMissing",
    "isNotMissing", ""};
static const char *const COMPOUNDS[] = {"and", "or", "xor", "surrogate", ""};
static const char *const ELEMENTS[] = {"SimplePredicate", "SimpleSetPredicate", "CompoundPredicate",
                                       "True", "False"};

static bool is_predicate(const Xml *at) {
    for (size_t i = 0; i < sizeof ELEMENTS / sizeof *ELEMENTS; i++) {
        if (xml_is(at, ELEMENTS[i])) return true;
    }
    return false;
}

const Xml *predicate_child(Load *load, const Xml *at) {
    for (const Xml *child = at->first; child; child = child->next) {
        if (is_predicate(child)) return child;
    }
    load_fail(load, at, "its condition is missing");
}

// A text as the field's type has it; one that is none never equals a value of the field. Numbers
// are compared as such even when the field holds integers and the text does not.
static Value operand(Str text, const Field *field) {
    Value value;
    if (field->type.type == PT_NONE) return value_text(text);
    if (value_parse(text, field->type, &value)) return value;
    if (value_parse(text, (DataType){.type = PT_DOUBLE}, &value)) return value;
    return value_text(text);
}

static void simple(Load *load, Model *model, const Xml *at, Predicate *self) {
    self->field = field_find(load, model, need_attr(load, at, "field"), at);
    (void)need_attr(load, at, "operator");
    self->kind = (uint8_t)(PRED_EQUAL + attr_enum(load, at, "operator", OPERATORS, 0));
    if (self->kind == PRED_IS_MISSING || self->kind == PRED_IS_NOT_MISSING) return;
    self->text = need_attr(load, at, "value");
    self->value = operand(self->text, self->field);
}

static void simple_set(Load *load, Model *model, const Xml *at, Predicate *self) {
    static const char *const NAMES[] = {"isIn", "isNotIn", ""};
    self->field = field_find(load, model, need_attr(load, at, "field"), at);
    (void)need_attr(load, at, "booleanOperator");
    self->kind = (uint8_t)(PRED_IN + attr_enum(load, at, "booleanOperator", NAMES, 0));
    Str *text = read_array(load, need_child(load, at, "Array"), &self->parts);
    self->values = ARENA_ARRAY(load->arena, Value, self->parts + 1);
    for (uint32_t i = 0; i < self->parts; i++) self->values[i] = operand(text[i], self->field);
}

static void compound(Load *load, Model *model, const Xml *at, Predicate *self) {
    (void)need_attr(load, at, "booleanOperator");
    self->kind = (uint8_t)(PRED_AND + attr_enum(load, at, "booleanOperator", COMPOUNDS, 0));
    uint32_t count = 0;
    for (const Xml *child = at->first; child; child = child->next) count += is_predicate(child);
    if (count == 0) load_fail(load, at, "it has no parts");
    Predicate *part = ARENA_ARRAY(load->arena, Predicate, count);
    load_deeper(load, at);
    for (const Xml *child = at->first; child; child = child->next) {
        if (is_predicate(child)) part[self->parts++] = *predicate_compile(load, model, child);
    }
    load->depth--;
    self->part = part;
}

const Predicate *predicate_compile(Load *load, Model *model, const Xml *at) {
    Predicate *self = ARENA_NEW(load->arena, Predicate);
    if (xml_is(at, "True")) self->kind = PRED_TRUE;
    else if (xml_is(at, "False")) self->kind = PRED_FALSE;
    else if (xml_is(at, "SimplePredicate")) simple(load, model, at, self);
    else if (xml_is(at, "SimpleSetPredicate")) simple_set(load, model, at, self);
    else compound(load, model, at, self);
    return self;
}

// -- Truth ----------------------------------------------------------------------------------------

// Of a field whose type was not known before, the text is read anew.
static Value operand_for(const Predicate *self, Value value) {
    if (self->field->type.type != PT_NONE || self->value.type != PT_STRING) return self->value;
    Value parsed;
    return value_parse(self->text, (DataType){.type = value.type}, &parsed) ? parsed : self->value;
}

static int compare(Row *row, const Predicate *self, Value value, Value with) {
    if (!field_is_ordered(self->field)) return value_cmp(value, with);
    return value_cmp(field_rank(row, self->field, value), field_rank(row, self->field, with));
}

static Truth in_set(const Predicate *self, Value value) {
    for (uint32_t i = 0; i < self->parts; i++) {
        if (value_eq(self->values[i], value)) return YES;
    }
    return NO;
}

static Truth simple_truth(Row *row, const Predicate *self) {
    Value value = field_value(row, self->field);
    if (self->kind == PRED_IS_MISSING) return is_missing(value) ? YES : NO;
    if (self->kind == PRED_IS_NOT_MISSING) return is_missing(value) ? NO : YES;
    if (is_missing(value)) return UNKNOWN;
    if (self->kind == PRED_IN) return in_set(self, value);
    if (self->kind == PRED_NOT_IN) return in_set(self, value) == YES ? NO : YES;
    Value with = operand_for(self, value);
    if (self->kind == PRED_EQUAL) return value_eq(value, with) ? YES : NO;
    if (self->kind == PRED_NOT_EQUAL) return value_eq(value, with) ? NO : YES;
    int order = compare(row, self, value, with);
    bool yes = self->kind == PRED_LESS            ? order < 0
               : self->kind == PRED_LESS_OR_EQUAL ? order <= 0
               : self->kind == PRED_GREATER       ? order > 0
                                                  : order >= 0;
    return yes ? YES : NO;
}

static Truth both(PredicateKind kind, Truth a, Truth b) {
    switch (kind) {
        case PRED_AND: return a == NO || b == NO ? NO : a == YES && b == YES ? YES : UNKNOWN;
        case PRED_OR: return a == YES || b == YES ? YES : a == NO && b == NO ? NO : UNKNOWN;
        default: return a == UNKNOWN || b == UNKNOWN ? UNKNOWN : a == b ? NO : YES;
    }
}

Truth predicate_truth_noted(Row *row, const Predicate *self, bool *surrogate) {
    switch ((PredicateKind)self->kind) {
        case PRED_TRUE: return YES;
        case PRED_FALSE: return NO;
        case PRED_SURROGATE:
            for (uint32_t i = 0; i < self->parts; i++) {
                Truth truth = predicate_truth(row, &self->part[i]);
                if (truth == UNKNOWN) continue;
                *surrogate |= i > 0;
                return truth;
            }
            return UNKNOWN;
        case PRED_AND:
        case PRED_OR:
        case PRED_XOR: {
            Truth truth = predicate_truth(row, &self->part[0]);
            for (uint32_t i = 1; i < self->parts; i++) {
                truth = both(self->kind, truth, predicate_truth(row, &self->part[i]));
            }
            return truth;
        }
        default: return simple_truth(row, self);
    }
}

Truth predicate_truth(Row *row, const Predicate *self) {
    bool surrogate;
    return predicate_truth_noted(row, self, &surrogate);
}
