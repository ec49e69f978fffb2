#include "cli/test_diff.h"

#include <math.h>

Lines lines_of(Arena *arena, Str text) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < text.len; i++) count += text.ptr[i] == '\n';
    if (text.len && text.ptr[text.len - 1] != '\n') count++;
    Lines lines = {.line = ARENA_ARRAY(arena, Str, count + 1), .count = count};
    uint32_t at = 0;
    for (uint32_t i = 0; i < count; i++) {
        int64_t end = str_find(text, STR("\n"), at);
        uint32_t stop = end < 0 ? text.len : (uint32_t)end;
        lines.line[i] = str_sub(text, at, stop - at);
        at = stop + 1;
    }
    return lines;
}

// --- Values ------------------------------------------------------------------------------------

enum { DEPTH_MAX = 32, PARTS_MAX = 1024 };

static bool opens(char c) {
    return c == '(' || c == '[' || c == '{' || c == '<';
}
static bool closes(char c) {
    return c == ')' || c == ']' || c == '}' || c == '>';
}

// The next part of [text] that ends at [mark] outside of all brackets and, in types, quotes.
// False when *at is past the end.
static bool part_next(Str text, const char *mark, bool quotes, uint32_t *at, Str *part) {
    if (*at > text.len) return false;
    Str stop = str_c(mark);
    int depth = 0;
    char quote = 0;
    uint32_t i = *at;
    for (; i < text.len; i++) {
        char c = text.ptr[i];
        if (quote) {
            if (c == quote) quote = 0;
        } else if (quotes && (c == '`' || c == '\'')) {
            quote = c;
        } else if (opens(c) && (quotes || c != '<')) {
            depth++;
        } else if (closes(c) && (quotes || c != '>')) {
            depth--;
        } else if (depth == 0 && str_starts(str_sub(text, i, stop.len), stop)) {
            break;
        }
    }
    *part = str_sub(text, *at, i - *at);
    *at = i < text.len ? i + stop.len : text.len + 1;
    return true;
}

// "ROW<`a` INT>" -> "`a` INT" when [type] begins with [name]; false otherwise.
static bool type_inside(Str type, const char *name, Str *inside) {
    Str head = str_c(name);
    if (!str_starts(type, head) || type.len <= head.len || type.ptr[head.len] != '<') return false;
    int64_t end = (int64_t)type.len - 1;
    while (end >= 0 && type.ptr[end] != '>') end--;
    if (end <= (int64_t)head.len) return false;
    *inside = str_sub(type, head.len + 1, (uint32_t)end - head.len - 1);
    return true;
}

static bool type_is_named(Str type, const char *name) {
    Str head = str_c(name);
    return str_starts(type, head) && (type.len == head.len || type.ptr[head.len] == ' ');
}

// "[1, 2]" -> "1, 2".
static bool value_inside(Str value, char open, char close, Str *inside) {
    if (value.len < 2 || value.ptr[0] != open || value.ptr[value.len - 1] != close) return false;
    *inside = str_sub(value, 1, value.len - 2);
    return true;
}

static bool number_of(Str text, double *out) {
    // Java's spelling of what C calls inf and nan.
    if (str_is(text, "Infinity")) return *out = INFINITY, true;
    if (str_is(text, "-Infinity")) return *out = -INFINITY, true;
    if (str_is(text, "NaN")) return *out = NAN, true;
    return str_to_f64(text, out);
}

static bool number_same(Str a, Str b, double tolerance) {
    double x, y;
    if (!number_of(a, &x) || !number_of(b, &y)) return false;
    if (isnan(x) || isnan(y)) return isnan(x) && isnan(y);
    if (isinf(x) || isinf(y)) return x == y;
    double size = fmax(fabs(x), fabs(y));
    return fabs(x - y) <= size * tolerance;
}

typedef bool (*PartSame)(Str type, Str a, Str b, int depth);

static bool value_same_at(Str type, Str a, Str b, int depth);

// Elements in order: of an ARRAY, where all have [type].
static bool list_same(Str type, Str a, Str b, int depth) {
    uint32_t i = 0, j = 0;
    Str x, y;
    for (;;) {
        bool more = part_next(a, ", ", false, &i, &x);
        if (more != part_next(b, ", ", false, &j, &y)) return false;
        if (!more) return true;
        if (!value_same_at(type, x, y, depth + 1)) return false;
    }
}

// Fields in order: of a ROW, whose [types] are "`a` INT, `b` DOUBLE".
static bool fields_same(Str types, Str a, Str b, int depth) {
    uint32_t i = 0, j = 0, t = 0;
    Str x, y, field;
    for (;;) {
        bool more = part_next(a, ", ", false, &i, &x);
        if (more != part_next(b, ", ", false, &j, &y)) return false;
        if (!more) return true;
        if (!part_next(types, ", ", true, &t, &field)) return false;
        uint32_t name = 0;
        Str type = field;
        if (part_next(field, " ", true, &name, &type)) type = str_sub(field, name, field.len);
        if (!value_same_at(type, x, y, depth + 1)) return false;
    }
}

// One entry of a MAP ("key=value"); [types] is "K, V".
static bool entry_same(Str types, Str a, Str b, int depth) {
    if (str_eq(a, b)) return true;
    uint32_t i = 0, j = 0, t = 0;
    Str key_a, key_b, value_a, value_b, key_type, value_type;
    if (!part_next(types, ", ", true, &t, &key_type)) return false;
    if (!part_next(types, ", ", true, &t, &value_type))
        value_type = STR("INT");  // a MULTISET's count
    if (!part_next(a, "=", false, &i, &key_a) || i > a.len) return false;
    if (!part_next(b, "=", false, &j, &key_b) || j > b.len) return false;
    value_a = str_sub(a, i, a.len);
    value_b = str_sub(b, j, b.len);
    return value_same_at(key_type, key_a, key_b, depth + 1) &&
           value_same_at(value_type, value_a, value_b, depth + 1);
}

// Entries in any order. A text with ", " in it falls into several parts, on both sides alike.
static bool entries_same(Str types, Str a, Str b, int depth) {
    Str left[PARTS_MAX], part;
    uint32_t count = 0, i = 0, j = 0;
    while (part_next(b, ", ", false, &j, &part)) {
        if (count == PARTS_MAX) return false;
        left[count++] = part;
    }
    while (part_next(a, ", ", false, &i, &part)) {
        uint32_t found = 0;
        while (found < count && !entry_same(types, part, left[found], depth)) found++;
        if (found == count) return false;
        left[found] = left[--count];
    }
    return count == 0;
}

static bool value_same_at(Str type, Str a, Str b, int depth) {
    if (str_eq(a, b)) return true;
    if (depth > DEPTH_MAX) return false;
    Str inside, x, y;
    if (type_is_named(type, "FLOAT")) return number_same(a, b, 1e-6);
    if (type_is_named(type, "DOUBLE")) return number_same(a, b, 1e-12);
    if (type_inside(type, "ARRAY", &inside)) {
        return value_inside(a, '[', ']', &x) && value_inside(b, '[', ']', &y) &&
               list_same(inside, x, y, depth);
    }
    if (type_inside(type, "MAP", &inside) || type_inside(type, "MULTISET", &inside)) {
        return value_inside(a, '{', '}', &x) && value_inside(b, '{', '}', &y) &&
               entries_same(inside, x, y, depth);
    }
    if (type_inside(type, "ROW", &inside)) {
        return value_inside(a, '(', ')', &x) && value_inside(b, '(', ')', &y) &&
               fields_same(inside, x, y, depth);
    }
    return false;
}

bool value_same(Str type, Str expected, Str got) {
    return value_same_at(type, expected, got, 0);
}

// --- Answers -----------------------------------------------------------------------------------

static bool cell_next(Str row, uint32_t *at, Str *cell) {
    if (*at > row.len) return false;
    int64_t end = str_find(row, STR("\t"), *at);
    uint32_t stop = end < 0 ? row.len : (uint32_t)end;
    *cell = str_sub(row, *at, stop - *at);
    *at = stop + 1;
    return true;
}

static bool row_same(Str types, Str a, Str b, bool changes) {
    if (str_eq(a, b)) return true;
    uint32_t i = 0, j = 0, t = 0;
    Str x, y, type;
    if (changes && (!cell_next(a, &i, &x) || !cell_next(b, &j, &y) || !str_eq(x, y))) return false;
    for (;;) {
        bool more = cell_next(a, &i, &x);
        if (more != cell_next(b, &j, &y)) return false;
        if (!more) return true;
        if (!cell_next(types, &t, &type)) return false;
        if (!value_same(type, x, y)) return false;
    }
}

bool answer_same(Arena *arena, Lines expected, Lines got, RowOrder order, bool changes) {
    if (expected.count != got.count) return false;
    if (expected.count == 0) return true;
    Str types = expected.line[0];
    if (!str_eq(types, got.line[0])) return false;
    // Both come sorted: in nearly all cases row i is row i, and only the others look for a partner.
    uint32_t *left = ARENA_ARRAY(arena, uint32_t, got.count), left_count = 0;
    uint32_t *mine = ARENA_ARRAY(arena, uint32_t, got.count), mine_count = 0;
    for (uint32_t i = 1; i < expected.count; i++) {
        if (row_same(types, expected.line[i], got.line[i], changes)) continue;
        if (order == ROWS_IN_ORDER) return false;
        mine[mine_count++] = left[left_count++] = i;
    }
    for (uint32_t i = 0; i < mine_count; i++) {
        uint32_t found = 0;
        while (found < left_count &&
               !row_same(types, expected.line[mine[i]], got.line[left[found]], changes)) {
            found++;
        }
        if (found == left_count) return false;
        left[found] = left[--left_count];
    }
    return true;
}

// --- Differences -------------------------------------------------------------------------------

// The longest common subsequence by the plain quadratic table: answers are short. Longer ones are
// cut to what the table can hold.
enum { DIFF_LINES_MAX = 2000, DIFF_CONTEXT = 3 };

typedef struct Edit {
    char mark;  // ' ', '-', '+'
    Str line;
} Edit;

typedef struct Diff {
    Lines a, b;
    bool changes;
    Str types;
    Edit *edit;
    uint32_t count;
} Diff;

static bool diff_same(const Diff *self, uint32_t i, uint32_t j) {
    Str a = self->a.line[i], b = self->b.line[j];
    if (str_eq(a, b)) return true;
    return i > 0 && j > 0 && row_same(self->types, a, b, self->changes);
}

static void diff_make(Diff *self, Arena *arena) {
    uint32_t n = self->a.count, m = self->b.count;
    self->edit = ARENA_ARRAY(arena, Edit, n + m + 1);
    // common[i * (m + 1) + j]: what a from i and b from j have in common.
    uint16_t *common = ARENA_ARRAY(arena, uint16_t, (size_t)(n + 1) * (m + 1));
    uint8_t *same = ARENA_ARRAY(arena, uint8_t, (size_t)(n + 1) * (m + 1));
    size_t width = m + 1;
    for (uint32_t i = n; i-- > 0;) {
        for (uint32_t j = m; j-- > 0;) {
            size_t at = i * width + j;
            same[at] = diff_same(self, i, j);
            uint16_t skip_a = common[at + width], skip_b = common[at + 1];
            uint16_t longest = skip_a > skip_b ? skip_a : skip_b;
            if (same[at]) {
                uint16_t both = (uint16_t)(common[at + width + 1] + 1);
                if (both > longest) longest = both;
            }
            common[at] = longest;
        }
    }
    uint32_t i = 0, j = 0;
    while (i < n || j < m) {
        size_t at = i * width + j;
        if (i < n && j < m && same[at] && common[at] == common[at + width + 1] + 1) {
            self->edit[self->count++] = (Edit){' ', self->a.line[i++]};
            j++;
        } else if (i < n && (j == m || common[at + width] >= common[at + 1])) {
            self->edit[self->count++] = (Edit){'-', self->a.line[i++]};
        } else {
            self->edit[self->count++] = (Edit){'+', self->b.line[j++]};
        }
    }
}

// Whether an edit is a change or lies close to one.
static bool diff_shown(const Diff *self, uint32_t at) {
    uint32_t from = at > DIFF_CONTEXT ? at - DIFF_CONTEXT : 0;
    for (uint32_t i = from; i < self->count && i <= at + DIFF_CONTEXT; i++) {
        if (self->edit[i].mark != ' ') return true;
    }
    return false;
}

void answer_diff(Arena *arena, Lines expected, Lines got, bool changes, const char *indent,
                 uint32_t lines_max, Buf *out) {
    Diff diff = {.a = expected, .b = got, .changes = changes};
    if (diff.a.count > DIFF_LINES_MAX) diff.a.count = DIFF_LINES_MAX;
    if (diff.b.count > DIFF_LINES_MAX) diff.b.count = DIFF_LINES_MAX;
    if (expected.count) diff.types = expected.line[0];
    diff_make(&diff, arena);
    uint32_t shown = 0, hidden = 0;
    bool gap = false;
    for (uint32_t i = 0; i < diff.count; i++) {
        if (!diff_shown(&diff, i)) {
            gap = true;
            continue;
        }
        if (shown >= lines_max) {
            hidden++;
            continue;
        }
        if (gap) buf_printf(out, "%s ...\n", indent);
        gap = false;
        buf_printf(out, "%s%c" STR_FMT "\n", indent, diff.edit[i].mark, STR_ARG(diff.edit[i].line));
        shown++;
    }
    if (hidden) buf_printf(out, "%s (%u more lines)\n", indent, hidden);
}
