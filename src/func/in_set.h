// func/in_set.h - the literals of a long IN list as a hash set: one probe a row, where comparing
// with each costs rows times items.
#pragma once

#include "func/compare_int.h"

enum { IN_SET_LEAST = 24 };  // shorter lists are faster one by one, in loops that vectorise

typedef struct InSet InSet;

// NULL when the items of [call], from its second argument on, do not all compare as keys do (other
// layouts or scales, ROWs, -0.0).
InSet *in_set_new(const FuncCall *call, CompareHow how);
void in_set_free(InSet *set);
// The value in row [row] is not NULL. TRUTH_UNKNOWN: not found, and an item is NULL.
Truth in_set_find(const InSet *set, const Vec *value, uint32_t row);
