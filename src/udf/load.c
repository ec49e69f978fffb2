// Definitions in shared objects.
//
// A library is loaded with RTLD_LOCAL: two of them may use one name for two things. It stays until
// the process ends.
#include <dlfcn.h>

#include "udf/udf.h"

// Only symbols that a linker would make: the name goes into messages.
static bool is_symbol(Str symbol) {
    for (uint32_t i = 0; i < symbol.len; i++) {
        char c = symbol.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$';
        if (!letter && (i == 0 || c < '0' || c > '9')) return false;
    }
    return symbol.len > 0;
}

Status udf_load(Str path, Str symbol, const weir_function_def **out, Error *err) {
    Arena arena;
    arena_init(&arena);
    Status st = ST_OK;
    // Without a slash dlopen would search the system's directories, not the one we are in.
    Str place = str_find(path, STR("/"), 0) < 0
                    ? str_printf(&arena, "./" STR_FMT, STR_ARG(path))
                    : path;
    const char *text = str_cstr(&arena, place);
    void *library = is_symbol(symbol) ? dlopen(text, RTLD_NOW | RTLD_LOCAL) : NULL;
    if (!is_symbol(symbol)) {
        st = error_set(err, ST_VALIDATION, "'" STR_FMT "' is no name of a C symbol",
                       STR_ARG(symbol));
        error_hint(err, "AS '…' names the weir_function_def of the function");
    } else if (!library) {
        st = error_set(err, ST_VALIDATION, "cannot load '" STR_FMT "': %s", STR_ARG(path),
                       dlerror());
    } else {
        *out = dlsym(library, str_cstr(&arena, symbol));
        if (!*out) {
            st = error_set(err, ST_VALIDATION, "library '" STR_FMT "' has no symbol '" STR_FMT "'",
                           STR_ARG(path), STR_ARG(symbol));
            error_hint(err, "it must be a weir_function_def, not static and not hidden");
        }
    }
    arena_clear(&arena);
    return st;
}
