#include "spi/pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

struct Pattern {
    pcre2_code *code;
    pcre2_match_data *match;
};

Status pattern_new(Str regex, const char *what, Pattern **out, Error *err) {
    int number;
    size_t offset;
    uint32_t flags = PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_UTF | PCRE2_MATCH_INVALID_UTF;
    pcre2_code *code =
        pcre2_compile((PCRE2_SPTR)regex.ptr, regex.len, flags, &number, &offset, NULL);
    if (!code) {
        char reason[128];
        (void)pcre2_get_error_message(number, (PCRE2_UCHAR *)reason, sizeof reason);
        return error_set(err, ST_VALIDATION,
                         "option '%s' is no regular expression: %s at '" STR_FMT "'", what, reason,
                         STR_ARG(str_sub(regex, (uint32_t)offset, 20)));
    }
    Pattern *pattern = NEW(Pattern);
    pattern->code = code;
    pattern->match = pcre2_match_data_create_from_pattern(code, NULL);
    *out = pattern;
    return ST_OK;
}

void pattern_free(Pattern *pattern) {
    if (!pattern) return;
    pcre2_match_data_free(pattern->match);
    pcre2_code_free(pattern->code);
    mem_free(pattern);
}

bool pattern_matches(const Pattern *pattern, Str text) {
    return !pattern || pcre2_match(pattern->code, (PCRE2_SPTR)text.ptr, text.len, 0, 0,
                                   pattern->match, NULL) > 0;
}
