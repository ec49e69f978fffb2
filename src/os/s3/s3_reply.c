// What servers send: heads, errors and listings. It is foreign input: what is not understood is
// passed over, what is not well formed is an error, and nothing is taken on trust.
#include "base/hex.h"
#include "os/s3/s3_int.h"

// ---- XML ---------------------------------------------------------------------------------------

// The subset that S3 speaks: elements, texts, the five entities and numbered ones; attributes,
// comments and processing instructions are passed over.
typedef enum XmlKind { XML_BEGIN, XML_TEXT, XML_FINISH, XML_OVER, XML_BAD } XmlKind;

typedef struct Xml {
    Str rest;
    Str name;     // of XML_BEGIN and XML_FINISH, without the name space
    Str text;     // of XML_TEXT, entities as they stand
    bool finish;  // <name/>: its XML_FINISH comes next
} Xml;

static bool skip_to(Xml *self, Str end) {
    int64_t at = str_find(self->rest, end, 0);
    if (at < 0) return false;
    self->rest = str_sub(self->rest, (uint32_t)at + end.len, self->rest.len);
    return true;
}

static XmlKind next_tag(Xml *self) {
    int64_t close = str_find(self->rest, STR(">"), 0);
    if (close < 2) return XML_BAD;
    Str tag = str_sub(self->rest, 1, (uint32_t)close - 1);
    self->rest = str_sub(self->rest, (uint32_t)close + 1, self->rest.len);
    bool finish = tag.ptr[0] == '/';
    if (finish) tag = str_sub(tag, 1, tag.len);
    self->finish = !finish && tag.len && tag.ptr[tag.len - 1] == '/';
    uint32_t len = 0;
    while (len < tag.len && !strchr(" \t\r\n/", tag.ptr[len])) len++;
    tag = str_sub(tag, 0, len);
    int64_t colon = str_find(tag, STR(":"), 0);
    self->name = colon < 0 ? tag : str_sub(tag, (uint32_t)colon + 1, tag.len);
    if (!self->name.len) return XML_BAD;
    return finish ? XML_FINISH : XML_BEGIN;
}

static XmlKind xml_next(Xml *self) {
    if (self->finish) {
        self->finish = false;
        return XML_FINISH;
    }
    for (;;) {
        if (!self->rest.len) return XML_OVER;
        if (self->rest.ptr[0] != '<') {
            int64_t open = str_find(self->rest, STR("<"), 0);
            self->text = str_sub(self->rest, 0, open < 0 ? self->rest.len : (uint32_t)open);
            self->rest = str_sub(self->rest, self->text.len, self->rest.len);
            return XML_TEXT;
        }
        if (str_starts(self->rest, STR("<!--"))) {
            if (!skip_to(self, STR("-->"))) return XML_BAD;
        } else if (str_starts(self->rest, STR("<?"))) {
            if (!skip_to(self, STR("?>"))) return XML_BAD;
        } else if (str_starts(self->rest, STR("<!"))) {
            if (!skip_to(self, STR(">"))) return XML_BAD;
        } else {
            return next_tag(self);
        }
    }
}

static bool put_entity(Str name, Buf *out) {
    static const struct {
        const char *name;
        char c;
    } ENTITIES[] = {{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}};
    for (size_t i = 0; i < sizeof ENTITIES / sizeof *ENTITIES; i++) {
        if (!str_eq(name, str_c(ENTITIES[i].name))) continue;
        buf_putc(out, ENTITIES[i].c);
        return true;
    }
    if (name.len < 2 || name.ptr[0] != '#') return false;
    bool hex = name.ptr[1] == 'x' || name.ptr[1] == 'X';
    uint32_t code = 0, at = hex ? 2 : 1;
    if (at == name.len) return false;
    for (; at < name.len; at++) {
        char c = name.ptr[at], low = (char)(c | 0x20);
        uint32_t digit = c >= '0' && c <= '9'            ? (uint32_t)(c - '0')
                         : hex && low >= 'a' && low <= 'f' ? (uint32_t)(low - 'a' + 10)
                                                           : UINT32_MAX;
        if (digit == UINT32_MAX || code > 0x10FFFF) return false;
        code = code * (hex ? 16 : 10) + digit;
    }
    if (code == 0 || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) return false;
    buf_put_code(out, code);
    return true;
}

// A copy with its entities replaced; those that are none stay as they are.
static Str plain_text(Arena *arena, Str text) {
    enum { ENTITY_MAX = 12 };
    Buf out = {0};
    for (uint32_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '&') {
            int64_t end = str_find(text, STR(";"), i);
            if (end > 0 && end - i <= ENTITY_MAX &&
                put_entity(str_sub(text, i + 1, (uint32_t)end - i - 1), &out)) {
                i = (uint32_t)end;
                continue;
            }
        }
        buf_putc(&out, text.ptr[i]);
    }
    Str copy = str_dup(arena, buf_str(&out));
    buf_free(&out);
    return copy;
}

// The text up to the end of the element that has just begun; what lies in it is passed over.
static bool element_text(Arena *arena, Xml *xml, Str *out) {
    Buf text = {0};
    bool good = true;
    for (uint32_t depth = 1; depth && good;) {
        XmlKind kind = xml_next(xml);
        if (kind == XML_BEGIN) depth++;
        if (kind == XML_FINISH) depth--;
        if (kind == XML_TEXT && depth == 1) buf_put_str(&text, xml->text);
        good = kind != XML_OVER && kind != XML_BAD;
    }
    if (good) *out = plain_text(arena, buf_str(&text));
    buf_free(&text);
    return good;
}

bool s3_element_read(Arena *arena, Str xml, const char *name, Str *out) {
    Xml reader = {.rest = xml};
    for (;;) {
        XmlKind kind = xml_next(&reader);
        if (kind == XML_OVER || kind == XML_BAD) return false;
        if (kind == XML_BEGIN && str_eq(reader.name, str_c(name))) {
            return element_text(arena, &reader, out);
        }
    }
}

bool s3_error_read(Arena *arena, Str xml, Str *code, Str *message) {
    enum { MESSAGE_MAX = 200 };
    Xml reader = {.rest = xml};
    XmlKind kind = XML_TEXT;
    while (kind == XML_TEXT) kind = xml_next(&reader);
    if (kind != XML_BEGIN || !str_is(reader.name, "Error")) return false;
    if (!s3_element_read(arena, reader.rest, "Code", code)) *code = STR("");
    if (!s3_element_read(arena, reader.rest, "Message", message)) *message = STR("");
    *message = str_sub(*message, 0, MESSAGE_MAX);
    return true;
}

// ---- listings ----------------------------------------------------------------------------------

// Keys come percent-encoded (encoding-type=url): not all of them could stand in XML.
static Str decode_key(Arena *arena, Str text) {
    char *form = (char *)str_dup(arena, text).ptr;
    for (uint32_t i = 0; i < text.len; i++) {
        if (form[i] == '+') form[i] = ' ';
    }
    return percent_decode(arena, str_make(form, text.len));
}

static void add_entry(Arena *arena, S3Listing *out, S3Entry entry) {
    if (out->count == out->cap) {
        S3Entry *grown = ARENA_ARRAY(arena, S3Entry, out->cap * 2 + 64);
        if (out->count) memcpy(grown, out->entry, out->count * sizeof *grown);
        out->entry = grown;
        out->cap = out->cap * 2 + 64;
    }
    out->entry[out->count++] = entry;
}

// <Contents> and <CommonPrefixes>: what has just begun.
static bool read_entry(Arena *arena, Xml *xml, Str prefix, bool is_dir, S3Listing *out) {
    S3Entry entry = {.is_dir = is_dir, .modified_ms = -1};
    Str key = STR("");
    for (;;) {
        XmlKind kind = xml_next(xml);
        if (kind == XML_OVER || kind == XML_BAD) return false;
        if (kind == XML_FINISH) break;
        if (kind != XML_BEGIN) continue;
        Str name = xml->name, text;
        if (!element_text(arena, xml, &text)) return false;
        if (str_eq(name, is_dir ? STR("Prefix") : STR("Key"))) key = decode_key(arena, text);
        if (str_is(name, "LastModified")) entry.modified_ms = s3_date_read(text);
        if (str_is(name, "Size") && (!str_to_i64(text, &entry.size) || entry.size < 0)) {
            return false;
        }
    }
    if (!str_starts(key, prefix)) return false;
    entry.name = str_sub(key, prefix.len, key.len);
    if (is_dir && str_ends(entry.name, STR("/"))) entry.name.len--;
    // The directory itself, where somebody has made an object of it, and keys that are no paths.
    if (entry.name.len && str_find(entry.name, STR("/"), 0) < 0) add_entry(arena, out, entry);
    return true;
}

Status s3_listing_read(Arena *arena, Str xml, Str prefix, S3Listing *out, Error *err) {
    Xml reader = {.rest = xml};
    bool good = true, over = false, cut = false, seen = false;
    Str next = STR(""), text;
    while (good && !over) {
        switch (xml_next(&reader)) {
            case XML_BEGIN:
                if (str_is(reader.name, "ListBucketResult")) {
                    seen = true;
                } else if (str_is(reader.name, "Contents")) {
                    good = read_entry(arena, &reader, prefix, false, out);
                } else if (str_is(reader.name, "CommonPrefixes")) {
                    good = read_entry(arena, &reader, prefix, true, out);
                } else {
                    Str name = reader.name;
                    good = element_text(arena, &reader, &text);
                    if (good && str_is(name, "NextContinuationToken")) next = text;
                    if (good && str_is(name, "IsTruncated")) cut = str_is(text, "true");
                }
                break;
            case XML_BAD: good = false; break;
            case XML_OVER: over = true; break;
            case XML_TEXT:
            case XML_FINISH: break;
        }
    }
    if (!good || !seen || (cut && !next.len)) {
        return error_set(err, ST_RUNTIME, "the listing of an S3 server cannot be read");
    }
    out->next = cut ? next : STR("");
    return ST_OK;
}

// ---- heads -------------------------------------------------------------------------------------

static bool number_at(Str text, uint32_t from, uint32_t len, int64_t *out) {
    return from + len <= text.len && str_to_i64(str_sub(text, from, len), out) && *out >= 0;
}

// Days since 1970 of a day of the Gregorian calendar (Hinnant, "chrono-compatible low-level date
// algorithms").
static int64_t days_of(int64_t year, int64_t month, int64_t day) {
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400, of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

int64_t s3_date_read(Str text) {
    static const char MONTHS[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    int64_t year, month = 0, day, hour, minute, second, ms = 0;
    uint32_t time;
    text = str_trim(text);
    if (text.len > 10 && text.ptr[10] == 'T') {
        if (!number_at(text, 0, 4, &year) || !number_at(text, 5, 2, &month) ||
            !number_at(text, 8, 2, &day)) {
            return -1;
        }
        time = 11;
        if (text.len > 23 && text.ptr[19] == '.' && !number_at(text, 20, 3, &ms)) return -1;
    } else {
        if (text.len < 25 || !number_at(text, 5, 2, &day) || !number_at(text, 12, 4, &year)) {
            return -1;
        }
        for (uint32_t i = 0; i < 12; i++) {
            if (memcmp(MONTHS + i * 3, text.ptr + 8, 3) == 0) month = i + 1;
        }
        time = 17;
    }
    if (!number_at(text, time, 2, &hour) || !number_at(text, time + 3, 2, &minute) ||
        !number_at(text, time + 6, 2, &second) || month < 1 || month > 12 || day < 1 || day > 31) {
        return -1;
    }
    return ((days_of(year, month, day) * 24 + hour) * 60 + minute) * 60000 + second * 1000 + ms;
}

void s3_reply_header(S3Reply *reply, Str line) {
    int64_t colon = str_find(line, STR(":"), 0);
    if (colon < 0) return;
    Str name = str_sub(line, 0, (uint32_t)colon);
    Str value = str_trim(str_sub(line, (uint32_t)colon + 1, line.len));
    int64_t number;
    if (str_eq_nocase(name, STR("etag"))) {
        reply->tag = str_dup(&reply->arena, value);
    } else if (str_eq_nocase(name, STR("server"))) {
        reply->server = str_dup(&reply->arena, value);
    } else if (str_eq_nocase(name, STR("last-modified"))) {
        reply->modified_ms = s3_date_read(value);
    } else if (str_eq_nocase(name, STR("content-length"))) {
        if (reply->size < 0 && str_to_i64(value, &number) && number >= 0) reply->size = number;
    } else if (str_eq_nocase(name, STR("content-range"))) {
        // "bytes 0-99/1234": behind the slash is the whole.
        int64_t slash = str_find(value, STR("/"), 0);
        if (slash >= 0 && str_to_i64(str_sub(value, (uint32_t)slash + 1, value.len), &number) &&
            number >= 0) {
            reply->size = number;
        }
    }
}

void s3_reply_clear(S3Reply *reply) {
    buf_free(&reply->body);
    arena_clear(&reply->arena);
}
