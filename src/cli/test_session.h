// cli/test_session.h - case files against weir itself: a CaseEngine over engine/session.h.
#pragma once

#include "cli/test_pool.h"

// engine_arg is a Map: configuration key -> value, for each file's session.
extern const CaseEngine SESSION_ENGINE;
