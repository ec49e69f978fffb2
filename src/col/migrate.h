// col/migrate.h - values of one type, as bytes, made values of a wider one: state that a changed
// query takes over.
//
// A value is carried over when none can be lost by it: a number to a type that holds every number
// of the old one, text and bytes to a greater length, NOT NULL to nullable, times to more digits;
// lists and maps entry by entry; a row field by field, by name. A field that is new is NULL, or
// what [begin] writes for it; a field that is gone goes.
//
// Memory: the migration lies in the arena it was made in. Threads: one at a time.
#pragma once

#include "type/type.h"

typedef struct Migration Migration;

// Of one row alone, the top-level one or the row in its field [of]: what field [field] of the new
// type has where the old one did not have it; false: it cannot be made up. NULL: only nullable
// fields can, with NULL.
typedef struct MigrateBegin {
    bool (*begin)(void *arg, uint32_t field, Buf *out);
    const char *of;   // NULL: the top-level row
    void *arg;
    bool rows_fixed;  // rows in lists get no new fields: they are found again by all their columns
} MigrateBegin;

// From a ROW to a ROW whose fields lie one after the other, as state tables keep keys ([key]:
// fields correspond by place) and values (by name). *out is NULL when the bytes are the same.
// [said]: how fields differ, a phrase each, "price INT -> BIGINT", "SUM(x) is new"; ST_VALIDATION
// names what cannot be carried over.
NODISCARD Status migrate_rows(Arena *arena, const Type *from, const Type *to, bool key,
                              const MigrateBegin *begin, Migration **out, Buf *said, Error *err);
// The bytes of one such row, to [out]; returns their end.
const char *migrate_row(Migration *migration, const char *at, Buf *out);
