// ml/series/novelty.c - points against the same place of the last seven days.
#include "ml/series/novelty.h"

#include <math.h>
#include <stdlib.h>

#include "ml/series/tail.h"

// One cycle may be off by a place: clocks and people are.
enum {
    OFFSET = 1,
    WIDTH_MAX = 24,
    RECENT = 2 * WIDTH_MAX,
    SAMPLE = 128,
    SAMPLE_MIN = 20,
    AGAIN = 16
};
static const uint8_t WIDTH[NOVELTY_WIDTHS] = {1, 2, 4, 8, 12, WIDTH_MAX};

// Peaks. A peak is one that two points have not surpassed: its foot would tell less of it.
_Static_assert((int)NOVELTY_MAX == (int)TAIL_MAX, "a surprise is the mean of tails");
enum { STAND = 2, REST_MIN = 20, REST_MAX = 150, HEIGHTS = 80 };
static const double REST =
    0.05;  // of all points so far: what is rest to a long series is not to a short
static const double HIGHER = 1.3;   // than the last peak, while that one is being rested from
static const double LIKE = 0.95;    // of a peak's height and more: its like
static const double HABIT = 0.6;    // powers of ten off for twice as many of its like

static const double VALUE_MAX = 1e30;  // the sum of a day still fits a float
static const double EQUAL = 1e-6;   // of a mean: floats cannot tell what differs by less

struct Novelty {
    uint32_t day;     // blocks; 0: no days
    uint32_t fold;    // points in a block
    uint64_t points;  // so far
    double block;     // sum of the block that is not full yet
    float recent[RECENT];  // the last points, in a ring
    SeriesTail season[NOVELTY_WIDTHS], change[NOVELTY_WIDTHS];

    // Peaks.
    double peak, last;     // one that may yet grow; the last one told
    uint64_t peak_at, last_at;
    uint16_t height[HEIGHTS];

    // Every stride-th point so far, thinned as it fills up.
    uint64_t stride;
    uint32_t sampled;
    float sample[SAMPLE];
    double second;          // distance from the second nearest of earlier days; not saved
    double median, spread;  // of the sample, when it was last looked at

    uint32_t blocks;  // room in the ring
    float ring[];     // means of blocks
};

static uint32_t room_of(uint32_t day) {
    return day ? day * NOVELTY_DAYS + WIDTH_MAX + 2 * OFFSET : 1;
}

Novelty *novelty_new(uint32_t points_a_day) {
    uint32_t fold = (points_a_day + NOVELTY_SLOTS_MAX - 1) / NOVELTY_SLOTS_MAX;
    if (!fold) fold = 1;
    uint32_t day = points_a_day >= 2 ? points_a_day / fold : 0;
    Novelty *self = mem_zalloc(sizeof *self + room_of(day) * sizeof(float));
    self->day = day;
    self->fold = fold;
    self->blocks = room_of(day);
    self->stride = 1;
    return self;
}

void novelty_free(Novelty *self) {
    mem_free(self);
}

size_t novelty_bytes(const Novelty *self) {
    return sizeof *self + self->blocks * sizeof(float);
}

// Sums of the last 1, 2 ... [count] points, the newest first.
static void sum_recent(const Novelty *self, double *sum, uint32_t count) {
    double total = 0;
    for (uint32_t i = 0; i < count; i++) {
        total += (double)self->recent[(self->points - 1 - i) % RECENT];
        sum[i] = total;
    }
}

static double unequal(double a, double b) {
    double off = fabs(a - b);
    return off > EQUAL * fabs(a) ? off : 0;
}

// For each width the smallest distance between the mean of the last points and those of the same
// place on earlier days; negative where there are none. And the newest point's distance from the
// second nearest of these days: far from nearly all of them.
static void distances(Novelty *self, const double *sum, double *least) {
    uint64_t block = (self->points - 1) / self->fold;
    double nearest = HUGE_VAL;
    self->second = HUGE_VAL;
    for (uint32_t i = 0; i < NOVELTY_WIDTHS; i++) least[i] = -1;
    for (uint64_t ago = self->day; ago <= (uint64_t)self->day * NOVELTY_DAYS; ago += self->day) {
        if (block + OFFSET < ago) break;
        uint64_t newest = block - ago + OFFSET, count = WIDTH_MAX + 2 * OFFSET;
        if (count > newest + 1) count = newest + 1;
        double part[WIDTH_MAX + 2 * OFFSET + 1] = {0};
        uint32_t at = (uint32_t)(newest % self->blocks);
        for (uint32_t i = 0; i < count; i++) {
            part[i + 1] = part[i] + (double)self->ring[at];
            at = at ? at - 1 : self->blocks - 1;
        }
        for (uint32_t i = 0; i < NOVELTY_WIDTHS; i++) {
            uint32_t width = (WIDTH[i] + self->fold / 2) / self->fold;
            if (!width) width = 1;
            double mean = sum[WIDTH[i] - 1] / WIDTH[i], here = HUGE_VAL;
            for (uint32_t from = 0; from <= 2 * OFFSET && from + width <= count; from++) {
                here = fmin(here, unequal(mean, (part[from + width] - part[from]) / width));
            }
            if (here < HUGE_VAL && (least[i] < 0 || here < least[i])) least[i] = here;
            if (i == 0) {
                self->second = fmin(self->second, fmax(here, nearest));
                nearest = fmin(nearest, here);
            }
        }
    }
}

static double surprise(Novelty *self) {
    double sum[RECENT], least[NOVELTY_WIDTHS], total = 0;
    uint32_t count = self->points < RECENT ? (uint32_t)self->points : RECENT;
    sum_recent(self, sum, count);
    for (uint32_t i = count; i < WIDTH_MAX; i++) sum[i] = 0;
    self->second = HUGE_VAL;
    bool days = self->day && self->points >= (uint64_t)(self->day + OFFSET) * self->fold;
    if (days) distances(self, sum, least);
    for (uint32_t i = 0; i < NOVELTY_WIDTHS; i++) {
        uint32_t width = WIDTH[i];
        bool knows = self->season[i].judged || self->season[i].seen >= TAIL_LEARN;
        double answer = 0;
        if (!knows && count >= 2 * width) {
            double before = sum[2 * width - 1] - sum[width - 1];
            answer = series_tail_push(&self->change[i], unequal(sum[width - 1], before));
        }
        if (days && least[i] >= 0) {
            double seasonal = series_tail_push(&self->season[i], least[i]);
            if (knows) answer = seasonal;
        }
        total += answer;
    }
    return total / NOVELTY_WIDTHS;
}

// -- Peaks ----------------------------------------------------------------------------------------

static uint32_t height_of(double peak) {
    uint32_t height = (uint32_t)(peak * HEIGHTS / TAIL_MAX);
    return height < HEIGHTS ? height : HEIGHTS - 1;
}

// What is told of a peak: less, the more often there was one like it. A peak that another one,
// still rested from, led to takes that one's place.
static double tell(Novelty *self, bool resting) {
    uint32_t like = 0;
    if (resting && self->last > 0) {
        uint16_t *before = &self->height[height_of(self->last)];
        if (*before) --*before;
    }
    for (uint32_t i = height_of(LIKE * self->peak); i < HEIGHTS; i++) like += self->height[i];
    uint16_t *count = &self->height[height_of(self->peak)];
    if (*count < UINT16_MAX) ++*count;
    double told = self->peak - HABIT * log2(1 + (double)like);
    self->last = self->peak;
    self->last_at = self->points;
    self->peak = 0;
    return fmax(1 + told, 0);
}

static double peaks(Novelty *self, double height) {
    double rest = fmin(fmax(REST * (double)self->points, REST_MIN), REST_MAX);
    bool resting = self->last > 0 && (double)(self->points - self->last_at) <= rest;
    if (height > self->peak && (!resting || height > HIGHER * self->last)) {
        self->peak = height;
        self->peak_at = self->points;
    }
    if (self->peak > 0 && self->points - self->peak_at >= STAND) return tell(self, resting);
    return 0;
}

// -- Distance -------------------------------------------------------------------------------------

static int by_value(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static double rank(const float *sorted, uint32_t count, double share) {
    double at = share * (count - 1);
    uint32_t below = (uint32_t)at;
    if (below + 1 >= count) return (double)sorted[count - 1];
    double part = at - below;
    return (double)sorted[below] * (1 - part) + (double)sorted[below + 1] * part;
}

static void measure(Novelty *self) {
    float sorted[SAMPLE];
    memcpy(sorted, self->sample, self->sampled * sizeof *sorted);
    qsort(sorted, self->sampled, sizeof *sorted, by_value);
    self->median = rank(sorted, self->sampled, 0.5);
    self->spread = rank(sorted, self->sampled, 0.95) - rank(sorted, self->sampled, 0.05);
}

// Against what came before; then it is sampled itself.
static double distance(Novelty *self, float value) {
    double answer = 0, least = fabs(self->median) / 10;
    if (self->sampled >= SAMPLE_MIN) {
        if ((self->points - 1) % AGAIN == 0 || self->points == SAMPLE_MIN + 1) measure(self);
        double spread = fmax(self->spread, least), off = fabs((double)value - self->median);
        off = fmin(off, self->second);
        answer = spread > 0 ? fmin(off / spread, 99) : off > 0 ? 99 : 0;
    }
    if ((self->points - 1) % self->stride) return answer;
    if (self->sampled == SAMPLE) {
        for (uint32_t i = 0; i < SAMPLE / 2; i++) self->sample[i] = self->sample[2 * i];
        self->sampled = SAMPLE / 2;
        self->stride *= 2;
        if ((self->points - 1) % self->stride) return answer;
    }
    self->sample[self->sampled++] = value;
    return answer;
}

void novelty_push(Novelty *self, double value, NoveltyReading *out) {
    float small = (float)fmax(-VALUE_MAX, fmin(VALUE_MAX, value));
    self->recent[self->points % RECENT] = small;
    self->block += (double)small;
    uint64_t block = self->points++ / self->fold;
    if (self->points % self->fold == 0) {
        self->ring[block % self->blocks] = (float)(self->block / self->fold);
        self->block = 0;
    }
    out->surprise = surprise(self);
    out->first = peaks(self, out->surprise);
    out->distance = distance(self, small);
}

// -- Saving ---------------------------------------------------------------------------------------

static void code_floats(Codec *codec, float *value, size_t count) {
    for (size_t i = 0; i < count; i++) {
        uint32_t word;
        memcpy(&word, &value[i], sizeof word);
        codec_u32(codec, &word);
        memcpy(&value[i], &word, sizeof word);
        if (!isfinite(value[i])) codec_fail(codec, "a number is not finite"), value[i] = 0;
    }
}

void novelty_code(Codec *codec, Novelty **novelty) {
    uint32_t day = codec_reads(codec) ? 0 : (*novelty)->day;
    uint32_t fold = codec_reads(codec) ? 0 : (*novelty)->fold;
    codec_u32(codec, &day);
    codec_u32(codec, &fold);
    if (codec_reads(codec)) {
        *novelty = NULL;
        if (day > NOVELTY_SLOTS_MAX || !fold) codec_fail(codec, "a day of %u blocks", day);
        if (codec->failed) return;
        *novelty = novelty_new(day);
        (*novelty)->fold = fold;
    }
    Novelty *self = *novelty;
    codec_u64(codec, &self->points);
    codec_f64(codec, &self->block);
    code_floats(codec, self->recent, RECENT);
    for (uint32_t i = 0; i < NOVELTY_WIDTHS; i++) series_tail_code(codec, &self->season[i]);
    for (uint32_t i = 0; i < NOVELTY_WIDTHS; i++) series_tail_code(codec, &self->change[i]);
    codec_f64(codec, &self->peak);
    codec_f64(codec, &self->last);
    codec_u64(codec, &self->peak_at);
    codec_u64(codec, &self->last_at);
    for (uint32_t i = 0; i < HEIGHTS; i++) {
        uint32_t count = self->height[i];
        codec_u32(codec, &count);
        self->height[i] = (uint16_t)count;
    }
    codec_u64(codec, &self->stride);
    codec_count(codec, &self->sampled, SAMPLE, 4);
    code_floats(codec, self->sample, self->sampled);
    codec_f64(codec, &self->median);
    codec_f64(codec, &self->spread);
    code_floats(codec, self->ring, self->blocks);
    if (!self->stride) codec_fail(codec, "a stride of 0");
    bool low =
        self->peak >= 0 && self->peak <= TAIL_MAX && self->last >= 0 && self->last <= TAIL_MAX;
    if (!low || self->peak_at > self->points || self->last_at > self->points) {
        codec_fail(codec, "a peak is out of place");
    }
    if (!isfinite(self->block) || !isfinite(self->median) || !isfinite(self->spread)) {
        codec_fail(codec, "a number is not finite");
    }
    if (codec->failed && codec_reads(codec)) {
        novelty_free(self);
        *novelty = NULL;
    }
}
