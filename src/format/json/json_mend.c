// Records whose bytes are not all UTF-8. Jackson takes more for UTF-8 than the standard does, and
// stumbles over the rest in ways that Flink's users see; instead of a second, careful reader the
// text is mended before the usual one sees it:
//   - strings that Jackson can read are rewritten, as Java would write them, with blanks behind the
//     closing quote where they became shorter;
//   - with ignore-parse-errors Jackson goes on behind the byte it stumbled over. Where a separator
//     follows there, as after a character cut short by the closing quote, only this value is lost:
//     it is overwritten by JSON_LOST, which reads as NULL. Else the record is lost.
// Blocks without such bytes, nearly all, pay for one check (base/utf8.h).
#include "base/utf8.h"
#include "format/json/json_int.h"

// Jackson reads past a byte order mark.
char *json_skip_mark(char *at) {
    return memcmp(at, "\xEF\xBB\xBF", 3) == 0 ? at + 3 : at;
}

static char *not_text(JsonReader *reader, const char *at) {
    reader->not_text = true;
    reader->bad = (Str){at, at < reader->end};
    return NULL;
}

// Writes what stood in a run of bytes above 0x7F, now [text], into the string at [out].
static char *put_mended(char *out, const char *text, uint32_t len) {
    for (uint32_t i = 0; i < len; i++) {
        char c = text[i];
        if (c == '"' || c == '\\' || c == '\n') *out++ = '\\';  // overlong: there were two bytes
        *out++ = c == '\n' ? 'n' : c;
    }
    return out;
}

// The string whose opening quote is at [open] is lost, [bad] the byte at which Jackson gave up.
// Returns where to go on, or NULL.
static char *lose_string(JsonReader *reader, char *open, char *bad, char *end) {
    if (!reader->options.ignore_errors || reader->options.tree || bad >= end) {
        return not_text(reader, bad);
    }
    char *at = bad + 1;
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\r')) at++;
    if (at >= end || (*at != ',' && *at != '}' && *at != ']')) return not_text(reader, bad);
    memset(open, ' ', (size_t)(at - open));
    *open = JSON_LOST;
    reader->lost++;
    return at;
}

// Mends the string at [open]. Returns the byte behind it, or NULL.
static char *mend_string(JsonReader *reader, char *open, char *end) {
    char *in = open + 1, *out = in;
    while (in < end && *in != '"') {
        if (*in == '\\' && in + 1 < end && (unsigned char)in[1] < 0x80) {
            *out++ = *in++;
            *out++ = *in++;
            continue;
        }
        if ((unsigned char)*in < 0x80) {
            *out++ = *in++;
            continue;
        }
        char *from = in;
        while (in < end && (unsigned char)*in >= 0x80) in++;
        Buf *run = &reader->scratch;
        run->len = 0;
        buf_put(run, from, (size_t)(in - from));
        uint32_t len = (uint32_t)run->len, bad;
        if (!utf8_read_jackson(run->ptr, &len, &bad)) {
            return lose_string(reader, open, from + bad, end);
        }
        out = put_mended(out, run->ptr, len);
    }
    if (in >= end) return end;  // never closed: the reader will say so
    *out++ = *in++;
    memset(out, ' ', (size_t)(in - out));
    return in;
}

bool json_mend(JsonReader *reader, char *at, char *end) {
    reader->lost = 0;
    reader->whole = false;
    if (utf8_valid_prefix(at, (size_t)(end - at)) == (size_t)(end - at)) return true;
    reader->whole = true;
    while (at && at < end) at = *at == '"' ? mend_string(reader, at, end) : at + 1;
    return at != NULL;
}
