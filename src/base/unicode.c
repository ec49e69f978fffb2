// Tables of runs, searched by halving; ASCII never gets that far.
#include "base/unicode.h"

typedef struct CaseRun {
    uint32_t first, last;
    int32_t delta;
    uint32_t step;  // 2: every second character of the run, as where cases alternate
} CaseRun;

typedef struct CodeRange {
    uint32_t first, last;
} CodeRange;

typedef struct SpecialUpper {
    uint32_t code;
    uint32_t upper[3];  // 0 where there are fewer
} SpecialUpper;

#include "base/unicode_tables.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static uint32_t map_case(const CaseRun *runs, size_t count, uint32_t code) {
    size_t low = 0, high = count;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (code > runs[mid].last) {
            low = mid + 1;
        } else if (code < runs[mid].first) {
            high = mid;
        } else {
            if ((code - runs[mid].first) % runs[mid].step) return code;
            return (uint32_t)((int32_t)code + runs[mid].delta);
        }
    }
    return code;
}

static const CodeRange *find_range(const CodeRange *ranges, size_t count, uint32_t code) {
    size_t low = 0, high = count;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (code > ranges[mid].last) {
            low = mid + 1;
        } else if (code < ranges[mid].first) {
            high = mid;
        } else {
            return &ranges[mid];
        }
    }
    return NULL;
}

uint32_t unicode_upper(uint32_t code) {
    if (code < 0x80) return code >= 'a' && code <= 'z' ? code - 32 : code;
    return map_case(TO_UPPER, COUNT(TO_UPPER), code);
}

uint32_t unicode_lower(uint32_t code) {
    if (code < 0x80) return code >= 'A' && code <= 'Z' ? code + 32 : code;
    return map_case(TO_LOWER, COUNT(TO_LOWER), code);
}

bool unicode_is_letter(uint32_t code) {
    if (code < 0x80) return (code | 32) >= 'a' && (code | 32) <= 'z';
    return find_range(LETTERS, COUNT(LETTERS), code) != NULL;
}

int unicode_digit(uint32_t code) {
    if (code < 0x80) return code >= '0' && code <= '9' ? (int)code - '0' : -1;
    const CodeRange *range = find_range(DIGITS, COUNT(DIGITS), code);
    return range ? (int)((code - range->first) % 10) : -1;  // runs hold whole sets of ten
}

void buf_put_upper(Buf *out, Str text) {
    const char *end = str_end(text);
    for (const char *p = text.ptr; p < end;) {
        unsigned char c = (unsigned char)*p;
        if (c < 0x80) {
            buf_putc(out, (char)(c >= 'a' && c <= 'z' ? c - 32 : c));
            p++;
            continue;
        }
        uint32_t code;
        p += utf8_next(p, end, &code);
        size_t low = 0, high = COUNT(SPECIAL_UPPER);
        while (low < high) {
            size_t mid = (low + high) / 2;
            if (SPECIAL_UPPER[mid].code < code) {
                low = mid + 1;
            } else {
                high = mid;
            }
        }
        if (low < COUNT(SPECIAL_UPPER) && SPECIAL_UPPER[low].code == code) {
            for (int i = 0; i < 3 && SPECIAL_UPPER[low].upper[i]; i++) {
                buf_put_code(out, SPECIAL_UPPER[low].upper[i]);
            }
        } else {
            buf_put_code(out, unicode_upper(code));
        }
    }
}

// Eight bytes at once: flips the case of those from [first] to [first] + 25. Bit 7 of a sum says
// whether its byte is beyond a bound; of bytes above 0x7F nothing is said.
static uint64_t ascii_flip(uint64_t word, char first) {
    const uint64_t each = 0x0101010101010101u, high = each << 7;
    uint64_t low = word & ~high;
    uint64_t reached = low + each * (0x80u - (uint8_t)first);
    uint64_t passed = low + each * (0x80u - 26u - (uint8_t)first);
    return word ^ ((reached & ~passed & ~word & high) >> 2);
}

bool ascii_change_case(Str text, char first, char *to) {
    uint64_t word, seen = 0;
    uint32_t at = 0;
    for (; at + 8 <= text.len; at += 8) {
        memcpy(&word, text.ptr + at, 8);
        seen |= word;
        word = ascii_flip(word, first);
        memcpy(to + at, &word, 8);
    }
    for (; at < text.len; at++) {
        uint8_t byte = (uint8_t)text.ptr[at];
        seen |= byte;
        to[at] = (char)(byte ^ ((uint8_t)(byte - (uint8_t)first) < 26) << 5);
    }
    return !(seen & 0x8080808080808080u);
}

static bool is_cased(uint32_t code) {
    if (code < 0x80) return (code | 32) >= 'a' && (code | 32) <= 'z';
    return find_range(CASED, COUNT(CASED), code) != NULL;
}

static bool is_case_ignorable(uint32_t code) {
    if (code < 0x80)
        return code == '\'' || code == '.' || code == ':' || code == '^' || code == '`';
    return find_range(CASE_IGNORABLE, COUNT(CASE_IGNORABLE), code) != NULL;
}

// Whether the sigma at [at, after) ends a word: a cased letter before it, none behind it.
static bool is_final_sigma(Str text, const char *at, const char *after) {
    const char *end = str_end(text);
    uint32_t code;
    bool preceded = false;
    for (const char *p = at; p > text.ptr && !preceded;) {
        do p--;
        while (p > text.ptr && ((unsigned char)*p & 0xC0) == 0x80);
        (void)utf8_next(p, end, &code);
        preceded = is_cased(code);
        if (!preceded && !is_case_ignorable(code)) return false;
    }
    if (!preceded) return false;
    for (const char *p = after; p < end;) {
        p += utf8_next(p, end, &code);
        if (is_cased(code)) return false;
        if (!is_case_ignorable(code)) return true;
    }
    return true;
}

void buf_put_lower(Buf *out, Str text) {
    enum { CAPITAL_SIGMA = 0x3A3, FINAL_SIGMA = 0x3C2, DOTTED_I = 0x130, DOT_ABOVE = 0x307 };
    const char *end = str_end(text);
    for (const char *p = text.ptr; p < end;) {
        unsigned char c = (unsigned char)*p;
        if (c < 0x80) {
            buf_putc(out, (char)(c >= 'A' && c <= 'Z' ? c + 32 : c));
            p++;
            continue;
        }
        uint32_t code;
        const char *at = p;
        p += utf8_next(p, end, &code);
        if (code == DOTTED_I) {
            buf_putc(out, 'i');
            buf_put_code(out, DOT_ABOVE);
        } else if (code == CAPITAL_SIGMA && is_final_sigma(text, at, p)) {
            buf_put_code(out, FINAL_SIGMA);
        } else {
            buf_put_code(out, unicode_lower(code));
        }
    }
}
