// model/http_provider.h - models that servers elsewhere answer for.
#pragma once

#include "spi/model.h"

extern const ModelProvider HTTP_PROVIDER;
