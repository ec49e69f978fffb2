// test/sim/postgres.h - the simulated PostgreSQL: tables, transactions, prepared ones, and libpq's
// functions in front of them. Like the Kafka cluster it never fails itself.
#pragma once

#include "os/library.h"

// A table; [columns] like "id bigint, v integer", the first [keys] of them its key.
void postgres_table(const char *name, const char *columns, uint32_t keys);
void postgres_row(const char *name, const char *values);  // "1,2"
// What is committed.
void postgres_lines(const char *name, void (*line)(void *arg, Str text), void *arg);
void postgres_settle(void);  // what is still on its way arrives
void postgres_free(void);
void postgres_into_library(const Library *library);  // in place of libpq
