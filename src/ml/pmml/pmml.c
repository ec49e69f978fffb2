// ml/pmml/pmml.c - a PMML document as a model: loading it, rows through it.
#include "ml/pmml/pmml.h"

#include <math.h>
#include <stdio.h>

#include "base/bits.h"
#include "ml/pmml/fast.h"
#include "ml/pmml/mining.h"
#include "ml/pmml/regex.h"

enum {
    OUTPUTS_MAX = 4096,
    SNIFF_BYTES = 4096,
    // What a model may take besides its tree of elements: for each byte of the document, and
    // anyhow.
    MODEL_BYTES_EACH = 64,
    MODEL_BYTES_MIN = 64 << 20,
};

// -- Loading --------------------------------------------------------------------------------------

static void collect(Load *load, const Xml *at, const char *element, Map *map) {
    if (!at) return;
    for (const Xml *child = xml_child(at, element); child; child = xml_next(child, element)) {
        Str name = need_attr(load, child, "name");
        if (map_has(map, name)) {
            load_fail(load, child, "'" STR_FMT "' is there twice", STR_ARG(name));
        }
        (void)map_put(map, name, (void *)(uintptr_t)child);
    }
}

static MlType ml_type(DataType type) {
    switch ((PmmlType)type.type) {
        case PT_INTEGER:
        case PT_DAYS:
        case PT_SECONDS:
        case PT_TIME_SECONDS: return ML_INTEGER;
        case PT_FLOAT: return ML_FLOAT;
        case PT_DOUBLE: return ML_DOUBLE;
        case PT_BOOLEAN: return ML_BOOLEAN;
        default: return ML_TEXT;
    }
}

static void list_inputs(Load *load, Pmml *pmml) {
    pmml->in = ARENA_ARRAY(load->arena, MlField, pmml->ins);
    for (uint32_t i = 0; i < pmml->ins; i++) {
        const Xml *data = pmml->input[i];
        DataType type = attr_type(load, data, "dataType");
        // Days since a year may be written as dates.
        MlType ml = type.type >= PT_DAYS ? ML_TEXT : ml_type(type);
        pmml->in[i] = (MlField){.name = xml_attr(data, "name"), .type = ml, .width = 1,
                                .shape = STR(""), .list = i < pmml->lists_count && pmml->lists[i]};
    }
}

static void list_outputs(Load *load, Pmml *pmml) {
    const Model *model = pmml->model;
    const Field **list = ARENA_ARRAY(load->arena, const Field *, OUTPUTS_MAX);
    uint32_t count = 0;
    outputs_list(model, list, &count, OUTPUTS_MAX);
    bool rules = model->function == MINE_ASSOCIATION;
    uint32_t targets = rules && model->target[0].synthetic && count ? 0 : model->targets;
    pmml->out = ARENA_ARRAY(load->arena, MlField, targets + count);
    pmml->output = ARENA_ARRAY(load->arena, const Field *, targets + count);
    for (uint32_t i = 0; i < targets; i++) {
        pmml->out[i] = (MlField){.name = model->target[i].name,
                                 .type = mining_lists(model) ? ML_TEXT
                                                             : ml_type(model->target[i].type),
                                 .width = 1,
                                 .shape = STR("")};
    }
    pmml->outs = targets;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = 0;  // an output of a target's name stands in its place
        while (at < targets && !str_eq(pmml->out[at].name, list[i]->name)) at++;
        if (at == targets) at = pmml->outs++;
        pmml->out[at] = (MlField){.name = list[i]->name, .type = ml_type(list[i]->type), .width = 1,
                                  .shape = STR("")};
        pmml->output[at] = list[i];
    }
}

static void load_document(Load *load, const Xml *root) {
    Pmml *pmml = load->pmml;
    if (!xml_is(root, "PMML")) load_fail(load, root, "a PMML document begins with <PMML>");
    const Xml *transformations = xml_child(root, "TransformationDictionary");
    collect(load, need_child(load, root, "DataDictionary"), "DataField", &load->data_fields);
    collect(load, transformations, "DerivedField", &load->derived);
    collect(load, transformations, "DefineFunction", &load->functions);
    const Xml *model = model_child(root);
    if (!model) {
        for (const Xml *child = root->first; child; child = child->next) {
            if (xml_attr(child, "functionName").ptr)
                load_unsupported(load, child, "this kind of model");
        }
        load_fail(load, root, "there is no model in it");
    }
    pmml->model = model_compile(load, NULL, model);
    list_inputs(load, pmml);
    list_outputs(load, pmml);
    pmml->fast = fast_new(pmml, load->arena);
}

static void free_maps(Load *load) {
    map_clear(&load->data_fields);
    map_clear(&load->derived);
    map_clear(&load->functions);
    for (Model *model = load->models; model; model = model->made_before) {
        map_clear(&model->fields);
        map_clear(&model->functions);
        map_clear(&model->names);
        map_clear(&model->local);
    }
}

static Status compile(Load *load, const Xml *root) {
    int status = setjmp(load->out);
    if (status == 0) load_document(load, root);
    return (Status)status;
}

static void pmml_free(MlModel *base) {
    Pmml *pmml = (Pmml *)base;
    fast_free(pmml->fast);
    regex_free_all(pmml);
    arena_clear(&pmml->arena);
    mem_free(pmml);
}

static void pmml_describe(const MlModel *base, Buf *out) {
    const Pmml *pmml = (const Pmml *)base;
    buf_put_str(out, pmml->model->xml->name);
    buf_printf(out, " for " STR_FMT, STR_ARG(xml_attr(pmml->model->xml, "functionName")));
    uint32_t segments = mining_count(pmml->model);
    if (segments) buf_printf(out, ", %u segments", segments);
}

// -- Rows -----------------------------------------------------------------------------------------

void row_fail(Row *row, const char *fmt, ...) {
    char message[ERROR_MESSAGE_MAX / 2];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    (void)error_set(row->err, ST_RUNTIME, "row %u: %s", row->at + 1, message);
    longjmp(row->out, ST_RUNTIME);
}

static Value target_value(const Pmml *pmml, uint32_t i, const Result *result) {
    Str name = pmml->out[i].name;
    for (const Result *r = result; r; r = r->more) {
        if (r->target.ptr && str_eq(r->target, name)) return r->value;
    }
    return pmml->model->targets == 1 ? result->value : MISSING;
}

static void put_value(Row *row, MlColumn *column, const MlField *field, Value value, Arena *arena) {
    uint32_t at = row->at;
    if (is_missing(value)) {
        bits_clear(column->valid, at);
        if (field->type == ML_TEXT) column->text[at] = (Str){0};
        else column->number[at] = 0;
        return;
    }
    bits_set(column->valid, at);
    if (field->type == ML_TEXT) column->text[at] = str_dup(arena, value_str(value, row->arena));
    else column->number[at] = value_as_number(value);
}

static void row_run(const Pmml *pmml, Row *row, MlColumn *out, Arena *arena) {
    Result result;
    model_run(pmml->model, row, &result);
    for (uint32_t i = 0; i < pmml->outs; i++) {
        if (out[i].skip) continue;
        Value value = pmml->output[i] ? field_value(row, pmml->output[i])
                                      : target_value(pmml, i, &result);
        put_value(row, &out[i], &pmml->out[i], value, arena);
    }
}

static Status row_try(const Pmml *pmml, Row *row, MlColumn *out, Arena *arena) {
    int status = setjmp(row->out);
    if (status == 0) row_run(pmml, row, out, arena);
    return (Status)status;
}

static void row_init(Row *row, const Pmml *pmml, const MlColumn *in, Arena *arena, Arena *scratch) {
    *row = (Row){.pmml = pmml, .in = in, .arena = scratch};
    row->texts = text_caches(pmml, arena);
    row->slot = ARENA_ARRAY(arena, Value, pmml->slots + 1);
    row->stamp = ARENA_ARRAY(arena, uint32_t, pmml->slots + 1);
    row->result = ARENA_ARRAY(arena, const Result *, pmml->results + 1);
    row->result_stamp = ARENA_ARRAY(arena, uint32_t, pmml->results + 1);
}

static void out_columns(const Pmml *pmml, uint32_t rows, MlColumn *out, Arena *arena) {
    for (uint32_t i = 0; i < pmml->outs; i++) {
        out[i] = (MlColumn){.skip = out[i].skip};
        if (out[i].skip) continue;
        out[i].valid = ARENA_ARRAY(arena, uint64_t, BITS_WORDS(rows) + 1);
        if (pmml->out[i].type == ML_TEXT)
            out[i].text = arena_alloc(arena, sizeof(Str) * (rows + 1));
        else out[i].number = arena_alloc(arena, sizeof(double) * (rows + 1));
    }
}

static void row_begin(Row *row, uint32_t at) {
    arena_reset(row->arena);
    row->at = at;
    row->now++;
    row->depth = 0;
    row->steps = 0;
    row->param = NULL;
}

bool row_values(Row *row, uint32_t at, const Field *const *field, uint32_t fields, Value *out) {
    row_begin(row, at);
    if (setjmp(row->out)) return false;
    for (uint32_t i = 0; i < fields; i++) out[i] = field_value(row, field[i]);
    return true;
}

// The rows whose bits are set in [which] (NULL: all), one by one.
static Status rows_run(const Pmml *pmml, Row *row, uint32_t rows, const uint64_t *which,
                       MlColumn *out, Arena *arena) {
    for (uint32_t i = 0; i < rows; i++) {
        if (which && !bits_get(which, i)) continue;
        row_begin(row, i);
        TRY(row_try(pmml, row, out, arena));
    }
    return ST_OK;
}

static Status pmml_predict(const MlModel *base, const MlColumn *in, uint32_t rows, MlColumn *out,
                           Arena *arena, Error *err) {
    const Pmml *pmml = (const Pmml *)base;
    uint64_t *slow = NULL;
    Arena scratch, of_row;
    Row row = {0};
    arena_init(&scratch);
    arena_init(&of_row);
    out_columns(pmml, rows, out, arena);
    if (pmml->fast) {
        bool computes = fast_computes(pmml->fast);
        if (computes) row_init(&row, pmml, in, arena, &of_row);
        slow = ARENA_ARRAY(arena, uint64_t, BITS_WORDS(rows) + 1);
        fast_run(pmml->fast, pmml, in, rows, out, slow, computes ? &row : NULL, &scratch);
    }
    Status st = ST_OK;
    if (!slow || bits_count(slow, rows)) {
        if (!row.slot) row_init(&row, pmml, in, arena, &of_row);
        row.err = err;
        st = rows_run(pmml, &row, rows, slow, out, arena);
    }
    arena_clear(&scratch);
    arena_clear(&of_row);
    return st;
}

// -- The format -----------------------------------------------------------------------------------

static const MlModelVt PMML_VT = {
    .format = "pmml", .predict = pmml_predict, .describe = pmml_describe, .free = pmml_free};

static bool pmml_matches(Str path, Str bytes) {
    if (str_ends(path, STR(".pmml"))) return true;
    return str_find(str_sub(bytes, 0, SNIFF_BYTES), STR("<PMML"), 0) >= 0;
}

static Status pmml_load(Str path, Str bytes, MlModel **out, Error *err) {
    Pmml *pmml = NEW(Pmml);
    arena_init(&pmml->arena);
    Xml *root = NULL;
    Status st = xml_parse(bytes, &pmml->arena, &root, err);
    if (st) {
        error_while(err, "reading " STR_FMT, STR_ARG(path));
    } else {
        Load load = {.pmml = pmml, .arena = &pmml->arena, .path = path, .err = err};
        load.bytes_max =
            pmml->arena.bytes + MODEL_BYTES_MIN + (uint64_t)MODEL_BYTES_EACH * bytes.len;
        st = compile(&load, root);
        free_maps(&load);
    }
    if (st) {
        pmml_free(&pmml->base);
        return st;
    }
    pmml->base = (MlModel){.vt = &PMML_VT,
                           .in = pmml->in,
                           .in_count = pmml->ins,
                           .out = pmml->out,
                           .out_count = pmml->outs,
                           .bytes = pmml->arena.bytes + (pmml->fast ? fast_bytes(pmml->fast) : 0)};
    *out = &pmml->base;
    return ST_OK;
}

const MlFormat PMML_FORMAT = {.name = "pmml", .matches = pmml_matches, .load = pmml_load};
