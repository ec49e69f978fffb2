// type/value.h - the multi-word values that lie in columns.
#pragma once

#include <stdint.h>

typedef __int128 i128;
typedef unsigned __int128 u128;

// TIMESTAMP(p > 3) and TIMESTAMP_LTZ(p > 3), as Flink's TimestampData.
typedef struct Timestamp {
    int64_t ms;     // since 1970-01-01 00:00:00 (local for TIMESTAMP, UTC for _LTZ); floor
    int32_t ns;     // of the millisecond, 0..999999
    int32_t zero_;  // padding, kept 0 so that values compare and hash as bytes
} Timestamp;

// A slice of the child columns: ARRAY, MAP, MULTISET.
typedef struct ListView {
    uint32_t offset, count;
} ListView;

// The kind of change a row stands for; Flink's RowKind, same order.
typedef enum RowKind {
    ROW_INSERT,         // +I
    ROW_UPDATE_BEFORE,  // -U
    ROW_UPDATE_AFTER,   // +U
    ROW_DELETE,         // -D
} RowKind;

static inline const char *row_kind_name(RowKind kind) {
    static const char *const NAMES[] = {"+I", "-U", "+U", "-D"};
    return NAMES[kind];
}
static inline int row_kind_is_add(RowKind kind) {  // accumulate, not retract
    return kind == ROW_INSERT || kind == ROW_UPDATE_AFTER;
}
