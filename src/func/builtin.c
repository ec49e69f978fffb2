// The one list of function tables. A table not listed here does not exist.
#include "func/agg.h"

const FuncTable *const FUNC_TABLES[] = {
    NULL,
};
const uint32_t FUNC_TABLE_COUNT = sizeof FUNC_TABLES / sizeof *FUNC_TABLES - 1;

const AggTable *const AGG_TABLES[] = {
    NULL,
};
const uint32_t AGG_TABLE_COUNT = sizeof AGG_TABLES / sizeof *AGG_TABLES - 1;
