// spi/option.h - the WITH options of tables, checked against tables of known keys.
//
// A connector or format lists its options in an array of OptionDef that ends with a NULL key. Keys
// may hold one '#' that stands for any text without a dot at its ends ("fields.#.kind") or end in
// ".*" for anything below ("properties.*").
#pragma once

#include "base/map.h"

typedef enum OptionKind {
    OPTION_TEXT,
    OPTION_BOOL,
    OPTION_INT,       // int64
    OPTION_DOUBLE,
    OPTION_DURATION,  // "1 s", "200 ms", "5 min"; read as ms
    OPTION_SIZE,      // "128 mb"; read as bytes
    OPTION_ENUM,      // one of [values], case-insensitive, '-' and '_' alike
} OptionKind;

typedef struct OptionDef {
    const char *key;
    OptionKind kind;
    const char *fallback;        // default as text; NULL: none
    const char *const *values;   // OPTION_ENUM: NULL-terminated
    bool required;
    const char *doc;
} OptionDef;

// A view of a table's options: those whose keys start with [prefix], named without it.
typedef struct Options {
    const Map *map;    // key -> const char* value (NUL-terminated, owned by the table)
    Str prefix;        // "json." for a format's view; "" for the connector's
    Str owner;         // names the table in messages
    const char *kind;  // what the owner is in them; NULL: a table
    const OptionDef *defs;  // what the getters look defaults and kinds up in
} Options;

// The raw text, the default, or NULL when there is neither.
const char *options_get(const Options *options, const char *key);
bool options_has(const Options *options, const char *key);  // given explicitly
// Typed getters, for keys whose definition has that kind; values were checked before.
bool options_bool(const Options *options, const char *key);
int64_t options_int(const Options *options, const char *key);       // also DURATION (ms), SIZE
uint32_t options_enum(const Options *options, const char *key);     // index into values

// Checks kinds and required keys of the view, and that every key of the view is known: to [defs] or
// to one of the [also] lists (NULL-terminated array, may be NULL). ST_VALIDATION names the key, the
// table and the nearest known key.
NODISCARD Status options_check(const Options *options, const OptionDef *const *also, Error *err);

// The same for a whole table: keys below the prefix of one of [parts] (its formats) belong to that
// part and are checked against its definitions; all others as above.
NODISCARD Status options_check_parts(const Options *options, const OptionDef *const *also,
                                     const Options *parts, uint32_t part_count, Error *err);

// Whether [key] is meant by a definition's key, which may be a pattern.
bool option_key_matches(const char *pattern, Str key);
// Whether the text is a value of the option; and what one would be: "'true' or 'false'".
bool option_reads(const OptionDef *def, Str text);
void option_print_kind(const OptionDef *def, Buf *out);

// Readers of the single kinds; false when the text is not one.
bool option_read_duration(Str text, int64_t *ms);
bool option_read_size(Str text, int64_t *bytes);
