#include "sql/keyword.h"

static const struct {
    const char *text;
    uint8_t len, flags;
} WORDS[KW_COUNT_] = {
    {"", 0, 0},
#define K(word, flags) {#word, sizeof(#word) - 1, flags},
    KEYWORDS(K)
#undef K
};

enum { FLAG_RESERVED = 1, FLAG_FUNCTION = 2, WORD_MAX = 32 };

Keyword keyword_find(Str word) {
    if (word.len == 0 || word.len > WORD_MAX) return KW_IDENTIFIER;
    char upper[WORD_MAX];
    for (uint32_t i = 0; i < word.len; i++) {
        char c = word.ptr[i];
        upper[i] = c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
    }
    uint32_t low = 1, high = KW_COUNT_;
    while (low < high) {
        uint32_t mid = (low + high) / 2;
        Str have = {WORDS[mid].text, WORDS[mid].len};
        int order = str_cmp(have, (Str){upper, word.len});
        if (order == 0) return (Keyword)mid;
        if (order < 0) low = mid + 1;
        else high = mid;
    }
    return KW_IDENTIFIER;
}

const char *keyword_text(Keyword keyword) { return WORDS[keyword].text; }

bool keyword_reserved(Keyword keyword) { return WORDS[keyword].flags & FLAG_RESERVED; }

bool keyword_function(Keyword keyword) { return WORDS[keyword].flags & FLAG_FUNCTION; }
