// ml/pmml/load.c - attributes and arrays of elements, and the way out when they are wrong.
#include <math.h>
#include <stdio.h>

#include "ml/pmml/pmml_int.h"
#include "type/number.h"

static _Noreturn void leave(Load *load, const Xml *at, Status status, const char *message) {
    Place place = {.line = at ? at->line : 0};
    if (at) {
        (void)error_at(load->err, status, place, STR_FMT ": line %u: <" STR_FMT ">: %s",
                       STR_ARG(load->path), at->line, STR_ARG(at->name), message);
    } else {
        (void)error_set(load->err, status, STR_FMT ": %s", STR_ARG(load->path), message);
    }
    longjmp(load->out, (int)status);
}

void load_fail(Load *load, const Xml *at, const char *fmt, ...) {
    char message[ERROR_MESSAGE_MAX / 2];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    leave(load, at, ST_VALIDATION, message);
}

void load_unsupported(Load *load, const Xml *at, const char *what) {
    char message[ERROR_MESSAGE_MAX / 2];
    (void)snprintf(message, sizeof message, "%s is not supported", what);
    leave(load, at, ST_UNSUPPORTED, message);
}

void *load_array(Load *load, const Xml *at, uint64_t count, size_t size) {
    uint64_t free = load->bytes_max > load->arena->bytes ? load->bytes_max - load->arena->bytes : 0;
    if (count > free / size) load_fail(load, at, "it takes far more memory than its document");
    return arena_zalloc(load->arena, (count + 1) * size);
}

void load_deeper(Load *load, const Xml *at) {
    if (load->arena->bytes > load->bytes_max) {
        load_fail(load, at, "it takes far more memory than its document");
    }
    if (++load->depth > COMPILE_DEPTH_MAX)
        load_fail(load, at, "too much is nested or refers to more");
}

Str need_attr(Load *load, const Xml *at, const char *name) {
    Str text = xml_attr(at, name);
    if (!text.ptr) load_fail(load, at, "its attribute %s is missing", name);
    return text;
}

double parse_double(Load *load, const Xml *at, Str text) {
    Value value;
    if (!value_parse(str_trim(text), (DataType){.type = PT_DOUBLE}, &value)) {
        load_fail(load, at, "'" STR_FMT "' is not a number", STR_ARG(str_sub(text, 0, 64)));
    }
    return value.number;
}

double need_number(Load *load, const Xml *at, const char *name) {
    return parse_double(load, at, need_attr(load, at, name));
}

double attr_number(Load *load, const Xml *at, const char *name, double otherwise) {
    Str text = xml_attr(at, name);
    return text.ptr ? parse_double(load, at, text) : otherwise;
}

int64_t attr_int(Load *load, const Xml *at, const char *name, int64_t otherwise) {
    Str text = xml_attr(at, name);
    if (!text.ptr) return otherwise;
    double value = parse_double(load, at, text);
    if (value != floor(value) || fabs(value) > 1e15) {
        load_fail(load, at, "%s='" STR_FMT "' is not a whole number", name, STR_ARG(text));
    }
    return (int64_t)value;
}

bool attr_bool(Load *load, const Xml *at, const char *name, bool otherwise) {
    Str text = xml_attr(at, name);
    if (!text.ptr) return otherwise;
    if (str_is(text, "true") || str_is(text, "1")) return true;
    if (!str_is(text, "false") && !str_is(text, "0")) {
        load_fail(load, at, "%s='" STR_FMT "' is neither true nor false", name, STR_ARG(text));
    }
    return false;
}

Str need_column(Load *load, const Xml *at, const char *name) {
    Str text = need_attr(load, at, name);
    int64_t colon = str_find(text, STR(":"), 0);
    return colon < 0 ? text : str_sub(text, (uint32_t)colon + 1, text.len);
}

DataType attr_type(Load *load, const Xml *at, const char *name) {
    Str text = xml_attr(at, name);
    DataType type = {0};
    if (text.ptr && !data_type_parse(text, &type)) {
        load_fail(load, at, "there is no data type '" STR_FMT "'", STR_ARG(text));
    }
    return type;
}

const Xml *need_child(Load *load, const Xml *at, const char *name) {
    const Xml *child = xml_child(at, name);
    if (!child) load_fail(load, at, "its element <%s> is missing", name);
    return child;
}

int attr_enum(Load *load, const Xml *at, const char *name, const char *const *names,
              int otherwise) {
    Str text = xml_attr(at, name);
    if (!text.ptr) return otherwise;
    for (int i = 0; *names[i]; i++) {
        if (str_eq(text, str_c(names[i]))) return i;
    }
    load_fail(load, at, "%s='" STR_FMT "' is not known", name, STR_ARG(text));
}

Value need_value(Load *load, const Xml *at, Str text, DataType type) {
    Value value;
    if (!value_parse(text, type, &value)) {
        load_fail(load, at, "'" STR_FMT "' is not a value of its type",
                  STR_ARG(str_sub(text, 0, 64)));
    }
    return value;
}

static bool blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

// One item of an array: up to a blank, or in double quotes, where \" is a quote. False at the end.
static bool array_item(Load *load, const Xml *at, uint32_t *pos, Str *out) {
    Str text = at->text;
    while (*pos < text.len && blank(text.ptr[*pos])) ++*pos;
    if (*pos == text.len) return false;
    if (text.ptr[*pos] != '"') {
        uint32_t from = *pos;
        while (*pos < text.len && !blank(text.ptr[*pos])) ++*pos;
        *out = str_sub(text, from, *pos - from);
        return true;
    }
    char *to = arena_alloc(load->arena, text.len - *pos + 1);
    uint32_t len = 0;
    for (++*pos; *pos < text.len && text.ptr[*pos] != '"'; ++*pos) {
        if (text.ptr[*pos] == '\\' && *pos + 1 < text.len && text.ptr[*pos + 1] == '"') ++*pos;
        to[len++] = text.ptr[*pos];
    }
    if (*pos == text.len) load_fail(load, at, "a text of the array has no closing quote");
    ++*pos;
    *out = str_make(to, len);
    return true;
}

Str *read_array(Load *load, const Xml *at, uint32_t *count) {
    uint32_t n = 0, pos = 0;
    for (Str item; array_item(load, at, &pos, &item);) n++;
    Str *array = ARENA_ARRAY(load->arena, Str, n + 1);
    pos = 0;
    for (uint32_t i = 0; i < n; i++) (void)array_item(load, at, &pos, &array[i]);
    *count = n;
    return array;
}

static double *read_sparse(Load *load, const Xml *at, uint32_t *count) {
    const Xml *indices = xml_child(at, "Indices");
    const Xml *entries = xml_child(at, "REAL-Entries");
    if (!entries) entries = xml_child(at, "INT-Entries");
    uint32_t places = 0, values = 0;
    Str *place = indices ? read_array(load, indices, &places) : NULL;
    Str *value = entries ? read_array(load, entries, &values) : NULL;
    if (places != values) load_fail(load, at, "as many indices as entries are needed");
    int64_t n = attr_int(load, at, "n", 0);
    for (uint32_t i = 0; !xml_attr(at, "n").ptr && i < places; i++) {
        int64_t index;
        if (str_to_i64(place[i], &index) && index > n) n = index;
    }
    if (n < 0 || n > 1 << 24) load_fail(load, at, "an array of that size is not read");
    double *array = load_array(load, at, (uint64_t)n, sizeof *array);
    double otherwise = attr_number(load, at, "defaultValue", 0);
    for (int64_t i = 0; i < n; i++) array[i] = otherwise;
    for (uint32_t i = 0; i < places; i++) {
        int64_t index;
        if (!str_to_i64(place[i], &index) || index < 1 || index > n) {
            load_fail(load, at, "an index is outside of the array");
        }
        array[index - 1] = parse_double(load, at, value[i]);
    }
    *count = (uint32_t)n;
    return array;
}

double *read_numbers(Load *load, const Xml *at, uint32_t *count) {
    if (str_ends(at->name, STR("SparseArray"))) return read_sparse(load, at, count);
    Str *text = read_array(load, at, count);
    double *array = ARENA_ARRAY(load->arena, double, *count + 1);
    for (uint32_t i = 0; i < *count; i++) array[i] = parse_double(load, at, text[i]);
    return array;
}

Interval read_interval(Load *load, const Xml *at) {
    static const char *const CLOSURES[] = {"openOpen", "openClosed", "closedOpen", "closedClosed",
                                           ""};
    int closure = attr_enum(load, at, "closure", CLOSURES, 0);
    Interval self = {.left = attr_number(load, at, "leftMargin", -INFINITY),
                     .right = attr_number(load, at, "rightMargin", INFINITY),
                     .left_closed = closure >= 2 || !xml_attr(at, "leftMargin").ptr,
                     .right_closed = closure % 2 == 1 || !xml_attr(at, "rightMargin").ptr};
    return self;
}
