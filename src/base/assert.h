// base/assert.h - promises between our own modules. ASSERT stays on in releases: a broken promise
// must stop the process before it spoils state. DASSERT is for per-row promises, debug builds only.
// What comes from outside is checked with a Status, never with these.
#pragma once

_Noreturn void assert_failed(const char *what, const char *file, int line, const char *func);

#define ASSERT(cond) \
    (__builtin_expect(!!(cond), 1) ? (void)0 : assert_failed(#cond, __FILE__, __LINE__, __func__))
#ifdef WEIR_DEBUG
#define DASSERT(cond) ASSERT(cond)
#else
#define DASSERT(cond) ((void)sizeof(cond))
#endif
#define UNREACHABLE() assert_failed("unreachable", __FILE__, __LINE__, __func__)
