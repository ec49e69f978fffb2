// plan/settings.h - the settings of a session: every key that is known, as a table, and what weir
// makes of it. SET, the planner and docs/sql/settings.md read the same rows.
#pragma once

#include "spi/option.h"

typedef enum SettingUse {
    SETTING_HEEDED,    // does what it says
    SETTING_NEEDLESS,  // says nothing to a single process, or changes no result: taken in silence
    SETTING_MISSING,   // would change something, and does not yet: SET says so
} SettingUse;

typedef struct Setting {
    OptionDef option;  // of a pattern that ends in ".*": all keys below
    SettingUse use;
    bool lazy;         // a bad value is found by the operator that reads it (setting_check)
} Setting;

// All of them in order of their keys; ends with a NULL key.
extern const Setting SETTINGS[];

const Setting *setting_find(Str key);  // NULL: nobody knows it
// What is to be said when [key] is set to [value], into [out]: that nobody knows it, that the value
// is none, that it has no effect. false: nothing.
bool setting_warning(Str key, Str value, Buf *out);
// Whether the values that are set can be read, but for the lazy ones; and one of those.
NODISCARD Status settings_check(const Map *config, Error *err);
NODISCARD Status setting_check(const Map *config, const char *key, Error *err);

// With Flink's defaults. [config] may be NULL.
const char *config_get(const Map *config, const char *key);  // NULL when unset and no default
int64_t config_ms(const Map *config, const char *key, int64_t fallback);
int64_t config_int(const Map *config, const char *key, int64_t fallback);
bool config_bool(const Map *config, const char *key, bool fallback);
// The workers that a job runs with.
int64_t config_workers(const Map *config);
