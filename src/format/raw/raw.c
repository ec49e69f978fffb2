// The raw format. Text is UTF-8 or, through iconv, any charset the system knows; numbers are the
// bytes of their Java types. In files a record is a line.
#include "format/raw/raw.h"

#include <errno.h>
#include <iconv.h>

#include "base/utf8.h"
#include "format/decode.h"

static const char *const ENDIANNESS[] = {"big-endian", "little-endian", NULL};

// clang-format off
static const OptionDef RAW_OPTIONS[] = {
    {.key = "charset", .kind = OPTION_TEXT, .fallback = "UTF-8", .doc = "How text is encoded."},
    {.key = "endianness", .kind = OPTION_ENUM, .fallback = "big-endian", .values = ENDIANNESS, .doc = "The order of the bytes of numbers."},
    {0},
};
// clang-format on

typedef struct RawCodec {
    uint32_t size;   // of the type's bytes; 0: any
    bool swap;       // numbers are not in this machine's order
    iconv_t convert; // (iconv_t)-1: UTF-8
} RawCodec;

typedef struct RawDecoder {
    Decoder base;
    RawCodec codec;
    bool wanted;  // somebody reads the column
} RawDecoder;

typedef struct RawEncoder {
    Encoder base;
    RawCodec codec;
} RawEncoder;

static Status raw_check(const Type *schema, const Options *options, bool decode, Error *err) {
    (void)decode;
    if (schema->child_count != 1) {
        return error_set(
            err, ST_VALIDATION,
            "the 'raw' format only supports a single physical column, but table '" STR_FMT
            "' has %u",
            STR_ARG(options->owner), schema->child_count);
    }
    switch (schema->child[0]->kind) {
        case TYPE_CHAR:
        case TYPE_VARCHAR:
        case TYPE_BINARY:
        case TYPE_VARBINARY:
        case TYPE_RAW:
        case TYPE_BOOLEAN:
        case TYPE_TINYINT:
        case TYPE_SMALLINT:
        case TYPE_INT:
        case TYPE_BIGINT:
        case TYPE_FLOAT:
        case TYPE_DOUBLE: break;
        default: {
            Buf name = {0};
            type_print_summary(schema->child[0], false, &name);
            Status st =
                error_set(err, ST_VALIDATION, "the 'raw' format doesn't support the type " STR_FMT,
                          STR_ARG(buf_str(&name)));
            buf_free(&name);
            return st;
        }
    }
    const char *charset = options_get(options, "charset");
    iconv_t probe = iconv_open("UTF-8", charset);
    if (probe == (iconv_t)-1) {
        return error_set(err, ST_VALIDATION, "unsupported 'charset' of the raw format: '%s'",
                         charset);
    }
    (void)iconv_close(probe);
    return ST_OK;
}

static Status codec_open(RawCodec *codec, const Type *type, const Options *options, bool decode,
                         Error *err) {
    *codec = (RawCodec){.convert = (iconv_t)-1};
    if (!type_is_text(type) && !type_is_bytes(type) && type->kind != TYPE_RAW) {
        codec->size = phys_size(type_phys(type));
    }
    bool big = options_enum(options, "endianness") == 0;
    codec->swap = big == (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);
    const char *charset = options_get(options, "charset");
    if (!type_is_text(type) || str_eq_nocase(str_c(charset), STR("UTF-8"))) return ST_OK;
    codec->convert = decode ? iconv_open("UTF-8", charset) : iconv_open(charset, "UTF-8");
    if (codec->convert != (iconv_t)-1) return ST_OK;
    return error_set(err, ST_VALIDATION, "unsupported 'charset' of the raw format: '%s'", charset);
}

static void codec_close(RawCodec *codec) {
    if (codec->convert != (iconv_t)-1) (void)iconv_close(codec->convert);
}

// Appends [text] converted; what the charset cannot say becomes its replacement, as in Java.
static void codec_text(const RawCodec *codec, Str text, Str replacement, Buf *out) {
    char *in = (char *)(uintptr_t)text.ptr;
    size_t left = text.len;
    (void)iconv(codec->convert, NULL, NULL, NULL, NULL);
    while (left) {
        char *to = buf_reserve(out, left * 4 + 16);
        size_t room = out->cap - out->len, before = room;
        size_t done = iconv(codec->convert, &in, &left, &to, &room);
        out->len += before - room;
        if (done != (size_t)-1 || errno == E2BIG) continue;
        buf_put_str(out, replacement);
        in++;
        left--;
    }
}

// Copies a number of [size] bytes, turning its bytes round if need be.
static void copy_number(void *to, const void *from, uint32_t size, bool swap) {
    for (uint32_t i = 0; i < size; i++) {
        ((char *)to)[i] = ((const char *)from)[swap ? size - 1 - i : i];
    }
}

static Status raw_message(Decoder *base, Str message, bool borrow, Error *err) {
    RawDecoder *self = (RawDecoder *)base;
    decoder_open(base);
    uint32_t row = base->batch->rows;
    base->records++;
    if (self->wanted) {
        Vec *vec = base->batch->column[0];
        if (!message.ptr) {
            slot_null(vec, row);
        } else if (self->codec.size) {
            if (message.len != self->codec.size) {
                Buf name = {0};
                type_print_summary(vec->type, false, &name);
                Status st = error_set(err, ST_RUNTIME,
                                      "the data of a raw " STR_FMT " has %u bytes, not %u",
                                      STR_ARG(buf_str(&name)), message.len, self->codec.size);
                buf_free(&name);
                return st;
            }
            copy_number((char *)vec->data + (size_t)row * self->codec.size, message.ptr,
                        message.len, self->codec.swap);
            if (vec->phys == PHYS_U8) vec_u8(vec)[row] = vec_u8(vec)[row] != 0;
        } else if (self->codec.convert != (iconv_t)-1) {
            Buf text = {0};
            codec_text(&self->codec, message, STR("\xEF\xBF\xBD"), &text);
            slot_text_copy(vec, row, buf_str(&text));
            buf_free(&text);
        } else if (type_is_text(vec->type) &&
                   utf8_valid_prefix(message.ptr, message.len) < message.len) {
            Buf text = {0};
            utf8_replace_bad(message, &text);
            slot_text_copy(vec, row, buf_str(&text));
            buf_free(&text);
        } else if (borrow) {
            vec_str(vec)[row] = message;
        } else {
            slot_text_copy(vec, row, message);
        }
    }
    base->batch->rows++;
    return ST_OK;
}

static Status raw_stream(Decoder *base, char *bytes, size_t size, bool at_end, size_t *used,
                         Error *err) {
    char *at = bytes, *end = bytes + size;
    uint32_t line = 1;
    Status st = ST_OK;
    while (!st && at < end && !decoder_full(base)) {
        char *feed = memchr(at, '\n', (size_t)(end - at));
        if (!feed && !at_end) break;
        char *to = feed ? feed : end, *last = to;
        if (last > at && last[-1] == '\r') last--;
        st = raw_message(base, str_make(at, (size_t)(last - at)), true, err);
        if (st) {
            error_place(err, (Place){.line = line});
        } else {
            at = feed ? feed + 1 : end;
            line++;
        }
    }
    *used = (size_t)(at - bytes);
    return st;
}

static void raw_decoder_close(Decoder *base) {
    RawDecoder *self = (RawDecoder *)base;
    batch_unref(base->batch);
    codec_close(&self->codec);
    mem_free(self);
}

static const DecoderVt RAW_DECODER = {.message = raw_message, .stream = raw_stream,
                                      .close = raw_decoder_close};

static Status raw_decoder_new(const DecodeSpec *spec, Decoder **out, Error *err) {
    TRY(raw_check(spec->full, &spec->options, true, err));
    RawCodec codec;
    TRY(codec_open(&codec, spec->full->child[0], &spec->options, true, err));
    RawDecoder *self = NEW(RawDecoder);
    self->base.vt = &RAW_DECODER;
    self->base.produced = spec->produced ? spec->produced : spec->wanted;
    self->codec = codec;
    self->wanted = spec->wanted->child_count > 0;
    *out = &self->base;
    return ST_OK;
}

static Status raw_row(Encoder *base, const Batch *batch, uint32_t row, Buf *out, Error *err) {
    (void)err;
    RawEncoder *self = (RawEncoder *)base;
    const Vec *vec = batch->column[0];
    if (vec_is_null(vec, row)) return ST_OK;  // a record without bytes
    if (self->codec.size) {
        char *to = buf_reserve(out, self->codec.size);
        copy_number(to, (const char *)vec->data + (size_t)row * self->codec.size, self->codec.size,
                    self->codec.swap);
        out->len += self->codec.size;
    } else if (self->codec.convert != (iconv_t)-1) {
        codec_text(&self->codec, vec_str(vec)[row], STR("?"), out);
    } else {
        buf_put_str(out, vec_str(vec)[row]);
    }
    return ST_OK;
}

static void raw_encoder_close(Encoder *base) {
    RawEncoder *self = (RawEncoder *)base;
    codec_close(&self->codec);
    mem_free(self);
}

static const EncoderVt RAW_ENCODER = {.row = raw_row, .close = raw_encoder_close};

static Status raw_encoder_new(const EncodeSpec *spec, Encoder **out, Error *err) {
    TRY(raw_check(spec->schema, &spec->options, false, err));
    RawCodec codec;
    TRY(codec_open(&codec, spec->schema->child[0], &spec->options, false, err));
    RawEncoder *self = NEW(RawEncoder);
    self->base.vt = &RAW_ENCODER;
    self->codec = codec;
    *out = &self->base;
    return ST_OK;
}

const Format RAW_FORMAT = {
    .name = "raw",
    .options = RAW_OPTIONS,
    .decodes = CHANGES_APPEND,
    .encodes = CHANGES_APPEND,
    .separator = "\n",
    .decoder_new = raw_decoder_new,
    .encoder_new = raw_encoder_new,
    .check = raw_check,
    .doc = "The bytes of a single column.",
};
