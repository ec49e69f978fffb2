// The blackhole connector: takes every change and keeps none. For measuring all that comes before.
#include "connector/simple/simple.h"

// clang-format off
static const OptionDef BLACKHOLE_OPTIONS[] = {
    {.key = "connector", .kind = OPTION_TEXT, .required = true, .doc = "'blackhole'."},
    {0},
};
// clang-format on

static Status blackhole_check(const TableDesc *desc, bool as_sink, Error *err) {
    (void)as_sink;
    Options options = desc->options;
    options.defs = BLACKHOLE_OPTIONS;
    const OptionDef *const also[] = {TABLE_OPTIONS, NULL};
    return options_check(&options, also, err);
}

static Status blackhole_changes(const TableDesc *desc, uint32_t requested, uint32_t *taken,
                                Error *err) {
    (void)desc;
    (void)err;
    // Updates are swallowed without their old rows: nobody has to make them.
    *taken = requested & ~(uint32_t)CHANGE_UPDATE_BEFORE;
    return ST_OK;
}

static Status blackhole_write(SinkWriter *self, const Batch *batch, Error *err) {
    (void)self;
    (void)batch;
    (void)err;
    return ST_OK;
}

static Status blackhole_flush(SinkWriter *self, bool end_of_input, Error *err) {
    (void)self;
    (void)end_of_input;
    (void)err;
    return ST_OK;
}

static void blackhole_close(SinkWriter *self) {
    mem_free(self);
}

static const SinkVt BLACKHOLE_SINK = {
    .write = blackhole_write, .flush = blackhole_flush, .close = blackhole_close};

static Status blackhole_open(const SinkSpec *spec, const TaskEnv *env, SinkWriter **out,
                             Error *err) {
    (void)spec;
    (void)env;
    (void)err;
    *out = NEW(SinkWriter);
    (*out)->vt = &BLACKHOLE_SINK;
    return ST_OK;
}

const Connector BLACKHOLE_CONNECTOR = {
    .name = "blackhole",
    .options = BLACKHOLE_OPTIONS,
    .sink = true,
    .check = blackhole_check,
    .sink_changes = blackhole_changes,
    .sink_open = blackhole_open,
    .guarantee = "exactly-once",
    .doc = "Takes all rows and keeps none.",
};
