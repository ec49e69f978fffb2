// func/regexp.h - regular expressions of java.util.regex, run by PCRE2 with its JIT compiler.
//
// A pattern is first translated (regexp_java.c): the dialects differ in silence, so nothing is
// handed over unread. What Java allows and PCRE2 cannot say is ST_UNSUPPORTED, with its name; what
// Java refuses is ST_RUNTIME. Positions are bytes.
//
// A Regexp and a RegexpCache belong to one call site of one worker.
#pragma once

#include "base/text.h"

typedef struct Regexp Regexp;

enum {
    REGEXP_CASELESS = 1,  // Pattern.CASE_INSENSITIVE
    REGEXP_MULTILINE = 2,
    REGEXP_DOTALL = 4,
    REGEXP_UNICODE_CASE = 8,
    REGEXP_COMMENTS = 16,
    REGEXP_UNIX_LINES = 32,
    REGEXP_UNICODE_CLASSES = 64,  // Pattern.UNICODE_CHARACTER_CLASS
};

typedef struct RegexpSpan {
    uint32_t from, to;  // to < from: the group took no part
} RegexpSpan;

// Appends what PCRE2 calls the Java pattern.
NODISCARD Status regexp_translate(Str pattern, uint32_t flags, Buf *out, Error *err);

NODISCARD Status regexp_new(Str pattern, uint32_t flags, Regexp **out, Error *err);
void regexp_free(Regexp *regexp);
uint32_t regexp_groups(const Regexp *regexp);  // without group 0

// The first match at or behind [from]; groups by regexp_span until the next call. ST_RUNTIME when
// the match takes more steps than PCRE2's limit.
NODISCARD Status regexp_find(Regexp *regexp, Str text, uint32_t from, bool *found, Error *err);
// Whether the whole text matches.
NODISCARD Status regexp_matches(Regexp *regexp, Str text, bool *matches, Error *err);
RegexpSpan regexp_span(const Regexp *regexp, uint32_t group);
// Where a search for the next match goes on: behind the last one, and one further when that was
// empty; false at the end of the text.
bool regexp_next(const Regexp *regexp, Str text, uint32_t *from);
// java.util.regex searches UTF-16: behind an empty match before a surrogate pair it tries between
// the halves too. Whether the last match was one and the pattern matches nothing there.
NODISCARD Status regexp_splits_pair(Regexp *regexp, Str text, bool *splits, Error *err);

// The last few patterns of a call site, the good and the bad. Zero-initialised is empty.
enum { REGEXP_CACHE_SIZE = 8 };
typedef struct RegexpCache {
    struct {
        char *pattern;  // owned
        uint32_t len, flags;
        Regexp *regexp;  // NULL: java.util.regex refuses the pattern
    } entry[REGEXP_CACHE_SIZE];
    uint32_t count, newest, next;
} RegexpCache;

void regexp_cache_clear(RegexpCache *cache);
// *out is NULL for a pattern that Java refuses; a status only for one that we cannot do.
NODISCARD Status regexp_cache_get(RegexpCache *cache, Str pattern, uint32_t flags, Regexp **out,
                                  Error *err);
