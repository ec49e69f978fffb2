// ml/online/online.c - rows in, predictions out, state saved: what all online learners share.
#include "ml/online.h"

#include "base/assert.h"
#include "base/bits.h"
#include "ml/online/online_int.h"

const MlOnlineAlgorithm *const ML_ONLINE_ALGORITHMS[] = {
    &ONLINE_LOGISTIC, &ONLINE_LINEAR, &ONLINE_HOEFFDING_TREE, &ONLINE_ADAPTIVE_FOREST,
    &ONLINE_KMEANS,   &ONLINE_HALF_SPACE, NULL,
};

// clang-format off
static const MlOption COMMON_OPTIONS[] = {
    {"seed", ML_OPTION_INT, "0", 0, 9007199254740991, .doc = "Where chance begins."},
    {"classes", ML_OPTION_TEXT, "",
     .doc = "The classes, with commas between: then each has its `probability(class)`."},
    {"drift-delta", ML_OPTION_DOUBLE, "0.002", 0, 1,
     .doc = "How sure ADWIN must be that predictions became worse; 0: it does not look."},
    {"on-drift", ML_OPTION_CHOICE, "count", .choices = "count reset",
     .doc = "What follows: it is counted, or all is forgotten, too."},
    {0},
};
// clang-format on

const MlOnlineAlgorithm *ml_online_algorithm(Str name) {
    for (const MlOnlineAlgorithm *const *at = ML_ONLINE_ALGORITHMS; *at; at++) {
        if (ml_same_name(name, (*at)->name)) return *at;
    }
    return NULL;
}

static bool is_supervised(MlTask task) {
    return task == ML_CLASSIFICATION || task == ML_REGRESSION;
}

bool ml_online_supervised(const MlOnlineAlgorithm *algorithm) {
    return is_supervised(algorithm->task);
}

const MlOption *ml_online_options(const MlOnlineAlgorithm *algorithm) {
    return algorithm->option;
}

const char *ml_online_name(const MlOnlineAlgorithm *algorithm) {
    return algorithm->name;
}

// ---- making one

static Status no_algorithm(Str name, Error *err) {
    const char *names[16];
    uint32_t count = 0;
    Buf list = {0};
    for (const MlOnlineAlgorithm *const *at = ML_ONLINE_ALGORITHMS; *at; at++) {
        buf_printf(&list, "%s%s", count ? ", " : "", (*at)->name);
        names[count++] = (*at)->name;
    }
    error_set(err, ST_VALIDATION, "there is no online algorithm '" STR_FMT "'", STR_ARG(name));
    const char *nearest = text_nearest(name, names, count);
    if (nearest) error_hint(err, "did you mean '%s'?", nearest);
    else error_hint(err, "known are: %s", buf_cstr(&list));
    buf_free(&list);
    return ST_VALIDATION;
}

static Status check_fields(const MlLearner *self, Error *err) {
    const MlOnlineAlgorithm *algorithm = self->algorithm;
    bool wants = is_supervised(algorithm->task);
    if (self->label >= (int32_t)self->fields || (wants && self->label < 0)) {
        return error_set(err, ST_VALIDATION, "'%s' learns from a label, and no column is one",
                         algorithm->name);
    }
    if (!wants && self->label >= 0) {
        return error_set(err, ST_VALIDATION, "'%s' takes no label", algorithm->name);
    }
    if (!self->inputs) return error_set(err, ST_VALIDATION, "there is no column to learn from");
    for (uint32_t i = 0; i < self->fields; i++) {
        const MlField *field = &self->field[i];
        bool label = (int32_t)i == self->label, text = field->type == ML_TEXT;
        if (field->list || field->width != 1) {
            return error_set(err, ST_VALIDATION, "column '" STR_FMT "' is not one value",
                             STR_ARG(field->name));
        }
        if (text && (label ? algorithm->task == ML_REGRESSION
                           : algorithm->texts == TEXTS_REFUSED)) {
            return error_set(err, ST_VALIDATION, "column '" STR_FMT "': '%s' takes numbers only",
                             STR_ARG(field->name), algorithm->name);
        }
    }
    return ST_OK;
}

static void copy_spec(MlLearner *self, const MlOnlineSpec *spec, const MlField *field,
                      uint32_t fields) {
    self->fields = fields;
    self->label = spec->label;
    self->field = ARENA_ARRAY(&self->arena, MlField, fields);
    self->in = ARENA_ARRAY(&self->arena, MlField, fields + 1);
    for (uint32_t i = 0; i < fields; i++) {
        self->field[i] = field[i];
        self->field[i].name = str_dup(&self->arena, field[i].name);
        self->field[i].shape = str_dup(&self->arena, field[i].shape);
        if ((int32_t)i != spec->label) self->in[self->inputs++] = self->field[i];
    }
    self->settings = spec->setting_count;
    self->setting = ARENA_ARRAY(&self->arena, MlSetting, self->settings + 1);
    for (uint32_t i = 0; i < self->settings; i++) {
        self->setting[i].key = str_dup(&self->arena, spec->setting[i].key);
        self->setting[i].value = str_dup(&self->arena, spec->setting[i].value);
    }
}

static uint32_t new_name(Map *map, Str name) {
    map_put(map, name, (void *)(uintptr_t)(map->count + 1));
    return map->count - 1;
}

// The number of a name, from 0; -1: it is new.
static int64_t name_number(const Map *map, Str name) {
    return (int64_t)(uintptr_t)map_get(map, name) - 1;
}

static Status list_classes(MlLearner *self, Error *err) {
    Str rest = options_text(&self->options, "classes");
    while (rest.len) {
        int64_t comma = str_find(rest, STR(","), 0);
        Str name = str_trim(str_sub(rest, 0, comma < 0 ? rest.len : (uint32_t)comma));
        rest = comma < 0 ? STR("") : str_sub(rest, (uint32_t)comma + 1, rest.len);
        if (!name.len || map_has(&self->classes, name) ||
            self->classes.count == ONLINE_CLASSES_MAX) {
            return error_set(err, ST_VALIDATION, "option 'classes': '" STR_FMT "' stands wrongly",
                             STR_ARG(name));
        }
        new_name(&self->classes, name);
    }
    self->listed = self->classes.count;
    return ST_OK;
}

static void put_field(MlLearner *self, Str name, MlType type) {
    self->out[self->out_count++] = (MlField){.name = name, .type = type, .width = 1};
}

static void make_outputs(MlLearner *self) {
    self->out = ARENA_ARRAY(&self->arena, MlField, self->listed + 2);
    switch (self->algorithm->task) {
        case ML_CLASSIFICATION:
            put_field(self, STR("prediction"), self->field[self->label].type);
            put_field(self, STR("probability"), ML_DOUBLE);
            for (uint32_t c = 0; c < self->listed; c++) {
                put_field(self, str_printf(&self->arena, "probability(" STR_FMT ")",
                                           STR_ARG(self->classes.entry[c].key)), ML_DOUBLE);
            }
            break;
        case ML_CLUSTERING:
            put_field(self, STR("prediction"), ML_INTEGER);
            put_field(self, STR("distance"), ML_DOUBLE);
            break;
        case ML_OUTLIERS:
            put_field(self, STR("prediction"), ML_BOOLEAN);
            put_field(self, STR("score"), ML_DOUBLE);
            break;
        default: put_field(self, STR("prediction"), ML_DOUBLE);
    }
}

static void begin_state(MlLearner *self) {
    self->error = adwin_make(learner_number(self, "drift-delta"));
    self->state = self->algorithm->make(self);
}

Status online_new(const MlOnlineSpec *spec, const MlField *field, uint32_t fields, MlLearner **out,
                  Error *err) {
    const MlOnlineAlgorithm *algorithm = ml_online_algorithm(spec->algorithm);
    *out = NULL;
    if (!algorithm) return no_algorithm(spec->algorithm, err);
    MlLearner *self = NEW(MlLearner);
    arena_init(&self->arena);
    self->algorithm = algorithm;
    copy_spec(self, spec, field, fields);
    self->category = NEW_ARRAY(Map, self->inputs + 1);
    self->options = (MlOptions){.whose = algorithm->name,
                                .table = {COMMON_OPTIONS, algorithm->option}};
    Status st = options_read(&self->options, self->setting, self->settings, &self->arena, err);
    if (!st) st = check_fields(self, err);
    if (!st) st = list_classes(self, err);
    if (st) {
        online_free(self);
        return st;
    }
    make_outputs(self);
    self->x = ARENA_ARRAY(&self->arena, double, self->inputs);
    self->scores = ARENA_ARRAY(&self->arena, double, ONLINE_CLASSES_MAX);
    self->rng = rng_make((uint64_t)learner_number(self, "seed"), 0);
    begin_state(self);
    *out = self;
    return ST_OK;
}

void online_free(MlLearner *self) {
    if (!self) return;
    if (self->state) self->algorithm->free(self->state);
    for (uint32_t i = 0; i < self->inputs; i++) map_clear(&self->category[i]);
    mem_free(self->category);
    map_clear(&self->classes);
    arena_clear(&self->arena);
    mem_free(self);
}

const MlField *online_inputs(const MlLearner *self, uint32_t *count) {
    *count = self->inputs;
    return self->in;
}

const MlField *online_outputs(const MlLearner *self, uint32_t *count) {
    *count = self->out_count;
    return self->out;
}

uint64_t online_rows(const MlLearner *self) {
    return self->rows;
}

uint64_t online_drifts(const MlLearner *self) {
    return self->drifts;
}

MlTask online_task(const MlLearner *self) {
    return self->algorithm->task;
}

uint64_t online_bytes(const MlLearner *self) {
    Buf bytes = {0};
    online_save(self, &bytes);
    uint64_t size = bytes.len;
    buf_free(&bytes);
    return size;
}

// ---- rows

static bool is_there(const MlField *field, const MlColumn *column, uint32_t row) {
    if (column->valid && !bits_get(column->valid, row)) return false;
    return field->type == ML_TEXT || isfinite(column->number[row]);
}

static double text_value(const MlLearner *self, uint32_t input, Str text) {
    if (self->algorithm->texts == TEXTS_HASHED) {
        return (double)(hash_bytes(text.ptr, text.len, input) >> 11);
    }
    int64_t category = name_number(&self->category[input], text);
    return category < 0 ? (double)NAN : (double)category;
}

// Row [row]; [column] points at the first input's column, or, with [label], at all fields'.
static void take_row(const MlLearner *self, const MlColumn *column, bool with_label, uint32_t row,
                     double *x) {
    for (uint32_t i = 0; i < self->inputs; i++) {
        uint32_t at = i + (with_label && self->label >= 0 && i >= (uint32_t)self->label);
        x[i] = NAN;
        if (!is_there(&self->in[i], &column[at], row)) continue;
        bool text = self->in[i].type == ML_TEXT;
        x[i] = text ? text_value(self, i, column[at].text[row]) : column[at].number[row];
    }
}

static void count_categories(MlLearner *self, const MlColumn *column, uint32_t row) {
    if (self->algorithm->texts != TEXTS_COUNTED) return;
    for (uint32_t i = 0; i < self->inputs; i++) {
        uint32_t at = i + (self->label >= 0 && i >= (uint32_t)self->label);
        if (self->in[i].type != ML_TEXT || !is_there(&self->in[i], &column[at], row)) continue;
        Map *map = &self->category[i];
        if (map->count == ONLINE_CATEGORIES_MAX || map_has(map, column[at].text[row])) continue;
        new_name(map, column[at].text[row]);
    }
}

static Status class_of(MlLearner *self, const MlColumn *column, uint32_t row, double *y,
                       Error *err) {
    Buf text = {0};
    const MlField *field = &self->field[self->label];
    MlColumn label = column[self->label];
    ml_print(field, &label, row, &text);
    int64_t number = name_number(&self->classes, buf_str(&text));
    if (number < 0 && (self->listed || self->classes.count == ONLINE_CLASSES_MAX)) {
        error_set(err, ST_RUNTIME, "row %u: '" STR_FMT "' is none of the %u classes", row,
                  STR_ARG(buf_str(&text)), self->classes.count);
        buf_free(&text);
        return ST_RUNTIME;
    }
    *y = number < 0 ? new_name(&self->classes, buf_str(&text)) : (double)number;
    buf_free(&text);
    return ST_OK;
}

static uint32_t index_of_most(const double *score, uint32_t count) {
    uint32_t best = 0;
    for (uint32_t i = 1; i < count; i++) {
        if (score[i] > score[best]) best = i;
    }
    return best;
}

// How wrong it was about a row before learning from it, in [0, 1].
static bool error_of(MlLearner *self, double y, double *out) {
    if (!is_supervised(self->algorithm->task) || self->error.delta <= 0) return false;
    bool known = self->algorithm->score(self, self->x, self->scores);
    if (self->algorithm->task == ML_CLASSIFICATION) {
        *out = !known || index_of_most(self->scores, learner_classes(self)) != (uint32_t)y;
        return true;
    }
    double off = y - self->label_mean;
    self->label_mean += off / ++self->label_count;
    self->label_squares += off * (y - self->label_mean);
    double scale = 4 * sqrt(self->label_squares / self->label_count);
    *out = scale > 0 ? fmin(1, fabs(self->scores[0] - y) / scale) : 0;
    return known;
}

static void watch_error(MlLearner *self, double y) {
    double error, before = adwin_mean(&self->error);
    if (!error_of(self, y, &error) || !adwin_add(&self->error, error)) return;
    if (adwin_mean(&self->error) <= before) return;  // it became better
    self->drifts++;
    if (learner_count(self, "on-drift") == 0) return;
    self->algorithm->free(self->state);
    self->label_mean = self->label_squares = self->label_count = 0;
    begin_state(self);
}

Status online_learn(MlLearner *self, const MlColumn *column, uint32_t rows, Error *err) {
    for (uint32_t row = 0; row < rows; row++) {
        double y = NAN;
        if (self->label >= 0) {
            if (!is_there(&self->field[self->label], &column[self->label], row)) continue;
            if (self->algorithm->task == ML_CLASSIFICATION) {
                TRY(class_of(self, column, row, &y, err));
            } else {
                y = column[self->label].number[row];
            }
        }
        count_categories(self, column, row);
        take_row(self, column, true, row, self->x);
        watch_error(self, y);
        self->algorithm->learn(self, self->x, y);
        self->rows++;
    }
    return ST_OK;
}

static void put_class(const MlLearner *self, const double *score, uint32_t row, MlColumn *out) {
    uint32_t classes = learner_classes(self), best = index_of_most(score, classes);
    Str name = self->classes.entry[best].key;
    double sum = 0;
    for (uint32_t c = 0; c < classes; c++) sum += score[c];
    if (out[0].text) out[0].text[row] = name;
    if (out[0].number && self->out[0].type == ML_BOOLEAN) {
        out[0].number[row] = str_is(name, "true");
    } else if (out[0].number && !str_to_f64(name, &out[0].number[row])) {
        out[0].number[row] = NAN;
    }
    for (uint32_t i = 1; i < self->out_count; i++) {
        double value = score[i == 1 ? best : i - 2];
        if (out[i].number) out[i].number[row] = sum > 0 ? value / sum : 1.0 / classes;
    }
}

Status online_predict(const MlLearner *self, const MlColumn *in, uint32_t rows, MlColumn *out,
                      Arena *arena, Error *err) {
    (void)err;  // a row cannot be wrong
    uint64_t *valid = ARENA_ARRAY(arena, uint64_t, BITS_WORDS(rows) + 1);
    for (uint32_t i = 0; i < self->out_count; i++) {
        out[i] = (MlColumn){.skip = out[i].skip, .valid = valid};
        if (out[i].skip) continue;
        if (self->out[i].type == ML_TEXT) out[i].text = ARENA_ARRAY(arena, Str, rows);
        else out[i].number = ARENA_ARRAY(arena, double, rows);
    }
    double *x = ARENA_ARRAY(arena, double, self->inputs);
    double *score = ARENA_ARRAY(arena, double, ONLINE_CLASSES_MAX);
    for (uint32_t row = 0; row < rows; row++) {
        take_row(self, in, false, row, x);
        if (!self->algorithm->score(self, x, score)) continue;
        bits_set(valid, row);
        if (self->algorithm->task == ML_CLASSIFICATION) {
            put_class(self, score, row, out);
        } else if (self->algorithm->task == ML_OUTLIERS) {
            if (out[0].number) out[0].number[row] = score[1];
            if (out[1].number) out[1].number[row] = score[0];
        } else {
            for (uint32_t i = 0; i < self->out_count; i++) {
                if (out[i].number) out[i].number[row] = score[i];
            }
        }
    }
    return ST_OK;
}

// ---- state

static const char MAGIC[8] = "WEIRLERN";
enum { VERSION = 1, FIELDS_MAX = 1 << 16 };

static void names_codec(Map *map, uint32_t max, Codec *codec) {
    uint32_t count = map->count;
    Arena names = {0};
    arena_init(&names);
    codec->arena = codec_reads(codec) ? &names : NULL;
    codec_count(codec, &count, max, 4);
    if (codec_reads(codec)) map_clear(map);
    for (uint32_t i = 0; i < count && !codec->failed; i++) {
        Str name = codec_reads(codec) ? (Str){0} : map->entry[i].key;
        codec_str(codec, &name);
        if (codec_reads(codec) && new_name(map, name) != i) codec_fail(codec, "a name is twice");
    }
    codec->arena = NULL;
    arena_clear(&names);
}

// What changes. The rest, the spec, comes before it.
static void state_codec(MlLearner *self, Codec *codec) {
    codec_u64(codec, &self->rows);
    codec_u64(codec, &self->drifts);
    codec_u64(codec, &self->rng.state);
    codec_f64(codec, &self->label_mean);
    codec_f64(codec, &self->label_squares);
    codec_f64(codec, &self->label_count);
    adwin_codec(&self->error, codec);
    names_codec(&self->classes, ONLINE_CLASSES_MAX, codec);
    if (self->classes.count < self->listed) codec_fail(codec, "classes are missing");
    for (uint32_t i = 0; i < self->inputs; i++) {
        names_codec(&self->category[i], ONLINE_CATEGORIES_MAX, codec);
    }
    if (!codec->failed) self->algorithm->codec(self, codec);
}

static void field_codec(MlField *field, Codec *codec) {
    int type = (int)field->type;
    codec_str(codec, &field->name);
    codec_kind(codec, &type, ML_TEXT + 1);
    field->type = (MlType)type;
    field->width = 1;
}

static void spec_codec(MlOnlineSpec *spec, MlField **field, uint32_t *fields, Codec *codec) {
    uint32_t label = (uint32_t)(spec->label + 1);
    codec_str(codec, &spec->algorithm);
    codec_u32(codec, &label);
    codec_count(codec, fields, FIELDS_MAX, 5);
    MlField *room = codec_room(codec, *fields, sizeof *room, 5);
    if (room) *field = room;
    for (uint32_t i = 0; i < *fields && !codec->failed; i++) field_codec(&(*field)[i], codec);
    codec_count(codec, &spec->setting_count, 256, 8);
    MlSetting *setting = codec_room(codec, spec->setting_count, sizeof *setting, 8);
    if (setting) spec->setting = setting;
    for (uint32_t i = 0; i < spec->setting_count && !codec->failed; i++) {
        MlSetting one = spec->setting[i];
        codec_str(codec, &one.key);
        codec_str(codec, &one.value);
        if (setting) setting[i] = one;
    }
    if (label > *fields) codec_fail(codec, "there is no such label");
    spec->label = codec->failed ? -1 : (int32_t)label - 1;
}

void online_save(const MlLearner *learner, Buf *out) {
    MlLearner *self = (MlLearner *)(uintptr_t)learner;  // writing changes nothing
    Codec codec = {.out = out};
    uint32_t version = VERSION;
    MlOnlineSpec spec = {.algorithm = str_c(self->algorithm->name), .label = self->label,
                         .setting = self->setting, .setting_count = self->settings};
    buf_put(out, MAGIC, sizeof MAGIC);
    codec_u32(&codec, &version);
    spec_codec(&spec, &self->field, &self->fields, &codec);
    state_codec(self, &codec);
}

Status online_load(Str bytes, MlLearner **out, Error *err) {
    *out = NULL;
    if (bytes.len < sizeof MAGIC + 4 || memcmp(bytes.ptr, MAGIC, sizeof MAGIC) != 0) {
        return error_set(err, ST_VALIDATION, "not the state of a learner");
    }
    Arena arena = {0};
    arena_init(&arena);
    Codec codec = {.in = str_sub(bytes, sizeof MAGIC, bytes.len), .arena = &arena,
                   .what = "the state of a learner"};
    MlOnlineSpec spec = {0};
    MlField *field = NULL;
    uint32_t version, fields = 0;
    codec_u32(&codec, &version);
    if (version != VERSION) codec_fail(&codec, "version %u", version);
    spec_codec(&spec, &field, &fields, &codec);
    Status st = ST_OK;
    MlLearner *self = NULL;
    if (codec.failed) st = codec_end(&codec, err);
    else st = online_new(&spec, field, fields, &self, err);
    if (!st) {
        codec.arena = NULL;
        state_codec(self, &codec);
        st = codec_end(&codec, err);
    }
    arena_clear(&arena);
    if (st) online_free(self);
    else *out = self;
    return st;
}

void ml_online_reference(Buf *out) {
    buf_puts(out, "### Of all online algorithms\n\n");
    options_reference(COMMON_OPTIONS, out);
    for (const MlOnlineAlgorithm *const *at = ML_ONLINE_ALGORITHMS; *at; at++) {
        buf_printf(out, "\n### `%s`\n\n%s\n\nLearns: %s.\n\n", (*at)->name, (*at)->doc,
                   ml_task_name((*at)->task));
        options_reference((*at)->option, out);
    }
}
