// REGEXP and its kind, and STR_TO_MAP, whose separators are regular expressions too. A pattern that
// Java refuses gives FALSE or NULL, never an error (STR_TO_MAP excepted).
#include "base/java_map.h"
#include "func/regexp.h"
#include "func/text_int.h"

static Status cache_open(const FuncCall *call, void **state, Error *err) {
    (void)call, (void)err;
    *state = NEW(RegexpCache);
    return ST_OK;
}

static void cache_close(void *state) {
    if (!state) return;
    regexp_cache_clear(state);
    mem_free(state);
}

// A constant pattern that cannot be translated is found when the query is planned.
static Status pattern_bind(FuncCall *call, Error *err) {
    Str pattern;
    Regexp *regexp = NULL;
    if (!call_text(call, 1, &pattern)) return ST_OK;
    Status st = regexp_new(pattern, 0, &regexp, err);
    regexp_free(regexp);
    return st == ST_UNSUPPORTED ? st : ST_OK;
}

static Status pattern_of(const KernelArgs *args, uint32_t row, Regexp **out, Error *err) {
    return regexp_cache_get(args->state, vec_str(args->arg[1])[row], 0, out, err);
}

// The empty pattern finds nothing here, unlike everywhere else.
static Status regexp_kernel(const KernelArgs *args, Vec *out, Error *err) {
    const Str *text = vec_str(args->arg[0]), *pattern = vec_str(args->arg[1]);
    for (uint32_t row = 0; row < args->rows; row++) {
        if (!kernel_row_valid(args, row) || !pattern[row].len) continue;
        Regexp *regexp;
        bool found = false;
        TRY(pattern_of(args, row, &regexp, err));
        if (regexp) TRY(regexp_find(regexp, text[row], 0, &found, err));
        vec_u8(out)[row] = found;
    }
    return ST_OK;
}

static Str span_text(Str text, RegexpSpan span) {
    return str_sub(text, span.from, span.to - span.from);
}

static Status extract_kernel(const KernelArgs *args, Vec *out, Error *err) {
    const Str *text = vec_str(args->arg[0]);
    for (uint32_t row = 0; row < args->rows; row++) {
        if (!kernel_row_valid(args, row)) continue;
        int64_t group = args->argc > 2 ? vec_i64(args->arg[2])[row] : 0;
        Regexp *regexp;
        bool found = false;
        TRY(pattern_of(args, row, &regexp, err));
        if (regexp && group >= 0 && group <= regexp_groups(regexp)) {
            TRY(regexp_find(regexp, text[row], 0, &found, err));
        }
        RegexpSpan span = found ? regexp_span(regexp, (uint32_t)group) : (RegexpSpan){1, 0};
        if (span.to < span.from) {
            vec_set_null(out, row);
        } else {
            set_piece(out, row, span_text(text[row], span));
        }
    }
    return ST_OK;
}

// The replacement is taken as it is: '$1' stands for itself.
static Status put_replaced(Buf *out, Regexp *regexp, Str text, Str by, const KernelArgs *args,
                           Error *err) {
    uint32_t from = 0, done = 0;
    bool found;
    do {
        TRY(regexp_find(regexp, text, from, &found, err));
        if (!found) break;
        RegexpSpan span = regexp_span(regexp, 0);
        buf_put(out, text.ptr + done, span.from - done);
        buf_put_str(out, by);
        done = span.to;
        bool splits;
        TRY(regexp_splits_pair(regexp, text, &splits, err));
        if (splits) {
            buf_putc(out, '?');
            buf_put_str(out, by);
            buf_putc(out, '?');
            done += 4;
        }
        TRY(text_check(out->len, args, err));
    } while (regexp_next(regexp, text, &from));
    buf_put(out, text.ptr + done, text.len - done);
    return ST_OK;
}

static Status replace_kernel(const KernelArgs *args, Vec *out, Error *err) {
    const Str *text = vec_str(args->arg[0]), *by = vec_str(args->arg[2]);
    Buf buf = {0};
    Status st = ST_OK;
    for (uint32_t row = 0; row < args->rows && !st; row++) {
        if (!kernel_row_valid(args, row)) continue;
        Regexp *regexp;
        st = pattern_of(args, row, &regexp, err);
        if (st) break;
        if (!regexp) {
            vec_set_null(out, row);
            continue;
        }
        buf.len = 0;
        st = put_replaced(&buf, regexp, text[row], by[row], args, err);
        if (!st) vec_set_text(out, row, buf_str(&buf));
    }
    buf_free(&buf);
    return st;
}

// All matches of one row, as an array of [group].
static Status extract_all_row(Regexp *regexp, Str text, uint32_t group, Vec *out, uint32_t row,
                              Buf *spans, Error *err) {
    uint32_t from = 0;
    bool found;
    spans->len = 0;
    do {
        TRY(regexp_find(regexp, text, from, &found, err));
        if (!found) break;
        RegexpSpan span = regexp_span(regexp, group);
        buf_put(spans, &span, sizeof span);
        bool splits;
        TRY(regexp_splits_pair(regexp, text, &splits, err));
        if (splits) buf_put(spans, &span, sizeof span);
    } while (regexp_next(regexp, text, &from));
    uint32_t count = (uint32_t)(spans->len / sizeof(RegexpSpan));
    uint32_t slot = vec_list_begin(out, row, count);
    for (uint32_t i = 0; i < count; i++) {
        RegexpSpan span;
        memcpy(&span, spans->ptr + i * sizeof span, sizeof span);
        if (span.to < span.from) {
            vec_set_null(out->child[0], slot + i);
        } else {
            vec_str(out->child[0])[slot + i] = span_text(text, span);
        }
    }
    return ST_OK;
}

static Status extract_all_kernel(const KernelArgs *args, Vec *out, Error *err) {
    const Str *text = vec_str(args->arg[0]);
    Buf spans = {0};
    Status st = ST_OK;
    for (uint32_t row = 0; row < args->rows && !st; row++) {
        if (!kernel_row_valid(args, row)) continue;
        int64_t group = args->argc > 2 ? vec_i64(args->arg[2])[row] : 1;
        Regexp *regexp;
        st = pattern_of(args, row, &regexp, err);
        if (st) break;
        if (!regexp || group < 0 || group > regexp_groups(regexp)) {
            vec_set_null(out, row);
        } else {
            st = extract_all_row(regexp, text[row], (uint32_t)group, out, row, &spans, err);
        }
    }
    buf_free(&spans);
    return st;
}

static Status extract_all_bind(FuncCall *call, Error *err) {
    call->result = type_array(call->arena, type_of(TYPE_VARCHAR, true), true);
    return pattern_bind(call, err);
}

static Status count_kernel(const KernelArgs *args, Vec *out, Error *err) {
    const Str *text = vec_str(args->arg[0]);
    for (uint32_t row = 0; row < args->rows; row++) {
        if (!kernel_row_valid(args, row)) continue;
        Regexp *regexp;
        TRY(pattern_of(args, row, &regexp, err));
        if (!regexp) {
            vec_set_null(out, row);
            continue;
        }
        uint32_t from = 0;
        int32_t count = 0;
        bool found;
        do {
            bool splits = false;
            TRY(regexp_find(regexp, text[row], from, &found, err));
            if (found) TRY(regexp_splits_pair(regexp, text[row], &splits, err));
            count += found + splits;
        } while (found && regexp_next(regexp, text[row], &from));
        vec_i32(out)[row] = count;
    }
    return ST_OK;
}

// Counted from 1 in UTF-16 units; 0 when nothing is found.
static Status instr_kernel(const KernelArgs *args, Vec *out, Error *err) {
    const Str *text = vec_str(args->arg[0]);
    for (uint32_t row = 0; row < args->rows; row++) {
        if (!kernel_row_valid(args, row)) continue;
        Regexp *regexp;
        bool found;
        TRY(pattern_of(args, row, &regexp, err));
        if (!regexp) {
            vec_set_null(out, row);
            continue;
        }
        TRY(regexp_find(regexp, text[row], 0, &found, err));
        if (!found) continue;
        vec_i32(out)[row] =
            (int32_t)utf8_units16(str_sub(text[row], 0, regexp_span(regexp, 0).from)) + 1;
    }
    return ST_OK;
}

// ---- STR_TO_MAP --------------------------------------------------------------------------------

// Where java.lang.String.split cuts [text] first, searched from [*from]: a cut at the very start
// that takes nothing does not count. [begin] is the start of the piece at hand.
static Status next_cut(Regexp *regexp, Str text, uint32_t *from, bool *found, RegexpSpan *cut,
                       bool *more, Error *err) {
    do {
        *found = false;
        if (!*more) return ST_OK;
        TRY(regexp_find(regexp, text, *from, found, err));
        if (!*found) return ST_OK;
        *cut = regexp_span(regexp, 0);
        *more = regexp_next(regexp, text, from);
    } while (cut->to == 0);
    return ST_OK;
}

typedef struct MapEntryText {
    Str key, value;
    bool has_value;
} MapEntryText;

static void entry_put(Buf *entries, MapEntryText entry) {
    MapEntryText *at = (MapEntryText *)(void *)entries->ptr;
    size_t count = entries->len / sizeof entry;
    for (size_t i = 0; i < count; i++) {
        if (str_eq(at[i].key, entry.key)) {
            at[i] = entry;
            return;
        }
    }
    buf_put(entries, &entry, sizeof entry);
}

static Status put_pair(Buf *entries, Regexp *separator, Str pair, Error *err) {
    uint32_t from = 0;
    RegexpSpan cut;
    bool found, more = true;
    TRY(next_cut(separator, pair, &from, &found, &cut, &more, err));
    MapEntryText entry = {.key = pair};
    if (found) {
        entry.key = str_sub(pair, 0, cut.from);
        entry.value = str_sub(pair, cut.to, pair.len);
        entry.has_value = true;
    }
    entry_put(entries, entry);
    return ST_OK;
}

static Status put_pairs(Buf *entries, Regexp *list, Regexp *separator, Str text, Error *err) {
    uint32_t from = 0, begin = 0, empty = 0;
    RegexpSpan cut = {0};
    bool found, more = true;
    do {
        TRY(next_cut(list, text, &from, &found, &cut, &more, err));
        Str pair = str_sub(text, begin, found ? cut.from - begin : text.len);
        if (found) begin = cut.to;
        if (!pair.len) {  // empty pieces at the end do not count, those before others do
            empty++;
            continue;
        }
        if (empty) TRY(put_pair(entries, separator, STR(""), err));
        empty = 0;
        TRY(put_pair(entries, separator, pair, err));
    } while (found);
    return ST_OK;
}

typedef struct MapState {
    RegexpCache list, separator;
} MapState;

static Status map_open(const FuncCall *call, void **state, Error *err) {
    (void)call, (void)err;
    *state = NEW(MapState);
    return ST_OK;
}

static void map_close(void *state) {
    if (!state) return;
    regexp_cache_clear(&((MapState *)state)->list);
    regexp_cache_clear(&((MapState *)state)->separator);
    mem_free(state);
}

static Status required(RegexpCache *cache, Str pattern, Regexp **out, Error *err) {
    TRY(regexp_cache_get(cache, pattern, 0, out, err));
    if (*out) return ST_OK;
    Regexp *never = NULL;
    Status st = regexp_new(pattern, 0, &never, err);  // again, for its message
    regexp_free(never);
    return st;
}

// The order of Java's HashMap, in which Flink collects the entries.
static const uint32_t *walk_order(Arena *arena, const MapEntryText *entry, uint32_t count) {
    uint32_t *hash = ARENA_ARRAY(arena, uint32_t, count);
    uint32_t *order = ARENA_ARRAY(arena, uint32_t, count);
    for (uint32_t i = 0; i < count; i++) hash[i] = (uint32_t)java_hash(entry[i].key);
    java_map_order(hash, count, order);
    return order;
}

static Status str_to_map_kernel(const KernelArgs *args, Vec *out, Error *err) {
    const Str *text = vec_str(args->arg[0]);
    MapState *state = args->state;
    Buf entries = {0};
    Status st = ST_OK;
    for (uint32_t row = 0; row < args->rows && !st; row++) {
        if (!kernel_row_valid(args, row)) continue;
        if (!text[row].len) {
            (void)vec_list_begin(out, row, 0);
            continue;
        }
        Regexp *list, *separator;
        st = required(&state->list, args->argc > 1 ? vec_str(args->arg[1])[row] : STR(","), &list,
                      err);
        if (!st) {
            st = required(&state->separator, args->argc > 2 ? vec_str(args->arg[2])[row] : STR("="),
                          &separator, err);
        }
        entries.len = 0;
        if (!st) st = put_pairs(&entries, list, separator, text[row], err);
        if (st) break;
        const MapEntryText *entry = (const MapEntryText *)(void *)entries.ptr;
        uint32_t count = (uint32_t)(entries.len / sizeof *entry);
        uint32_t slot = vec_list_begin(out, row, count);
        const uint32_t *order = walk_order(args->scratch, entry, count);
        for (uint32_t i = 0; i < count; i++) {
            const MapEntryText *next = &entry[order[i]];
            vec_str(out->child[0])[slot + i] = next->key;
            if (next->has_value) {
                vec_str(out->child[1])[slot + i] = next->value;
            } else {
                vec_set_null(out->child[1], slot + i);
            }
        }
    }
    buf_free(&entries);
    return st;
}

static Status str_to_map_bind(FuncCall *call, Error *err) {
    (void)err;
    const Type *text = type_of(TYPE_VARCHAR, true);
    call->result = type_map(call->arena, text, text, true);
    return ST_OK;
}

static const ScalarFunc REGEXP_FUNCS[] = {
    {.name = "REGEXP", .args = {ARG_STRING, ARG_STRING}, .result = RESULT_BOOLEAN,
     .flags = FUNC_CAN_FAIL, .bind = pattern_bind, .kernel = regexp_kernel, .open = cache_open,
     .close = cache_close, .doc = "Whether the regular expression is found in the text.",
     .example = "REGEXP('abc', 'b+')", .gives = "TRUE"},
    {.name = "REGEXP_EXTRACT", .args = {ARG_STRING, ARG_STRING, ARG_BIGINT}, .argc_min = 2,
     .argc_max = 3, .result = RESULT_STRING, .result_null = RESULT_NULL_ALWAYS,
     .flags = FUNC_CAN_FAIL, .bind = pattern_bind, .kernel = extract_kernel, .open = cache_open,
     .close = cache_close, .doc = "The first match of the regular expression, or a group of it.",
     .example = "REGEXP_EXTRACT('foothebar', 'foo(.*?)(bar)', 2)", .gives = "bar"},
    {.name = "REGEXP_REPLACE", .args = {ARG_STRING, ARG_STRING, ARG_STRING},
     .result = RESULT_STRING, .flags = FUNC_CAN_FAIL, .bind = pattern_bind,
     .kernel = replace_kernel, .open = cache_open, .close = cache_close,
     .doc = "The text with each match of the regular expression replaced by the third argument, "
            "taken literally.",
     .example = "REGEXP_REPLACE('foobar', 'oo|ar', '')", .gives = "fb"},
    {.name = "REGEXP_EXTRACT_ALL", .args = {ARG_STRING, ARG_STRING, ARG_BIGINT}, .argc_min = 2,
     .argc_max = 3, .flags = FUNC_TAKES_NULL | FUNC_CAN_FAIL, .bind = extract_all_bind,
     .kernel = extract_all_kernel, .open = cache_open, .close = cache_close,
     .doc = "A group (1) of all matches of the regular expression, as an array.",
     .example = "REGEXP_EXTRACT_ALL('a1b2', '([a-z])(\\d)', 2)", .gives = "[1, 2]"},
    {.name = "REGEXP_COUNT", .args = {ARG_STRING, ARG_STRING}, .result = RESULT_INT,
     .result_null = RESULT_NULL_ALWAYS, .flags = FUNC_TAKES_NULL | FUNC_CAN_FAIL,
     .bind = pattern_bind, .kernel = count_kernel, .open = cache_open, .close = cache_close,
     .doc = "How often the regular expression matches.", .example = "REGEXP_COUNT('banana', 'an')",
     .gives = "2"},
    {.name = "REGEXP_INSTR", .args = {ARG_STRING, ARG_STRING}, .result = RESULT_INT,
     .result_null = RESULT_NULL_ALWAYS, .flags = FUNC_TAKES_NULL | FUNC_CAN_FAIL,
     .bind = pattern_bind, .kernel = instr_kernel, .open = cache_open, .close = cache_close,
     .doc = "Where the first match of the regular expression begins, from 1; 0: nowhere.",
     .example = "REGEXP_INSTR('banana', 'n')", .gives = "3"},
    {.name = "REGEXP_SUBSTR", .args = {ARG_STRING, ARG_STRING}, .result = RESULT_STRING,
     .result_null = RESULT_NULL_ALWAYS, .flags = FUNC_TAKES_NULL | FUNC_CAN_FAIL,
     .bind = pattern_bind, .kernel = extract_kernel, .open = cache_open, .close = cache_close,
     .doc = "The first match of the regular expression.",
     .example = "REGEXP_SUBSTR('banana', 'n.')", .gives = "na"},
    {.name = "STR_TO_MAP", .args = {ARG_STRING}, .bind = str_to_map_bind,
     .kernel = str_to_map_kernel, .open = map_open, .close = map_close,
     .doc = "The pairs in the text, parted by ',' and '='.", .example = "STR_TO_MAP('a=1,b=2')",
     .gives = "{a=1, b=2}"},
    {.name = "STR_TO_MAP", .args = {ARG_STRING, ARG_STRING, ARG_STRING}, .flags = FUNC_CAN_FAIL,
     .bind = str_to_map_bind, .kernel = str_to_map_kernel, .open = map_open, .close = map_close,
     .doc = "The pairs in the text, parted by the two regular expressions.",
     .example = "STR_TO_MAP('a:1 b:2', '\\s', ':')", .gives = "{a=1, b=2}"},
};
const FuncTable REGEXP_TABLE = FUNC_TABLE("Regular expressions", REGEXP_FUNCS);
