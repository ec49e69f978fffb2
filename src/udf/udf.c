#include "udf/udf.h"

#include <pthread.h>
#include <stdatomic.h>

static const char *const KIND_NAMES[] = {[WEIR_SCALAR] = "SCALAR",
                                         [WEIR_TABLE] = "TABLE",
                                         [WEIR_AGGREGATE] = "AGGREGATE",
                                         [WEIR_PROCESS] = "PROCESS_TABLE"};

const char *udf_kind_name(uint32_t kind) {
    return KIND_NAMES[kind];
}

// ---- checks ------------------------------------------------------------------------------------

static Status bad_definition(Str name, const char *what, Error *err) {
    return error_set(err, ST_VALIDATION, "function '" STR_FMT "': %s", STR_ARG(name), what);
}

static const char *aggregate_fault(const weir_function_def *def) {
    enum { STATE_MAX = 1 << 20 };
    if (!def->accumulate || !def->value) return "an aggregate function needs accumulate and value";
    if (def->state_size > STATE_MAX) return "its state is above 1 MiB: let it own memory (clear)";
    if (def->clear && (!def->write || !def->read)) {
        return "its state owns memory (clear): checkpoints need write and read";
    }
    if (!def->write != !def->read) return "write and read go together";
    if (def->eval) return "an aggregate function has no eval";
    return NULL;
}

static const char *process_fault(const weir_function_def *def) {
    bool set = def->flags & WEIR_SET_SEMANTICS;
    if (!set && (def->state_count || def->on_timer)) {
        return "state and timers need set semantics (WEIR_SET_SEMANTICS)";
    }
    if (def->on_timer && (def->flags & WEIR_PASS_COLUMNS_THROUGH)) {
        return "there are no timers where all columns pass through: a timer has no row";
    }
    if (def->state_count > UDF_STATES_MAX) return "it has more than 16 entries of state";
    for (uint32_t i = 0; i < def->state_count; i++) {
        if (!def->state || !def->state[i].name || def->state[i].kind > WEIR_STATE_MAP) {
            return "an entry of its state has no name, or is of no known kind";
        }
    }
    return NULL;
}

Status udf_new(Str name, const weir_function_def *def, void *arg, Udf **out, Error *err) {
    if (def->abi != WEIR_FUNCTION_ABI) {
        (void)error_set(err, ST_VALIDATION,
                        "function '" STR_FMT "' was built for version %u of weir_function.h; this "
                        "is version %u",
                        STR_ARG(name), def->abi, (unsigned)WEIR_FUNCTION_ABI);
        error_hint(err, "compile it again with the header of this weir");
        return ST_VALIDATION;
    }
    if (def->kind < WEIR_SCALAR || def->kind > WEIR_PROCESS) {
        return bad_definition(name, "it is of no known kind", err);
    }
    const char *fault = def->kind == WEIR_AGGREGATE ? aggregate_fault(def)
                        : !def->eval                ? "it has no eval"
                        : def->kind == WEIR_PROCESS ? process_fault(def)
                                                    : NULL;
    if (!fault && !def->signature) fault = "it has no signature";
    if (fault) return bad_definition(name, fault, err);
    Udf *udf = NEW(Udf);
    udf->name = str_dup(&udf->arena, name);
    udf->def = def;
    udf->arg = arg;
    udf->refs = 1;
    *out = udf;
    return ST_OK;
}

Udf *udf_ref(Udf *udf) {
    udf->refs++;
    return udf;
}

Udf *udf_unref(Udf *udf) {
    if (!udf || --udf->refs) return NULL;
    if (udf->drop) udf->drop(udf);
    arena_clear(&udf->arena);
    mem_free(udf);
    return NULL;
}

// ---- functions of the host program -------------------------------------------------------------

// A list that only grows at its head, so that readers need no lock.
typedef struct Registered Registered;
struct Registered {
    Udf *udf;
    Registered *next;
};
static Registered *_Atomic registered;

Udf *udf_registered(Str name) {
    for (const Registered *at = atomic_load(&registered); at; at = at->next) {
        if (str_eq_nocase(at->udf->name, name)) return at->udf;
    }
    return NULL;
}

Udf *udf_registered_next(const Udf *udf) {
    const Registered *at = atomic_load(&registered);
    while (udf && at && at->udf != udf) at = at->next;
    if (udf && at) at = at->next;
    return at ? at->udf : NULL;
}

bool udf_register(Udf *udf) {
    static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
    uint32_t count;
    (void)pthread_mutex_lock(&one_at_a_time);
    (void)func_find(udf->name, &count);
    bool is_new = !count && !agg_find(udf->name) && !udf_registered(udf->name);
    if (is_new) {
        Registered *node = NEW(Registered);
        node->udf = udf;
        node->next = atomic_load(&registered);
        atomic_store(&registered, node);
    }
    (void)pthread_mutex_unlock(&one_at_a_time);
    return is_new;
}
