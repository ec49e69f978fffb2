// ml/formats.c - the readers of this build, in the order in which they are asked whether a file is
// theirs.
#include "ml/formats.h"

const MlFormat *const ML_FORMATS[] = {
    &WEIR_FORMAT,
    NULL,
};
