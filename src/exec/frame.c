#include "exec/frame.h"

// A value of the order column, or how far a bound is from it: exact in units of 10^-scale for
// numbers, in nanoseconds for times; floating point where one of the two is.
typedef struct Point {
    bool null, approx;
    i128 exact;
    double real;
} Point;

enum { NS_PER_MS = 1000000 };

static int32_t scale_of(const Type *type) {
    return type->kind == TYPE_DECIMAL ? type->scale : 0;
}

static i128 scaled(i128 value, int32_t by) {
    while (by-- > 0) value *= 10;
    return value;
}

// Value [row] at [scale] digits behind the point.
static Point point_of(const Vec *vec, uint32_t row, int32_t scale, bool approx) {
    Point point = {.null = vec_is_null(vec, row), .approx = approx};
    if (point.null) return point;
    const Type *type = vec->type;
    i128 exact = 0;
    switch (vec->phys) {
        case PHYS_F32: point.real = (double)vec_f32(vec)[row]; return point;
        case PHYS_F64: point.real = vec_f64(vec)[row]; return point;
        case PHYS_I128: exact = vec_i128(vec)[row]; break;
        case PHYS_TS: {
            Timestamp at = vec_ts(vec)[row];
            exact = (i128)at.ms * NS_PER_MS + at.ns;
            break;
        }
        default: exact = vec_integer(vec, row);
    }
    if (type->kind == TYPE_DATE) exact *= (i128)24 * 60 * 60 * 1000 * NS_PER_MS;
    bool in_ms = type->kind == TYPE_TIME || type->kind == TYPE_INTERVAL_SECONDS ||
                 (type_is_timestamp(type) && vec->phys != PHYS_TS);
    if (in_ms) exact *= NS_PER_MS;
    point.exact = scaled(exact, scale - scale_of(type));
    if (!approx) return point;
    point.real = (double)exact;
    for (int32_t i = 0; i < scale_of(type); i++) point.real /= 10;
    return point;
}

typedef struct RangeEnd {
    const Vec *order;
    bool descending;
    int32_t scale;
    bool approx;
    Point shift;      // towards the end of the order
} RangeEnd;

static RangeEnd range_end(const FrameEnd *end, const FrameRows *in) {
    RangeEnd range = {.order = in->order, .descending = in->descending};
    int32_t a = scale_of(in->order->type), b = scale_of(end->range->type);
    range.scale = a > b ? a : b;
    range.approx = type_is_approx(in->order->type) || type_is_approx(end->range->type);
    range.shift = point_of(end->range, 0, range.scale, range.approx);
    if (end->preceding != in->descending) {
        range.shift.exact = -range.shift.exact;
        range.shift.real = -range.shift.real;
    }
    return range;
}

// Whether row [other] stands before (<0), at or behind (>0) the bound of a row at [base].
static int against(const RangeEnd *range, uint32_t other, const Point *base) {
    Point point = point_of(range->order, other, range->scale, range->approx);
    int order;
    if (range->approx) {
        double bound = base->real + range->shift.real;
        order = (point.real > bound) - (point.real < bound);
    } else {
        i128 bound = base->exact + range->shift.exact;
        order = (point.exact > bound) - (point.exact < bound);
    }
    return range->descending ? -order : order;
}

static bool is_positive(const Point *shift) {
    return shift->approx ? shift->real > 0 : shift->exact > 0;
}

static bool is_negative(const Point *shift) {
    return shift->approx ? shift->real < 0 : shift->exact < 0;
}

// The rows without an order value stand together at one end. They are at no distance from each
// other, so a frame that holds the current row's own place holds them all, and any other none;
// offsets of the other rows do not reach them.
static void range_bounds(const FrameEnd *end, const FrameRows *in, bool is_low, uint32_t *out) {
    RangeEnd range = range_end(end, in);
    uint32_t first = 0, last = in->rows;
    while (first < last && vec_is_null(in->order, first)) first++;
    while (last > first && vec_is_null(in->order, last - 1)) last--;
    uint32_t at = first;
    for (uint32_t i = 0; i < in->rows; i++) {
        if (i < first || i >= last) {
            bool behind = range.descending ? is_negative(&range.shift) : is_positive(&range.shift);
            bool before = range.descending ? is_positive(&range.shift) : is_negative(&range.shift);
            out[i] = (is_low ? behind : !before) ? in->peer_end[i] : in->peer[i];
            continue;
        }
        Point base = point_of(in->order, i, range.scale, range.approx);
        while (at < last) {
            int order = against(&range, at, &base);
            if (is_low ? order >= 0 : order > 0) break;
            at++;
        }
        out[i] = at;
    }
}

static uint32_t clamp(int64_t at, uint32_t rows) {
    return at < 0 ? 0 : at > rows ? rows : (uint32_t)at;
}

static void row_bounds(const FrameEnd *end, uint32_t rows, bool is_low, uint32_t *out) {
    int64_t shift = (end->preceding ? -end->rows : end->rows) + !is_low;
    if (shift > UINT32_MAX) shift = UINT32_MAX;
    for (uint32_t i = 0; i < rows; i++) out[i] = clamp(i + shift, rows);
}

static void bounds_of(const OverFrame *frame, const FrameEnd *end, const FrameRows *in, bool is_low,
                      uint32_t *out) {
    if (end->unbounded) {
        for (uint32_t i = 0; i < in->rows; i++) out[i] = is_low ? 0 : in->rows;
    } else if (frame->rows) {
        row_bounds(end, in->rows, is_low, out);
    } else if (end->range) {
        range_bounds(end, in, is_low, out);
    } else {
        memcpy(out, is_low ? in->peer : in->peer_end, in->rows * sizeof *out);
    }
}

void frame_bounds(const OverFrame *frame, const FrameRows *in, uint32_t *low, uint32_t *high) {
    bounds_of(frame, &frame->low, in, true, low);
    bounds_of(frame, &frame->high, in, false, high);
    for (uint32_t i = 0; i < in->rows; i++) {
        if (low[i] > high[i]) low[i] = high[i];
    }
}
