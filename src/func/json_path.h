// func/json_path.h - JSON paths as Flink's JSON functions understand them: not the SQL standard's
// but those of the JsonPath library (com.jayway), filters, scans, slices and functions included.
//
//   $.a  $['a','b']  $[0]  $[-1]  $[1,3]  $[1:3]  $.*  $[*]  $..a  $[?(@.x > 1 && @.y == 'z')]
//   $.a.length()  and sum() min() max() avg() stddev() size() keys() first() last() index(n)
//   concat(…) append(…)
//
// A path is definite when it can name one value only; an indefinite one gives an array of what it
// finds, the empty one included.
#pragma once

#include "base/json.h"

typedef struct JsonPath JsonPath;

// ST_RUNTIME when the text is no path; what needs a regular expression that we cannot do is
// ST_UNSUPPORTED. The path lies in [arena].
NODISCARD Status json_path_parse(Arena *arena, Str text, JsonPath **out, Error *err);
bool json_path_definite(const JsonPath *path);
// The value at [path] in [root]; made values lie in [arena], others are those of the tree. ST_END
// when a definite path leads nowhere, ST_RUNTIME when a filter or a function meets what it cannot
// take: lax forgives the first only.
NODISCARD Status json_path_read(const JsonPath *path, const JsonValue *root, Arena *arena,
                                const JsonValue **out, Error *err);
