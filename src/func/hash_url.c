// Digests in hexadecimal, parts of URLs, percent encoding, IPv4 addresses.
#include "base/digest.h"
#include "base/hex.h"
#include "func/text_int.h"

// ---- digests -----------------------------------------------------------------------------------

static void set_hex_digest(Vec *out, uint32_t row, Digest kind, Str bytes) {
    static const char HEX[] = "0123456789abcdef";
    uint8_t sum[DIGEST_SIZE_MAX];
    uint32_t size = digest(kind, bytes, sum);
    char *to = vec_text_room(out, size * 2);
    vec_str(out)[row] = str_make(to, size * 2);
    for (uint32_t i = 0; i < size; i++) {
        *to++ = HEX[sum[i] >> 4];
        *to++ = HEX[sum[i] & 15];
    }
}

typedef struct DigestName {
    const char *name;
    Digest kind;
    int32_t length;  // of the result
    int32_t bits;    // as SHA2 is asked for it
} DigestName;

static const DigestName DIGESTS[] = {
    {"MD5", DIGEST_MD5, 32, -1},       {"SHA1", DIGEST_SHA1, 40, 1},
    {"SHA224", DIGEST_SHA224, 56, 224}, {"SHA256", DIGEST_SHA256, 64, 256},
    {"SHA384", DIGEST_SHA384, 96, 384}, {"SHA512", DIGEST_SHA512, 128, 512},
};

static Status digest_bind(FuncCall *call, Error *err) {
    (void)err;
    const DigestName *name = DIGESTS;
    while (strcmp(name->name, call->func->name) != 0) name++;
    call->bound = name;
    call->result = type_char(call->arena, name->length, call_any_nullable(call));
    return ST_OK;
}

static Status digest_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    const DigestName *name = args->call->bound;
    for (uint32_t row = 0; row < args->rows; row++) {
        if (!kernel_row_valid(args, row)) continue;
        set_hex_digest(out, row, name->kind, vec_str(args->arg[0])[row]);
    }
    return ST_OK;
}

// Java knows "SHA-1" too, but a constant must be one of the SHA-2 family.
static bool sha_of_bits(int64_t bits, Digest *kind) {
    for (size_t i = 0; i < sizeof DIGESTS / sizeof *DIGESTS; i++) {
        if (DIGESTS[i].bits == bits && bits > 0) return *kind = DIGESTS[i].kind, true;
    }
    return false;
}

static Status sha2_refuse(int64_t bits, Status status, Error *err) {
    return error_set(err, status,
                     "SHA2: unsupported algorithm of %lld bits; there are 224, 256, 384 and 512",
                     (long long)bits);
}

static Status sha2_bind(FuncCall *call, Error *err) {
    const Vec *bits = call->literal[1];
    Digest kind;
    bool odd = bits && !vec_is_null(bits, 0) &&
               (vec_integer(bits, 0) == 1 || !sha_of_bits(vec_integer(bits, 0), &kind));
    if (odd && call->literal[0]) return sha2_refuse(vec_integer(bits, 0), ST_VALIDATION, err);
    call->bound = odd ? bits : NULL;  // refused where there is a row
    call->result = type_varchar(call->arena, 128, call_any_nullable(call));
    return ST_OK;
}

static Status sha2_kernel(const KernelArgs *args, Vec *out, Error *err) {
    const int64_t *bits = vec_i64(args->arg[1]);
    for (uint32_t row = 0; row < args->rows; row++) {
        if (!kernel_row_valid(args, row)) continue;
        Digest kind;
        if (args->call->bound || !sha_of_bits(bits[row], &kind)) {
            return sha2_refuse(bits[row], ST_RUNTIME, err);
        }
        set_hex_digest(out, row, kind, vec_str(args->arg[0])[row]);
    }
    return ST_OK;
}

// ---- percent encoding --------------------------------------------------------------------------

static bool is_url_safe(char c) {
    return ((c | 32) >= 'a' && (c | 32) <= 'z') || (c >= '0' && c <= '9') ||
           (c && strchr(".-*_", c));
}

static Status url_encode_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    const Str *text = vec_str(args->arg[0]);
    Buf buf = {0};
    for (uint32_t row = 0; row < args->rows; row++) {
        buf.len = 0;
        for (uint32_t i = 0; i < text[row].len; i++) {
            char c = text[row].ptr[i];
            if (is_url_safe(c)) {
                buf_putc(&buf, c);
            } else if (c == ' ') {
                buf_putc(&buf, '+');
            } else {
                buf_printf(&buf, "%%%02X", (unsigned char)c);
            }
        }
        if (buf.len) vec_set_text(out, row, buf_str(&buf));
    }
    buf_free(&buf);
    return ST_OK;
}

// false where two digits are missing behind a '%'. Java reads them as a number, so "+f" are two.
static bool put_url_decoded(Buf *out, Str text) {
    Buf bytes = {0};
    bool good = true;
    for (uint32_t i = 0; i < text.len && good; i++) {
        char c = text.ptr[i];
        if (c == '%') {
            good = text.len - i > 2;
            int high = good ? hex_digit(text.ptr[i + 1]) : -1,
                low = good ? hex_digit(text.ptr[i + 2]) : -1;
            if (good && text.ptr[i + 1] == '+') high = 0;
            good = high >= 0 && low >= 0;
            if (good) buf_putc(&bytes, (char)(high << 4 | low));
            i += 2;
        } else {
            buf_putc(&bytes, c == '+' ? ' ' : c);
        }
    }
    if (good) put_repaired(out, buf_str(&bytes));
    buf_free(&bytes);
    return good;
}

static Status url_decode_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    const Str *text = vec_str(args->arg[0]);
    Buf buf = {0};
    for (uint32_t row = 0; row < args->rows; row++) {
        if (!kernel_row_valid(args, row)) continue;
        buf.len = 0;
        if (put_url_decoded(&buf, text[row])) {
            vec_set_text(out, row, buf_str(&buf));
        } else {
            vec_set_null(out, row);
        }
    }
    buf_free(&buf);
    return ST_OK;
}

// ---- PARSE_URL ---------------------------------------------------------------------------------

// The parts as java.net.URL tells them; ptr NULL: absent.
typedef struct Url {
    Str protocol, authority, user_info, host, path, query, ref, file;
} Url;

static const Str ABSENT = {NULL, 0};

static int64_t find_char(Str text, char c) {
    const char *hit = text.len ? memchr(text.ptr, c, text.len) : NULL;
    return hit ? hit - text.ptr : -1;
}

// A port may be empty; if not it is a number of an int.
static bool port_valid(Str port) {
    int64_t number;
    return !port.len || (str_to_i64(port, &number) && number >= -1 && number <= INT32_MAX);
}

static bool is_ipv6(Str text) {
    uint32_t colons = 0;
    for (uint32_t i = 0; i < text.len && text.ptr[i] != '%'; i++) {
        char c = text.ptr[i];
        if (c == ':') colons++;
        if (c != ':' && c != '.' && hex_digit(c) < 0) return false;
    }
    return colons >= 2;
}

static bool parse_authority(Url *url) {
    int64_t at = find_char(url->authority, '@');
    url->host = url->authority;
    if (at >= 0) {
        Str rest = str_sub(url->authority, (uint32_t)at + 1, url->authority.len);
        if (find_char(rest, '@') >= 0) return url->host = STR(""), true;
        url->user_info = str_sub(url->authority, 0, (uint32_t)at);
        url->host = rest;
    }
    if (url->host.len && url->host.ptr[0] == '[') {
        int64_t close = find_char(url->host, ']');
        if (close <= 2 || !is_ipv6(str_sub(url->host, 1, (uint32_t)close - 1))) return false;
        Str rest = str_sub(url->host, (uint32_t)close + 1, url->host.len);
        url->host.len = (uint32_t)close + 1;
        return !rest.len || (rest.ptr[0] == ':' && port_valid(str_sub(rest, 1, rest.len)));
    }
    int64_t colon = find_char(url->host, ':');
    if (colon < 0) return true;
    if (!port_valid(str_sub(url->host, (uint32_t)colon + 1, url->host.len))) return false;
    url->host.len = (uint32_t)colon;
    return true;
}

// Reads the protocol off the front, in lower case; only those that the JDK has a handler for.
static bool parse_protocol(Str *spec, Str *protocol) {
    static const char *const KNOWN[] = {"http", "https", "ftp", "file", "jar", "mailto"};
    if (spec->len >= 4 && str_eq_nocase(str_sub(*spec, 0, 4), STR("url:"))) {
        *spec = str_sub(*spec, 4, spec->len);
    }
    int64_t colon = find_char(*spec, ':');
    if (colon <= 0) return false;
    Str name = str_sub(*spec, 0, (uint32_t)colon);
    for (size_t i = 0; i < sizeof KNOWN / sizeof *KNOWN; i++) {
        if (!str_eq_nocase(name, str_c(KNOWN[i]))) continue;
        *protocol = str_c(KNOWN[i]);
        *spec = str_sub(*spec, (uint32_t)colon + 1, spec->len);
        return true;
    }
    return false;
}

static bool parse_url(Str spec, Url *url) {
    *url = (Url){.protocol = ABSENT};
    while (spec.len && (unsigned char)spec.ptr[0] <= ' ') spec = str_sub(spec, 1, spec.len);
    while (spec.len && (unsigned char)spec.ptr[spec.len - 1] <= ' ') spec.len--;
    if (!parse_protocol(&spec, &url->protocol)) return false;
    int64_t hash = find_char(spec, '#');
    if (hash >= 0) {
        url->ref = str_sub(spec, (uint32_t)hash + 1, spec.len);
        spec.len = (uint32_t)hash;
    }
    url->host = STR("");
    if (str_is(url->protocol, "mailto") || str_is(url->protocol, "jar")) {
        url->path = url->file = spec;
        return str_trim(spec).len &&
               (str_is(url->protocol, "mailto") || str_find(spec, STR("!/"), 0) >= 0);
    }
    url->file = spec;
    int64_t question = find_char(spec, '?');
    if (question >= 0) {
        url->query = str_sub(spec, (uint32_t)question + 1, spec.len);
        spec.len = (uint32_t)question;
    }
    if (str_starts(spec, STR("//")) && !str_starts(spec, STR("////"))) {
        Str rest = str_sub(spec, 2, spec.len);
        int64_t slash = find_char(rest, '/');
        url->authority = slash < 0 ? rest : str_sub(rest, 0, (uint32_t)slash);
        if (!url->authority.ptr) url->authority = STR("");
        if (!parse_authority(url)) return false;
        spec = str_sub(rest, url->authority.len, rest.len);
        url->file = str_sub(url->file, 2 + url->authority.len, url->file.len);
    }
    url->path = spec.len ? spec : STR("");
    return true;
}

// The value behind "key=" in a query; the key is taken literally.
static Str query_value(Str query, Str key) {
    while (true) {
        int64_t end = find_char(query, '&');
        Str pair = end < 0 ? query : str_sub(query, 0, (uint32_t)end);
        if (str_starts(pair, key) && pair.len > key.len && pair.ptr[key.len] == '=') {
            return str_sub(pair, key.len + 1, pair.len);
        }
        if (end < 0) return ABSENT;
        query = str_sub(query, (uint32_t)end + 1, query.len);
    }
}

static Str url_part(const Url *url, Str part) {
    if (str_is(part, "HOST")) return url->host;
    if (str_is(part, "PATH")) return url->path;
    if (str_is(part, "QUERY")) return url->query;
    if (str_is(part, "REF")) return url->ref;
    if (str_is(part, "PROTOCOL")) return url->protocol;
    if (str_is(part, "FILE")) return url->file;
    if (str_is(part, "AUTHORITY")) return url->authority;
    if (str_is(part, "USERINFO")) return url->user_info;
    return ABSENT;
}

static Status parse_url_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    const Str *text = vec_str(args->arg[0]), *part = vec_str(args->arg[1]);
    for (uint32_t row = 0; row < args->rows; row++) {
        if (!kernel_row_valid(args, row)) continue;
        Url url;
        Str found = ABSENT;
        if (parse_url(text[row], &url)) {
            found = url_part(&url, part[row]);
            if (args->argc > 2) {
                bool query = str_is(part[row], "QUERY") && found.ptr;
                found = query ? query_value(found, vec_str(args->arg[2])[row]) : ABSENT;
            }
        }
        if (found.ptr) {
            set_piece(out, row, found);
        } else {
            vec_set_null(out, row);
        }
    }
    return ST_OK;
}

// ---- IPv4 --------------------------------------------------------------------------------------

// One to four decimal parts of at most 255; of fewer than four the last is the lowest byte.
static bool parse_ipv4(Str text, int64_t *out) {
    uint32_t part[4], parts = 0, digits = 0;
    uint64_t value = 0;
    for (uint32_t i = 0; i <= text.len; i++) {
        char c = i < text.len ? text.ptr[i] : '.';
        if (c == '.') {
            if (!digits || parts == 4) return false;
            part[parts++] = (uint32_t)value;
            value = digits = 0;
        } else if (c >= '0' && c <= '9') {
            value = value * 10 + (uint64_t)(c - '0');
            if (value > 255) return false;
            digits++;
        } else {
            return false;
        }
    }
    *out = part[parts - 1];
    for (uint32_t i = 0; i + 1 < parts; i++) *out |= (int64_t)part[i] << (24 - 8 * i);
    return true;
}

static Status inet_aton_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    const Str *text = vec_str(args->arg[0]);
    for (uint32_t row = 0; row < args->rows; row++) {
        if (!kernel_row_valid(args, row)) continue;
        if (!parse_ipv4(text[row], &vec_i64(out)[row])) vec_set_null(out, row);
    }
    return ST_OK;
}

static Status inet_ntoa_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    const int64_t *number = vec_i64(args->arg[0]);
    Buf buf = {0};
    for (uint32_t row = 0; row < args->rows; row++) {
        if (!kernel_row_valid(args, row)) continue;
        if (number[row] < 0 || number[row] > UINT32_MAX) {
            vec_set_null(out, row);
            continue;
        }
        uint32_t ip = (uint32_t)number[row];
        buf.len = 0;
        buf_printf(&buf, "%u.%u.%u.%u", ip >> 24, ip >> 16 & 255, ip >> 8 & 255, ip & 255);
        vec_set_text(out, row, buf_str(&buf));
    }
    buf_free(&buf);
    return ST_OK;
}

#define DIGEST_ROW(name_, doc_)                                                                    \
    {.name = (name_), .args = {ARG_TEXT_OR_BYTES}, .bind = digest_bind, .kernel = digest_kernel,   \
     .doc = (doc_)}

static const ScalarFunc HASH_URL_FUNCS[] = {
    {.name = "MD5", .args = {ARG_TEXT_OR_BYTES}, .bind = digest_bind, .kernel = digest_kernel,
     .doc = "The MD5 digest in hexadecimal digits.", .example = "MD5('')",
     .gives = "d41d8cd98f00b204e9800998ecf8427e"},
    DIGEST_ROW("SHA1", "The SHA-1 digest in hexadecimal digits."),
    DIGEST_ROW("SHA224", "The SHA-224 digest in hexadecimal digits."),
    DIGEST_ROW("SHA256", "The SHA-256 digest in hexadecimal digits."),
    DIGEST_ROW("SHA384", "The SHA-384 digest in hexadecimal digits."),
    DIGEST_ROW("SHA512", "The SHA-512 digest in hexadecimal digits."),
    {.name = "SHA2", .args = {ARG_TEXT_OR_BYTES, ARG_BIGINT}, .flags = FUNC_CAN_FAIL,
     .bind = sha2_bind, .kernel = sha2_kernel,
     .doc = "The SHA-2 digest of 224, 256, 384 or 512 bits in hexadecimal digits."},
    {.name = "URL_ENCODE", .args = {ARG_STRING}, .result = RESULT_STRING,
     .result_null = RESULT_NULL_ALWAYS, .flags = FUNC_TAKES_NULL, .kernel = url_encode_kernel,
     .doc = "The text in application/x-www-form-urlencoded form.",
     .example = "URL_ENCODE('a b/c')", .gives = "a+b%2Fc"},
    {.name = "URL_DECODE", .args = {ARG_STRING}, .result = RESULT_STRING,
     .result_null = RESULT_NULL_ALWAYS, .flags = FUNC_TAKES_NULL, .kernel = url_decode_kernel,
     .doc = "The text that the urlencoded one stands for; NULL when it is not one.",
     .example = "URL_DECODE('a+b%2Fc')", .gives = "a b/c"},
    {.name = "PARSE_URL", .args = {ARG_STRING, ARG_STRING, ARG_STRING}, .argc_min = 2,
     .argc_max = 3, .result = RESULT_STRING, .result_null = RESULT_NULL_ALWAYS,
     .kernel = parse_url_kernel,
     .doc = "A part of the URL: HOST, PATH, QUERY, REF, PROTOCOL, AUTHORITY, FILE or USERINFO; "
            "with a third argument the value of that key in the query.",
     .example = "PARSE_URL('http://h/p?a=1', 'QUERY', 'a')", .gives = "1"},
    {.name = "INET_ATON", .args = {ARG_STRING}, .result = RESULT_BIGINT,
     .result_null = RESULT_NULL_ALWAYS, .flags = FUNC_TAKES_NULL, .kernel = inet_aton_kernel,
     .doc = "The number of an IPv4 address.", .example = "INET_ATON('127.0.0.1')",
     .gives = "2130706433"},
    {.name = "INET_NTOA", .args = {ARG_BIGINT}, .result = RESULT_STRING,
     .result_null = RESULT_NULL_ALWAYS, .flags = FUNC_TAKES_NULL, .kernel = inet_ntoa_kernel,
     .doc = "The IPv4 address of a number.", .example = "INET_NTOA(2130706433)",
     .gives = "127.0.0.1"},
};
const FuncTable HASH_URL_TABLE = FUNC_TABLE("Hashes, URLs, addresses", HASH_URL_FUNCS);
