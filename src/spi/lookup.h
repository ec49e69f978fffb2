// spi/lookup.h - the options of tables that lookup joins ask: 'lookup.cache' and what belongs to
// it. They mean the same for every connector; the cache itself is the join's (exec/lookup.h).
#pragma once

#include "spi/connector.h"

typedef enum LookupCache { LOOKUP_CACHE_NONE, LOOKUP_CACHE_PARTIAL, LOOKUP_CACHE_FULL } LookupCache;

typedef struct LookupOptions {
    LookupCache cache;
    // PARTIAL: -1 is "for ever", "as many as come".
    int64_t expire_after_access_ms, expire_after_write_ms, rows_max;
    bool cache_missing;
    // FULL: read again every so often (0: never); or daily at a time of the day.
    int64_t reload_ms;
    bool reload_fixed_rate;   // counted from the last start, not from the last end
    bool reload_timed;
    int64_t reload_at_ms;     // of the day, UTC
    int64_t reload_days;
    int64_t retries_max;
} LookupOptions;

// For the connectors' lists of options, beside their own.
extern const OptionDef LOOKUP_OPTIONS[];

// Reads and checks them; ST_VALIDATION names what does not fit together.
NODISCARD Status lookup_options(const TableDesc *table, LookupOptions *out, Error *err);
