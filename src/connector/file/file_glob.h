// connector/file/file_glob.h - patterns in a table's path: * and ? within a name, [a-z], [!a-z],
// {a,b} also across names, ** for any directories or none; a backslash takes the next character
// as it is. Hidden names (a leading '.' or '_') match only where the pattern's name begins so, too.
#pragma once

#include "base/status.h"
#include "base/text.h"

// Whether [path] has any of * ? [ { that no backslash stands before.
bool glob_is_pattern(Str path);
// Whether [name] is one that the component [pattern] means (no braces, no '/').
bool glob_matches(Str pattern, Str name);
// The patterns without braces that [pattern] stands for, in [arena]. ST_VALIDATION when a brace or
// bracket is not closed, or when they are more than GLOB_EXPANDED_MAX.
enum { GLOB_EXPANDED_MAX = 1024 };
NODISCARD Status glob_expand(Arena *arena, Str pattern, Str **out, uint32_t *count, Error *err);

// Calls [found] with each existing path that [pattern], without braces, means, in the order of
// names; of a ** perhaps more than once. Directories that cannot be read are errors.
NODISCARD Status glob_walk(Arena *arena, Str pattern,
                           Status (*found)(void *arg, Str path, Error *err), void *arg, Error *err);
