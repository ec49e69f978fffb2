// late_orders.c - "left and not collected" as a process table function: state and a timer for each
// order, called as
//
//     SELECT * FROM late_orders(events => TABLE events PARTITION BY order_id ORDER BY ts,
//                               timeout => INTERVAL '6' HOUR, on_time => DESCRIPTOR(ts));
//
//     cc -shared -fPIC -o liblate.so late_orders.c $(pkg-config --cflags weir)
#include <weir.h>

typedef struct Order {
    int64_t left_ms;  // 0: it has not left
} Order;

enum { ORDER };  // the only entry of the state

static int see(weir_call *call) {
    const weir_column *what = weir_field(&call->args[0], "what");
    if (!what) return weir_fail(call, "the table needs a column 'what'");
    WEIR_EACH_ROW(call, row) {
        Order *order = weir_state(call, ORDER, row);
        weir_text event = weir_str(what, row);
        if (weir_text_is(event, "LEFT")) {
            order->left_ms = weir_time(call, row);
            int64_t deadline = order->left_ms + weir_int(&call->args[1], row);
            if (weir_timer(call, row, "deadline", deadline)) return 1;
        } else if (weir_text_is(event, "COLLECTED")) {
            if (weir_clear_all(call, row)) return 1;  // nothing to wait for
        }
    }
    return 0;
}

static int too_late(weir_call *call) {
    const Order *order = weir_state(call, ORDER, 0);
    uint32_t out;
    if (weir_emit(call, 0, &out)) return 1;
    if (weir_set_int(&call->result[0], out, order->left_ms)) return 1;
    return weir_clear_all(call, 0);
}

static const weir_state_def STATE[] = {{"order", WEIR_STATE_VALUE, sizeof(Order), 0}};

WEIR_FUNCTION_EXPORT const weir_function_def late_orders = {
    .abi = WEIR_FUNCTION_ABI,
    .kind = WEIR_PROCESS,
    .signature = "(events TABLE, timeout INTERVAL DAY TO SECOND) -> ROW<left_at TIMESTAMP(3)>",
    .doc = "Orders that LEFT and were not COLLECTED in time.",
    .flags = WEIR_SET_SEMANTICS | WEIR_REQUIRE_ON_TIME,
    .eval = see,
    .on_timer = too_late,
    .state = STATE,
    .state_count = 1,
};
