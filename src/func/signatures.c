// func/signatures.c - how Flink describes its functions: DESCRIBE FUNCTION EXTENDED. One row for
// each name of SHOW FUNCTIONS, in the words of Flink's catalogue of definitions, which are not
// those in which weir checks arguments.
#include "func/func.h"

#define JSON_TYPES                                                                     \
    "[<CHARACTER_STRING> | <BINARY_STRING> | <TIMESTAMP> | <CONSTRUCTED> | <NUMERIC> | " \
    "<STRUCTURED_TYPE> | <DISTINCT_TYPE> | <BOOLEAN> | <VARIANT>]"

enum { SCALAR, AGGREGATE, PROCESS_TABLE, OTHER };
static const char *const KINDS[] = {"SCALAR", "AGGREGATE", "PROCESS_TABLE", "OTHER"};

// Name, kind, whether it may give another value each time, and the arguments: a line a form.
// clang-format off
static const struct {
    const char *name;
    int kind;
    bool changes;
    const char *forms;
} SIGNATURES[] = {
    {"AGG_DECIMAL_MINUS", SCALAR, false, "(<DECIMAL>, <DECIMAL>)"},
    {"AGG_DECIMAL_PLUS", SCALAR, false, "(<DECIMAL>, <DECIMAL>)"},
    {"ARRAY_AGG", AGGREGATE, false, "(*)"},
    {"ARRAY_APPEND", SCALAR, false, "(array <ARRAY>, element <ARRAY ELEMENT>)"},
    {"ARRAY_CONCAT", SCALAR, false, "(<COMMON>, <COMMON>...)"},
    {"ARRAY_CONTAINS", SCALAR, false, "(haystack <ARRAY>, needle <ARRAY ELEMENT>)"},
    {"ARRAY_DISTINCT", SCALAR, false, "(haystack <ARRAY>)"},
    {"ARRAY_EXCEPT", SCALAR, false, "(<COMMON>, <COMMON>)"},
    {"ARRAY_INTERSECT", SCALAR, false, "(<COMMON>, <COMMON>)"},
    {"ARRAY_JOIN", SCALAR, false, "(ARRAY<STRING>, <CHARACTER_STRING>)\n"
     "(ARRAY<STRING>, <CHARACTER_STRING>, <CHARACTER_STRING>)"},
    {"ARRAY_MAX", SCALAR, false, "(<ARRAY<COMPARABLE>>)"},
    {"ARRAY_MIN", SCALAR, false, "(<ARRAY<COMPARABLE>>)"},
    {"ARRAY_POSITION", SCALAR, false, "(haystack <ARRAY>, needle <ARRAY ELEMENT>)"},
    {"ARRAY_PREPEND", SCALAR, false, "(array <ARRAY>, element <ARRAY ELEMENT>)"},
    {"ARRAY_REMOVE", SCALAR, false, "(haystack <ARRAY>, needle <ARRAY ELEMENT>)"},
    {"ARRAY_REVERSE", SCALAR, false, "(haystack <ARRAY>)"},
    {"ARRAY_SLICE", SCALAR, false, "(<ARRAY>, <INTEGER>, <INTEGER>)\n" "(<ARRAY>, <INTEGER>)"},
    {"ARRAY_SORT", SCALAR, false, "(<ARRAY<COMPARABLE>>)\n" "(<ARRAY<COMPARABLE>>, <BOOLEAN>)\n"
     "(<ARRAY<COMPARABLE>>, <BOOLEAN>, <BOOLEAN>)"},
    {"ARRAY_UNION", SCALAR, false, "(<COMMON>, <COMMON>)"},
    {"ASSIGNMENT", OTHER, false, "(*)"},
    {"BITMAP_AND", SCALAR, false, "(bitmap1 <BITMAP>, bitmap2 <BITMAP>)"},
    {"BITMAP_ANDNOT", SCALAR, false, "(bitmap1 <BITMAP>, bitmap2 <BITMAP>)"},
    {"BITMAP_AND_AGG", AGGREGATE, false, "(bitmap <BITMAP>)"},
    {"BITMAP_AND_CARDINALITY_AGG", AGGREGATE, false, "(bitmap <BITMAP>)"},
    {"BITMAP_BUILD", SCALAR, false, "(array ARRAY<INT> NOT NULL)\n" "(array ARRAY<INT>)"},
    {"BITMAP_BUILD_AGG", AGGREGATE, false, "(value <INTEGER>)"},
    {"BITMAP_BUILD_CARDINALITY_AGG", AGGREGATE, false, "(value <INTEGER>)"},
    {"BITMAP_CARDINALITY", SCALAR, false, "(bitmap <BITMAP>)"},
    {"BITMAP_FROM_BYTES", SCALAR, false, "(bytes <BINARY_STRING>)"},
    {"BITMAP_OR", SCALAR, false, "(bitmap1 <BITMAP>, bitmap2 <BITMAP>)"},
    {"BITMAP_OR_AGG", AGGREGATE, false, "(bitmap <BITMAP>)"},
    {"BITMAP_OR_CARDINALITY_AGG", AGGREGATE, false, "(bitmap <BITMAP>)"},
    {"BITMAP_TO_ARRAY", SCALAR, false, "(bitmap <BITMAP>)"},
    {"BITMAP_TO_BYTES", SCALAR, false, "(bitmap <BITMAP>)"},
    {"BITMAP_TO_STRING", SCALAR, false, "(bitmap <BITMAP>)"},
    {"BITMAP_XOR", SCALAR, false, "(bitmap1 <BITMAP>, bitmap2 <BITMAP>)"},
    {"BITMAP_XOR_AGG", AGGREGATE, false, "(bitmap <BITMAP>)"},
    {"BITMAP_XOR_CARDINALITY_AGG", AGGREGATE, false, "(bitmap <BITMAP>)"},
    {"BTRIM", SCALAR, false, "(str <CHARACTER_STRING>)\n"
     "(str <CHARACTER_STRING>, trimStr <CHARACTER_STRING>)"},
    {"COALESCE", SCALAR, false, "(<COMMON>, <COMMON>...)"},
    {"CURRENT_WATERMARK", SCALAR, true, "(<TIMESTAMP_WITHOUT_TIME_ZONE *ROWTIME*>)\n"
     "(<TIMESTAMP_WITH_LOCAL_TIME_ZONE *ROWTIME*>)"},
    {"DEFAULT", SCALAR, false, "()"},
    {"ELT", SCALAR, false,
     "(index <INTEGER_NUMERIC>, expr <CHARACTER_STRING>, exprs <CHARACTER_STRING>...)\n"
     "(index <INTEGER_NUMERIC>, expr <BINARY_STRING>, exprs <BINARY_STRING>...)"},
    {"ENDSWITH", SCALAR, false, "(expr <CHARACTER_STRING>, endExpr <CHARACTER_STRING>)\n"
     "(expr <BINARY_STRING>, endExpr <BINARY_STRING>)"},
    {"FROM_CHANGELOG", PROCESS_TABLE, false,
     "(input => {TABLE, ROW SEMANTIC TABLE}, op => DESCRIPTOR, op_mapping => "
     "MAP<STRING, STRING>)"},
    {"GREATEST", SCALAR, false, "(<COMPARABLE>...)"},
    {"HIVE_AGG_DECIMAL_PLUS", SCALAR, false, "(<DECIMAL>, <DECIMAL>)"},
    {"IFNULL", SCALAR, false, "(input <COMMON>, null_replacement <COMMON>)"},
    {"INET_ATON", SCALAR, false, "(<CHARACTER_STRING>)"},
    {"INET_NTOA", SCALAR, false, "(<INTEGER_NUMERIC>)"},
    {"IS_JSON", SCALAR, false, "(<CHARACTER_STRING>)\n" "(<CHARACTER_STRING>, <JsonType>)"},
    {"JSON", SCALAR, false, "(<CHARACTER_STRING>)"},
    {"JSON_ARRAY", SCALAR, false, "(<JsonOnNull>, " JSON_TYPES "...)"},
    {"JSON_ARRAYAGG_ABSENT_ON_NULL", AGGREGATE, false, "(" JSON_TYPES ")"},
    {"JSON_ARRAYAGG_NULL_ON_NULL", AGGREGATE, false, "(" JSON_TYPES ")"},
    {"JSON_EXISTS", SCALAR, false,
     "(<CHARACTER_STRING>, [<CHARACTER_STRING> & <LITERAL NOT NULL>])\n"
     "(<CHARACTER_STRING>, [<CHARACTER_STRING> & <LITERAL NOT NULL>], " "<JsonExistsOnError>)"},
    {"JSON_OBJECT", SCALAR, false, "(<JsonOnNull>, [[<CHARACTER_STRING> & <LITERAL NOT NULL>], "
     JSON_TYPES "]...)"},
    {"JSON_OBJECTAGG_ABSENT_ON_NULL", AGGREGATE, false, "(<CHARACTER_STRING>, " JSON_TYPES ")"},
    {"JSON_OBJECTAGG_NULL_ON_NULL", AGGREGATE, false, "(<CHARACTER_STRING>, " JSON_TYPES ")"},
    {"JSON_QUERY", SCALAR, false,
     "(<CHARACTER_STRING>, [<CHARACTER_STRING> & <LITERAL NOT NULL>], <DATA TYPE NOT "
     "NULL>, <JsonQueryWrapper>, <JsonQueryOnEmptyOrError>, <JsonQueryOnEmptyOrError>)"},
    {"JSON_QUOTE", SCALAR, false, "(<CHARACTER_STRING>)"},
    {"JSON_STRING", SCALAR, false, "(" JSON_TYPES ")"},
    {"JSON_UNQUOTE", SCALAR, false, "(<CHARACTER_STRING>)"},
    {"JSON_VALUE", SCALAR, false,
     "(<CHARACTER_STRING>, [<CHARACTER_STRING> & <LITERAL NOT NULL>], <DATA TYPE NOT "
     "NULL>, <JsonValueOnEmptyOrError>, <ANY>, <JsonValueOnEmptyOrError>, <ANY>)"},
    {"LEAST", SCALAR, false, "(<COMPARABLE>...)"},
    {"LIKE", SCALAR, false, "(<CHARACTER_STRING>, <CHARACTER_STRING>)\n"
     "(<CHARACTER_STRING>, <CHARACTER_STRING>, <CHARACTER_STRING>)"},
    {"MAP_ENTRIES", SCALAR, false, "(input <MAP>)"},
    {"MAP_FROM_ARRAYS", SCALAR, false, "(keysArray <ARRAY>, valuesArray <ARRAY>)"},
    {"MAP_KEYS", SCALAR, false, "(input <MAP>)"},
    {"MAP_UNION", SCALAR, false, "(<COMMON>, <COMMON>...)"},
    {"MAP_VALUES", SCALAR, false, "(input <MAP>)"},
    {"ML_PREDICT", PROCESS_TABLE, false,
     "(INPUT => {TABLE, ROW SEMANTIC TABLE}, MODEL => {MODEL}, ARGS => DESCRIPTOR, "
     "CONFIG => MAP<STRING, STRING>)"},
    {"OBJECT_OF", SCALAR, false, "(class name STRING, [STRING, ANY]*...)"},
    {"OBJECT_UPDATE", SCALAR, false, "(object STRUCTURED_TYPE, [STRING, ANY]+...)"},
    {"PARSE_JSON", SCALAR, false, "(<CHARACTER_STRING>)\n" "(<CHARACTER_STRING>, <BOOLEAN>)"},
    {"PERCENTILE", AGGREGATE, false,
     "(expr <NUMERIC>, percentage [<NUMERIC NOT NULL> | ARRAY<NUMERIC NOT NULL> NOT " "NULL])\n"
     "(expr <NUMERIC>, percentage [<NUMERIC NOT NULL> | ARRAY<NUMERIC NOT NULL> NOT "
     "NULL], frequency <INTEGER_NUMERIC>)"},
    {"PRINTF", SCALAR, false, "(format <CHARACTER_STRING>, obj <ANY>...)"},
    {"REGEXP_COUNT", SCALAR, false, "(str <CHARACTER_STRING>, regex <CHARACTER_STRING>)"},
    {"REGEXP_EXTRACT_ALL", SCALAR, false, "(str <CHARACTER_STRING>, regex <CHARACTER_STRING>)\n"
     "(str <CHARACTER_STRING>, regex <CHARACTER_STRING>, extractIndex <INTEGER_NUMERIC>)"},
    {"REGEXP_INSTR", SCALAR, false, "(str <CHARACTER_STRING>, regex <CHARACTER_STRING>)"},
    {"REGEXP_SUBSTR", SCALAR, false, "(str <CHARACTER_STRING>, regex <CHARACTER_STRING>)"},
    {"SOURCE_WATERMARK", SCALAR, false, "()"},
    {"SPLIT", SCALAR, false, "(<CHARACTER_STRING>, <CHARACTER_STRING>)"},
    {"STARTSWITH", SCALAR, false, "(expr <CHARACTER_STRING>, startExpr <CHARACTER_STRING>)\n"
     "(expr <BINARY_STRING>, startExpr <BINARY_STRING>)"},
    {"TO_CHANGELOG", PROCESS_TABLE, false,
     "(input => {TABLE, ROW SEMANTIC TABLE, SUPPORT UPDATES, REQUIRE UPDATE BEFORE, "
     "REQUIRE FULL DELETE}, op => DESCRIPTOR, op_mapping => MAP<STRING, STRING>)"},
    {"TO_TIMESTAMP_LTZ", SCALAR, false, "(<CHARACTER_STRING>)\n"
     "(<CHARACTER_STRING>, pattern <CHARACTER_STRING>)\n"
     "(<CHARACTER_STRING>, pattern <CHARACTER_STRING>, timezone <CHARACTER_STRING>)\n"
     "(<NUMERIC>)\n" "(<NUMERIC>, <INTEGER_NUMERIC>)"},
    {"TRANSLATE3", SCALAR, false,
     "(expr <CHARACTER_STRING>, fromStr <CHARACTER_STRING>, toStr <CHARACTER_STRING>)"},
    {"TRY_CAST", SCALAR, false, "(<ANY>, <TYPE LITERAL>)"},
    {"TRY_PARSE_JSON", SCALAR, false, "(<CHARACTER_STRING>)\n" "(<CHARACTER_STRING>, <BOOLEAN>)"},
    {"TYPEOF", SCALAR, false, "(input <ANY>)\n"
     "(input <ANY>, force_serializable [<BOOLEAN> & <LITERAL NOT NULL>])"},
    {"UNHEX", SCALAR, false, "(expr <CHARACTER_STRING>)"},
    {"URL_DECODE", SCALAR, false, "(<CHARACTER_STRING>)"},
    {"URL_ENCODE", SCALAR, false, "(<CHARACTER_STRING>)"},
    {"abs", SCALAR, false, "(<NUMERIC>)\n" "(<INTERVAL>)"},
    {"acos", SCALAR, false, "(<NUMERIC>)"},
    {"and", SCALAR, false, "(<BOOLEAN>, <BOOLEAN>, <BOOLEAN>...)"},
    {"array", SCALAR, false, "(<COMMON>, <COMMON>...)"},
    {"as", OTHER, false,
     "([<OUTPUT> | <ANY>], [<LITERAL NOT NULL> & <CHARACTER_STRING>], [<LITERAL NOT "
     "NULL> & <CHARACTER_STRING>]...)"},
    {"asc", OTHER, false, "(<ANY>)"},
    {"ascii", SCALAR, false, "(<CHARACTER_STRING>)"},
    {"asin", SCALAR, false, "(<NUMERIC>)"},
    {"at", SCALAR, false,
     "([<ARRAY> | <MAP> | <VARIANT>], [<CHARACTER STRING> | <INTEGER NUMERIC> | "
     "<MAP_KEY_TYPE>])"},
    {"atan", SCALAR, false, "(<NUMERIC>)"},
    {"atan2", SCALAR, false, "(<NUMERIC>, <NUMERIC>)"},
    {"avg", AGGREGATE, false, "(<NUMERIC>)"},
    {"between", SCALAR, false, "(<COMPARABLE>...)"},
    {"bin", SCALAR, false, "(<INTEGER_NUMERIC>)"},
    {"cardinality", SCALAR, false, "([<COLLECTION> | <MAP>])"},
    {"cast", SCALAR, false, "(<ANY>, <TYPE LITERAL>)"},
    {"ceil", SCALAR, false, "(<NUMERIC>)\n" "(<INTERVAL>)\n" "(<DATETIME>, <SYMBOL>)"},
    {"charLength", SCALAR, false, "(<CHARACTER_STRING>)"},
    {"chr", SCALAR, false, "(<INTEGER_NUMERIC>)"},
    {"collect", AGGREGATE, false, "(<ANY>)"},
    {"concat", SCALAR, false, "(<CHARACTER_STRING>, <CHARACTER_STRING>...)\n"
     "(<BINARY_STRING>, <BINARY_STRING>...)"},
    {"concat_ws", SCALAR, false, "(<CHARACTER_STRING>, <CHARACTER_STRING>...)"},
    {"convertTz", SCALAR, false, "(<CHARACTER_STRING>, <CHARACTER_STRING>, <CHARACTER_STRING>)"},
    {"cos", SCALAR, false, "(<NUMERIC>)"},
    {"cosh", SCALAR, false, "(<NUMERIC>)"},
    {"cot", SCALAR, false, "(<NUMERIC>)"},
    {"count", AGGREGATE, false, "(<ANY>)"},
    {"currentDatabase", SCALAR, true, "(*)"},
    {"currentDate", SCALAR, false, "(*)"},
    {"currentRowTimestamp", SCALAR, true, "(*)"},
    {"currentTime", SCALAR, false, "(*)"},
    {"currentTimestamp", SCALAR, false, "(*)"},
    {"dateFormat", SCALAR, false, "(<TIMESTAMP>, <CHARACTER_STRING>)\n"
     "(<CHARACTER_STRING>, <CHARACTER_STRING>)"},
    {"decode", SCALAR, false, "(<BINARY_STRING>, <CHARACTER_STRING>)"},
    {"degrees", SCALAR, false, "(<NUMERIC>)"},
    {"desc", OTHER, false, "(<ANY>)"},
    {"distinct", AGGREGATE, false, "(<ANY>)"},
    {"divide", SCALAR, false, "(<NUMERIC>, <NUMERIC>)\n" "(<INTERVAL>, <NUMERIC>)"},
    {"e", SCALAR, false, "()"},
    {"element", SCALAR, false, "(<ARRAY>)"},
    {"encode", SCALAR, false, "(<CHARACTER_STRING>, <CHARACTER_STRING>)"},
    {"end", OTHER, false, "(<WINDOW REFERENCE>)"},
    {"equals", SCALAR, false, "(<COMPARABLE>...)"},
    {"exp", SCALAR, false, "(<NUMERIC>)"},
    {"extract", SCALAR, false, "(<TimeIntervalUnit>, <TEMPORAL>)"},
    {"first_value", AGGREGATE, false, "(*)"},
    {"flatten", OTHER, false, "(<COMPOSITE>)"},
    {"floor", SCALAR, false, "(<NUMERIC>)\n" "(<INTERVAL>)\n" "(<DATETIME>, <SYMBOL>)"},
    {"fromBase64", SCALAR, false, "(<CHARACTER_STRING>)"},
    {"fromUnixtime", SCALAR, false, "(<NUMERIC>)\n" "(<NUMERIC>, <CHARACTER_STRING>)"},
    {"get", OTHER, false,
     "(<COMPOSITE>, [<LITERAL NOT NULL> & [<INTEGER> | <CHARACTER_STRING>]])"},
    {"greaterThan", SCALAR, false, "(<COMPARABLE>...)"},
    {"greaterThanOrEqual", SCALAR, false, "(<COMPARABLE>...)"},
    {"hex", SCALAR, false, "(<INTEGER_NUMERIC>)\n" "(<CHARACTER_STRING>)"},
    {"ifThenElse", SCALAR, false, "(<BOOLEAN>, <COMMON>, <COMMON>)"},
    {"in", SCALAR, false, "(<COMPARABLE>, <COMPARABLE>...)\n" "(<COMPARABLE>, <SUBQUERY>)"},
    {"initCap", SCALAR, false, "(<CHARACTER_STRING>)"},
    {"instr", SCALAR, false, "(<CHARACTER_STRING>, <CHARACTER_STRING>)"},
    {"isFalse", SCALAR, false, "(<BOOLEAN>)"},
    {"isNotFalse", SCALAR, false, "(<BOOLEAN>)"},
    {"isNotNull", SCALAR, false, "(*)"},
    {"isNotTrue", SCALAR, false, "(<BOOLEAN>)"},
    {"isNull", SCALAR, false, "(*)"},
    {"isTrue", SCALAR, false, "(<BOOLEAN>)"},
    {"lag", AGGREGATE, false, "(<ANY>)\n" "(<ANY>, <NUMERIC>)\n"
     "(<COMMON>, <NUMERIC>, <COMMON>)"},
    {"last_value", AGGREGATE, false, "(*)"},
    {"lead", AGGREGATE, false, "(<ANY>)\n" "(<ANY>, <NUMERIC>)\n"
     "(<COMMON>, <NUMERIC>, <COMMON>)"},
    {"left", SCALAR, false, "(<CHARACTER_STRING>, <INTEGER_NUMERIC>)"},
    {"lessThan", SCALAR, false, "(<COMPARABLE>...)"},
    {"lessThanOrEqual", SCALAR, false, "(<COMPARABLE>...)"},
    {"listAgg", AGGREGATE, false, "(<ANY>, <CHARACTER_STRING>)"},
    {"ln", SCALAR, false, "(<NUMERIC>)"},
    {"localTime", SCALAR, false, "(*)"},
    {"localTimestamp", SCALAR, false, "(*)"},
    {"locate", SCALAR, false, "(<CHARACTER_STRING>, <CHARACTER_STRING>)\n"
     "(<CHARACTER_STRING>, <CHARACTER_STRING>, <INTEGER_NUMERIC>)"},
    {"log", SCALAR, false, "(<NUMERIC>)\n" "(<NUMERIC>, <NUMERIC>)"},
    {"log10", SCALAR, false, "(<NUMERIC>)"},
    {"log2", SCALAR, false, "(<NUMERIC>)"},
    {"lower", SCALAR, false, "(<CHARACTER_STRING>)"},
    {"lowerCase", SCALAR, false, "(<CHARACTER_STRING>)"},
    {"lpad", SCALAR, false, "(<CHARACTER_STRING>, <INTEGER>, <CHARACTER_STRING>)"},
    {"ltrim", SCALAR, false, "(<CHARACTER_STRING>)\n" "(<CHARACTER_STRING>, <CHARACTER_STRING>)"},
    {"map", SCALAR, false, "(*)"},
    {"max", AGGREGATE, false, "(<COMPARABLE>...)"},
    {"md5", SCALAR, false, "(<CHARACTER_STRING>)"},
    {"min", AGGREGATE, false, "(<COMPARABLE>...)"},
    {"minus", SCALAR, false, "(<NUMERIC>, <NUMERIC>)\n"
     "(<INTERVAL_DAY_TIME>, <INTERVAL_DAY_TIME>)\n"
     "(<INTERVAL_YEAR_MONTH>, <INTERVAL_YEAR_MONTH>)\n" "(<DATETIME>, <INTERVAL>)"},
    {"minusPrefix", SCALAR, false, "(<OUTPUT>)\n" "(<NUMERIC>)\n" "(<INTERVAL>)"},
    {"mod", SCALAR, false, "(<EXACT_NUMERIC>, <EXACT_NUMERIC>)"},
    {"not", SCALAR, false, "(<BOOLEAN>)"},
    {"notBetween", SCALAR, false, "(<COMPARABLE>...)"},
    {"notEquals", SCALAR, false, "(<COMPARABLE>...)"},
    {"now", SCALAR, false, "(*)"},
    {"or", SCALAR, false, "(<BOOLEAN>, <BOOLEAN>, <BOOLEAN>...)"},
    {"over", OTHER, false, "(<INTERNAL>...)"},
    {"overlay", SCALAR, false, "(<CHARACTER_STRING>, <CHARACTER_STRING>, <INTEGER>)\n"
     "(<CHARACTER_STRING>, <CHARACTER_STRING>, <INTEGER>, <INTEGER>)"},
    {"parseUrl", SCALAR, false, "(<CHARACTER_STRING>, <CHARACTER_STRING>)\n"
     "(<CHARACTER_STRING>, <CHARACTER_STRING>, <CHARACTER_STRING>)"},
    {"pi", SCALAR, false, "()"},
    {"plus", SCALAR, false, "(<NUMERIC>, <NUMERIC>)\n"
     "(<INTERVAL_DAY_TIME>, <INTERVAL_DAY_TIME>)\n"
     "(<INTERVAL_YEAR_MONTH>, <INTERVAL_YEAR_MONTH>)\n" "(<DATETIME>, <INTERVAL>)\n"
     "(<INTERVAL>, <DATETIME>)\n" "(<CHARACTER_STRING>, <PREDEFINED>)"},
    {"position", SCALAR, false, "(<CHARACTER_STRING>, <CHARACTER_STRING>)"},
    {"power", SCALAR, false, "(<NUMERIC>, <NUMERIC>)"},
    {"proctime", OTHER, false, "(<WINDOW REFERENCE>)"},
    {"radians", SCALAR, false, "(<NUMERIC>)"},
    {"rand", SCALAR, true, "()\n" "(<INTEGER>)"},
    {"randInteger", SCALAR, true, "(<INTEGER>)\n" "(<INTEGER>, <INTEGER>)"},
    {"rangeTo", OTHER, false, "(*)"},
    {"regexp", SCALAR, false, "(<CHARACTER_STRING>, <CHARACTER_STRING>)"},
    {"regexpExtract", SCALAR, false, "(<CHARACTER_STRING>, <CHARACTER_STRING>)\n"
     "(<CHARACTER_STRING>, <CHARACTER_STRING>, <INTEGER>)"},
    {"regexpReplace", SCALAR, false,
     "(<CHARACTER_STRING>, <CHARACTER_STRING>, <CHARACTER_STRING>)"},
    {"reinterpretCast", SCALAR, false, "(<ANY>, <TYPE LITERAL>, <TRUE | FALSE>)"},
    {"repeat", SCALAR, false, "(<CHARACTER_STRING>, <INTEGER>)"},
    {"replace", SCALAR, false, "(<CHARACTER_STRING>, <CHARACTER_STRING>, <CHARACTER_STRING>)"},
    {"reverse", SCALAR, false, "(<CHARACTER_STRING>)"},
    {"right", SCALAR, false, "(<CHARACTER_STRING>, <INTEGER_NUMERIC>)"},
    {"round", SCALAR, false, "(<NUMERIC>)\n" "(<NUMERIC>, <INTEGER>)"},
    {"row", SCALAR, false, "(*)"},
    {"rowtime", OTHER, false, "(<WINDOW REFERENCE>)"},
    {"rpad", SCALAR, false, "(<CHARACTER_STRING>, <INTEGER>, <CHARACTER_STRING>)"},
    {"rtrim", SCALAR, false, "(<CHARACTER_STRING>)\n" "(<CHARACTER_STRING>, <CHARACTER_STRING>)"},
    {"sha1", SCALAR, false, "(<CHARACTER_STRING>)"},
    {"sha2", SCALAR, false, "(<CHARACTER_STRING>, <INTEGER>)"},
    {"sha224", SCALAR, false, "(<CHARACTER_STRING>)"},
    {"sha256", SCALAR, false, "(<CHARACTER_STRING>)"},
    {"sha384", SCALAR, false, "(<CHARACTER_STRING>)"},
    {"sha512", SCALAR, false, "(<CHARACTER_STRING>)"},
    {"sign", SCALAR, false, "(<NUMERIC>)"},
    {"similar", SCALAR, false, "(<CHARACTER_STRING>, <CHARACTER_STRING>)"},
    {"sin", SCALAR, false, "(<NUMERIC>)"},
    {"sinh", SCALAR, false, "(<NUMERIC>)"},
    {"splitIndex", SCALAR, false, "(<CHARACTER_STRING>, <CHARACTER_STRING>, <INTEGER>)"},
    {"sqrt", SCALAR, false, "(<NUMERIC>)"},
    {"start", OTHER, false, "(<WINDOW REFERENCE>)"},
    {"stddevPop", AGGREGATE, false, "(<NUMERIC>)"},
    {"stddevSamp", AGGREGATE, false, "(<NUMERIC>)"},
    {"strToMap", SCALAR, false, "(<CHARACTER_STRING>)\n"
     "(<CHARACTER_STRING>, <CHARACTER_STRING>, <CHARACTER_STRING>)"},
    {"streamRecordTimestamp", OTHER, false, "()"},
    {"substr", SCALAR, false, "(<CHARACTER_STRING>, <INTEGER>)\n"
     "(<CHARACTER_STRING>, <INTEGER>, <INTEGER>)"},
    {"substring", SCALAR, false, "(<CHARACTER_STRING>, <INTEGER>)\n"
     "(<CHARACTER_STRING>, <INTEGER>, <INTEGER>)"},
    {"sum", AGGREGATE, false, "(<NUMERIC>)"},
    {"sum0", AGGREGATE, false, "(<NUMERIC>)"},
    {"tan", SCALAR, false, "(<NUMERIC>)"},
    {"tanh", SCALAR, false, "(<NUMERIC>)"},
    {"temporalOverlaps", SCALAR, false,
     "(leftTimePoint <DATETIME>, leftTemporal <TEMPORAL>, rightTimePoint <DATETIME>, "
     "rightTemporal <TEMPORAL>)"},
    {"times", SCALAR, false, "(<NUMERIC>, <NUMERIC>)\n" "(<INTERVAL>, <NUMERIC>)\n"
     "(<NUMERIC>, <INTERVAL>)"},
    {"timestampDiff", SCALAR, false, "(<TimePointUnit>, <DATETIME>, <DATETIME>)"},
    {"toBase64", SCALAR, false, "(<CHARACTER_STRING>)"},
    {"toDate", SCALAR, false, "(<CHARACTER_STRING>)\n"
     "(<CHARACTER_STRING>, <CHARACTER_STRING>)"},
    {"toTimestamp", SCALAR, false, "(<CHARACTER_STRING>)\n"
     "(<CHARACTER_STRING>, <CHARACTER_STRING>)"},
    {"trim", SCALAR, false, "(<BOOLEAN>, <BOOLEAN>, <CHARACTER_STRING>, <CHARACTER_STRING>)"},
    {"truncate", SCALAR, false, "(<NUMERIC>)\n" "(<NUMERIC>, <INTEGER>)"},
    {"unixTimestamp", SCALAR, false, "()\n" "(<CHARACTER_STRING>)\n"
     "(<CHARACTER_STRING>, <CHARACTER_STRING>)"},
    {"upper", SCALAR, false, "(<CHARACTER_STRING>)"},
    {"upperCase", SCALAR, false, "(<CHARACTER_STRING>)"},
    {"uuid", SCALAR, true, "()"},
    {"varPop", AGGREGATE, false, "(<NUMERIC>)"},
    {"varSamp", AGGREGATE, false, "(<NUMERIC>)"},
    {"withColumns", OTHER, false, "(*)"},
    {"withoutColumns", OTHER, false, "(*)"},
};
// clang-format on

bool func_signature(Str name, FuncSignature *out) {
    for (size_t i = 0; i < sizeof SIGNATURES / sizeof *SIGNATURES; i++) {
        if (!str_eq_nocase(name, str_c(SIGNATURES[i].name))) continue;
        *out = (FuncSignature){.kind = KINDS[SIGNATURES[i].kind],
                               .changes = SIGNATURES[i].changes,
                               .forms = SIGNATURES[i].forms};
        return true;
    }
    return false;
}
