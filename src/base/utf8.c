#include "base/utf8.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

static inline uint64_t load64(const char *at) {
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

static const uint64_t HIGH_BITS = 0x8080808080808080u;

// Whole characters one by one, words of ASCII at once.
static size_t valid_prefix_plain(const char *bytes, size_t size) {
    const char *at = bytes, *end = bytes + size;
    while (at < end) {
        if (end - at >= 8 && !(load64(at) & HIGH_BITS)) {
            at += 8;
            continue;
        }
        uint32_t code, taken = utf8_next(at, end, &code);
        if (taken == 1 && (unsigned char)*at >= 0x80) break;
        at += taken;
    }
    return (size_t)(at - bytes);
}

#if defined(__x86_64__)
// Keiser and Lemire, "Validating UTF-8 in less than one instruction per byte" (2020): each pair of
// neighbouring bytes is looked up by three of its nibbles, and a bit that all three leave standing
// is an error of that kind. Characters of three and four bytes are told by the bytes two and three
// before: those must be followed by a second continuation, which is what TWO_CONTS stands for.
enum {
    TOO_SHORT = 1 << 0,    // a lead byte, then no continuation
    TOO_LONG = 1 << 1,     // ASCII, then a continuation
    OVERLONG_3 = 1 << 2,   // E0 80..9F
    TOO_LARGE = 1 << 3,    // F4 90.. and above
    SURROGATE = 1 << 4,    // ED A0..BF
    OVERLONG_2 = 1 << 5,   // C0, C1
    TOO_LARGE_4 = 1 << 6,  // F5 and above, 80..8F
    OVERLONG_4 = 1 << 6,   // F0 80..8F
    TWO_CONTS = 1 << 7,    // two continuations: fine where a long character is under way
    CARRY = TOO_SHORT | TOO_LONG | TWO_CONTS,
};

#define TWICE(...) __VA_ARGS__, __VA_ARGS__

__attribute__((target("avx2"))) static inline __m256i pair_errors(__m256i in, __m256i before) {
    const __m256i first_high = _mm256_setr_epi8(
        TWICE(TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG,
              (char)TWO_CONTS, (char)TWO_CONTS, (char)TWO_CONTS, (char)TWO_CONTS,
              TOO_SHORT | OVERLONG_2, TOO_SHORT, TOO_SHORT | OVERLONG_3 | SURROGATE,
              TOO_SHORT | TOO_LARGE | TOO_LARGE_4 | OVERLONG_4));
    const __m256i first_low = _mm256_setr_epi8(
        TWICE((char)(CARRY | OVERLONG_3 | OVERLONG_2 | OVERLONG_4), (char)(CARRY | OVERLONG_2),
              (char)CARRY, (char)CARRY, (char)(CARRY | TOO_LARGE),
              (char)(CARRY | TOO_LARGE | TOO_LARGE_4), (char)(CARRY | TOO_LARGE | TOO_LARGE_4),
              (char)(CARRY | TOO_LARGE | TOO_LARGE_4), (char)(CARRY | TOO_LARGE | TOO_LARGE_4),
              (char)(CARRY | TOO_LARGE | TOO_LARGE_4), (char)(CARRY | TOO_LARGE | TOO_LARGE_4),
              (char)(CARRY | TOO_LARGE | TOO_LARGE_4), (char)(CARRY | TOO_LARGE | TOO_LARGE_4),
              (char)(CARRY | TOO_LARGE | TOO_LARGE_4 | SURROGATE),
              (char)(CARRY | TOO_LARGE | TOO_LARGE_4), (char)(CARRY | TOO_LARGE | TOO_LARGE_4)));
    const __m256i second_high = _mm256_setr_epi8(
        TWICE(TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT,
              TOO_SHORT,
              (char)(TOO_LONG | OVERLONG_2 | TWO_CONTS | OVERLONG_3 | TOO_LARGE_4 | OVERLONG_4),
              (char)(TOO_LONG | OVERLONG_2 | TWO_CONTS | OVERLONG_3 | TOO_LARGE),
              (char)(TOO_LONG | OVERLONG_2 | TWO_CONTS | SURROGATE | TOO_LARGE),
              (char)(TOO_LONG | OVERLONG_2 | TWO_CONTS | SURROGATE | TOO_LARGE), TOO_SHORT,
              TOO_SHORT, TOO_SHORT, TOO_SHORT));
    const __m256i nibble = _mm256_set1_epi8(0x0F);
    // The bytes 1, 2 and 3 places before each byte.
    __m256i across = _mm256_permute2x128_si256(before, in, 0x21);
    __m256i back1 = _mm256_alignr_epi8(in, across, 15);
    __m256i back2 = _mm256_alignr_epi8(in, across, 14);
    __m256i back3 = _mm256_alignr_epi8(in, across, 13);
    __m256i a = _mm256_shuffle_epi8(first_high,
                                    _mm256_and_si256(_mm256_srli_epi16(back1, 4), nibble));
    __m256i b = _mm256_shuffle_epi8(first_low, _mm256_and_si256(back1, nibble));
    __m256i c =
        _mm256_shuffle_epi8(second_high, _mm256_and_si256(_mm256_srli_epi16(in, 4), nibble));
    __m256i special = _mm256_and_si256(_mm256_and_si256(a, b), c);
    __m256i third = _mm256_subs_epu8(back2, _mm256_set1_epi8((char)(0xE0 - 0x80)));
    __m256i fourth = _mm256_subs_epu8(back3, _mm256_set1_epi8((char)(0xF0 - 0x80)));
    __m256i must = _mm256_and_si256(_mm256_or_si256(third, fourth), _mm256_set1_epi8((char)0x80));
    return _mm256_xor_si256(must, special);
}

__attribute__((target("avx2"))) static size_t valid_prefix_avx2(const char *bytes, size_t size) {
    __m256i before = _mm256_setzero_si256();
    size_t at = 0;
    bool open = false;  // the last block may end inside of a character
    for (; at + 64 <= size; at += 64) {
        __m256i lo = _mm256_loadu_si256((const __m256i *)(const void *)(bytes + at));
        __m256i hi = _mm256_loadu_si256((const __m256i *)(const void *)(bytes + at + 32));
        if (!open && !_mm256_movemask_epi8(_mm256_or_si256(lo, hi))) {
            before = hi;
            continue;
        }
        __m256i errors = _mm256_or_si256(pair_errors(lo, before), pair_errors(hi, lo));
        if (!_mm256_testz_si256(errors, errors)) break;
        before = hi;
        open = (unsigned char)bytes[at + 63] >= 0x80;
    }
    // What is left, or bad, is looked at character by character, from the start of one.
    for (size_t back = 1; back <= 3 && back <= at; back++) {
        unsigned char c = (unsigned char)bytes[at - back];
        if (c >= 0xC0) at -= back;
        if (c >= 0xC0 || c < 0x80) break;
    }
    return at + valid_prefix_plain(bytes + at, size - at);
}
#endif

size_t utf8_valid_prefix(const char *bytes, size_t size) {
#if defined(__x86_64__)
    if (size >= 64 && __builtin_cpu_supports("avx2")) return valid_prefix_avx2(bytes, size);
#endif
    return valid_prefix_plain(bytes, size);
}

// Jackson ----------------------------------------------------------------------------------------

// A character of [left] bytes at least one, by the arithmetic of Jackson's parsers: [unit] gets one
// or two UTF-16 units. Returns the bytes taken, or 0 with *bad set to the offset of the byte that
// it stumbles over; [left] when the bytes end too early.
static uint32_t jackson_next(const char *at, size_t left, uint16_t unit[2], uint32_t *bad) {
    const unsigned char *p = (const unsigned char *)at;
    uint32_t c = p[0], more;
    unit[1] = 0;
    if (c < 0x80) return unit[0] = (uint16_t)c, 1;
    if ((c & 0xE0) == 0xC0) {
        more = 1;
        c &= 0x1F;
    } else if ((c & 0xF0) == 0xE0) {
        more = 2;
        c &= 0x0F;
    } else if ((c & 0xF8) == 0xF0) {
        more = 3;
        c &= 0x07;
    } else {
        return *bad = 0, 0;
    }
    for (uint32_t i = 1; i <= more; i++) {
        if (i >= left || (p[i] & 0xC0) != 0x80) return *bad = i, 0;
        c = c << 6 | (p[i] & 0x3F);
    }
    if (more == 3) {
        c -= 0x10000;  // below zero for overlong forms, as there
        unit[0] = (uint16_t)(0xD800 | (uint32_t)((int32_t)c >> 10));
        unit[1] = (uint16_t)(0xDC00 | (c & 0x3FF));
    } else {
        unit[0] = (uint16_t)c;
    }
    return more + 1;
}

bool utf8_jackson_reads(const char *bytes, size_t size, bool at_end, size_t *stop) {
    uint16_t unit[2];
    size_t at = utf8_valid_prefix(bytes, size);
    while (at < size) {
        uint32_t bad, taken = jackson_next(bytes + at, size - at, unit, &bad);
        if (!taken) {
            *stop = at + bad;
            return *stop == size && !at_end;
        }
        at += taken;
        if (taken == 1) at += utf8_valid_prefix(bytes + at, size - at);
    }
    return true;
}

static bool is_high(uint32_t unit) {
    return unit >= 0xD800 && unit <= 0xDBFF;
}
static bool is_low(uint32_t unit) {
    return unit >= 0xDC00 && unit <= 0xDFFF;
}

// UTF-16 to UTF-8 as String.getBytes: [held] is a high surrogate that waits for its other half.
static char *put_unit(char *out, uint32_t *held, uint32_t unit) {
    if (*held && is_low(unit)) {
        out += utf8_put(out, 0x10000 + ((*held - 0xD800) << 10) + (unit - 0xDC00));
        *held = 0;
        return out;
    }
    if (*held) *out++ = '?';
    *held = is_high(unit) ? unit : 0;
    if (*held) return out;
    return out + utf8_put(out, is_low(unit) ? '?' : unit);
}

bool utf8_read_jackson(char *text, uint32_t *len, uint32_t *bad) {
    uint32_t good = (uint32_t)utf8_valid_prefix(text, *len);
    if (good == *len) return true;
    const char *in = text + good, *end = text + *len;
    char *out = text + good;
    uint32_t held = 0;
    while (in < end) {
        uint16_t unit[2];
        uint32_t at, taken = jackson_next(in, (size_t)(end - in), unit, &at);
        if (!taken) return *bad = (uint32_t)(in - text) + at, false;
        in += taken;
        out = put_unit(out, &held, unit[0]);
        if (taken == 4) out = put_unit(out, &held, unit[1]);
    }
    if (held) *out++ = '?';
    *len = (uint32_t)(out - text);
    return true;
}

// Java -------------------------------------------------------------------------------------------

// How many bytes at [p], which begin no character, Java's decoder answers with one U+FFFD.
static uint32_t bad_length(const unsigned char *p, size_t left) {
    if (p[0] < 0xE0 || p[0] > 0xF4 || left < 2 || (p[1] & 0xC0) != 0x80) return 1;
    if (p[0] == 0xE0 && p[1] < 0xA0) return 1;
    if (p[0] == 0xF0 && p[1] < 0x90) return 1;
    if (p[0] == 0xF4 && p[1] >= 0x90) return 1;
    if (left < 3 || (p[2] & 0xC0) != 0x80) return 2;
    return 3;  // a surrogate, or three quarters of a character
}

void utf8_replace_bad(Str text, Buf *out) {
    const char *at = text.ptr, *end = str_end(text);
    while (at < end) {
        size_t good = utf8_valid_prefix(at, (size_t)(end - at));
        buf_put(out, at, good);
        at += good;
        if (at == end) return;
        buf_puts(out, "\xEF\xBF\xBD");
        at += bad_length((const unsigned char *)at, (size_t)(end - at));
    }
}
