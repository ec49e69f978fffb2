#include "func/int_set.h"

enum { SLOTS_FIRST = 8 };

static void place(int64_t *slot, uint32_t mask, int64_t value) {
    uint32_t at = (uint32_t)hash_u64((uint64_t)value) & mask;
    while (slot[at]) at = (at + 1) & mask;
    slot[at] = value;
}

static Status grow(IntSet *set, AggEnv *env, Error *err) {
    if (set->slot_count > UINT32_MAX / 2) {
        return error_set(err, ST_RUNTIME, "one group has more than 2^31 distinct values");
    }
    uint32_t count = set->slot_count ? set->slot_count * 2 : SLOTS_FIRST;
    int64_t *slot = NULL;
    TRY(store_resize(env, &slot, 0, count * sizeof *slot, err));
    memset(slot, 0, count * sizeof *slot);
    for (uint32_t i = 0; i < set->slot_count; i++) {
        if (set->slot[i]) place(slot, count - 1, set->slot[i]);
    }
    store_free(env, set->slot, set->slot_count * sizeof *set->slot);
    set->slot = slot;
    set->slot_count = count;
    return ST_OK;
}

Status int_set_add(IntSet *set, int64_t value, bool *added, AggEnv *env, Error *err) {
    if (!value) {
        *added = !set->has_zero;
        set->has_zero = true;
        return ST_OK;
    }
    if (set->slot) {
        uint32_t mask = set->slot_count - 1, at = (uint32_t)hash_u64((uint64_t)value) & mask;
        for (; set->slot[at]; at = (at + 1) & mask) {
            if (set->slot[at] == value) return *added = false, ST_OK;
        }
        if ((uint64_t)set->used * 4 < (uint64_t)set->slot_count * 3) {
            set->slot[at] = value;
            set->used++;
            return *added = true, ST_OK;
        }
    }
    TRY(grow(set, env, err));
    place(set->slot, set->slot_count - 1, value);
    set->used++;
    *added = true;
    return ST_OK;
}

uint32_t int_set_count(const IntSet *set) {
    return set->used + set->has_zero + set->has_null;
}

bool int_set_next(const IntSet *set, uint32_t *i, int64_t *value) {
    for (; *i < set->slot_count; (*i)++) {
        if (!set->slot[*i]) continue;
        *value = set->slot[(*i)++];
        return true;
    }
    *value = 0;
    return (*i)++ == set->slot_count && set->has_zero;
}

void int_set_free(IntSet *set, AggEnv *env) {
    store_free(env, set->slot, set->slot_count * sizeof *set->slot);
    *set = (IntSet){0};
}
