// model/providers.h - models that servers elsewhere answer for.
#pragma once

#include "spi/model.h"

extern const ModelProvider HTTP_PROVIDER, OPENAI_PROVIDER, TRITON_PROVIDER;
