// Types: SQL's own, and Flink's in angle brackets.
#include "sql/parser_int.h"

static AstType *type_new(Parser *p, AstTypeKind kind, uint32_t start) {
    AstType *type = ARENA_NEW(p->arena, AstType);
    type->kind = kind;
    type->precision = type->scale = -1;
    type->interval.precision = type->interval.fraction = -1;
    type->span = span_between(p, start, p->at > start ? p->at - 1 : start);
    return type;
}

static void type_push(Parser *p, AstType *type, AstType *child) {
    LIST_PUSH(p, type->child, type->child_count, child);
}

// [(precision)]
static Status parse_precision(Parser *p, AstType *type) {
    if (!take_kind(p, TOK_LPAREN)) return ST_OK;
    TRY(parse_unsigned(p, &type->precision));
    return need_kind(p, TOK_RPAREN);
}

static AstNullability take_nullability(Parser *p) {
    if (take_words(p, KW_NOT, KW_NULL)) return NULLABILITY_NOT_NULL;
    return take_word(p, KW_NULL) ? NULLABILITY_NULL : NULLABILITY_UNSAID;
}

// DECIMAL [(precision [, scale])]
static Status parse_decimal(Parser *p, AstType *type) {
    if (!take_kind(p, TOK_LPAREN)) return ST_OK;
    TRY(parse_unsigned(p, &type->precision));
    if (take_kind(p, TOK_COMMA)) TRY(parse_unsigned(p, &type->scale));
    return need_kind(p, TOK_RPAREN);
}

static Status parse_char(Parser *p, bool varying, AstType *type) {
    if (varying || take_word(p, KW_VARYING)) type->kind = AT_VARCHAR;
    TRY(parse_precision(p, type));
    if (take_words(p, KW_CHARACTER, KW_SET)) {
        AstIdent charset;
        TRY(parse_ident(p, &charset));
        type->charset = charset.name;
    }
    return ST_OK;
}

// TIME, TIMESTAMP [(precision)] [WITHOUT TIME ZONE | WITH LOCAL TIME ZONE]
static Status parse_time(Parser *p, AstTypeKind with_zone, AstType *type) {
    TRY(parse_precision(p, type));
    if (take_word(p, KW_WITHOUT)) {
        TRY(need_word(p, KW_TIME));
        return need_word(p, KW_ZONE);
    }
    if (take_word(p, KW_WITH)) {
        type->kind = with_zone;
        TRY(need_word(p, KW_LOCAL));
        TRY(need_word(p, KW_TIME));
        return need_word(p, KW_ZONE);
    }
    return ST_OK;
}

// The fields of ROW and STRUCTURED up to the closing bracket: name TYPE [[NOT] NULL] ['comment'].
static Status parse_fields(Parser *p, TokenKind close, AstType *type) {
    if (is_kind(p, 0, close)) return ST_OK;
    do {
        AstIdent name;
        AstType *field;
        Str comment = {0};
        uint32_t index = type->child_count, count = type->child_count;
        TRY(parse_ident(p, &name));
        TRY(parse_type_nullable(p, &field));
        if (is_kind(p, 0, TOK_TEXT)) TRY(parse_plain_text(p, &comment));
        LIST_PUSH(p, type->field, count, name);
        count = index;
        LIST_PUSH(p, type->comment, count, comment);
        type_push(p, type, field);
    } while (take_kind(p, TOK_COMMA));
    return ST_OK;
}

// ROW<…> or ROW(…), behind ROW.
static Status parse_row_type(Parser *p, AstType *type) {
    if (take_kind(p, TOK_NE)) return ST_OK;  // ROW<>
    if (take_kind(p, TOK_LPAREN)) {
        type->parentheses = true;
        TRY(parse_fields(p, TOK_RPAREN, type));
        return need_kind(p, TOK_RPAREN);
    }
    TRY(need_kind(p, TOK_LT));
    TRY(parse_fields(p, TOK_GT, type));
    return need_kind(p, TOK_GT);
}

// ARRAY<T>, MULTISET<T>, MAP<K, V>: behind the word.
static Status parse_elements(Parser *p, uint32_t count, AstType *type) {
    TRY(need_kind(p, TOK_LT));
    for (uint32_t i = 0; i < count; i++) {
        AstType *child;
        if (i > 0) TRY(need_kind(p, TOK_COMMA));
        TRY(parse_type_nullable(p, &child));
        type_push(p, type, child);
    }
    return need_kind(p, TOK_GT);
}

// STRUCTURED<'class' [, field …]>
static Status parse_structured(Parser *p, AstType *type) {
    TRY(need_kind(p, TOK_LT));
    TRY(parse_text_value(p, &type->class_name));
    if (take_kind(p, TOK_COMMA)) TRY(parse_fields(p, TOK_GT, type));
    return need_kind(p, TOK_GT);
}

static Status parse_raw(Parser *p, AstType *type) {
    TRY(need_kind(p, TOK_LPAREN));
    TRY(parse_text_value(p, &type->class_name));
    TRY(need_kind(p, TOK_COMMA));
    TRY(parse_text_value(p, &type->serializer));
    return need_kind(p, TOK_RPAREN);
}

// The types that are one word, or AT_NAMED.
static AstTypeKind simple_type(Keyword word) {
    switch (word) {
        case KW_BOOLEAN: return AT_BOOLEAN;
        case KW_TINYINT: return AT_TINYINT;
        case KW_SMALLINT: return AT_SMALLINT;
        case KW_INT: case KW_INTEGER: return AT_INT;
        case KW_BIGINT: return AT_BIGINT;
        case KW_FLOAT: return AT_FLOAT;
        case KW_REAL: return AT_REAL;
        case KW_DATE: return AT_DATE;
        case KW_STRING: return AT_STRING;
        case KW_BYTES: return AT_BYTES;
        case KW_VARIANT: return AT_VARIANT;
        case KW_BITMAP: return AT_BITMAP;
        default: return AT_NAMED;
    }
}

static Status parse_type_name(Parser *p, AstType **out) {
    const Token *token = parser_token(p, 0);
    uint32_t start = p->at;
    Keyword word = token->kind == TOK_WORD ? (Keyword)token->word : KW_IDENTIFIER;
    AstType *type = *out = type_new(p, simple_type(word), start);
    bool angle = is_kind(p, 1, TOK_LT);

    if (type->kind != AT_NAMED) {
        skip_token(p);
        return ST_OK;
    }
#define BEHIND(kind_) type->kind = (kind_), skip_token(p)
    switch (word) {
        case KW_DOUBLE: BEHIND(AT_DOUBLE); take_word(p, KW_PRECISION); return ST_OK;
        case KW_DECIMAL:
        case KW_DEC:
        case KW_NUMERIC: BEHIND(AT_DECIMAL); return parse_decimal(p, type);
        case KW_ANY: BEHIND(AT_ANY); return parse_decimal(p, type);
        case KW_CHAR: case KW_CHARACTER: BEHIND(AT_CHAR); return parse_char(p, false, type);
        case KW_VARCHAR: BEHIND(AT_VARCHAR); return parse_char(p, true, type);
        case KW_BINARY:
            BEHIND(AT_BINARY);
            if (take_word(p, KW_VARYING)) type->kind = AT_VARBINARY;
            return parse_precision(p, type);
        case KW_VARBINARY: BEHIND(AT_VARBINARY); return parse_precision(p, type);
        case KW_TIME: BEHIND(AT_TIME); return parse_time(p, AT_TIME_LTZ, type);
        case KW_TIMESTAMP: BEHIND(AT_TIMESTAMP); return parse_time(p, AT_TIMESTAMP_LTZ, type);
        case KW_TIMESTAMP_LTZ:
            BEHIND(AT_TIMESTAMP_LTZ);
            type->short_name = true;
            return parse_precision(p, type);
        case KW_ROW: BEHIND(AT_ROW); return parse_row_type(p, type);
        case KW_ARRAY: BEHIND(AT_ARRAY); return parse_elements(p, 1, type);
        case KW_MULTISET: BEHIND(AT_MULTISET); return parse_elements(p, 1, type);
        case KW_STRUCTURED: BEHIND(AT_STRUCTURED); return parse_structured(p, type);
        case KW_RAW: BEHIND(AT_RAW); return parse_raw(p, type);
        case KW_MAP:
            if (!angle) break;  // MAP is not reserved: a type may be called so
            BEHIND(AT_MAP);
            return parse_elements(p, 2, type);
        default: break;
    }
#undef BEHIND
    if (!at_ident(p, 0)) {
        parser_expect(p, "a type");
        return parser_unexpected(p);
    }
    return parse_name(p, &type->name);
}

// T ARRAY, T MULTISET, T NOT NULL ARRAY …: the older way to write collections.
static void parse_collection_suffix(Parser *p, uint32_t start, AstType **type) {
    for (;;) {
        uint32_t ahead = 0;
        AstNullability nullability = NULLABILITY_UNSAID;
        if (is_word(p, 0, KW_NOT) && is_word(p, 1, KW_NULL)) {
            ahead = 2;
            nullability = NULLABILITY_NOT_NULL;
        } else if (is_word(p, 0, KW_NULL)) {
            ahead = 1;
            nullability = NULLABILITY_NULL;
        }
        bool array = is_word(p, ahead, KW_ARRAY);
        if (!array && !is_word(p, ahead, KW_MULTISET)) return;
        p->at += ahead + 1;
        (*type)->nullability = nullability;
        AstType *collection = type_new(p, array ? AT_ARRAY : AT_MULTISET, start);
        collection->suffix = true;
        type_push(p, collection, *type);
        *type = collection;
    }
}

Status parse_type(Parser *p, AstType **out) {
    uint32_t start = p->at;
    AstType *type;
    TRY(parser_enter(p));
    TRY(parse_type_name(p, &type));
    type->span = span_since(p, start);
    parse_collection_suffix(p, start, &type);
    uint32_t levels = 0;
    for (const AstType *t = type; t->suffix; t = t->child[0]) levels++;
    if (p->depth + levels > SQL_DEPTH_MAX) {
        return parser_fail(p, start, "the type nests too deeply");
    }
    parser_leave(p);
    *out = type;
    return ST_OK;
}

Status parse_type_nullable(Parser *p, AstType **out) {
    uint32_t start = p->at;
    TRY(parse_type(p, out));
    (*out)->nullability = take_nullability(p);
    (*out)->span = span_since(p, start);
    return ST_OK;
}
