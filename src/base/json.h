// base/json.h - JSON texts as trees, and back. Strict RFC 8259, as Jackson reads it: no comments,
// no single quotes, no NaN, at most JSON_DEPTH_MAX levels.
//
// Numbers keep the digits they were written with: whoever needs a value converts them (str_to_i64,
// str_to_f64, decimal_parse), and a round trip loses nothing. For the hot decoding of records there
// is format/json, which builds no trees.
//
// Memory: the tree lies in the arena given to json_parse; texts and numbers without escapes point
// into the parsed text, which must live as long as the tree.
#pragma once

#include "base/text.h"

typedef enum JsonKind {
    JK_NULL,
    JK_BOOLEAN,
    JK_INTEGER,  // a number without point and exponent; text: its digits
    JK_DECIMAL,  // a number with one of them; text: as written
    JK_TEXT,     // text: decoded
    JK_ARRAY,    // count, item
    JK_OBJECT,   // count, member; names are unique
} JsonKind;

typedef struct JsonValue JsonValue;
typedef struct JsonMember JsonMember;

struct JsonValue {
    JsonKind kind;
    bool boolean;
    uint32_t count;  // of items or members
    union {
        Str text;
        JsonValue *item;
        JsonMember *member;
    };
};

struct JsonMember {
    Str name;
    JsonValue value;
};

enum {
    JSON_DEPTH_MAX = 1000,  // Jackson's limit; also keeps the recursion from our stack's end
};

enum {
    JSON_UNIQUE_NAMES = 1,  // a name that comes twice is an error; else the last value stands,
                            // at the place of the first
    JSON_SORT_NAMES = 2,    // print members by name, in the order of UTF-16 units
    JSON_ESCAPE_SLASH = 4,  // print '/' as "\/"
};

// Reads one value. With [end] it receives the offset behind the value and what follows there is not
// looked at; without, anything but white space after the value is an error. ST_RUNTIME with the
// line and column of what is wrong.
NODISCARD Status json_parse(Arena *arena, Str text, uint32_t flags, JsonValue *out, uint32_t *end,
                            Error *err);

const JsonValue *json_member(const JsonValue *object, Str name);  // NULL: absent or no object
// How many values arrays within arrays hold in all; 1 of anything but an array.
uint32_t json_leaves(const JsonValue *value);
static inline bool json_is_scalar(const JsonValue *value) {
    return value->kind < JK_ARRAY;
}
static inline bool json_is_number(const JsonValue *value) {
    return value->kind == JK_INTEGER || value->kind == JK_DECIMAL;
}

// Compact text: {"a":[1,2.50,"x"]}. Decimals print as java.math.BigDecimal.toString does (1e3 gives
// 1E+3), as Flink's JSON functions hold them.
void json_print(const JsonValue *value, uint32_t flags, Buf *out);
// A text with its quotes and escapes; characters beyond ASCII as they are.
void json_print_text(Str text, uint32_t flags, Buf *out);
// BigDecimal.toString of a number written in JSON (or SQL) syntax.
void json_print_decimal(Str number, Buf *out);
