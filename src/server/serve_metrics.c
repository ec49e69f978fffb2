#include "server/serve_int.h"

const int64_t SERVE_BUCKET_US[SERVE_BUCKETS] = {50,    100,   250,    500,    1000,   2500,
                                                5000,  10000, 25000,  100000, 500000, 2500000};

static void add(_Atomic uint64_t *to, uint64_t value) {
    atomic_fetch_add_explicit(to, value, memory_order_relaxed);
}

void serve_count(Served *served, int status, uint32_t rows, int64_t time_ns) {
    add(&served->requests[status < 300 ? SERVE_GOOD : status < 500 ? SERVE_WRONG : SERVE_FAILED],
        1);
    add(&served->rows, rows);
    int64_t us = time_ns / 1000;
    uint32_t b = 0;
    while (b < SERVE_BUCKETS && us > SERVE_BUCKET_US[b]) b++;
    add(&served->bucket[b], 1);
    add(&served->time_us, (uint64_t)us);
}

// A name as the value of a label.
static void put_label(Str name, Buf *out) {
    for (uint32_t i = 0; i < name.len; i++) {
        if (name.ptr[i] == '"' || name.ptr[i] == '\\') buf_putc(out, '\\');
        buf_putc(out, name.ptr[i]);
    }
}

static void put_line(const char *metric, const Served *served, const char *more, double value,
                     Buf *out) {
    buf_printf(out, "%s{model=\"", metric);
    put_label(served->name, out);
    buf_printf(out, "\"%s} %.17g\n", more, value);
}

static void put_head(const char *metric, const char *type, const char *help, Buf *out) {
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", metric, help, metric, type);
}

static void put_times(const Served *served, Buf *out) {
    static const char NAME[] = "weir_model_request_seconds_bucket";
    uint64_t sum = 0;
    char more[64];
    for (uint32_t b = 0; b <= SERVE_BUCKETS; b++) {
        sum += atomic_load(&served->bucket[b]);
        Buf le = {0};
        if (b < SERVE_BUCKETS) buf_printf(&le, "%g", (double)SERVE_BUCKET_US[b] / 1e6);
        else buf_puts(&le, "+Inf");
        buf_putc(&le, 0);
        Buf text = {0};
        buf_printf(&text, ",le=\"%s\"", le.ptr);
        memcpy(more, text.ptr, text.len);
        more[text.len] = 0;
        put_line(NAME, served, more, (double)sum, out);
        buf_free(&le);
        buf_free(&text);
    }
    put_line("weir_model_request_seconds_sum", served, "",
             (double)atomic_load(&served->time_us) / 1e6, out);
    put_line("weir_model_request_seconds_count", served, "", (double)sum, out);
}

void serve_print_served(Served *const *served, uint32_t count, Buf *out) {
    static const char *const CODES[SERVE_OUTCOMES] = {"200", "400", "500"};
    put_head("weir_model_requests_total", "counter", "Requests for predictions.", out);
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t o = 0; o < SERVE_OUTCOMES; o++) {
            Buf more = {0};
            buf_printf(&more, ",code=\"%s\"", CODES[o]);
            put_line("weir_model_requests_total", served[i], buf_cstr(&more),
                     (double)atomic_load(&served[i]->requests[o]), out);
            buf_free(&more);
        }
    }
    put_head("weir_model_rows_total", "counter", "Rows that were predicted.", out);
    for (uint32_t i = 0; i < count; i++) {
        put_line("weir_model_rows_total", served[i], "", (double)atomic_load(&served[i]->rows),
                 out);
    }
    put_head("weir_model_batches_total", "counter", "Times that the model was asked.", out);
    for (uint32_t i = 0; i < count; i++) {
        put_line("weir_model_batches_total", served[i], "",
                 (double)atomic_load(&served[i]->batches), out);
    }
    put_head("weir_model_version", "gauge", "How often the model's file was loaded; 0: it is gone.",
             out);
    for (uint32_t i = 0; i < count; i++) {
        put_line("weir_model_version", served[i], "",
                 (double)atomic_load(&served[i]->in_service), out);
    }
    put_head("weir_model_reload_failures_total", "counter", "Files that could not be loaded.",
             out);
    for (uint32_t i = 0; i < count; i++) {
        put_line("weir_model_reload_failures_total", served[i], "",
                 (double)atomic_load(&served[i]->reload_failures), out);
    }
    put_head("weir_model_request_seconds", "histogram", "From a request's last byte to its answer.",
             out);
    for (uint32_t i = 0; i < count; i++) put_times(served[i], out);
}
