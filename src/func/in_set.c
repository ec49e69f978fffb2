#include "func/in_set.h"

typedef struct InSlot {
    const Vec *item;  // one row; NULL: free
    uint64_t hash;
} InSlot;

struct InSet {
    uint64_t mask;
    bool has_null;
    InSlot slot[];
};

static bool is_key(const Vec *item, const Type *value, CompareHow how) {
    const Type *type = item->type;
    if (type->kind == TYPE_NULL) return true;
    if (type->child_count || value->child_count || item->phys != type_phys(value)) return false;
    if (type_is_approx(value) && how != COMPARE_KEY) return false;
    if (value->kind == TYPE_DECIMAL && type->scale != value->scale) return false;
    return how == COMPARE_PLAIN || how == COMPARE_KEY || how == COMPARE_STAMP ||
           how == COMPARE_DECIMAL;
}

static void add(InSet *set, const Vec *item) {
    if (vec_is_null(item, 0)) {
        set->has_null = true;
        return;
    }
    uint64_t hash = vec_hash_value(item, 0), at = hash & set->mask;
    while (set->slot[at].item) {
        InSlot *slot = &set->slot[at];
        if (slot->hash == hash && vec_key_equal(slot->item, 0, item, 0)) return;
        at = (at + 1) & set->mask;
    }
    set->slot[at] = (InSlot){item, hash};
}

InSet *in_set_new(const FuncCall *call, CompareHow how) {
    if (call->argc <= IN_SET_LEAST) return NULL;
    for (uint32_t i = 1; i < call->argc; i++) {
        if (!call->literal[i] || !is_key(call->literal[i], call->arg[0], how)) return NULL;
    }
    uint64_t slots = 64;
    while (slots < (uint64_t)call->argc * 2) slots *= 2;
    InSet *set = mem_zalloc(sizeof(InSet) + slots * sizeof(InSlot));
    set->mask = slots - 1;
    for (uint32_t i = 1; i < call->argc; i++) add(set, call->literal[i]);
    return set;
}

void in_set_free(InSet *set) {
    mem_free(set);
}

Truth in_set_find(const InSet *set, const Vec *value, uint32_t row) {
    uint64_t hash = vec_hash_value(value, row);
    for (uint64_t at = hash & set->mask; set->slot[at].item; at = (at + 1) & set->mask) {
        const InSlot *slot = &set->slot[at];
        if (slot->hash == hash && vec_key_equal(slot->item, 0, value, row)) return TRUTH_TRUE;
    }
    return set->has_null ? TRUTH_UNKNOWN : TRUTH_FALSE;
}
