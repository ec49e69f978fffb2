// ml/pmml/field.c - fields: what a name means in a model, and what becomes of a value on its way
// in.
//
// A model sees the fields of its mining schema, its local derived fields, the document's derived
// fields, and outputs. A segment's mining schema takes values from the model around; what it says
// about missing, invalid and outlying values is done again then. A derived field of the document is
// worked out in the outermost model that sees the same values.
#include <math.h>

#include "base/bits.h"
#include "ml/pmml/pmml_int.h"

enum { MISSING_AS_IS, MISSING_RETURN_INVALID };
enum { INVALID_RETURN, INVALID_AS_IS, INVALID_AS_MISSING, INVALID_AS_VALUE };
enum { OUTLIER_AS_IS, OUTLIER_AS_MISSING, OUTLIER_AS_EXTREME };

// -- What the document says -----------------------------------------------------------------------

Domain *domain_compile(Load *load, const Xml *at, DataType type) {
    uint32_t values = xml_count(at, "Value"), intervals = xml_count(at, "Interval");
    if (values + intervals == 0) return NULL;
    Domain *self = ARENA_NEW(load->arena, Domain);
    self->valid = ARENA_ARRAY(load->arena, Value, values);
    self->display = ARENA_ARRAY(load->arena, Str, values);
    self->invalid = ARENA_ARRAY(load->arena, Str, values);
    self->missing = ARENA_ARRAY(load->arena, Str, values);
    self->interval = ARENA_ARRAY(load->arena, Interval, intervals);
    for (const Xml *value = xml_child(at, "Value"); value; value = xml_next(value, "Value")) {
        Str text = need_attr(load, value, "value"), property = xml_attr(value, "property");
        if (str_is(property, "missing")) self->missing[self->missings++] = text;
        else if (str_is(property, "invalid")) self->invalid[self->invalids++] = text;
        else {
            self->display[self->valids] = xml_attr(value, "displayValue");
            self->valid[self->valids++] = need_value(load, value, text, type);
        }
    }
    for (const Xml *i = xml_child(at, "Interval"); i; i = xml_next(i, "Interval")) {
        self->interval[self->intervals++] = read_interval(load, i);
    }
    return self;
}

static const Treatment *treatment_compile(Load *load, const Xml *at, DataType type) {
    static const char *const MISSINGS[] = {"asIs", "returnInvalid", "asMean", "asMode", "asMedian",
                                           "asValue", "x-returnInvalid", ""};
    static const char *const INVALIDS[] = {"returnInvalid", "asIs", "asMissing", "asValue", ""};
    static const char *const OUTLIERS[] = {"asIs", "asMissingValues", "asExtremeValues", ""};
    Treatment *self = ARENA_NEW(load->arena, Treatment);
    int missing = attr_enum(load, at, "missingValueTreatment", MISSINGS, MISSING_AS_IS);
    self->missing = missing == 1 || missing == 6 ? MISSING_RETURN_INVALID : MISSING_AS_IS;
    self->invalid = (uint8_t)attr_enum(load, at, "invalidValueTreatment", INVALIDS, INVALID_RETURN);
    self->outlier = (uint8_t)attr_enum(load, at, "outliers", OUTLIERS, OUTLIER_AS_IS);
    self->low = attr_number(load, at, "lowValue", -INFINITY);
    self->high = attr_number(load, at, "highValue", INFINITY);
    Str text = xml_attr(at, "missingValueReplacement");
    if (text.ptr)
        self->replacement = need_value(load, at, text, type), self->has_replacement = true;
    text = xml_attr(at, "invalidValueReplacement");
    if (text.ptr) {
        self->invalid_replacement = need_value(load, at, text, type);
        self->has_invalid_replacement = true;
    }
    self->plain = self->outlier == OUTLIER_AS_IS && !self->has_replacement &&
                  !self->has_invalid_replacement && self->missing == MISSING_AS_IS &&
                  self->invalid <= INVALID_AS_IS;
    return self;
}

static Field *field_new(Load *load, Str name) {
    if (load->pmml->slots == SLOTS_MAX) load_fail(load, NULL, "too many fields");
    Field *field = ARENA_NEW(load->arena, Field);
    field->name = name;
    field->slot = load->pmml->slots++;
    return field;
}

Field *field_declared(Load *load, Str name, DataType type, OpType optype) {
    Field *field = field_new(load, name);
    field->kind = FIELD_DECLARED;
    field->type = type;
    field->optype = (uint8_t)(optype ? optype : op_type_of(type.type));
    return field;
}

static uint32_t input_of(Load *load, const Xml *data) {
    Pmml *pmml = load->pmml;
    for (uint32_t i = 0; i < pmml->ins; i++) {
        if (pmml->input[i] == data) return i;
    }
    if (pmml->ins == pmml->ins_max) {
        uint32_t more = pmml->ins_max ? pmml->ins_max * 2 : 16;
        const Xml **grown = ARENA_ARRAY(load->arena, const Xml *, more);
        if (pmml->ins) memcpy(grown, pmml->input, sizeof *grown * pmml->ins);
        pmml->input = grown;
        pmml->ins_max = more;
    }
    pmml->input[pmml->ins] = data;
    return pmml->ins++;
}

// A field of the data dictionary in the outermost model.
static Field *field_input(Load *load, const Xml *data, const Xml *mining) {
    Field *field = field_new(load, need_attr(load, data, "name"));
    field->kind = FIELD_INPUT;
    field->type = attr_type(load, data, "dataType");
    field->optype = (uint8_t)op_type_parse(
        xml_attr(mining && xml_attr(mining, "optype").ptr ? mining : data, "optype"));
    if (!field->optype) field->optype = (uint8_t)op_type_of(field->type.type);
    field->domain = domain_compile(load, data, field->type);
    field->input = input_of(load, data);
    if (mining) field->treatment = treatment_compile(load, mining, field->type);
    return field;
}

static Field *field_inherited(Load *load, Model *model, Str name, const Xml *mining) {
    Field *from = field_find(load, model->parent, name, mining);
    const Treatment *treatment = treatment_compile(load, mining, from->type);
    if (treatment->plain && !xml_attr(mining, "optype").ptr) return from;
    Field *field = field_new(load, name);
    *field = (Field){.name = name, .slot = field->slot, .kind = FIELD_INHERITED, .from = from,
                     .type = from->type, .optype = from->optype, .treatment = treatment,
                     .domain = from->domain};
    OpType optype = op_type_parse(xml_attr(mining, "optype"));
    if (optype) field->optype = (uint8_t)optype;
    return field;
}

static Field *field_derived(Load *load, Model *model, const Xml *at) {
    Field *field = field_new(load, need_attr(load, at, "name"));
    field->kind = FIELD_DERIVED;
    field->type = attr_type(load, at, "dataType");
    field->optype = (uint8_t)op_type_parse(xml_attr(at, "optype"));
    field->domain = domain_compile(load, at, field->type);
    field->compiling = true;
    (void)map_put(&model->fields, field->name, field);
    const Xml *expr = expr_child(at);
    if (!expr) load_fail(load, at, "a derived field without an expression");
    load_deeper(load, at);
    field->expr = expr_compile(load, model, NULL, expr);
    load->depth--;
    if (field->type.type == PT_NONE) field->type = expr_type(field->expr);
    if (!field->optype) field->optype = (uint8_t)op_type_of(field->type.type);
    field->compiling = false;
    return field;
}

Field *field_find(Load *load, Model *model, Str name, const Xml *at) {
    Field *field = map_get(&model->fields, name);
    if (field && field->compiling) {
        load_fail(load, at, "the field '" STR_FMT "' is derived from itself", STR_ARG(name));
    }
    if (field) return field;
    const Xml *derived = map_get(&model->local, name);
    if (derived) return field_derived(load, model, derived);
    derived = map_get(&load->derived, name);
    if (derived && !(model->parent && model->compatible))
        return field_derived(load, model, derived);
    if (model->parent) return field_find(load, model->parent, name, at);
    const Xml *data = map_get(&load->data_fields, name);
    if (!data) load_fail(load, at, "there is no field '" STR_FMT "'", STR_ARG(name));
    field = field_input(load, data, NULL);
    (void)map_put(&model->fields, name, field);
    return field;
}

Field *field_target(Load *load, Model *model, Str name, const Xml *at) {
    const Xml *schema = xml_child(model->xml, "MiningSchema"),
              *data = map_get(&load->data_fields, name);
    const Xml *m = schema ? xml_child(schema, "MiningField") : NULL;
    while (m && !str_eq(xml_attr(m, "name"), name)) m = xml_next(m, "MiningField");
    if (model->parent || !data || !m || map_has(&model->fields, name))
        return field_find(load, model, name, at);
    Field *field = field_input(load, data, m);
    (void)map_put(&model->fields, name, field);
    return field;
}

static bool is_target(const Xml *mining) {
    Str usage = xml_attr(mining, "usageType");
    return str_is(usage, "target") || str_is(usage, "predicted");
}

static void mining_field(Load *load, Model *model, const Xml *mining) {
    Str name = need_attr(load, mining, "name"), usage = xml_attr(mining, "usageType");
    if (is_target(mining) || str_ends(usage, STR("Weight"))) return;
    if (map_has(&model->fields, name)) load_fail(load, mining, "the field is there twice");
    Field *field;
    if (model->parent) {
        field = field_inherited(load, model, name, mining);
        const Treatment *treatment = treatment_compile(load, mining, field->type);
        if (map_has(&load->data_fields, name) && !treatment->plain) model->compatible = false;
    } else {
        const Xml *data = map_get(&load->data_fields, name);
        if (!data) return;  // a derived one, perhaps; whoever needs it will see
        field = field_input(load, data, mining);
    }
    (void)map_put(&model->fields, name, field);
}

void schema_compile(Load *load, Model *model) {
    model->compatible = true;
    const Xml *schema = need_child(load, model->xml, "MiningSchema");
    for (const Xml *m = xml_child(schema, "MiningField"); m; m = xml_next(m, "MiningField")) {
        mining_field(load, model, m);
    }
    const Xml *local = xml_child(model->xml, "LocalTransformations");
    if (!local) return;
    for (const Xml *d = xml_child(local, "DerivedField"); d; d = xml_next(d, "DerivedField")) {
        Str name = need_attr(load, d, "name");
        if (map_has(&model->local, name)) {
            load_fail(load, d, "the field '" STR_FMT "' is there twice", STR_ARG(name));
        }
        (void)map_put(&model->local, name, (void *)(uintptr_t)d);
    }
}

// -- What becomes of values -----------------------------------------------------------------------

static Value missing_value(Row *row, const Field *field) {
    const Treatment *treatment = field->treatment;
    if (!treatment) return MISSING;
    if (treatment->missing == MISSING_RETURN_INVALID) {
        row_fail(row, "field '" STR_FMT "' must not be missing", STR_ARG(field->name));
    }
    return treatment->has_replacement ? treatment->replacement : MISSING;
}

static Value invalid_value(Row *row, const Field *field, Value value) {
    const Treatment *treatment = field->treatment;
    uint8_t how = treatment ? treatment->invalid : INVALID_RETURN;
    if (how == INVALID_RETURN) {
        row_fail(row, "field '" STR_FMT "' does not take the value '" STR_FMT "'",
                 STR_ARG(field->name), STR_ARG(value_str(value, row->arena)));
    }
    if (how == INVALID_AS_MISSING)
        return treatment->has_replacement ? treatment->replacement : MISSING;
    if (treatment->has_invalid_replacement) return treatment->invalid_replacement;
    value.invalid = true;
    return value;
}

static Value outlier(const Field *field, Value value) {
    const Treatment *treatment = field->treatment;
    double x = value_as_number(value);
    if (!(x < treatment->low) && !(x > treatment->high)) return value;
    if (treatment->outlier == OUTLIER_AS_MISSING) {
        return treatment->has_replacement ? treatment->replacement : MISSING;
    }
    value.number = x < treatment->low ? treatment->low : treatment->high;
    return value;
}

static bool marked(const Str *mark, uint32_t count, const Field *field, Value value, Row *row) {
    for (uint32_t i = 0; i < count; i++) {
        Value parsed;
        if (field->type.type == PT_STRING ? str_eq(mark[i], value.text)
            : !value_parse(mark[i], field->type, &parsed)
                ? isnan(value.number) || str_eq(mark[i], value_str(value, row->arena))
                : parsed.number == value.number || (isnan(parsed.number) && isnan(value.number))) {
            return true;
        }
    }
    return false;
}

static bool allowed(const Domain *domain, Value value) {
    if (domain->valids) {
        for (uint32_t i = 0; i < domain->valids; i++) {
            if (value_eq(domain->valid[i], value)) return true;
        }
        return false;
    }
    if (domain->intervals == 0) return true;
    double x = value_as_number(value);
    for (uint32_t i = 0; i < domain->intervals; i++) {
        if (interval_has(&domain->interval[i], x)) return true;
    }
    return false;
}

bool field_allows(const Field *field, Value value) {
    const Domain *domain = field->domain;
    if (!domain) return true;
    for (uint32_t i = 0; i < domain->missings + domain->invalids; i++) {
        Value mark;
        Str text =
            i < domain->missings ? domain->missing[i] : domain->invalid[i - domain->missings];
        if (value_parse(text, field->type, &mark) && value_eq(mark, value)) return false;
    }
    return allowed(domain, value);
}

bool field_wants_all(const Field *field) {
    return field->treatment && field->treatment->missing == MISSING_RETURN_INVALID;
}

bool field_is_ordered(const Field *field) {
    return field->optype == OP_ORDINAL && field->domain && field->domain->valids;
}

Value field_rank(Row *row, const Field *field, Value value) {
    const Domain *domain = field->domain;
    for (uint32_t i = 0; i < domain->valids; i++) {
        if (value_eq(domain->valid[i], value)) return value_number(i, PT_INTEGER);
    }
    row_fail(row, "field '" STR_FMT "': a value that is not in its order", STR_ARG(field->name));
}

Value field_prepare(Row *row, const Field *field, Value value) {
    if (is_missing(value)) return missing_value(row, field);
    const Domain *domain = field->domain;
    if (domain && domain->missings &&
        marked(domain->missing, domain->missings, field, value, row)) {
        return missing_value(row, field);
    }
    if (value.invalid || (domain && (marked(domain->invalid, domain->invalids, field, value, row) ||
                                     !allowed(domain, value)))) {
        return invalid_value(row, field, value);
    }
    if (field->treatment && field->treatment->outlier != OUTLIER_AS_IS)
        return outlier(field, value);
    return value;
}

static Value prepare_list(Row *row, const Field *field, Value list) {
    Value *item = ROW_ARRAY(row, Value, list.items + 1);
    for (uint32_t i = 0; i < list.items; i++) item[i] = field_prepare(row, field, list.item[i]);
    list.item = item;
    return list;
}

static Value read_one(Row *row, const Field *field, const MlField *in, const MlColumn *column,
                      uint32_t at) {
    Value value = {.type = field->type.type};
    if (in->type == ML_TEXT) {
        if (field->type.type == PT_STRING) {
            value.text = column->text[at];
        } else if (column->text[at].len == 0) {
            return MISSING;  // no date is an empty text
        } else if (!value_parse(column->text[at], field->type, &value)) {
            value = (Value){.type = PT_STRING, .invalid = true, .text = column->text[at]};
        }
        return value;
    }
    value.number = column->number[at] == 0 ? 0 : column->number[at];
    if (field->type.type == PT_FLOAT) value.number = (double)(float)value.number;
    value.invalid = isnan(value.number) ||
                    (field->type.type == PT_INTEGER && value.number != floor(value.number)) ||
                    (field->type.type == PT_BOOLEAN && value.number != 0 && value.number != 1);
    return value;
}

static Value read_input(Row *row, const Field *field) {
    if (!row->in) return MISSING;  // a training record
    const MlField *in = &row->pmml->in[field->input];
    const MlColumn *column = &row->in[field->input];
    if (column->valid && !bits_get(column->valid, row->at)) return MISSING;
    if (!in->list) return read_one(row, field, in, column, row->at);
    uint32_t from = column->offset[row->at], to = column->offset[row->at + 1];
    Value *item = ROW_ARRAY(row, Value, to - from + 1);
    for (uint32_t i = from; i < to; i++) item[i - from] = read_one(row, field, in, column, i);
    return (Value){.type = field->type.type, .list = true, .items = to - from, .item = item};
}

static Value derive(Row *row, const Field *field) {
    if (++row->depth > ROW_DEPTH_MAX) row_fail(row, "fields are derived too deep");
    Value value = expr_value(row, field->expr), cast;
    row->depth--;
    if (!value_cast(value, field->type, row->arena, &cast)) {
        row_fail(row, "derived field '" STR_FMT "': '" STR_FMT "' is not of its type",
                 STR_ARG(field->name), STR_ARG(value_str(value, row->arena)));
    }
    return cast;
}

Value field_value(Row *row, const Field *field) {
    Value *slot = &row->slot[field->slot];
    if (row->stamp[field->slot] == row->now) return *slot;
    Value value = MISSING;
    switch ((FieldKind)field->kind) {
        case FIELD_INPUT:
            value = read_input(row, field);
            value = value.list ? prepare_list(row, field, value) : field_prepare(row, field, value);
            break;
        case FIELD_INHERITED:
            value = field_value(row, field->from);
            value = value.list ? prepare_list(row, field, value) : field_prepare(row, field, value);
            break;
        case FIELD_DERIVED: value = derive(row, field); break;
        case FIELD_DECLARED: return MISSING;  // by a model that has not run
    }
    row->stamp[field->slot] = row->now;
    *slot = value;
    return value;
}

double field_number(Row *row, const Field *field) {
    Value value = field_value(row, field);
    if (is_missing(value)) return (double)NAN;
    double number = value_as_number(value);
    if (isnan(number) && !value.invalid) {
        row_fail(row, "field '" STR_FMT "': '" STR_FMT "' is not a number", STR_ARG(field->name),
                 STR_ARG(value_str(value, row->arena)));
    }
    return number;
}
