#include "model/columns.h"

#include "test/unit.h"

static const MlField IN[] = {
    {.name = {"age", 3}, .type = ML_DOUBLE, .width = 1},
    {.name = {"colour", 6}, .type = ML_TEXT, .width = 1},
};
static const MlField OUT[] = {
    {.name = {"prediction", 10}, .type = ML_TEXT, .width = 1},
    {.name = {"probability(0)", 14}, .type = ML_DOUBLE, .width = 1},
    {.name = {"probability(1)", 14}, .type = ML_DOUBLE, .width = 1},
};
static const MlField TENSOR[] = {{.name = {"x", 1}, .type = ML_FLOAT, .width = 3}};

static const MlModel PEOPLE = {.in = IN, .out = OUT, .in_count = 2, .out_count = 3};
static const MlModel NET = {.in = TENSOR, .out = TENSOR, .in_count = 1, .out_count = 1};

static const Type *row_of(Arena *arena, uint32_t count, const TypeKind *kind,
                          const char *const *name) {
    const Type **child = ARENA_ARRAY(arena, const Type *, count + 1);
    Str *field = ARENA_ARRAY(arena, Str, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        child[i] = kind[i] == TYPE_ARRAY ? type_array(arena, type_of(TYPE_FLOAT, true), true)
                                         : type_of(kind[i], true);
        field[i] = str_c(name[i]);
    }
    return type_row(arena, count, child, field, false);
}

#define ROW_OF(arena, kinds, names) \
    row_of(arena, sizeof(kinds) / sizeof *(kinds), kinds, names)

TEST(model_columns, are_found_by_name) {
    Arena arena = {0};
    ModelDesc desc = {.name = STR("m")};
    desc.input = ROW_OF(&arena, ((TypeKind[]){TYPE_VARCHAR, TYPE_INT}),
                        ((const char *[]){"Colour", "AGE"}));
    desc.output = ROW_OF(&arena, ((TypeKind[]){TYPE_DOUBLE, TYPE_INT}),
                         ((const char *[]){"probability_1", "prediction"}));
    ModelColumns columns;
    Error err = {0};
    CHECK(!model_columns(&desc, &PEOPLE, &arena, &columns, &err));
    CHECK(columns.in[0].field == 1 && columns.in[1].field == 0);
    CHECK(columns.out[0].field == 2 && columns.out[1].field == 0);
    arena_clear(&arena);
}

TEST(model_columns, are_found_by_place) {
    Arena arena = {0};
    ModelDesc desc = {.name = STR("m")};
    const char *const names[] = {"a", "b", "c"};
    desc.input = ROW_OF(&arena, ((TypeKind[]){TYPE_INT, TYPE_VARCHAR}), names);
    desc.output = ROW_OF(&arena, ((TypeKind[]){TYPE_VARCHAR}), names);
    ModelColumns columns;
    Error err = {0};
    CHECK(!model_columns(&desc, &PEOPLE, &arena, &columns, &err));
    CHECK(columns.in[1].field == 1 && columns.out[0].field == 0);
    // A tensor's row, value by value or as an array.
    desc.input = ROW_OF(&arena, ((TypeKind[]){TYPE_INT, TYPE_INT, TYPE_DOUBLE}), names);
    desc.output = ROW_OF(&arena, ((TypeKind[]){TYPE_ARRAY}), names);
    CHECK(!model_columns(&desc, &NET, &arena, &columns, &err));
    CHECK(columns.in[2].slot == 2 && !columns.in[2].whole && columns.out[0].whole);
    arena_clear(&arena);
}

TEST(model_columns, that_are_no_fields_are_named) {
    Arena arena = {0};
    ModelDesc desc = {.name = STR("m")};
    desc.input = ROW_OF(&arena, ((TypeKind[]){TYPE_INT, TYPE_INT, TYPE_INT}),
                        ((const char *[]){"age", "colour", "height"}));
    desc.output = desc.input;
    ModelColumns columns;
    Error err = {0};
    CHECK(model_columns(&desc, &PEOPLE, &arena, &columns, &err) == ST_VALIDATION);
    CHECK(strstr(err.message, "'height'"));
    CHECK_STR(err.hint, "its fields: age, colour");
    arena_clear(&arena);
}

TEST(model_columns, go_in_and_come_out) {
    Arena arena = {0};
    ModelDesc desc = {.name = STR("m")};
    desc.input = ROW_OF(&arena, ((TypeKind[]){TYPE_INT, TYPE_VARCHAR}),
                        ((const char *[]){"age", "colour"}));
    desc.output = ROW_OF(&arena, ((TypeKind[]){TYPE_INT, TYPE_DOUBLE}),
                         ((const char *[]){"prediction", "probability_0"}));
    ModelColumns columns;
    Error err = {0};
    CHECK(!model_columns(&desc, &PEOPLE, &arena, &columns, &err));
    Vec *in[2];
    for (uint32_t c = 0; c < 2; c++) in[c] = vec_new(&arena, desc.input->child[c], 2);
    vec_i32(in[0])[0] = 41;
    vec_set_null(in[0], 1);
    vec_set_text(in[1], 0, STR("red"));
    vec_set_text(in[1], 1, STR("blue"));
    MlColumn feature[2] = {0}, answer[3];
    CHECK(!model_columns_read(&columns, in, 2, &arena, feature, &err));
    CHECK(feature[0].number[0] == 41 && feature[0].valid[0] % 4 == 1);
    CHECK(str_is(feature[1].text[1], "blue") && !feature[1].valid);
    model_columns_skip(&columns, answer);
    CHECK(!answer[0].skip && !answer[1].skip && answer[2].skip);
    answer[0].text = (Str[]){STR("7"), STR("-1")};
    answer[1].number = (double[]){0.25, 0};
    answer[1].valid = (uint64_t[]){1};
    Vec *out[2];
    CHECK(!model_columns_write(&columns, answer, 2, &arena, out, &err));
    CHECK(vec_i32(out[0])[0] == 7 && vec_i32(out[0])[1] == -1);
    CHECK(vec_f64(out[1])[0] == 0.25 && vec_is_null(out[1], 1));
    answer[0].text[1] = STR("many");
    CHECK(model_columns_write(&columns, answer, 2, &arena, out, &err) == ST_RUNTIME);
    CHECK(strstr(err.message, "'prediction'"));
    arena_clear(&arena);
}
