// The print connector: a line for each change, "x> +I[1, a]". Values look as Flink's external Java
// objects do in Row.toString: this is not how CAST prints them.
#include <inttypes.h>
#include <stdio.h>

#include "connector/simple/simple.h"
#include "type/java_print.h"

// clang-format off
static const OptionDef PRINT_OPTIONS[] = {
    {.key = "connector", .kind = OPTION_TEXT, .required = true, .doc = "'print'."},
    {.key = "print-identifier", .kind = OPTION_TEXT, .doc = "Stands at the start of each line, with '> ' behind it."},
    {.key = "standard-error", .kind = OPTION_BOOL, .fallback = "false", .doc = "Print to standard error."},
    {0},
};
// clang-format on

typedef struct PrintWriter {
    SinkWriter base;
    Buf line;
    Buf prefix;
    bool to_stderr;
    void (*print)(void *arg, Str line, bool to_stderr);
    void *print_arg;
} PrintWriter;

static Status print_check(const TableDesc *desc, bool as_sink, Error *err) {
    (void)as_sink;
    Options options = desc->options;
    options.defs = PRINT_OPTIONS;
    const OptionDef *const also[] = {TABLE_OPTIONS, NULL};
    return options_check(&options, also, err);
}

static Status print_changes(const TableDesc *desc, uint32_t requested, uint32_t *taken,
                            Error *err) {
    (void)desc;
    (void)err;
    *taken = requested;
    return ST_OK;
}

static void put_value(const Vec *vec, uint32_t row, Buf *out);

static void put_fields(const Type *type, Vec *const *field, uint32_t row, RowKind kind, Buf *out) {
    buf_puts(out, row_kind_name(kind));
    buf_putc(out, '[');
    for (uint32_t i = 0; i < type->child_count; i++) {
        if (i) buf_puts(out, ", ");
        put_value(field[i], row, out);
    }
    buf_putc(out, ']');
}

static void put_list(const Vec *vec, uint32_t row, Buf *out) {
    ListView list = vec_list(vec)[row];
    bool pairs = vec->type->kind != TYPE_ARRAY;
    buf_putc(out, pairs ? '{' : '[');
    for (uint32_t i = list.offset; i < list.offset + list.count; i++) {
        if (i > list.offset) buf_puts(out, ", ");
        put_value(vec->child[0], i, out);
        if (!pairs) continue;
        buf_putc(out, '=');
        put_value(vec->child[1], i, out);
    }
    buf_putc(out, pairs ? '}' : ']');
}

static void put_bytes(Str bytes, Buf *out) {
    buf_putc(out, '[');
    for (uint32_t i = 0; i < bytes.len; i++) {
        if (i) buf_puts(out, ", ");
        buf_printf(out, "%d", (int)(signed char)bytes.ptr[i]);
    }
    buf_putc(out, ']');
}

static void put_value(const Vec *vec, uint32_t row, Buf *out) {
    if (vec_is_null(vec, row)) {
        buf_puts(out, "null");
        return;
    }
    switch (vec->type->kind) {
        case TYPE_BOOLEAN: buf_puts(out, vec_u8(vec)[row] ? "true" : "false"); break;
        case TYPE_FLOAT: print_f32(vec_f32(vec)[row], out); break;
        case TYPE_DOUBLE: print_f64(vec_f64(vec)[row], out); break;
        case TYPE_DECIMAL:
            print_decimal(vec_i128(vec)[row], vec->type->scale, false, false, out);
            break;
        case TYPE_CHAR:
        case TYPE_VARCHAR: buf_put_str(out, vec_str(vec)[row]); break;
        case TYPE_BINARY:
        case TYPE_VARBINARY:
        case TYPE_RAW:
        case TYPE_BITMAP:
        case TYPE_VARIANT: put_bytes(vec_str(vec)[row], out); break;
        case TYPE_DATE: print_date(vec_i32(vec)[row], out); break;
        case TYPE_TIME: print_local_time(vec_i32(vec)[row], out); break;
        case TYPE_TIMESTAMP: print_local_date_time(vec_timestamp(vec, row), out); break;
        case TYPE_TIMESTAMP_LTZ: print_instant(vec_timestamp(vec, row), out); break;
        case TYPE_ARRAY:
        case TYPE_MAP:
        case TYPE_MULTISET: put_list(vec, row, out); break;
        case TYPE_ROW: put_fields(vec->type, vec->child, row, ROW_INSERT, out); break;
        default: print_i64(vec_integer(vec, row), out); break;
    }
}

static Status print_write(SinkWriter *base, const Batch *batch, Error *err) {
    (void)err;
    PrintWriter *self = (PrintWriter *)base;
    for (uint32_t row = 0; row < batch->rows; row++) {
        self->line.len = 0;
        buf_put(&self->line, self->prefix.ptr, self->prefix.len);
        put_fields(batch->schema, batch->column, row, batch_kind(batch, row), &self->line);
        if (self->print) {
            self->print(self->print_arg, buf_str(&self->line), self->to_stderr);
        } else {
            (void)fprintf(self->to_stderr ? stderr : stdout, STR_FMT "\n",
                          STR_ARG(buf_str(&self->line)));
        }
    }
    return ST_OK;
}

static Status print_flush(SinkWriter *base, bool end_of_input, Error *err) {
    (void)end_of_input;
    (void)err;
    PrintWriter *self = (PrintWriter *)base;
    if (!self->print) (void)fflush(self->to_stderr ? stderr : stdout);
    return ST_OK;
}

static void print_close(SinkWriter *base) {
    PrintWriter *self = (PrintWriter *)base;
    buf_free(&self->line);
    buf_free(&self->prefix);
    mem_free(self);
}

static const SinkVt PRINT_SINK = {.write = print_write, .flush = print_flush, .close = print_close};

static Status print_open(const SinkSpec *spec, const TaskEnv *env, SinkWriter **out, Error *err) {
    (void)err;
    Options options = spec->table->options;
    options.defs = PRINT_OPTIONS;
    PrintWriter *self = NEW(PrintWriter);
    self->base.vt = &PRINT_SINK;
    self->print = env->print;
    self->print_arg = env->print_arg;
    self->to_stderr = options_bool(&options, "standard-error");
    const char *identifier = options_get(&options, "print-identifier");
    if (identifier) buf_puts(&self->prefix, identifier);
    if (env->count > 1) {
        if (self->prefix.len) buf_putc(&self->prefix, ':');
        buf_printf(&self->prefix, "%" PRIu32, env->index + 1);
    }
    if (self->prefix.len) buf_puts(&self->prefix, "> ");
    *out = &self->base;
    return ST_OK;
}

const Connector PRINT_CONNECTOR = {
    .name = "print",
    .options = PRINT_OPTIONS,
    .sink = true,
    .check = print_check,
    .sink_changes = print_changes,
    .sink_open = print_open,
    .guarantee = "at-least-once",
    .doc = "Prints every change.",
};
