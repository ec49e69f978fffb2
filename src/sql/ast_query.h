// sql/ast_query.h - of the tree: SELECT and what stands around it, and FROM. See sql/ast.h.
#pragma once

#include "sql/ast_expr.h"

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
