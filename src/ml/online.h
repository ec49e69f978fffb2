// ml/online.h - learners that never end: a batch of rows at a time, asked in between. Their state
// is what a checkpoint holds.
//
//     MlLearner *learner;
//     TRY(online_new(&spec, fields, count, &learner, err));
//     TRY(online_predict(learner, in, rows, out, arena, err));  // first asked,
//     TRY(online_learn(learner, columns, rows, err));           // then told: prequential
//     online_save(learner, &state);
//
// Save, load and go on is the same as never having stopped, bit for bit; so is any cut of the rows
// into batches. A row whose label is missing is not learned from.
//
// Threads: one at a time.
#pragma once

#include "ml/evaluate.h"
#include "ml/model.h"
#include "ml/options.h"

typedef struct MlLearner MlLearner;
typedef struct MlOnlineAlgorithm MlOnlineAlgorithm;

extern const MlOnlineAlgorithm *const ML_ONLINE_ALGORITHMS[];  // NULL at the end
const MlOnlineAlgorithm *ml_online_algorithm(Str name);        // NULL: there is none
const char *ml_online_name(const MlOnlineAlgorithm *algorithm);
bool ml_online_supervised(const MlOnlineAlgorithm *algorithm);  // it learns from a label
const MlOption *ml_online_options(const MlOnlineAlgorithm *algorithm);  // ends with a NULL key

typedef struct MlOnlineSpec {
    Str algorithm;
    int32_t label;             // the column to be predicted; -1: none
    const MlSetting *setting;
    uint32_t setting_count;
} MlOnlineSpec;

// The fields are those that rows to learn from have; all is copied. ST_VALIDATION names the option
// or the column, and the cure.
NODISCARD Status online_new(const MlOnlineSpec *spec, const MlField *field, uint32_t fields,
                            MlLearner **out, Error *err);
void online_free(MlLearner *learner);  // NULL is fine

// Columns as in online_new. ST_RUNTIME: more classes than there is room for.
NODISCARD Status online_learn(MlLearner *learner, const MlColumn *column, uint32_t rows,
                              Error *err);
// [in] are the fields but for the label, in their order; [out] as online_outputs has them. Before
// anything is known the outputs are missing.
NODISCARD Status online_predict(const MlLearner *learner, const MlColumn *in, uint32_t rows,
                                MlColumn *out, Arena *arena, Error *err);
const MlField *online_inputs(const MlLearner *learner, uint32_t *count);
// Classes: "prediction" and "probability" (of it), and, if the option 'classes' lists them,
// "probability(class)" for each. A number: "prediction". Clusters: "prediction", "distance".
// Outliers: "prediction", "score".
const MlField *online_outputs(const MlLearner *learner, uint32_t *count);

uint64_t online_rows(const MlLearner *learner);    // learned from
uint64_t online_drifts(const MlLearner *learner);  // times that the concept changed
MlTask online_task(const MlLearner *learner);
uint64_t online_bytes(const MlLearner *learner);   // of its state when saved

void online_save(const MlLearner *learner, Buf *out);
NODISCARD Status online_load(Str bytes, MlLearner **out, Error *err);

// As ml_train_reference.
void ml_online_reference(Buf *out);
