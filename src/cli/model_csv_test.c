#include "cli/model_csv.h"

#include <math.h>

#include "test/unit.h"

// [wanted] is like "0.0 0.1 1.0 -": the field and the value of each column.
static void check_places(const char *header, bool nameless, const MlField *field, uint32_t count,
                         const char *wanted) {
    CsvTable table = {.nameless = nameless};
    Str name[16], rest = str_c(header);
    Arena arena = {0};
    Buf out = {0};
    while (rest.len) {
        int64_t comma = str_find(rest, STR(","), 0);
        uint32_t len = comma < 0 ? rest.len : (uint32_t)comma;
        name[table.columns++] = str_sub(rest, 0, len);
        rest = comma < 0 ? (Str){0} : str_sub(rest, len + 1, rest.len - len - 1);
    }
    table.name = name;
    const CsvPlace *place = csv_places(&table, field, count, &arena);
    for (uint32_t c = 0; c < table.columns; c++) {
        if (c) buf_putc(&out, ' ');
        if (place[c].field < 0) buf_putc(&out, '-');
        else
            buf_printf(&out, "%d.%u%s", place[c].field, place[c].value, place[c].spread ? "*" : "");
    }
    CHECK_STR(buf_cstr(&out), wanted);
    buf_free(&out);
    arena_clear(&arena);
}

TEST(model_csv, columns_are_values_of_fields) {
    const MlField out[] = {{.name = STR("label"), .type = ML_INTEGER, .width = 1},
                           {.name = STR("p"), .type = ML_FLOAT, .width = 3}};
    check_places("label,p_0,p_1,p_2", false, out, 2, "0.0 1.0 1.1 1.2");
    check_places("p[3],p[2],p[1],label", false, out, 2, "1.2 1.1 1.0 0.0");
    check_places("p[2],label", false, out, 2, "1.1 0.0");  // no 0: counted from 1
    check_places("label,p,p,p", false, out, 2, "0.0 1.0 1.1 1.2");
    check_places("label,low,middle,high", false, out, 2, "0.0 1.0 1.1 1.2");
    check_places("label,low,high", false, out, 2, "0.0 - -");
    check_places("a,b,c,d", false, out, 2, "0.0 1.0 1.1 1.2");
    check_places("label,p_3,p_0,p_x", false, out, 2, "0.0 - 1.0 -");
    check_places("1,2,3,4", true, out, 2, "0.0 1.0 1.1 1.2");
    check_places("1,2,3", true, out, 2, "- - -");
}

TEST(model_csv, a_list_is_one_column_or_many) {
    const MlField list[] = {{.name = STR("x"), .type = ML_FLOAT, .width = 1, .list = true}};
    check_places("x", false, list, 1, "0.0");
    check_places("x_0,x_1,id,x_2", false, list, 1, "0.0* 0.1* - 0.2*");
    check_places("1,2,3", true, list, 1, "0.0* 0.1* 0.2*");
    check_places("x_0,x_1,x_1000000", false, list, 1, "0.0* 0.1* -");
}

// A model that takes one list; only its fields are asked for.
TEST(model_csv, items_of_lists_are_read_from_either) {
    const MlField list = {.name = STR("x"), .type = ML_FLOAT, .width = 1, .list = true};
    const MlModel model = {.in = &list, .in_count = 1};
    Str name[] = {STR("x")}, cells[] = {STR("1|2|3"), STR("N/A"), STR("4")};
    CsvTable table = {.name = name, .cell = cells, .columns = 1, .rows = 3};
    Arena arena = {0};
    Error err;
    MlColumn in;
    CHECK_OK(csv_inputs(&table, &model, 0, 3, &in, &arena, &err), &err);
    CHECK(in.offset[1] == 3 && in.offset[2] == 3 && in.offset[3] == 4);
    CHECK(in.number[2] == 3 && in.number[3] == 4 && in.valid[0] == 5);
    Str names[] = {STR("1"), STR("2"), STR("3")};
    Str spread[] = {STR("1"), STR("2"), STR("3"), STR("4"), STR(""), STR("NA"),
                    STR("5"), STR(""),  STR("7")};
    table = (CsvTable){.name = names, .cell = spread, .columns = 3, .rows = 3, .nameless = true};
    CHECK_OK(csv_inputs(&table, &model, 0, 3, &in, &arena, &err), &err);
    CHECK(in.offset[1] == 3 && in.offset[2] == 4 && in.number[2] == 3 && in.number[3] == 4);
    CHECK(in.offset[3] == 7 && isnan(in.number[5]) && in.number[6] == 7);  // one between is missing
    arena_clear(&arena);
}
