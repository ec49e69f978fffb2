// ml/graph/op_slice.c - parts of tensors, tensors reversed, triangles, blocks and resized images.
#include <math.h>

#include "ml/graph/kernels.h"

// A box walked by steps: where value [i] of the result comes from.
typedef struct Walk {
    uint32_t rank;
    int64_t dim[TENSOR_RANK_MAX], step[TENSOR_RANK_MAX], first;
} Walk;

static void walk_copy(const Walk *self, const Tensor *in, const Tensor *out) {
    size_t size = tensor_size(in->type);
    if (!out->count) return;
    uint32_t last = self->rank ? self->rank - 1 : 0;
    int64_t n = self->rank ? self->dim[last] : 1, step = self->rank ? self->step[last] : 1;
    int64_t index[TENSOR_RANK_MAX] = {0}, at = self->first;
    char *to = out->data;
    const char *from = in->data;
    for (int64_t i = 0; i < out->count / n; i++) {
        if (step == 1) {
            memcpy(to, from + (size_t)at * size, (size_t)n * size);
            to += (size_t)n * size;
        } else {
            for (int64_t k = 0; k < n; k++, to += size) {
                memcpy(to, from + (size_t)(at + k * step) * size, size);
            }
        }
        for (uint32_t d = last; d-- > 0;) {
            at += self->step[d];
            if (++index[d] < self->dim[d]) break;
            at -= self->step[d] * self->dim[d];
            index[d] = 0;
        }
    }
}

static int64_t clamp(int64_t x, int64_t low, int64_t high) {
    return x < low ? low : x > high ? high : x;
}

// How many steps from [first] to before [end]; both are clamped as Python does it.
static int64_t span(int64_t *first, int64_t end, int64_t step, int64_t size) {
    int64_t begin = *first < 0 ? *first + size : *first;
    int64_t stop = end < 0 ? (end < -size ? -1 : end + size) : end;
    begin = step > 0 ? clamp(begin, 0, size) : clamp(begin, -1, size - 1);
    stop = step > 0 ? clamp(stop, 0, size) : clamp(stop, -1, size - 1);
    *first = begin;
    int64_t room = step > 0 ? stop - begin : begin - stop, stride = step > 0 ? step : -step;
    return room <= 0 ? 0 : (room + stride - 1) / stride;
}

static void walk_all(Walk *self, const Tensor *in) {
    *self = (Walk){.rank = in->rank};
    for (uint32_t d = 0; d < in->rank; d++) {
        self->dim[d] = in->dim[d];
        self->step[d] = tensor_span(in, d + 1, in->rank);
    }
}

static Status walk_out(const Call *call, const Walk *walk, const Tensor *in, Error *err) {
    TRY(call_new(call, 0, in->type, walk->rank, walk->dim, err));
    walk_copy(walk, in, &call->out[0]);
    return ST_OK;
}

Status kernel_slice(const Call *call, Error *err) {
    const SliceParams *params = call->params;
    const Tensor *in = call->in[0];
    int64_t starts[TENSOR_RANK_MAX], ends[TENSOR_RANK_MAX], axes[TENSOR_RANK_MAX];
    int64_t steps[TENSOR_RANK_MAX] = {1, 1, 1, 1, 1, 1, 1, 1};
    uint32_t count = params->count, other;
    if (in->type == TENSOR_LIST || count > TENSOR_RANK_MAX) return call_no_type(in, err);
    for (uint32_t d = 0; d < TENSOR_RANK_MAX; d++) axes[d] = d;
    if (params->given) {
        memcpy(starts, params->starts, count * sizeof *starts);
        memcpy(ends, params->ends, count * sizeof *ends);
        if (params->axes) memcpy(axes, params->axes, count * sizeof *axes);
    } else {
        if (call->in_count < 3) return error_set(err, ST_RUNTIME, "no starts and ends");
        TRY(call_integers(call->in[1], starts, TENSOR_RANK_MAX, &count, err));
        TRY(call_integers(call->in[2], ends, TENSOR_RANK_MAX, &other, err));
        if (call->in_count > 3 && call->in[3]) {
            TRY(call_integers(call->in[3], axes, TENSOR_RANK_MAX, &other, err));
        }
        if (call->in_count > 4 && call->in[4]) {
            TRY(call_integers(call->in[4], steps, TENSOR_RANK_MAX, &other, err));
        }
    }
    Walk walk;
    walk_all(&walk, in);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t d;
        TRY(axis_of(axes[i], in->rank, &d, err));
        if (!steps[i] || steps[i] == INT64_MIN) return error_set(err, ST_RUNTIME, "a step of 0");
        int64_t step = clamp(steps[i], -TENSOR_COUNT_MAX, TENSOR_COUNT_MAX), first = starts[i];
        walk.dim[d] = span(&first, ends[i], step, in->dim[d]);
        if (!walk.dim[d]) first = 0;
        walk.first += first * walk.step[d];
        walk.step[d] *= step;
    }
    return walk_out(call, &walk, in, err);
}

Status kernel_slice_sizes(const Call *call, Error *err) {
    const Tensor *in = call->in[0];
    int64_t begin[TENSOR_RANK_MAX], size[TENSOR_RANK_MAX];
    uint32_t count, other;
    if (in->type == TENSOR_LIST) return call_no_type(in, err);
    TRY(call_integers(call->in[1], begin, TENSOR_RANK_MAX, &count, err));
    TRY(call_integers(call->in[2], size, TENSOR_RANK_MAX, &other, err));
    if (count != in->rank || other != count) return call_misfit(in, call->in[1], err);
    Walk walk;
    walk_all(&walk, in);
    for (uint32_t d = 0; d < count; d++) {
        int64_t n = size[d] == -1 ? in->dim[d] - begin[d] : size[d];
        if (begin[d] < 0 || n < 0 || begin[d] > in->dim[d] || n > in->dim[d] - begin[d]) {
            return error_set(err, ST_RUNTIME, "a slice outside of the dimension");
        }
        walk.dim[d] = n;
        walk.first += begin[d] * walk.step[d];
    }
    return walk_out(call, &walk, in, err);
}

// TF's x[a:b, ..., None, 3]: masks of bits say what an entry of begin, end and strides stands for.
Status kernel_strided_slice(const Call *call, Error *err) {
    enum { ENTRIES_MAX = 2 * TENSOR_RANK_MAX };
    const StridedParams *params = call->params;
    const Tensor *in = call->in[0];
    int64_t begin[ENTRIES_MAX], end[ENTRIES_MAX], strides[ENTRIES_MAX];
    uint32_t count, other, third;
    if (in->type == TENSOR_LIST) return call_no_type(in, err);
    TRY(call_integers(call->in[1], begin, ENTRIES_MAX, &count, err));
    TRY(call_integers(call->in[2], end, ENTRIES_MAX, &other, err));
    TRY(call_integers(call->in[3], strides, ENTRIES_MAX, &third, err));
    if (count != other || count != third) return call_misfit(call->in[1], call->in[2], err);
    uint32_t taken = 0;
    for (uint32_t i = 0; i < count; i++) {
        bool none = params->new_axis_mask >> i & 1, dots = params->ellipsis_mask >> i & 1;
        taken += !none && !dots;
    }
    if (taken > in->rank) return error_set(err, ST_RUNTIME, "more indices than dimensions");
    Walk walk = {0};
    uint32_t d = 0, dots_left = 1;
    for (uint32_t i = 0; i <= count; i++) {
        bool dots = i < count && params->ellipsis_mask >> i & 1;
        if ((dots || i == count) && dots_left) {
            uint32_t fill = i == count ? in->rank - d : in->rank - taken;
            for (; fill > 0 && d < in->rank; fill--, d++) {
                if (walk.rank == TENSOR_RANK_MAX) break;
                walk.dim[walk.rank] = in->dim[d];
                walk.step[walk.rank++] = tensor_span(in, d + 1, in->rank);
            }
            if (dots) dots_left = 1;  // what is left behind the last index stays whole, too
            continue;
        }
        if (i == count || dots) continue;
        if (walk.rank == TENSOR_RANK_MAX) return error_set(err, ST_RUNTIME, "too many dimensions");
        if (params->new_axis_mask >> i & 1) {
            walk.dim[walk.rank] = 1;
            walk.step[walk.rank++] = 0;
            continue;
        }
        if (d >= in->rank) return error_set(err, ST_RUNTIME, "more indices than dimensions");
        int64_t unit = tensor_span(in, d + 1, in->rank), size = in->dim[d];
        if (params->shrink_mask >> i & 1) {
            int64_t at = params->begin_mask >> i & 1 ? 0 : begin[i];
            if (at < 0) at += size;
            if (at < 0 || at >= size) {
                return error_set(err, ST_RUNTIME, "index %lld of a dimension of %lld",
                                 (long long)begin[i], (long long)size);
            }
            walk.first += at * unit;
            d++;
            continue;
        }
        int64_t step = clamp(strides[i], -TENSOR_COUNT_MAX, TENSOR_COUNT_MAX);
        if (!step) return error_set(err, ST_RUNTIME, "a step of 0");
        int64_t first = params->begin_mask >> i & 1 ? (step > 0 ? 0 : size - 1) : begin[i];
        int64_t stop = params->end_mask >> i & 1 ? (step > 0 ? size : INT64_MIN) : end[i];
        if (params->begin_mask >> i & 1 && step < 0 && size == 0) first = 0;
        int64_t n = span(&first, stop, step, size);
        if (!n) first = 0;
        walk.dim[walk.rank] = n;
        walk.step[walk.rank++] = unit * step;
        walk.first += first * unit;
        d++;
    }
    return walk_out(call, &walk, in, err);
}

Status kernel_reverse(const Call *call, Error *err) {
    const Tensor *in = call->in[0];
    int64_t axes[TENSOR_RANK_MAX];
    uint32_t count;
    if (in->type == TENSOR_LIST) return call_no_type(in, err);
    TRY(call_integers(call->in[1], axes, TENSOR_RANK_MAX, &count, err));
    Walk walk;
    walk_all(&walk, in);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t d;
        TRY(axis_of(axes[i], in->rank, &d, err));
        if (walk.step[d] < 0) return error_set(err, ST_RUNTIME, "axis %u is named twice", d);
        walk.first += (in->dim[d] - 1) * walk.step[d];
        walk.step[d] = -walk.step[d];
    }
    return walk_out(call, &walk, in, err);
}

Status kernel_roll(const Call *call, Error *err) {
    const Tensor *in = call->in[0];
    int64_t shifts[TENSOR_RANK_MAX], axes[TENSOR_RANK_MAX], by[TENSOR_RANK_MAX] = {0};
    uint32_t count, axis_count;
    if (in->type == TENSOR_LIST) return call_no_type(in, err);
    TRY(call_integers(call->in[1], shifts, TENSOR_RANK_MAX, &count, err));
    TRY(call_integers(call->in[2], axes, TENSOR_RANK_MAX, &axis_count, err));
    if (count != axis_count) return call_misfit(call->in[1], call->in[2], err);
    TRY(call_like(call, 0, in->type, in, err));
    if (!in->count) return ST_OK;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t d;
        TRY(axis_of(axes[i], in->rank, &d, err));
        by[d] = (by[d] + shifts[i] % in->dim[d] + in->dim[d]) % in->dim[d];
    }
    size_t size = tensor_size(in->type);
    for (int64_t i = 0; i < in->count; i++) {
        int64_t to = 0, step = 1;
        for (uint32_t d = in->rank; d-- > 0; step *= in->dim[d]) {
            to += (i / step + by[d]) % in->dim[d] * step;
        }
        memcpy((char *)call->out[0].data + (size_t)to * size, (char *)in->data + (size_t)i * size,
               size);
    }
    return ST_OK;
}

Status kernel_reverse_sequence(const Call *call, Error *err) {
    const ReverseParams *params = call->params;
    const Tensor *in = call->in[0], *lengths = call->in[1];
    uint32_t time, batch;
    if (in->type == TENSOR_LIST) return call_no_type(in, err);
    TRY(axis_of(params->seq_axis, in->rank, &time, err));
    TRY(axis_of(params->batch_axis, in->rank, &batch, err));
    if (!tensor_is_int(lengths->type) || lengths->count != in->dim[batch]) {
        return call_misfit(in, lengths, err);
    }
    TRY(call_like(call, 0, in->type, in, err));
    size_t size = tensor_size(in->type);
    int64_t t_step = tensor_span(in, time + 1, in->rank),
            b_step = tensor_span(in, batch + 1, in->rank);
    for (int64_t i = 0; i < in->count; i++) {
        int64_t t = i / t_step % in->dim[time], b = i / b_step % in->dim[batch];
        int64_t length = clamp(tensor_integer(lengths, b), 0, in->dim[time]);
        int64_t from = t < length ? i + (length - 1 - 2 * t) * t_step : i;
        memcpy((char *)call->out[0].data + (size_t)i * size,
               (char *)in->data + (size_t)from * size, size);
    }
    return ST_OK;
}

// --- Parts of matrices ---

// Zeroes what lies outside of the diagonals from -low to high; negative: all of that side stay.
static Status band(const Call *call, int64_t low, bool all_low, int64_t high, bool all_high,
                   Error *err) {
    const Tensor *in = call->in[0];
    TRY(call_want_number(call, 0, err));
    if (in->rank < 2) return call_misfit(in, in, err);
    TRY(call_like(call, 0, in->type, in, err));
    int64_t columns = in->dim[in->rank - 1], rows = in->dim[in->rank - 2];
    size_t size = tensor_size(in->type);
    memcpy(call->out[0].data, in->data, (size_t)in->count * size);
    for (int64_t i = 0; i < in->count; i++) {
        int64_t off = i % columns - i / columns % rows;
        if ((all_low || off >= -low) && (all_high || off <= high)) continue;
        memset((char *)call->out[0].data + (size_t)i * size, 0, size);
    }
    return ST_OK;
}

Status kernel_triangle(const Call *call, Error *err) {
    const TriangleParams *params = call->params;
    int64_t k = 0;
    uint32_t count;
    if (call->in_count > 1 && call->in[1]) TRY(call_integers(call->in[1], &k, 1, &count, err));
    k = clamp(k, -TENSOR_COUNT_MAX, TENSOR_COUNT_MAX);
    return params->upper ? band(call, -k, false, 0, true, err) : band(call, 0, true, k, false, err);
}

Status kernel_band(const Call *call, Error *err) {
    int64_t low, high;
    uint32_t count;
    TRY(call_integers(call->in[1], &low, 1, &count, err));
    TRY(call_integers(call->in[2], &high, 1, &count, err));
    low = clamp(low, -1, TENSOR_COUNT_MAX);
    return band(call, low, low < 0, high, high < 0, err);
}

// --- Blocks of images ---

// Value by value: [b] blocks of [size] × [size], channels of the deep one ordered by kind.
static Status depth_space(const Call *call, bool to_space, Error *err) {
    const BlockParams *params = call->params;
    const Tensor *in = call->in[0];
    int64_t s = params->size;
    bool last = params->channels_last;
    if (in->rank != 4 || s < 1 || s > 1 << 12) return call_misfit(in, in, err);
    int64_t c = in->dim[last ? 3 : 1], h = in->dim[last ? 1 : 2], w = in->dim[last ? 2 : 3];
    if (to_space ? c % (s * s) != 0 : h % s != 0 || w % s != 0) return call_misfit(in, in, err);
    int64_t oc = to_space ? c / (s * s) : c * s * s, oh = to_space ? h * s : h / s;
    int64_t ow = to_space ? w * s : w / s, shallow = to_space ? oc : c;
    int64_t first[4] = {in->dim[0], oc, oh, ow}, tail[4] = {in->dim[0], oh, ow, oc};
    TRY(call_new(call, 0, in->type, 4, last ? tail : first, err));
    size_t size = tensor_size(in->type);
    for (int64_t i = 0; i < in->count; i++) {
        int64_t n = i / (c * h * w), ci = last ? i % c : i / (h * w) % c;
        int64_t y = last ? i / c / w % h : i / w % h, x = last ? i / c % w : i % w;
        int64_t co, yo, xo;
        if (to_space) {
            int64_t block = params->columns_first ? ci % (s * s) : ci / shallow;
            co = params->columns_first ? ci / (s * s) : ci % shallow;
            yo = y * s + block / s;
            xo = x * s + block % s;
        } else {
            int64_t block = y % s * s + x % s;
            co = params->columns_first ? ci * s * s + block : block * shallow + ci;
            yo = y / s;
            xo = x / s;
        }
        int64_t to =
            last ? ((n * oh + yo) * ow + xo) * oc + co : ((n * oc + co) * oh + yo) * ow + xo;
        memcpy((char *)call->out[0].data + (size_t)to * size, (char *)in->data + (size_t)i * size,
               size);
    }
    return ST_OK;
}

Status kernel_depth_to_space(const Call *call, Error *err) {
    return depth_space(call, true, err);
}

Status kernel_space_to_depth(const Call *call, Error *err) {
    return depth_space(call, false, err);
}

// TF's SpaceToBatchND and back: how it dilates convolutions. Inputs: image, blocks, pads or crops.
Status kernel_space_batch(const Call *call, Error *err) {
    const Tensor *in = call->in[0];
    bool back = call->arg == 1;
    int64_t block[TENSOR_RANK_MAX], pad[2 * TENSOR_RANK_MAX], dim[TENSOR_RANK_MAX], blocks = 1;
    uint32_t count, pads;
    Tensor flat = *call->in[2];
    flat.rank = flat.rank ? 1 : 0;
    TRY(call_integers(call->in[1], block, TENSOR_RANK_MAX, &count, err));
    TRY(call_integers(&flat, pad, 2 * TENSOR_RANK_MAX, &pads, err));
    if (pads != 2 * count || count + 1 > in->rank || in->type == TENSOR_LIST) {
        return call_misfit(in, call->in[2], err);
    }
    memcpy(dim, in->dim, sizeof dim);
    for (uint32_t d = 0; d < count; d++) {
        if (block[d] < 1 || block[d] > 1 << 16 || pad[2 * d] < 0 || pad[2 * d + 1] < 0 ||
            pad[2 * d] > TENSOR_COUNT_MAX || pad[2 * d + 1] > TENSOR_COUNT_MAX ||
            blocks > TENSOR_COUNT_MAX) {
            return error_set(err, ST_RUNTIME, "blocks or pads out of range");
        }
        blocks *= block[d];
        int64_t all = pad[2 * d] + pad[2 * d + 1];
        dim[d + 1] = back ? in->dim[d + 1] * block[d] - all : (in->dim[d + 1] + all) / block[d];
        if (!back && (in->dim[d + 1] + all) % block[d]) return call_misfit(in, call->in[1], err);
    }
    if (back && in->dim[0] % blocks) return call_misfit(in, call->in[1], err);
    dim[0] = back ? in->dim[0] / blocks : in->dim[0] * blocks;
    TRY(call_new(call, 0, in->type, in->rank, dim, err));
    const Tensor *out = &call->out[0];
    size_t size = tensor_size(in->type);
    memset(out->data, 0, (size_t)out->count * size);
    const Tensor *big = back ? out : in, *small = back ? in : out;  // big in space
    for (int64_t i = 0; i < big->count; i++) {
        int64_t rest = i, to = 0, step = 1, index[TENSOR_RANK_MAX], which = 0;
        for (uint32_t d = in->rank; d-- > 0; rest /= big->dim[d]) index[d] = rest % big->dim[d];
        for (uint32_t d = 0; d < count; d++) {
            int64_t at = index[d + 1] + pad[2 * d];
            which = which * block[d] + at % block[d];
            index[d + 1] = at / block[d];
        }
        index[0] += which * big->dim[0];
        for (uint32_t d = in->rank; d-- > 0; step *= small->dim[d]) to += index[d] * step;
        memcpy((char *)out->data + (size_t)(back ? i : to) * size,
               (char *)in->data + (size_t)(back ? to : i) * size, size);
    }
    return ST_OK;
}
