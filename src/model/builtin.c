#include "model/builtin.h"

#include "model/providers.h"
#include "model/learner.h"
#include "model/local.h"

static const ModelProvider *const BUILTIN_PROVIDERS[] = {
    &HTTP_PROVIDER, &ONNX_PROVIDER,       &OPENAI_PROVIDER, &TRITON_PROVIDER,
    &PMML_PROVIDER, &TENSORFLOW_PROVIDER, &WEIR_PROVIDER,   NULL,
};

void models_register(void) {
    local_begin();
    connector_register(&LEARNER_CONNECTOR);
    for (const ModelProvider *const *at = BUILTIN_PROVIDERS; *at; at++) {
        model_provider_register(*at);
    }
}
