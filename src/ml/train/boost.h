// ml/train/boost.h - between gradient boosting and the libraries that may do its work.
#pragma once

#include "ml/train/cart.h"

// [grove] has room for rounds * outputs trees, of which [trees] come to be: those of a round one
// after the other. [base]: where the scores begin, which the library may move. ST_IO: it is not
// installed.
Status boost_by_xgboost(MlTrainer *trainer, double *base, uint32_t outputs, Grove *grove,
                        uint32_t rounds, uint32_t *trees, Error *err);
