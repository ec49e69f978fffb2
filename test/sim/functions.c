// A table function, and a process table function with state of every kind and timers, for jobs to
// call.
//
// sim_digits: the digits of a number, a row each.
//
// sim_lulls: rows of two tables come in one order of time; after a lull of [gap] of a key its burst
// is told of: how many rows of each table, how many different values of v, the ids in order.
#include <stdlib.h>

#include "base/text.h"
#include "jobs.h"
#include "weir.h"

typedef struct Burst {
    int64_t rows[2];  // of each table
} Burst;

enum { BURST, IDS, KINDS };
static const weir_state_def STATE[] = {{"burst", WEIR_STATE_VALUE, sizeof(Burst), 0},
                                       {"ids", WEIR_STATE_LIST, 0, 0},
                                       {"kinds", WEIR_STATE_MAP, 0, 0}};

static int see(weir_call *call) {
    const weir_column *table = &call->args[call->table];
    const weir_column *id = weir_field(table, "id"), *v = weir_field(table, "v");
    WEIR_EACH_ROW(call, row) {
        Burst *burst = weir_state(call, BURST, row);
        burst->rows[call->table]++;
        int64_t number = weir_int(id, row), kind = weir_int(v, row);
        if (weir_list_add(call, IDS, row, &number, sizeof number)) return 1;
        if (weir_map_put(call, KINDS, row, &kind, sizeof kind, "x", 1)) return 1;
        int64_t end_ms = weir_time(call, row) + weir_int(&call->args[2], row);
        if (weir_timer(call, row, "end", end_ms)) return 1;
    }
    return 0;
}

static int tell(weir_call *call) {
    const Burst *burst = weir_state(call, BURST, 0);
    int64_t kinds = 0;
    uint32_t out;
    weir_text key, value;
    Buf ids = {0};
    for (uint64_t at = 0; weir_state_next(call, KINDS, 0, &at, &key, &value);) kinds++;
    for (uint64_t at = 0; weir_state_next(call, IDS, 0, &at, &key, &value);) {
        int64_t number;
        memcpy(&number, value.ptr, sizeof number);
        buf_printf(&ids, "%s%lld", ids.len ? " " : "", (long long)number);
    }
    int failed = weir_emit(call, 0, &out);
    for (uint32_t i = 0; i < 2 && !failed; i++) {
        failed = weir_set_int(&call->result[i], out, burst->rows[i]);
    }
    if (!failed) failed = weir_set_int(&call->result[2], out, kinds);
    if (!failed) failed = weir_set_text(&call->result[3], out, buf_cstr(&ids));
    buf_free(&ids);
    return failed || weir_clear_all(call, 0);
}

static int digits(weir_call *call) {
    WEIR_EACH_ROW(call, row) {
        char text[32];
        int len = snprintf(text, sizeof text, "%lld", (long long)weir_int(&call->args[0], row));
        for (int i = 0; i < len; i++) {
            uint32_t out;
            if (weir_emit(call, row, &out)) return 1;
            if (weir_set_int(&call->result[0], out, text[i] - '0')) return 1;
        }
    }
    return 0;
}

static void define(const char *name, const weir_function_def *def) {
    char why[256] = "";
    if (weir_define(name, def, NULL, why, sizeof why) == WEIR_OK) return;
    fprintf(stderr, "weir-sim: %s\n", why);
    exit(2);
}

void functions_register(void) {
    static const weir_function_def DIGITS = {
        .abi = WEIR_FUNCTION_ABI,
        .kind = WEIR_TABLE,
        .signature = "(number BIGINT) -> ROW<digit BIGINT>",
        .eval = digits,
    };
    static const weir_function_def LULLS = {
        .abi = WEIR_FUNCTION_ABI,
        .kind = WEIR_PROCESS,
        .signature = "(events TABLE, others TABLE, gap INTERVAL DAY TO SECOND) -> "
                     "ROW<events BIGINT, others BIGINT, kinds BIGINT, ids STRING>",
        .flags = WEIR_SET_SEMANTICS | WEIR_REQUIRE_ON_TIME,
        .eval = see,
        .on_timer = tell,
        .state = STATE,
        .state_count = sizeof STATE / sizeof *STATE,
    };
    define("sim_digits", &DIGITS);
    define("sim_lulls", &LULLS);
}
