#include "cli/report.h"

#include "cli/rows.h"

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

// The part of a line that is shown: cut around the caret when it is long; a tab is one blank, so
// that the caret stands where it should.
typedef struct Excerpt {
    Buf text;
    uint32_t indent;  // columns before the caret
    uint32_t length;  // columns that are wrong
} Excerpt;

// Columns of a place count UTF-16 units, as Flink's do.
static void show_line(const Place *place, Str line, Excerpt *out) {
    bool whole = utf8_count(line) <= LINE_SHOWN_MAX;
    uint32_t from =
        whole || place->column < LINE_SHOWN_MAX / 2 ? 1 : place->column - LINE_SHOWN_MAX / 2;
    uint32_t last = place->column;
    if (place->end_line == place->line && place->end_column > last) last = place->end_column;
    if (place->end_line > place->line) last = UINT32_MAX;
    const char *at = line.ptr, *end = str_end(line);
    for (uint32_t column = 1; at < end && column < from + LINE_SHOWN_MAX;) {
        uint32_t code, size = utf8_next(at, end, &code);
        if (column >= from) {
            size_t start = out->text.len;
            if (code < ' ') {
                buf_putc(&out->text, ' ');
            } else {
                buf_put(&out->text, at, size);
            }
            uint32_t columns = text_columns(str_make(out->text.ptr + start, out->text.len - start));
            if (column < place->column) out->indent += columns;
            if (column >= place->column && column <= last) out->length += columns;
        }
        column += code > 0xFFFF ? 2 : 1;
        at += size;
    }
}

static void put_source(const Place *place, Str line, Buf *out) {
    if (!line.len) return;
    Excerpt excerpt = {0};
    show_line(place, line, &excerpt);
    buf_printf(out, "  " STR_FMT "\n  %*s^", STR_ARG(buf_str(&excerpt.text)), (int)excerpt.indent,
               "");
    while (excerpt.length-- > 1 && excerpt.length < LINE_SHOWN_MAX) buf_putc(out, '^');
    buf_putc(out, '\n');
    buf_free(&excerpt.text);
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
