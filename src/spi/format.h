// spi/format.h - the face of a format: bytes to columns (Decoder), columns to bytes (Encoder).
//
// Decoders are told which columns anybody reads ([wanted]): they write those and skip the rest
// without parsing it. They fill a batch of up to BATCH_ROWS_MAX rows directly, column by column.
#pragma once

#include "col/batch.h"
#include "spi/filter.h"
#include "spi/option.h"
#include "type/zone.h"

enum { DECODE_PADDING = BYTES_PADDING };  // readable bytes after the end of what a decoder is given

typedef struct Decoder Decoder;
typedef struct Encoder Encoder;
typedef struct Format Format;

// Bits of the changes a format produces or a sink takes.
enum {
    CHANGE_INSERT = 1 << ROW_INSERT,
    CHANGE_UPDATE_BEFORE = 1 << ROW_UPDATE_BEFORE,
    CHANGE_UPDATE_AFTER = 1 << ROW_UPDATE_AFTER,
    CHANGE_DELETE = 1 << ROW_DELETE,
    CHANGES_APPEND = CHANGE_INSERT,
    CHANGES_UPSERT = CHANGE_INSERT | CHANGE_UPDATE_AFTER | CHANGE_DELETE,
    CHANGES_ALL = 15,
};

typedef struct DecodeSpec {
    const Type *full;     // ROW: all fields of a record, in order (CSV needs the positions)
    const Type *wanted;   // ROW: the fields to produce; a subset by name, ROW fields pruned inside
    Options options;      // the format's view
    const Zone *zone;     // session zone, for TIMESTAMP_LTZ in local formats
    // Names of the format's own metadata to append after [wanted] (debezium's "source.table" …).
    const Str *metadata;
    const Type *const *metadata_type;
    uint32_t metadata_count;
    const Type *produced;  // ROW: wanted's fields, then the metadata; NULL: [wanted] itself
    // Terms over [wanted]: records that fail one need not be produced, nor read to their end. Each
    // record is still cut out as one; a format may ignore this.
    const FilterTerm *filter;
    uint32_t filter_count;
} DecodeSpec;

struct Decoder {
    const struct DecoderVt *vt;
    // The batch being filled: columns are wanted's fields then metadata; NULL when none is open.
    // [produced] is its schema.
    const Type *produced;
    Batch *batch;
    bool begins;  // set by the caller: the bytes to come are the first of a file
    uint64_t records, skipped;  // seen; dropped as ignore-parse-errors or null messages
};

typedef struct DecoderVt {
    // Decodes one whole message (a Kafka record); NULL bytes (tombstone) are told by message.ptr
    // == NULL. Appends none or several rows. Text may point into the message when [borrow]: the
    // caller then keeps the bytes as long as the batch. May write into the message (unescaping).
    Status (*message)(Decoder *self, Str message, bool borrow, Error *err);
    // Decodes records from a stream of bytes (a file) until the batch is full or no whole record is
    // left; [at_end]: no more bytes follow these. *used says how far it came. Text may point into
    // the bytes, which the caller keeps. An error's place.line is the line within these bytes.
    Status (*stream)(Decoder *self, char *bytes, size_t size, bool at_end, size_t *used,
                     Error *err);
    void (*close)(Decoder *self);
} DecoderVt;

// Sealed batch with what was decoded, or NULL; the decoder opens a new one when it goes on.
Batch *decoder_take(Decoder *decoder);
static inline bool decoder_full(const Decoder *decoder) {
    return decoder->batch && decoder->batch->rows >= BATCH_ROWS_MAX;
}

typedef struct EncodeSpec {
    const Type *schema;   // ROW: the columns to write, in order
    Options options;
    const Zone *zone;
} EncodeSpec;

struct Encoder {
    const struct EncoderVt *vt;
};

typedef struct EncoderVt {
    // Appends row [row] as one record. Formats of lines (csv, json) do not add the line end: file
    // sinks do (from Format.separator).
    Status (*row)(Encoder *self, const Batch *batch, uint32_t row, Buf *out, Error *err);
    void (*close)(Encoder *self);
} EncoderVt;

struct Format {
    const char *name;             // "json", "debezium-json"
    const OptionDef *options;     // without the "json." prefix
    uint32_t decodes, encodes;    // CHANGE_ bits; 0: cannot
    const char *separator;        // between records of a file: "\n"; NULL: not for files
    Status (*decoder_new)(const DecodeSpec *spec, Decoder **out, Error *err);
    Status (*encoder_new)(const EncodeSpec *spec, Encoder **out, Error *err);
    // Checks a schema and options without opening anything (CREATE/planning time). May be NULL.
    Status (*check)(const Type *schema, const Options *options, bool decode, Error *err);
    // Metadata the decoder can give ("ingestion-timestamp"); NULL-terminated names, types parallel.
    const char *const *metadata;
    const Type *(*metadata_type)(Arena *arena, Str name);
    const char *doc;
};

// The table of formats, in format/builtin.c (upwards, so it is registered at start-up).
const Format *format_find(Str name);  // NULL when unknown
const char *format_nearest(Str name);
const char *const *format_list(uint32_t *count);  // the names of all, for completion
void format_register(const Format *format);

// Finds the format that option [key] ("format", "value.format") names and the view of its options
// ("json.", "value.json."). ST_VALIDATION with the nearest name.
NODISCARD Status format_of(const Options *table, const char *key, const Format **format,
                           Options *view, Arena *arena, Error *err);
