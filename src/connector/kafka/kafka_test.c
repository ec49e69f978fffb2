// The connectors against librdkafka's mock cluster: what is decoded, where reading starts and
// stops, what is written, and what goes wrong. The format is one of the test's own: words set apart
// by blanks.
#include "connector/kafka/kafka.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdio.h>

#include "connector/kafka/kafka_int.h"
#include "test/unit.h"

// --- The format 'words' ------------------------------------------------------------------------

typedef struct Words {
    Decoder base;
    const Type *full, *wanted;
} Words;

static bool word_at(Str text, uint32_t index, Str *word) {
    for (uint32_t at = 0; at <= text.len;) {
        int64_t end = str_find(text, STR(" "), at);
        uint32_t stop = end < 0 ? text.len : (uint32_t)end;
        if (index-- == 0) return *word = str_sub(text, at, stop - at), true;
        at = stop + 1;
    }
    return false;
}

static Status words_message(Decoder *base, Str message, bool borrow, Error *err) {
    Words *self = (Words *)base;
    if (!message.ptr) return ST_OK;
    if (str_is(message, "bad")) return error_set(err, ST_RUNTIME, "bad words");
    if (!base->batch) base->batch = batch_new_columns(base->produced, 0);
    uint32_t row = base->batch->rows;
    batch_set_rows(base->batch, row + 1);
    for (uint32_t i = 0; i < self->wanted->child_count; i++) {
        uint32_t index = 0;
        while (!str_eq(self->full->field[index], self->wanted->field[i])) index++;
        Str word;
        Vec *vec = base->batch->column[i];
        int64_t number;
        if (!word_at(message, index, &word)) {
            vec_set_null(vec, row);
        } else if (vec->phys == PHYS_STR) {
            vec_str(vec)[row] = word;  // the test holds that borrowed bytes stay
        } else {
            CHECK(str_to_i64(word, &number));
            vec_set_integer(vec, row, number);
        }
    }
    return ST_OK;
}

static void words_close(Decoder *base) {
    batch_unref(base->batch);
    mem_free(base);
}

static const DecoderVt WORDS_DECODER = {.message = words_message, .close = words_close};

static Status words_decoder(const DecodeSpec *spec, Decoder **out, Error *err) {
    Words *self = NEW(Words);
    self->base.vt = &WORDS_DECODER;
    self->base.produced = spec->produced;
    self->full = spec->full;
    self->wanted = spec->wanted;
    *out = &self->base;
    return ST_OK;
}

typedef struct WordsEncoder {
    Encoder base;
} WordsEncoder;

static Status words_row(Encoder *self, const Batch *batch, uint32_t row, Buf *out, Error *err) {
    for (uint32_t i = 0; i < batch->schema->child_count; i++) {
        const Vec *vec = batch->column[i];
        if (i) buf_putc(out, ' ');
        if (vec->phys == PHYS_STR) {
            buf_put_str(out, vec_str(vec)[row]);
        } else {
            buf_printf(out, "%lld", (long long)vec_integer(vec, row));
        }
    }
    return ST_OK;
}

static void words_encoder_close(Encoder *self) {
    mem_free(self);
}

static const EncoderVt WORDS_ENCODER = {.row = words_row, .close = words_encoder_close};

static Status words_encoder(const EncodeSpec *spec, Encoder **out, Error *err) {
    WordsEncoder *self = NEW(WordsEncoder);
    self->base.vt = &WORDS_ENCODER;
    *out = &self->base;
    return ST_OK;
}

static const OptionDef NO_OPTIONS[] = {{0}};
static const Format WORDS = {
    .name = "words",
    .options = NO_OPTIONS,
    .decodes = CHANGES_APPEND,
    .encodes = CHANGES_APPEND,
    .decoder_new = words_decoder,
    .encoder_new = words_encoder,
};

// --- A table -----------------------------------------------------------------------------------

typedef struct Fixture {
    Arena arena;
    Map options;
    TableDesc desc;
    TaskEnv env;
    rd_kafka_t *rk;  // a producer, for the test's own messages
    rd_kafka_mock_cluster_t *cluster;
    char brokers[128];
    uint32_t key[1];
    Buf rows;  // what was read: "kind split: a, b\n"
    Buf told;  // and what the source says of it
} Fixture;

static void option(Fixture *f, const char *key, const char *value) {
    (void)map_put(&f->options, str_c(key), (void *)value);
    f->desc.options.map = &f->options;
}

static void no_log(const rd_kafka_t *rk, int level, const char *facility, const char *text) {
}

// Columns id INT, name STRING over topic 't' in format 'words', read whole, with an end.
static void fixture_open(Fixture *f, int partitions) {
    *f = (Fixture){0};
    format_register(&WORDS);
    arena_init(&f->arena);
    const Type *types[] = {type_of(TYPE_INT, true), type_of(TYPE_VARCHAR, true)};
    Str names[] = {STR("id"), STR("name")};
    f->desc.name = STR("t");
    f->desc.physical = type_row(&f->arena, 2, types, names, false);
    f->desc.options.owner = STR("t");
    f->env = (TaskEnv){.count = 1, .arena = &f->arena};
    if (partitions) {
        rd_kafka_conf_t *conf = rd_kafka_conf_new();
        rd_kafka_conf_set_log_cb(conf, no_log);
        f->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, NULL, 0);
        f->cluster = rd_kafka_mock_cluster_new(f->rk, 1);
        (void)rd_kafka_mock_topic_create(f->cluster, "t", partitions, 1);
        (void)snprintf(f->brokers, sizeof f->brokers, "%s",
                       rd_kafka_mock_cluster_bootstraps(f->cluster));
        rd_kafka_brokers_add(f->rk, f->brokers);
    } else {
        (void)snprintf(f->brokers, sizeof f->brokers, "127.0.0.1:1");
    }
    option(f, "connector", "kafka");
    option(f, "topic", "t");
    option(f, "properties.bootstrap.servers", f->brokers);
    option(f, "format", "words");
    option(f, "scan.startup.mode", "earliest-offset");
    option(f, "scan.bounded.mode", "latest-offset");
}

static void fixture_close(Fixture *f) {
    if (f->cluster) rd_kafka_mock_cluster_destroy(f->cluster);
    if (f->rk) rd_kafka_destroy(f->rk);
    map_clear(&f->options);
    arena_clear(&f->arena);
    buf_free(&f->rows);
    buf_free(&f->told);
}

// As upsert-kafka, key id.
static void fixture_upsert(Fixture *f) {
    option(f, "connector", "upsert-kafka");
    (void)map_remove(&f->options, STR("format"));
    (void)map_remove(&f->options, STR("scan.startup.mode"));
    option(f, "key.format", "words");
    option(f, "value.format", "words");
    f->key[0] = 0;
    f->desc.primary_key = f->key;
    f->desc.primary_key_count = 1;
}

static void give(Fixture *f, int32_t partition, const char *key, const char *value) {
    rd_kafka_resp_err_t code =
        rd_kafka_producev(f->rk, RD_KAFKA_V_TOPIC("t"), RD_KAFKA_V_PARTITION(partition),
                          RD_KAFKA_V_KEY((void *)key, key ? strlen(key) : 0),
                          RD_KAFKA_V_VALUE((void *)value, value ? strlen(value) : 0),
                          RD_KAFKA_V_TIMESTAMP(1700000000000), RD_KAFKA_V_HEADER("h", "v", 1),
                          RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
    CHECK(code == 0);
    CHECK(rd_kafka_flush(f->rk, 5000) == 0);
}

// --- Reading -----------------------------------------------------------------------------------

typedef struct Taker {
    SourceOutput base;
    Fixture *f;
    uint32_t started, ended;
} Taker;

static void put_cell(Buf *out, const Vec *vec, uint32_t row) {
    if (vec_is_null(vec, row)) {
        buf_puts(out, "NULL");
    } else if (vec->phys == PHYS_STR) {
        buf_put_str(out, vec_str(vec)[row]);
    } else if (vec->phys == PHYS_LIST) {
        ListView list = vec_list(vec)[row];
        for (uint32_t i = list.offset; i < list.offset + list.count; i++) {
            put_cell(out, vec->child[0], i);
            buf_putc(out, '=');
            put_cell(out, vec->child[1], i);
        }
    } else {
        buf_printf(out, "%lld", (long long)vec_integer(vec, row));
    }
}

static Status take_batch(SourceOutput *base, uint32_t split, Batch *batch, Error *err) {
    Taker *self = (Taker *)base;
    for (uint32_t row = 0; row < batch->rows; row++) {
        buf_printf(&self->f->rows, "%s", row_kind_name(batch_kind(batch, row)));
        for (uint32_t i = 0; i < batch->schema->child_count; i++) {
            buf_putc(&self->f->rows, ' ');
            put_cell(&self->f->rows, batch->column[i], row);
        }
        buf_putc(&self->f->rows, '\n');
    }
    batch_unref(batch);
    return ST_OK;
}
static Status take_end(SourceOutput *base, uint32_t split, Error *err) {
    ((Taker *)base)->ended++;
    return ST_OK;
}
static Status take_start(SourceOutput *base, uint32_t split, Error *err) {
    ((Taker *)base)->started++;
    return ST_OK;
}

static const Connector *connector_of(Fixture *f) {
    return f->desc.primary_key_count ? &UPSERT_KAFKA_CONNECTOR : &KAFKA_CONNECTOR;
}

static Status open_source(Fixture *f, const char *const *metadata, uint32_t count,
                          SourceReader **out, Error *err) {
    ScanSpec *spec = ARENA_NEW(&f->arena, ScanSpec);
    MetadataColumn *columns = ARENA_ARRAY(&f->arena, MetadataColumn, count + 1);
    const Type *types[16] = {f->desc.physical->child[0], f->desc.physical->child[1]};
    Str names[16] = {STR("id"), STR("name")};
    for (uint32_t i = 0; i < count; i++) {
        bool writable;
        columns[i].key = str_c(metadata[i]);
        columns[i].type =
            KAFKA_CONNECTOR.metadata_type(&f->arena, &f->desc, columns[i].key, &writable);
        types[2 + i] = columns[i].type;
        names[2 + i] = columns[i].key;
    }
    *spec = (ScanSpec){.table = &f->desc,
                       .wanted = f->desc.physical,
                       .metadata = columns,
                       .metadata_count = count,
                       .produced = type_row(&f->arena, 2 + count, types, names, false),
                       .limit = -1};
    Status st = connector_of(f)->check(&f->desc, false, err);
    return st ? st : connector_of(f)->source_open(spec, &f->env, out, err);
}

// Reads on to the end, or, with [rows_wanted], until so many rows are there.
static Status read_on(Fixture *f, SourceReader *reader, uint32_t rows_wanted, Error *err) {
    Taker taker = {.base = {take_batch, take_end, take_start}, .f = f};
    ReadState state = READ_MORE;
    for (int i = 0; i < 3000; i++) {
        TRY(reader->vt->poll(reader, &taker.base, &state, err));
        uint32_t rows = 0;
        for (size_t at = 0; at < f->rows.len; at++) rows += f->rows.ptr[at] == '\n';
        if (state == READ_END || (rows_wanted && rows >= rows_wanted)) return ST_OK;
        if (state == READ_IDLE) reader->vt->wait(reader, 10);
    }
    return error_set(err, ST_INTERNAL, "it never ends");
}

static void read_all(Fixture *f, const char *const *metadata, uint32_t count) {
    Error err = {0};
    SourceReader *reader = NULL;
    CHECK_OK(open_source(f, metadata, count, &reader, &err), &err);
    CHECK_OK(read_on(f, reader, 0, &err), &err);
    reader->vt->tell(reader, &f->told);
    reader->vt->drained(reader);
    reader->vt->close(reader);
}

TEST(kafka, a_bounded_read_ends_where_the_topic_ended) {
    Fixture f;
    fixture_open(&f, 1);
    give(&f, 0, NULL, "1 one");
    give(&f, 0, NULL, "2 two");
    give(&f, 0, NULL, "3");
    read_all(&f, NULL, 0);
    CHECK_STR(buf_cstr(&f.rows), "+I 1 one\n+I 2 two\n+I 3 NULL\n");
    CHECK_STR(buf_cstr(&f.told), "{\"split\":\"t/0\",\"from\":0,\"to\":3}");
    fixture_close(&f);
}

TEST(kafka, metadata_stands_beside_the_row) {
    Fixture f;
    fixture_open(&f, 2);
    give(&f, 1, NULL, "1 one");
    static const char *const METADATA[] = {
        "topic", "partition", "offset", "timestamp", "timestamp-type", "headers", "leader-epoch"};
    read_all(&f, METADATA, 7);
    CHECK_STR(buf_cstr(&f.rows), "+I 1 one t 1 0 1700000000000 CreateTime h=v NULL\n");
    fixture_close(&f);
}

TEST(kafka, key_fields_come_from_the_key) {
    Fixture f;
    fixture_open(&f, 1);
    option(&f, "key.format", "words");
    option(&f, "key.fields", "id");
    option(&f, "value.fields-include", "EXCEPT_KEY");
    give(&f, 0, "7", "seven");
    give(&f, 0, NULL, "nobody");  // no key row: no row
    give(&f, 0, "8", "eight");
    read_all(&f, NULL, 0);
    CHECK_STR(buf_cstr(&f.rows), "+I 7 seven\n+I 8 eight\n");
    fixture_close(&f);
}

TEST(kafka, upsert_reads_a_null_value_as_a_deletion_of_the_key) {
    Fixture f;
    fixture_open(&f, 1);
    fixture_upsert(&f);
    give(&f, 0, "1", "1 one");
    give(&f, 0, "2", "2 two");
    give(&f, 0, "1", NULL);
    read_all(&f, NULL, 0);
    CHECK_STR(buf_cstr(&f.rows), "+U 1 one\n+U 2 two\n-D 1 NULL\n");
    fixture_close(&f);
}

TEST(kafka, specific_offsets_start_and_stop) {
    Fixture f;
    fixture_open(&f, 2);
    for (int i = 0; i < 6; i++) {
        char text[16];
        (void)snprintf(text, sizeof text, "%d p0", i);
        give(&f, 0, NULL, text);
        (void)snprintf(text, sizeof text, "%d p1", i);
        give(&f, 1, NULL, text);
    }
    option(&f, "scan.startup.mode", "specific-offsets");
    option(&f, "scan.startup.specific-offsets", "partition:0,offset:2;partition:1,offset:5");
    option(&f, "scan.bounded.mode", "specific-offsets");
    option(&f, "scan.bounded.specific-offsets", "partition:0,offset:4;partition:1,offset:5");
    read_all(&f, NULL, 0);
    CHECK_STR(buf_cstr(&f.rows), "+I 2 p0\n+I 3 p0\n");
    fixture_close(&f);
}

TEST(kafka, a_snapshot_goes_on_where_it_was_taken) {
    Fixture f;
    fixture_open(&f, 1);
    Error err = {0};
    give(&f, 0, NULL, "1 one");
    option(&f, "scan.bounded.mode", "unbounded");
    SourceReader *reader = NULL;
    CHECK_OK(open_source(&f, NULL, 0, &reader, &err), &err);
    CHECK_OK(read_on(&f, reader, 1, &err), &err);
    Buf saved = {0};
    CHECK_OK(reader->vt->snapshot(reader, &saved, &err), &err);
    reader->vt->close(reader);
    give(&f, 0, NULL, "2 two");
    CHECK_OK(open_source(&f, NULL, 0, &reader, &err), &err);
    CHECK_OK(reader->vt->restore(reader, buf_str(&saved), &err), &err);
    CHECK_OK(read_on(&f, reader, 2, &err), &err);
    CHECK_STR(buf_cstr(&f.rows), "+I 1 one\n+I 2 two\n");
    reader->vt->close(reader);
    buf_free(&saved);
    fixture_close(&f);
}

TEST(kafka, readers_share_partitions_out) {
    Fixture f;
    fixture_open(&f, 4);
    for (int i = 0; i < 4; i++) give(&f, i, NULL, "1 x");
    f.env.count = 2;
    read_all(&f, NULL, 0);
    size_t half = f.rows.len;
    f.env.index = 1;
    read_all(&f, NULL, 0);
    CHECK(half == f.rows.len / 2);
    CHECK(f.rows.len == 4 * strlen("+I 1 x\n"));
    fixture_close(&f);
}

TEST(kafka, a_message_that_does_not_decode_is_named) {
    Fixture f;
    fixture_open(&f, 1);
    give(&f, 0, NULL, "1 one");
    give(&f, 0, NULL, "bad");
    Error err = {0};
    SourceReader *reader = NULL;
    CHECK_OK(open_source(&f, NULL, 0, &reader, &err), &err);
    CHECK_INT(read_on(&f, reader, 0, &err), ST_RUNTIME);
    CHECK_STR(err.source, "t-0@1");
    CHECK_STR(err.message, "bad words");
    reader->vt->close(reader);
    fixture_close(&f);
}

TEST(kafka, a_group_without_offsets_needs_a_reset) {
    Fixture f;
    fixture_open(&f, 1);
    give(&f, 0, NULL, "1 one");
    option(&f, "scan.startup.mode", "group-offsets");
    Error err = {0};
    SourceReader *reader = NULL;
    CHECK_INT(open_source(&f, NULL, 0, &reader, &err), ST_VALIDATION);
    CHECK(strstr(err.message, "properties.group.id"));
    option(&f, "properties.group.id", "g");
    CHECK_OK(open_source(&f, NULL, 0, &reader, &err), &err);
    CHECK_INT(read_on(&f, reader, 0, &err), ST_RUNTIME);
    CHECK(strstr(err.message, "no offset for partition 0 of topic 't'"));
    reader->vt->close(reader);
    option(&f, "properties.auto.offset.reset", "earliest");
    read_all(&f, NULL, 0);
    CHECK_STR(buf_cstr(&f.rows), "+I 1 one\n");
    f.rows.len = 0;
    give(&f, 0, NULL, "2 two");
    read_all(&f, NULL, 0);  // the clean end has committed
    CHECK_STR(buf_cstr(&f.rows), "+I 2 two\n");
    fixture_close(&f);
}

// --- Writing -----------------------------------------------------------------------------------

static Status write_rows(Fixture *f, uint32_t count, const RowKind *kinds, const char *const *rows,
                         Error *err) {
    SinkWriter *writer = NULL;
    SinkSpec spec = {.table = &f->desc, .schema = f->desc.physical, .changes = CHANGES_ALL};
    TRY(connector_of(f)->check(&f->desc, true, err));
    TRY(connector_of(f)->sink_open(&spec, &f->env, &writer, err));
    Batch *batch = batch_new_columns(f->desc.physical, count);
    for (uint32_t i = 0; i < count; i++) {
        Str id = {0}, name = {0};
        int64_t number;
        CHECK(word_at(str_c(rows[i]), 0, &id) && word_at(str_c(rows[i]), 1, &name));
        CHECK(str_to_i64(id, &number));
        vec_set_integer(batch->column[0], i, number);
        vec_set_text(batch->column[1], i, name);
        if (kinds) batch_need_kinds(batch)[i] = (uint8_t)kinds[i];
    }
    batch_seal(batch);
    Status st = writer->vt->write(writer, batch, err);
    if (!st) st = writer->vt->flush(writer, true, err);
    batch_unref(batch);
    writer->vt->close(writer);
    return st;
}

TEST(kafka, what_is_written_can_be_read_back) {
    Fixture f;
    fixture_open(&f, 1);
    Error err = {0};
    static const char *const ROWS[] = {"1 one", "2 two"};
    CHECK_OK(write_rows(&f, 2, NULL, ROWS, &err), &err);
    read_all(&f, NULL, 0);
    CHECK_STR(buf_cstr(&f.rows), "+I 1 one\n+I 2 two\n");
    fixture_close(&f);
}

TEST(kafka, upsert_writes_deletions_and_folds_what_it_holds_back) {
    Fixture f;
    fixture_open(&f, 1);
    fixture_upsert(&f);
    Error err = {0};
    static const char *const ROWS[] = {"1 one", "2 two", "1 uno", "2 two"};
    static const RowKind KINDS[] = {ROW_INSERT, ROW_INSERT, ROW_UPDATE_AFTER, ROW_DELETE};
    CHECK_OK(write_rows(&f, 4, KINDS, ROWS, &err), &err);
    read_all(&f, NULL, 0);
    CHECK_STR(buf_cstr(&f.rows), "+U 1 one\n+U 2 two\n+U 1 uno\n-D 2 NULL\n");
    f.rows.len = 0;
    option(&f, "sink.buffer-flush.max-rows", "100");
    option(&f, "sink.buffer-flush.interval", "1 min");
    option(&f, "scan.bounded.mode", "latest-offset");
    CHECK_OK(write_rows(&f, 4, KINDS, ROWS, &err), &err);
    read_all(&f, NULL, 0);
    CHECK_STR(buf_cstr(&f.rows), "+U 1 one\n+U 2 two\n+U 1 uno\n-D 2 NULL\n+U 1 uno\n-D 2 NULL\n");
    fixture_close(&f);
}

TEST(kafka, partitioners_choose_by_number) {
    Fixture f;
    fixture_open(&f, 4);
    Error err = {0};
    static const char *const ROWS[] = {"1 a", "2 b", "3 c", "4 d"};
    static const char *const METADATA[] = {"partition"};
    option(&f, "sink.partitioner", "fixed");
    f.env.index = 6;
    f.env.count = 8;
    CHECK_OK(write_rows(&f, 4, NULL, ROWS, &err), &err);
    f.env.index = 0;
    f.env.count = 1;
    read_all(&f, METADATA, 1);
    CHECK_STR(buf_cstr(&f.rows), "+I 1 a 2\n+I 2 b 2\n+I 3 c 2\n+I 4 d 2\n");
    f.rows.len = 0;
    option(&f, "sink.partitioner", "round-robin");
    CHECK_OK(write_rows(&f, 4, NULL, ROWS, &err), &err);
    read_all(&f, METADATA, 1);
    uint32_t seen = 0;
    for (const char *at = buf_cstr(&f.rows); (at = strchr(at, '\n')) != NULL; at++) {
        seen |= 1u << (at[-1] - '0');
    }
    CHECK_INT(seen, 15);
    fixture_close(&f);
}

TEST(kafka, a_message_that_is_refused_fails_the_writer) {
    Fixture f;
    fixture_open(&f, 1);
    Error err = {0};
    static const char *const ROWS[] = {"1 one"};
    rd_kafka_mock_topic_set_error(f.cluster, "t", RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
    CHECK_INT(write_rows(&f, 1, NULL, ROWS, &err), ST_RUNTIME);
    CHECK(strstr(err.message, "writing table 't' to topic 't'"));
    fixture_close(&f);
}

TEST(kafka, a_message_that_is_given_up_fails_the_writer) {
    Fixture f;
    fixture_open(&f, 1);
    Error err = {0};
    static const char *const ROWS[] = {"1 one"};
    enum { PRODUCE = 0 };  // the request's number
    rd_kafka_mock_push_request_errors(f.cluster, PRODUCE, 1,
                                      RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
    CHECK_INT(write_rows(&f, 1, NULL, ROWS, &err), ST_RUNTIME);
    CHECK(strstr(err.message, "writing table 't' to Kafka"));
    fixture_close(&f);
}

// --- Exactly once ------------------------------------------------------------------------------

// The mock cluster shows neither isolation nor fencing: test/services/kafka_eos.sh does.
static SinkWriter *exactly_once(Fixture *f, Status *st, Error *err) {
    SinkWriter *writer = NULL;
    SinkSpec spec = {.table = &f->desc, .schema = f->desc.physical, .changes = CHANGES_ALL};
    option(f, "sink.delivery-guarantee", "exactly-once");
    option(f, "sink.transactional-id-prefix", "my sink");
    *st = connector_of(f)->sink_open(&spec, &f->env, &writer, err);
    return writer;
}

TEST(kafka, a_checkpoint_commits_its_transaction) {
    Fixture f;
    fixture_open(&f, 1);
    f.env.checkpoints = true;
    f.env.checkpoint_ms = 1000;
    Error err = {0};
    Status st;
    SinkWriter *writer = exactly_once(&f, &st, &err);
    CHECK_OK(st, &err);
    Buf nothing = {0}, saved = {0};
    CHECK_OK(writer->vt->flush(writer, false, &err), &err);
    CHECK_OK(writer->vt->prepare(writer, 1, &nothing, &err), &err);
    Batch *batch = batch_new_columns(f.desc.physical, 1);
    vec_set_integer(batch->column[0], 0, 1);
    vec_set_text(batch->column[1], 0, STR("one"));
    batch_seal(batch);
    CHECK_OK(writer->vt->write(writer, batch, &err), &err);
    CHECK_OK(writer->vt->flush(writer, false, &err), &err);
    CHECK_OK(writer->vt->prepare(writer, 2, &saved, &err), &err);
    CHECK_OK(writer->vt->commit(writer, 2, &err), &err);
    writer->vt->close(writer);
    batch_unref(batch);
    // An empty transaction is kept for later; one with messages is named, and the number after it.
    unsigned first = 0, next = 0, named = 0;
    CHECK_INT(sscanf(buf_cstr(&nothing), "0 %u my sink\n", &first), 1);
    CHECK_INT(sscanf(buf_cstr(&saved), "0 %u my sink\n%*d %*d my sink-0-%u\n", &next, &named), 2);
    CHECK_INT(named, first);
    CHECK_INT(next, first + 1);
    // The next run may commit it again.
    writer = exactly_once(&f, &st, &err);
    CHECK_OK(st, &err);
    CHECK_OK(writer->vt->restore(writer, buf_str(&saved), &err), &err);
    CHECK_INT(writer->vt->restore(writer, STR("0 x my sink\n"), &err), ST_RUNTIME);
    CHECK_INT(writer->vt->restore(writer, STR("0 1 my sink\n1 2"), &err), ST_RUNTIME);
    writer->vt->close(writer);
    buf_free(&nothing);
    buf_free(&saved);
    fixture_close(&f);
}

TEST(kafka, exactly_once_is_refused_where_nothing_would_commit) {
    Fixture f;
    Error err = {0};
    Status st;
    fixture_open(&f, 0);
    f.env.unbounded = true;
    CHECK(!exactly_once(&f, &st, &err));
    CHECK_INT(st, ST_VALIDATION);
    CHECK(strstr(err.message, "needs checkpoints"));
    CHECK(strstr(err.hint, "execution.checkpointing.interval"));
    option(&f, "properties.security.protocol", "SASL_SSL");
    CHECK_INT(connector_of(&f)->check(&f.desc, true, &err), ST_UNSUPPORTED);
    CHECK(strstr(err.message, "'properties.sasl.mechanism' = 'GSSAPI'"));
    option(&f, "properties.sasl.mechanism", "SCRAM-SHA-512");
    CHECK_OK(connector_of(&f)->check(&f.desc, true, &err), &err);
    fixture_close(&f);
}

// --- Options -----------------------------------------------------------------------------------

// The message that the table's check gives, or "".
static const char *complaint(Fixture *f, bool as_sink, Error *err) {
    *err = (Error){0};
    Status st = connector_of(f)->check(&f->desc, as_sink, err);
    CHECK(st == ST_OK || st == ST_VALIDATION || st == ST_UNSUPPORTED);
    return err->message;
}

TEST(kafka, options_are_held_to_flinks_rules) {
    static const struct {
        const char *key, *value, *says;
        bool as_sink;
    } CASES[] = {
        {"topik", "x", "unknown option 'topik'", false},
        {"topic-pattern", "t.*", "both 'topic' and 'topic-pattern'", false},
        {"key.fields", "id", "needs a 'key.format'", false},
        {"key.format", "words", "needs 'key.fields'", false},
        {"scan.startup.mode", "timestamp", "needs the option 'scan.startup.timestamp-millis'",
         false},
        {"scan.bounded.mode", "specific-offsets",
         "needs the option 'scan.bounded.specific-offsets'", false},
        {"scan.startup.mode", "yesterday", "cannot be 'yesterday'", false},
        {"sink.partitioner", "org.acme.P", "unknown 'sink.partitioner'", true},
        {"sink.delivery-guarantee", "exactly-once", "needs 'sink.transactional-id-prefix'", true},
        {"properties.max.poll.record", "5", "unknown Kafka property", false},
        {"properties.acks", "many", "does not take that value", true},
        {"format", "wörds", "unknown format", false},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        Fixture f;
        Error err;
        fixture_open(&f, 0);
        CHECK_STR(complaint(&f, CASES[i].as_sink, &err), "");
        option(&f, CASES[i].key, CASES[i].value);
        if (!strstr(complaint(&f, CASES[i].as_sink, &err), CASES[i].says)) {
            fail_msg("%s: %s", CASES[i].key, err.message);
        }
        fixture_close(&f);
    }
}

TEST(kafka, secrets_are_not_part_of_messages) {
    Fixture f;
    Error err;
    fixture_open(&f, 0);
    option(&f, "properties.ssl.keystore.key", "s3cret");
    option(&f, "properties.sasl.jaas.config",
           "org.acme.OwnLoginModule required username=\"u\" password=\"s3cret\";");
    CHECK(complaint(&f, false, &err)[0]);
    CHECK(!strstr(err.message, "s3cret") && !strstr(err.hint, "s3cret"));
    option(&f, "properties.sasl.jaas.config",
           "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"u\" "
           "password=\"s3cret\";");
    (void)map_remove(&f.options, STR("properties.ssl.keystore.key"));
    CHECK_STR(complaint(&f, false, &err), "");
    fixture_close(&f);
}

TEST(kafka, upsert_needs_a_primary_key_and_kafka_takes_none) {
    Fixture f;
    Error err;
    fixture_open(&f, 0);
    fixture_upsert(&f);
    CHECK_STR(complaint(&f, false, &err), "");
    CHECK_INT(KAFKA_CONNECTOR.check(&f.desc, false, &err), ST_VALIDATION);
    f.desc.primary_key_count = 0;
    CHECK_INT(UPSERT_KAFKA_CONNECTOR.check(&f.desc, false, &err), ST_VALIDATION);
    CHECK(strstr(err.message, "PRIMARY KEY"));
    fixture_close(&f);
}

// A call that fails because its client was shut out may say so in its own code, or not: the hint
// goes with what is told.
TEST(kafka, who_was_shut_out_is_told_by_whom) {
    static const rd_kafka_resp_err_t CODE[] = {RD_KAFKA_RESP_ERR__FENCED, RD_KAFKA_RESP_ERR__STATE};
    for (size_t i = 0; i < sizeof CODE / sizeof *CODE; i++) {
        KafkaTrouble trouble;
        Error err = {0};
        kafka_trouble_init(&trouble);
        trouble.code = RD_KAFKA_RESP_ERR__FENCED;
        (void)snprintf(trouble.text, sizeof trouble.text, "fenced by a newer instance");
        CHECK(kafka_trouble_error(&trouble, CODE[i], "writing", &err) != ST_OK);
        CHECK_STR(err.message, "writing: fenced by a newer instance");
        CHECK(strstr(err.hint, "has taken over"));
        kafka_trouble_clear(&trouble);
    }
}
