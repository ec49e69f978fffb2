#include "connector/simple/simple.h"

#include "format/builtin.h"
#include "format/testing.h"
#include "os/os.h"
#include "test/unit.h"

typedef struct SimpleCase {
    Arena arena;
    Map map;
    TableDesc desc;
    TaskEnv env;
    Error err;
    Buf out;
    uint32_t rows;
    SourceOutput output;
} SimpleCase;

static Status take_batch(SourceOutput *self, uint32_t split, Batch *batch, Error *err) {
    (void)split;
    (void)err;
    SimpleCase *c = (SimpleCase *)((char *)self - offsetof(SimpleCase, output));
    testing_print(batch, &c->out);
    c->rows += batch->rows;
    batch_unref(batch);
    return ST_OK;
}

static void print_line(void *arg, Str line, bool to_stderr) {
    (void)to_stderr;
    SimpleCase *c = arg;
    buf_put_str(&c->out, line);
    buf_putc(&c->out, '\n');
}

static void simple_case(SimpleCase *c, const char *connector, const char *schema) {
    *c = (SimpleCase){.output = {.batch = take_batch}};
    arena_init(&c->arena);
    (void)map_put(&c->map, STR("connector"), (void *)(uintptr_t)connector);
    c->desc = (TableDesc){.name = STR("t"), .physical = testing_schema(&c->arena, schema),
                          .options = {.map = &c->map, .owner = STR("t")}};
    c->env = (TaskEnv){.count = 1, .zone = zone_utc(), .arena = &c->arena, .print = print_line,
                       .print_arg = c};
}

static void option(SimpleCase *c, const char *key, const char *value) {
    (void)map_put(&c->map, str_c(key), (void *)(uintptr_t)value);
}

static void simple_case_end(SimpleCase *c) {
    map_clear(&c->map);
    buf_free(&c->out);
    arena_clear(&c->arena);
}

static const char *generate(SimpleCase *c, const char *wanted) {
    const Type *want = wanted ? testing_schema(&c->arena, wanted) : c->desc.physical;
    ScanSpec spec = {.table = &c->desc, .wanted = want, .produced = want, .limit = -1};
    SourceReader *reader;
    c->out.len = 0;
    c->rows = 0;
    Status st = DATAGEN_CONNECTOR.check(&c->desc, false, &c->err);
    if (!st) st = DATAGEN_CONNECTOR.source_open(&spec, &c->env, &reader, &c->err);
    if (st) return c->err.message;
    for (ReadState state = READ_MORE; state != READ_END && !st;) {
        st = reader->vt->poll(reader, &c->output, &state, &c->err);
        if (state == READ_IDLE) reader->vt->wait(reader, 1000);
    }
    reader->vt->close(reader);
    return buf_cstr(&c->out);
}

TEST(datagen, sequences_end_with_the_shortest) {
    SimpleCase c;
    simple_case(&c, "datagen", "i INT, s STRING, d DOUBLE");
    static const char *const KIND[] = {"fields.i.kind", "fields.s.kind", "fields.d.kind"};
    for (int i = 0; i < 3; i++) option(&c, KIND[i], "sequence");
    option(&c, "fields.i.start", "1");
    option(&c, "fields.i.end", "3");
    option(&c, "fields.s.start", "-2");
    option(&c, "fields.s.end", "9");
    option(&c, "fields.d.start", "0");
    CHECK(strstr(generate(&c, NULL), "fields.d.end"));
    option(&c, "fields.d.end", "10");
    CHECK_STR(generate(&c, NULL), "+I[1, -2, 0.0]\n+I[2, -1, 1.0]\n+I[3, 0, 2.0]\n");
    c.env.count = 2;
    c.env.index = 1;
    CHECK_STR(generate(&c, "s STRING"), "+I[-1]\n");
    simple_case_end(&c);
}

TEST(datagen, random_rows_keep_to_their_options) {
    SimpleCase c;
    simple_case(&c, "datagen",
                "i INT, s VARCHAR(3), n INT, a ARRAY<INT>, r ROW<x TINYINT, y MAP<INT, INT>>");
    option(&c, "number-of-rows", "20");
    option(&c, "fields.i.min", "3");
    option(&c, "fields.i.max", "3");
    option(&c, "fields.s.length", "2");
    option(&c, "fields.n.null-rate", "1");
    option(&c, "fields.a.element.min", "7");
    option(&c, "fields.a.element.max", "7");
    option(&c, "fields.a.length", "2");
    option(&c, "fields.r.x.max", "-128");
    option(&c, "fields.r.y.length", "0");
    option(&c, "rows-per-second", "100000");
    (void)generate(&c, NULL);
    CHECK_INT(c.rows, 20);
    for (char *line = c.out.ptr; *line; line = strchr(line, '\n') + 1) {
        CHECK(strncmp(line, "+I[3, ", 6) == 0 &&
              strncmp(line + 8, ", NULL, [7, 7], (-128, {})]\n", 27) == 0);
    }
    option(&c, "fields.nope.min", "1");
    CHECK(strstr(generate(&c, NULL), "unsupported option 'fields.nope.min'"));
    simple_case_end(&c);
}

TEST(print, rows_look_as_java_prints_them) {
    formats_register();
    SimpleCase c;
    simple_case(
        &c, "print",
        "a INT, b STRING, c DOUBLE, d DECIMAL(10, 2), e TIMESTAMP(3), f TIMESTAMP_LTZ(3), g DATE, "
        "h TIME(3), i ARRAY<INT>, j MAP<STRING, INT>, k ROW<x INT, y STRING>, l BYTES, m BOOLEAN, "
        "p TIMESTAMP(9), u TIME");
    option(&c, "print-identifier", "xx");
    c.env.count = 2;
    SinkSpec spec = {.table = &c.desc, .schema = c.desc.physical};
    SinkWriter *writer;
    CHECK_OK(PRINT_CONNECTOR.sink_open(&spec, &c.env, &writer, &c.err), &c.err);
    const Format *format = format_find(STR("json"));
    Map none = {0};
    DecodeSpec decode = {.full = c.desc.physical, .wanted = c.desc.physical,
                         .options = {.map = &none, .owner = STR("t"), .defs = format->options}};
    Decoder *decoder;
    CHECK_OK(format->decoder_new(&decode, &decoder, &c.err), &c.err);
    char text[1024] =
        "{\"a\":1,\"b\":\"b\",\"c\":1e10,\"d\":1.5,\"e\":\"2024-01-01 "
        "00:00:00\",\"f\":\"1970-01-01 00:00:01.5Z\","
        "\"g\":\"2024-01-01\",\"h\":\"10:00:00\",\"i\":[1,2],\"j\":{\"k\":1},\"k\":{\"x\":1,\"y\":"
        "\"y\"},"
        "\"l\":\"AP8=\",\"m\":true,\"p\":\"2024-01-01 00:00:01.123456789\",\"u\":\"10:20:30\"}";
    CHECK_OK(decoder->vt->message(decoder, str_c(text), true, &c.err), &c.err);
    Batch *batch = decoder_take(decoder);
    CHECK_OK(writer->vt->write(writer, batch, &c.err), &c.err);
    CHECK_STR(buf_cstr(&c.out),
              "xx:1> +I[1, b, 1.0E10, 1.50, 2024-01-01T00:00, 1970-01-01T00:00:01.500Z, "
              "2024-01-01, 10:00, "
              "[1, 2], {k=1}, +I[1, y], [0, -1], true, 2024-01-01T00:00:01.123456789, 10:20:30]\n");
    batch_unref(batch);
    decoder->vt->close(decoder);
    writer->vt->close(writer);
    simple_case_end(&c);
}
