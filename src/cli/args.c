#include "cli/args.h"

static bool is_long(const char *name) {
    return name[0] == '-' && name[1] == '-';
}

// Whether [arg] gives option [name]; *value is what is attached to it, or NULL.
static bool option_is(const char *name, const char *arg, const char **value) {
    *value = NULL;
    size_t len = name ? strlen(name) : 0;
    if (!len || strncmp(arg, name, len) != 0) return false;
    if (arg[len] == 0) return true;
    if (is_long(name)) {
        if (arg[len] != '=') return false;
        *value = arg + len + 1;
    } else {
        *value = arg + len;
    }
    return true;
}

static int unknown(const Args *args, const char *arg, Error *err) {
    const char *known[64];
    size_t count = 0;
    for (const ArgDef *def = args->defs; def->name && count < 62; def++) {
        known[count++] = def->name;
        if (def->alias) known[count++] = def->alias;
    }
    (void)error_set(err, ST_USAGE, "unknown option '%s'", arg);
    const char *near = text_nearest(str_c(arg), known, count);
    if (near) error_hint(err, "did you mean '%s'?", near);
    return ARGS_WRONG;
}

int args_next(Args *args, Error *err) {
    if (args->at == 0) args->at = 1;
    if (args->at >= args->argc) return ARGS_END;
    const char *arg = args->argv[args->at++];
    if (!args->operands_only && strcmp(arg, "--") == 0) {
        args->operands_only = true;
        return args_next(args, err);
    }
    args->value = arg;
    if (args->operands_only || arg[0] != '-' || arg[1] == 0) return ARGS_OPERAND;
    for (int i = 0; args->defs[i].name; i++) {
        const ArgDef *def = &args->defs[i];
        const char *value;
        if (!option_is(def->name, arg, &value) && !option_is(def->alias, arg, &value)) continue;
        if (!def->value && value) {
            (void)error_set(err, ST_USAGE, "option '%s' takes no value", def->name);
            return ARGS_WRONG;
        }
        if (def->value && !value) {
            if (args->at >= args->argc) {
                (void)error_set(err, ST_USAGE, "option '%s' needs a value: %s %s", arg, arg,
                                def->value);
                return ARGS_WRONG;
            }
            value = args->argv[args->at++];
        }
        args->value = value;
        return i;
    }
    return unknown(args, arg, err);
}

bool args_pair(const char *pair, Map *map) {
    const char *equals = strchr(pair, '=');
    if (!equals || equals == pair) return false;
    (void)map_put(map, str_make(pair, (size_t)(equals - pair)), (void *)(equals + 1));
    return true;
}

void args_print(const ArgDef *defs, Buf *out) {
    enum { COLUMN = 22 };
    for (const ArgDef *def = defs; def->name; def++) {
        size_t start = out->len;
        buf_printf(out, "  %s", def->name);
        if (def->alias) buf_printf(out, ", %s", def->alias);
        if (def->value) buf_printf(out, " %s", def->value);
        size_t width = out->len - start;
        buf_printf(out, "%*s%s\n", width < COLUMN ? (int)(COLUMN - width) : 2, "", def->doc);
    }
}
