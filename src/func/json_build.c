// JSON_OBJECT, JSON_ARRAY, JSON_STRING, JSON: SQL values as JSON text. Objects have their members
// in the order of their names, the last of two equal ones.
//
// A value that is JSON already (made by JSON_OBJECT, JSON_ARRAY or JSON()) is embedded as it is;
// the binder knows which ones and says so in the second argument, a symbol with one character a
// value: 'j' for JSON, '.' for others. The first says what becomes of NULL values.
#include <math.h>
#include <stdlib.h>

#include "base/json.h"
#include "func/text_int.h"
#include "func/variant.h"
#include "type/datetime.h"
#include "type/decimal.h"
#include "type/number.h"

static void put_value(Buf *out, const Vec *vec, uint32_t row);

// BigDecimal.valueOf(double): the digits of Double.toString. NaN and infinities become texts.
static void put_double(Buf *out, double value) {
    char text[NUMBER_TEXT_MAX];
    Str digits = str_make(text, f64_print(value, text));
    if (isfinite(value)) {
        json_print_decimal(digits, out);
    } else {
        json_print_text(digits, 0, out);
    }
}

static void put_decimal(Buf *out, i128 value, int32_t scale) {
    char text[DECIMAL_TEXT_MAX];
    json_print_decimal(str_make(text, decimal_print(value, scale, text)), out);
}

// ISO-8601, as many digits of a second's fraction as it has.
static void put_timestamp(Buf *out, Timestamp ts, bool utc) {
    char text[DATETIME_TEXT_MAX];
    uint32_t len = timestamp_print(ts, 9, text);
    while (text[len - 1] == '0') len--;
    if (text[len - 1] == '.') len--;
    char *blank = memchr(text, ' ', len);
    if (blank) *blank = 'T';
    buf_printf(out, "\"%.*s%s\"", (int)len, text, utc ? "Z" : "");
}

typedef struct Member {
    Str name;
    uint32_t row;      // of the value, in
    const Vec *value;  // this vec
    bool raw;
} Member;

static int member_order(const void *a, const void *b) {
    const Member *x = a, *y = b;
    return str_cmp_utf16(x->name, y->name);
}

static void put_member_value(Buf *out, const Member *member) {
    if (member->raw && !vec_is_null(member->value, member->row)) {
        buf_put_str(out, vec_str(member->value)[member->row]);
    } else {
        put_value(out, member->value, member->row);
    }
}

// Sorts by name (stably: few members, and of equal names the last one stands).
static void put_members(Buf *out, Member *member, uint32_t count) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t k = 0;
        while (k < kept && !str_eq(member[k].name, member[i].name)) k++;
        member[k] = member[i];
        if (k == kept) kept++;
    }
    qsort(member, kept, sizeof *member, member_order);
    buf_putc(out, '{');
    for (uint32_t i = 0; i < kept; i++) {
        if (i) buf_putc(out, ',');
        json_print_text(member[i].name, 0, out);
        buf_putc(out, ':');
        put_member_value(out, &member[i]);
    }
    buf_putc(out, '}');
}

static void put_map(Buf *out, const Vec *vec, uint32_t row) {
    ListView list = vec_list(vec)[row];
    Member *member = NEW_ARRAY(Member, list.count + 1);
    for (uint32_t i = 0; i < list.count; i++) {
        Str name = vec_is_null(vec->child[0], list.offset + i)
                       ? STR("null") : vec_str(vec->child[0])[list.offset + i];
        member[i] = (Member){.name = name, .row = list.offset + i, .value = vec->child[1]};
    }
    put_members(out, member, list.count);
    mem_free(member);
}

static void put_row(Buf *out, const Vec *vec, uint32_t row) {
    Member *member = NEW_ARRAY(Member, vec->type->child_count + 1);
    for (uint32_t i = 0; i < vec->type->child_count; i++) {
        member[i] = (Member){.name = vec->type->field[i], .row = row, .value = vec->child[i]};
    }
    put_members(out, member, vec->type->child_count);
    mem_free(member);
}

static void put_value(Buf *out, const Vec *vec, uint32_t row) {
    if (vec_is_null(vec, row)) {
        buf_puts(out, "null");
        return;
    }
    switch (vec->type->kind) {
        case TYPE_BOOLEAN: buf_puts(out, vec_u8(vec)[row] ? "true" : "false"); break;
        case TYPE_FLOAT: put_double(out, (double)vec_f32(vec)[row]); break;
        case TYPE_DOUBLE: put_double(out, vec_f64(vec)[row]); break;
        case TYPE_DECIMAL: put_decimal(out, vec_i128(vec)[row], vec->type->scale); break;
        case TYPE_TIMESTAMP: put_timestamp(out, vec_timestamp(vec, row), false); break;
        case TYPE_TIMESTAMP_LTZ: put_timestamp(out, vec_timestamp(vec, row), true); break;
        case TYPE_BINARY:
        case TYPE_VARBINARY:
            buf_putc(out, '"');
            put_base64(out, vec_str(vec)[row]);
            buf_putc(out, '"');
            break;
        case TYPE_VARIANT: variant_print(vec_str(vec)[row], out); break;
        case TYPE_MAP: put_map(out, vec, row); break;
        case TYPE_ROW: put_row(out, vec, row); break;
        case TYPE_ARRAY: {
            ListView list = vec_list(vec)[row];
            buf_putc(out, '[');
            for (uint32_t i = 0; i < list.count; i++) {
                if (i) buf_putc(out, ',');
                put_value(out, vec->child[0], list.offset + i);
            }
            buf_putc(out, ']');
            break;
        }
        case TYPE_CHAR:
        case TYPE_VARCHAR: json_print_text(vec_str(vec)[row], 0, out); break;
        default: buf_printf(out, "%lld", (long long)vec_integer(vec, row));
    }
}

// Whether values of [type] have a JSON form; ST_VALIDATION names the part that has none.
static Status check_type(const Type *type, const char *name, Error *err) {
    switch (type->kind) {
        case TYPE_BOOLEAN:
        case TYPE_TINYINT:
        case TYPE_SMALLINT:
        case TYPE_INT:
        case TYPE_BIGINT:
        case TYPE_FLOAT:
        case TYPE_DOUBLE:
        case TYPE_DECIMAL:
        case TYPE_CHAR:
        case TYPE_VARCHAR:
        case TYPE_BINARY:
        case TYPE_VARBINARY:
        case TYPE_TIMESTAMP:
        case TYPE_TIMESTAMP_LTZ:
        case TYPE_VARIANT: return ST_OK;
        case TYPE_MAP:
            if (!type_is_text(type->child[0])) {
                return error_set(err, ST_VALIDATION, "%s: the keys of a MAP must be text", name);
            }
            return check_type(type->child[1], name, err);
        case TYPE_ARRAY: return check_type(type->child[0], name, err);
        case TYPE_ROW:
            for (uint32_t i = 0; i < type->child_count; i++) {
                TRY(check_type(type->child[i], name, err));
            }
            return ST_OK;
        default:
            return error_set(err, ST_VALIDATION, "%s: type %s cannot be converted into JSON", name,
                             type_kind_name(type->kind));
    }
}

static bool is_raw(const KernelArgs *args, uint32_t value) {
    Str marks = vec_str(args->arg[1])[0];
    return value < marks.len && marks.ptr[value] == 'j';
}

static bool is_absent(const KernelArgs *args) {
    return str_is(vec_str(args->arg[0])[0], "ABSENT_ON_NULL");
}

static Status object_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    Buf buf = {0};
    uint32_t pairs = (args->argc - 2) / 2;
    Member *member = NEW_ARRAY(Member, pairs + 1);
    for (uint32_t row = 0; row < args->rows; row++) {
        uint32_t count = 0;
        for (uint32_t i = 0; i < pairs; i++) {
            const Vec *name = args->arg[2 + 2 * i], *value = args->arg[3 + 2 * i];
            if (is_absent(args) && vec_is_null(value, row)) continue;
            member[count++] = (Member){.name = vec_str(name)[row], .row = row, .value = value,
                                       .raw = is_raw(args, i)};
        }
        buf.len = 0;
        put_members(&buf, member, count);
        vec_set_text(out, row, buf_str(&buf));
    }
    buf_free(&buf);
    mem_free(member);
    return ST_OK;
}

static Status object_bind(FuncCall *call, Error *err) {
    for (uint32_t i = 2; i < call->argc; i++) {
        if (i % 2) {
            TRY(check_type(call->arg[i], "JSON_OBJECT", err));
        } else if (!type_is_text(call->arg[i])) {
            return error_set(err, ST_VALIDATION, "JSON_OBJECT: a name must be text");
        } else if (call->arg[i]->nullable) {
            return error_set(err, ST_VALIDATION, "JSON_OBJECT: a name must not be nullable");
        }
    }
    return ST_OK;
}

static Status array_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    Buf buf = {0};
    for (uint32_t row = 0; row < args->rows; row++) {
        buf.len = 0;
        buf_putc(&buf, '[');
        for (uint32_t i = 2; i < args->argc; i++) {
            Member item = {.row = row, .value = args->arg[i], .raw = is_raw(args, i - 2)};
            if (is_absent(args) && vec_is_null(item.value, row)) continue;
            if (buf.len > 1) buf_putc(&buf, ',');
            put_member_value(&buf, &item);
        }
        buf_putc(&buf, ']');
        vec_set_text(out, row, buf_str(&buf));
    }
    buf_free(&buf);
    return ST_OK;
}

static Status array_bind(FuncCall *call, Error *err) {
    for (uint32_t i = 2; i < call->argc; i++) TRY(check_type(call->arg[i], "JSON_ARRAY", err));
    return ST_OK;
}

static Status string_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    Buf buf = {0};
    for (uint32_t row = 0; row < args->rows; row++) {
        if (!kernel_row_valid(args, row)) continue;
        buf.len = 0;
        put_value(&buf, args->arg[0], row);
        vec_set_text(out, row, buf_str(&buf));
    }
    buf_free(&buf);
    return ST_OK;
}

static Status string_bind(FuncCall *call, Error *err) {
    if (call->arg[0]->kind == TYPE_NULL) call->arg[0] = type_of(TYPE_VARCHAR, true);
    return check_type(call->arg[0], "JSON_STRING", err);
}

// Checks the text and prints it compactly; of several values the first. The empty text is NULL.
static Status json_kernel(const KernelArgs *args, Vec *out, Error *err) {
    const Str *text = vec_str(args->arg[0]);
    Arena arena;
    arena_init(&arena);
    Buf buf = {0};
    Status st = ST_OK;
    for (uint32_t row = 0; row < args->rows && !st; row++) {
        if (!kernel_row_valid(args, row)) continue;
        JsonValue value;
        uint32_t end;
        arena_reset(&arena);
        buf.len = 0;
        if (!str_trim(text[row]).len) {
            vec_set_null(out, row);
            continue;
        }
        st = json_parse(&arena, text[row], 0, &value, &end, err);
        if (st) break;
        json_print(&value, JSON_SORT_NAMES, &buf);
        vec_set_text(out, row, buf_str(&buf));
    }
    buf_free(&buf);
    arena_clear(&arena);
    return st;
}

static const ScalarFunc JSON_FUNCS[] = {
    {.name = "JSON_OBJECT", .args = {ARG_SYMBOL, ARG_SYMBOL, ARG_ANY}, .argc_min = 2,
     .argc_max = FUNC_VARIADIC, .result = RESULT_STRING, .result_null = RESULT_NULL_NEVER,
     .nulls = NULLS_OWN, .bind = object_bind, .kernel = object_kernel,
     .doc = "A JSON object of names and values.",
     .example = "JSON_OBJECT('b' VALUE 1, 'a' VALUE 'x')", .gives = "{\"a\":\"x\",\"b\":1}"},
    {.name = "JSON_ARRAY", .args = {ARG_SYMBOL, ARG_SYMBOL, ARG_ANY}, .argc_min = 2,
     .argc_max = FUNC_VARIADIC, .result = RESULT_STRING, .result_null = RESULT_NULL_NEVER,
     .nulls = NULLS_OWN, .bind = array_bind, .kernel = array_kernel,
     .doc = "A JSON array of values.", .example = "JSON_ARRAY(1, 'x')", .gives = "[1,\"x\"]"},
    {.name = "JSON_STRING", .args = {ARG_ANY}, .result = RESULT_STRING, .bind = string_bind,
     .flags = FUNC_TAKES_NULL, .kernel = string_kernel, .doc = "The value as JSON text.",
     .example = "JSON_STRING(ARRAY[1, 2])", .gives = "[1,2]"},
    {.name = "JSON", .args = {ARG_STRING}, .result = RESULT_STRING,
     .result_null = RESULT_NULL_ALWAYS, .flags = FUNC_CAN_FAIL, .kernel = json_kernel,
     .doc = "Embeds JSON text as it is into JSON_OBJECT or JSON_ARRAY.",
     .example = "JSON_ARRAY(JSON('{\"a\": 1}'))", .gives = "[{\"a\":1}]"},
};
const FuncTable JSON_BUILD_TABLE = FUNC_TABLE("JSON functions", JSON_FUNCS);
