// ml/pmml/pmml.h - models in PMML 3.0 to 4.4: see README.md.
#pragma once

#include "ml/formats.h"

extern const MlFormat PMML_FORMAT;
