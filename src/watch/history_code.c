#include "watch/history_code.h"

#include <math.h>

enum {
    MODE_XOR = 7,        // else the power of ten that makes all values whole
    SCALES = 7,
    GROUP = 64,          // values that share a parameter
    QUOTIENT_MAX = 20,   // a longer one is written as 64 plain bits
    ALL_AS_EXPECTED = 63,  // the parameter of a group that needs no codes
    SMOOTHED = 8,        // the flag of a header's mode: differences from the mean of the last four
    HOLES = 16,          // and of missing points
};

static const double POWER[SCALES] = {1, 10, 100, 1000, 10000, 100000, 1000000};

// ---- bits --------------------------------------------------------------------------------------

typedef struct BitWriter {
    Buf *out;
    uint64_t bits;  // the lowest [count] are waiting
    uint32_t count;
} BitWriter;

static void put_bits(BitWriter *self, uint64_t value, uint32_t count) {
    while (count) {
        uint32_t take = 8 - self->count % 8 < count ? 8 - self->count % 8 : count;
        self->bits = self->bits << take | (value >> (count - take) & ((1u << take) - 1));
        self->count += take;
        count -= take;
        if (self->count == 8) {
            buf_putc(self->out, (char)self->bits);
            self->bits = 0;
            self->count = 0;
        }
    }
}

static void end_bits(BitWriter *self) {
    if (self->count) put_bits(self, 0, 8 - self->count);
}

typedef struct BitReader {
    const uint8_t *at, *end;
    uint32_t left;  // bits of *at that are to be read
    bool torn;
} BitReader;

static uint64_t get_bits(BitReader *self, uint32_t count) {
    uint64_t value = 0;
    while (count) {
        if (self->at == self->end) {
            self->torn = true;
            return 0;
        }
        uint32_t take = self->left < count ? self->left : count;
        value = value << take | (*self->at >> (self->left - take) & ((1u << take) - 1));
        self->left -= take;
        count -= take;
        if (!self->left) {
            self->at++;
            self->left = 8;
        }
    }
    return value;
}

static void put_varint(Buf *out, uint64_t value) {
    while (value >= 128) {
        buf_putc(out, (char)(value | 128));
        value >>= 7;
    }
    buf_putc(out, (char)value);
}

static bool get_varint(Str *in, uint64_t *out) {
    *out = 0;
    for (uint32_t shift = 0; shift < 64 && in->len; shift += 7) {
        uint8_t byte = (uint8_t)*in->ptr;
        *in = str_sub(*in, 1, in->len);
        *out |= (uint64_t)(byte & 127) << shift;
        if (byte < 128) return true;
    }
    return false;
}

static uint64_t zigzag(int64_t value) {
    return (uint64_t)value << 1 ^ (uint64_t)(value >> 63);
}

static int64_t unzigzag(uint64_t value) {
    return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

// ---- whole numbers -----------------------------------------------------------------------------

// What a value is thought to be, from those before it.
static int64_t expected(const int64_t *value, uint32_t at, bool smoothed) {
    if (!at) return 0;
    if (!smoothed || at < 4) return value[at - 1];
    return (value[at - 1] + value[at - 2] + value[at - 3] + value[at - 4]) / 4;
}

static uint32_t rice_bits(uint64_t value, uint32_t parameter) {
    uint64_t quotient = value >> parameter;
    return quotient < QUOTIENT_MAX ? (uint32_t)quotient + 1 + parameter : QUOTIENT_MAX + 64;
}

// The parameter that makes the group shortest, and how long that is.
static uint32_t best_parameter(const uint64_t *value, uint32_t count, uint32_t *parameter) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count; i++) sum += value[i] < UINT64_MAX / GROUP ? value[i] : 0;
    uint64_t mean = sum / count;
    uint32_t guess = mean ? 63 - (uint32_t)__builtin_clzll(mean) : 0, best = UINT32_MAX;
    uint64_t any = 0;
    for (uint32_t i = 0; i < count; i++) any |= value[i];
    if (!any) {
        *parameter = ALL_AS_EXPECTED;
        return 0;
    }
    for (uint32_t p = guess ? guess - 1 : 0; p <= guess + 1 && p < ALL_AS_EXPECTED; p++) {
        uint32_t bits = 0;
        for (uint32_t i = 0; i < count; i++) bits += rice_bits(value[i], p);
        if (bits >= best) continue;
        best = bits;
        *parameter = p;
    }
    return best;
}

// Writes the differences; with [out] NULL only says how many bits they take.
static uint64_t put_whole(const int64_t *value, uint32_t count, bool smoothed, BitWriter *out) {
    uint64_t bits = 0;
    for (uint32_t from = 0; from < count; from += GROUP) {
        uint64_t difference[GROUP];
        uint32_t group = count - from < GROUP ? count - from : GROUP, parameter = 0;
        for (uint32_t i = 0; i < group; i++) {
            difference[i] = zigzag(value[from + i] - expected(value, from + i, smoothed));
        }
        bits += 6 + best_parameter(difference, group, &parameter);
        if (!out) continue;
        put_bits(out, parameter, 6);
        for (uint32_t i = 0; i < group && parameter != ALL_AS_EXPECTED; i++) {
            uint64_t quotient = difference[i] >> parameter;
            if (quotient < QUOTIENT_MAX) {
                put_bits(out, ((uint64_t)1 << (quotient + 1)) - 2, (uint32_t)quotient + 1);
                put_bits(out, difference[i], parameter);
            } else {
                put_bits(out, ((uint64_t)1 << QUOTIENT_MAX) - 1, QUOTIENT_MAX);
                put_bits(out, difference[i], 64);
            }
        }
    }
    return bits;
}

static void get_whole(BitReader *in, int64_t *value, uint32_t count, bool smoothed) {
    uint32_t parameter = 0;
    for (uint32_t i = 0; i < count && !in->torn; i++) {
        if (i % GROUP == 0) parameter = (uint32_t)get_bits(in, 6);
        if (parameter == ALL_AS_EXPECTED) {
            value[i] = expected(value, i, smoothed);
            continue;
        }
        uint32_t quotient = 0;
        while (quotient < QUOTIENT_MAX && get_bits(in, 1)) quotient++;
        uint64_t difference =
            quotient == QUOTIENT_MAX
                ? get_bits(in, 64)
                : (parameter ? (uint64_t)quotient << parameter : quotient) |
                      get_bits(in, parameter);
        // Bytes that are no history may add up to anything.
        uint64_t sum = (uint64_t)unzigzag(difference) + (uint64_t)expected(value, i, smoothed);
        enum { WHOLE_BITS = 60 };
        if (sum + ((uint64_t)1 << WHOLE_BITS) > (uint64_t)1 << (WHOLE_BITS + 1)) in->torn = true;
        value[i] = in->torn ? 0 : (int64_t)sum;
    }
}

// The least power of ten that makes all values whole and gives them back, or MODE_XOR.
static int find_scale(const double *value, uint32_t count) {
    int scale = 0;
    for (uint32_t i = 0; i < count; i++) {
        while (scale < SCALES) {
            double scaled = nearbyint(value[i] * POWER[scale]);
            if (fabs(scaled) < 0x1p53 && scaled / POWER[scale] == value[i]) break;
            scale++;
        }
        if (scale == SCALES) return MODE_XOR;
    }
    // A scale that a later value needed must still give back the earlier ones.
    for (uint32_t i = 0; i < count; i++) {
        double scaled = nearbyint(value[i] * POWER[scale]);
        if (!(fabs(scaled) < 0x1p53) || scaled / POWER[scale] != value[i]) return MODE_XOR;
    }
    return scale;
}

// ---- doubles -----------------------------------------------------------------------------------

static uint64_t bits_of(double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static void put_doubles(const double *value, uint32_t count, BitWriter *out) {
    uint64_t before = 0;
    uint32_t leading = 64, trailing = 0;  // of the window in force; 64: there is none
    for (uint32_t i = 0; i < count; i++) {
        uint64_t bits = bits_of(value[i]), change = bits ^ before;
        before = bits;
        if (!change) {
            put_bits(out, 0, 1);
            continue;
        }
        uint32_t lead = (uint32_t)__builtin_clzll(change);
        uint32_t trail = (uint32_t)__builtin_ctzll(change);
        if (lead > 31) lead = 31;
        if (leading < 64 && lead >= leading && trail >= trailing) {
            put_bits(out, 2, 2);
        } else {
            leading = lead;
            trailing = trail;
            put_bits(out, 3, 2);
            put_bits(out, leading, 5);
            put_bits(out, 63 - leading - trailing, 6);
        }
        put_bits(out, change >> trailing, 64 - leading - trailing);
    }
}

static void get_doubles(BitReader *in, double *value, uint32_t count) {
    uint64_t bits = 0;
    uint32_t trailing = 0, length = 0;
    for (uint32_t i = 0; i < count && !in->torn; i++) {
        if (get_bits(in, 1)) {
            if (get_bits(in, 1)) {
                uint32_t leading = (uint32_t)get_bits(in, 5);
                length = (uint32_t)get_bits(in, 6) + 1;
                if (leading + length > 64) in->torn = true;
                else trailing = 64 - leading - length;
            }
            if (!length) in->torn = true;
            else bits ^= get_bits(in, length) << trailing;
        }
        memcpy(&value[i], &bits, sizeof bits);
        if (!isfinite(value[i])) in->torn = true;
    }
}

// ---- runs --------------------------------------------------------------------------------------

void history_encode(const double *value, uint32_t count, Buf *out) {
    double *there = mem_alloc((count + 1u) * sizeof *there);
    uint32_t n = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (isfinite(value[i])) there[n++] = value[i] == 0 ? 0 : value[i];  // no minus zero
    }
    int mode = find_scale(there, n);
    int64_t *whole = NULL;
    bool smoothed = false;
    if (mode != MODE_XOR) {
        whole = mem_alloc((n + 1u) * sizeof *whole);
        for (uint32_t i = 0; i < n; i++) whole[i] = (int64_t)nearbyint(there[i] * POWER[mode]);
        smoothed = put_whole(whole, n, true, NULL) < put_whole(whole, n, false, NULL);
    }
    buf_putc(out, (char)(mode | (smoothed ? SMOOTHED : 0) | (n < count ? HOLES : 0)));
    for (uint32_t at = 0; n < count && at < count;) {  // there, missing, there, …
        uint32_t from = at;
        while (at < count && isfinite(value[at])) at++;
        put_varint(out, at - from);
        from = at;
        while (at < count && !isfinite(value[at])) at++;
        put_varint(out, at - from);
    }
    BitWriter bits = {.out = out};
    if (whole) (void)put_whole(whole, n, smoothed, &bits);
    else put_doubles(there, n, &bits);
    end_bits(&bits);
    mem_free(whole);
    mem_free(there);
}

static Status torn(Error *err) {
    return error_set(err, ST_RUNTIME, "a block of history is damaged");
}

Status history_decode(Str bytes, double *value, uint32_t count, Error *err) {
    if (!bytes.len || count > HISTORY_POINTS_MAX) return torn(err);
    uint8_t head = (uint8_t)*bytes.ptr;
    int mode = head & 7;
    bool holes = head & HOLES;
    if (head >= 2 * HOLES) return torn(err);
    bytes = str_sub(bytes, 1, bytes.len);
    uint32_t n = holes ? 0 : count;
    for (uint32_t at = 0; holes && at < count;) {
        uint64_t there, missing;
        if (!get_varint(&bytes, &there) || there > count - at) return torn(err);
        for (uint64_t i = 0; i < there; i++) value[at++] = 0;
        n += (uint32_t)there;
        if (!get_varint(&bytes, &missing) || missing > count - at || !(there + missing)) {
            return torn(err);
        }
        for (uint64_t i = 0; i < missing; i++) value[at++] = NAN;
    }
    BitReader in = {.at = (const uint8_t *)bytes.ptr, .left = 8};
    in.end = in.at + bytes.len;
    double *packed = mem_zalloc((n + 1u) * sizeof *packed);
    if (mode == MODE_XOR) {
        get_doubles(&in, packed, n);
    } else {
        int64_t *whole = mem_zalloc((n + 1u) * sizeof *whole);
        get_whole(&in, whole, n, head & SMOOTHED);
        for (uint32_t i = 0; i < n; i++) packed[i] = (double)whole[i] / POWER[mode];
        mem_free(whole);
    }
    for (uint32_t i = 0, next = 0; i < count; i++) {
        if (!holes || !isnan(value[i])) value[i] = packed[next++];
    }
    mem_free(packed);
    return in.torn ? torn(err) : ST_OK;
}
