// func/collection.h - what the functions of arrays, maps and rows share.
#pragma once

#include "func/func.h"

// "invalid arguments to 'ARRAY_APPEND': ARRAY<INT>, STRING"
Status collection_mismatch(const FuncCall *call, Error *err);

// Casts arguments [from, argc) to their common type. ST_VALIDATION when there is none or it is not
// of [kind].
Status collection_common(FuncCall *call, TypeKind kind, Error *err);
// Casts argument [index] to the elements of array argument 0 where that needs no CAST.
Status collection_element(FuncCall *call, uint32_t index, Error *err);

// Equality as of Flink's generated code: NaN is not itself, -0.0 is 0.0, NULL is NULL.
bool element_equal(const Vec *a, uint32_t i, const Vec *b, uint32_t j);

// A set of elements, found by hash. Lies in the scratch arena.
typedef struct ElementSet {
    const Vec **vec;
    uint32_t *at;       // entry i is at[i] of vec[i]
    uint64_t *hash;
    uint32_t *slot;     // entry + 1; 0 is free
    uint32_t count, slot_mask;
} ElementSet;
ElementSet element_set(Arena *arena, uint32_t entries_max);
bool element_set_has(const ElementSet *set, const Vec *vec, uint32_t at);
bool element_set_add(ElementSet *set, const Vec *vec, uint32_t at);  // false: it is there already

// Shares elements [from, from + count) of [src] to [to] on of [dst].
void elements_share(Vec *dst, uint32_t to, const Vec *src, uint32_t from, uint32_t count);

// What Flink's generated code leaves in a column of a NOT NULL type for a missing value: -1 and
// FALSE for Java's primitives, blanks for texts, NULL for the rest. [constant]: CHAR is padded.
void put_missing(Vec *out, uint32_t row, const Type *value, bool constant);

static inline bool type_is_ordered(const Type *type) {  // by ARRAY_SORT, ARRAY_MAX
    return type_is_numeric(type) || type_is_text(type) || type_is_bytes(type) ||
           type_is_datetime(type);
}
