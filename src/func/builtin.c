// The one list of function tables. A table not listed here does not exist.
#include "func/agg.h"

extern const FuncTable ARITH_TABLE;
extern const FuncTable ARRAY_TABLE;
extern const FuncTable BITMAP_TABLE;
extern const FuncTable COLLECTION_TABLE;
extern const FuncTable COMPARE_TABLE;
extern const FuncTable HASH_URL_TABLE;
extern const FuncTable JSON_BUILD_TABLE;
extern const FuncTable JSON_QUERY_TABLE;
extern const FuncTable LIKE_TABLE;
extern const FuncTable LOGIC_TABLE;
extern const FuncTable MAP_TABLE;
extern const FuncTable MATH_TABLE;
extern const FuncTable PRINTF_TABLE;
extern const FuncTable REDUCED_TABLE;
extern const FuncTable REGEXP_TABLE;
extern const FuncTable STRING_BASIC_TABLE;
extern const FuncTable STRING_CODE_TABLE;
extern const FuncTable STRING_EDIT_TABLE;
extern const FuncTable STRUCTURED_TABLE;
extern const FuncTable TEMPORAL_ARITH_TABLE;
extern const FuncTable TEMPORAL_EXTRACT_TABLE;
extern const FuncTable TEMPORAL_FORMAT_TABLE;
extern const FuncTable TEMPORAL_NOW_TABLE;
extern const FuncTable VARIANT_TABLE;

const FuncTable *const FUNC_TABLES[] = {
    &ARITH_TABLE,
    &ARRAY_TABLE,
    &BITMAP_TABLE,
    &COLLECTION_TABLE,
    &COMPARE_TABLE,
    &HASH_URL_TABLE,
    &JSON_BUILD_TABLE,
    &JSON_QUERY_TABLE,
    &LIKE_TABLE,
    &LOGIC_TABLE,
    &MAP_TABLE,
    &MATH_TABLE,
    &PRINTF_TABLE,
    &REDUCED_TABLE,
    &REGEXP_TABLE,
    &STRING_BASIC_TABLE,
    &STRING_CODE_TABLE,
    &STRING_EDIT_TABLE,
    &STRUCTURED_TABLE,
    &TEMPORAL_ARITH_TABLE,
    &TEMPORAL_EXTRACT_TABLE,
    &TEMPORAL_FORMAT_TABLE,
    &TEMPORAL_NOW_TABLE,
    &VARIANT_TABLE,
    NULL,
};
const uint32_t FUNC_TABLE_COUNT = sizeof FUNC_TABLES / sizeof *FUNC_TABLES - 1;

extern const AggTable BASIC_AGG_TABLE;
extern const AggTable BITMAP_AGG_TABLE;
extern const AggTable JSON_AGG_TABLE;
extern const AggTable LIST_AGG_TABLE;
extern const AggTable MINMAX_AGG_TABLE;
extern const AggTable SERIES_AGG_TABLE;
extern const AggTable STAT_AGG_TABLE;
extern const AggTable VALUE_AGG_TABLE;

const AggTable *const AGG_TABLES[] = {
    &BASIC_AGG_TABLE,
    &BITMAP_AGG_TABLE,
    &JSON_AGG_TABLE,
    &LIST_AGG_TABLE,
    &MINMAX_AGG_TABLE,
    &SERIES_AGG_TABLE,
    &STAT_AGG_TABLE,
    &VALUE_AGG_TABLE,
    NULL,
};
const uint32_t AGG_TABLE_COUNT = sizeof AGG_TABLES / sizeof *AGG_TABLES - 1;
