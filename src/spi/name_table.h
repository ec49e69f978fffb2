// spi/name_table.h - a table of implementations by name: connectors, formats, model providers. They
// lie in higher folders and register themselves once, before any thread starts; from then on
// anybody may look.
#pragma once

#include "base/text.h"

enum { NAME_TABLE_MAX = 64 };

typedef struct NameTable {
    const void *item[NAME_TABLE_MAX];
    const char *name[NAME_TABLE_MAX];
    uint32_t count;
} NameTable;

// A second one of the same [name] is not taken. [item] and [name] are borrowed for good.
void name_table_add(NameTable *self, const char *name, const void *item);
// NULL: there is none.
const void *name_table_find(const NameTable *self, Str name);
// The registered name that is like [name], or NULL.
const char *name_table_nearest(const NameTable *self, Str name);
