// ml/pmml/pmml_int.h - what the files of this folder share; nobody else includes it.
//
// Loading: the XML tree is compiled into structs in the model's arena: fields, expressions,
// predicates, models. A name is looked up once, then; it becomes a Field, with a slot for its
// value. Scoring: a Row has an array of slots. A field's value is worked out when somebody first
// asks for it in that row (field_value). Models fill a Result; outputs are read off it.
//
// Failures: a document or a row that cannot go on is left with load_fail or row_fail, which jump to
// the one place that began (pmml_load, predict); all there is lies in arenas, nothing is to be
// undone on the way. They are the only functions here that do not return.
//
// Threads: a loaded model never changes; a Row belongs to one thread.
#pragma once

#include <setjmp.h>

#include "base/map.h"
#include "ml/model.h"
#include "ml/pmml/value.h"
#include "ml/pmml/xml.h"
#include "ml/tree.h"

enum {
    COMPILE_DEPTH_MAX = 1500,       // fields over fields over fields, expressions in expressions
    ROW_DEPTH_MAX = 12000,
    ROW_STEPS_MAX = 20 * 1000000,  // expressions evaluated for one row, models included
    ROW_BYTES_MAX = 512 << 20,
    TEXT_BYTES_MAX = 16 << 20,      // that a function makes
    SLOTS_MAX = 1 << 24,
};

typedef struct Pmml Pmml;
typedef struct Model Model;
typedef struct Field Field;
typedef struct Expr Expr;
typedef struct Predicate Predicate;
typedef struct Function Function;
typedef struct Row Row;

// -- Loading --------------------------------------------------------------------------------------

typedef struct Load {
    Pmml *pmml;
    Arena *arena;  // the model's
    Str path;
    Map data_fields, derived, functions;  // of the document, by name: const Xml, Function
    Model *models;                        // all that there are, for their maps
    uint32_t depth;
    uint64_t bytes_max;  // that the model may take: in proportion to the document
    jmp_buf out;
    Error *err;
} Load;

_Noreturn void load_fail(Load *load, const Xml *at, const char *fmt, ...) PRINTF_LIKE(3, 4);
_Noreturn void load_unsupported(Load *load, const Xml *at, const char *what);
// Attributes; those without a default must be there.
Str need_attr(Load *load, const Xml *at, const char *name);
Str need_column(Load *load, const Xml *at, const char *name);  // without its prefix
double need_number(Load *load, const Xml *at, const char *name);
double attr_number(Load *load, const Xml *at, const char *name, double otherwise);
int64_t attr_int(Load *load, const Xml *at, const char *name, int64_t otherwise);
bool attr_bool(Load *load, const Xml *at, const char *name, bool otherwise);
DataType attr_type(Load *load, const Xml *at, const char *name);  // PT_NONE: it is not there
const Xml *need_child(Load *load, const Xml *at, const char *name);
double parse_double(Load *load, const Xml *at, Str text);
// The number of the attribute's value in [names], "" at the end; [otherwise] when it is not there.
int attr_enum(Load *load, const Xml *at, const char *name, const char *const *names, int otherwise);
// The texts of an <Array>, numbers of a <...Array> dense or sparse.
Str *read_array(Load *load, const Xml *at, uint32_t *count);
double *read_numbers(Load *load, const Xml *at, uint32_t *count);
Value need_value(Load *load, const Xml *at, Str text, DataType type);
// An array whose size is the product of what a document has many of: fails rather than take much
// more memory than the document itself.
void *load_array(Load *load, const Xml *at, uint64_t count, size_t size);
void load_deeper(Load *load, const Xml *at);  // and load->depth-- on the way back

// -- Fields ---------------------------------------------------------------------------------------

typedef struct Interval {
    double left, right;  // infinite: open ended
    bool left_closed, right_closed;
} Interval;

Interval read_interval(Load *load, const Xml *at);
static inline bool interval_has(const Interval *self, double x) {
    return (x > self->left || (self->left_closed && x == self->left)) &&
           (x < self->right || (self->right_closed && x == self->right));
}

// What a DataField allows.
typedef struct Domain {
    Value *valid;       // in their order; [display] beside
    Str *display;
    Str *invalid, *missing;
    Interval *interval;
    uint32_t valids, invalids, missings, intervals;
} Domain;

Domain *domain_compile(Load *load, const Xml *at, DataType type);  // NULL: anything is allowed

typedef struct Treatment {
    uint8_t missing, invalid, outlier;  // enums of field.c
    bool plain;                         // a missing value stays one, others are not looked at
    bool has_replacement, has_invalid_replacement;
    Value replacement, invalid_replacement;
    double low, high;
} Treatment;

typedef enum FieldKind { FIELD_INPUT, FIELD_INHERITED, FIELD_DERIVED, FIELD_DECLARED } FieldKind;

struct Field {
    Str name;
    DataType type;
    uint8_t optype, kind;
    bool compiling;  // a circle, when it is met so
    uint32_t slot;
    uint32_t input;              // FIELD_INPUT: number of the model's input
    const Field *from;           // FIELD_INHERITED: of the model around
    const Expr *expr;            // FIELD_DERIVED
    const Domain *domain;        // of the DataField behind it, or NULL
    const Treatment *treatment;  // or NULL
};

Field *field_find(Load *load, Model *model, Str name, const Xml *at);  // never NULL
// What was really there of a target, as an input with its treatment.
Field *field_target(Load *load, Model *model, Str name, const Xml *at);
Field *field_declared(Load *load, Str name, DataType type, OpType optype);
void schema_compile(Load *load, Model *model);  // MiningSchema and LocalTransformations
Value field_value(Row *row, const Field *field);
// Whether a value is nothing but itself there: no marker of a missing one, in the domain.
bool field_allows(const Field *field, Value value);
bool field_wants_all(const Field *field);  // a missing value is an error
bool field_is_ordered(const Field *field);  // by the order in which its values are listed
// Where a value stands in that order; an error when it is not among them.
Value field_rank(Row *row, const Field *field, Value value);
// What becomes of a value of this field on its way in.
Value field_prepare(Row *row, const Field *field, Value value);
double field_number(Row *row, const Field *field);  // NaN: missing

// -- Expressions and predicates -------------------------------------------------------------------

// [function]: the DefineFunction it is part of, or NULL.
const Expr *expr_compile(Load *load, Model *model, const Function *function, const Xml *at);
// The one expression among the children of [at]; NULL when there is none.
const Xml *expr_child(const Xml *at);
// What the attribute names: a field, or a parameter of the function.
const Expr *expr_reference(Load *load, Model *model, const Function *function, const Xml *at,
                           const char *attribute);
Value expr_value(Row *row, const Expr *expr);
DataType expr_type(const Expr *expr);  // as far as one can know

typedef enum Truth { UNKNOWN = -1, NO = 0, YES = 1 } Truth;

typedef enum PredicateKind {
    PRED_TRUE, PRED_FALSE, PRED_EQUAL, PRED_NOT_EQUAL, PRED_LESS, PRED_LESS_OR_EQUAL, PRED_GREATER,
    PRED_GREATER_OR_EQUAL, PRED_IS_MISSING, PRED_IS_NOT_MISSING, PRED_IN, PRED_NOT_IN,
    PRED_AND, PRED_OR, PRED_XOR, PRED_SURROGATE,
} PredicateKind;

struct Predicate {
    uint8_t kind;
    const Field *field;
    Value value;                  // of the field's type
    Str text;                     // as it stands
    Value *values;                // PRED_IN
    const Predicate *part;        // of a compound
    uint32_t parts;               // or values
};

const Predicate *predicate_compile(Load *load, Model *model, const Xml *at);
// The one predicate among the children of [at]; fails when there is none.
const Xml *predicate_child(Load *load, const Xml *at);
Truth predicate_truth(Row *row, const Predicate *predicate);
// The same; [surrogate] becomes true when something stood in for a missing value.
Truth predicate_truth_noted(Row *row, const Predicate *predicate, bool *surrogate);

// -- Results --------------------------------------------------------------------------------------

typedef enum Scores { SCORES_NONE, PROBABILITY, CONFIDENCE, DISTANCE, SIMILARITY, VOTE } Scores;

typedef struct RuleHit {
    Str id, antecedent, consequent, rule;
    Value antecedents, consequents;  // lists
    double support, confidence, lift, leverage, affinity;
    bool body, exclusive;  // its antecedent is in the basket, its consequent is not
    bool whole;            // both are
    bool has_lift, has_leverage, has_affinity;
} RuleHit;

typedef struct Result Result;
struct Result {
    Value value;                // what is predicted; missing: nothing is
    uint8_t scores;             // Scores
    bool has_entity_affinity;
    uint32_t count;
    const Value *category;      // [count]
    double *score;
    double *confidence;         // beside [score], or NULL
    Str entity;  // of the winning node, cluster, rule, segment, neuron; ptr NULL: none
    double entity_affinity;
    const Str *ranked;          // entities, best first
    const double *ranked_affinity;
    uint32_t rankeds;
    Str display;
    const Str *reason;          // codes, best first
    uint32_t reasons;
    const RuleHit *rule;
    uint32_t rules;
    bool is_rules;
    Str target;                 // of several: whose this is
    const Result *more;         // of the next one
};

// -- Models ---------------------------------------------------------------------------------------

typedef enum MiningFunction {
    MINE_REGRESSION,
    MINE_CLASSIFICATION,
    MINE_CLUSTERING,
    MINE_ASSOCIATION,
    MINE_ANOMALY,
    MINE_OTHER,
} MiningFunction;

typedef struct TargetValue {
    Value value;
    Str display;
    double prior, otherwise;  // NaN: not there
} TargetValue;

typedef struct Target {
    Str name;  // "_target" when the model does not say
    DataType type;
    uint8_t optype;
    uint8_t cast;  // 0, or 'r' 'c' 'f': round, ceiling, floor
    bool rescales;
    double min, max, factor, constant;
    TargetValue *value;
    uint32_t values;
    const Domain *domain;
    const Field *field;  // for residuals; NULL: it is no input
    bool synthetic;
} Target;

typedef struct Output Output;

typedef struct ModelKind {
    const char *element;
    void (*compile)(Load *load, Model *model);  // fills model->impl
    void (*score)(const Model *model, Row *row, Result *out);
} ModelKind;

struct Model {
    const ModelKind *kind;
    const Xml *xml;
    Model *parent, *made_before;
    Map fields;            // Field by name: the mining schema's, local ones, outputs
    Map functions;         // Function by name: those that it calls
    Map names;             // ids of its own
    Map local;             // DerivedField elements of LocalTransformations
    bool compatible;       // its mining schema changes nothing: global fields may be the parent's
    bool single;           // x-mathContext="float"
    uint8_t function;      // MiningFunction
    Target *target;
    uint32_t targets;
    Output *output;
    uint32_t outputs;
    const void *impl;
    uint32_t result;       // number in Row.result
};

struct Pmml {
    MlModel base;
    Arena arena;
    Model *model;
    MlField *in, *out;
    const Xml **input;           // DataField of each input
    const Field **output;        // where each of [out] but targets is found; NULL: a target
    const bool *lists;           // of inputs: a row has any number of values
    uint32_t lists_count;
    uint32_t ins, ins_max, outs;
    uint32_t slots, results;
    Str about;
    struct Regex *regexes;       // of all of it, to be freed
    uint32_t text_indexes;
    struct Fast *fast;           // trees over plain inputs, see fast.c; or NULL
};

struct Row {
    const Pmml *pmml;
    Value *slot;
    uint32_t *stamp;         // slot[i] is of this row when stamp[i] == now
    const Result **result;   // of each model, when its stamp is now's
    uint32_t *result_stamp;
    uint32_t now;
    uint32_t depth;
    uint64_t steps;
    const MlColumn *in;
    uint32_t at;             // the row's number in [in]
    Arena *arena;            // goes with the row
    const Value *param;      // of the function being called
    struct TextCache *texts; // of each TextIndex, see text.c
    jmp_buf out;
    Error *err;
};

// The values of fields in row [at]; false, with the row's error, when one has none.
bool row_values(Row *row, uint32_t at, const Field *const *field, uint32_t fields, Value *out);
_Noreturn void row_fail(Row *row, const char *fmt, ...) PRINTF_LIKE(2, 3);
#define ROW_ARRAY(row, type, count) ARENA_ARRAY((row)->arena, type, count)

Model *model_compile(Load *load, Model *parent, const Xml *at);
const Xml *model_child(const Xml *at);  // the first element that is a model; NULL: none
// Scores and fills the output fields.
void model_run(const Model *model, Row *row, Result *out);
extern const ModelKind *const MODEL_KINDS[];

// target.c. What a model found, brought to what its target says.
void targets_compile(Load *load, Model *model);
const Target *target_named(const Model *model, Str name);  // "" is the first
double target_rescale(const Target *target, double value);
void result_number(const Model *model, Row *row, double value, Result *out);
// Picks the winner among out->category by out->score.
void result_class(const Model *model, Row *row, Scores scores, Result *out);
void result_missing(const Model *model, Row *row, Result *out);
uint32_t result_winner(const Result *result);
Value category_value(Load *load, const Model *model, const Xml *at, Str text);

// output.c
void outputs_compile(Load *load, Model *model);
void outputs_run(const Model *model, Row *row, const Result *result);
// Appends the fields that a host sees: those of segments first where PMML says so.
void outputs_list(const Model *model, const Field **list, uint32_t *count, uint32_t max);

// text.c, of TextIndex
typedef struct TextIndex TextIndex;
const TextIndex *text_index_compile(Load *load, Model *model, const Function *function,
                                    const Xml *at);
Value text_index_value(Row *row, const TextIndex *self);
struct TextCache *text_caches(const Pmml *pmml, Arena *arena);

// norm.c: NormContinuous, for expressions and for neurons.
typedef struct NormContinuous {
    const Field *field;
    double *orig, *norm;
    uint32_t count;
    uint8_t outliers;  // 0 as is, 1 as missing, 2 as extreme values
    double map_missing;  // NaN: none
} NormContinuous;
NormContinuous *norm_compile(Load *load, Model *model, const Xml *at);
double norm_value(const NormContinuous *self, double x);    // NaN: missing
double norm_inverse(const NormContinuous *self, double y);
