// ml/held.c - rows that are held back.
#include "ml/held.h"

#include <math.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/bits.h"
#include "base/hash.h"

// Rows that are scored at a time, and values of their windows in a column.
enum { PIECE_ROWS = 2048, PIECE_VALUES = 1 << 20 };

// ---- which

static bool is_missing(const MlField *field, const MlColumn *column, uint32_t row) {
    if (!bits_get(column->valid, row)) return true;
    return field->type != ML_TEXT && isnan(column->number[row]);
}

static uint64_t value_hash(const MlColumn *column, uint32_t row) {
    if (!bits_get(column->valid, row)) return 0;
    if (column->text) return hash_bytes(column->text[row].ptr, column->text[row].len, 0);
    return hash_bytes(&column->number[row], sizeof(double), 0);
}

// What a row says, as a number; the same in every reading of the table.
static uint64_t row_hash(const MlColumn *column, uint32_t columns, uint32_t row) {
    uint64_t hash = 0;
    for (uint32_t c = 0; c < columns; c++) hash = hash_mix(hash, value_hash(&column[c], row));
    return hash;
}

// A row and what it is one of: of all that say the same, or of a series.
typedef struct Point {
    uint64_t like;
    uint32_t row;
} Point;

static int by_like(const void *a, const void *b) {
    const Point *x = a, *y = b;
    if (x->like != y->like) return x->like < y->like ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

// The end of the points from [from] on that are alike.
static uint32_t end_of_like(const Point *point, uint32_t from, uint32_t points) {
    uint32_t to = from + 1;
    while (to < points && point[to].like == point[from].like) to++;
    return to;
}

// Rows held back come last in [order]; returns how many stay.
static uint32_t hold_rows(double share, const MlColumn *column, uint32_t columns, uint32_t rows,
                          uint32_t *order) {
    Point *point = NEW_ARRAY(Point, rows + 1);
    uint64_t *back = NEW_ARRAY(uint64_t, BITS_WORDS(rows + 1));
    uint32_t kept = 0, held = rows;
    for (uint32_t row = 0; row < rows; row++) {
        point[row] = (Point){row_hash(column, columns, row), row};
    }
    qsort(point, rows, sizeof *point, by_like);
    for (uint32_t from = 0, to; from < rows; from = to) {
        to = end_of_like(point, from, rows);
        for (uint32_t i = from; i < to; i++) {
            uint64_t hash = hash_mix(point[i].like, i - from);
            if ((double)(hash >> 32) < share * 4294967296.0) bits_set(back, point[i].row);
        }
    }
    for (uint32_t row = 0; row < rows; row++) order[bits_get(back, row) ? --held : kept++] = row;
    mem_free(back);
    mem_free(point);
    return kept;
}

// The last points of each series come last in [order]; [before] goes by places in [order].
static uint32_t hold_series(const MlHoldSpec *spec, const MlField *field, const MlColumn *column,
                            uint32_t rows, uint32_t *order, uint32_t *before) {
    Point *point = NEW_ARRAY(Point, rows + 1);
    uint32_t points = 0, kept = 0, held = rows;
    for (uint32_t row = 0; row < rows; row++) {
        if (is_missing(&field[spec->label], &column[spec->label], row)) {
            before[kept] = ML_HELD_FIRST;  // nobody learns from it
            order[kept++] = row;
            continue;
        }
        uint64_t series = spec->series < 0 ? 0 : value_hash(&column[spec->series], row);
        point[points++] = (Point){series, row};
    }
    qsort(point, points, sizeof *point, by_like);
    for (uint32_t from = 0, to; from < points; from = to) {
        to = end_of_like(point, from, points);
        uint32_t last = to - (uint32_t)((to - from) * spec->share), prior = ML_HELD_FIRST;
        for (uint32_t i = from; i < to; i++) {
            uint32_t place = i < last ? kept++ : --held;
            before[place] = prior;
            order[place] = point[i].row;
            prior = place;
        }
    }
    mem_free(point);
    return kept;
}

static void reorder(const MlField *field, MlColumn *column, const uint32_t *order, uint32_t rows) {
    bool text = field->type == ML_TEXT;
    MlColumn out = {.valid = NEW_ARRAY(uint64_t, BITS_WORDS(rows + 1))};
    if (text) out.text = NEW_ARRAY(Str, rows + 1);
    else out.number = NEW_ARRAY(double, rows + 1);
    for (uint32_t i = 0; i < rows; i++) {
        if (text) out.text[i] = column->text[order[i]];
        else out.number[i] = column->number[order[i]];
        if (bits_get(column->valid, order[i])) bits_set(out.valid, i);
    }
    mem_free(column->text);
    mem_free(column->number);
    mem_free(column->valid);
    *column = out;
}

Status ml_hold_back(const MlHoldSpec *spec, const MlField *field, MlColumn *column,
                    uint32_t columns, uint32_t rows, Budget *budget, MlHeld *out, Error *err) {
    *out = (MlHeld){.field = field, .column = column, .columns = columns, .kept = rows,
                    .rows = rows};
    // A column's copy, and what is known of each row while it is chosen.
    int64_t bytes = (int64_t)rows * (int64_t)(sizeof(Str) + 2 * sizeof(Point) + 8);
    TRY(budget_charge(budget, bytes, err));
    uint32_t *order = NEW_ARRAY(uint32_t, rows + 1);
    if (spec->windows) {
        out->before = NEW_ARRAY(uint32_t, rows + 1);
        out->kept = hold_series(spec, field, column, rows, order, out->before);
    } else {
        out->kept = hold_rows(spec->share, column, columns, rows, order);
    }
    for (uint32_t c = 0; c < columns; c++) reorder(&field[c], &column[c], order, rows);
    mem_free(order);
    return ST_OK;
}

void ml_held_clear(MlHeld *held) {
    mem_free(held->before);
    *held = (MlHeld){0};
}

// ---- the score of a model

// A model that takes the label takes what it was, in a window of the rows before.
static bool takes_windows(const MlHeld *held, const MlModel *model, int32_t label) {
    return held->before && label >= 0 &&
           ml_field(model->in, model->in_count, held->field[label].name) >= 0;
}

uint32_t ml_held_looks_back(const MlHeld *held, const MlModel *model, int32_t label) {
    uint32_t most = 0;
    if (!takes_windows(held, model, label)) return 0;
    for (uint32_t i = 0; i < model->in_count; i++) {
        if (model->in[i].width > most) most = model->in[i].width;
    }
    return most;
}

// A piece of the rows held back, from *next on, which have so many rows before them.
static uint32_t next_rows(const MlHeld *held, uint32_t need, uint32_t *next, uint32_t *row) {
    uint32_t count = 0, most = PIECE_ROWS;
    if (need > PIECE_VALUES / PIECE_ROWS) most = need < PIECE_VALUES ? PIECE_VALUES / need : 1;
    for (; *next < held->rows && count < most; ++*next) {
        uint32_t at = *next, past = 0;
        while (past < need && (at = held->before[at]) != ML_HELD_FIRST) past++;
        if (past == need) row[count++] = *next;
    }
    return count;
}

static MlColumn values_of(const MlHeld *held, uint32_t c, const uint32_t *row, uint32_t count,
                          Arena *arena) {
    const MlColumn *from = &held->column[c];
    MlColumn out = {.valid = ARENA_ARRAY(arena, uint64_t, BITS_WORDS(count))};
    if (from->text) out.text = ARENA_ARRAY(arena, Str, count);
    else out.number = ARENA_ARRAY(arena, double, count);
    for (uint32_t i = 0; i < count; i++) {
        if (from->text) out.text[i] = from->text[row[i]];
        else out.number[i] = from->number[row[i]];
        if (bits_get(from->valid, row[i])) bits_set(out.valid, i);
    }
    return out;
}

// The values of the [width] rows before each row, the oldest first.
static MlColumn windows_of(const MlHeld *held, uint32_t c, uint32_t width, const uint32_t *row,
                           uint32_t count, Arena *arena) {
    const MlColumn *from = &held->column[c];
    MlColumn out = {.number = ARENA_ARRAY(arena, double, (size_t)count * width)};
    for (uint32_t i = 0; i < count; i++) {
        double *window = out.number + (size_t)i * width;
        for (uint32_t t = width, at = row[i]; t-- > 0;) {
            at = held->before[at];
            window[t] = bits_get(from->valid, at) ? from->number[at] : NAN;
        }
    }
    return out;
}

static Status gather(const MlHeld *held, const MlModel *model, int32_t label, const uint32_t *row,
                     uint32_t count, Arena *arena, MlColumn *in, Error *err) {
    bool windows = takes_windows(held, model, label);
    for (uint32_t i = 0; i < model->in_count; i++) {
        const MlField *field = &model->in[i];
        int32_t c = ml_field(held->field, held->columns, field->name);
        if (c < 0 || (held->field[c].type == ML_TEXT) != (field->type == ML_TEXT) || field->list ||
            (windows ? field->type == ML_TEXT : field->width != 1 || c == label)) {
            return error_set(err, ST_VALIDATION, "it takes '" STR_FMT "'", STR_ARG(field->name));
        }
        in[i] = windows ? windows_of(held, (uint32_t)c, field->width, row, count, arena)
                        : values_of(held, (uint32_t)c, row, count, arena);
    }
    return ST_OK;
}

Status ml_held_score(const MlHeld *held, const MlModel *model, MlTask task, int32_t label,
                     const char *metric, uint32_t need, uint32_t *rows, double *out, Error *err) {
    MlEval *eval = ml_eval_new(&(MlEvalSpec){.task = task});
    Arena arena = {0};
    uint32_t row[PIECE_ROWS], count;
    Status st = ST_OK;
    ASSERT(need >= ml_held_looks_back(held, model, label));
    *rows = 0;
    for (uint32_t next = held->kept; !st && (count = next_rows(held, need, &next, row)) > 0;) {
        arena_reset(&arena);
        MlColumn *in = ARENA_ARRAY(&arena, MlColumn, model->in_count + 1);
        MlColumn *answer = ARENA_ARRAY(&arena, MlColumn, model->out_count + 1), truth = {0};
        st = gather(held, model, label, row, count, &arena, in, err);
        if (!st) st = model->vt->predict(model, in, count, answer, &arena, err);
        if (label >= 0) truth = values_of(held, (uint32_t)label, row, count, &arena);
        MlEvalBatch batch = {.label = label >= 0 ? &held->field[label] : NULL,
                             .label_column = &truth, .out = model->out, .out_column = answer,
                             .out_count = model->out_count, .in = model->in, .in_column = in,
                             .in_count = model->in_count, .rows = count};
        if (!st) st = ml_eval_add(eval, &batch, err);
        *rows += count;
    }
    MlMetric *all = NEW_ARRAY(MlMetric, ML_METRICS_MAX);
    if (!st) *out = ml_metric(all, ml_eval_metrics(eval, all), metric);
    mem_free(all);
    ml_eval_free(eval);
    arena_clear(&arena);
    return st;
}
