#include "ml/promote.h"

#include <stdio.h>

enum { ROWS_DEFAULT = 1000 };

// The next word: of letters, digits and what names of metrics have; or of signs of comparison; or
// one sign.
static Str take_word(Str *text) {
    static const Str COMPARES = {"<>=", 3};
    *text = str_trim(*text);
    uint32_t len = 0;
    while (len < text->len) {
        char c = text->ptr[len];
        bool sign = str_find(COMPARES, str_make(&c, 1), 0) >= 0;
        bool first_sign = len && str_find(COMPARES, str_make(text->ptr, 1), 0) >= 0;
        if (c == ' ' || (len && sign != first_sign)) break;
        len++;
        if (!sign && len == 1 && (c == '+' || c == '-')) break;
    }
    Str word = str_sub(*text, 0, len);
    *text = str_trim(str_sub(*text, len, text->len));
    return word;
}

static bool read_op(Str word, PromoteOp *out) {
    static const char *const OPS[] = {[PROMOTE_LESS] = "<", [PROMOTE_LESS_EQUAL] = "<=",
                                      [PROMOTE_GREATER] = ">", [PROMOTE_GREATER_EQUAL] = ">="};
    for (uint32_t i = 0; i < 4; i++) {
        if (!str_eq(word, str_c(OPS[i]))) continue;
        *out = (PromoteOp)i;
        return true;
    }
    return false;
}

// [champion] [+|-] [number]
static bool read_value(Str *text, PromoteRule *out) {
    Str rest = *text, word = take_word(&rest);
    out->value = 0;
    if (str_eq_nocase(word, STR("champion"))) {
        out->relative = true;
        *text = rest;
        word = take_word(&rest);
        if (!str_is(word, "+") && !str_is(word, "-")) return true;
    }
    bool negative = str_is(word, "-");
    if (negative || str_is(word, "+")) word = take_word(&rest);
    if (!str_to_f64(word, &out->value)) return false;
    if (negative) out->value = -out->value;
    *text = rest;
    return true;
}

static bool read_rows(Str *text, PromoteRule *out) {
    int64_t rows;
    out->rows = ROWS_DEFAULT;
    if (!text->len) return true;
    if (!str_eq_nocase(take_word(text), STR("after")) || !str_to_i64(take_word(text), &rows) ||
        rows < 1) {
        return false;
    }
    out->rows = (double)rows;
    return str_eq_nocase(take_word(text), STR("rows"));
}

Status promote_parse(Str text, PromoteRule *out, Error *err) {
    Str rest = text, metric = take_word(&rest);
    *out = (PromoteRule){0};
    bool good = metric.len && metric.len < sizeof out->metric;
    if (good) memcpy(out->metric, metric.ptr, metric.len);
    if (good && read_op(take_word(&rest), &out->op) && read_value(&rest, out) &&
        read_rows(&rest, out) && !rest.len) {
        return ST_OK;
    }
    (void)error_set(err, ST_VALIDATION, "'promote.when' = '" STR_FMT "' is no rule",
                    STR_ARG(text));
    error_hint(err, "write 'Accuracy > champion', 'F1 >= champion + 0.01 after 5000 rows' or "
                    "'LogLoss < 0.2'");
    return ST_VALIDATION;
}

bool promote_holds(const PromoteRule *rule, double challenger, double champion, double rows) {
    double bar = rule->value + (rule->relative ? champion : 0);
    if (rows < rule->rows) return false;
    switch (rule->op) {
        case PROMOTE_LESS: return challenger < bar;
        case PROMOTE_LESS_EQUAL: return challenger <= bar;
        case PROMOTE_GREATER: return challenger > bar;
        default: return challenger >= bar;
    }
}
