// Names, texts and literals.
#include "sql/print_int.h"

// ---- names and texts ---------------------------------------------------------------------------

void sql_print_name(Str name, Buf *out) {
    buf_putc(out, '`');
    for (uint32_t i = 0; i < name.len; i++) {
        if (name.ptr[i] == '`') buf_putc(out, '`');
        buf_putc(out, name.ptr[i]);
    }
    buf_putc(out, '`');
}

void sql_print_text(Str text, Buf *out) {
    buf_putc(out, '\'');
    for (uint32_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\'') buf_putc(out, '\'');
        buf_putc(out, text.ptr[i]);
    }
    buf_putc(out, '\'');
}

// Would the lexer read it as one identifier that is no keyword?
static bool is_plain_ident(Str name) {
    if (name.len == 0 || keyword_find(name) != KW_IDENTIFIER) return false;
    for (uint32_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && (i == 0 || c < '0' || c > '9')) return false;
    }
    return true;
}

void print_ident(Printer *pr, AstIdent ident) {
    if (!is_flink(pr) && !ident.quoted && is_plain_ident(ident.name)) put_str(pr, ident.name);
    else sql_print_name(ident.name, pr->out);
}

void print_name(Printer *pr, AstName name) {
    for (uint32_t i = 0; i < name.count; i++) {
        if (i) put(pr, ".");
        print_ident(pr, name.part[i]);
    }
}

void print_idents(Printer *pr, AstIdents idents) {
    for (uint32_t i = 0; i < idents.count; i++) {
        put_comma(pr, i);
        print_ident(pr, idents.at[i]);
    }
}

void print_ident_list(Printer *pr, AstIdents idents) {
    put(pr, "(");
    print_idents(pr, idents);
    put(pr, ")");
}

// ---- literals ----------------------------------------------------------------------------------

// Texts that Flink prints as they are: ASCII, and of the control characters only line ends.
static bool is_safe_text(Str text) {
    for (uint32_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c >= 0x80 || (c < 0x20 && c != '\n' && c != '\r')) return false;
    }
    return true;
}

// u&'\00e9': code units, four digits each, everything beyond ASCII and the backslash itself.
static void print_unicode_text(Printer *pr, Str text, const char *open) {
    const char *ptr = text.ptr, *end = str_end(text);
    put(pr, open);
    while (ptr < end) {
        uint32_t code;
        ptr += utf8_next(ptr, end, &code);
        if (code == '\'') put(pr, "''");
        else if (code == '\\') put(pr, "\\\\");
        else if (code >= 0x20 && code < 0x80) buf_putc(pr->out, (char)code);
        else if (code < 0x10000) buf_printf(pr->out, "\\%04x", code);
        else buf_printf(pr->out, "\\%04x\\%04x", 0xD800 + ((code - 0x10000) >> 10),
                        0xDC00 + ((code - 0x10000) & 0x3FF));
    }
    put(pr, "'");
}

// E'…\n'
static void print_c_text(Printer *pr, Str text) {
    put(pr, "E'");
    for (uint32_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c == '\'') put(pr, "''");
        else if (c == '\\') put(pr, "\\\\");
        else if (c == '\n') put(pr, "\\n");
        else if (c == '\r') put(pr, "\\r");
        else if (c == '\t') put(pr, "\\t");
        else if (c < 0x20 || c == 0x7F) buf_printf(pr->out, "\\%03o", c);
        else buf_putc(pr->out, (char)c);
    }
    put(pr, "'");
}

// Flink's names of the character sets.
static void print_flink_charset(Printer *pr, Str charset) {
    Str name =
        charset.len && charset.ptr[0] == '_' ? str_sub(charset, 1, charset.len - 1) : charset;
    if (str_eq_nocase(name, STR("N"))) name = STR("ISO-8859-1");
    put(pr, "_");
    for (uint32_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        buf_putc(pr->out, c >= 'a' && c <= 'z' ? (char)(c - 32) : c);
    }
}

static void print_text_piece(Printer *pr, const AstLiteral *literal, bool first) {
    if (literal->kind == LIT_BINARY) {
        if (first) put(pr, "X");
        put_text(pr, literal->text);
    } else if (is_flink(pr)) {
        if (literal->style == TEXT_PREFIXED) print_flink_charset(pr, literal->charset);
        else if (literal->style != TEXT_PLAIN) put(pr, "_UTF16");
        if (literal->style == TEXT_PLAIN && !is_safe_text(literal->text)) {
            print_unicode_text(pr, literal->text, "u&'");
        } else {
            put_text(pr, literal->text);
        }
    } else if (literal->style == TEXT_UNICODE) {
        print_unicode_text(pr, literal->text, "U&'");
    } else if (literal->style == TEXT_C_STYLE) {
        print_c_text(pr, literal->text);
    } else {
        if (literal->style == TEXT_PREFIXED) put_str(pr, literal->charset);
        put_text(pr, literal->text);
    }
}

static void print_text(Printer *pr, const AstLiteral *literal) {
    if (literal->piece.count == 0) {
        print_text_piece(pr, literal, true);
        return;
    }
    // U&'a' 'b' has one style for all its pieces; a later plain piece is escaped like the first.
    for (uint32_t i = 0; i < literal->piece.count; i++) {
        AstLiteral piece = literal->piece.at[i]->literal;
        bool one_line = literal->pieces_on_one_line && !is_flink(pr);
        if (i) put(pr, one_line ? " " : "\n");
        print_text_piece(pr, &piece, i == 0);
    }
}

// 1.50, 0.5, 12: as a BigDecimal prints itself.
static void print_flink_decimal(Printer *pr, Str text) {
    if (text.len && text.ptr[0] == '-') {
        text = str_sub(text, 1, text.len - 1);
        bool zero = true;  // there is no minus zero
        for (uint32_t i = 0; i < text.len; i++) zero &= text.ptr[i] == '0' || text.ptr[i] == '.';
        if (!zero) put(pr, "-");
    }
    while (text.len > 1 && text.ptr[0] == '0' && text.ptr[1] != '.') {
        text = str_sub(text, 1, text.len - 1);
    }
    if (text.len && text.ptr[0] == '.') put(pr, "0");
    if (text.len && text.ptr[text.len - 1] == '.') text.len--;
    put_str(pr, text);
}

// 1.5E10: the digits without zeros at either end, one before the point.
static void print_flink_approx(Printer *pr, Str text) {
    char digits[64];
    uint32_t count = 0, i = 0;
    int64_t exponent = 0, after_point = 0;
    bool point = false, minus = text.len && text.ptr[0] == '-';
    for (i = minus; i < text.len && text.ptr[i] != 'e' && text.ptr[i] != 'E'; i++) {
        if (text.ptr[i] == '.') {
            point = true;
            continue;
        }
        after_point += point;
        if (count == 0 && text.ptr[i] == '0') continue;
        if (count < sizeof digits) digits[count++] = text.ptr[i];
        else after_point--;  // beyond what is shown
    }
    uint32_t from = i + 1 + (i + 1 < text.len && text.ptr[i + 1] == '+');
    if (!str_to_i64(str_sub(text, from, text.len - from), &exponent)) exponent = 0;
    exponent -= after_point;
    if (count == 0) digits[count++] = '0';
    exponent += (int64_t)count - 1;
    while (count > 1 && digits[count - 1] == '0') count--;
    buf_printf(pr->out, "%s%c%s%.*sE%lld", minus && digits[0] != '0' ? "-" : "", digits[0],
               count > 1 ? "." : "", (int)count - 1, digits + 1, (long long)exponent);
}

static const char *unit_text(AstUnit unit) {
    static const char *const TEXTS[] = {"", "YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "HOUR",
                                        "MINUTE", "SECOND"};
    return TEXTS[unit];
}

void print_interval_qualifier(Printer *pr, const AstInterval *interval) {
    put(pr, unit_text(interval->from));
    bool second = interval->from == UNIT_SECOND;
    if (interval->precision >= 0 && second && interval->fraction >= 0) {
        buf_printf(pr->out, "(%d, %d)", interval->precision, interval->fraction);
    } else if (interval->precision >= 0) {
        buf_printf(pr->out, "(%d)", interval->precision);
    }
    if (interval->to == UNIT_NONE) return;
    buf_printf(pr->out, " TO %s", unit_text(interval->to));
    if (interval->fraction >= 0) buf_printf(pr->out, "(%d)", interval->fraction);
}

void print_literal(Printer *pr, const AstExpr *expr) {
    const AstLiteral *literal = &expr->literal;
    switch (literal->kind) {
        case LIT_NULL: put(pr, "NULL"); return;
        case LIT_UNKNOWN: put(pr, "UNKNOWN"); return;
        case LIT_BOOLEAN: put(pr, literal->boolean ? "TRUE" : "FALSE"); return;
        case LIT_INTEGER: case LIT_DECIMAL:
            if (is_flink(pr)) {
                print_flink_decimal(pr, literal->text);
            } else if (literal->style == TEXT_PREFIXED) {
                put(pr, "DECIMAL ");
                put_text(pr, literal->text);
            } else {
                put_str(pr, literal->text);
            }
            return;
        case LIT_APPROX:
            if (is_flink(pr)) print_flink_approx(pr, literal->text);
            else put_str(pr, literal->text);
            return;
        case LIT_TEXT: case LIT_BINARY: print_text(pr, literal); return;
        case LIT_DATE: put(pr, "DATE "); break;
        case LIT_TIME: put(pr, "TIME "); break;
        case LIT_TIMESTAMP: put(pr, "TIMESTAMP "); break;
        case LIT_TIMESTAMP_LTZ: put(pr, "TIMESTAMP WITH LOCAL TIME ZONE "); break;
        case LIT_DATETIME: put(pr, "DATETIME "); break;
        case LIT_INTERVAL: put(pr, literal->negative ? "INTERVAL -" : "INTERVAL "); break;
    }
    put_text(pr, literal->text);
    if (literal->kind == LIT_INTERVAL) {
        put(pr, " ");
        print_interval_qualifier(pr, &literal->interval);
    }
}
