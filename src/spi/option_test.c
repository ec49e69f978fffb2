#include "spi/connector.h"

#include "test/unit.h"

static const OptionDef OWN[] = {{.key = "path", .required = true},
                                {.key = "fields.#.min", .kind = OPTION_INT},
                                {.key = "properties.*"},
                                {0}};
static const OptionDef JSON[] = {{.key = "ignore-parse-errors", .kind = OPTION_BOOL}, {0}};
static const OptionDef *const ALSO[] = {TABLE_OPTIONS, NULL};

static Status check(const char *key, const char *value, Error *err) {
    Map map = {0};
    (void)map_put(&map, STR("connector"), "x");
    (void)map_put(&map, STR("path"), "p");
    (void)map_put(&map, str_c(key), (void *)value);
    Options table = {.map = &map, .owner = STR("t"), .defs = OWN};
    Options json = {.map = &map, .prefix = STR("value.json."), .owner = STR("t"), .defs = JSON};
    Status st = options_check_parts(&table, ALSO, &json, 1, err);
    map_clear(&map);
    return st;
}

TEST(option, keys_belong_to_the_connector_all_tables_or_a_format) {
    Error err = {0};
    CHECK_OK(check("scan.parallelism", "2", &err), &err);
    CHECK_OK(check("fields.a.min", "-2", &err), &err);
    CHECK_OK(check("properties.a.b", "", &err), &err);
    CHECK_OK(check("value.json.ignore-parse-errors", "TRUE", &err), &err);
    CHECK_INT(check("value.json.ignore-parse-errors", "maybe", &err), ST_VALIDATION);
    CHECK_INT(check("fields.a.min", "1.5", &err), ST_VALIDATION);
}

TEST(option, unknown_keys_get_the_nearest_name_with_its_prefix) {
    Error err = {0};
    CHECK_INT(check("pth", "x", &err), ST_VALIDATION);
    CHECK_STR(err.message, "unknown option 'pth' of table 't'");
    CHECK_STR(err.hint, "did you mean 'path'?");
    CHECK_INT(check("json.ignore-parse-errors", "true", &err), ST_VALIDATION);
    CHECK_INT(check("value.json.ignore-parse-error", "true", &err), ST_VALIDATION);
    CHECK_STR(err.hint, "did you mean 'value.json.ignore-parse-errors'?");
}
