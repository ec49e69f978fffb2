// ml/weir/weir.c - models of weir's own: their fields, their file, rows in and scores out.
#include "ml/weir/weir.h"

#include <math.h>

#include "base/assert.h"
#include "base/bits.h"
#include "base/hash.h"
#include "type/number.h"

static const char MAGIC[8] = "WEIRMODL";
enum { VERSION = 1, HEAD_SIZE = 8 + 4 + 8, HASH_SIZE = 8 };

typedef struct Kind {
    WeirScore score;  // of one row; NULL: of batches
    void (*codec)(WeirModel *model, Codec *codec);
} Kind;

static const Kind KINDS[WEIR_KINDS_] = {
    [WEIR_TREES] = {NULL, trees_codec},
    [WEIR_LINEAR] = {linear_score, linear_codec},
    [WEIR_CLUSTERS] = {clusters_score, clusters_codec},
    [WEIR_BAYES] = {bayes_score, bayes_codec},
    [WEIR_DENSE] = {dense_score, dense_codec},
    [WEIR_RECURRENT] = {NULL, recurrent_codec},
};

WeirModel *weir_model_new(void) {
    WeirModel *model = NEW(WeirModel);
    arena_init(&model->arena);
    return model;
}

static void weir_free(MlModel *base) {
    WeirModel *model = (WeirModel *)base;
    if (model->kind == WEIR_TREES && model->trees) tree_free(model->trees->ensemble);
    arena_clear(&model->arena);
    mem_free(model);
}

uint32_t weir_width(const Feature *feature, uint32_t features) {
    uint32_t width = 0;
    for (uint32_t f = 0; f < features; f++) {
        width += feature[f].type == ML_TEXT ? feature[f].categories : 1;
    }
    return width;
}

void weir_encode(const Feature *feature, uint32_t features, const double *x, bool standardised,
                 double *out) {
    for (uint32_t f = 0; f < features; f++) {
        const Feature *at = &feature[f];
        if (at->type == ML_TEXT) {
            memset(out, 0, at->categories * sizeof *out);
            if (!isnan(x[f])) out[(uint32_t)x[f]] = 1;
            out += at->categories;
        } else {
            double value = isnan(x[f]) ? at->mean : x[f];
            *out++ = standardised ? (value - at->mean) / at->scale : value;
        }
    }
}

int32_t feature_category(const Feature *feature, Str name) {
    uint32_t low = 0, high = feature->categories;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = str_cmp(feature->category[middle], name);
        if (!order) return (int32_t)middle;
        if (order < 0) low = middle + 1;
        else high = middle;
    }
    return -1;
}

void softmax(double *value, uint32_t count) {
    double most = value[0], sum = 0;
    for (uint32_t i = 1; i < count; i++) most = fmax(most, value[i]);
    for (uint32_t i = 0; i < count; i++) sum += value[i] = exp(value[i] - most);
    for (uint32_t i = 0; i < count; i++) value[i] /= sum;
}

void activate(Activation kind, double *value, uint32_t count) {
    if (kind == ACT_SOFTMAX) softmax(value, count);
    for (uint32_t i = 0; i < count; i++) {
        if (kind == ACT_RELU) value[i] = value[i] > 0 ? value[i] : 0;
        else if (kind == ACT_TANH) value[i] = tanh(value[i]);
        else if (kind == ACT_SIGMOID) value[i] = 1 / (1 + exp(-value[i]));
    }
}

// ---- what it gives

static Str probability_name(WeirModel *model, Str class) {
    return str_printf(&model->arena, "probability(" STR_FMT ")", STR_ARG(class));
}

static MlField *field_put(MlField *field, Str name, MlType type) {
    *field = (MlField){.name = name, .type = type, .width = 1};
    return field + 1;
}

static void make_outputs(WeirModel *model) {
    MlField *field = ARENA_ARRAY(&model->arena, MlField, model->classes + 2), *end = field;
    if (model->task == ML_CLASSIFICATION) {
        end = field_put(end, STR("prediction"), model->label_type);
        for (uint32_t c = 0; c < model->classes; c++) {
            end = field_put(end, probability_name(model, model->class_text[c]), ML_DOUBLE);
        }
    } else if (model->task == ML_CLUSTERING) {
        end = field_put(end, STR("prediction"), ML_INTEGER);
        end = field_put(end, STR("distance"), ML_DOUBLE);
    } else if (model->task == ML_OUTLIERS) {
        end = field_put(end, STR("prediction"), ML_BOOLEAN);
        end = field_put(end, STR("score"), ML_DOUBLE);
    } else {
        end = field_put(end, STR("prediction"), ML_DOUBLE);
        if (model->kind == WEIR_RECURRENT && model->recurrent->horizon > 1) {
            end[-1].width = model->recurrent->horizon;
            end[-1].shape = str_printf(&model->arena, "%u", end[-1].width);
        }
    }
    model->base.out = field;
    model->base.out_count = (uint32_t)(end - field);
}

uint32_t weir_scores(const WeirModel *model) {
    if (model->kind == WEIR_CLUSTERS) return model->clusters->clusters;
    if (model->kind == WEIR_RECURRENT) return model->recurrent->horizon;
    if (model->task == ML_OUTLIERS) return 2;  // the score, and whether it is one
    return model->classes ? model->classes : 1;
}

size_t weir_scratch(const WeirModel *model) {
    size_t width = weir_width(model->feature, model->features), units = 0;
    if (model->kind == WEIR_DENSE) {
        for (uint32_t l = 0; l < model->dense->layers; l++) {
            if (model->dense->layer[l].out > units) units = model->dense->layer[l].out;
        }
        return width + 2 * units;
    }
    return width;
}

// ---- predicting

enum { BLOCK_ROWS = 1024 };

// Feature [f] of rows [from, from + rows): the column itself where it can be, else a copy.
static const double *feature_column(const WeirModel *model, const MlColumn *in, uint32_t f,
                                    uint32_t from, uint32_t rows, double *copy) {
    const Feature *feature = &model->feature[f];
    const MlColumn *column = &in[feature->column];
    uint32_t width = model->in[feature->column].width;
    if (feature->type != ML_TEXT && width == 1 && !column->valid) return column->number + from;
    for (uint32_t i = 0; i < rows; i++) {
        size_t row = (size_t)from + i;
        if (column->valid && !bits_get(column->valid, from + i)) {
            copy[i] = NAN;
        } else if (feature->type == ML_TEXT) {
            int32_t category = feature_category(feature, column->text[row]);
            copy[i] = category < 0 ? (double)NAN : category;
        } else {
            copy[i] = column->number[row * width + feature->index];
        }
    }
    return copy;
}

void weir_score(const WeirModel *model, const double *const *x, uint32_t from, uint32_t rows,
                double *out, Arena *scratch) {
    if (model->kind == WEIR_TREES) {
        const double **at = ARENA_ARRAY(scratch, const double *, model->features + 1);
        for (uint32_t f = 0; f < model->features; f++) at[f] = x[f] + from;
        trees_score(model, at, rows, out, scratch);
        return;
    }
    if (model->kind == WEIR_RECURRENT) {
        recurrent_score(model, x, from, rows, out, scratch);
        return;
    }
    double *row = ARENA_ARRAY(scratch, double, model->features + 1);
    double *space = ARENA_ARRAY(scratch, double, weir_scratch(model) + 1);
    uint32_t scores = weir_scores(model);
    for (uint32_t i = 0; i < rows; i++) {
        for (uint32_t f = 0; f < model->features; f++) row[f] = x[f][from + i];
        KINDS[model->kind].score(model, row, out + (size_t)i * scores, space);
    }
}

static uint32_t index_of_most(const double *value, uint32_t count) {
    uint32_t best = 0;
    for (uint32_t i = 1; i < count; i++) {
        if (value[i] > value[best]) best = i;
    }
    return best;
}

static void put_row(const WeirModel *model, const double *score, uint32_t row, MlColumn *out) {
    switch (model->task) {
        case ML_CLASSIFICATION: {
            uint32_t best = index_of_most(score, model->classes);
            if (out[0].text) out[0].text[row] = model->class_text[best];
            if (out[0].number) out[0].number[row] = model->class_number[best];
            for (uint32_t c = 0; c < model->classes; c++) {
                if (out[c + 1].number) out[c + 1].number[row] = score[c];
            }
            break;
        }
        case ML_CLUSTERING: {
            uint32_t best = 0;
            for (uint32_t c = 1; c < model->clusters->clusters; c++) {
                if (score[c] < score[best]) best = c;
            }
            if (out[0].number) out[0].number[row] = best;
            if (out[1].number) out[1].number[row] = score[best];
            break;
        }
        case ML_OUTLIERS:
            if (out[0].number) out[0].number[row] = score[1];
            if (out[1].number) out[1].number[row] = score[0];
            break;
        default: {
            uint32_t width = model->base.out[0].width;
            for (uint32_t i = 0; out[0].number && i < width; i++) {
                out[0].number[(size_t)row * width + i] = score[i];
            }
        }
    }
}

static void make_columns(const WeirModel *model, uint32_t rows, MlColumn *out, Arena *arena) {
    for (uint32_t i = 0; i < model->base.out_count; i++) {
        const MlField *field = &model->base.out[i];
        out[i] = (MlColumn){.skip = out[i].skip};
        if (out[i].skip) continue;
        size_t count = (size_t)rows * field->width;
        if (field->type == ML_TEXT) out[i].text = ARENA_ARRAY(arena, Str, count);
        else out[i].number = ARENA_ARRAY(arena, double, count);
    }
}

void weir_outputs(const WeirModel *model, const double *score, uint32_t rows, MlColumn *out,
                  Arena *arena) {
    uint32_t scores = weir_scores(model);
    make_columns(model, rows, out, arena);
    for (uint32_t i = 0; i < rows; i++) put_row(model, score + (size_t)i * scores, i, out);
}

static Status weir_predict(const MlModel *base, const MlColumn *in, uint32_t rows, MlColumn *out,
                           Arena *arena, Error *err) {
    (void)err;  // a row cannot be wrong
    const WeirModel *model = (const WeirModel *)base;
    uint32_t scores = weir_scores(model), block = rows < BLOCK_ROWS ? rows : BLOCK_ROWS;
    make_columns(model, rows, out, arena);
    Arena scratch = {0};
    arena_init(&scratch);
    for (uint32_t from = 0; from < rows; from += block) {
        uint32_t count = rows - from < block ? rows - from : block;
        arena_reset(&scratch);
        double *copy = arena_alloc(&scratch, ((size_t)model->features * block + 1) * sizeof *copy);
        const double **x = ARENA_ARRAY(&scratch, const double *, model->features + 1);
        double *score = ARENA_ARRAY(&scratch, double, (size_t)count * scores);
        for (uint32_t f = 0; f < model->features; f++) {
            x[f] = feature_column(model, in, f, from, count, copy + (size_t)f * block);
        }
        weir_score(model, x, 0, count, score, &scratch);
        for (uint32_t i = 0; i < count; i++) {
            put_row(model, score + (size_t)i * scores, from + i, out);
        }
    }
    arena_clear(&scratch);
    return ST_OK;
}

static void weir_describe(const MlModel *base, Buf *out) {
    const WeirModel *model = (const WeirModel *)base;
    buf_put_str(out, model->algorithm);
    buf_printf(out, ", %s", ml_task_name(model->task));
    buf_printf(out, ", %u feature%s", model->features, model->features == 1 ? "" : "s");
    if (model->classes) buf_printf(out, ", %u classes", model->classes);
    if (model->kind == WEIR_CLUSTERS) buf_printf(out, ", %u clusters", model->clusters->clusters);
    for (uint32_t l = 0; model->kind == WEIR_DENSE && l < model->dense->layers; l++) {
        buf_printf(out, "%s%u", l ? "-" : ", layers of ", model->dense->layer[l].out);
    }
    if (model->kind == WEIR_RECURRENT) {
        const Recurrent *net = model->recurrent;
        buf_printf(out, ", %u steps of %u, %u units, %u ahead", net->steps, net->step_features,
                   net->cell[0].units, net->horizon);
    }
    if (model->kind == WEIR_TREES) {
        buf_printf(out, ", %u tree%s, %u nodes", model->trees->trees,
                   model->trees->trees == 1 ? "" : "s", model->trees->nodes);
    }
}

// ---- the file

static void field_codec(Codec *codec, MlField *field) {
    int type = (int)field->type;
    codec_str(codec, &field->name);
    codec_kind(codec, &type, ML_TEXT + 1);
    codec_u32(codec, &field->width);
    codec_str(codec, &field->shape);
    field->type = (MlType)type;
    if (!field->width || field->width > WEIR_FEATURES_MAX) codec_fail(codec, "a field's width");
}

static void feature_codec(const WeirModel *model, Codec *codec, Feature *feature) {
    int type = (int)feature->type;
    codec_str(codec, &feature->name);
    codec_kind(codec, &type, ML_TEXT + 1);
    feature->type = (MlType)type;
    codec_u32(codec, &feature->column);
    codec_u32(codec, &feature->index);
    codec_f64(codec, &feature->mean);
    codec_f64(codec, &feature->scale);
    codec_count(codec, &feature->categories, WEIR_CATEGORIES_MAX, 4);
    Str *category = codec_room(codec, feature->categories, sizeof *category, 4);
    if (category) feature->category = category;
    for (uint32_t i = 0; i < feature->categories && !codec->failed; i++) {
        codec_str(codec, &feature->category[i]);
    }
    if (codec->failed) return;
    const MlField *field = feature->column < model->in_count ? &model->in[feature->column] : NULL;
    if (!field || feature->index >= field->width || (field->type == ML_TEXT) != (type == ML_TEXT)) {
        codec_fail(codec, "a feature is of no field");
    }
}

static void class_codec(const WeirModel *model, Codec *codec, uint32_t i) {
    codec_str(codec, &model->class_text[i]);
    codec_f64(codec, &model->class_number[i]);
}

void weir_model_codec(WeirModel *model, Codec *codec) {
    int kind = (int)model->kind, task = (int)model->task, type = (int)model->label_type;
    codec_kind(codec, &kind, WEIR_KINDS_);
    codec_kind(codec, &task, ML_TASKS_);
    codec_str(codec, &model->algorithm);
    codec_count(codec, &model->in_count, WEIR_FEATURES_MAX, 13);
    MlField *field = codec_room(codec, model->in_count, sizeof *field, 13);
    if (field) model->in = field;
    for (uint32_t i = 0; i < model->in_count && !codec->failed; i++) {
        field_codec(codec, &model->in[i]);
    }
    codec_count(codec, &model->features, WEIR_FEATURES_MAX, 33);
    Feature *feature = codec_room(codec, model->features, sizeof *feature, 33);
    if (feature) model->feature = feature;
    for (uint32_t i = 0; i < model->features && !codec->failed; i++) {
        feature_codec(model, codec, &model->feature[i]);
    }
    codec_str(codec, &model->label);
    codec_kind(codec, &type, ML_TEXT + 1);
    codec_count(codec, &model->classes, WEIR_CLASSES_MAX, 12);
    if (codec_reads(codec)) {
        model->class_text = codec_room(codec, model->classes, sizeof(Str), 12);
        model->class_number = codec_room(codec, model->classes, sizeof(double), 12);
    }
    for (uint32_t i = 0; i < model->classes && !codec->failed; i++) class_codec(model, codec, i);
    model->kind = (WeirKind)kind;
    model->task = (MlTask)task;
    model->label_type = (MlType)type;
    if ((model->task == ML_CLASSIFICATION) != (model->classes > 0)) {
        codec_fail(codec, "the classes do not go with the task");
    }
    if ((model->task == ML_CLUSTERING) != (model->kind == WEIR_CLUSTERS)) {
        codec_fail(codec, "the kind of model does not go with the task");
    }
    if (!codec->failed && !KINDS[model->kind].codec) codec_fail(codec, "an unknown kind of model");
    if (!codec->failed) KINDS[model->kind].codec(model, codec);
}

static Status weir_save(const MlModel *base, Buf *out, Error *err) {
    size_t start = out->len;
    Codec codec = {.out = out, .what = "the model"};
    uint32_t version = VERSION;
    uint64_t size = 0;
    buf_put(out, MAGIC, sizeof MAGIC);
    codec_u32(&codec, &version);
    codec_u64(&codec, &size);
    // Writing changes nothing of the model.
    weir_model_codec((WeirModel *)(uintptr_t)base, &codec);
    Buf head = {0};
    Codec late = {.out = &head};
    size = out->len - start - HEAD_SIZE;
    codec_u64(&late, &size);
    memcpy(out->ptr + start + 12, head.ptr, 8);
    buf_free(&head);
    uint64_t hash = hash_bytes(out->ptr + start, out->len - start, 0);
    codec_u64(&codec, &hash);
    return codec_end(&codec, err);
}

static const MlModelVt WEIR_VT = {
    .format = "weir",
    .predict = weir_predict,
    .save = weir_save,
    .describe = weir_describe,
    .free = weir_free,
};

Status weir_model_finish(WeirModel *model, Error *err) {
    model->base.vt = &WEIR_VT;
    model->base.in = model->in;
    model->base.in_count = model->in_count;
    make_outputs(model);
    model->base.bytes = model->arena.bytes + sizeof *model;
    if (model->kind != WEIR_TREES || !model->trees) return ST_OK;
    TRY(trees_finish(model, err));
    model->base.bytes += tree_bytes(model->trees->ensemble);
    return ST_OK;
}

const WeirModel *weir_model_of(const MlModel *model) {
    return model->vt == &WEIR_VT ? (const WeirModel *)model : NULL;
}

static bool weir_matches(Str path, Str bytes) {
    (void)path;
    return bytes.len >= sizeof MAGIC && memcmp(bytes.ptr, MAGIC, sizeof MAGIC) == 0;
}

static Status weir_load(Str path, Str bytes, MlModel **out, Error *err) {
    *out = NULL;
    if (!weir_matches(path, bytes) || bytes.len < HEAD_SIZE + HASH_SIZE) {
        return error_set(err, ST_VALIDATION, STR_FMT ": not a model of weir", STR_ARG(path));
    }
    Codec codec = {.in = str_sub(bytes, 8, bytes.len), .what = "the model"};
    uint32_t version;
    uint64_t size, hash;
    codec_u32(&codec, &version);
    codec_u64(&codec, &size);
    if (version != VERSION) {
        return error_set(err, ST_UNSUPPORTED, STR_FMT ": written by another weir: version %u",
                         STR_ARG(path), version);
    }
    Codec tail = {.in = str_sub(bytes, bytes.len - HASH_SIZE, HASH_SIZE)};
    codec_u64(&tail, &hash);
    if (size != bytes.len - HEAD_SIZE - HASH_SIZE ||
        hash != hash_bytes(bytes.ptr, bytes.len - HASH_SIZE, 0)) {
        return error_set(err, ST_VALIDATION, STR_FMT ": cut off or changed: its checksum differs",
                         STR_ARG(path));
    }
    WeirModel *model = weir_model_new();
    codec.in = str_sub(bytes, HEAD_SIZE, (uint32_t)size);
    codec.arena = &model->arena;
    weir_model_codec(model, &codec);
    Status st = codec_end(&codec, err);
    if (!st) st = weir_model_finish(model, err);
    if (st) {
        weir_free(&model->base);
        error_while(err, "reading " STR_FMT, STR_ARG(path));
        return st;
    }
    *out = &model->base;
    return ST_OK;
}

const MlFormat WEIR_FORMAT = {.name = "weir", .matches = weir_matches, .load = weir_load};
