// func/json_path_int.h - a compiled path and its parts; shared by json_path.c (walks it) and
// json_path_parse.c (makes it).
#pragma once

#include "func/json_path.h"
#include "func/regexp.h"

typedef enum StepKind {
    STEP_NAMES,     // .a, ['a','b']
    STEP_INDEXES,   // [0], [-1], [1,3]
    STEP_SLICE,     // [from:to]
    STEP_WILDCARD,  // .*, [*]
    STEP_SCAN,      // ..: the rest of the path from every value below
    STEP_FILTER,    // [?(…)]
    STEP_FUNCTION,  // .length(); the last step
} StepKind;

typedef enum PathFunction {
    PATH_LENGTH,
    PATH_SUM,
    PATH_MIN,
    PATH_MAX,
    PATH_AVG,
    PATH_STDDEV,
    PATH_KEYS,
    PATH_FIRST,
    PATH_LAST,
    PATH_INDEX,
    PATH_CONCAT,
    PATH_APPEND,
} PathFunction;

typedef struct Filter Filter;

typedef struct Step {
    StepKind kind;
    bool upstream_definite;  // all steps before this one are definite
    uint32_t count;
    Str *name;               // STEP_NAMES
    int32_t *index;          // STEP_INDEXES
    bool has_from, has_to;   // STEP_SLICE
    int32_t from, to;
    Filter *filter;
    PathFunction function;
    JsonValue *argument;     // STEP_FUNCTION: [count] constants
} Step;

struct JsonPath {
    Step *step;
    uint32_t count;
    bool definite;
    bool from_root;  // '$'; '@' starts at the item a filter looks at
};

typedef enum FilterKind {
    FILTER_AND,
    FILTER_OR,
    FILTER_NOT,
    FILTER_EXISTS,   // left is a path
    FILTER_COMPARE,
} FilterKind;

typedef enum FilterOp {
    OP_EQ,
    OP_NE,
    OP_SAME,      // ===: types too
    OP_NOT_SAME,  // !==
    OP_LT,
    OP_LE,
    OP_GT,
    OP_GE,
    OP_MATCHES,   // =~
    OP_IN,
    OP_NIN,
    OP_CONTAINS,
    OP_SIZE,
    OP_EMPTY,
    OP_ALL,
    OP_SUBSETOF,
    OP_ANYOF,
    OP_NONEOF,
} FilterOp;

// What stands on one side of a comparison.
typedef struct Operand {
    JsonPath *path;  // or, when NULL,
    JsonValue value;
    bool pattern;    // value.text is a regular expression with [flags]
    uint32_t flags;
} Operand;

struct Filter {
    FilterKind kind;
    Filter *a, *b;
    FilterOp op;
    Operand left, right;
};
