// Looks functions up by name and binds calls by their argument specs.
#include "func/func.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/map.h"

typedef struct Overloads {
    const ScalarFunc **row;
    uint32_t count;
} Overloads;

static Map func_index;  // upper-case name -> Overloads; built once, then only read
static const char **func_names;
static pthread_once_t func_index_once = PTHREAD_ONCE_INIT;

static void func_index_add(const char *name, const ScalarFunc *func) {
    Overloads *found = map_get(&func_index, str_c(name));
    if (!found) {
        found = NEW(Overloads);
        (void)map_put(&func_index, str_c(name), found);
    }
    found->row = mem_realloc(found->row, (found->count + 1) * sizeof *found->row);
    found->row[found->count++] = func;
}

static void func_index_build(void) {
    for (uint32_t t = 0; t < FUNC_TABLE_COUNT; t++) {
        for (uint32_t i = 0; i < FUNC_TABLES[t]->count; i++) {
            const ScalarFunc *func = &FUNC_TABLES[t]->row[i];
            func_index_add(func->name, func);
            for (uint32_t a = 0; a < 3 && func->alias[a]; a++) {
                func_index_add(func->alias[a], func);
            }
        }
    }
    func_names = NEW_ARRAY(const char *, func_index.count + 1);
    for (uint32_t i = 0; i < func_index.count; i++) func_names[i] = func_index.entry[i].key.ptr;
}

enum { FUNC_NAME_MAX = 64 };

// Functions that came later: a list that only grows at its head, so that readers need no lock.
typedef struct Added Added;
struct Added {
    const ScalarFunc *func;
    Added *next;
};
static Added *_Atomic added;

static const ScalarFunc *const *added_find(Str upper, uint32_t *count) {
    for (const Added *at = atomic_load(&added); at; at = at->next) {
        if (!str_eq(str_c(at->func->name), upper)) continue;
        *count = 1;
        return &at->func;
    }
    return NULL;
}

bool func_register(const ScalarFunc *func) {
    static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
    uint32_t count;
    (void)pthread_mutex_lock(&one_at_a_time);
    bool is_new = strlen(func->name) <= FUNC_NAME_MAX && !func_find(str_c(func->name), &count);
    if (is_new) {
        Added *node = NEW(Added);
        node->func = func;
        node->next = atomic_load(&added);
        atomic_store(&added, node);
    }
    (void)pthread_mutex_unlock(&one_at_a_time);
    return is_new;
}

const ScalarFunc *const *func_find(Str name, uint32_t *count) {
    (void)pthread_once(&func_index_once, func_index_build);
    char upper[FUNC_NAME_MAX];
    *count = 0;
    if (name.len > sizeof upper) return NULL;
    for (uint32_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        upper[i] = c >= 'a' && c <= 'z' ? (char)(c - ('a' - 'A')) : c;
    }
    const Overloads *found = map_get(&func_index, (Str){upper, name.len});
    if (!found) return added_find((Str){upper, name.len}, count);
    *count = found->count;
    return found->row;
}

const char *func_nearest(Str name) {
    (void)pthread_once(&func_index_once, func_index_build);
    return text_nearest(name, func_names, func_index.count);
}

// What an untyped NULL becomes where [spec] is asked for; NULL: it stays untyped.
static const Type *null_type(ArgSpec spec) {
    switch (spec) {
        case ARG_STRING:
        case ARG_TEXT_OR_BYTES: return type_of(TYPE_VARCHAR, true);
        case ARG_BYTES: return type_of(TYPE_VARBINARY, true);
        case ARG_BOOLEAN: return type_of(TYPE_BOOLEAN, true);
        case ARG_INT: return type_of(TYPE_INT, true);
        case ARG_BIGINT: return type_of(TYPE_BIGINT, true);
        case ARG_DOUBLE: return type_of(TYPE_DOUBLE, true);
        default: return NULL;
    }
}

bool arg_spec_accepts(ArgSpec spec, const Type *type, Arena *arena, const Type **cast) {
    *cast = type;
    if (type->kind == TYPE_NULL) {  // fits everywhere
        const Type *typed = null_type((ArgSpec)spec);
        if (typed) *cast = typed;
        return true;
    }
    switch (spec) {
        case ARG_ANY: return true;
        case ARG_STRING: return type_is_text(type);
        case ARG_BYTES: return type_is_bytes(type);
        case ARG_TEXT_OR_BYTES: return type_is_text(type) || type_is_bytes(type);
        case ARG_BOOLEAN: return type->kind == TYPE_BOOLEAN;
        case ARG_INT:
            *cast = type_of(TYPE_INT, type->nullable);
            return type_is_integer(type) && type->kind != TYPE_BIGINT;
        case ARG_BIGINT:
            *cast = type_of(TYPE_BIGINT, type->nullable);
            return type_is_integer(type);
        case ARG_INTEGER: return type_is_integer(type);
        case ARG_EXACT: return type_is_integer(type) || type->kind == TYPE_DECIMAL;
        case ARG_NUMERIC: return type_is_numeric(type);
        case ARG_DOUBLE:
            *cast = type_of(TYPE_DOUBLE, type->nullable);
            return type_is_numeric(type);
        case ARG_DATE: return type->kind == TYPE_DATE;
        case ARG_TIME: return type->kind == TYPE_TIME;
        case ARG_TIMESTAMP: return type->kind == TYPE_TIMESTAMP;
        case ARG_TIMESTAMP_LTZ: return type->kind == TYPE_TIMESTAMP_LTZ;
        case ARG_ANY_TIMESTAMP: return type_is_timestamp(type);
        case ARG_DATETIME: return type_is_datetime(type);
        case ARG_INTERVAL: return type_is_interval(type);
        case ARG_ARRAY: return type->kind == TYPE_ARRAY;
        case ARG_MAP: return type->kind == TYPE_MAP;
        case ARG_ROW: return type->kind == TYPE_ROW;
        case ARG_VARIANT: return type->kind == TYPE_VARIANT;
        case ARG_BITMAP: return type->kind == TYPE_BITMAP;
        case ARG_SYMBOL: return type->kind == TYPE_SYMBOL;
        default: return false;
    }
}

static const char *const SPEC_NAMES[ARG_COUNT_] = {
    [ARG_ANY] = "ANY",           [ARG_STRING] = "CHARACTER",  [ARG_BYTES] = "BINARY",
    [ARG_TEXT_OR_BYTES] = "CHARACTER or BINARY", [ARG_BOOLEAN] = "BOOLEAN",
    [ARG_INT] = "INT",           [ARG_BIGINT] = "BIGINT",     [ARG_INTEGER] = "INTEGER",
    [ARG_EXACT] = "EXACT_NUMERIC", [ARG_NUMERIC] = "NUMERIC", [ARG_DOUBLE] = "NUMERIC",
    [ARG_DATE] = "DATE",         [ARG_TIME] = "TIME",         [ARG_TIMESTAMP] = "TIMESTAMP",
    [ARG_TIMESTAMP_LTZ] = "TIMESTAMP_LTZ", [ARG_ANY_TIMESTAMP] = "TIMESTAMP",
    [ARG_DATETIME] = "DATETIME", [ARG_INTERVAL] = "INTERVAL", [ARG_ARRAY] = "ARRAY",
    [ARG_MAP] = "MAP",           [ARG_ROW] = "ROW",           [ARG_VARIANT] = "VARIANT",
    [ARG_BITMAP] = "BITMAP",     [ARG_SYMBOL] = "keyword",
};

const char *arg_spec_name(ArgSpec spec) {
    return SPEC_NAMES[spec];
}

static Status func_mismatch(const FuncCall *call, Error *err) {
    Buf given = {0}, wanted = {0};
    for (uint32_t i = 0; i < call->argc; i++) {
        if (i) buf_puts(&given, ", ");
        type_print_summary(call->arg[i], false, &given);
    }
    const ScalarFunc *func = call->func;
    for (uint32_t i = 0; i < FUNC_ARGS_MAX && func->args[i]; i++) {
        if (i) buf_puts(&wanted, ", ");
        buf_printf(&wanted, "<%s>", SPEC_NAMES[func->args[i]]);
    }
    Status st = error_set(err, ST_VALIDATION,
                          "cannot apply '%s' to arguments (" STR_FMT "); it takes %s(" STR_FMT ")",
                          func->name, STR_ARG(buf_str(&given)), func->name,
                          STR_ARG(buf_str(&wanted)));
    buf_free(&given);
    buf_free(&wanted);
    return st;
}

static const Type *result_of(const FuncCall *call, ResultSpec spec) {
    switch (spec) {
        case RESULT_STRING: return type_of(TYPE_VARCHAR, true);
        case RESULT_BYTES: return type_of(TYPE_VARBINARY, true);
        case RESULT_BOOLEAN: return type_of(TYPE_BOOLEAN, true);
        case RESULT_TINYINT: return type_of(TYPE_TINYINT, true);
        case RESULT_SMALLINT: return type_of(TYPE_SMALLINT, true);
        case RESULT_INT: return type_of(TYPE_INT, true);
        case RESULT_BIGINT: return type_of(TYPE_BIGINT, true);
        case RESULT_FLOAT: return type_of(TYPE_FLOAT, true);
        case RESULT_DOUBLE: return type_of(TYPE_DOUBLE, true);
        case RESULT_DATE: return type_of(TYPE_DATE, true);
        case RESULT_VARIANT: return type_of(TYPE_VARIANT, true);
        case RESULT_BITMAP: return type_of(TYPE_BITMAP, true);
        case RESULT_ARG0: return call->arg[0];
        case RESULT_ARG1: return call->arg[1];
        default: return NULL;
    }
}

Status func_bind(FuncCall *call, const ScalarFunc *func, Error *err) {
    call->func = func;
    call->kernel = func->kernel;
    call->bound = NULL;
    call->result = NULL;
    uint32_t declared = 0;
    while (declared < FUNC_ARGS_MAX && func->args[declared]) declared++;
    uint32_t least = func->argc_min, most = func->argc_max;
    if (!least && !most) least = most = declared;
    if (call->argc < least || (most != FUNC_VARIADIC && call->argc > most)) {
        return error_set(err, ST_VALIDATION,
                         "invalid number of arguments to '%s': %u given, %u%s expected", func->name,
                         call->argc, least,
                         most == FUNC_VARIADIC ? " or more" : most > least ? " at least" : "");
    }
    bool any_null = false;
    for (uint32_t i = 0; i < call->argc; i++) {
        any_null |= call->arg[i]->nullable || call->arg[i]->kind == TYPE_NULL;
        if (!declared) continue;
        ArgSpec spec = func->args[i < declared ? i : declared - 1];
        const Type *cast;
        if (!arg_spec_accepts(spec, call->arg[i], call->arena, &cast)) {
            return func_mismatch(call, err);
        }
        call->arg[i] = cast;
    }
    const Type *result = result_of(call, func->result);
    if (result) {
        bool nullable = func->result_null == RESULT_NULL_ALWAYS ||
                        (func->result_null == RESULT_NULL_IF_ARGS && any_null);
        call->result = type_nullable(call->arena, result, nullable);
    }
    if (func->bind) TRY(func->bind(call, err));
    ASSERT(call->result && call->kernel);
    // Only PROCTIME() makes a time attribute; what is computed of one is none.
    if (call->argc) call->result = type_attribute(call->arena, call->result, TIME_NONE);
    return ST_OK;
}
