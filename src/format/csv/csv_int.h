// format/csv/csv_int.h - what the files of the csv format share.
//
// The dialect is Jackson's, which Flink uses: a quote counts only as the first byte of a field and
// is doubled inside; blanks between the closing quote and the separator are skipped; "\r", "\n" and
// "\r\n" end a record; an escape character, if there is one, works inside and outside of quotes.
#pragma once

#include "format/decode.h"

typedef struct CsvDialect {
    char separator;
    bool has_quote, has_escape;
    char quote, escape;
    bool comments;           // lines that start with '#' are skipped, and blank ones
    bool ignore_errors;
    bool trailing_comma;     // one more field is fine when it is blank and the last
    bool trim;
    bool empty_is_null;
    bool fail_on_missing;    // fewer fields than columns
    bool ignore_extra;       // more fields than columns
    bool plain_decimals;     // the sink writes no exponents
    bool has_null;
    Str null_literal;
    Str element_separator;
} CsvDialect;

// ST_VALIDATION where Flink refuses the options; [arena] keeps the texts.
NODISCARD Status csv_dialect(const Options *options, CsvDialect *dialect, Arena *arena, Error *err);
extern const OptionDef CSV_OPTIONS[];

// What a csv table's columns may be.
NODISCARD Status csv_check_type(const Type *schema, Error *err);

NODISCARD Status csv_decoder_new(const DecodeSpec *spec, Decoder **out, Error *err);
NODISCARD Status csv_encoder_new(const EncodeSpec *spec, Encoder **out, Error *err);

// csv_index.c: writes the places of all bytes of [bytes, bytes + size) that can end a field or
// begin a quoted one (separator, line ends, quote, escape; equal bytes where there are fewer) to
// [out], which has room for [size] + 64 entries; returns how many. Reads up to 64 bytes past the
// end.
typedef struct CsvMarks {
    char byte[5];
} CsvMarks;
uint32_t csv_index(const char *bytes, uint32_t size, CsvMarks marks, uint32_t *out);
