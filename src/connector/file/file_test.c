#include "connector/file/file.h"

#include <stdio.h>
#include <stdlib.h>

#include "format/builtin.h"
#include "format/testing.h"
#include "os/os.h"
#include "test/unit.h"

// A table in a scratch directory, and a source output that prints what it gets.
typedef struct FileCase {
    Arena arena;
    Map map;
    TableDesc desc;
    char root[64];
    Error err;
    Buf out;
    SourceOutput output;
} FileCase;

static Status take_batch(SourceOutput *self, uint32_t split, Batch *batch, Error *err) {
    (void)err;
    FileCase *c = (FileCase *)((char *)self - offsetof(FileCase, output));
    buf_printf(&c->out, "split %u\n", split);
    testing_print(batch, &c->out);
    batch_unref(batch);
    return ST_OK;
}

static Status end_split(SourceOutput *self, uint32_t split, Error *err) {
    (void)err;
    FileCase *c = (FileCase *)((char *)self - offsetof(FileCase, output));
    buf_printf(&c->out, "end %u\n", split);
    return ST_OK;
}

static void option(FileCase *c, const char *key, const char *value) {
    (void)map_put(&c->map, str_c(key), (void *)(uintptr_t)value);
}

static void file_case(FileCase *c, const char *schema, const char *format) {
    formats_register();
    *c = (FileCase){.root = "/tmp/weir-file-test-XXXXXX",
                    .output = {.batch = take_batch, .split_end = end_split}};
    CHECK(mkdtemp(c->root));
    arena_init(&c->arena);
    option(c, "connector", "filesystem");
    option(c, "path", str_printf(&c->arena, "file://%s/t", c->root).ptr);
    option(c, "format", format);
    c->desc = (TableDesc){.name = STR("t"),
                          .physical = testing_schema(&c->arena, schema),
                          .options = {.map = &c->map, .owner = STR("t")}};
}

static void file_case_end(FileCase *c) {
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", c->root);
    CHECK_INT(system(command), 0);
    map_clear(&c->map);
    buf_free(&c->out);
    arena_clear(&c->arena);
}

static void put_file(FileCase *c, const char *name, const char *bytes) {
    Str path = str_printf(&c->arena, "%s/t/%s", c->root, name);
    uint32_t slash = path.len;
    while (path.ptr[slash - 1] != '/') slash--;
    CHECK_OK(os()->make_dirs(str_sub(path, 0, slash - 1), &c->err), &c->err);
    CHECK_OK(os_write_file(path, str_c(bytes), &c->err), &c->err);
}

static SourceReader *open_source(FileCase *c, const char *wanted, const MetadataColumn *metadata,
                                 uint32_t metadata_count, uint32_t index, uint32_t count) {
    const Type *want = wanted ? testing_schema(&c->arena, wanted) : c->desc.physical;
    const Type *child[32];
    Str field[32];
    for (uint32_t i = 0; i < want->child_count + metadata_count; i++) {
        bool meta = i >= want->child_count;
        child[i] = meta ? metadata[i - want->child_count].type : want->child[i];
        field[i] = meta ? metadata[i - want->child_count].key : want->field[i];
    }
    ScanSpec spec = {
        .table = &c->desc, .wanted = want, .metadata = metadata, .metadata_count = metadata_count,
        .produced = type_row(&c->arena, want->child_count + metadata_count, child, field, true),
        .limit = -1,
    };
    TaskEnv env = {.index = index, .count = count, .zone = zone_utc(), .arena = &c->arena};
    SourceReader *reader = NULL;
    Status st = FILE_CONNECTOR.source_open(&spec, &env, &reader, &c->err);
    if (st) buf_printf(&c->out, "error: %s\n", c->err.message);
    return reader;
}

static const char *read_all(FileCase *c, SourceReader *reader) {
    ReadState state = READ_MORE;
    while (reader && state != READ_END) {
        if (!reader->vt->poll(reader, &c->output, &state, &c->err)) continue;
        buf_printf(&c->out, "error: %s (%s:%u)\n", c->err.message, c->err.source,
                   c->err.place.line);
        break;
    }
    if (reader) reader->vt->close(reader);
    return buf_cstr(&c->out);
}

TEST(file, directories_partitions_and_metadata) {
    FileCase c;
    file_case(&c, "id INT, v STRING, day STRING, hour INT", "csv");
    Str keys[] = {STR("day"), STR("hour")};
    c.desc.partition_key = keys;
    c.desc.partition_key_count = 2;
    put_file(&c, "day=2024-01-01/hour=1/x.csv", "1,a\n");
    put_file(&c, "day=2024-01-01/hour=2/x.csv", "2,b\n3,c\n");
    put_file(&c, "day=__DEFAULT_PARTITION__/hour=3/_hidden", "9,z\n");
    put_file(&c, "day=__DEFAULT_PARTITION__/hour=3/y", "4,d");
    CHECK_STR(read_all(&c, open_source(&c, NULL, NULL, 0, 0, 1)),
              "split 0\n+I[1, a, 2024-01-01, 1]\nend 0\n"
              "split 1\n+I[2, b, 2024-01-01, 2]\n+I[3, c, 2024-01-01, 2]\nend 1\n"
              "split 2\n+I[4, d, NULL, 3]\nend 2\n");
    c.out.len = 0;
    MetadataColumn metadata[] = {{STR("file.name"), type_of(TYPE_VARCHAR, false)},
                                 {STR("file.size"), type_of(TYPE_BIGINT, false)}};
    CHECK_STR(read_all(&c, open_source(&c, "hour INT, id INT", metadata, 2, 1, 2)),
              "split 0\n+I[2, 2, x.csv, 8]\n+I[2, 3, x.csv, 8]\nend 0\n");
    file_case_end(&c);
}

TEST(file, errors_name_file_and_line) {
    FileCase c;
    file_case(&c, "id INT", "csv");
    put_file(&c, "a", "1\n2\nx\n");
    CHECK(strstr(read_all(&c, open_source(&c, NULL, NULL, 0, 0, 1)), "t/a:3)"));
    c.out.len = 0;
    option(&c, "source.path.regex-pattern", ".*/b");
    CHECK_STR(read_all(&c, open_source(&c, NULL, NULL, 0, 0, 1)), "");
    file_case_end(&c);
}

TEST(file, reading_goes_on_from_a_snapshot) {
    FileCase c;
    file_case(&c, "id INT, s STRING", "csv");
    Buf big = {0};
    enum { ROWS = 60000 };  // more than one block
    for (int i = 0; i < ROWS; i++) buf_printf(&big, "%d,text of row %d\n", i, i);
    put_file(&c, "a", buf_cstr(&big));
    put_file(&c, "b", "-1,last\n");
    Buf whole = {0}, parts = {0}, snapshot = {0};
    buf_puts(&whole, read_all(&c, open_source(&c, NULL, NULL, 0, 0, 1)));
    c.out.len = 0;
    for (bool more = true; more;) {  // a new reader for each poll
        SourceReader *reader = open_source(&c, NULL, NULL, 0, 0, 1);
        if (snapshot.len) CHECK_OK(reader->vt->restore(reader, buf_str(&snapshot), &c.err), &c.err);
        ReadState after;
        CHECK_OK(reader->vt->poll(reader, &c.output, &after, &c.err), &c.err);
        snapshot.len = 0;
        CHECK_OK(reader->vt->snapshot(reader, &snapshot, &c.err), &c.err);
        reader->vt->close(reader);
        more = after != READ_END;
    }
    buf_put(&parts, c.out.ptr, c.out.len);
    CHECK(strcmp(buf_cstr(&whole), buf_cstr(&parts)) == 0);
    buf_free(&big);
    buf_free(&whole);
    buf_free(&parts);
    buf_free(&snapshot);
    file_case_end(&c);
}

// Rows made from json lines.
static Batch *rows(FileCase *c, const char *json) {
    const Format *format = format_find(STR("json"));
    Map none = {0};
    DecodeSpec spec = {.full = c->desc.physical, .wanted = c->desc.physical,
                       .options = {.map = &none, .owner = STR("t"), .defs = format->options}};
    Decoder *decoder;
    CHECK_OK(format->decoder_new(&spec, &decoder, &c->err), &c->err);
    for (const char *line = json; *line;) {
        const char *feed = strchr(line, '\n');
        char *copy = arena_zalloc(&c->arena, (size_t)(feed - line) + DECODE_PADDING);
        memcpy(copy, line, (size_t)(feed - line));
        CHECK_OK(
            decoder->vt->message(decoder, str_make(copy, (size_t)(feed - line)), true, &c->err),
            &c->err);
        line = feed + 1;
    }
    Batch *batch = decoder_take(decoder);
    decoder->vt->close(decoder);
    return batch;
}

TEST(file, the_sink_shows_files_at_the_commit) {
    FileCase c;
    file_case(&c, "id INT, day STRING, s STRING", "csv");
    Str keys[] = {STR("day")};
    c.desc.partition_key = keys;
    c.desc.partition_key_count = 1;
    option(&c, "sink.partition-commit.policy.kind", "success-file");
    SinkSpec spec = {.table = &c.desc, .schema = c.desc.physical};
    TaskEnv env = {.count = 1, .zone = zone_utc(), .arena = &c.arena};
    SinkWriter *writer;
    CHECK_OK(FILE_CONNECTOR.sink_open(&spec, &env, &writer, &c.err), &c.err);
    Batch *batch = rows(&c, "{\"id\":1,\"day\":\"a/b\",\"s\":\"x\"}\n{\"id\":2,\"s\":\"y\"}\n"
                            "{\"id\":3,\"day\":\"a/b\",\"s\":\"z\"}\n");
    CHECK_OK(writer->vt->write(writer, batch, &c.err), &c.err);
    Buf committable = {0};
    CHECK_OK(writer->vt->prepare(writer, 7, &committable, &c.err), &c.err);
    CHECK_STR(read_all(&c, open_source(&c, NULL, NULL, 0, 0, 1)), "");
    // The process dies here, and the next attempt finds the checkpoint complete.
    writer->vt->close(writer);
    CHECK_OK(FILE_CONNECTOR.sink_open(&spec, &env, &writer, &c.err), &c.err);
    CHECK_OK(writer->vt->restore(writer, buf_str(&committable), &c.err), &c.err);
    CHECK_STR(read_all(&c, open_source(&c, NULL, NULL, 0, 0, 1)),
              "split 0\n+I[2, NULL, y]\nend 0\nsplit 1\n+I[1, a/b, x]\n+I[3, a/b, z]\nend 1\n");
    CHECK_OK(writer->vt->write(writer, batch, &c.err), &c.err);
    CHECK_OK(writer->vt->flush(writer, true, &c.err), &c.err);
    writer->vt->close(writer);
    OsStat stat;
    Str mark = str_printf(&c.arena, "%s/t/day=a%%2Fb/_SUCCESS", c.root);
    CHECK_OK(os()->stat(mark, &stat, &c.err), &c.err);
    CHECK(stat.exists);
    // Overwriting takes the old files of the partitions written away.
    spec.overwrite = true;
    CHECK_OK(FILE_CONNECTOR.sink_open(&spec, &env, &writer, &c.err), &c.err);
    Batch *one = batch_slice(batch, 1, 1);
    CHECK_OK(writer->vt->write(writer, one, &c.err), &c.err);
    CHECK_OK(writer->vt->flush(writer, true, &c.err), &c.err);
    writer->vt->close(writer);
    c.out.len = 0;
    CHECK_STR(
        read_all(&c, open_source(&c, "id INT", NULL, 0, 0, 1)),
        "split 0\n+I[2]\nend 0\nsplit 1\n+I[1]\n+I[3]\nend 1\nsplit 2\n+I[1]\n+I[3]\nend 2\n");
    batch_unref(one);
    batch_unref(batch);
    buf_free(&committable);
    file_case_end(&c);
}

TEST(file, compressed_files_are_inflated) {
    FileCase c;
    file_case(&c, "id INT", "csv");
    // "1\n2\n" and "3\n", one gzip member behind the other.
    static const unsigned char GZ[] = {
        0x1f, 0x8b, 0x08, 0, 0, 0, 0, 0, 0, 0xff, 0x33, 0xe4, 0x32, 0xe2, 0x02, 0, 0x61,
        0x78, 0xe1, 0x69, 0x04, 0, 0, 0, 0x1f, 0x8b, 0x08, 0, 0, 0, 0, 0, 0, 0xff, 0x33, 0xe6,
        0x02, 0, 0xd1, 0x9e, 0x67, 0x55, 0x02, 0, 0, 0};
    put_file(&c, "a.csv", "0\n");
    Str path = str_printf(&c.arena, "%s/t/b.csv.gz", c.root);
    Str bytes = str_make((const char *)GZ, sizeof GZ);
    CHECK_OK(os_write_file(path, bytes, &c.err), &c.err);
    CHECK_STR(read_all(&c, open_source(&c, NULL, NULL, 0, 0, 1)),
              "split 0\n+I[0]\nend 0\nsplit 1\n+I[1]\n+I[2]\n+I[3]\nend 1\n");
    CHECK_OK(os_write_file(path, str_sub(bytes, 0, 30), &c.err), &c.err);
    c.out.len = 0;
    CHECK(strstr(read_all(&c, open_source(&c, NULL, NULL, 0, 0, 1)), "ends too early"));
    file_case_end(&c);
}

TEST(file, a_monitored_directory_gives_new_files) {
    FileCase c;
    file_case(&c, "id INT", "csv");
    option(&c, "source.monitor-interval", "1 ms");
    CHECK(!FILE_CONNECTOR.source_bounded(&c.desc));
    put_file(&c, "a", "1\n");
    SourceReader *reader = open_source(&c, NULL, NULL, 0, 0, 1);
    ReadState after = READ_MORE;
    while (after != READ_IDLE)
        CHECK_OK(reader->vt->poll(reader, &c.output, &after, &c.err), &c.err);
    put_file(&c, "b", "2\n");
    for (int i = 0; i < 1000 && c.out.len < 30; i++) {
        if (after == READ_IDLE) reader->vt->wait(reader, 1);
        CHECK_OK(reader->vt->poll(reader, &c.output, &after, &c.err), &c.err);
    }
    CHECK_STR(buf_cstr(&c.out), "split 0\n+I[1]\nend 0\nsplit 1\n+I[2]\nend 1\n");
    reader->vt->stop(reader);
    CHECK_OK(reader->vt->poll(reader, &c.output, &after, &c.err), &c.err);
    CHECK(after == READ_END);
    reader->vt->close(reader);
    file_case_end(&c);
}
