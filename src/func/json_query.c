// JSON_EXISTS, JSON_VALUE, JSON_QUERY, IS JSON, JSON_QUOTE, JSON_UNQUOTE, by Flink's SqlJsonUtils.
//
// The modes: a path begins with 'strict' or 'lax', or is strict. Strict: a document that does not
// parse, a path that leads nowhere, a JSON null and the wrong kind of value are errors. Lax: they
// are empty. The document "null" itself and a text that is no path are errors in both.
//
// The arguments behind document and path are the clauses, put there by the binder
// (plan/bind_expr.c).
#include <stdio.h>

#include "func/json_path.h"
#include "func/text_int.h"

typedef struct PathState {
    Arena paths;      // the path at hand
    Arena document;   // the document at hand and what is made of it
    Buf text;         // of the path at hand
    JsonPath *path;   // NULL: the text is no path
    bool ready, lax;
    char why[128];    // of what is no path
} PathState;

static Status path_open(const FuncCall *call, void **state, Error *err) {
    (void)call, (void)err;
    PathState *self = NEW(PathState);
    arena_init(&self->paths);
    arena_init(&self->document);
    *state = self;
    return ST_OK;
}

static void path_close(void *state) {
    if (!state) return;
    PathState *self = state;
    arena_clear(&self->paths);
    arena_clear(&self->document);
    buf_free(&self->text);
    mem_free(self);
}

// 'strict' or 'lax', any case, blanks around; then the path. Anything else is a strict path.
static bool mode_of(Str *path) {
    Str rest = *path;
    while (rest.len && (rest.ptr[0] == ' ' || (rest.ptr[0] >= '\t' && rest.ptr[0] <= '\r'))) {
        rest = str_sub(rest, 1, rest.len);
    }
    bool lax = rest.len > 4 && str_eq_nocase(str_sub(rest, 0, 3), STR("lax"));
    bool strict = rest.len > 7 && str_eq_nocase(str_sub(rest, 0, 6), STR("strict"));
    if (!lax && !strict) return false;
    Str spec = str_sub(rest, lax ? 3 : 6, rest.len);
    Str trimmed = str_trim(spec);
    if (!trimmed.len || trimmed.ptr == spec.ptr) return false;  // no blank between: 'lax$.a'
    *path = (Str){trimmed.ptr, spec.len - (uint32_t)(trimmed.ptr - spec.ptr)};
    return lax;
}

static Status path_ready(PathState *self, Str text, Error *err) {
    if (self->ready && str_eq(text, buf_str(&self->text))) return ST_OK;
    Error why = {0};
    self->ready = false;
    self->text.len = 0;
    buf_put_str(&self->text, text);
    arena_reset(&self->paths);
    Str path = str_dup(&self->paths, text);
    self->lax = mode_of(&path);
    Status st = json_path_parse(&self->paths, path, &self->path, &why);
    if (st == ST_UNSUPPORTED) {
        if (err) *err = why;
        return st;
    }
    if (st) self->path = NULL;
    (void)snprintf(self->why, sizeof self->why, "%.*s", (int)sizeof self->why - 1, why.message);
    self->ready = true;
    return ST_OK;
}

// What path and document give: a value, NULL for nothing (lax only), or an error to be handled.
typedef struct Found {
    const JsonValue *value;
    bool failed;
    Error error;
} Found;

static void found_fails(Found *found, const char *what) {
    found->failed = true;
    (void)error_set(&found->error, ST_RUNTIME, "%s", what);
}

static Status look_up(PathState *self, Str document, Str path, Found *found, Error *err) {
    found->value = NULL;
    found->failed = false;
    TRY(path_ready(self, path, err));
    arena_reset(&self->document);
    JsonValue *root = ARENA_NEW(&self->document, JsonValue);
    uint32_t end;
    if (json_parse(&self->document, document, 0, root, &end, &found->error)) {
        found->failed = !self->lax;
        return ST_OK;
    }
    if (!self->path) {
        found_fails(found, self->why);
    } else if (root->kind == JK_NULL) {
        found_fails(found, "the JSON document is null");
    } else {
        Status st = json_path_read(self->path, root, &self->document, &found->value, &found->error);
        if (st == ST_UNSUPPORTED) {
            if (err) *err = found->error;
            return st;
        }
        bool forgiven = st == ST_END && self->lax;
        if (forgiven && !json_path_definite(self->path)) {
            JsonValue *none = ARENA_NEW(&self->document, JsonValue);
            none->kind = JK_ARRAY;
            found->value = none;
        } else if (st) {
            found->value = NULL;
            found->failed = !forgiven;
        }
    }
    if (found->value && found->value->kind == JK_NULL) found->value = NULL;
    if (!found->value && !found->failed && !self->lax) {
        found_fails(found, "a strict JSON path requires a value that is not null");
    }
    return ST_OK;
}

static Str symbol_at(const KernelArgs *args, uint32_t i) {
    return i < args->argc && args->rows ? vec_str(args->arg[i])[0] : STR("");
}

static Status raise(const Found *found, Error *err) {
    if (err) *err = found->error;
    if (err) err->status = ST_RUNTIME;
    return ST_RUNTIME;
}

static bool inputs_null(const KernelArgs *args, uint32_t row) {
    return vec_is_null(args->arg[0], row) || vec_is_null(args->arg[1], row);
}

// ---- JSON_EXISTS (document, path, on error) -----------------------------------------------------

static Status exists_kernel(const KernelArgs *args, Vec *out, Error *err) {
    Str on_error = symbol_at(args, 2);
    Found found;
    for (uint32_t row = 0; row < args->rows; row++) {
        if (inputs_null(args, row)) {
            vec_set_null(out, row);
            continue;
        }
        TRY(look_up(args->state, vec_str(args->arg[0])[row], vec_str(args->arg[1])[row], &found,
                    err));
        vec_u8(out)[row] = found.value != NULL;
        if (!found.failed) continue;
        if (str_is(on_error, "ERROR")) return raise(&found, err);
        if (str_is(on_error, "UNKNOWN")) vec_set_null(out, row);
        vec_u8(out)[row] = str_is(on_error, "TRUE");
    }
    return ST_OK;
}

// ---- JSON_VALUE (document, path, type, on empty, default, on error, default) --------------------

static Str scalar_text(Arena *arena, const JsonValue *value) {
    if (value->kind == JK_TEXT) return value->text;
    Buf buf = {0};
    json_print(value, 0, &buf);
    Str text = str_dup(arena, buf_str(&buf));
    buf_free(&buf);
    return text;
}

// Puts a scalar into [out]; false when it does not fit the type. Flink casts Java objects here and
// fails on an integer for DOUBLE; we take what loses nothing.
static bool put_scalar(Vec *out, uint32_t row, const JsonValue *value, Arena *arena) {
    int64_t integer;
    double number;
    switch (out->type->kind) {
        case TYPE_BOOLEAN:
            if (value->kind != JK_BOOLEAN) return false;
            vec_u8(out)[row] = value->boolean;
            return true;
        case TYPE_INT:
            if (value->kind != JK_INTEGER || !str_to_i64(value->text, &integer) ||
                integer < INT32_MIN || integer > INT32_MAX) {
                return false;
            }
            vec_i32(out)[row] = (int32_t)integer;
            return true;
        case TYPE_DOUBLE:
            if (!json_is_number(value) || !str_to_f64(value->text, &number)) return false;
            vec_f64(out)[row] = number;
            return true;
        default: vec_set_text(out, row, scalar_text(arena, value)); return true;
    }
}

// One of the clauses ON EMPTY and ON ERROR; [at] is its place among the arguments.
static Status put_instead(const KernelArgs *args, uint32_t at, const Found *found, Vec *out,
                          uint32_t row, Error *err) {
    Str what = symbol_at(args, at);
    if (str_is(what, "ERROR")) {
        if (found->failed) return raise(found, err);
        return error_set(err, ST_RUNTIME, "empty result of %s is not allowed",
                         args->call->func->name);
    }
    if (str_is(what, "DEFAULT") && !vec_is_null(args->arg[at + 1], row)) {
        vec_copy_value(out, row, args->arg[at + 1], row);
    } else {
        vec_set_null(out, row);
    }
    return ST_OK;
}

static Status value_kernel(const KernelArgs *args, Vec *out, Error *err) {
    PathState *self = args->state;
    Found found;
    for (uint32_t row = 0; row < args->rows; row++) {
        if (inputs_null(args, row)) {
            vec_set_null(out, row);
            continue;
        }
        TRY(look_up(self, vec_str(args->arg[0])[row], vec_str(args->arg[1])[row], &found, err));
        bool scalar = found.value && json_is_scalar(found.value);
        if (found.value && !scalar && !self->lax) {
            found_fails(&found, "a strict JSON path of JSON_VALUE requires a scalar value");
        } else if (scalar && !put_scalar(out, row, found.value, &self->document)) {
            Str text = scalar_text(&self->document, found.value);
            found.failed = true;
            (void)error_set(&found.error, ST_RUNTIME, "JSON value '" STR_FMT "' is no %s",
                            STR_ARG(text), type_kind_name(out->type->kind));
        }
        if (found.failed) {
            TRY(put_instead(args, 5, &found, out, row, err));
        } else if (!scalar) {
            TRY(put_instead(args, 3, &found, out, row, err));
        }
    }
    return ST_OK;
}

static Status value_bind(FuncCall *call, Error *err) {
    const Type *type = call->argc > 2 ? call->arg[2] : type_of(TYPE_VARCHAR, true);
    switch (type->kind) {
        case TYPE_BOOLEAN:
        case TYPE_INT:
        case TYPE_DOUBLE:
        case TYPE_VARCHAR: break;
        default:
            return error_set(err, ST_VALIDATION,
                             "unsupported type '%s' for RETURNING in JSON_VALUE()",
                             type_kind_name(type->kind));
    }
    call->result = type_nullable(call->arena, type, true);
    return ST_OK;
}

// ---- JSON_QUERY (document, path, type, wrapper, on empty, on error) -----------------------------

static void put_array(Vec *out, uint32_t row, const JsonValue *list) {
    uint32_t slot = vec_list_begin(out, row, list->count);
    Buf buf = {0};
    for (uint32_t i = 0; i < list->count; i++) {
        const JsonValue *item = &list->item[i];
        if (item->kind == JK_NULL) {
            vec_set_null(out->child[0], slot + i);
            continue;
        }
        buf.len = 0;
        if (item->kind != JK_TEXT) json_print(item, JSON_SORT_NAMES, &buf);
        vec_set_text(out->child[0], slot + i, item->kind == JK_TEXT ? item->text : buf_str(&buf));
    }
    buf_free(&buf);
}

static Status query_instead(const KernelArgs *args, uint32_t at, const Found *found, Vec *out,
                            uint32_t row, Error *err) {
    Str what = symbol_at(args, at);
    if (str_is(what, "EMPTY ARRAY") && out->phys == PHYS_LIST) {
        (void)vec_list_begin(out, row, 0);
    } else if (str_is(what, "EMPTY ARRAY")) {
        vec_set_text(out, row, STR("[]"));
    } else if (str_is(what, "EMPTY OBJECT")) {
        vec_set_text(out, row, STR("{}"));
    } else {
        return put_instead(args, at, found, out, row, err);
    }
    return ST_OK;
}

static Status query_kernel(const KernelArgs *args, Vec *out, Error *err) {
    PathState *self = args->state;
    Str wrapper = symbol_at(args, 3);
    bool conditional = str_is(wrapper, "CONDITIONAL"), always = str_is(wrapper, "UNCONDITIONAL");
    bool array = out->phys == PHYS_LIST;
    Buf buf = {0};
    Found found;
    Status st = ST_OK;
    for (uint32_t row = 0; row < args->rows && !st; row++) {
        if (inputs_null(args, row)) {
            vec_set_null(out, row);
            continue;
        }
        st = look_up(self, vec_str(args->arg[0])[row], vec_str(args->arg[1])[row], &found, err);
        if (st) break;
        JsonValue wrapped = {.kind = JK_ARRAY, .count = 1};
        const JsonValue *value = found.value;
        if (value && (always || (conditional && value->kind != JK_ARRAY))) {
            wrapped.item = arena_dup(&self->document, value, sizeof *value);
            value = &wrapped;
        }
        bool scalar = value && json_is_scalar(value);
        if (scalar && !self->lax) {
            found_fails(&found, "a strict JSON path of JSON_QUERY requires an array or an object");
        } else if (value && !scalar && array && value->kind != JK_ARRAY) {
            found_fails(&found, "JSON_QUERY found no array");
        }
        if (found.failed) {
            st = query_instead(args, 5, &found, out, row, err);
        } else if (!value || scalar) {
            st = query_instead(args, 4, &found, out, row, err);
        } else if (array) {
            put_array(out, row, value);
        } else {
            buf.len = 0;
            json_print(value, JSON_SORT_NAMES, &buf);
            vec_set_text(out, row, buf_str(&buf));
        }
    }
    buf_free(&buf);
    return st;
}

static Status query_bind(FuncCall *call, Error *err) {
    const Type *type = call->argc > 2 ? call->arg[2] : type_of(TYPE_VARCHAR, true);
    Str on_empty = STR(""), on_error = STR("");
    (void)call_text(call, 4, &on_empty);
    (void)call_text(call, 5, &on_error);
    bool array = type->kind == TYPE_ARRAY;
    if (array ? type->child[0]->kind != TYPE_VARCHAR : type->kind != TYPE_VARCHAR) {
        return error_set(err, ST_VALIDATION, "unsupported type for RETURNING in JSON_QUERY()");
    }
    if (array && (str_is(on_empty, "EMPTY OBJECT") || str_is(on_error, "EMPTY OBJECT"))) {
        return error_set(err, ST_VALIDATION, "EMPTY OBJECT does not go with RETURNING ARRAY");
    }
    call->result = type_nullable(call->arena, type, true);
    return ST_OK;
}

// ---- IS JSON -----------------------------------------------------------------------------------

typedef enum JsonShape { SHAPE_ANY, SHAPE_OBJECT, SHAPE_ARRAY, SHAPE_SCALAR } JsonShape;

// The first value decides, what follows it is not looked at. NULL is no JSON.
static void shape_rows(const KernelArgs *args, JsonShape shape, bool negate, Vec *out) {
    const Str *text = vec_str(args->arg[0]);
    Arena arena;
    arena_init(&arena);
    for (uint32_t row = 0; row < args->rows; row++) {
        JsonValue value;
        uint32_t end;
        arena_reset(&arena);
        bool fits = !vec_is_null(args->arg[0], row) &&
                    !json_parse(&arena, text[row], 0, &value, &end, NULL);
        if (fits && shape == SHAPE_OBJECT) fits = value.kind == JK_OBJECT;
        if (fits && shape == SHAPE_ARRAY) fits = value.kind == JK_ARRAY;
        if (fits && shape == SHAPE_SCALAR) fits = json_is_scalar(&value);
        vec_u8(out)[row] = fits != negate;
    }
    arena_clear(&arena);
}

#define SHAPE_KERNEL(name, shape, negate)                                    \
    static Status name(const KernelArgs *args, Vec *out, Error *err) {       \
        (void)err;                                                           \
        shape_rows(args, shape, negate, out);                                \
        return ST_OK;                                                        \
    }
SHAPE_KERNEL(is_json_kernel, SHAPE_ANY, false)
SHAPE_KERNEL(is_json_object_kernel, SHAPE_OBJECT, false)
SHAPE_KERNEL(is_json_array_kernel, SHAPE_ARRAY, false)
SHAPE_KERNEL(is_json_scalar_kernel, SHAPE_SCALAR, false)
SHAPE_KERNEL(is_not_json_kernel, SHAPE_ANY, true)
SHAPE_KERNEL(is_not_json_object_kernel, SHAPE_OBJECT, true)
SHAPE_KERNEL(is_not_json_array_kernel, SHAPE_ARRAY, true)
SHAPE_KERNEL(is_not_json_scalar_kernel, SHAPE_SCALAR, true)

// ---- quoting -----------------------------------------------------------------------------------

// Beyond ASCII everything is escaped; of a surrogate pair first the whole code point, then the low
// half once more (as Flink does).
static void put_quoted(Buf *out, Str text) {
    buf_putc(out, '"');
    const char *end = str_end(text);
    for (const char *p = text.ptr; p < end;) {
        uint32_t code;
        p += utf8_next(p, end, &code);
        static const char FROM[] = "\"\\/\b\f\n\r\t", TO[] = "\"\\/bfnrt";
        const char *escape = code && code < 0x80 ? strchr(FROM, (int)code) : NULL;
        if (escape) {
            buf_putc(out, '\\');
            buf_putc(out, TO[escape - FROM]);
        } else if (code < 0x80) {
            buf_putc(out, (char)code);
        } else {
            buf_printf(out, "\\u%04x", code);
            if (code >= 0x10000) buf_printf(out, "\\u%04x", 0xDC00 + (code & 0x3FF));
        }
    }
    buf_putc(out, '"');
}

static Status quote_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    const Str *text = vec_str(args->arg[0]);
    Buf buf = {0};
    for (uint32_t row = 0; row < args->rows; row++) {
        if (!kernel_row_valid(args, row)) continue;
        buf.len = 0;
        put_quoted(&buf, text[row]);
        vec_set_text(out, row, buf_str(&buf));
    }
    buf_free(&buf);
    return ST_OK;
}

// A text in quotes that begins with a JSON text is unescaped up to its last quote (a quote in
// between stands for itself); any other is left as it is.
static Str unquoted(Arena *arena, Str text) {
    JsonValue value;
    uint32_t end;
    if (text.len < 2 || text.ptr[0] != '"' || text.ptr[text.len - 1] != '"') return text;
    if (json_parse(arena, text, 0, &value, &end, NULL)) return text;
    if (end == text.len) return value.text;
    Buf whole = {0};
    for (uint32_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '"' && i > 0 && i + 1 < text.len) buf_putc(&whole, '\\');
        buf_putc(&whole, c);
        if (c == '\\' && i + 1 < text.len) buf_putc(&whole, text.ptr[++i]);
    }
    Status st = json_parse(arena, str_dup(arena, buf_str(&whole)), 0, &value, NULL, NULL);
    buf_free(&whole);
    return st ? text : value.text;
}

static Status unquote_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    const Str *text = vec_str(args->arg[0]);
    for (uint32_t row = 0; row < args->rows; row++) {
        set_piece(out, row, unquoted(out->arena, text[row]));
    }
    return ST_OK;
}

#define IS_JSON_ROW(name_, alias_, kernel_, doc_)                                                \
    {.name = (name_), .alias = {alias_}, .args = {ARG_STRING}, .result = RESULT_BOOLEAN,         \
     .result_null = RESULT_NULL_NEVER, .nulls = NULLS_OWN, .flags = FUNC_HIDDEN,                 \
     .kernel = (kernel_), .doc = (doc_)}

static const ScalarFunc JSON_FUNCS[] = {
    {.name = "JSON_EXISTS", .args = {ARG_STRING, ARG_STRING, ARG_SYMBOL}, .argc_min = 2,
     .argc_max = 3, .result = RESULT_BOOLEAN, .result_null = RESULT_NULL_ALWAYS,
     .nulls = NULLS_OWN, .flags = FUNC_CAN_FAIL, .kernel = exists_kernel, .open = path_open,
     .close = path_close, .doc = "Whether the path leads to a value of the JSON document.",
     .example = "JSON_EXISTS('{\"a\": 1}', '$.a')", .gives = "TRUE"},
    {.name = "JSON_VALUE",
     .args = {ARG_STRING, ARG_STRING, ARG_ANY, ARG_SYMBOL, ARG_ANY, ARG_SYMBOL, ARG_ANY},
     .argc_min = 2, .argc_max = 7, .nulls = NULLS_OWN, .flags = FUNC_CAN_FAIL, .bind = value_bind,
     .kernel = value_kernel, .open = path_open, .close = path_close,
     .doc = "The scalar at the path of the JSON document, as text or as the type after RETURNING.",
     .example = "JSON_VALUE('{\"a\": [1, 2]}', '$.a[1]')", .gives = "2"},
    {.name = "JSON_QUERY",
     .args = {ARG_STRING, ARG_STRING, ARG_ANY, ARG_SYMBOL, ARG_SYMBOL, ARG_SYMBOL},
     .argc_min = 2, .argc_max = 6, .nulls = NULLS_OWN, .flags = FUNC_CAN_FAIL, .bind = query_bind,
     .kernel = query_kernel, .open = path_open, .close = path_close,
     .doc = "The object or array at the path of the JSON document, as JSON text.",
     .example = "JSON_QUERY('{\"a\": [1, 2]}', '$.a')", .gives = "[1,2]"},
    IS_JSON_ROW("IS JSON VALUE", "IS JSON", is_json_kernel, "Whether the text is JSON."),
    IS_JSON_ROW("IS JSON OBJECT", NULL, is_json_object_kernel,
                "Whether the text is a JSON object."),
    IS_JSON_ROW("IS JSON ARRAY", NULL, is_json_array_kernel, "Whether the text is a JSON array."),
    IS_JSON_ROW("IS JSON SCALAR", NULL, is_json_scalar_kernel,
                "Whether the text is a JSON text, number, boolean or null."),
    IS_JSON_ROW("IS NOT JSON VALUE", "IS NOT JSON", is_not_json_kernel,
                "The opposite of IS JSON."),
    IS_JSON_ROW("IS NOT JSON OBJECT", NULL, is_not_json_object_kernel,
                "The opposite of IS JSON OBJECT."),
    IS_JSON_ROW("IS NOT JSON ARRAY", NULL, is_not_json_array_kernel,
                "The opposite of IS JSON ARRAY."),
    IS_JSON_ROW("IS NOT JSON SCALAR", NULL, is_not_json_scalar_kernel,
                "The opposite of IS JSON SCALAR."),
    {.name = "JSON_QUOTE", .args = {ARG_STRING}, .result = RESULT_STRING, .flags = FUNC_TAKES_NULL,
     .kernel = quote_kernel, .doc = "The text as a JSON text, in quotes, escaped to ASCII.",
     .example = "JSON_QUOTE('a\"b')", .gives = "\"a\\\"b\""},
    {.name = "JSON_UNQUOTE", .args = {ARG_STRING}, .result = RESULT_STRING,
     .flags = FUNC_TAKES_NULL, .kernel = unquote_kernel,
     .doc = "The text that a JSON text holds; other texts unchanged.",
     .example = "JSON_UNQUOTE('\"abc\"')", .gives = "abc"},
};
const FuncTable JSON_QUERY_TABLE = FUNC_TABLE("JSON functions", JSON_FUNCS);
