// func/listed.c - the names under which SHOW FUNCTIONS lists functions: those of Flink's catalogue
// of definitions, which its Table API shares. Most functions of SQL are called as they are listed;
// the older ones are listed as Java names them; operators, types and clauses of the Table API are
// listed too, though no SQL can call them by that name.
#include "func/func.h"

static const struct {
    const char *name, *listed;
} JAVA_NAMES[] = {
    {"$SUM0", "sum0"}, {"ABS", "abs"}, {"ACOS", "acos"}, {"ASCII", "ascii"}, {"ASIN", "asin"},
    {"ATAN", "atan"}, {"ATAN2", "atan2"}, {"AVG", "avg"}, {"BIN", "bin"},
    {"CARDINALITY", "cardinality"}, {"CEIL", "ceil"}, {"CHAR_LENGTH", "charLength"},
    {"CHR", "chr"}, {"COLLECT", "collect"}, {"CONCAT", "concat"}, {"CONCAT_WS", "concat_ws"},
    {"CONVERT_TZ", "convertTz"}, {"COS", "cos"}, {"COSH", "cosh"}, {"COT", "cot"},
    {"COUNT", "count"}, {"CURRENT_DATABASE", "currentDatabase"}, {"CURRENT_DATE", "currentDate"},
    {"CURRENT_ROW_TIMESTAMP", "currentRowTimestamp"}, {"CURRENT_TIME", "currentTime"},
    {"CURRENT_TIMESTAMP", "currentTimestamp"}, {"DATE_FORMAT", "dateFormat"},
    {"DECODE", "decode"}, {"DEGREES", "degrees"}, {"E", "e"}, {"ELEMENT", "element"},
    {"ENCODE", "encode"}, {"EXP", "exp"}, {"EXTRACT", "extract"}, {"FIRST_VALUE", "first_value"},
    {"FLOOR", "floor"}, {"FROM_BASE64", "fromBase64"}, {"FROM_UNIXTIME", "fromUnixtime"},
    {"HEX", "hex"}, {"IF", "ifThenElse"}, {"INITCAP", "initCap"}, {"INSTR", "instr"},
    {"LAG", "lag"}, {"LAST_VALUE", "last_value"}, {"LEFT", "left"}, {"LISTAGG", "listAgg"},
    {"LN", "ln"}, {"LOCALTIME", "localTime"}, {"LOCALTIMESTAMP", "localTimestamp"},
    {"LOCATE", "locate"}, {"LOG", "log"}, {"LOG10", "log10"}, {"LOG2", "log2"},
    {"LOWER", "lower"}, {"LPAD", "lpad"}, {"LTRIM", "ltrim"}, {"MAX", "max"}, {"MD5", "md5"},
    {"MIN", "min"}, {"MOD", "mod"}, {"NOW", "now"}, {"OVERLAY", "overlay"},
    {"PARSE_URL", "parseUrl"}, {"PI", "pi"}, {"POSITION", "position"}, {"POWER", "power"},
    {"PROCTIME", "proctime"}, {"RADIANS", "radians"}, {"RAND", "rand"},
    {"RAND_INTEGER", "randInteger"}, {"REGEXP", "regexp"}, {"REGEXP_EXTRACT", "regexpExtract"},
    {"REGEXP_REPLACE", "regexpReplace"}, {"REPEAT", "repeat"}, {"REPLACE", "replace"},
    {"REVERSE", "reverse"}, {"RIGHT", "right"}, {"ROUND", "round"}, {"RPAD", "rpad"},
    {"RTRIM", "rtrim"}, {"SHA1", "sha1"}, {"SHA2", "sha2"}, {"SHA224", "sha224"},
    {"SHA256", "sha256"}, {"SHA384", "sha384"}, {"SHA512", "sha512"}, {"SIGN", "sign"},
    {"SIN", "sin"}, {"SINH", "sinh"}, {"SPLIT_INDEX", "splitIndex"}, {"SQRT", "sqrt"},
    {"STDDEV_POP", "stddevPop"}, {"STDDEV_SAMP", "stddevSamp"}, {"STR_TO_MAP", "strToMap"},
    {"SUBSTR", "substr"}, {"SUBSTRING", "substring"}, {"SUM", "sum"}, {"TAN", "tan"},
    {"TANH", "tanh"}, {"TIMESTAMPDIFF", "timestampDiff"}, {"TO_BASE64", "toBase64"},
    {"TO_DATE", "toDate"}, {"TO_TIMESTAMP", "toTimestamp"}, {"TRIM", "trim"},
    {"TRUNCATE", "truncate"}, {"UNIX_TIMESTAMP", "unixTimestamp"}, {"UPPER", "upper"},
    {"UUID", "uuid"}, {"VAR_POP", "varPop"}, {"VAR_SAMP", "varSamp"},
};

// Calls that Flink rewrites while it parses, or has in its planner alone.
static const char *const UNLISTED[] = {
    "APPROX_COUNT_DISTINCT", "DAYOFMONTH", "DAYOFWEEK", "DAYOFYEAR", "HASH_CODE", "HOUR",
    "IS_ALPHA", "IS_DECIMAL", "IS_DIGIT", "JSON_ARRAYAGG", "JSON_OBJECTAGG", "MINUTE", "MONTH",
    "NULLIF", "QUARTER", "SECOND", "SINGLE_VALUE", "TIMESTAMPADD", "WEEK", "YEAR",
};

const char *const FUNC_INNER_NAMES[] = {
    "AGG_DECIMAL_MINUS", "AGG_DECIMAL_PLUS", "ASSIGNMENT", "DEFAULT", "FROM_CHANGELOG",
    "HIVE_AGG_DECIMAL_PLUS", "IS_JSON", "JSON_ARRAYAGG_ABSENT_ON_NULL",
    "JSON_ARRAYAGG_NULL_ON_NULL", "JSON_OBJECTAGG_ABSENT_ON_NULL", "JSON_OBJECTAGG_NULL_ON_NULL",
    "LIKE", "ML_PREDICT", "TO_CHANGELOG", "TRY_CAST", "and", "array", "as", "asc", "at",
    "between", "cast", "desc", "distinct", "divide", "end", "equals", "flatten", "get",
    "greaterThan", "greaterThanOrEqual", "in", "isFalse", "isNotFalse", "isNotNull", "isNotTrue",
    "isNull", "isTrue", "lead", "lessThan", "lessThanOrEqual", "lowerCase", "map", "minus",
    "minusPrefix", "not", "notBetween", "notEquals", "or", "over", "plus", "rangeTo",
    "reinterpretCast", "row", "rowtime", "similar", "start", "streamRecordTimestamp",
    "temporalOverlaps", "times", "upperCase", "withColumns", "withoutColumns",
    NULL,
};

const char *func_listed(const char *name) {
    for (size_t i = 0; i < sizeof JAVA_NAMES / sizeof *JAVA_NAMES; i++) {
        if (strcmp(JAVA_NAMES[i].name, name) == 0) return JAVA_NAMES[i].listed;
    }
    for (size_t i = 0; i < sizeof UNLISTED / sizeof *UNLISTED; i++) {
        if (strcmp(UNLISTED[i], name) == 0) return NULL;
    }
    return name;
}

bool func_is_defined_only(const char *name) {
    static const char *const OPERATORS[] = {"ARRAY_AGG",   "COALESCE",    "JSON_ARRAY",
                                            "JSON_EXISTS", "JSON_OBJECT", "JSON_QUERY",
                                            "JSON_VALUE"};
    for (size_t i = 0; i < sizeof OPERATORS / sizeof *OPERATORS; i++) {
        if (strcmp(OPERATORS[i], name) == 0) return false;
    }
    return func_listed(name) == name;
}
