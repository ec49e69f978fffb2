// ml/onnx/ops_ml.c - the operators of ai.onnx.ml: what prepares features, here, and models
// (ml_*.c).
#include <math.h>
#include <stdlib.h>

#include "ml/graph/kernels.h"
#include "ml/onnx/ml_int.h"
#include "ml/onnx/onnx_int.h"
#include "ml/onnx/scores.h"

// --- Columns of numbers ---

// A vector of one value for all columns, or one a column.
typedef struct ColumnParams {
    const float *a, *b;
    uint32_t a_count, b_count;
    double threshold;
    int32_t kind;
} ColumnParams;

static double of_column(const float *list, uint32_t count, int64_t column, double otherwise) {
    if (!count) return otherwise;
    return (double)list[count == 1 ? 0 : column];
}

static Status fits(uint32_t count, int64_t columns, Error *err) {
    if (count < 2 || count == columns) return ST_OK;
    return error_set(err, ST_RUNTIME, "%u values for %lld columns", count, (long long)columns);
}

static Status scaler(Setup *s, Error *err) {
    ColumnParams *params = SETUP_PARAMS(s, ColumnParams);
    params->a = setup_floats(s, "offset", &params->a_count);
    params->b = setup_floats(s, "scale", &params->b_count);
    return ST_OK;
}

static Status scaler_run(const Call *call, Error *err) {
    const ColumnParams *params = call->params;
    const Tensor *in = call->in[0];
    int64_t rows, columns;
    TRY(table_of(call, 0, &rows, &columns, err));
    TRY(fits(params->a_count, columns, err));
    TRY(fits(params->b_count, columns, err));
    TRY(call_like(call, 0, TENSOR_F32, in, err));
    for (int64_t i = 0; i < in->count; i++) {
        double x = tensor_number(in, i) - of_column(params->a, params->a_count, i % columns, 0);
        tensor_f32(&call->out[0])[i] =
            (float)(x * of_column(params->b, params->b_count, i % columns, 1));
    }
    return ST_OK;
}

enum { NORM_MAX, NORM_L1, NORM_L2 };

static Status normalizer(Setup *s, Error *err) {
    ColumnParams *params = SETUP_PARAMS(s, ColumnParams);
    Str kind = setup_str(s, "norm", "MAX");
    params->kind = str_is(kind, "L1") ? NORM_L1 : str_is(kind, "L2") ? NORM_L2 : NORM_MAX;
    return ST_OK;
}

static Status normalizer_run(const Call *call, Error *err) {
    const ColumnParams *params = call->params;
    const Tensor *in = call->in[0];
    int64_t rows, columns;
    TRY(table_of(call, 0, &rows, &columns, err));
    TRY(call_like(call, 0, TENSOR_F32, in, err));
    for (int64_t row = 0; row < rows; row++) {
        double norm = params->kind == NORM_MAX ? -INFINITY : 0;
        for (int64_t i = row * columns; i < (row + 1) * columns; i++) {
            double x = tensor_number(in, i);
            if (params->kind == NORM_MAX) norm = fmax(norm, x);
            else norm += params->kind == NORM_L1 ? fabs(x) : x * x;
        }
        if (params->kind == NORM_L2) norm = sqrt(norm);
        for (int64_t i = row * columns; i < (row + 1) * columns; i++) {
            double x = tensor_number(in, i);
            tensor_f32(&call->out[0])[i] = (float)(norm != 0 ? x / norm : x);
        }
    }
    return ST_OK;
}

static Status binarizer(Setup *s, Error *err) {
    ColumnParams *params = SETUP_PARAMS(s, ColumnParams);
    params->threshold = setup_float(s, "threshold", 0);
    return ST_OK;
}

static Status binarizer_run(const Call *call, Error *err) {
    const ColumnParams *params = call->params;
    const Tensor *in = call->in[0];
    TRY(call_want_number(call, 0, err));
    TRY(call_like(call, 0, in->type, in, err));
    for (int64_t i = 0; i < in->count; i++) {
        tensor_put_number(&call->out[0], i, tensor_number(in, i) > params->threshold);
    }
    return ST_OK;
}

static Status imputer(Setup *s, Error *err) {
    ColumnParams *params = SETUP_PARAMS(s, ColumnParams);
    params->a = setup_floats(s, "imputed_value_floats", &params->a_count);
    params->threshold = setup_float(s, "replaced_value_float", 0);
    uint32_t count;
    const int64_t *list = setup_ints(s, "imputed_value_int64s", &count);
    if (params->a_count || !count) return ST_OK;
    float *copy = ARENA_ARRAY(s->arena, float, count);
    for (uint32_t i = 0; i < count; i++) copy[i] = (float)list[i];
    params->a = copy;
    params->a_count = count;
    params->threshold = (double)setup_int(s, "replaced_value_int64", 0);
    return ST_OK;
}

static Status imputer_run(const Call *call, Error *err) {
    const ColumnParams *params = call->params;
    const Tensor *in = call->in[0];
    int64_t rows, columns;
    TRY(table_of(call, 0, &rows, &columns, err));
    TRY(fits(params->a_count, columns, err));
    TRY(call_like(call, 0, in->type, in, err));
    for (int64_t i = 0; i < in->count; i++) {
        double x = tensor_number(in, i);
        bool replaced = isnan(params->threshold) ? isnan(x) : x == params->threshold;
        tensor_put_number(&call->out[0], i,
                          replaced ? of_column(params->a, params->a_count, i % columns, x) : x);
    }
    return ST_OK;
}

// The inputs' columns beside one another.
static Status vectorizer_run(const Call *call, Error *err) {
    int64_t rows = -1, columns = 0;
    for (uint32_t i = 0; i < call->in_count; i++) {
        int64_t r, c;
        if (!call->in[i]) return error_set(err, ST_RUNTIME, "input %u has no value", i + 1);
        TRY(table_of(call, i, &r, &c, err));
        if (rows >= 0 && r != rows) return call_misfit(call->in[0], call->in[i], err);
        rows = r;
        columns += c;
    }
    int64_t dim[2] = {rows, columns}, at = 0;
    TRY(call_new(call, 0, TENSOR_F32, 2, dim, err));
    for (uint32_t i = 0; i < call->in_count; i++) {
        int64_t r, c;
        TRY(table_of(call, i, &r, &c, err));
        for (int64_t k = 0; k < r * c; k++) {
            tensor_f32(&call->out[0])[k / c * columns + at + k % c] =
                (float)tensor_number(call->in[i], k);
        }
        at += c;
    }
    return ST_OK;
}

// Columns picked by number, of the last dimension.
static Status extractor_run(const Call *call, Error *err) {
    const Tensor *in = call->in[0], *which = call->in[1];
    if (!tensor_is_int(which->type) || !in->rank || in->type == TENSOR_LIST) {
        return call_no_type(which, err);
    }
    int64_t width = in->dim[in->rank - 1], rows = tensor_span(in, 0, in->rank - 1);
    int64_t dim[TENSOR_RANK_MAX];
    memcpy(dim, in->dim, sizeof dim);
    uint32_t rank = in->rank;
    if (rank == 1) dim[0] = 1, rank = 2;
    dim[rank - 1] = which->count;
    TRY(call_new(call, 0, in->type, rank, dim, err));
    size_t size = tensor_size(in->type);
    char *to = call->out[0].data;
    for (int64_t row = 0; row < rows; row++) {
        for (int64_t i = 0; i < which->count; i++, to += size) {
            int64_t at = tensor_integer(which, i);
            if (at < 0) at += width;  // from the back
            if (at < 0 || at >= width) return error_set(err, ST_RUNTIME, "column %lld of %lld",
                                                        (long long)at, (long long)width);
            memcpy(to, (char *)in->data + (size_t)(row * width + at) * size, size);
        }
    }
    return ST_OK;
}

// --- Categories ---

// A table from keys to values, sorted by key.
typedef struct Entry {
    Str text;       // the key, when it is text
    double number;  // else
    uint32_t at;    // of the value
} Entry;

typedef struct EncoderParams {
    Entry *entry;
    uint32_t count;
    bool text_keys;
    TensorType to;
    const double *number;  // values
    const Str *text;
    double other_number;
    Str other_text;
    bool zeros;  // OneHotEncoder: what is no category is a row of zeros, else an error
} EncoderParams;

static int by_entry(const void *a, const void *b) {
    const Entry *x = a, *y = b;
    int order = str_cmp(x->text, y->text);
    if (order) return order;
    if (x->number < y->number) return -1;
    if (x->number > y->number) return 1;
    // NaN behind all, so that it may be a key, too
    return isnan(x->number) - isnan(y->number);
}

static const Entry *find_entry(const EncoderParams *params, const Tensor *in, int64_t i) {
    Entry key = {.text = STR("")};
    if (params->text_keys) key.text = tensor_str(in)[i];
    else key.number = tensor_number(in, i);
    return bsearch(&key, params->entry, params->count, sizeof key, by_entry);
}

// Keys or values: texts, integers, floats, or a tensor of any of those. NULL when there are none.
static bool read_list(const Setup *s, const char *prefix, const Str **text, const double **number,
                      TensorType *type, uint32_t *count) {
    char name[4][32];
    static const char *const KINDS[] = {"strings", "int64s", "floats", "tensor"};
    for (uint32_t i = 0; i < 4; i++) {
        Buf full = {0};
        buf_printf(&full, "%s%s", prefix, KINDS[i]);
        size_t size = full.len < 31 ? full.len : 31;
        memcpy(name[i], full.ptr, size);
        name[i][size] = 0;
        buf_free(&full);
    }
    const Attr *strs = setup_attr(s, name[0]), *ints = setup_attr(s, name[1]);
    const Attr *floats = setup_attr(s, name[2]), *tensor = setup_attr(s, name[3]);
    Tensor t = tensor ? tensor->tensor : (Tensor){0};
    *count = strs && strs->str_count ? strs->str_count
             : ints && ints->int_count ? ints->int_count
             : floats && floats->float_count ? floats->float_count : (uint32_t)t.count;
    if (!*count) return false;
    Str *texts = ARENA_ARRAY(s->arena, Str, *count);
    double *numbers = ARENA_ARRAY(s->arena, double, *count);
    for (uint32_t i = 0; i < *count; i++) {
        if (strs && strs->str_count) texts[i] = str_dup(s->arena, strs->strs[i]);
        else if (ints && ints->int_count) numbers[i] = (double)ints->ints[i];
        else if (floats && floats->float_count) numbers[i] = (double)floats->floats[i];
        else if (t.type == TENSOR_STR) texts[i] = tensor_str(&t)[i];
        else numbers[i] = tensor_number(&t, i);
    }
    *type = strs && strs->str_count ? TENSOR_STR
            : ints && ints->int_count ? TENSOR_I64
            : floats && floats->float_count ? TENSOR_F32 : t.type;
    *text = texts;
    *number = numbers;
    return true;
}

static void fill_entries(Setup *s, EncoderParams *params, const Str *text, const double *number,
                         uint32_t count) {
    params->entry = ARENA_ARRAY(s->arena, Entry, count + 1);
    params->count = count;
    for (uint32_t i = 0; i < count; i++) {
        params->entry[i] = (Entry){params->text_keys ? text[i] : STR(""),
                                   params->text_keys ? 0 : number[i], i};
    }
    qsort(params->entry, count, sizeof(Entry), by_entry);
}

static Status label_encoder(Setup *s, Error *err) {
    EncoderParams *params = SETUP_PARAMS(s, EncoderParams);
    const Str *key_text, *text;
    const double *key_number, *number;
    TensorType keys, to;
    uint32_t count, values;
    const Attr *classes = setup_attr(s, "classes_strings");
    if (classes) {  // opset 1: texts to their places, or back
        uint32_t n = classes->str_count;
        Str *list = ARENA_ARRAY(s->arena, Str, n + 1);
        double *place = ARENA_ARRAY(s->arena, double, n + 1);
        for (uint32_t i = 0; i < n; i++) {
            list[i] = str_dup(s->arena, classes->strs[i]);
            place[i] = i;
        }
        params->text_keys = true;
        params->to = TENSOR_I64;
        params->number = place;
        params->other_number = (double)setup_int(s, "default_int64", -1);
        fill_entries(s, params, list, place, n);
        return ST_OK;
    }
    if (!read_list(s, "keys_", &key_text, &key_number, &keys, &count) ||
        !read_list(s, "values_", &text, &number, &to, &values) || count != values) {
        return error_set(err, ST_VALIDATION, "keys and values are not as many");
    }
    params->text_keys = keys == TENSOR_STR;
    params->to = to;
    params->number = number;
    params->text = text;
    params->other_text = str_dup(s->arena, setup_str(s, "default_string", "_Unused"));
    params->other_number = tensor_is_float(to) ? setup_float(s, "default_float", -0.0)
                                               : (double)setup_int(s, "default_int64", -1);
    const Attr *other = setup_attr(s, "default_tensor");
    if (other && other->tensor.count == 1 && other->tensor.type == TENSOR_STR) {
        params->other_text = tensor_str(&other->tensor)[0];
    } else if (other && other->tensor.count == 1) {
        params->other_number = tensor_number(&other->tensor, 0);
    }
    fill_entries(s, params, key_text, key_number, count);
    return ST_OK;
}

static Status category_mapper(Setup *s, Error *err) {
    EncoderParams *params = SETUP_PARAMS(s, EncoderParams);
    const Attr *texts = setup_attr(s, "cats_strings"), *ints = setup_attr(s, "cats_int64s");
    if (!texts || !ints || texts->str_count != ints->int_count) {
        return error_set(err, ST_VALIDATION, "keys and values are not as many");
    }
    double *number = ARENA_ARRAY(s->arena, double, ints->int_count + 1);
    Str *text = ARENA_ARRAY(s->arena, Str, ints->int_count + 1);
    for (uint32_t i = 0; i < ints->int_count; i++) {
        number[i] = (double)ints->ints[i];
        text[i] = str_dup(s->arena, texts->strs[i]);
    }
    params->text_keys = true;
    params->to = TENSOR_I64;
    params->number = number;
    params->other_number = (double)setup_int(s, "default_int64", -1);
    fill_entries(s, params, text, number, texts->str_count);
    return ST_OK;
}

static Status want_keys(const Call *call, const EncoderParams *params, Error *err) {
    if (params->text_keys) return call_want(call, 0, TENSOR_STR, err);
    return call_want_number(call, 0, err);
}

static Status label_encoder_run(const Call *call, Error *err) {
    const EncoderParams *params = call->params;
    const Tensor *in = call->in[0];
    TRY(want_keys(call, params, err));
    TRY(call_like(call, 0, params->to, in, err));
    for (int64_t i = 0; i < in->count; i++) {
        const Entry *found = find_entry(params, in, i);
        if (params->to == TENSOR_STR) {
            tensor_str(&call->out[0])[i] = found ? params->text[found->at] : params->other_text;
        } else {
            tensor_put_number(&call->out[0], i,
                              found ? params->number[found->at] : params->other_number);
        }
    }
    return ST_OK;
}

static Status one_hot_encoder(Setup *s, Error *err) {
    EncoderParams *params = SETUP_PARAMS(s, EncoderParams);
    Labels labels = labels_of(s, "cats_strings", "cats_int64s");
    double *number = ARENA_ARRAY(s->arena, double, labels.count + 1);
    for (uint32_t i = 0; labels.number && i < labels.count; i++) {
        number[i] = (double)labels.number[i];
    }
    params->text_keys = labels.text != NULL;
    params->zeros = setup_int(s, "zeros", 1) != 0;
    fill_entries(s, params, labels.text, number, labels.count);
    return ST_OK;
}

static Status one_hot_encoder_run(const Call *call, Error *err) {
    const EncoderParams *params = call->params;
    const Tensor *in = call->in[0];
    TRY(want_keys(call, params, err));
    if (in->rank + 1 > TENSOR_RANK_MAX) return call_no_type(in, err);
    int64_t dim[TENSOR_RANK_MAX];
    memcpy(dim, in->dim, in->rank * sizeof *dim);
    dim[in->rank] = params->count;
    TRY(call_new(call, 0, TENSOR_F32, in->rank + 1, dim, err));
    float *out = tensor_f32(&call->out[0]);
    memset(out, 0, (size_t)call->out[0].count * sizeof *out);
    for (int64_t i = 0; i < in->count; i++) {
        const Entry *found = find_entry(params, in, i);
        if (found) out[i * params->count + found->at] = 1;
        else if (!params->zeros) return error_set(err, ST_RUNTIME, "an unknown category");
    }
    return ST_OK;
}

// --- The table ---

// The map of a ZipMap is known by its values: their order is that of the labels.
// clang-format off
const Op ONNX_ML_OPS[] = {
    {"TreeEnsembleClassifier", tree_ensemble_run, tree_classifier_prepare, 0, 1, 1, 0},
    {"TreeEnsembleRegressor", tree_ensemble_run, tree_regressor_prepare, 0, 1, 1, 0},
    {"TreeEnsemble", tree_ensemble_run, tree_ensemble_prepare, 0, 1, 1, 0},
    {"LinearClassifier", linear_classifier_run, linear_prepare, 0, 1, 1, 0},
    {"LinearRegressor", linear_regressor_run, linear_prepare, 0, 1, 1, 0},
    {"SVMClassifier", svm_classifier_run, svm_prepare, 0, 1, 1, 0},
    {"SVMRegressor", svm_regressor_run, svm_prepare, 0, 1, 1, 0},
    {"Scaler", scaler_run, scaler, 0, 1, 1, 0},
    {"Normalizer", normalizer_run, normalizer, 0, 1, 1, 0},
    {"Binarizer", binarizer_run, binarizer, 0, 1, 1, 0},
    {"Imputer", imputer_run, imputer, 0, 1, 1, 0},
    {"FeatureVectorizer", vectorizer_run, NULL, 0, 1, OP_ANY, 0},
    {"ArrayFeatureExtractor", extractor_run, NULL, 0, 2, 2, 0},
    {"LabelEncoder", label_encoder_run, label_encoder, 0, 1, 1, 0},
    {"CategoryMapper", label_encoder_run, category_mapper, 0, 1, 1, 0},
    {"OneHotEncoder", one_hot_encoder_run, one_hot_encoder, 0, 1, 1, 0},
    {"ZipMap", kernel_same, NULL, 0, 1, 1, 0},
    {0},
};
// clang-format on
