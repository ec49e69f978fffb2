// Functions of all kinds for src/engine/udf_test.c: what a user would write against the installed
// header, and what a user should not write.
#include <stdlib.h>
#include <weir.h>

// ---- scalar ------------------------------------------------------------------------------------

WEIR_SCALAR_ROW(plus_one, "(x BIGINT) -> BIGINT", call, row) {
    if (weir_is_null(&call->args[0], row)) return weir_set_null(&call->result[0], row);
    return weir_set_int(&call->result[0], row, weir_int(&call->args[0], row) + 1);
}

WEIR_SCALAR_ROW(copies, "(text STRING, n INT) -> STRING", call, row) {
    weir_text text = weir_str(&call->args[0], row);
    int64_t n = weir_int(&call->args[1], row);
    if (n < 0) return weir_fail(call, "n is %lld, below zero", (long long)n);
    char *room = weir_alloc(call, text.length * (size_t)n);
    for (int64_t i = 0; i < n; i++) memcpy(room + i * text.length, text.ptr, text.length);
    return weir_set_bytes(&call->result[0], row, room, text.length * (size_t)n);
}

// Whole columns at once, and NULLs left to weir.
static int hypotenuse_eval(weir_call *call) {
    const double *a = call->args[0].values, *b = call->args[1].values;
    double *out = call->result[0].values;
    for (uint32_t row = call->first; row < call->end; row++)
        out[row] = a[row] * a[row] + b[row] * b[row];
    return 0;
}
WEIR_FUNCTION_EXPORT const weir_function_def squares = {.abi = WEIR_FUNCTION_ABI,
                                                        .kind = WEIR_SCALAR,
                                                        .signature = "(DOUBLE, DOUBLE) -> DOUBLE",
                                                        .doc = "The sum of two squares.",
                                                        .flags = WEIR_STRICT,
                                                        .eval = hypotenuse_eval};

// Nested types in and out: ARRAY<INT> to ROW<total BIGINT, doubled ARRAY<INT>>.
WEIR_SCALAR_ROW(unpack, "(ARRAY<INT>) -> ROW<total BIGINT, doubled ARRAY<INT>>", call, row) {
    const weir_column *list = &call->args[0];
    weir_list view = ((const weir_list *)list->values)[row];
    int64_t total = 0;
    uint32_t to;
    if (weir_set_list(&call->result[0].child[1], row, view.count, &to)) return 1;
    for (uint32_t i = 0; i < view.count; i++) {
        int64_t x = weir_int(&list->child[0], view.first + i);
        total += x;
        if (weir_set_int(&call->result[0].child[1].child[0], to + i, x * 2)) return 1;
    }
    return weir_set_int(&call->result[0].child[0], row, total);
}

WEIR_SCALAR_ROW(count_args, "(x INT...) -> INT", call, row) {
    return weir_set_int(&call->result[0], row, call->argc);
}

// ---- table -------------------------------------------------------------------------------------

WEIR_TABLE_ROW(words, "(text STRING) -> ROW<word STRING, length INT>", call, row) {
    weir_text text = weir_str(&call->args[0], row);
    for (uint32_t from = 0, to; from < text.length; from = to + 1) {
        uint32_t out;
        for (to = from; to < text.length && text.ptr[to] != ' ';) to++;
        if (to == from) continue;
        if (weir_emit(call, row, &out)) return 1;
        if (weir_set_bytes(&call->result[0], out, text.ptr + from, to - from)) return 1;
        if (weir_set_int(&call->result[1], out, to - from)) return 1;
    }
    return 0;
}

WEIR_TABLE_ROW(series, "(n INT) -> BIGINT", call, row) {
    for (int64_t i = 1; i <= weir_int(&call->args[0], row); i++) {
        uint32_t out;
        if (weir_emit(call, row, &out) || weir_set_int(&call->result[0], out, i)) return 1;
    }
    return 0;
}

// ---- aggregate ---------------------------------------------------------------------------------

typedef struct Average {
    int64_t sum, weight;
} Average;

static int average_add(weir_call *call, void *const *state, int sign) {
    WEIR_EACH_ROW(call, row) {
        Average *average = state[row];
        if (weir_is_null(&call->args[0], row)) continue;
        int64_t weight = weir_int(&call->args[1], row);
        average->sum += sign * weight * weir_int(&call->args[0], row);
        average->weight += sign * weight;
    }
    return 0;
}
static int average_accumulate(weir_call *call, void *const *state) {
    return average_add(call, state, 1);
}
static int average_retract(weir_call *call, void *const *state) {
    return average_add(call, state, -1);
}
static int average_merge(weir_call *call, void *state, const void *other) {
    (void)call;
    ((Average *)state)->sum += ((const Average *)other)->sum;
    ((Average *)state)->weight += ((const Average *)other)->weight;
    return 0;
}
static int average_value(weir_call *call, const void *state, uint32_t row) {
    const Average *average = state;
    if (!average->weight) return weir_set_null(&call->result[0], row);
    return weir_set_int(&call->result[0], row, average->sum / average->weight);
}
WEIR_FUNCTION_EXPORT const weir_function_def weighted_average = {
    .abi = WEIR_FUNCTION_ABI,
    .kind = WEIR_AGGREGATE,
    .signature = "(value BIGINT, weight INT) -> BIGINT",
    .state_size = sizeof(Average),
    .accumulate = average_accumulate,
    .retract = average_retract,
    .merge = average_merge,
    .value = average_value,
};

// One that owns memory, and cannot take anything back.
typedef struct Longest {
    char *text;
    size_t length;
} Longest;

static int longest_keep(Longest *longest, const char *text, size_t length) {
    longest->text = realloc(longest->text, length + 1);
    memcpy(longest->text, text, length);
    longest->length = length;
    return 0;
}
static int longest_init(weir_call *call, void *state) {
    (void)call;
    return longest_keep(state, "", 0);
}
static int longest_accumulate(weir_call *call, void *const *state) {
    WEIR_EACH_ROW(call, row) {
        weir_text text = weir_str(&call->args[0], row);
        Longest *longest = state[row];
        if (text.length > longest->length) (void)longest_keep(longest, text.ptr, text.length);
    }
    return 0;
}
static int longest_value(weir_call *call, const void *state, uint32_t row) {
    const Longest *longest = state;
    return weir_set_bytes(&call->result[0], row, longest->text, longest->length);
}
static void longest_clear(weir_call *call, void *state) {
    (void)call;
    free(((Longest *)state)->text);
}
static int longest_write(weir_call *call, const void *state) {
    const Longest *longest = state;
    return weir_put(call, longest->text, longest->length);
}
static int longest_read(weir_call *call, void *state, const void *bytes, size_t size) {
    (void)call;
    return longest_keep(state, bytes, size);
}
WEIR_FUNCTION_EXPORT const weir_function_def longest = {
    .abi = WEIR_FUNCTION_ABI,
    .kind = WEIR_AGGREGATE,
    .signature = "(STRING) -> STRING",
    .state_size = sizeof(Longest),
    .init = longest_init,
    .accumulate = longest_accumulate,
    .value = longest_value,
    .clear = longest_clear,
    .write = longest_write,
    .read = longest_read,
};

// ---- process -----------------------------------------------------------------------------------

// Greets everybody anew: row semantics, any table with a column `name`.
static int greet_eval(weir_call *call) {
    const weir_column *name = weir_field(&call->args[0], "name");
    weir_text greeting = weir_str(&call->args[1], 0);
    if (!name) return weir_fail(call, "its table has no column 'name'");
    WEIR_EACH_ROW(call, row) {
        uint32_t out;
        weir_text who = weir_str(name, row);
        char *text = weir_alloc(call, greeting.length + who.length + 1);
        memcpy(text, greeting.ptr, greeting.length);
        text[greeting.length] = ' ';
        memcpy(text + greeting.length + 1, who.ptr, who.length);
        if (weir_emit(call, row, &out)) return 1;
        if (weir_set_bytes(&call->result[0], out, text, greeting.length + who.length + 1)) return 1;
    }
    return 0;
}
WEIR_FUNCTION_EXPORT const weir_function_def greet = {
    .abi = WEIR_FUNCTION_ABI,
    .kind = WEIR_PROCESS,
    .signature = "(input TABLE, greeting STRING) -> STRING",
    .eval = greet_eval,
};

// Counts a key's rows, and follows up a minute after the last of them.
typedef struct Stay {
    int64_t count;
} Stay;

static int stay_eval(weir_call *call) {
    WEIR_EACH_ROW(call, row) {
        uint32_t out;
        Stay *stay = weir_state(call, 0, row);
        stay->count++;
        if (weir_timer(call, row, "follow-up", weir_time(call, row) + 60000)) return 1;
        if (weir_emit(call, row, &out)) return 1;
        if (weir_set_text(&call->result[0], out, "seen")) return 1;
        if (weir_set_int(&call->result[1], out, stay->count)) return 1;
    }
    return 0;
}
static int stay_on_timer(weir_call *call) {
    uint32_t out;
    const Stay *stay = weir_state(call, 0, 0);
    if (weir_emit(call, 0, &out)) return 1;
    if (weir_set_text(&call->result[0], out, call->timer)) return 1;
    if (weir_set_int(&call->result[1], out, stay->count)) return 1;
    return weir_clear_all(call, 0);
}
static const weir_state_def STAY_STATE[] = {{"stay", WEIR_STATE_VALUE, sizeof(Stay), 0}};
WEIR_FUNCTION_EXPORT const weir_function_def follow_up = {
    .abi = WEIR_FUNCTION_ABI,
    .kind = WEIR_PROCESS,
    .signature = "(input TABLE) -> ROW<what STRING, n BIGINT>",
    .flags = WEIR_SET_SEMANTICS | WEIR_REQUIRE_ON_TIME,
    .eval = stay_eval,
    .state = STAY_STATE,
    .state_count = 1,
    .on_timer = stay_on_timer,
};

// How often each item of a key came, what came last, and everything in order: all other kinds of
// state. All columns pass through.
static int history_eval(weir_call *call) {
    WEIR_EACH_ROW(call, row) {
        weir_text item = weir_str(weir_field(&call->args[0], "item"), row), was = {"", 0}, last, at;
        int32_t count = 0;
        uint32_t out, length = 0;
        char path[256];
        if (weir_text_is(item, "forget")) {
            if (weir_clear_all(call, row)) return 1;
            continue;
        }
        if (weir_map_get(call, 0, row, item.ptr, item.length, &was)) memcpy(&count, was.ptr, 4);
        count++;
        if (weir_map_put(call, 0, row, item.ptr, item.length, &count, sizeof count)) return 1;
        if (weir_list_add(call, 1, row, item.ptr, item.length)) return 1;
        for (uint64_t i = 0; weir_state_next(call, 1, row, &i, NULL, &at);) {
            if (length + at.length > sizeof path) return weir_fail(call, "too long a history");
            memcpy(path + length, at.ptr, at.length);
            length += at.length;
        }
        if (weir_emit(call, row, &out)) return 1;
        if (weir_set_int(&call->result[0], out, count)) return 1;
        if (weir_set_bytes(&call->result[1], out, path, length)) return 1;
        if (weir_state_bytes(call, 2, row, &last)) {
            if (weir_set_str(&call->result[2], out, last)) return 1;
        } else if (weir_set_null(&call->result[2], out)) {
            return 1;
        }
        if (weir_state_set(call, 2, row, item.ptr, item.length)) return 1;
    }
    return 0;
}
static const weir_state_def HISTORY_STATE[] = {
    {"items", WEIR_STATE_MAP, 0, 0},
    {"path", WEIR_STATE_LIST, 0, 0},
    {"last", WEIR_STATE_BYTES, 0, 0},
};
WEIR_FUNCTION_EXPORT const weir_function_def history = {
    .abi = WEIR_FUNCTION_ABI,
    .kind = WEIR_PROCESS,
    .signature = "(t TABLE ROW<who STRING, item STRING>) -> ROW<n INT, path STRING, before STRING>",
    .flags = WEIR_SET_SEMANTICS | WEIR_OPTIONAL_PARTITION_BY | WEIR_PASS_COLUMNS_THROUGH,
    .eval = history_eval,
    .state = HISTORY_STATE,
    .state_count = 3,
};

// ---- process, over several tables --------------------------------------------------------------

// Counts the rows of two tables by their common key. With a time: a timer that each row puts off,
// and one more for each row.
typedef struct Both {
    int64_t a, b;
} Both;

static int both_say(weir_call *call, uint32_t from, const char *what, const Both *both) {
    uint32_t out;
    if (weir_emit(call, from, &out)) return 1;
    if (what ? weir_set_text(&call->result[0], out, what) : weir_set_null(&call->result[0], out)) {
        return 1;
    }
    if (weir_set_int(&call->result[1], out, both->a)) return 1;
    return weir_set_int(&call->result[2], out, both->b);
}
static int both_eval(weir_call *call) {
    const weir_column *table = &call->args[call->table];
    WEIR_EACH_ROW(call, row) {
        Both *both = weir_state(call, 0, row);
        char what[32] = "b";
        if (call->table == 0)
            both->a++;
        else
            both->b++;
        // The other table has no columns now.
        const weir_column *n = weir_field(&call->args[0], "n");
        if (n) (void)snprintf(what, sizeof what, "a %lld", (long long)weir_int(n, row));
        if (table->rows < call->end) return weir_fail(call, "its table is torn");
        if (call->time) {
            int64_t ms = weir_time(call, row);
            if (weir_timer(call, row, "later", ms + 5000)) return 1;
            if (weir_timer(call, row, NULL, ms + 9000)) return 1;
        }
        if (both_say(call, row, what, both)) return 1;
    }
    return 0;
}
static int both_on_timer(weir_call *call) {
    if (call->table != WEIR_NO_TABLE) return weir_fail(call, "a timer has no table");
    return both_say(call, 0, call->timer, weir_state(call, 0, 0));
}
static const weir_state_def BOTH_STATE[] = {{"both", WEIR_STATE_VALUE, sizeof(Both), 0}};
#define BOTH_FUNCTION(name, of, more)                                 \
    WEIR_FUNCTION_EXPORT const weir_function_def name = {             \
        .abi = WEIR_FUNCTION_ABI,                                     \
        .kind = WEIR_PROCESS,                                         \
        .signature = of " -> ROW<said STRING, na BIGINT, nb BIGINT>", \
        .flags = WEIR_SET_SEMANTICS | (more),                         \
        .eval = both_eval,                                            \
        .state = BOTH_STATE,                                          \
        .state_count = 1,                                             \
        .on_timer = both_on_timer,                                    \
    }
BOTH_FUNCTION(pair, "(a TABLE, b TABLE)", 0);
BOTH_FUNCTION(pair_timed, "(a TABLE, b TABLE)", WEIR_REQUIRE_ON_TIME);
BOTH_FUNCTION(pair_half, "(a TABLE REQUIRE_ON_TIME, b TABLE)", 0);
BOTH_FUNCTION(pair_optional, "(a TABLE, b TABLE)", WEIR_OPTIONAL_PARTITION_BY);
BOTH_FUNCTION(pair_passing, "(a TABLE PASS_COLUMNS_THROUGH, b TABLE)", 0);

WEIR_FUNCTION_EXPORT const weir_function_def pair_by_row = {
    .abi = WEIR_FUNCTION_ABI,
    .kind = WEIR_PROCESS,
    .signature = "(a TABLE, b TABLE) -> STRING",
    .eval = both_eval,
};

// What changes a table brings, and a constant that may be left out.
static int changes_eval(weir_call *call) {
    static const char *const KINDS[] = {"+I", "-U", "+U", "-D"};
    const weir_column *table = &call->args[call->table];
    WEIR_EACH_ROW(call, row) {
        char what[64];
        uint32_t out;
        (void)snprintf(what, sizeof what, "%s %lld", KINDS[call->changes ? call->changes[row] : 0],
                       (long long)weir_int(&table->child[table->child_count - 1], row));
        if (weir_emit(call, row, &out) || weir_set_text(&call->result[0], out, what)) return 1;
    }
    return 0;
}
#define CHANGES_FUNCTION(name, of, more)                  \
    WEIR_FUNCTION_EXPORT const weir_function_def name = { \
        .abi = WEIR_FUNCTION_ABI,                         \
        .kind = WEIR_PROCESS,                             \
        .signature = of " -> ROW<said STRING>",           \
        .flags = (more),                                  \
        .eval = changes_eval,                             \
    }
CHANGES_FUNCTION(changes, "(a TABLE SUPPORT_UPDATES)", WEIR_SET_SEMANTICS);
CHANGES_FUNCTION(changes_before, "(a TABLE REQUIRE_UPDATE_BEFORE SUPPORT_UPDATES)",
                 WEIR_SET_SEMANTICS);
CHANGES_FUNCTION(changes_by_row, "(a TABLE)", WEIR_TAKES_UPDATES);
CHANGES_FUNCTION(changes_of_one, "(a TABLE SUPPORT_UPDATES, b TABLE)", WEIR_SET_SEMANTICS);
CHANGES_FUNCTION(changes_passing, "(a TABLE SUPPORT_UPDATES PASS_COLUMNS_THROUGH)",
                 WEIR_SET_SEMANTICS);

static int optional_eval(weir_call *call) {
    WEIR_EACH_ROW(call, row) {
        uint32_t out;
        const weir_column *n = &call->args[1];
        if (weir_emit(call, row, &out)) return 1;
        if (weir_is_null(n, 0) ? weir_set_null(&call->result[0], out)
                               : weir_set_int(&call->result[0], out, weir_int(n, 0))) {
            return 1;
        }
    }
    return 0;
}
WEIR_FUNCTION_EXPORT const weir_function_def optional = {
    .abi = WEIR_FUNCTION_ABI,
    .kind = WEIR_PROCESS,
    .signature = "(a TABLE, n INT?) -> ROW<n INT>",
    .flags = WEIR_SET_SEMANTICS,
    .eval = optional_eval,
};

// ---- what is refused ---------------------------------------------------------------------------

WEIR_FUNCTION_EXPORT const weir_function_def too_new = {.abi = 999, .kind = WEIR_SCALAR};
WEIR_FUNCTION_EXPORT const weir_function_def misspelt = {.abi = WEIR_FUNCTION_ABI,
                                                         .kind = WEIR_SCALAR,
                                                         .signature = "(STRNG) -> INT",
                                                         .eval = plus_one_eval};
WEIR_SCALAR_ROW(bad_text, "() -> STRING", call, row) {
    return weir_set_bytes(&call->result[0], row, "\xff", 1);
}
