// ml/online/adwin.c - a window that is as long as its mean stands still.
#include "ml/online/adwin.h"

#include <math.h>

enum { TICKS = 32, WIDTH_MIN = 10, PART_MIN = 5 };

Adwin adwin_make(double delta) {
    return (Adwin){.delta = delta, .levels = 1};
}

// The first two buckets of a level, the oldest, become one of the next.
static void merge_up(Adwin *self, uint32_t level) {
    double n = ldexp(1, (int)level), *total = self->total[level], *spread = self->spread[level];
    double off = (total[0] - total[1]) / n;
    uint32_t to = self->count[level + 1]++;
    self->total[level + 1][to] = total[0] + total[1];
    self->spread[level + 1][to] = spread[0] + spread[1] + n * off * off / 2;
    self->count[level] -= 2;
    memmove(total, total + 2, self->count[level] * sizeof *total);
    memmove(spread, spread + 2, self->count[level] * sizeof *spread);
    if (level + 1 == self->levels) self->levels++;
}

static void insert(Adwin *self, double value) {
    if (self->width > 0) {
        double off = value - self->sum / self->width;
        self->squares += off * off * self->width / (self->width + 1);
    }
    self->width++;
    self->sum += value;
    uint32_t at = self->count[0]++;
    self->total[0][at] = value;
    self->spread[0][at] = 0;
    for (uint32_t level = 0; level + 1 < ADWIN_LEVELS; level++) {
        if (self->count[level] <= ADWIN_BUCKETS) break;
        merge_up(self, level);
    }
}

static void drop_oldest(Adwin *self) {
    uint32_t level = self->levels - 1;
    double n = ldexp(1, (int)level), *total = self->total[level], *spread = self->spread[level];
    double mean = total[0] / n;
    self->width -= n;
    self->sum -= total[0];
    double off = self->width > 0 ? mean - self->sum / self->width : 0;
    self->squares -= spread[0] + n * self->width * off * off / (n + self->width);
    if (self->squares < 0) self->squares = 0;
    self->count[level]--;
    memmove(total, total + 1, self->count[level] * sizeof *total);
    memmove(spread, spread + 1, self->count[level] * sizeof *spread);
    while (self->levels > 1 && !self->count[self->levels - 1]) self->levels--;
}

// The means of the two parts are further apart than chance would have them.
static bool parts_differ(const Adwin *self, double n0, double u0, double n1, double u1) {
    double sure = log(2 * log(self->width) / self->delta);
    double m = 1 / (n0 - PART_MIN + 1) + 1 / (n1 - PART_MIN + 1);
    double apart = sqrt(2 * m * self->squares / self->width * sure) + 2.0 / 3 * sure * m;
    return fabs(u0 - u1) > apart;
}

static bool find_cut(const Adwin *self) {
    double n0 = 0, sum0 = 0;
    for (uint32_t level = self->levels; level-- > 0;) {
        for (uint32_t b = 0; b < self->count[level]; b++) {
            n0 += ldexp(1, (int)level);
            sum0 += self->total[level][b];
            double n1 = self->width - n0;
            if (n1 < PART_MIN) return false;
            if (n0 < PART_MIN) continue;
            if (parts_differ(self, n0, sum0 / n0, n1, (self->sum - sum0) / n1)) return true;
        }
    }
    return false;
}

bool adwin_add(Adwin *self, double value) {
    bool changed = false;
    insert(self, value);
    if (++self->ticks % TICKS || self->width <= WIDTH_MIN) return false;
    while (self->width > WIDTH_MIN && find_cut(self)) {
        drop_oldest(self);
        changed = true;
    }
    return changed;
}

void adwin_codec(Adwin *self, Codec *codec) {
    codec_f64(codec, &self->delta);
    codec_f64(codec, &self->width);
    codec_f64(codec, &self->sum);
    codec_f64(codec, &self->squares);
    codec_u64(codec, &self->ticks);
    codec_u32(codec, &self->levels);
    if (!self->levels || self->levels > ADWIN_LEVELS) codec_fail(codec, "levels of a window");
    for (uint32_t level = 0; level < self->levels && !codec->failed; level++) {
        codec_u32(codec, &self->count[level]);
        if (self->count[level] > ADWIN_BUCKETS) codec_fail(codec, "buckets of a window");
        if (codec->failed) return;
        codec_f64s_at(codec, self->total[level], self->count[level]);
        codec_f64s_at(codec, self->spread[level], self->count[level]);
    }
    // A hostile width would have it cut for ever: it must be that of the buckets.
    double width = 0;
    for (uint32_t level = 0; level < self->levels && !codec->failed; level++) {
        width += ldexp(self->count[level], (int)level);
    }
    if (width != self->width) codec_fail(codec, "a window's width");
}
