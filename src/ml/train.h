// ml/train.h - models made of rows: a table of algorithms, each with the options it takes, and one
// call that trains.
//
//     MlTrainSpec spec = {.algorithm = STR("decision-tree"), .label = 9,
//                         .setting = settings, .setting_count = 2};
//     TRY(ml_train_check(&spec, fields, count, err));        // when the statement is read
//     TRY(ml_train(&spec, &table, &model, &report, err));    // when the rows are there
//
// The same rows, options and seed give the same model, bit for bit, on any number of threads.
#pragma once

#include <stdatomic.h>

#include "ml/evaluate.h"
#include "ml/model.h"
#include "ml/options.h"

typedef struct MlTrainer MlTrainer;

typedef struct MlAlgorithm {
    const char *name;       // "decision-tree"
    uint32_t tasks;         // bits 1 << MlTask of what it can learn; the first set is its nature
    const MlOption *option; // ends with a row whose key is NULL
    const char *doc;
    Status (*train)(MlTrainer *trainer, Error *err);
} MlAlgorithm;

extern const MlAlgorithm *const ML_ALGORITHMS[];  // NULL at the end
extern const MlOption ML_COMMON_OPTIONS[];        // of every algorithm: seed, validation-split, …

// By name, "decision-tree", "DECISION_TREE" alike; NULL: there is none.
const MlAlgorithm *ml_algorithm(Str name);

// Rows to learn from: a column for each field, all of [rows] rows, borrowed.
typedef struct MlTable {
    const MlField *field;
    const MlColumn *column;
    uint32_t columns, rows;
} MlTable;

typedef struct MlTrainSpec {
    Str algorithm;
    int32_t label;             // the column to be predicted; -1: none (clusters, outliers)
    const MlSetting *setting;  // options, of this algorithm or common ones
    uint32_t setting_count;
    Budget *budget;            // of what training holds; NULL: no limit
    void (*progress)(void *arg, Str line);  // now and then, by the calling thread; may be NULL
    void *arg;
    const _Atomic bool *cancel;  // may be NULL; once true, training ends with ST_CANCELLED
} MlTrainSpec;

typedef struct MlReport {
    MlTask task;
    uint32_t rows, validation_rows;  // trained on and judged on
    uint32_t rows_left_out;          // their label was missing
    uint32_t rounds;                 // trees, passes or steps that the model holds
    uint32_t train_count, validation_count;
    MlMetric train[ML_METRICS_MAX], validation[ML_METRICS_MAX];  // as ml/evaluate.h names them
    int64_t time_ms;
} MlReport;

// Whether a model could be trained so: algorithm, options and the kinds of the columns. The
// ST_VALIDATION names the option and the cure.
NODISCARD Status ml_train_check(const MlTrainSpec *spec, const MlField *field, uint32_t columns,
                                Error *err);

// Trains. [report] may be NULL. ST_VALIDATION: there are too few rows, one class only, and so on.
NODISCARD Status ml_train(const MlTrainSpec *spec, const MlTable *table, MlModel **out,
                          MlReport *report, Error *err);

// PMML 4.4 of a model that ml_train made, for whoever else scores rows; ST_UNSUPPORTED: that kind
// has no place there (recurrent networks).
NODISCARD Status ml_write_pmml(const MlModel *model, Buf *out, Error *err);

// A section of Markdown for each algorithm with its options, as docs/sql/training.md has them.
void ml_train_reference(Buf *out);
