// The json decoder: objects to rows, an array of objects to one row each. A file is a list of lines
// with one record in each; a message is one record.
#include "base/utf8.h"
#include "format/json/json_int.h"

// Whether all of [bytes, end) is UTF-8. A block that takes several calls is checked in the first.
static bool next_clean(JsonReader *reader, const char *bytes, const char *end) {
    if (reader->next == bytes && reader->next_end == end) return reader->next_clean;
    return utf8_valid_prefix(bytes, (size_t)(end - bytes)) == (size_t)(end - bytes);
}

static bool mend_line(JsonReader *reader, char *line) {
    char *end = (char *)(uintptr_t)reader->end;
    char *feed = memchr(line, '\n', (size_t)(end - line));
    return json_mend(reader, line, feed ? feed : end);
}

Status json_read_lines(Decoder *decoder, JsonReader *reader, const JsonRecords *records,
                       char *bytes, size_t size, bool at_end, size_t *used, Error *err) {
    char *at = bytes, *end = bytes + size;
    *used = 0;
    if (!at_end) {  // whole lines only
        char *last = memrchr(bytes, '\n', size);
        if (!last) return ST_OK;
        end = last + 1;
    }
    reader->lines = true;
    reader->borrow = true;
    reader->end = end;
    bool clean = next_clean(reader, bytes, end);
    reader->whole = false;  // as json_mend left it with the last record of another block
    reader->lost = 0;
    Status st = ST_OK;
    while (at < end && !decoder_full(decoder)) {
        char *line = at;
        if (*at == '\n' || (*at == '\r' && at[1] == '\n')) {  // an empty line is no record
            at += *at == '\r' ? 2 : 1;
            continue;
        }
        decoder->records++;
        at = !clean && !mend_line(reader, line) ? NULL
                                                : records->record(decoder, json_skip_mark(line));
        if (!at || *at != '\n') {
            char *from = at ? at : line;
            char *feed = memchr(from, '\n', (size_t)(end - from));
            char *line_end = feed ? feed : end;
            if (!at) st = records->failed(decoder, str_make(line, (size_t)(line_end - line)), err);
            if (st) {
                uint32_t number = 1;
                for (char *c = bytes; c < line; c++) number += *c == '\n';
                error_place(err, (Place){.line = number});
                at = line;
                break;
            }
            at = line_end;
        }
        if (at < end) at++;
    }
    *used = (size_t)(at - bytes);
    reader->next = decoder_full(decoder) ? at : NULL;
    reader->next_end = end;
    reader->next_clean = clean;
    return st;
}

Status json_read_message(Decoder *decoder, JsonReader *reader, const JsonRecords *records,
                         Str message, bool borrow, Error *err) {
    if (!message.ptr || message.len == 0) return ST_OK;  // of a change log, a tombstone
    char *at = (char *)(uintptr_t)message.ptr;
    reader->lines = false;
    reader->borrow = borrow;
    reader->end = at + message.len;
    decoder->records++;
    bool good = json_mend(reader, at, at + message.len) &&
                records->record(decoder, json_skip_mark(at)) != NULL;
    return good ? ST_OK : records->failed(decoder, message, err);
}

typedef struct JsonDecoder {
    Decoder base;
    JsonReader reader;
} JsonDecoder;

// Reads the object at [at] into the next row.
static char *one_row(JsonDecoder *self, char *at, bool skip_rest) {
    Decoder *base = &self->base;
    decoder_open(base);
    Batch *batch = base->batch;
    if (batch->rows >= BATCH_ROWS_MAX) decoder_reserve(base, batch->rows + 1);
    char *to = json_read_object(&self->reader, batch->column, batch->rows, at, skip_rest);
    if (to) {
        batch->rows += !self->reader.dropped;
    } else {
        row_undo(batch, batch->rows);
    }
    return to;
}

static char *rows_of_record(Decoder *base, char *at) {
    JsonDecoder *self = (JsonDecoder *)base;
    at = json_skip_blank(&self->reader, at);
    if (*at != '[') return one_row(self, at, true);
    at = json_skip_blank(&self->reader, at + 1);
    if (*at == ']') return at + 1;
    for (;;) {
        at = one_row(self, at, false);
        if (!at) return NULL;
        at = json_skip_blank(&self->reader, at);
        if (*at != ',') return *at == ']' && at < self->reader.end ? at + 1 : NULL;
        at = json_skip_blank(&self->reader, at + 1);
    }
}

// Reads the record at [at]. Rows of an array that come before a bad element stay, as Flink collects
// them one by one.
static char *one_record(Decoder *base, char *at) {
    JsonReader *reader = &((JsonDecoder *)base)->reader;
    uint32_t rows = base->batch ? base->batch->rows : 0;
    at = rows_of_record(base, at);
    if (!at || !reader->lost) return at;
    // A string that was no text, and no column took: Jackson stumbles over what it skips, too.
    bool made = base->batch && base->batch->rows > rows;  // an empty array makes none
    if (made && !reader->dropped) row_undo(base->batch, --base->batch->rows);
    return NULL;
}

static Status record_failed(Decoder *base, Str record, Error *err) {
    JsonDecoder *self = (JsonDecoder *)base;
    if (self->reader.options.ignore_errors) {
        self->base.skipped++;
        return ST_OK;
    }
    (void)json_reader_error(&self->reader, err);
    error_while(err, "reading the record %.*s", (int)(record.len < 200 ? record.len : 200),
                record.ptr);
    return ST_RUNTIME;
}

static const JsonRecords RECORDS = {.record = one_record, .failed = record_failed};

static Status json_message(Decoder *base, Str message, bool borrow, Error *err) {
    return json_read_message(base, &((JsonDecoder *)base)->reader, &RECORDS, message, borrow, err);
}

static Status json_stream(Decoder *base, char *bytes, size_t size, bool at_end, size_t *used,
                          Error *err) {
    return json_read_lines(base, &((JsonDecoder *)base)->reader, &RECORDS, bytes, size, at_end,
                           used, err);
}

static void json_close(Decoder *base) {
    JsonDecoder *self = (JsonDecoder *)base;
    batch_unref(base->batch);
    json_reader_clear(&self->reader);
    mem_free(self);
}

static const DecoderVt JSON_DECODER = {
    .message = json_message, .stream = json_stream, .close = json_close};

Status json_decoder_new(const DecodeSpec *spec, Decoder **out, Error *err) {
    JsonDecoder *self = NEW(JsonDecoder);
    self->base.vt = &JSON_DECODER;
    self->base.produced = spec->produced ? spec->produced : spec->wanted;
    JsonOptions options = json_options(&spec->options, spec->full);
    options.tree = !options_bool(&spec->options, "decode.json-parser.enabled");
    Arena scratch;
    arena_init(&scratch);
    Status st =
        json_reader_init(&self->reader, spec->wanted, json_full(&scratch, spec), &options, err);
    arena_clear(&scratch);
    if (st) {
        json_close(&self->base);
        return st;
    }
    json_reader_filter(&self->reader, spec->filter, spec->filter_count);
    *out = &self->base;
    return ST_OK;
}
