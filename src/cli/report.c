#include "cli/report.h"

enum {
    LINE_SHOWN_MAX = 160
};  // code points of a source line; longer ones are cut around the caret

static Str line_of(Str text, uint32_t number) {
    uint32_t at = 0;
    for (uint32_t line = 1; line < number; line++) {
        int64_t end = str_find(text, STR("\n"), at);
        if (end < 0) return STR("");
        at = (uint32_t)end + 1;
    }
    int64_t end = str_find(text, STR("\n"), at);
    Str line = str_sub(text, at, end < 0 ? text.len : (uint32_t)end - at);
    if (line.len && line.ptr[line.len - 1] == '\r') line.len--;
    return line;
}

// The source line with a caret below. Columns count characters, and a tab is one of them: it is
// shown as a blank, so that the caret stands where it should.
static void put_source(const Place *place, Str line, Buf *out) {
    if (!line.len) return;
    uint32_t from = place->column > LINE_SHOWN_MAX / 2 ? place->column - LINE_SHOWN_MAX / 2 : 1;
    if (utf8_count(line) <= LINE_SHOWN_MAX) from = 1;
    buf_puts(out, "  ");
    const char *at = line.ptr, *end = line.ptr + line.len;
    for (uint32_t column = 1; at < end && column < from + LINE_SHOWN_MAX; column++) {
        uint32_t code, size = utf8_next(at, end, &code);
        if (column >= from) {
            if (code < ' ') {
                buf_putc(out, ' ');
            } else {
                buf_put(out, at, size);
            }
        }
        at += size;
    }
    buf_puts(out, "\n  ");
    for (uint32_t column = from; column < place->column; column++) buf_putc(out, ' ');
    uint32_t carets = 1;
    if (place->end_line == place->line && place->end_column > place->column) {
        carets = place->end_column - place->column + 1;
    } else if (place->end_line > place->line) {
        uint32_t length = utf8_count(line);
        carets = length > place->column ? length - place->column + 1 : 1;
    }
    if (carets > LINE_SHOWN_MAX / 2) carets = LINE_SHOWN_MAX / 2;
    while (carets--) buf_putc(out, '^');
    buf_putc(out, '\n');
}

void report_error(const Error *err, Str file, Str text, Buf *out) {
    Str source = err->source[0] ? str_c(err->source) : file;
    if (source.len) buf_printf(out, STR_FMT ":", STR_ARG(source));
    if (err->place.line) buf_printf(out, "%u:%u:", err->place.line, err->place.column);
    if (source.len || err->place.line) buf_putc(out, ' ');
    buf_printf(out, "%s: %s\n", status_sqlstate(err->status), err->message);
    // A source of its own (a data file, a topic) is not the text at hand.
    if (err->place.line && !err->source[0])
        put_source(&err->place, line_of(text, err->place.line), out);
    if (err->hint[0]) buf_printf(out, "hint: %s\n", err->hint);
}
