// The one list of function tables. A table not listed here does not exist.
#include "func/agg.h"

extern const FuncTable ARITH_TABLE, COMPARE_TABLE, LIKE_TABLE, LOGIC_TABLE, MATH_TABLE, REGEXP_TABLE, STRING_BASIC_TABLE, STRING_CODE_TABLE,
    STRING_EDIT_TABLE;

const FuncTable *const FUNC_TABLES[] = {
    &ARITH_TABLE,
    &COMPARE_TABLE,
    &LIKE_TABLE,
    &LOGIC_TABLE,
    &MATH_TABLE,
    &REGEXP_TABLE,
    &STRING_BASIC_TABLE,
    &STRING_CODE_TABLE,
    &STRING_EDIT_TABLE,
    NULL,
};
const uint32_t FUNC_TABLE_COUNT = sizeof FUNC_TABLES / sizeof *FUNC_TABLES - 1;

extern const AggTable BASIC_AGG_TABLE, JSON_AGG_TABLE, LIST_AGG_TABLE, MINMAX_AGG_TABLE,
    STAT_AGG_TABLE, VALUE_AGG_TABLE;

const AggTable *const AGG_TABLES[] = {
    &BASIC_AGG_TABLE,
    &JSON_AGG_TABLE,
    &LIST_AGG_TABLE,
    &MINMAX_AGG_TABLE,
    &STAT_AGG_TABLE,
    &VALUE_AGG_TABLE,
    NULL,
};
const uint32_t AGG_TABLE_COUNT = sizeof AGG_TABLES / sizeof *AGG_TABLES - 1;
