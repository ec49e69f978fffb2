// format/json/json_int.h - what the files of the json formats share.
//
// A schema is compiled once into a tree of JsonNodes, which mirrors the wanted type. The decoder
// walks text and tree together and writes values straight into columns. Objects remember the order
// in which their keys stood in the last record (JsonKey): as long as records look alike a key costs
// one comparison of 16 bytes, no scan and no hash.
#pragma once

#include "base/json.h"
#include "base/map.h"
#include "format/decode.h"
#include "format/json/json_scan.h"

typedef enum JsonOp {
    JSON_BOOL,
    JSON_I8,
    JSON_I16,
    JSON_I32,
    JSON_I64,
    JSON_F32,
    JSON_F64,
    JSON_DECIMAL,
    JSON_TEXT,
    JSON_BYTES,
    JSON_DATE,
    JSON_TIME,
    JSON_STAMP,
    JSON_LTZ,
    JSON_ARRAY,
    JSON_MAP,  // MULTISET as well
    JSON_ROW,
    JSON_NULL,
    JSON_RAW,  // the bytes of the value as they stand, for a second look
} JsonOp;

// A key as it stood in the last record, from its quote to its colon.
typedef struct JsonKey {
    char head[16];     // the first bytes
    const char *text;  // all of them
    uint32_t len;      // 0: nothing remembered
    uint32_t mask;     // the bytes of head that count, as simd_mask gives them
    int32_t field;     // index of the wanted field, or negative: skip
    uint32_t cap;      // room behind text
} JsonKey;

typedef struct JsonNode JsonNode;
struct JsonNode {
    JsonOp op;
    bool filtered;     // a column that terms of the filter look at
    bool sparse;       // the slots it writes to are NULL until said otherwise (decode.h)
    const Type *type;
    uint32_t child_count;
    uint32_t declared; // JSON_ROW: fields in all, read or not
    JsonNode *child;   // parallel to type->child
    JsonKey *key;      // JSON_ROW: the order of the last record
    uint32_t key_count, key_cap;
    Map by_name;       // JSON_ROW: name -> index + 1, of the declared fields
};

typedef struct JsonOptions {
    bool ignore_errors, fail_on_missing;
    bool tree;         // as Jackson's tree reads: the last of equal keys counts, numbers become
                       // Java's on their way to text
    bool big_numbers;  // those numbers are BigDecimals, not doubles
    TimeStyle stamp, ltz;
} JsonOptions;

// The machine that reads one record into one row.
typedef struct JsonReader {
    JsonOptions options;
    JsonNode root;
    Arena arena;       // of the tree and the remembered keys
    bool lines;        // a line feed ends the record
    bool whole;        // the record is read to its end, whatever is wanted of it
    uint32_t lost;     // strings of it that were no text (json_mend.c) and have not been met yet
    const char *next, *next_end;  // where the last call stopped in a block that has been checked
    bool next_clean;   // that block is UTF-8
    bool borrow;       // text may point into the record
    const char *end;   // of the record or of the block
    const FilterTerm *filter;  // over the root's fields (format.h)
    uint32_t filter_count;
    bool dropped;      // the record failed a term: its row is not wanted, and maybe not whole
    bool conversion;   // the failure is of a value, not of the syntax
    bool missing;      // the failure is a field that is not there
    bool not_text;     // the failure is a byte that is not UTF-8
    TimeCache time;
    Buf scratch;       // for text that has to be rewritten
    Buf path;          // of the field that failed, innermost first while it is built
    Str bad;           // the value that failed
    const Type *bad_type;
    uint32_t depth;
} JsonReader;

// Compiles [wanted], a ROW whose nested ROWs may be pruned parts of those in [full]; of the columns
// themselves [full] has those of [wanted]. ST_VALIDATION for types that JSON cannot hold.
NODISCARD Status json_reader_init(JsonReader *reader, const Type *wanted, const Type *full,
                                  const JsonOptions *options, Error *err);
// Records that fail one of the terms, over the columns, are dropped. Borrowed.
void json_reader_filter(JsonReader *reader, const FilterTerm *filter, uint32_t count);
void json_reader_clear(JsonReader *reader);

// Reads the object at [at] (the brace) into row [row] of [columns] (of the wanted fields). Returns
// the byte behind it or NULL; json_reader_error then says what was wrong. [skip_rest]: when all
// wanted fields are found the rest is not looked at and the answer is the end of the line, or of
// the text where there are no lines.
// With a filter (json_reader_filter), reader->dropped says whether the record failed it: the row
// is as it was then, and of what stands behind the field that failed the same is looked at as with
// [skip_rest].
char *json_read_object(JsonReader *reader, Vec **columns, uint32_t row, char *at, bool skip_rest);
Status json_reader_error(const JsonReader *reader, Error *err);

// How a decoder takes records: [record] reads the one at [at] into rows of the batch and returns
// the byte behind it or NULL; [failed] then decides whether the record is skipped.
typedef struct JsonRecords {
    char *(*record)(Decoder *self, char *at);
    Status (*failed)(Decoder *self, Str record, Error *err);
} JsonRecords;
// Feeds it the lines of a file.
NODISCARD Status json_read_lines(Decoder *decoder, JsonReader *reader, const JsonRecords *records,
                                 char *bytes, size_t size, bool at_end, size_t *used, Error *err);
// Feeds it a message; an empty one is no record.
NODISCARD Status json_read_message(Decoder *decoder, JsonReader *reader,
                                   const JsonRecords *records, Str message, bool borrow,
                                   Error *err);

static inline char *json_skip_blank(const JsonReader *reader, char *at) {
    while (*at == ' ' || *at == '\t' || *at == '\r' || (*at == '\n' && !reader->lines)) {
        if (at >= reader->end) break;
        at++;
    }
    return at;
}

// json_mend.c: Stands where a value was that is not UTF-8 and that ignore-parse-errors makes NULL.
enum { JSON_LOST = 1 };
// Makes the record in [at, end) readable; see there. False: it is lost, or the error is set.
bool json_mend(JsonReader *reader, char *at, char *end);
char *json_skip_mark(char *at);  // behind a byte order mark, if there is one

// Resolves the escapes of a string's bytes in place; the new length, or UINT32_MAX.
uint32_t json_unescape(char *text, uint32_t len);
// Appends the value [at, end) as Jackson's tree prints it: no blanks, the last of equal keys,
// numbers as Java prints doubles or, with [big_numbers], BigDecimals. False where it is no JSON.
bool json_normalise(const char *at, const char *end, bool big_numbers, Buf *out);

NODISCARD Status json_check_type(const Type *schema, Error *err);
NODISCARD Status json_check_options(const Options *options, bool decode, Error *err);
JsonOptions json_options(const Options *options, const Type *full);
// The columns of [wanted] with the types they were declared with, unpruned.
const Type *json_full(Arena *arena, const DecodeSpec *spec);
extern const OptionDef JSON_OPTIONS[];
extern const char *const JSON_STANDARDS[], *const JSON_NULL_KEYS[];
NODISCARD Status json_decoder_new(const DecodeSpec *spec, Decoder **out, Error *err);
NODISCARD Status json_encoder_new(const EncodeSpec *spec, Encoder **out, Error *err);

// Writing rows, for the encoders that put something around them.
typedef struct JsonWriter {
    bool iso, plain_decimals, ignore_nulls;
    enum { NULL_KEYS_FAIL, NULL_KEYS_DROP, NULL_KEYS_LITERAL } null_keys;
    Str null_key;
} JsonWriter;
JsonWriter json_writer(const Options *options);
NODISCARD Status json_put_row(const JsonWriter *writer, const Type *schema, Vec *const *column,
                              uint32_t row, Buf *out, Error *err);

