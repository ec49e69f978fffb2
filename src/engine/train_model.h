// engine/train_model.h - a model that is learned from the rows of a query, as a version of its
// folder: CREATE MODEL … AS, and what trains it again (engine/retrain.h). Shared by the files of
// engine/ and nobody else.
#pragma once

#include "engine/ddl.h"
#include "ml/train.h"

typedef struct TrainJob {
    DdlContext *ddl;      // binds and runs the query, says lines, is charged
    const AstQuery *query;
    Str statement;        // of the lineage
    const Map *options;   // of the model: the algorithm and its options, 'path', 'label'
    Str name;             // of the model, for messages
    // Why it is trained again: then rows are held back, on which it must not be worse than the
    // version in use. NULL: it is made the current one.
    const char *again;
    const _Atomic bool *cancel;  // may be NULL
    Arena *arena;         // of what [out] holds
} TrainJob;

typedef struct Trained {
    uint64_t version;
    bool in_use;
    const Type *input, *output;  // ROW types
} Trained;

// ST_VALIDATION: the provider does not train, there is no such algorithm, a 'retrain' option is
// none. *algorithm is NULL when it learns online.
NODISCARD Status train_check(const Map *options, const MlAlgorithm **algorithm, Error *err);

NODISCARD Status train_model(const TrainJob *job, Trained *out, Error *err);

// The newest version in the folder of a model that is trained again and again, if it was made of
// the same query by the same options: *version is 0 when there is none such. [due_ms] is when the
// next one is due; INT64_MAX: never by the clock.
NODISCARD Status train_newest(const TrainJob *job, uint64_t *version, int64_t *due_ms, Error *err);
// Its columns, those of the query being bound.
NODISCARD Status train_columns(const TrainJob *job, uint64_t version, Trained *out, Error *err);

// The settings of the query that gives the rows: those at hand, but it takes no checkpoints and
// goes on from none, whatever the job beside it does. [out] borrows the values.
void train_settings(const Map *settings, Map *out);
// Whether the model asks to be trained again.
bool train_again(const Map *options);
// The types of a model's fields as columns, with names that SQL writes without quotes.
const Type *train_named_columns(const MlField *field, uint32_t count, Arena *arena);
