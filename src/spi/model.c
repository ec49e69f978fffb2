// The table of model providers, filled by model/builtin.c.
#include "spi/model.h"

#include "spi/name_table.h"

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

static NameTable providers;

static bool is_number(const Type *type) {
    return type_is_numeric(type) || type->kind == TYPE_BOOLEAN;
}

bool model_can_judge(const Type *type) {
    if (type->kind == TYPE_ARRAY) return is_number(type->child[0]);
    return is_number(type) || type_is_text(type);
}

void model_provider_register(const ModelProvider *provider) {
    name_table_add(&providers, provider->name, provider);
}

const ModelProvider *model_provider_find(Str name) {
    return name_table_find(&providers, name);
}

const char *model_provider_nearest(Str name) {
    return name_table_nearest(&providers, name);
}

const char *const *model_provider_list(uint32_t *count) {
    *count = providers.count;
    return providers.name;
}
