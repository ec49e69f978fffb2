// TYPEOF, OBJECT_OF, OBJECT_UPDATE, CURRENT_DATABASE.
#include "func/collection.h"

// ---- TYPEOF -------------------------------------------------------------------------------------

// The second argument asks for the serializable form: VARCHAR(2147483647) for STRING.
static Status typeof_bind(FuncCall *call, Error *err) {
    bool serializable = false;
    if (call->argc > 1) {
        const Vec *literal = call->literal[1];
        if (!literal || vec_is_null(literal, 0)) {
            return error_set(err, ST_VALIDATION,
                             "TYPEOF: the second argument must be TRUE or FALSE");
        }
        serializable = vec_u8(literal)[0];
    }
    Buf text = {0};
    // Time attributes are no types: what runs sees the plain ones.
    const Type *type = type_plain(call->arena, call->arg[0]);
    if (type->kind == TYPE_NULL) {
        buf_puts(&text, "NULL");
    } else if (serializable) {
        type_print(type, &text);
    } else {
        type_print_summary(type, true, &text);
    }
    Str *name = ARENA_NEW(call->arena, Str);
    *name = str_dup(call->arena, buf_str(&text));
    buf_free(&text);
    call->bound = name;
    call->result = type_of(TYPE_VARCHAR, true);
    return ST_OK;
}

static Status typeof_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    const Str *name = args->call->bound;
    for (uint32_t row = 0; row < args->rows; row++) vec_str(out)[row] = *name;
    return ST_OK;
}

// ---- OBJECT_OF, OBJECT_UPDATE -------------------------------------------------------------------

// Names joined by dots, each as Java's identifiers.
static bool class_name_valid(Str name) {
    bool start = true;
    for (uint32_t i = 0; i < name.len; i++) {
        uint8_t c = (uint8_t)name.ptr[i];
        bool letter = (c | 32) >= 'a' && (c | 32) <= 'z';
        bool digit = c >= '0' && c <= '9';
        bool name_char = letter || c == '_' || c == '$' || c >= 0x80 || (digit && !start);
        if (c == '.' ? start : !name_char) return false;
        start = c == '.';
    }
    return !start;
}

static Status literal_text(const FuncCall *call, uint32_t i, Str *out, Error *err) {
    const Vec *literal = call->literal[i];
    if (!literal || !type_is_text(call->arg[i]) || vec_is_null(literal, 0)) {
        return error_set(err, ST_VALIDATION,
                         "%s: argument %u must be a text literal that is not NULL",
                         call->func->name, i + 1);
    }
    *out = str_dup(call->arena, vec_str(literal)[0]);
    return ST_OK;
}

// The fields named by arguments 1, 3, 5 …; each name once.
static Status object_names(const FuncCall *call, Str *field, Error *err) {
    for (uint32_t i = 1; i < call->argc; i += 2) {
        uint32_t at = i / 2;
        TRY(literal_text(call, i, &field[at], err));
        for (uint32_t k = 0; k < at; k++) {
            if (!str_eq(field[k], field[at])) continue;
            return error_set(err, ST_VALIDATION,
                             "The field name '" STR_FMT "' at position %u is repeated.",
                             STR_ARG(field[at]), i + 1);
        }
        if (call->arg[i + 1]->kind == TYPE_NULL) {
            return error_set(err, ST_VALIDATION, "%s: illegal use of NULL", call->func->name);
        }
    }
    return ST_OK;
}

static Status object_of_bind(FuncCall *call, Error *err) {
    if (call->argc % 2 == 0) {
        return error_set(err, ST_VALIDATION,
                         "OBJECT_OF takes a class name and pairs of name and value");
    }
    uint32_t count = call->argc / 2;
    Str class_name, *field = ARENA_ARRAY(call->arena, Str, count + 1);
    const Type **child = ARENA_ARRAY(call->arena, const Type *, count + 1);
    TRY(literal_text(call, 0, &class_name, err));
    if (!class_name_valid(class_name)) {
        return error_set(err, ST_VALIDATION,
                         "Invalid class name '" STR_FMT "'. The class name must comply with JVM "
                         "identifier rules.", STR_ARG(class_name));
    }
    TRY(object_names(call, field, err));
    for (uint32_t i = 0; i < count; i++) {
        child[i] = type_attribute(call->arena, call->arg[2 + i * 2], TIME_NONE);
    }
    call->result = type_structured(call->arena, class_name, count, child, field, true);
    return ST_OK;
}

static Status object_of_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    for (uint32_t i = 0; i < args->argc / 2; i++) {
        for (uint32_t row = 0; row < args->rows; row++) {
            vec_share_value(out->child[i], row, args->arg[2 + i * 2], row);
        }
    }
    return ST_OK;
}

static Status object_update_bind(FuncCall *call, Error *err) {
    const Type *type = call->arg[0];
    if (type->kind != TYPE_ROW || !type_is_structured(type)) {
        return error_set(err, ST_VALIDATION,
                         "OBJECT_UPDATE: the first argument must be a structured type");
    }
    if (call->argc % 2 == 0) {
        return error_set(err, ST_VALIDATION,
                         "OBJECT_UPDATE takes an object and pairs of name and value");
    }
    uint32_t count = call->argc / 2;
    Str *field = ARENA_ARRAY(call->arena, Str, count + 1);
    TRY(object_names(call, field, err));
    const Type **child = ARENA_ARRAY(call->arena, const Type *, type->child_count + 1);
    for (uint32_t f = 0; f < type->child_count; f++) child[f] = type->child[f];
    uint32_t *source = ARENA_ARRAY(call->arena, uint32_t, type->child_count + 1);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t f = 0;
        while (f < type->child_count && !str_eq(type->field[f], field[i])) f++;
        if (f == type->child_count) {
            return error_set(err, ST_VALIDATION,
                             "The field name '" STR_FMT "' at position %u is not part of the "
                             "structured type attributes.", STR_ARG(field[i]), 2 + i * 2);
        }
        child[f] = type_attribute(call->arena, call->arg[2 + i * 2], TIME_NONE);
        source[f] = 2 + i * 2;
    }
    call->result = type_structured(call->arena, type->class_name, type->child_count, child,
                                   type->field, type->nullable);
    call->bound = source;
    return ST_OK;
}

// Field f comes from argument source[f], or from the object when that is 0.
static Status object_update_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    const uint32_t *source = args->call->bound;
    const Vec *object = args->arg[0];
    for (uint32_t row = 0; row < args->rows; row++) {
        if (vec_is_null(object, row)) {
            vec_set_null(out, row);
            continue;
        }
        for (uint32_t f = 0; f < out->type->child_count; f++) {
            vec_share_value(out->child[f], row, source[f] ? args->arg[source[f]] : object->child[f],
                            row);
        }
    }
    return ST_OK;
}

// ---- CURRENT_DATABASE ---------------------------------------------------------------------------

static Status current_database_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    for (uint32_t row = 0; row < args->rows; row++) vec_set_text(out, row, args->env->database);
    return ST_OK;
}

static const ScalarFunc STRUCTURED_FUNCS[] = {
    {.name = "CURRENT_DATABASE", .result = RESULT_STRING, .result_null = RESULT_NULL_NEVER,
     .kernel = current_database_kernel, .doc = "The name of the current database.",
     .example = "CURRENT_DATABASE()", .gives = "default_database"},
    {.name = "OBJECT_OF", .args = {ARG_ANY}, .argc_min = 1, .argc_max = FUNC_VARIADIC,
     .nulls = NULLS_OWN, .bind = object_of_bind, .kernel = object_of_kernel,
     .doc = "An object of a class with the fields name, value, name, value …",
     .example = "OBJECT_OF('com.example.User', 'name', 'Bob').name", .gives = "Bob"},
    {.name = "OBJECT_UPDATE", .args = {ARG_ANY}, .argc_min = 1, .argc_max = FUNC_VARIADIC,
     .nulls = NULLS_OWN, .bind = object_update_bind, .kernel = object_update_kernel,
     .doc = "The object with other values, and types, of the fields named.",
     .example = "OBJECT_UPDATE(OBJECT_OF('c.P', 'x', 1), 'x', 'one').x", .gives = "one"},
    {.name = "TYPEOF", .args = {ARG_ANY, ARG_BOOLEAN}, .argc_min = 1, .argc_max = 2,
     .nulls = NULLS_OWN, .flags = FUNC_TAKES_NULL, .bind = typeof_bind, .kernel = typeof_kernel,
     .doc = "The type of the value as text; with TRUE, as a type is written in DDL.",
     .example = "TYPEOF(ARRAY[1])", .gives = "ARRAY<INT NOT NULL> NOT NULL"},
};
const FuncTable STRUCTURED_TABLE = FUNC_TABLE("Other functions", STRUCTURED_FUNCS);
