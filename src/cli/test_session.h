// cli/test_session.h - case files against weir itself: a CaseEngine over engine/session.h.
#pragma once

#include "base/map.h"
#include "cli/test_pool.h"

// -D key=value pairs, for each file's session. Zero-initialised is empty.
typedef struct TestSettings {
    Map config;
} TestSettings;

// False when [pair] is not "key=value".
bool test_settings_add(TestSettings *settings, const char *pair);
void test_settings_clear(TestSettings *settings);

// engine_arg is a TestSettings.
extern const CaseEngine SESSION_ENGINE;
