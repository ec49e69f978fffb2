// ml/options.c - options as rows of a table.
#include "ml/options.h"

#include <math.h>
#include <stdio.h>

#include "base/assert.h"

bool ml_same_name(Str name, const char *known) {
    if (name.len != strlen(known)) return false;
    for (uint32_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        if (c >= 'A' && c <= 'Z') c = (char)(c + 32);
        if (c == '_' || c == ' ' || c == '.') c = '-';
        if (c != known[i]) return false;
    }
    return true;
}

// ---- rows by number, through both tables

static const MlOption *option_at(const MlOptions *self, int32_t index) {
    for (int t = 0; t < 2; t++) {
        for (const MlOption *at = self->table[t]; at && at->key; at++) {
            if (index-- == 0) return at;
        }
    }
    return NULL;
}

static int32_t option_index(const MlOptions *self, Str key) {
    const MlOption *at;
    for (int32_t i = 0; (at = option_at(self, i)); i++) {
        if (ml_same_name(key, at->key)) return i;
    }
    return -1;
}

static Status no_option(const MlOptions *self, Str key, Error *err) {
    const char *names[64];
    const MlOption *at;
    uint32_t count = 0;
    for (int32_t i = 0; (at = option_at(self, i)) && count < 64; i++) names[count++] = at->key;
    Status st = error_set(err, ST_VALIDATION, "'%s' has no option '" STR_FMT "'", self->whose,
                          STR_ARG(key));
    const char *nearest = text_nearest(key, names, count);
    if (nearest) error_hint(err, "did you mean '%s'?", nearest);
    return st;
}

// Which of the words of [choices]; -1: none.
static int32_t choice_of(const char *choices, Str value) {
    int32_t number = 0;
    for (const char *at = choices; *at; number++) {
        size_t len = strcspn(at, " ");
        char word[64];
        snprintf(word, sizeof word, "%.*s", (int)len, at);
        if (ml_same_name(value, word)) return number;
        at += len + (at[len] == ' ');
    }
    return -1;
}

static Status bad_value(const MlOption *option, Str value, const char *wanted, Error *err) {
    return error_set(err, ST_VALIDATION, "option '%s': '" STR_FMT "' is not %s", option->key,
                     STR_ARG(value), wanted);
}

static Status option_parse(const MlOption *option, Str value, double *number, Error *err) {
    char range[96];
    bool flag;
    switch (option->kind) {
        case ML_OPTION_TEXT: return ST_OK;
        case ML_OPTION_BOOL:
            if (!str_to_bool(value, &flag)) return bad_value(option, value, "true or false", err);
            *number = flag;
            return ST_OK;
        case ML_OPTION_CHOICE:
            *number = choice_of(option->choices, value);
            if (*number >= 0) return ST_OK;
            bad_value(option, value, "one of its choices", err);
            error_hint(err, "choices are: %s", option->choices);
            return ST_VALIDATION;
        case ML_OPTION_INT:
        case ML_OPTION_DOUBLE: break;
    }
    bool whole = option->kind == ML_OPTION_INT;
    if (str_to_f64(value, number) && *number >= option->min && *number <= option->max &&
        (!whole || *number == floor(*number))) {
        return ST_OK;
    }
    snprintf(range, sizeof range, "a%s number from %.16g to %.16g", whole ? " whole" : "",
             option->min, option->max);
    return bad_value(option, value, range, err);
}

Status options_read(MlOptions *self, const MlSetting *setting, uint32_t count, Arena *arena,
                    Error *err) {
    int32_t rows = 0;
    while (option_at(self, rows)) rows++;
    self->number = ARENA_ARRAY(arena, double, rows);
    self->text = ARENA_ARRAY(arena, Str, rows);
    for (int32_t i = 0; i < rows; i++) self->text[i] = str_c(option_at(self, i)->initial);
    for (uint32_t i = 0; i < count; i++) {
        int32_t at = option_index(self, setting[i].key);
        if (at < 0) return no_option(self, setting[i].key, err);
        self->text[at] = setting[i].value;
    }
    for (int32_t i = 0; i < rows; i++) {
        TRY(option_parse(option_at(self, i), self->text[i], &self->number[i], err));
    }
    return ST_OK;
}

static int32_t option_there(const MlOptions *self, const char *key) {
    int32_t at = option_index(self, str_c(key));
    ASSERT(at >= 0);
    return at;
}

double options_number(const MlOptions *self, const char *key) {
    return self->number[option_there(self, key)];
}

Str options_text(const MlOptions *self, const char *key) {
    return self->text[option_there(self, key)];
}

void options_reference(const MlOption *option, Buf *out) {
    if (!option->key) return;
    buf_puts(out, "| option | default | |\n|---|---|---|\n");
    for (; option->key; option++) {
        buf_printf(out, "| `%s` | %s%s%s | %s", option->key, option->initial[0] ? "`" : "none",
                   option->initial, option->initial[0] ? "`" : "", option->doc);
        for (const char *at = option->kind == ML_OPTION_CHOICE ? option->choices : ""; *at;) {
            size_t len = strcspn(at, " ");
            buf_printf(out, "%s`%.*s`", at == option->choices ? " One of " : ", ", (int)len, at);
            at += len + (at[len] == ' ');
            if (!*at) buf_putc(out, '.');
        }
        buf_puts(out, " |\n");
    }
}
