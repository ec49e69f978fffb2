#include "watch/silence.h"

enum { STEPS = 5, TIMES = 2, TOLD = 3, FORTNIGHT_DAYS = 14 };

int64_t silence_patience_ms(const Silence *self, int64_t step_ms, int64_t wanted_ms) {
    if (wanted_ms < 0 || self->points < SILENCE_POINTS) return INT64_MAX;
    if (wanted_ms > 0) return wanted_ms;
    int64_t gap_ms = self->gap_ms[0] > self->gap_ms[1] ? self->gap_ms[0] : self->gap_ms[1];
    return gap_ms * TIMES > step_ms * STEPS ? gap_ms * TIMES : step_ms * STEPS;
}

static void next_fortnight(Silence *self, int64_t ts_ms) {
    const int64_t fortnight_ms = (int64_t)FORTNIGHT_DAYS * 24 * 3600 * 1000;
    if (self->points && ts_ms - self->fortnight_ms < fortnight_ms) return;
    self->gap_ms[1] = self->points ? self->gap_ms[0] : 0;
    self->gap_ms[0] = 0;
    self->told = 0;
    self->fortnight_ms = ts_ms;
}

void silence_heard(Silence *self, int64_t ts_ms, int64_t patience_ms) {
    int64_t gap_ms = self->points ? ts_ms - self->last_ms : 0;
    next_fortnight(self, ts_ms);
    bool told = self->open || gap_ms > patience_ms;
    if (told && !self->open) self->told++;  // nobody asked in time
    if (self->open) self->told_ms = gap_ms;
    // A clock that went back says nothing of gaps.
    if (gap_ms > self->gap_ms[0] && (!told || self->told > TOLD)) self->gap_ms[0] = gap_ms;
    self->open = false;
    self->last_ms = ts_ms;
    if (self->points < SILENCE_POINTS) self->points++;
}

bool silence_asked(Silence *self, int64_t ts_ms, int64_t patience_ms, bool group) {
    if (self->open || patience_ms == INT64_MAX || ts_ms - self->last_ms < patience_ms) return false;
    self->open = true;
    self->number++;
    self->told++;
    self->opened_ms = ts_ms;
    self->begin_ms = self->last_ms;
    self->told_ms = ts_ms - self->last_ms;
    self->group = group;
    return true;
}

bool silence_group_back(Silence *self) {
    if (!self->open || !self->group) return false;
    self->open = false;
    return true;
}

void silence_was_fine(Silence *self, uint64_t number) {
    if (!number || number != self->number) return;
    int64_t *known_ms = self->group ? &self->group_gap_ms : &self->gap_ms[0];
    if (self->told_ms > *known_ms) *known_ms = self->told_ms;
    self->open = false;
}

void silence_code(Codec *codec, Silence *self) {
    codec_i64(codec, &self->last_ms);
    codec_i64(codec, &self->gap_ms[0]);
    codec_i64(codec, &self->gap_ms[1]);
    codec_i64(codec, &self->fortnight_ms);
    codec_u32(codec, &self->points);
    codec_u32(codec, &self->told);
    codec_bool(codec, &self->open);
    codec_u64(codec, &self->number);
    codec_i64(codec, &self->opened_ms);
    codec_i64(codec, &self->begin_ms);
    codec_i64(codec, &self->told_ms);
}

void silence_group_code(Codec *codec, Silence *self) {
    codec_bool(codec, &self->group);
    codec_i64(codec, &self->group_gap_ms);
}
