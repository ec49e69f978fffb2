#define PCRE2_CODE_UNIT_WIDTH 8
#include "ml/pmml/regex.h"

#include <pcre2.h>

enum { REPLACED_BYTES_MAX = 1 << 26 };

struct Regex {
    pcre2_code *code;
    Regex *next;
};

// Java's flag for Unicode case is PCRE2's way anyhow.
static Str without_unicode_flag(Str pattern) {
    return str_starts(pattern, STR("(?u)")) ? str_sub(pattern, 4, pattern.len - 4) : pattern;
}

static pcre2_code *compile(Str pattern, bool ignore_case, char why[256]) {
    int error;
    size_t place;
    pattern = without_unicode_flag(pattern);
    uint32_t flags = PCRE2_UTF | PCRE2_NO_UTF_CHECK | (ignore_case ? PCRE2_CASELESS : 0);
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)(pattern.ptr ? pattern.ptr : ""), pattern.len,
                                     flags, &error, &place, NULL);
    if (!code) (void)pcre2_get_error_message(error, (PCRE2_UCHAR *)why, 256);
    return code;
}

const Regex *regex_compile(Load *load, const Xml *at, Str pattern, bool ignore_case) {
    char why[256];
    pcre2_code *code = compile(pattern, ignore_case, why);
    if (!code) {
        load_fail(load, at, "regular expression '" STR_FMT "': %s",
                  STR_ARG(str_sub(pattern, 0, 200)), why);
    }
    (void)pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
    Regex *self = NEW(Regex);
    *self = (Regex){.code = code, .next = load->pmml->regexes};
    load->pmml->regexes = self;
    return self;
}

void regex_free_all(Pmml *pmml) {
    while (pmml->regexes) {
        Regex *next = pmml->regexes->next;
        regex_free(pmml->regexes);
        pmml->regexes = next;
    }
}

Regex *regex_new(Row *row, Str pattern, bool ignore_case) {
    char why[256];
    pcre2_code *code = compile(pattern, ignore_case, why);
    if (!code) {
        row_fail(row, "regular expression '" STR_FMT "': %s", STR_ARG(str_sub(pattern, 0, 200)),
                 why);
    }
    Regex *self = NEW(Regex);
    self->code = code;
    return self;
}

void regex_free(Regex *self) {
    if (!self) return;
    pcre2_code_free(self->code);
    mem_free(self);
}

bool regex_find(Row *row, const Regex *self, Str text, uint32_t from, uint32_t *begin,
                uint32_t *end) {
    (void)row;
    pcre2_match_data *match = pcre2_match_data_create(1, NULL);
    int found = pcre2_match(self->code, (PCRE2_SPTR)(text.ptr ? text.ptr : ""), text.len, from,
                            PCRE2_NO_UTF_CHECK, match, NULL);
    const size_t *pair = pcre2_get_ovector_pointer(match);
    if (found >= 0) *begin = (uint32_t)pair[0], *end = (uint32_t)pair[1];
    pcre2_match_data_free(match);
    return found >= 0;
}

// Java's replacement as PCRE2's: a backslash makes the next character plain.
static void replacement(Str with, Buf *out) {
    for (uint32_t i = 0; i < with.len; i++) {
        bool plain = with.ptr[i] == '\\' && i + 1 < with.len;
        if (plain) i++;
        if (with.ptr[i] == '$') {
            bool pair = !plain && i + 1 < with.len && with.ptr[i + 1] == '$';
            buf_putc(out, '$');
            if (plain || pair) buf_putc(out, '$');
            if (pair) i++;
        } else {
            buf_putc(out, with.ptr[i]);
        }
    }
}

Str regex_replace(Row *row, const Regex *self, Str text, Str with, bool *ok) {
    Buf to = {0};
    replacement(with, &to);
    size_t size = text.len * 2ull + 256;
    char *out = NULL;
    int count = PCRE2_ERROR_NOMEMORY;
    for (int i = 0; i < 2 && count == PCRE2_ERROR_NOMEMORY && size < REPLACED_BYTES_MAX; i++) {
        out = arena_alloc(row->arena, size);
        count = pcre2_substitute(self->code, (PCRE2_SPTR)(text.ptr ? text.ptr : ""), text.len, 0,
                                 PCRE2_SUBSTITUTE_GLOBAL | PCRE2_SUBSTITUTE_OVERFLOW_LENGTH |
                                     PCRE2_SUBSTITUTE_UNSET_EMPTY | PCRE2_NO_UTF_CHECK,
                                 NULL, NULL, (PCRE2_SPTR)buf_str(&to).ptr, to.len,
                                 (PCRE2_UCHAR *)out, &size);
    }
    buf_free(&to);
    *ok = count >= 0;
    return *ok ? str_make(out, size) : text;
}
