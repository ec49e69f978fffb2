// cli/model_file.h - models as operands of a command: a file, the folder of a SavedModel, or a
// folder of versions, which stands for the one in use.
#pragma once

#include "ml/model.h"

NODISCARD Status model_file_load(const char *path, MlModel **out, Error *err);
// Writes a model that was trained here as PMML. ST_UNSUPPORTED: that kind has no place there.
NODISCARD Status model_file_export(const char *from, const char *to, Error *err);
