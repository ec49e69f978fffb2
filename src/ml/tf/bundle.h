// ml/tf/bundle.h - a tensor bundle: the values of variables by the keys of a checkpoint.
#pragma once

#include "ml/graph/graph.h"

typedef struct TfBundle TfBundle;  // opaque, see bundle.c

// [prefix]: the path without ".index". ST_VALIDATION names the file that is damaged.
NODISCARD Status tf_bundle_open(Str prefix, TfBundle **out, Error *err);
// The same of an index at hand; [checked]: its checksums count.
NODISCARD Status tf_bundle_of(Str prefix, Str index, bool checked, TfBundle **out, Error *err);
void tf_bundle_close(TfBundle *self);  // NULL is fine
bool tf_bundle_has(const TfBundle *self, Str key);
// Reads a value as a constant of [graph].
NODISCARD Status tf_bundle_read(TfBundle *self, Str key, Graph *graph, uint32_t *value,
                                Error *err);
