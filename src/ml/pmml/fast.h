// ml/pmml/fast.h - models whose work is in trees, by columns instead of row by row.
//
// Trees whose conditions ask one field each become a TreeEnsemble (ml/tree.h); what stands around
// them (a chain that ends in a regression, probabilities as outputs) is done over arrays. Whatever
// is not said in these terms is left to the rows' way, and so is a single row that the columns
// cannot judge: a missing value where the document's strategy is not a direction, an invalid one,
// a tie between classes. The two ways give the same results.
#pragma once

#include "ml/pmml/pmml_int.h"

typedef struct Fast Fast;

// NULL: the model is not of that kind.
Fast *fast_new(Pmml *pmml, Arena *arena);
void fast_free(Fast *fast);  // what does not lie in the arena
uint64_t fast_bytes(const Fast *fast);
bool fast_computes(const Fast *fast);  // it needs a Row, for features that are derived
// Fills [out]; a bit in [slow] for each row that has to go the other way. [row]: or NULL.
void fast_run(const Fast *fast, const Pmml *pmml, const MlColumn *in, uint32_t rows, MlColumn *out,
              uint64_t *slow, Row *row, Arena *scratch);
