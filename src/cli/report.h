// cli/report.h - errors as people read them:
//
//     orders.sql:3:8: 42703: column 'amout' not found in 'orders'
//       SELECT amout FROM orders
//              ^^^^^
//     hint: did you mean 'amount'?
#pragma once

#include "base/text.h"

// Appends the report of [err]. [file] names the script and [text] is all of it, which err's place
// counts in; both may be empty.
void report_error(const Error *err, Str file, Str text, Buf *out);
