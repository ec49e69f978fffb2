// ml/pmml/mining.h - what others ask of a <MiningModel> about its segments; of other models the
// answer is that there are none.
#pragma once

#include "ml/pmml/pmml_int.h"

bool mining_shares(const Model *model);  // outputs of one segment are fields of the next
bool mining_lists(const Model *model);   // it predicts a list, of what all its segments do
const Model *mining_segment(const Model *model, Str id);  // NULL: none
// The segments whose outputs are outputs of the whole: [first, end).
void mining_shown(const Model *model, uint32_t *first, uint32_t *end);
const Model *mining_model(const Model *model, uint32_t segment);
uint32_t mining_count(const Model *model);
