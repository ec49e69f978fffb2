// spi/model.h - what the 'provider' of CREATE MODEL names: somebody who turns columns of features
// into columns of predictions, a batch at a time. The planner checks a model's options and columns
// by its provider's row without knowing what PMML is; the operator opens a Predictor and asks it.
#pragma once

#include "col/vec.h"
#include "spi/option.h"

typedef struct ModelDesc {
    Str name;                    // for messages: "default_database.churn"
    const Type *input, *output;  // ROW types; of no columns: as the provider knows them
    Options options;             // all of WITH, prefix ""
    bool challenger;             // the version that 'challenger.version' names is meant
} ModelDesc;

typedef struct Predictor Predictor;

// A Predictor is used by one thread at a time, not always the same one.
typedef struct PredictorVt {
    // Fills out[i] for every column of the model's output with vecs of [rows] rows, made in
    // [arena]; in[i] has the type of input column i. Blocking. ST_RUNTIME names the model and the
    // row.
    Status (*predict)(Predictor *self, Vec *const *in, uint32_t rows, Arena *arena, Vec **out,
                      Error *err);
    // Sees to it that a newer version, if there is one, is soon at hand: looks at most every so
    // often, reads it in a thread of its own, and returns at once. NULL: there is nothing to do.
    void (*look)(Predictor *self);
    // Takes a newer version that is at hand; called between two batches ([checkpoint] is 0), or
    // where a checkpoint begins when the job has any: then all predictors of one ModelDesc take the
    // same one. NULL: the model stays what it is.
    Status (*refresh)(Predictor *self, uint64_t checkpoint, Error *err);
    // What it has to tell of the servers that it asks, as members of a JSON array; any thread.
    // NULL: it asks none.
    void (*figures)(Predictor *self, Buf *out);
    // Called by another thread: a prediction under way should fail soon. NULL: it is never long.
    void (*cancel)(Predictor *self);
    void (*close)(Predictor *self);
} PredictorVt;

struct Predictor {
    const PredictorVt *vt;
    uint64_t version;  // of the model at hand, for metrics; 0: it has none
};

typedef struct ModelProvider {
    const char *name;          // 'provider' = '…'
    const char *doc;           // one line
    const OptionDef *options;  // beside MODEL_OPTIONS
    // It asks somebody else and waits: asked by several threads at a time, unless the query says
    // 'async' = 'false'.
    bool remote;
    // Checks the options, and that the columns are what the model has. NULL: options alone, by the
    // definitions.
    Status (*check)(const ModelDesc *model, Error *err);
    // The columns of a model that was declared without; both in [arena]. NULL: they must be
    // declared.
    Status (*columns)(const ModelDesc *model, Arena *arena, const Type **input, const Type **output,
                      Error *err);
    // The most rows that one predict() takes well; NULL: any.
    uint32_t (*rows_max)(const ModelDesc *model);
    Status (*open)(const ModelDesc *model, Predictor **out, Error *err);
    // Makes a version the one in use; again is no harm. NULL: its models have no versions.
    Status (*promote)(const ModelDesc *model, uint64_t version, Error *err);
} ModelProvider;

// Whether ML_EVALUATE can compare values of the type: numbers, booleans, texts, arrays of numbers.
bool model_can_judge(const Type *type);

// The options that every model has.
extern const OptionDef MODEL_OPTIONS[];

void model_provider_register(const ModelProvider *provider);
const ModelProvider *model_provider_find(Str name);  // NULL: there is none
const char *model_provider_nearest(Str name);        // or NULL
const char *const *model_provider_list(uint32_t *count);
