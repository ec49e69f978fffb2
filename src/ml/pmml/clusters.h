// ml/pmml/clusters.h - results whose classes are entities: clusters, training records.
#pragma once

#include "ml/pmml/pmml_int.h"

// Fills in the entities, best first, from out->category (texts) and out->score.
void result_rank(Row *row, Result *out);
