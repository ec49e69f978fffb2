// ml/series/novelty.h - how new is this, for a series of which nobody said what it is: no
// direction, no calendar, no history to train from. It looks at points as they arrive, whatever
// their times.
//
//     Novelty *novelty = novelty_new(points_a_day);
//     novelty_push(novelty, value, &reading);
//
// Three readings, from the nearest to the farthest:
//   surprise   of each point: how improbable are the means of the last 1, 2, 4 ... 24 points, given
//              what the same place of the last seven days held? In powers of ten, 0 to 5.
//   first      of few points: 1 and the surprise of a peak, told once, two points after it; less,
//              the more often this series had its like. 0 of all others.
//   distance   of the point from the median, and from all but one of the last seven days at that
//              place, in spreads between the 5th and the 95th percentile.
//
// A tail probability is a rank within the series' own past, so readings of one series compare with
// those of another. The same points give the same readings, bit for bit.
//
// Memory: four bytes for each point of a week, up to 288 a day (denser points are folded into
// blocks), and 6 KB. None is asked for after novelty_new. Threads: one at a time.
#pragma once

#include "ml/codec.h"

enum {
    NOVELTY_MAX = 5,         // of a surprise
    NOVELTY_DAYS = 7,        // a week has all days
    NOVELTY_SLOTS_MAX = 288, // of a day: five minutes
    NOVELTY_WIDTHS = 6,
};

typedef struct NoveltyReading {
    double surprise;
    double first;
    double distance;
} NoveltyReading;

typedef struct Novelty Novelty;

// 0 points a day: there are none, and the last points are held against those just before them.
Novelty *novelty_new(uint32_t points_a_day);
void novelty_free(Novelty *novelty);  // NULL is fine
void novelty_push(Novelty *novelty, double value, NoveltyReading *out);  // a finite value
size_t novelty_bytes(const Novelty *novelty);
// Both ways; reading makes a new one, or leaves NULL and a failed codec.
void novelty_code(Codec *codec, Novelty **novelty);
