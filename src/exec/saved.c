#include "exec/saved.h"

void agg_saver_init(AggSaver *saver, AggCall *const *call, uint32_t count, AggEnv *env) {
    *saver = (AggSaver){.call = call, .count = count, .env = env};
    arena_init(&saver->scratch);
}

void agg_saver_clear(AggSaver *saver) {
    arena_clear(&saver->scratch);
}

void aggs_save(AggSaver *saver, const uint8_t *group, Buf *out) {
    arena_reset(&saver->scratch);
    for (uint32_t i = 0; i < saver->count; i++) {
        Vec *state = vec_new(&saver->scratch, saver->call[i]->state_type, 1);
        // Writing a state copies it: it fails for no state that an update could make.
        Status st = agg_write(saver->call[i], group, saver->env, state, 0, NULL);
        ASSERT(!st);
        codec_put(state, 0, out);
    }
}

const char *aggs_load(AggSaver *saver, uint8_t *group, const char *at, Error *err) {
    arena_reset(&saver->scratch);
    for (uint32_t i = 0; i < saver->count; i++) {
        Vec *state = vec_new(&saver->scratch, saver->call[i]->state_type, 1);
        at = codec_get(at, state, 0);
        if (agg_read(saver->call[i], state, 0, saver->env, group, err)) return NULL;
    }
    return at;
}

void agg_state_fields(const Plan *plan, const Type **child, Str *name, uint32_t from) {
    for (uint32_t i = 0; i < plan->agg_count; i++) {
        child[from + i] = plan->agg[i].call->state_type;
        name[from + i] = plan->agg[i].name;
    }
}
