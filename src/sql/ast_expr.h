// sql/ast_expr.h - of the tree: places, names, expressions and types. See sql/ast.h.
#pragma once

#include "base/text.h"

typedef struct AstExpr AstExpr;
typedef struct AstQuery AstQuery;
typedef struct AstFrom AstFrom;
typedef struct AstType AstType;
typedef struct AstStmt AstStmt;
typedef struct AstWindow AstWindow;

// ---- places, names, lists ----------------------------------------------------------------------

// Where a node stands. [place] is for people: lines and columns from 1, the end inclusive, as
// Calcite counts them in its messages. [from, to) are bytes of the parsed text, for whoever keeps
// the source (computed columns, views): see sql_slice. The two differ in one point: an expression
// in parentheses has its parentheses in [from, to) and not in [place].
typedef struct AstSpan {
    Place place;
    uint32_t from, to;
} AstSpan;

// One identifier. [name] is decoded: back-ticks removed, case kept (Flink compares
// case-sensitively).
typedef struct AstIdent {
    Str name;
    bool quoted;
    AstSpan span;
} AstIdent;

typedef struct AstIdents {
    AstIdent *at;
    uint32_t count;
} AstIdents;

// A dotted name: `a`.`b`.`c`. An absent name has count 0.
typedef struct AstName {
    AstIdent *part;
    uint32_t count;
    AstSpan span;
} AstName;

typedef struct AstNames {
    AstName *at;
    uint32_t count;
} AstNames;

typedef struct AstExprs {
    AstExpr **at;
    uint32_t count;
} AstExprs;

// 'key' = 'value' of WITH (…), SET (…), PARTITION (…), hints. [value] is NULL in RESET ('key'), in
// PARTITION (key) and in hint options that are a bare word; [key] is absent in hint options that
// are a bare literal. Values keep their literal kind.
typedef struct AstOption {
    AstIdent key;      // decoded text of the string or identifier
    bool key_is_text;  // 'key' rather than key
    AstExpr *value;    // EX_LITERAL
    AstSpan span;
} AstOption;

typedef struct AstOptions {
    AstOption *at;
    uint32_t count;
    bool present;  // WITH () was written, though it may be empty
} AstOptions;

// ---- expressions -------------------------------------------------------------------------------

typedef enum AstExprKind {
    EX_LITERAL,
    EX_NAME,    // a, t.a, a.b.c: column, field path, or, as an argument, something else named
    EX_STAR,    // * or t.*: [name] is the prefix, count 0 for the bare star
    EX_CALL,    // operators, predicates, functions with or without special syntax: see AstCall
    EX_CASE,
    EX_CAST,    // CAST and TRY_CAST
    EX_QUERY,   // a subquery: scalar, or the argument of IN, EXISTS, ARRAY, MULTISET, MAP, CURSOR
    EX_SYMBOL,  // a keyword as an argument: a time unit, BOTH, NULL ON ERROR …
    EX_TYPE,    // a type as an argument: RETURNING VARCHAR
    EX_NAMED,   // NAME => value
    EX_TABLE,   // TABLE t [PARTITION BY …] [ORDER BY …], or (query) with those, as an argument
    EX_MODEL,   // MODEL m, as an argument
    EX_DEFAULT, // DEFAULT, as an argument
    EX_PARAM,   // ?
} AstExprKind;

typedef enum AstLiteralKind {
    LIT_NULL,
    LIT_UNKNOWN,  // the boolean NULL
    LIT_BOOLEAN,  // [boolean]
    LIT_INTEGER,  // text: the digits, here and below behind a '-' when one was folded in
    LIT_DECIMAL,  // text: digits with a point, or DECIMAL '…'
    LIT_APPROX,   // text: with an exponent, 1e3
    LIT_TEXT,  // text: decoded; from '…', U&'…', E'…', _charset'…', adjacent pieces joined
    LIT_BINARY,  // text: the hex digits of X'…', pieces joined; may be odd in number (the binder's)
    LIT_DATE,    // text: what stands in the quotes, unchecked, for all of these
    LIT_TIME,
    LIT_TIMESTAMP,
    LIT_TIMESTAMP_LTZ,  // TIMESTAMP WITH LOCAL TIME ZONE '…'
    LIT_DATETIME,       // DATETIME '…', of another dialect: the validator refuses it
    LIT_INTERVAL,       // and [interval], [negative]
} AstLiteralKind;

typedef enum AstUnit {
    UNIT_NONE,
    UNIT_YEAR,
    UNIT_QUARTER,
    UNIT_MONTH,
    UNIT_WEEK,
    UNIT_DAY,
    UNIT_HOUR,
    UNIT_MINUTE,
    UNIT_SECOND,
} AstUnit;

// DAY(3) TO SECOND(6). -1: not written.
typedef struct AstInterval {
    AstUnit from, to;  // to is UNIT_NONE for a single unit
    int32_t precision, fraction;
} AstInterval;

// How a text literal was written; printing it back in the same manner keeps round trips exact.
typedef enum AstTextStyle { TEXT_PLAIN, TEXT_UNICODE, TEXT_C_STYLE, TEXT_PREFIXED } AstTextStyle;

typedef struct AstLiteral {
    AstLiteralKind kind;
    bool boolean;
    bool negative;  // INTERVAL -'1' DAY
    AstTextStyle style;
    Str charset;    // of _latin1'…' and N'…' (TEXT_PREFIXED): "latin1", "N"
    Str text;
    AstInterval interval;
    AstExprs piece;     // 'a' <line end> 'b': the pieces, in [text] joined; count 0 for one piece
    bool pieces_on_one_line;  // which the validator refuses
} AstLiteral;

// ORDER BY expr [ASC|DESC] [NULLS FIRST|LAST].
typedef enum AstNullsOrder { NULLS_UNSAID, NULLS_FIRST, NULLS_LAST } AstNullsOrder;

typedef struct AstOrder {
    AstExpr *expr;
    bool descending;
    AstNullsOrder nulls;
    AstSpan span;
} AstOrder;

typedef struct AstOrders {
    AstOrder *at;
    uint32_t count;
} AstOrders;

typedef enum AstQuantifier { QUANT_NONE, QUANT_DISTINCT, QUANT_ALL } AstQuantifier;
typedef enum AstNullTreatment { TREAT_UNSAID, TREAT_RESPECT, TREAT_IGNORE } AstNullTreatment;

// How a call was written; the printer needs it, the binder mostly does not.
typedef enum AstSyntax {
    SYN_FUNCTION,  // f(a, b), also with special words inside: TRIM(BOTH x FROM y)
    SYN_BARE,      // CURRENT_DATE: no parentheses
    SYN_PREFIX,    // -a, NOT a
    SYN_BINARY,    // a + b
    SYN_POSTFIX,   // a IS NULL
    SYN_SPECIAL,   // all else: BETWEEN, IN, LIKE, a[i], (a, b), ARRAY[…]
} AstSyntax;

// Operators, predicates and functions are one thing: a canonical upper-case [name] and arguments,
// so that the binder has one way, looking functions up. The names of what is not written f(…):
//
//   a op b         "+" "-" "*" "/" "%" "||" "=" "<>" "<" "<=" ">" ">=" "AND" "OR"
//                  "IS DISTINCT FROM" "IS NOT DISTINCT FROM" "MEMBER OF" "NOT MEMBER OF"
//                  "SUBMULTISET OF" "NOT SUBMULTISET OF" "OVERLAPS" "CONTAINS" "PRECEDES"
//                  "SUCCEEDS" "IMMEDIATELY PRECEDES" "IMMEDIATELY SUCCEEDS" "EQUALS" (of periods)
//                  "MULTISET UNION" "MULTISET UNION DISTINCT" … "MULTISET EXCEPT DISTINCT"
//                  ("ALL" is the default and not named); SYN_BINARY
//   op a           "UNARY -" "UNARY +" "NOT" "EXISTS" "UNIQUE"
//   a op           "IS NULL" "IS TRUE" "IS FALSE" "IS UNKNOWN" "IS A SET" "IS EMPTY" "IS JSON"
//                  "IS JSON VALUE|OBJECT|ARRAY|SCALAR", and all with "IS NOT"
//   special        "LIKE" "ILIKE" "RLIKE" "SIMILAR TO" and "NOT …": value, pattern [, escape]
//                  "BETWEEN ASYMMETRIC" "BETWEEN SYMMETRIC" and "NOT …": value, low, high
//                  "IN" "NOT IN": value, then the items of the list, or one EX_QUERY
//                  "= SOME" "<> ALL" … (six comparisons with SOME or ALL; ANY is SOME): the same
//                  "ITEM" a[i]; "DOT" expr.field: the field is an EX_NAME of one part
//                  "ROW" (a, b) and ROW(a, b); "PERIOD" PERIOD(a, b)
//                  "ARRAY" "MAP" "MULTISET": ARRAY[a, b]; with one EX_QUERY and [subquery]:
//                  ARRAY(SELECT …)
//                  "CURSOR" CURSOR(SELECT …); "NEW" "SPECIFIC" (call); "NEXT VALUE" "CURRENT VALUE"
//                  (name) "INTERVAL" (value, EX_TYPE): INTERVAL a DAY, a value that is no literal
//                  "MINUS_DATE" (a, b, EX_TYPE): (a - b) DAY
//                  "LIST": CASE x WHEN 1, 2 THEN …: the values of one branch
//   f with words   "EXTRACT" (unit, value); "FLOOR" "CEIL": (value [, unit]);
//                  "TIMESTAMPADD" "TIMESTAMPDIFF" (unit, a, b); "TIMESTAMP_DIFF" "DATE_DIFF"
//                  "DATETIME_DIFF" "TIME_DIFF" (a, b, unit); "DATE_TRUNC" "TIMESTAMP_TRUNC"
//                  "DATETIME_TRUNC" "TIME_TRUNC" (value, unit), where it is not a plain call;
//                  a unit is an EX_SYMBOL, as written but upper-case: "DAY", "WEEK(MONDAY)", "FOO"
//                  "TRIM" (BOTH|LEADING|TRAILING, chars, text): always these three, BOTH and ' '
//                  filled in when not written;
//                  "SUBSTRING" (text, from [, for]); "POSITION" (part, text [, from]);
//                  "OVERLAY" (text, by, from [, for]); "TRANSLATE USING" (text, EX_NAME), which
//                  CONVERT(… USING …) is too; "CONVERT" (text, EX_NAME, EX_NAME) or (EX_TYPE,
//                  value)
//   escapes        {fn f(x)}: "{fn}" (call)
//   bare           "CURRENT_DATE" "CURRENT_TIME" "CURRENT_TIMESTAMP" "LOCALTIME" "LOCALTIMESTAMP"
//                  "CURRENT_USER" "USER" …
//   bare or not    PI is a name with count 1; the binder looks functions up when no column fits
//   JSON           positional arguments, then the clauses in [json], see AstJson
//   windows        "TUMBLE" … are ordinary; "DESCRIPTOR" has EX_NAME arguments
//   MATCH          "RUNNING" "FINAL" (one argument), "PREV" "NEXT" "FIRST" "LAST" "CLASSIFIER"
//                  "MATCH_NUMBER"
//
// Ordinary functions have [name] upper-cased when they are written as one unquoted identifier; what
// was written is in [path]: user functions are looked up by it, case and all.
typedef struct AstCall {
    Str name;
    AstSyntax syntax;
    AstName path;  // f, cat.db.f; count 0 for operators and special syntax
    AstExprs arg;  // COUNT(*) has one EX_STAR
    bool subquery;               // ARRAY(SELECT …): round brackets
    AstQuantifier quantifier;    // COUNT(DISTINCT x)
    AstOrders order_in;          // ARRAY_AGG(x ORDER BY y)
    AstOrders within_group;      // WITHIN GROUP (ORDER BY …)
    bool within_distinct;        // WITHIN DISTINCT (…), arguments in [within_distinct_by]
    AstExprs within_distinct_by;
    AstExpr *filter;             // FILTER (WHERE …)
    AstNullTreatment nulls;      // RESPECT NULLS, IGNORE NULLS
    AstWindow *over;             // OVER (…) or OVER w (then only its [ref] is set)
    struct AstJson *json;        // clauses of the JSON functions
} AstCall;

// What to do ON EMPTY or ON ERROR.
typedef enum AstJsonDo {
    JSON_UNSAID,
    JSON_ERROR,
    JSON_NULL,
    JSON_DEFAULT,       // JSON_VALUE: DEFAULT expr
    JSON_EMPTY_ARRAY,   // JSON_QUERY
    JSON_EMPTY_OBJECT,  // JSON_QUERY
    JSON_TRUE,          // JSON_EXISTS
    JSON_FALSE,
    JSON_UNKNOWN,
} AstJsonDo;

typedef enum AstJsonWrapper {
    WRAPPER_UNSAID,
    WRAPPER_WITHOUT,        // WITHOUT [ARRAY] WRAPPER
    WRAPPER_CONDITIONAL,    // WITH CONDITIONAL [ARRAY] WRAPPER
    WRAPPER_UNCONDITIONAL,  // WITH [UNCONDITIONAL] [ARRAY] WRAPPER
} AstJsonWrapper;

typedef enum AstJsonNulls { JSON_NULLS_UNSAID, NULL_ON_NULL, ABSENT_ON_NULL } AstJsonNulls;

// The clauses of JSON_EXISTS, JSON_VALUE, JSON_QUERY (arguments: document, path) and of
// JSON_OBJECT, JSON_OBJECTAGG (arguments: key, value, key, value …), JSON_ARRAY, JSON_ARRAYAGG
// (values).
typedef struct AstJson {
    AstType *returning;
    AstJsonWrapper wrapper;
    AstJsonDo on_empty, on_error;
    AstExpr *empty_default, *error_default;
    AstJsonNulls nulls;
    bool *format_json;      // per argument: FORMAT JSON follows it
    uint32_t format_count;  // arguments that [format_json] speaks of; false for the rest
} AstJson;

typedef struct AstCaseWhen {
    AstExpr *when, *then;
} AstCaseWhen;

struct AstExpr {
    AstExprKind kind;
    uint32_t height;  // of the tree below, at most SQL_HEIGHT_MAX: recursion over it is safe
    AstSpan span;
    union {
        AstLiteral literal;  // EX_LITERAL
        AstName name;        // EX_NAME, EX_STAR, EX_MODEL
        AstCall *call;       // EX_CALL
        struct {
            AstExpr *operand;  // CASE x WHEN …; NULL for the searched form
            AstCaseWhen *branch;
            uint32_t branch_count;
            AstExpr *otherwise;  // NULL: no ELSE
        } cases;             // EX_CASE
        struct {
            AstExpr *value;
            AstType *type;
            bool try_cast;
        } cast;              // EX_CAST
        AstQuery *query;     // EX_QUERY
        struct {
            Str text;        // upper-case, words parted by one space: "DAY", "BOTH"
            bool is_name;  // no unit that the parser knows; as written, to be looked up or refused
        } symbol;            // EX_SYMBOL
        AstType *type;       // EX_TYPE
        struct {
            AstIdent name;
            AstExpr *value;
        } named;             // EX_NAMED
        struct {
            AstName name;    // TABLE name (or a bare name before PARTITION BY), or
            AstQuery *query; // the subquery
            bool table_word; // TABLE was written
            bool has_partition, has_order;
            AstExprs partition;
            AstOrders order;
        } table;             // EX_TABLE
        uint32_t param;      // EX_PARAM: index from 0
    };
};

// ---- types -------------------------------------------------------------------------------------

// Synonyms are folded here (INTEGER is AT_INT, DEC and NUMERIC are AT_DECIMAL, DOUBLE PRECISION is
// AT_DOUBLE, TIMESTAMP(3) WITH LOCAL TIME ZONE is AT_TIMESTAMP_LTZ).
typedef enum AstTypeKind {
    AT_BOOLEAN,
    AT_TINYINT,
    AT_SMALLINT,
    AT_INT,
    AT_BIGINT,
    AT_FLOAT,
    AT_REAL,
    AT_DOUBLE,
    AT_DECIMAL,    // precision, scale
    AT_CHAR,       // precision is the length
    AT_VARCHAR,
    AT_STRING,
    AT_BINARY,
    AT_VARBINARY,
    AT_BYTES,
    AT_DATE,
    AT_TIME,       // precision
    AT_TIME_LTZ,
    AT_TIMESTAMP,
    AT_TIMESTAMP_LTZ,
    AT_INTERVAL,   // interval
    AT_ARRAY,      // child[0]
    AT_MULTISET,   // child[0]
    AT_MAP,        // child[0], child[1]
    AT_ROW,        // child and field
    AT_STRUCTURED, // the class in [class_name], child and field
    AT_RAW,        // RAW('class', 'serializer')
    AT_VARIANT,
    AT_BITMAP,
    AT_ANY,
    AT_NAMED,      // something else, by name
} AstTypeKind;

typedef enum AstNullability {
    NULLABILITY_UNSAID,
    NULLABILITY_NULL,
    NULLABILITY_NOT_NULL
} AstNullability;

struct AstType {
    AstTypeKind kind;
    AstNullability nullability;
    int32_t precision, scale;  // -1: not written
    AstInterval interval;
    AstType **child;
    uint32_t child_count;
    AstIdent *field;   // AT_ROW, AT_STRUCTURED: child_count names
    Str *comment;      // AT_ROW, AT_STRUCTURED: child_count comments (ptr NULL: none), or NULL
    bool parentheses;  // ROW(a INT) rather than ROW<a INT>
    bool suffix;       // INT ARRAY, INT MULTISET rather than ARRAY<INT>
    bool short_name;   // TIMESTAMP_LTZ rather than TIMESTAMP WITH LOCAL TIME ZONE
    Str class_name, serializer;  // AT_RAW, AT_STRUCTURED
    Str charset;       // CHAR(3) CHARACTER SET x
    AstName name;      // AT_NAMED
    AstSpan span;
};
