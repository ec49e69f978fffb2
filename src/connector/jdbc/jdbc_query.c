// SQL for PostgreSQL.
#include "connector/jdbc/jdbc_int.h"

static void put_quoted(Str text, char quote, Buf *out) {
    buf_putc(out, quote);
    for (uint32_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == quote) buf_putc(out, quote);
        buf_putc(out, text.ptr[i]);
    }
    buf_putc(out, quote);
}

void sql_identifier(Str name, Buf *out) {
    put_quoted(name, '"', out);
}

// With standard_conforming_strings, on since 9.1, a backslash is itself.
void sql_text(Str text, Buf *out) {
    put_quoted(text, '\'', out);
}

void sql_select_list(const Link *link, const Type *wanted, const char *prefix, Buf *out) {
    for (uint32_t i = 0; i < wanted->child_count; i++) {
        const PgColumn *column = link_column(link, wanted->field[i]);
        if (i) buf_puts(out, ", ");
        buf_puts(out, prefix);
        sql_identifier(column->name, out);
        if (pg_type_fits(wanted->child[i], column->type)) continue;
        buf_puts(out, "::");
        pg_type_name(wanted->child[i], out);
    }
}

static void put_filter(const Link *link, const TaskEnv *env, const TableFilter *filter,
                       const char *prefix, Buf *out) {
    static const char *const OPS[] = {
        [FILTER_EQUAL] = " = ",   [FILTER_NOT_EQUAL] = " <> ",     [FILTER_LESS] = " < ",
        [FILTER_LESS_EQUAL] = " <= ", [FILTER_GREATER] = " > ",
        [FILTER_GREATER_EQUAL] = " >= ", [FILTER_LIKE] = " LIKE ",
        [FILTER_IS_NULL] = " IS NULL", [FILTER_IS_NOT_NULL] = " IS NOT NULL",
        [FILTER_AND] = " AND ",   [FILTER_OR] = " OR ",
    };
    buf_putc(out, '(');
    if (filter->op == FILTER_AND || filter->op == FILTER_OR) {
        put_filter(link, env, filter->arg[0], prefix, out);
        buf_puts(out, OPS[filter->op]);
        put_filter(link, env, filter->arg[1], prefix, out);
    } else {
        buf_puts(out, prefix);
        sql_identifier(link->column[filter->column].name, out);
        // Text is ordered by its bytes, as weir orders it, not by the database's language.
        bool text = filter->value && type_is_text(filter->value->type);
        if (text && filter->op >= FILTER_LESS && filter->op <= FILTER_GREATER_EQUAL) {
            buf_puts(out, " COLLATE \"C\"");
        }
        buf_puts(out, OPS[filter->op]);
        if (filter->value) {
            Buf value = {0};
            pg_text(env, filter->value, 0, &value);
            sql_text(buf_str(&value), out);
            buf_free(&value);
            if (!text) {  // text takes the column's type, which may be shorter, or an enum
                buf_puts(out, "::");
                pg_type_name(filter->value->type, out);
            }
        }
        if (filter->op == FILTER_LIKE) buf_puts(out, " ESCAPE ''");
    }
    buf_putc(out, ')');
}

void sql_where(const Link *link, const TaskEnv *env, const TableFilter *const *filter,
               uint32_t count, const char *prefix, Str more, Buf *out) {
    for (uint32_t i = 0; i < count; i++) {
        buf_puts(out, i ? " AND " : " WHERE ");
        put_filter(link, env, filter[i], prefix, out);
    }
    if (!more.len) return;
    buf_puts(out, count ? " AND " : " WHERE ");
    buf_put_str(out, more);
}
