// Walks JSON paths. A step that does not fit what it meets is an error while everything before it
// was definite, and silently nothing after the path has branched.
#include "func/json_path_int.h"

#include <math.h>

#include "type/number.h"

typedef struct Walk {
    const JsonPath *path;
    const JsonValue *root;
    Arena *arena;
    Buf found;  // JsonValues
    Error *err;
} Walk;

static Status nowhere(Walk *walk, const char *what) {
    return error_set(walk->err, ST_END, "no results for the JSON path: %s", what);
}

static Status cannot(Walk *walk, const char *what) {
    return error_set(walk->err, ST_RUNTIME, "JSON path: %s", what);
}

static Status step_from(Walk *walk, uint32_t at, const JsonValue *value);

static Status found(Walk *walk, uint32_t next, const JsonValue *value) {
    if (next < walk->path->count) return step_from(walk, next, value);
    buf_put(&walk->found, value, sizeof *value);
    return ST_OK;
}

static Status step_names(Walk *walk, uint32_t at, const JsonValue *value) {
    const Step *step = &walk->path->step[at];
    bool leaf = at + 1 == walk->path->count;
    if (value->kind != JK_OBJECT) {
        return step->upstream_definite ? nowhere(walk, "an object expected") : ST_OK;
    }
    if (step->count == 1) {
        const JsonValue *member = json_member(value, step->name[0]);
        if (member) return found(walk, at + 1, member);
        return step->upstream_definite && !leaf ? nowhere(walk, "missing property") : ST_OK;
    }
    if (!leaf) {
        for (uint32_t i = 0; i < step->count; i++) {
            const JsonValue *member = json_member(value, step->name[i]);
            if (member) TRY(found(walk, at + 1, member));
        }
        return ST_OK;
    }
    // Several names at the end: an object of those that are there.
    JsonValue merged = {.kind = JK_OBJECT,
                        .member = ARENA_ARRAY(walk->arena, JsonMember, step->count)};
    for (uint32_t i = 0; i < step->count; i++) {
        const JsonValue *member = json_member(value, step->name[i]);
        if (member) merged.member[merged.count++] = (JsonMember){step->name[i], *member};
    }
    return found(walk, at + 1, &merged);
}

// Element [index], counted from the end when negative; nothing outside.
static Status step_index(Walk *walk, uint32_t at, const JsonValue *array, int64_t index) {
    if (index < 0) index += array->count;
    if (index < 0 || index >= array->count) return ST_OK;
    return found(walk, at + 1, &array->item[index]);
}

static Status step_array(Walk *walk, uint32_t at, const JsonValue *value) {
    const Step *step = &walk->path->step[at];
    if (value->kind != JK_ARRAY) {
        return step->upstream_definite ? nowhere(walk, "an array expected") : ST_OK;
    }
    if (step->kind == STEP_INDEXES) {
        for (uint32_t i = 0; i < step->count; i++) TRY(step_index(walk, at, value, step->index[i]));
        return ST_OK;
    }
    int64_t count = value->count, from = step->from, to = step->to;
    if (!step->has_to) {
        if (from < 0) from += count;
        if (from < 0) from = 0;
        to = count;
    } else {
        if (!step->has_from) {
            from = 0;
            if (to < 0) to += count;
        }
        if (to > count) to = count;
    }
    for (int64_t i = from; i < to; i++) TRY(step_index(walk, at, value, i));
    return ST_OK;
}

static Status step_wildcard(Walk *walk, uint32_t at, const JsonValue *value) {
    for (uint32_t i = 0; i < (value->kind >= JK_ARRAY ? value->count : 0); i++) {
        TRY(found(walk, at + 1,
                  value->kind == JK_ARRAY ? &value->item[i] : &value->member[i].value));
    }
    return ST_OK;
}

// ---- filters -----------------------------------------------------------------------------------

static Status operand_value(Walk *walk, const Operand *operand, const JsonValue *item,
                            const JsonValue **out) {
    *out = NULL;  // undefined
    if (!operand->path) return *out = &operand->value, ST_OK;
    const JsonValue *start = operand->path->from_root ? walk->root : item;
    Status st = json_path_read(operand->path, start, walk->arena, out, NULL);
    if (st) *out = NULL;
    return st == ST_UNSUPPORTED ? st : ST_OK;
}

// A number, or a text that reads as one.
static bool as_number(const JsonValue *value, double *out) {
    if (!json_is_number(value) && value->kind != JK_TEXT) return false;
    return str_to_f64(value->text, out);
}

static Str as_text(Arena *arena, const JsonValue *value) {
    if (value->kind != JK_DECIMAL) return value->text;
    Buf buf = {0};
    json_print_decimal(value->text, &buf);
    Str text = str_dup(arena, buf_str(&buf));
    buf_free(&buf);
    return text;
}

static bool values_equal(Walk *walk, const JsonValue *a, const JsonValue *b, bool same_type) {
    if (!a || !b) return false;
    bool numbers = json_is_number(a) && json_is_number(b);
    if (same_type && a->kind != b->kind && !numbers) return false;
    if (json_is_number(a) && (numbers || b->kind == JK_TEXT)) {
        double x, y;
        return as_number(a, &x) && as_number(b, &y) && x == y;
    }
    if (a->kind == JK_TEXT && (b->kind == JK_TEXT || json_is_number(b))) {
        return str_eq(a->text, as_text(walk->arena, b));
    }
    if (a->kind != b->kind) return false;
    switch (a->kind) {
        case JK_NULL: return true;
        case JK_BOOLEAN: return a->boolean == b->boolean;
        case JK_ARRAY:
            if (a->count != b->count) return false;
            for (uint32_t i = 0; i < a->count; i++) {
                if (!values_equal(walk, &a->item[i], &b->item[i], false)) return false;
            }
            return true;
        case JK_OBJECT:
            if (a->count != b->count) return false;
            for (uint32_t i = 0; i < a->count; i++) {
                const JsonValue *other = json_member(b, a->member[i].name);
                if (!values_equal(walk, &a->member[i].value, other, false)) return false;
            }
            return true;
        default: return false;
    }
}

// Numbers with numbers, texts with texts; anything else has no order.
static bool values_ordered(const JsonValue *a, const JsonValue *b, int *order) {
    if (!a || !b) return false;
    if (json_is_number(a) && json_is_number(b)) {
        double x, y;
        if (!as_number(a, &x) || !as_number(b, &y)) return false;
        *order = x < y ? -1 : x > y;
        return true;
    }
    if (a->kind != JK_TEXT || b->kind != JK_TEXT) return false;
    *order = str_cmp_utf16(a->text, b->text);
    return true;
}

static bool list_has(Walk *walk, const JsonValue *list, const JsonValue *value) {
    for (uint32_t i = 0; list && list->kind == JK_ARRAY && i < list->count; i++) {
        if (values_equal(walk, &list->item[i], value, false)) return true;
    }
    return false;
}

// How many of the items of [a] are in [b]; false unless both are arrays.
static bool items_shared(Walk *walk, const JsonValue *a, const JsonValue *b, uint32_t *shared) {
    if (!a || !b || a->kind != JK_ARRAY || b->kind != JK_ARRAY) return false;
    *shared = 0;
    for (uint32_t i = 0; i < a->count; i++) *shared += list_has(walk, b, &a->item[i]);
    return true;
}

static bool value_size(const JsonValue *value, double *size) {
    if (!value) return false;
    if (value->kind == JK_TEXT) return *size = utf8_units16(value->text), true;
    if (value->kind == JK_ARRAY) return *size = value->count, true;
    return false;
}

static Status value_matches(Walk *walk, const Filter *filter, const JsonValue *a,
                            const JsonValue *b, bool *result) {
    const JsonValue *pattern = filter->left.pattern ? a : b, *value = filter->left.pattern ? b : a;
    uint32_t flags = filter->left.pattern ? filter->left.flags : filter->right.flags;
    if (!value || !pattern || pattern->kind != JK_TEXT || value->kind >= JK_ARRAY) return ST_OK;
    Regexp *regexp = NULL;
    TRY(regexp_new(pattern->text, flags, &regexp, walk->err));
    Status st = regexp_matches(regexp, as_text(walk->arena, value), result, walk->err);
    regexp_free(regexp);
    return st;
}

static Status filter_compare(Walk *walk, const Filter *filter, const JsonValue *item,
                             bool *result) {
    const JsonValue *a, *b;
    TRY(operand_value(walk, &filter->left, item, &a));
    TRY(operand_value(walk, &filter->right, item, &b));
    int order;
    uint32_t shared;
    double size, wanted;
    *result = false;
    switch (filter->op) {
        case OP_EQ: *result = values_equal(walk, a, b, false); break;
        case OP_NE: *result = !values_equal(walk, a, b, false); break;
        case OP_SAME: *result = values_equal(walk, a, b, true); break;
        case OP_NOT_SAME: *result = !values_equal(walk, a, b, true); break;
        case OP_LT: *result = values_ordered(a, b, &order) && order < 0; break;
        case OP_LE: *result = values_ordered(a, b, &order) && order <= 0; break;
        case OP_GT: *result = values_ordered(a, b, &order) && order > 0; break;
        case OP_GE: *result = values_ordered(a, b, &order) && order >= 0; break;
        case OP_MATCHES: return value_matches(walk, filter, a, b, result);
        case OP_IN: *result = a && list_has(walk, b, a); break;
        case OP_NIN: *result = !(a && list_has(walk, b, a)); break;
        case OP_CONTAINS:
            *result = a && b && (a->kind == JK_TEXT && b->kind == JK_TEXT
                                     ? str_find(a->text, b->text, 0) >= 0 : list_has(walk, a, b));
            break;
        case OP_SIZE:
            *result = value_size(a, &size) && b && as_number(b, &wanted) && size == wanted;
            break;
        case OP_EMPTY:
            *result =
                value_size(a, &size) && b && b->kind == JK_BOOLEAN && (size == 0) == b->boolean;
            break;
        case OP_ALL: *result = items_shared(walk, b, a, &shared) && shared == b->count; break;
        case OP_SUBSETOF: *result = items_shared(walk, a, b, &shared) && shared == a->count; break;
        case OP_ANYOF: *result = items_shared(walk, a, b, &shared) && shared > 0; break;
        case OP_NONEOF: *result = items_shared(walk, a, b, &shared) && shared == 0; break;
    }
    return ST_OK;
}

static Status filter_accepts(Walk *walk, const Filter *filter, const JsonValue *item,
                             bool *result) {
    const JsonValue *value;
    switch (filter->kind) {
        case FILTER_AND:
        case FILTER_OR:
            TRY(filter_accepts(walk, filter->a, item, result));
            if (*result == (filter->kind == FILTER_OR)) return ST_OK;
            return filter_accepts(walk, filter->b, item, result);
        case FILTER_NOT:
            TRY(filter_accepts(walk, filter->a, item, result));
            *result = !*result;
            return ST_OK;
        case FILTER_EXISTS:
            TRY(operand_value(walk, &filter->left, item, &value));
            *result = value != NULL;
            return ST_OK;
        case FILTER_COMPARE: break;
    }
    return filter_compare(walk, filter, item, result);
}

static Status step_filter(Walk *walk, uint32_t at, const JsonValue *value) {
    const Step *step = &walk->path->step[at];
    bool accepted;
    if (value->kind == JK_OBJECT) {
        TRY(filter_accepts(walk, step->filter, value, &accepted));
        return accepted ? found(walk, at + 1, value) : ST_OK;
    }
    if (value->kind != JK_ARRAY) {
        return step->upstream_definite ? cannot(walk, "a filter needs an object or an array")
                                       : ST_OK;
    }
    for (uint32_t i = 0; i < value->count; i++) {
        TRY(filter_accepts(walk, step->filter, &value->item[i], &accepted));
        if (accepted) TRY(found(walk, at + 1, &value->item[i]));
    }
    return ST_OK;
}

// ---- scans -------------------------------------------------------------------------------------

// Whether the step behind '..' is tried on [value].
static Status scan_stops_at(Walk *walk, const Step *target, const JsonValue *value, bool *stops) {
    *stops = true;
    switch (target->kind) {
        case STEP_NAMES:
            *stops = value->kind == JK_OBJECT;
            for (uint32_t i = 0; i < target->count && *stops; i++) {
                *stops = json_member(value, target->name[i]) != NULL;
            }
            return ST_OK;
        case STEP_INDEXES:
        case STEP_SLICE: *stops = value->kind == JK_ARRAY; return ST_OK;
        case STEP_FILTER: return filter_accepts(walk, target->filter, value, stops);
        case STEP_WILDCARD: *stops = value->kind >= JK_ARRAY; return ST_OK;
        default: *stops = false; return ST_OK;
    }
}

static Status scan(Walk *walk, uint32_t at, const JsonValue *value) {
    if (value->kind < JK_ARRAY) return ST_OK;
    bool stops;
    TRY(scan_stops_at(walk, &walk->path->step[at + 1], value, &stops));
    // Of an array that a filter accepts as a whole, its items are asked again below.
    if (stops) TRY(step_from(walk, at + 1, value));
    for (uint32_t i = 0; i < value->count; i++) {
        TRY(scan(walk, at, value->kind == JK_ARRAY ? &value->item[i] : &value->member[i].value));
    }
    return ST_OK;
}

// ---- functions ---------------------------------------------------------------------------------

static JsonValue number_value(Walk *walk, double value) {
    char text[NUMBER_TEXT_MAX];
    uint32_t len = f64_print(value, text);
    return (JsonValue){.kind = JK_DECIMAL, .text = str_dup(walk->arena, str_make(text, len))};
}

static JsonValue count_value(Walk *walk, uint32_t count) {
    return (JsonValue){.kind = JK_INTEGER, .text = str_printf(walk->arena, "%u", count)};
}

static Status aggregate(Walk *walk, const Step *step, const JsonValue *value, JsonValue *out) {
    double sum = 0, squares = 0, min = INFINITY, max = -INFINITY, count = 0;
    for (int from = 0; from < 2; from++) {  // the array's numbers, then the arguments
        uint32_t items = from ? step->count : value->kind == JK_ARRAY ? value->count : 0;
        for (uint32_t i = 0; i < items; i++) {
            const JsonValue *item = from ? &step->argument[i] : &value->item[i];
            double number;
            if (!json_is_number(item) || !as_number(item, &number)) continue;
            sum += number;
            squares += number * number;
            if (number < min) min = number;
            if (number > max) max = number;
            count++;
        }
    }
    if (count == 0) return cannot(walk, "nothing to aggregate");
    double mean = sum / count;
    switch (step->function) {
        case PATH_SUM: *out = number_value(walk, sum); break;
        case PATH_MIN: *out = number_value(walk, min); break;
        case PATH_MAX: *out = number_value(walk, max); break;
        case PATH_AVG: *out = number_value(walk, mean); break;
        default: *out = number_value(walk, sqrt(squares / count - mean * mean));
    }
    return ST_OK;
}

static Status pick(Walk *walk, const JsonValue *value, int64_t index, JsonValue *out) {
    if (value->kind != JK_ARRAY || !value->count)
        return cannot(walk, "an array with items expected");
    if (index < 0) index += value->count;
    if (index < 0 || index >= value->count) return cannot(walk, "index is out of bounds");
    *out = value->item[index];
    return ST_OK;
}

static void concat(Walk *walk, const Step *step, const JsonValue *value, JsonValue *out) {
    Buf text = {0};
    for (uint32_t i = 0; value->kind == JK_ARRAY && i < value->count; i++) {
        if (value->item[i].kind == JK_TEXT) buf_put_str(&text, value->item[i].text);
    }
    for (uint32_t i = 0; i < step->count; i++) {
        if (step->argument[i].kind == JK_TEXT) {
            buf_put_str(&text, step->argument[i].text);
        } else {
            json_print(&step->argument[i], 0, &text);
        }
    }
    *out = (JsonValue){.kind = JK_TEXT, .text = str_dup(walk->arena, buf_str(&text))};
    buf_free(&text);
}

static Status append(Walk *walk, const Step *step, const JsonValue *value, JsonValue *out) {
    if (value->kind != JK_ARRAY) return cannot(walk, "an array expected");
    out->kind = JK_ARRAY;
    out->count = value->count + step->count;
    out->item = ARENA_ARRAY(walk->arena, JsonValue, out->count);
    if (value->count) memcpy(out->item, value->item, value->count * sizeof *value->item);
    for (uint32_t i = 0; i < step->count; i++) out->item[value->count + i] = step->argument[i];
    return ST_OK;
}

static Status step_function(Walk *walk, uint32_t at, const JsonValue *value) {
    const Step *step = &walk->path->step[at];
    JsonValue out = {.kind = JK_NULL};
    int64_t index = 0;
    switch (step->function) {
        case PATH_LENGTH:
            if (value->kind >= JK_ARRAY) out = count_value(walk, value->count);
            break;
        case PATH_KEYS:
            if (value->kind != JK_OBJECT) break;
            out = (JsonValue){.kind = JK_ARRAY, .count = value->count};
            out.item = ARENA_ARRAY(walk->arena, JsonValue, value->count);
            for (uint32_t i = 0; i < value->count; i++) {
                out.item[i] = (JsonValue){.kind = JK_TEXT, .text = value->member[i].name};
            }
            break;
        case PATH_FIRST: TRY(pick(walk, value, 0, &out)); break;
        case PATH_LAST: TRY(pick(walk, value, -1, &out)); break;
        case PATH_INDEX:
            if (step->count != 1 || !str_to_i64(step->argument[0].text, &index)) {
                return cannot(walk, "index() takes a number");
            }
            TRY(pick(walk, value, index, &out));
            break;
        case PATH_CONCAT: concat(walk, step, value, &out); break;
        case PATH_APPEND: TRY(append(walk, step, value, &out)); break;
        default: TRY(aggregate(walk, step, value, &out));
    }
    return found(walk, at + 1, &out);
}

static Status step_from(Walk *walk, uint32_t at, const JsonValue *value) {
    switch (walk->path->step[at].kind) {
        case STEP_NAMES: return step_names(walk, at, value);
        case STEP_INDEXES:
        case STEP_SLICE: return step_array(walk, at, value);
        case STEP_WILDCARD: return step_wildcard(walk, at, value);
        case STEP_SCAN: return scan(walk, at, value);
        case STEP_FILTER: return step_filter(walk, at, value);
        case STEP_FUNCTION: return step_function(walk, at, value);
    }
    return ST_OK;
}

bool json_path_definite(const JsonPath *path) {
    return path->definite;
}

Status json_path_read(const JsonPath *path, const JsonValue *root, Arena *arena,
                      const JsonValue **out, Error *err) {
    if (!path->count) return *out = root, ST_OK;
    Walk walk = {.path = path, .root = root, .arena = arena, .err = err};
    Status st = step_from(&walk, 0, root);
    const JsonValue *values = (const JsonValue *)(void *)walk.found.ptr;
    uint32_t count = (uint32_t)(walk.found.len / sizeof *values);
    if (!st && path->definite && !count) st = nowhere(&walk, "there is no such value");
    if (!st && path->definite) {
        *out = arena_dup(arena, &values[count - 1], sizeof *values);
    } else if (!st) {
        JsonValue *list = ARENA_NEW(arena, JsonValue);
        *list = (JsonValue){.kind = JK_ARRAY, .count = count};
        if (count) list->item = arena_dup(arena, values, count * sizeof *values);
        *out = list;
    }
    buf_free(&walk.found);
    return st;
}
