#include "func/regexp.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

struct Regexp {
    pcre2_code *code;
    pcre2_match_data *match;
    pcre2_match_context *context;
    pcre2_jit_stack *stack;
    uint32_t groups;
};

enum {
    JIT_STACK_MIN = 32 * 1024,
    JIT_STACK_MAX = 1024 * 1024,  // deep backtracking over long texts; beyond it is an error
};

void regexp_free(Regexp *regexp) {
    if (!regexp) return;
    pcre2_match_context_free(regexp->context);
    pcre2_jit_stack_free(regexp->stack);
    pcre2_match_data_free(regexp->match);
    pcre2_code_free(regexp->code);
    mem_free(regexp);
}

Status regexp_new(Str pattern, uint32_t flags, Regexp **out, Error *err) {
    Buf text = {0};
    Status st = regexp_translate(pattern, flags, &text, err);
    if (st) {
        buf_free(&text);
        return st;
    }
    int code;
    size_t at;
    pcre2_code *compiled = pcre2_compile((PCRE2_SPTR)buf_cstr(&text), text.len,
                                         PCRE2_MATCH_INVALID_UTF, &code, &at, NULL);
    buf_free(&text);
    if (!compiled) {
        char why[128];
        (void)pcre2_get_error_message(code, (PCRE2_UCHAR *)why, sizeof why);
        // Java takes look-behinds of bounded length, PCRE2 of one fixed length an alternative.
        bool cannot = code == PCRE2_ERROR_LOOKBEHIND_NOT_FIXED_LENGTH;
        return error_set(err, cannot ? ST_UNSUPPORTED : ST_RUNTIME,
                         "regular expression '" STR_FMT "': %s", STR_ARG(pattern), why);
    }
    (void)pcre2_jit_compile(compiled, PCRE2_JIT_COMPLETE);  // where it fails the interpreter runs
    Regexp *regexp = NEW(Regexp);
    regexp->code = compiled;
    regexp->match = pcre2_match_data_create_from_pattern(compiled, NULL);
    regexp->context = pcre2_match_context_create(NULL);
    regexp->stack = pcre2_jit_stack_create(JIT_STACK_MIN, JIT_STACK_MAX, NULL);
    if (regexp->stack) pcre2_jit_stack_assign(regexp->context, NULL, regexp->stack);
    (void)pcre2_pattern_info(compiled, PCRE2_INFO_CAPTURECOUNT, &regexp->groups);
    *out = regexp;
    return ST_OK;
}

uint32_t regexp_groups(const Regexp *regexp) {
    return regexp->groups;
}

static Status match(Regexp *regexp, Str text, uint32_t from, uint32_t options, bool *found,
                    Error *err) {
    int code = pcre2_match(regexp->code, (PCRE2_SPTR)(text.ptr ? text.ptr : ""), text.len, from,
                           options, regexp->match, regexp->context);
    *found = code > 0;
    if (code > 0 || code == PCRE2_ERROR_NOMATCH) return ST_OK;
    char why[128];
    (void)pcre2_get_error_message(code, (PCRE2_UCHAR *)why, sizeof why);
    return error_set(err, ST_RUNTIME, "a regular expression gave up: %s", why);
}

Status regexp_find(Regexp *regexp, Str text, uint32_t from, bool *found, Error *err) {
    return match(regexp, text, from, 0, found, err);
}

Status regexp_matches(Regexp *regexp, Str text, bool *matches, Error *err) {
    return match(regexp, text, 0, PCRE2_ANCHORED | PCRE2_ENDANCHORED, matches, err);
}

RegexpSpan regexp_span(const Regexp *regexp, uint32_t group) {
    const PCRE2_SIZE *pair = pcre2_get_ovector_pointer(regexp->match) + 2 * (size_t)group;
    if (group > regexp->groups || pair[0] == PCRE2_UNSET) return (RegexpSpan){1, 0};
    return (RegexpSpan){(uint32_t)pair[0], (uint32_t)pair[1]};
}

bool regexp_next(const Regexp *regexp, Str text, uint32_t *from) {
    RegexpSpan last = regexp_span(regexp, 0);
    *from = last.to;
    if (last.from != last.to) return true;
    if (last.to >= text.len) return false;
    do (*from)++;
    while (*from < text.len && ((unsigned char)text.ptr[*from] & 0xC0) == 0x80);
    return true;
}

Status regexp_splits_pair(Regexp *regexp, Str text, bool *splits, Error *err) {
    RegexpSpan last = regexp_span(regexp, 0);
    *splits = false;
    if (last.from != last.to || last.to >= text.len || (unsigned char)text.ptr[last.to] < 0xF0) {
        return ST_OK;
    }
    // Each half shows itself as U+FFFD, a character that no pattern asks for.
    static const char HALVES[] = "\xEF\xBF\xBD\xEF\xBF\xBD";
    Buf halved = {0};
    buf_put(&halved, text.ptr, last.to);
    buf_puts(&halved, HALVES);
    buf_put(&halved, text.ptr + last.to + 4, text.len - last.to - 4);
    Status st = match(regexp, buf_str(&halved), last.to + 3, PCRE2_ANCHORED, splits, err);
    if (!st && *splits) {
        RegexpSpan half = regexp_span(regexp, 0);
        *splits = half.from == half.to;
    }
    buf_free(&halved);
    // The caller goes on from the match before.
    size_t *pair = pcre2_get_ovector_pointer(regexp->match);
    pair[0] = pair[1] = last.to;
    return st;
}

void regexp_cache_clear(RegexpCache *cache) {
    for (uint32_t i = 0; i < cache->count; i++) {
        mem_free(cache->entry[i].pattern);
        regexp_free(cache->entry[i].regexp);
    }
    *cache = (RegexpCache){0};
}

Status regexp_cache_get(RegexpCache *cache, Str pattern, uint32_t flags, Regexp **out, Error *err) {
    for (uint32_t i = 0; i < cache->count; i++) {
        uint32_t slot = (cache->newest + i) % cache->count;  // the same as last time, mostly
        if (cache->entry[slot].flags == flags &&
            str_eq(pattern, str_make(cache->entry[slot].pattern, cache->entry[slot].len))) {
            cache->newest = slot;
            *out = cache->entry[slot].regexp;
            return ST_OK;
        }
    }
    Regexp *regexp = NULL;
    Status st = regexp_new(pattern, flags, &regexp, err);
    if (st == ST_UNSUPPORTED) return st;
    uint32_t slot = cache->next;
    cache->next = (cache->next + 1) % REGEXP_CACHE_SIZE;
    if (slot < cache->count) {
        mem_free(cache->entry[slot].pattern);
        regexp_free(cache->entry[slot].regexp);
    } else {
        cache->count++;
    }
    cache->newest = slot;
    cache->entry[slot].pattern = str_own(pattern);
    cache->entry[slot].len = pattern.len;
    cache->entry[slot].flags = flags;
    cache->entry[slot].regexp = regexp;
    *out = regexp;
    return ST_OK;
}
