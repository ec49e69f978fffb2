// ml/pmml/func.h - the built-in functions of PMML.
#pragma once

#include "ml/pmml/pmml_int.h"

typedef struct Builtin Builtin;
typedef Value (*BuiltinCall)(Row *row, const Builtin *self, const Value *arg, uint32_t args);

struct Builtin {
    const char *name;
    BuiltinCall call;
    uint8_t args_min, args_max;  // 255: any number
    uint8_t op;
    bool takes_missing;  // else a missing argument gives a missing value
    uint8_t type;        // PmmlType of the result; PT_NONE: that of its arguments
    bool orders;         // asks which of two values comes first
};

const Builtin *builtin_find(Str name);  // NULL: none
