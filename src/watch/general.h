// watch/general.h - the general network of each platform (ml/series/general.h): the one that is
// built in, until the platform's labels have taught a better one.
//
// When eight labels have come that were not learned from yet, and there are sixteen in all, the
// built-in weights are trained on with the cases that labels stand for. The newest quarter of them
// is held back, and what was learned from the others must tell those better than the network in use
// does. Then all labels are learned from, and the network is the platform's next version: a file
// of its own in DIR/general/. A metric takes it up with its next training (at once, if it is one
// that was labelled), where it must not raise more alarms in healthy history; the model that has it
// is loaded as any other.
//
// Threads: any. generals_learn is for trainers, one at a time; what takes long runs in a thread of
// the least priority.
#pragma once

#include "watch/watch.h"

typedef struct Generals Generals;

Generals *generals_new(Watch *watch);
void generals_free(Generals *generals);  // NULL is fine
// A reference for the caller; NULL: there is none, not even one that is built in.
SeriesGeneral *generals_net(Generals *generals, const WatchPlatform *platform, GeneralFacts *facts);
// Trains the network of one platform that is due; *any says whether there was one.
NODISCARD Status generals_learn(Generals *generals, bool *any, Error *err);

// What a label stands for, and the points that lead there.
typedef struct GeneralTold {
    DetectSettings settings;  // its calendar: a reference
    SeriesModel *model;       // a reference
    float *value;             // owned, [count] from [from_ms] on
    uint32_t count;
    int64_t from_ms;
    int64_t begin_ms, end_ms;  // of what is labelled
    bool incident;
} GeneralTold;

// Whether [told], oldest first, teach something better than [before]; NULL: they do not.
SeriesGeneral *general_learned(const GeneralTold *told, uint32_t count, const SeriesGeneral *before,
                               double loss[2]);
// A platform's file.
void general_file_save(const SeriesGeneral *net, const GeneralFacts *facts, int64_t label_last,
                       Buf *out);
NODISCARD Status general_file_load(Str bytes, SeriesGeneral **net, GeneralFacts *facts,
                                   int64_t *label_last, Error *err);
