// sql/ast.h - the syntax tree of Flink SQL: what the parser makes, the binder and the printer read.
//
// The tree says what was written, not what it means: names are unresolved, types are spellings,
// nothing has been folded or checked beyond what Flink's own parser checks.
//
// Memory:  every node lies in the arena that was given to the parser and goes with it; nothing is
//          freed singly. Texts are decoded copies in the same arena; the tree does not point into
//          the statement's text, the spans do (by offset).
// Absent:  an optional node is NULL, an optional list has count 0, an optional text has ptr NULL.
// Threads: read-only once parsed.
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

// ---- queries -----------------------------------------------------------------------------------

// A window: in WINDOW w AS (…), in OVER (…).
typedef enum AstFrameKind { FRAME_NONE, FRAME_ROWS, FRAME_RANGE } AstFrameKind;

typedef enum AstBoundKind {
    BOUND_NONE,
    BOUND_UNBOUNDED_PRECEDING,
    BOUND_PRECEDING,  // expr
    BOUND_CURRENT_ROW,
    BOUND_FOLLOWING,  // expr
    BOUND_UNBOUNDED_FOLLOWING,
} AstBoundKind;

typedef struct AstBound {
    AstBoundKind kind;
    AstExpr *expr;
} AstBound;

struct AstWindow {
    AstIdent name;  // WINDOW name AS …; empty in OVER
    AstIdent ref;   // OVER ref, or the base window inside the parentheses; empty when none
    bool in_parentheses;  // OVER (…) rather than OVER ref
    AstExprs partition;
    AstOrders order;
    AstFrameKind frame;
    AstBound low, high;  // high is BOUND_NONE unless BETWEEN is written
    enum { PARTIAL_UNSAID, PARTIAL_ALLOW, PARTIAL_DISALLOW } partial;
    AstSpan span;
};

// /*+ NAME(a, b), NAME('a', 1), NAME('k' = 'v', k = 'v') */: all options of a hint are of one
// shape.
typedef struct AstHint {
    AstIdent name;
    AstOptions option;
    AstSpan span;
} AstHint;

typedef struct AstHints {
    AstHint *at;
    uint32_t count;
} AstHints;

// One item of SELECT: an expression with or without alias, a star among them.
typedef struct AstItem {
    AstExpr *expr;
    AstIdent alias;  // name.ptr NULL: none
    AstSpan span;
} AstItem;

// GROUP BY: plain expressions, and the grouping forms, which nest.
typedef enum AstGroupKind {
    GROUP_EXPR,   // expr
    GROUP_LIST,   // (a, b) and ROW(a, b), and the empty (): items
    GROUP_SETS,   // GROUPING SETS (…)
    GROUP_ROLLUP,
    GROUP_CUBE,
} AstGroupKind;

typedef struct AstGroup AstGroup;
struct AstGroup {
    AstGroupKind kind;
    AstExpr *expr;
    AstGroup *item;
    uint32_t item_count;
    AstSpan span;
};

typedef struct AstSelect {
    AstQuantifier quantifier;
    bool stream;       // SELECT STREAM: the validator refuses it
    AstHints hints;
    AstItem *item;
    uint32_t item_count;
    AstFrom *from;     // NULL: no FROM
    AstExpr *where;
    bool has_group;
    AstQuantifier group_quantifier;  // GROUP BY DISTINCT
    AstGroup *group;
    uint32_t group_count;
    AstExpr *having;
    AstWindow *window;  // WINDOW clause
    uint32_t window_count;
    AstExpr *qualify;
} AstSelect;

typedef enum AstQueryKind { Q_SELECT, Q_VALUES, Q_TABLE, Q_SET_OP, Q_NESTED } AstQueryKind;
typedef enum AstSetOp { SET_UNION, SET_INTERSECT, SET_EXCEPT } AstSetOp;

typedef struct AstWith {
    AstIdent name;
    AstIdents column;
    AstQuery *query;
    AstSpan span;
} AstWith;

// A query expression: a body, and around it WITH, ORDER BY, OFFSET, FETCH. A parenthesised query is
// an AstQuery of its own, so set operations nest with their own ORDER BY. Parentheses that say
// nothing leave no node; Q_NESTED is where they do: (SELECT … LIMIT 1) ORDER BY a.
struct AstQuery {
    AstQueryKind kind;
    AstSpan span;
    bool recursive;  // WITH RECURSIVE
    AstWith *with;
    uint32_t with_count;
    union {
        AstSelect *select;      // Q_SELECT
        AstExprs values;        // Q_VALUES: each an EX_CALL "ROW"; VALUES 1 makes a row of one
        AstName table;          // Q_TABLE: TABLE t
        struct {
            AstSetOp op;
            bool all;
            AstQuery *left, *right;
        } set;                  // Q_SET_OP
        AstQuery *nested;       // Q_NESTED
    };
    AstOrders order;
    AstExpr *offset;  // OFFSET n [ROWS]
    AstExpr *fetch;   // FETCH NEXT n ROWS ONLY, LIMIT n; LIMIT ALL is none
};

// ---- FROM --------------------------------------------------------------------------------------

typedef enum AstFromKind {
    FROM_TABLE,     // a name
    FROM_QUERY,     // (query), VALUES among them
    FROM_FUNCTION,  // f(…), TABLE(f(…)), LATERAL TABLE(f(…)), and window functions
    FROM_UNNEST,    // UNNEST(expr, …) [WITH ORDINALITY]
    FROM_JOIN,
    FROM_MATCH,     // input MATCH_RECOGNIZE (…)
    FROM_PIVOT,     // input PIVOT (…)
    FROM_UNPIVOT,   // input UNPIVOT (…)
} AstFromKind;

typedef enum AstJoinKind {
    JOIN_COMMA,
    JOIN_CROSS,
    JOIN_INNER,
    JOIN_LEFT,
    JOIN_RIGHT,
    JOIN_FULL,
} AstJoinKind;

typedef struct AstMatch AstMatch;
typedef struct AstPivot AstPivot;
typedef struct AstUnpivot AstUnpivot;

// One relation of FROM. The fields below the union go with any kind but FROM_JOIN.
struct AstFrom {
    AstFromKind kind;
    AstSpan span;
    union {
        struct {
            AstName name;
            AstHints hints;
            struct AstColumn *extend;  // t EXTEND (c INT), t (c INT): the validator refuses them
            uint32_t extend_count;
        } table;
        AstQuery *query;
        struct {
            AstExpr *call;   // an EX_CALL
            bool wrapped;    // inside TABLE(…)
            bool specific;   // TABLE(SPECIFIC f(…))
            AstHints hints;
        } function;
        struct {
            AstExprs expr;
            bool ordinality;
        } unnest;
        struct {
            AstJoinKind kind;
            bool natural;
            AstFrom *left, *right;
            AstExpr *on;       // ON
            AstIdents column;  // USING
        } join;
        struct {
            AstFrom *input;
            AstMatch *match;
        } match;
        struct {
            AstFrom *input;
            AstPivot *pivot;
        } pivot;
        struct {
            AstFrom *input;
            AstUnpivot *unpivot;
        } unpivot;
    };
    bool lateral;
    AstExpr *as_of;        // FOR SYSTEM_TIME AS OF
    struct AstSample *sample;
    AstIdent alias;        // name.ptr NULL: none
    AstIdents column;      // AS t (a, b)
};

// TABLESAMPLE BERNOULLI|SYSTEM(p) [REPEATABLE(n)], SUBSTITUTE('x').
typedef struct AstSample {
    Str method;       // "BERNOULLI", "SYSTEM", "SUBSTITUTE"
    AstExpr *amount;  // percentage, or the name of SUBSTITUTE
    AstExpr *repeat;
} AstSample;

// MATCH_RECOGNIZE's pattern.
typedef enum AstPatternKind {
    PATTERN_VAR,
    PATTERN_CONCAT,   // A B
    PATTERN_ALTER,    // A | B
    PATTERN_GROUP,    // (A B): one item
    PATTERN_PERMUTE,  // PERMUTE(A, B)
    PATTERN_EXCLUDE,  // {- A -}
} AstPatternKind;

typedef struct AstPattern AstPattern;
struct AstPattern {
    AstPatternKind kind;
    AstIdent var;
    AstPattern **item;
    uint32_t item_count;
    // The quantifier: * is 0..-1, + is 1..-1, ? is 0..1, {n} is n..n, {n,} is n..-1, {,m} has low
    // -1.
    bool quantified;
    int32_t low, high;  // -1: not bounded
    bool reluctant;     // followed by ?
    AstSpan span;
};

typedef enum AstSkip {
    SKIP_UNSAID,
    SKIP_TO_NEXT_ROW,
    SKIP_PAST_LAST_ROW,
    SKIP_TO_FIRST,  // var
    SKIP_TO_LAST,   // var; TO var means TO LAST var
    SKIP_TO_VAR,
} AstSkip;

typedef struct AstDefine {
    AstIdent var;
    AstExpr *condition;
    AstSpan span;
} AstDefine;

typedef struct AstSubset {
    AstIdent name;
    AstIdents var;
} AstSubset;

struct AstMatch {
    AstExprs partition;
    AstOrders order;
    AstItem *measure;
    uint32_t measure_count;
    enum { ROWS_UNSAID, ONE_ROW_PER_MATCH, ALL_ROWS_PER_MATCH } rows;
    AstSkip skip;
    AstIdent skip_var;
    bool anchor_start, anchor_end;  // ^ and $
    AstPattern *pattern;
    AstExpr *within;  // an interval
    AstSubset *subset;
    uint32_t subset_count;
    AstDefine *define;
    uint32_t define_count;
};

// PIVOT (agg [AS x], … FOR (axes) IN ((values) [AS y], …)).
struct AstPivot {
    AstItem *aggregate;
    uint32_t aggregate_count;
    AstIdents axis;
    AstItem *value;  // expr is a literal, name or "ROW" of them
    uint32_t value_count;
};

// UNPIVOT [INCLUDE|EXCLUDE NULLS] ((measures) FOR (axes) IN ((columns) [AS (values)], …)).
struct AstUnpivot {
    enum { UNPIVOT_UNSAID, UNPIVOT_INCLUDE, UNPIVOT_EXCLUDE } nulls;
    AstIdents measure, axis;
    struct AstUnpivotItem {
        AstIdents column;
        AstExprs value;
    } * item;
    uint32_t item_count;
};

// ---- table definitions -------------------------------------------------------------------------

typedef enum AstColumnKind {
    COLUMN_PHYSICAL,
    COLUMN_METADATA,
    COLUMN_COMPUTED,
    COLUMN_NAME_ONLY,  // CREATE TABLE t (a, b) AS SELECT …
} AstColumnKind;

typedef enum AstPosition { POSITION_UNSAID, POSITION_FIRST, POSITION_AFTER } AstPosition;
typedef enum AstEnforced { ENFORCED_UNSAID, ENFORCED, NOT_ENFORCED } AstEnforced;

typedef struct AstColumn {
    AstColumnKind kind;
    AstName name;         // more than one part only in ALTER TABLE … MODIFY r.f
    AstType *type;        // physical, metadata
    struct AstConstraint *constraint;  // c INT PRIMARY KEY NOT ENFORCED
    Str metadata_key;     // METADATA FROM 'key'
    bool is_virtual;
    AstExpr *expr;        // computed; its span gives the source text
    Str comment;
    AstPosition position; // ALTER TABLE ADD, MODIFY: FIRST, AFTER …
    AstName after;
    AstSpan span;
} AstColumn;

typedef struct AstWatermark {
    AstName column;
    AstExpr *expr;  // its span gives the source text
    AstSpan span;
} AstWatermark;

typedef struct AstConstraint {
    AstIdent name;     // CONSTRAINT name
    bool unique;       // UNIQUE rather than PRIMARY KEY
    AstIdents column;  // empty in a column's own constraint
    AstEnforced enforced;
    AstSpan span;
} AstConstraint;

// DISTRIBUTED BY HASH(a, b) INTO 4 BUCKETS.
typedef struct AstDistribution {
    enum { DISTRIBUTION_UNSAID, DISTRIBUTION_HASH, DISTRIBUTION_RANGE } kind;
    AstIdents column;
    AstExpr *buckets;  // an integer literal
    AstSpan span;
} AstDistribution;

typedef enum AstLikeMode { LIKE_INCLUDING, LIKE_EXCLUDING, LIKE_OVERWRITING } AstLikeMode;
typedef enum AstLikeWhat {
    LIKE_ALL,
    LIKE_CONSTRAINTS,
    LIKE_DISTRIBUTION,
    LIKE_GENERATED,
    LIKE_METADATA,
    LIKE_OPTIONS,
    LIKE_PARTITIONS,
    LIKE_WATERMARKS,
} AstLikeWhat;

typedef struct AstLike {
    AstName table;
    struct AstLikeOption {
        AstLikeMode mode;
        AstLikeWhat what;
        AstSpan span;
    } * option;
    uint32_t option_count;
    AstSpan span;
} AstLike;

// The list in parentheses of CREATE TABLE and ALTER TABLE ADD, MODIFY. At most one primary key and
// one watermark make sense, that is the validator's to say.
typedef struct AstSchema {
    bool present;  // parentheses were written
    AstColumn *column;
    uint32_t column_count;
    AstConstraint *constraint;
    uint32_t constraint_count;
    AstWatermark *watermark;
    uint32_t watermark_count;
    AstDistribution *distribution;  // ALTER TABLE ADD DISTRIBUTION …
} AstSchema;

// ---- statements --------------------------------------------------------------------------------

typedef enum AstStmtKind {
    STMT_QUERY,
    STMT_INSERT,
    STMT_UPDATE,
    STMT_DELETE,
    STMT_MERGE,  // parsed as Flink does, and refused later as Flink does
    STMT_TRUNCATE,
    STMT_STATEMENT_SET,
    STMT_BEGIN_STATEMENT_SET,  // BEGIN STATEMENT SET; alone, as the SQL client takes it
    STMT_END,                  // END; alone
    STMT_EXPLAIN,
    STMT_EXECUTE,              // EXECUTE stmt
    STMT_COMPILE_PLAN,         // COMPILE PLAN 'f' …, COMPILE AND EXECUTE PLAN 'f' …
    STMT_EXECUTE_PLAN,
    STMT_CREATE_TABLE,
    STMT_CREATE_MATERIALIZED_TABLE,
    STMT_CREATE_VIEW,
    STMT_CREATE_CATALOG,
    STMT_CREATE_DATABASE,
    STMT_CREATE_FUNCTION,
    STMT_CREATE_MODEL,
    STMT_CREATE_CONNECTION,
    STMT_ALTER_TABLE,
    STMT_ALTER_MATERIALIZED_TABLE,
    STMT_ALTER_VIEW,
    STMT_ALTER_CATALOG,
    STMT_ALTER_DATABASE,
    STMT_ALTER_FUNCTION,
    STMT_ALTER_MODEL,
    STMT_ALTER_CONNECTION,
    STMT_DROP,
    STMT_SHOW,
    STMT_DESCRIBE,
    STMT_USE,
    STMT_LOAD_MODULE,
    STMT_UNLOAD_MODULE,
    STMT_SET,
    STMT_RESET,
    STMT_ALTER_OPTION,  // ALTER SYSTEM|SESSION SET|RESET …: likewise
    STMT_JAR,      // ADD JAR, REMOVE JAR
    STMT_CALL,
    STMT_ANALYZE,
    STMT_STOP_JOB,
    STMT_CLIENT,   // QUIT, EXIT, CLEAR, HELP: words of the SQL client alone
} AstStmtKind;

// What CREATE, DROP, SHOW and DESCRIBE can name.
typedef enum AstObject {
    OBJ_TABLE,
    OBJ_VIEW,
    OBJ_MATERIALIZED_TABLE,
    OBJ_CATALOG,
    OBJ_DATABASE,
    OBJ_FUNCTION,
    OBJ_MODEL,
    OBJ_CONNECTION,
    OBJ_MODULE,
    OBJ_PROCEDURE,
    OBJ_COLUMN,
    OBJ_PARTITION,
    OBJ_JAR,
    OBJ_JOB,
    OBJ_CURRENT_CATALOG,   // SHOW CURRENT CATALOG
    OBJ_CURRENT_DATABASE,
    OBJ_USER_FUNCTION,     // SHOW USER FUNCTIONS
    OBJ_FULL_MODULE,       // SHOW FULL MODULES
} AstObject;

typedef enum AstConflict {
    CONFLICT_UNSAID,
    CONFLICT_NOTHING,
    CONFLICT_ERROR,
    CONFLICT_DEDUPLICATE
} AstConflict;

typedef struct AstInsert {
    bool overwrite;
    bool upsert;
    AstName table;
    AstHints hints;
    AstOptions partition;  // PARTITION (a = 1, b)
    AstNames column;       // (a, b.c)
    struct AstColumn *extend;  // (a INT), EXTEND (a INT): the validator refuses them
    uint32_t extend_count;
    AstQuery *query;
    AstConflict on_conflict;
} AstInsert;

typedef struct AstUpdate {
    AstName table;
    AstHints hints;
    AstIdent alias;
    struct AstAssign {
        AstIdent column;
        AstExpr *value;
    } * assign;
    uint32_t assign_count;
    AstExpr *where;
} AstUpdate;

typedef struct AstDelete {
    AstName table;
    AstHints hints;
    AstIdent alias;
    AstExpr *where;
} AstDelete;

// EXECUTE STATEMENT SET BEGIN … END, or BEGIN STATEMENT SET; … END: the inserts.
typedef struct AstStatementSet {
    bool begin_form;  // BEGIN STATEMENT SET; … END rather than [EXECUTE] STATEMENT SET BEGIN … END
    bool executed;    // EXECUTE was written; EXPLAIN and COMPILE PLAN go without
    AstStmt **stmt;
    uint32_t stmt_count;
} AstStatementSet;

enum {
    EXPLAIN_ESTIMATED_COST = 1,
    EXPLAIN_CHANGELOG_MODE = 2,
    EXPLAIN_JSON_EXECUTION_PLAN = 4,
    EXPLAIN_PLAN_ADVICE = 8,
};

typedef struct AstExplain {
    bool plan_for;     // EXPLAIN PLAN FOR
    uint32_t details;  // EXPLAIN_… bits
    AstStmt *stmt;
} AstExplain;

typedef struct AstPlan {  // COMPILE PLAN, COMPILE AND EXECUTE PLAN, EXECUTE PLAN
    Str path;
    bool if_not_exists;
    bool execute;   // COMPILE AND EXECUTE PLAN
    AstStmt *stmt;  // COMPILE
} AstPlan;

typedef struct AstCreateTable {
    AstName name;
    bool temporary, if_not_exists;
    bool replace;    // REPLACE TABLE or
    bool or_replace; // CREATE OR REPLACE TABLE; without AS it means CREATE TABLE to Flink
    AstSchema schema;
    Str comment;
    AstDistribution *distribution;
    AstIdents partition;
    AstOptions options;
    AstLike *like;
    AstQuery *query;  // AS
} AstCreateTable;

typedef enum AstRefresh { REFRESH_UNSAID, REFRESH_CONTINUOUS, REFRESH_FULL } AstRefresh;

typedef enum AstStartMode {
    START_UNSAID,
    START_FROM_BEGINNING,
    START_FROM_NOW,        // [start_expr]: an interval
    START_FROM_TIMESTAMP,  // start_expr
    START_RESUME_OR_FROM_BEGINNING,
    START_RESUME_OR_FROM_NOW,
    START_RESUME_OR_FROM_TIMESTAMP,
} AstStartMode;

typedef struct AstCreateMaterializedTable {
    AstName name;
    bool if_not_exists, or_alter;
    AstSchema schema;
    Str comment;
    AstDistribution *distribution;
    AstIdents partition;
    AstOptions options;
    AstExpr *freshness;  // an interval literal
    AstRefresh refresh;
    AstStartMode start;
    AstExpr *start_expr;
    AstQuery *query;
} AstCreateMaterializedTable;

typedef struct AstCreateView {
    AstName name;
    bool temporary, if_not_exists, replace;
    AstIdents column;
    Str comment;
    AstQuery *query;  // its span gives the source text
} AstCreateView;

typedef struct AstCreateSimple {  // catalog, database, connection
    AstName name;
    bool temporary, system, if_not_exists;
    Str comment;
    AstOptions options;
} AstCreateSimple;

typedef enum AstLanguage {
    LANGUAGE_UNSAID,
    LANGUAGE_JAVA,
    LANGUAGE_SCALA,
    LANGUAGE_PYTHON,
    LANGUAGE_SQL,
    LANGUAGE_C,  // weir's own
} AstLanguage;

typedef struct AstCreateFunction {  // ALTER FUNCTION too
    AstName name;
    bool temporary, system, if_exists;  // if_exists is IF NOT EXISTS in CREATE
    Str class_name;
    AstLanguage language;
    struct AstResource {
        bool artifact;  // ARTIFACT rather than JAR
        Str uri;
    } * resource;       // USING JAR 'uri', …
    uint32_t resource_count;
    AstOptions options;
} AstCreateFunction;

typedef struct AstCreateModel {
    AstName name;
    bool temporary, if_not_exists, replace;
    AstSchema input, output;
    Str comment;
    AstOptions options;
    AstQuery *query;  // AS
} AstCreateModel;

typedef enum AstAlterKind {
    ALTER_RENAME,           // TO target
    ALTER_RENAME_COLUMN,    // column TO target
    ALTER_SET,              // options
    ALTER_RESET,            // options: keys only
    ALTER_ADD,              // schema: columns, constraint, watermark, distribution
    ALTER_MODIFY,           // the same
    ALTER_DROP_COLUMN,      // columns
    ALTER_DROP_PRIMARY_KEY,
    ALTER_DROP_CONSTRAINT,  // target
    ALTER_DROP_WATERMARK,
    ALTER_DROP_DISTRIBUTION,
    ALTER_ADD_PARTITION,    // partitions
    ALTER_DROP_PARTITION,   // partitions
    ALTER_COMMENT,          // comment
    ALTER_AS,               // query
    ALTER_SUSPEND,          // materialized tables:
    ALTER_RESUME,           // options
    ALTER_REFRESH,          // one of partitions, or none
    ALTER_SET_FRESHNESS,    // expr
    ALTER_SET_REFRESH_MODE, // refresh
} AstAlterKind;

typedef struct AstAlter {  // table, materialized table, view, catalog, database, model, connection
    AstName name;
    bool if_exists;           // ALTER TABLE IF EXISTS t
    AstAlterKind kind;
    AstName target;
    AstName column;
    AstNames columns;
    bool parentheses;         // ADD (…), DROP (…)
    AstOptions options;
    AstSchema schema;
    AstOptions *partition;    // specs; each may have its own options
    AstOptions *partition_options;
    uint32_t partition_count;
    bool partition_if;        // ADD IF NOT EXISTS, DROP IF EXISTS
    Str comment;
    AstQuery *query;
    AstExpr *expr;
    AstRefresh refresh;
} AstAlter;

typedef enum AstDropMode { DROP_UNSAID, DROP_RESTRICT, DROP_CASCADE } AstDropMode;

typedef struct AstDrop {
    AstObject what;
    AstName name;
    bool temporary, system, if_exists;
    AstDropMode mode;
} AstDrop;

typedef struct AstShow {
    AstObject what;
    bool create;           // SHOW CREATE what name
    AstName name;          // of SHOW CREATE, SHOW PARTITIONS
    AstName from;          // FROM or IN; also the table of SHOW COLUMNS
    bool in;               // IN was written
    bool has_like, not_like, ilike;
    Str like;
    AstOptions partition;  // SHOW PARTITIONS t PARTITION (…)
} AstShow;

typedef struct AstDescribe {
    AstObject what;        // OBJ_TABLE for DESCRIBE t
    bool extended;
    bool table_word;       // DESCRIBE TABLE t, which Flink parses and refuses
    AstName name;
    AstIdent column;       // DESCRIBE TABLE t c
    Str job;               // OBJ_JOB
    AstStmt *stmt;         // DESCRIBE [STATEMENT] query: as EXPLAIN; Flink refuses it
} AstDescribe;

typedef struct AstUse {
    AstObject what;        // OBJ_CATALOG, OBJ_DATABASE, OBJ_MODULE
    AstName name;          // catalog, database
    AstIdents module;      // OBJ_MODULE
} AstUse;

typedef struct AstSet {    // SET, RESET: key.ptr NULL for all
    Str key, value;
} AstSet;

typedef struct AstModule {
    AstIdent name;
    AstOptions options;
} AstModule;

typedef struct AstJar {
    bool remove;
    Str path;
} AstJar;

typedef struct AstAnalyze {
    AstName table;
    AstOptions partition;  // PARTITION (a, b = 1)
    bool columns_all;      // FOR ALL COLUMNS
    AstIdents column;      // FOR COLUMNS a, b
} AstAnalyze;

typedef struct AstStopJob {
    Str job;
    bool savepoint, drain;
} AstStopJob;

typedef struct AstClient {
    Str word;  // upper-case: "QUIT" "EXIT" "CLEAR" "HELP"
} AstClient;

typedef struct AstAlterOption {
    bool session;  // else SYSTEM
    bool reset;
    AstName name;  // count 0: RESET ALL
    AstExpr *value;
} AstAlterOption;

typedef struct AstMerge {
    AstName table;
    AstHints hints;
    AstIdent alias;
    AstFrom *source;
    AstExpr *on;
    struct AstAssign *assign;  // WHEN MATCHED THEN UPDATE SET …
    uint32_t assign_count;
    bool has_insert;           // WHEN NOT MATCHED THEN INSERT …
    AstIdents column;
    AstExprs value;
} AstMerge;

struct AstStmt {
    AstStmtKind kind;
    AstSpan span;
    union {
        AstQuery *query;                // STMT_QUERY
        AstInsert *insert;
        AstUpdate *update;
        AstDelete *del;
        AstMerge *merge;
        AstName truncate;               // the table
        AstStatementSet *set_of;        // STMT_STATEMENT_SET
        AstExplain *explain;
        AstStmt *execute;               // STMT_EXECUTE
        AstPlan *plan;                  // STMT_COMPILE_PLAN, STMT_EXECUTE_PLAN
        AstCreateTable *create_table;
        AstCreateMaterializedTable *create_materialized_table;
        AstCreateView *create_view;
        AstCreateSimple *create_simple; // STMT_CREATE_CATALOG, _DATABASE, _CONNECTION
        AstCreateFunction *function;    // STMT_CREATE_FUNCTION, STMT_ALTER_FUNCTION
        AstCreateModel *create_model;
        AstAlter *alter;                // STMT_ALTER_… but FUNCTION
        AstDrop *drop;
        AstShow *show;
        AstDescribe *describe;
        AstUse *use;
        AstModule *module;              // STMT_LOAD_MODULE, STMT_UNLOAD_MODULE
        AstSet *set;                    // STMT_SET, STMT_RESET
        AstAlterOption *alter_option;
        AstJar *jar;
        AstExpr *call;                  // STMT_CALL: an EX_CALL
        AstAnalyze *analyze;
        AstStopJob *stop_job;
        AstClient *client;
    };
};

// The piece of [text] (what was parsed) that a node was made of.
static inline Str sql_slice(Str text, AstSpan span) {
    return str_sub(text, span.from, span.to - span.from);
}
static inline bool ast_ident_given(AstIdent ident) { return ident.name.ptr != NULL; }
static inline bool ast_name_given(AstName name) { return name.count != 0; }
static inline Str ast_name_last(AstName name) {
    return name.count ? name.part[name.count - 1].name : (Str){NULL, 0};
}
