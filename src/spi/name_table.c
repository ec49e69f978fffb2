#include "spi/name_table.h"

#include "base/assert.h"

void name_table_add(NameTable *self, const char *name, const void *item) {
    if (name_table_find(self, str_c(name))) return;
    ASSERT(self->count < NAME_TABLE_MAX);
    self->name[self->count] = name;
    self->item[self->count++] = item;
}

const void *name_table_find(const NameTable *self, Str name) {
    for (uint32_t i = 0; i < self->count; i++) {
        if (str_eq(str_c(self->name[i]), name)) return self->item[i];
    }
    return NULL;
}

const char *name_table_nearest(const NameTable *self, Str name) {
    return text_nearest(name, self->name, self->count);
}
