// test/sim/clickhouse.h - the simulated ClickHouse: one table, what became of each insert, and
// os/http.h in front of it: whoever speaks HTTP in the simulator speaks to it.
//
// Like the other servers it never fails itself. Of a table that keeps tokens an insert is made
// once, however often it arrives, and the log cannot be read; else the log says what is done.
#pragma once

#include "base/text.h"

// Columns as DESCRIBE TABLE has them, a line each: "id\tInt64\n"; of fixed size.
void clickhouse_table(const char *columns, bool keeps_tokens);
// Its rows; where it has a column Sign, rows that it cancels are left out.
void clickhouse_lines(void (*line)(void *arg, Str text), void *arg);
void clickhouse_settle(void);  // what is still on its way arrives
void clickhouse_free(void);
