// engine/retrain.h - models that are trained again while a job uses them: 'retrain.interval',
// 'retrain.on-drift'.
//
// A job that asks such a model has a thread beside its workers which sleeps until a version is due
// (the newest one's age is in its meta.json, so that a restart changes nothing), runs the model's
// query ('retrain.query') in batch mode, trains, and adds a version; the job takes it up as any
// other. A training that fails is told of, tried again after a tenth of the interval (at most an
// hour), and does the job no harm. When the job ends, a training under way is given up.
//
// The thread binds its query with the session's catalogs: nobody else touches them while the job
// runs, for the session's own thread is busy with it.
#pragma once

#include "engine/ddl.h"

typedef struct RetrainStats {
    uint64_t trained, in_use, failed;  // in_use: of those trained, made the current version
} RetrainStats;

typedef struct RetrainHost {
    Session *session;
    Catalogs *catalogs;
    const Map *config;
    const FuncEnv *env;
    Budget *budget;
    void (*say)(DdlContext *ddl, Str line);
} RetrainHost;

typedef struct Retrainer Retrainer;

// [plans] is above every plan's id. *out is NULL when no model of these plans asks to be trained
// again.
NODISCARD Status retrainer_start(const RetrainHost *host, Plan *const *root, uint32_t count,
                                 uint32_t plans, Retrainer **out, Error *err);
// A model's predictions became worse. Any thread; NULL is fine.
void retrainer_drifted(void *self, Str path);
// Ends it; NULL is fine.
RetrainStats retrainer_stop(Retrainer *self);
