#include "ml/held.h"

#include <math.h>

#include "base/bits.h"
#include "test/unit.h"

enum { ROWS = 23, SENSOR = 0, VALUE = 1 };

// Two series that take turns; of 'a' one row has no value, and 'b' has three rows alone.
typedef struct Table {
    MlField field[2];
    MlColumn column[2];
    Budget budget;
} Table;

static void table_make(Table *table) {
    *table = (Table){.field = {{.name = STR("sensor"), .type = ML_TEXT, .width = 1},
                               {.name = STR("v"), .type = ML_DOUBLE, .width = 1}}};
    budget_init(&table->budget, NULL, "test", 0);
    Str *sensor = table->column[SENSOR].text = NEW_ARRAY(Str, ROWS);
    double *value = table->column[VALUE].number = NEW_ARRAY(double, ROWS);
    for (int c = 0; c < 2; c++) {
        bits_fill(table->column[c].valid = NEW_ARRAY(uint64_t, BITS_WORDS(ROWS)), ROWS);
    }
    for (uint32_t i = 0; i < ROWS; i++) {
        sensor[i] = i % 8 == 1 ? STR("b") : STR("a");
        value[i] = i;
    }
    bits_clear(table->column[VALUE].valid, 20);
}

static void table_clear(Table *table) {
    mem_free(table->column[SENSOR].text);
    mem_free(table->column[VALUE].number);
    for (int c = 0; c < 2; c++) mem_free(table->column[c].valid);
}

// A model that says what the oldest value of its window was.
static Status say_oldest(const MlModel *model, const MlColumn *in, uint32_t rows, MlColumn *out,
                         Arena *arena, Error *err) {
    (void)err;
    out[0] = (MlColumn){.number = ARENA_ARRAY(arena, double, rows)};
    for (uint32_t i = 0; i < rows; i++) out[0].number[i] = in[0].number[i * model->in[0].width];
    return ST_OK;
}

static const MlModelVt OLDEST = {.format = "test", .predict = say_oldest};

static double error_of(const MlHeld *held, const MlField *in, uint32_t need, uint32_t *rows) {
    MlField out = {.name = STR("prediction"), .type = ML_DOUBLE, .width = 1};
    MlModel model = {.vt = &OLDEST, .in = in, .out = &out, .in_count = 1, .out_count = 1};
    double value = -1;
    uint32_t least = ml_held_looks_back(held, &model, VALUE);
    CHECK(need >= least);
    Status st = ml_held_score(held, &model, ML_FORECASTING, VALUE, "MAE", need, rows, &value, NULL);
    return st ? -1 : value;
}

TEST(held, of_each_series_the_last_rows) {
    Table table;
    MlHeld held;
    table_make(&table);
    MlHoldSpec spec = {.share = 0.34, .windows = true, .label = VALUE, .series = SENSOR};
    CHECK(!ml_hold_back(&spec, table.field, table.column, 2, ROWS, &table.budget, &held, NULL));
    // 19 rows of 'a' that have a value, and 3 of 'b': six and one are held back.
    CHECK(held.rows == ROWS && held.kept == ROWS - 7);
    double newest_a = 0, newest_b = 0;
    for (uint32_t i = 0; i < held.kept; i++) {
        bool b = str_is(table.column[SENSOR].text[i], "b");
        if (!bits_get(table.column[VALUE].valid, i)) continue;
        double *newest = b ? &newest_b : &newest_a, value = table.column[VALUE].number[i];
        CHECK(value >= *newest);  // in their order
        *newest = value;
    }
    for (uint32_t i = held.kept; i < ROWS; i++) {
        bool b = str_is(table.column[SENSOR].text[i], "b");
        CHECK(table.column[VALUE].number[i] > (b ? newest_b : newest_a));
        CHECK(bits_get(table.column[VALUE].valid, i));
    }
    ml_held_clear(&held);
    table_clear(&table);
}

TEST(held, a_forecast_begins_from_the_rows_before) {
    Table table;
    MlHeld held;
    uint32_t rows;
    table_make(&table);
    MlHoldSpec spec = {.share = 0.34, .windows = true, .label = VALUE, .series = SENSOR};
    CHECK(!ml_hold_back(&spec, table.field, table.column, 2, ROWS, &table.budget, &held, NULL));
    MlField window = {.name = STR("v"), .type = ML_DOUBLE, .width = 2};
    // 'b' is 1, 9, 17: for 17 the oldest of two is 1. 'a' ends with 15 16 18 19 21 22, and begins
    // those windows at 13 14 15 16 18 19.
    CHECK(error_of(&held, &window, 2, &rows) == (2 + 2 + 3 + 3 + 3 + 3 + 16) / 7.0 && rows == 7);
    // Who looks back further leaves the rows of 'b' out, for both.
    CHECK(error_of(&held, &window, 3, &rows) == 16 / 6.0 && rows == 6);
    window.width = 1;
    CHECK(error_of(&held, &window, 1, &rows) == (1 + 1 + 2 + 1 + 2 + 1 + 8) / 7.0 && rows == 7);
    (void)error_of(&held, &window, 100, &rows);
    CHECK(rows == 0);
    CHECK(error_of(&held, &(MlField){.name = STR("w"), .width = 1}, 0, &rows) == -1);
    ml_held_clear(&held);
    spec.windows = false;  // a model over windows would be told what it is to say
    CHECK(!ml_hold_back(&spec, table.field, table.column, 2, ROWS, &table.budget, &held, NULL));
    CHECK(error_of(&held, &window, 0, &rows) == -1);
    ml_held_clear(&held);
    table_clear(&table);
}

TEST(held, the_same_rows_whatever_comes_to_the_table) {
    MlHoldSpec spec = {.share = 0.5, .label = VALUE, .series = -1};
    bool back[2][ROWS] = {0};
    for (uint32_t more = 0; more < 2; more++) {
        Table table;
        MlHeld held;
        table_make(&table);
        CHECK(!ml_hold_back(&spec, table.field, table.column, 2, ROWS - 5 * !more, &table.budget,
                            &held, NULL));
        CHECK(held.kept > 0 && held.kept < held.rows && !held.before);
        for (uint32_t i = held.kept; i < held.rows; i++) {
            back[more][(int)table.column[VALUE].number[i]] = true;
        }
        ml_held_clear(&held);
        table_clear(&table);
    }
    for (uint32_t i = 0; i < ROWS - 5; i++) CHECK(back[0][i] == back[1][i]);
}
