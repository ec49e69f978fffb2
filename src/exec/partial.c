#include "exec/partial.h"

#include "col/codec.h"

const uint64_t *filter_mask(const Batch *in, int32_t filter, Arena *scratch) {
    if (filter < 0) return NULL;
    const Vec *flag = in->column[filter];
    uint64_t *mask = ARENA_ARRAY(scratch, uint64_t, BITS_WORDS(in->rows));
    for (uint32_t i = 0; i < in->rows; i++) {
        if (vec_u8(flag)[i] && !vec_is_null(flag, i)) bits_set(mask, i);
    }
    return mask;
}

Status partials_write(const PartialCalls *self, const uint8_t *const *group, const int64_t *rows,
                      uint32_t count, Vec *out, Arena *scratch, uint64_t *size, Error *err) {
    Vec **state = ARENA_ARRAY(scratch, Vec *, self->count + 1);
    Buf bytes = {0};
    uint64_t total = 0;
    for (uint32_t a = 0; a < self->count; a++) {
        state[a] = vec_new(scratch, self->call[a]->state_type, count);
        for (uint32_t i = 0; i < count; i++) {
            TRY(agg_write(self->call[a], group[i], self->env, state[a], i, err));
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        bytes.len = 0;
        codec_put_i64(&bytes, rows[i]);
        for (uint32_t a = 0; a < self->count; a++) codec_put(state[a], i, &bytes);
        vec_set_text(out, i, buf_str(&bytes));
        total += bytes.len;
    }
    buf_free(&bytes);
    if (size) *size = total;
    return ST_OK;
}

Status partials_merge(const PartialCalls *self, const Vec *in, uint8_t *const *group, int64_t *rows,
                      Arena *scratch, Error *err) {
    const char **at = ARENA_ARRAY(scratch, const char *, in->len + 1);
    uint8_t *one = arena_zalloc(scratch, self->group_size);
    for (uint32_t i = 0; i < in->len; i++) at[i] = codec_get_i64(vec_str(in)[i].ptr, &rows[i]);
    for (uint32_t a = 0; a < self->count; a++) {
        const AggCall *call = self->call[a];
        Vec *state = vec_new(scratch, call->state_type, in->len);
        for (uint32_t i = 0; i < in->len; i++) at[i] = codec_get(at[i], state, i);
        for (uint32_t i = 0; i < in->len; i++) {
            Status st = agg_read(call, state, i, self->env, one, err);
            if (!st) st = agg_merge(call, group[i], one, self->env, err);
            agg_clear(call, one, self->env);
            TRY(st);
        }
    }
    return ST_OK;
}
