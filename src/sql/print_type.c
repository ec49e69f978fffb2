// Types.
#include "sql/print_int.h"

static void print_fields(Printer *pr, const AstType *type, bool first) {
    for (uint32_t i = 0; i < type->child_count; i++) {
        put_comma(pr, first ? i : 1);
        print_ident(pr, type->field[i]);
        put(pr, " ");
        print_type(pr, type->child[i]);
        if (type->comment && type->comment[i].ptr) {
            put(pr, " ");
            put_text(pr, type->comment[i]);
        }
    }
}

static void print_precision(Printer *pr, const AstType *type) {
    if (type->precision < 0) return;
    if (type->scale < 0) buf_printf(pr->out, "(%d)", type->precision);
    else buf_printf(pr->out, "(%d, %d)", type->precision, type->scale);
}

static void print_brackets(Printer *pr, const char *name, const AstType *type) {
    put(pr, name);
    put(pr, is_flink(pr) ? "< " : "<");
    for (uint32_t i = 0; i < type->child_count; i++) {
        put_comma(pr, i);
        print_type(pr, type->child[i]);
    }
    put(pr, is_flink(pr) ? " >" : ">");
}

static void print_row_type(Printer *pr, const AstType *type) {
    if (type->parentheses || type->child_count == 0) {
        put(pr, type->parentheses ? "ROW(" : "ROW<");
        print_fields(pr, type, true);
        put(pr, type->parentheses ? ")" : ">");
        return;
    }
    put(pr, is_flink(pr) ? "ROW< " : "ROW<");
    print_fields(pr, type, true);
    put(pr, is_flink(pr) ? " >" : ">");
}

static const char *type_word(const Printer *pr, AstTypeKind kind) {
    switch (kind) {
        case AT_BOOLEAN: return "BOOLEAN";
        case AT_TINYINT: return "TINYINT";
        case AT_SMALLINT: return "SMALLINT";
        case AT_INT: return is_flink(pr) ? "INTEGER" : "INT";
        case AT_BIGINT: return "BIGINT";
        case AT_FLOAT: return "FLOAT";
        case AT_REAL: return "REAL";
        case AT_DOUBLE: return "DOUBLE";
        case AT_DECIMAL: return "DECIMAL";
        case AT_CHAR: return "CHAR";
        case AT_VARCHAR: return "VARCHAR";
        case AT_STRING: return "STRING";
        case AT_BINARY: return "BINARY";
        case AT_VARBINARY: return "VARBINARY";
        case AT_BYTES: return "BYTES";
        case AT_DATE: return "DATE";
        case AT_TIME: case AT_TIME_LTZ: return "TIME";
        case AT_TIMESTAMP: case AT_TIMESTAMP_LTZ: return "TIMESTAMP";
        case AT_VARIANT: return "VARIANT";
        case AT_BITMAP: return "BITMAP";
        case AT_ANY: return "ANY";
        default: return "";
    }
}

static void print_bare_type(Printer *pr, const AstType *type) {
    switch (type->kind) {
        case AT_INTERVAL:
            put(pr, "INTERVAL ");
            print_interval_qualifier(pr, &type->interval);
            return;
        case AT_ARRAY: case AT_MULTISET:
            if (type->suffix) {
                print_type(pr, type->child[0]);
                put(pr, type->kind == AT_ARRAY ? " ARRAY" : " MULTISET");
            } else {
                print_brackets(pr, type->kind == AT_ARRAY ? "ARRAY" : "MULTISET", type);
            }
            return;
        case AT_MAP: print_brackets(pr, "MAP", type); return;
        case AT_ROW: print_row_type(pr, type); return;
        case AT_STRUCTURED:
            put(pr, is_flink(pr) ? "STRUCTURED< " : "STRUCTURED<");
            put_text(pr, type->class_name);
            print_fields(pr, type, false);
            put(pr, is_flink(pr) ? " >" : ">");
            return;
        case AT_RAW:
            put(pr, "RAW(");
            put_text(pr, type->class_name);
            put(pr, ", ");
            put_text(pr, type->serializer);
            put(pr, ")");
            return;
        case AT_NAMED: print_name(pr, type->name); return;
        default: break;
    }
    put(pr, type->short_name ? "TIMESTAMP_LTZ" : type_word(pr, type->kind));
    print_precision(pr, type);
    bool zone = type->kind == AT_TIME_LTZ || (type->kind == AT_TIMESTAMP_LTZ && !type->short_name);
    if (zone) put(pr, " WITH LOCAL TIME ZONE");
    if (type->charset.ptr) {
        put(pr, " CHARACTER SET ");
        print_ident(pr, (AstIdent){.name = type->charset});
    }
}

void print_type(Printer *pr, const AstType *type) {
    print_bare_type(pr, type);
    if (type->nullability == NULLABILITY_NOT_NULL) put(pr, " NOT NULL");
    if (type->nullability == NULLABILITY_NULL && !is_flink(pr)) put(pr, " NULL");
}
