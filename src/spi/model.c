// The table of model providers; the implementations lie in src/model/ and register themselves
// through model/builtin.c, once, before any thread starts.
#include "spi/model.h"

#include "base/assert.h"

static const char *const ON_ERROR[] = {"fail", "null", NULL};

const OptionDef MODEL_OPTIONS[] = {
    {.key = "provider", .required = true, .doc = "who predicts"},
    {.key = "task", .doc = "what the model is for: classification, regression, clustering, …"},
    {.key = "on-error",
     .kind = OPTION_ENUM,
     .fallback = "fail",
     .values = ON_ERROR,
     .doc = "what a row that cannot be predicted does: end the job, or get NULLs"},
    {0},
};

enum { PROVIDERS_MAX = 32 };

static const ModelProvider *providers[PROVIDERS_MAX];
static const char *provider_names[PROVIDERS_MAX];
static uint32_t provider_count;

void model_provider_register(const ModelProvider *provider) {
    if (model_provider_find(str_c(provider->name))) return;
    ASSERT(provider_count < PROVIDERS_MAX);
    provider_names[provider_count] = provider->name;
    providers[provider_count++] = provider;
}

const ModelProvider *model_provider_find(Str name) {
    for (uint32_t i = 0; i < provider_count; i++) {
        if (str_eq(str_c(provider_names[i]), name)) return providers[i];
    }
    return NULL;
}

const char *model_provider_nearest(Str name) {
    return text_nearest(name, provider_names, provider_count);
}

const char *const *model_provider_list(uint32_t *count) {
    *count = provider_count;
    return provider_names;
}
