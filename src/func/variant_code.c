// The encoding of VARIANT: header byte (type in the lower two bits, what it means by type above),
// little-endian content. Written: null, booleans, integers of the least width, decimals of 4, 8 or
// 16 bytes, doubles, texts, arrays, objects. Read: those; the types that only other writers make
// (dates, times, binary) are printed as null.
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/json.h"
#include "base/map.h"
#include "func/variant.h"
#include "type/decimal.h"
#include "type/number.h"
#include "type/type.h"

enum { BASIC_PRIMITIVE, BASIC_SHORT_TEXT, BASIC_OBJECT, BASIC_ARRAY };
enum {
    PRIM_NULL, PRIM_TRUE, PRIM_FALSE, PRIM_INT1, PRIM_INT2, PRIM_INT4, PRIM_INT8, PRIM_DOUBLE,
    PRIM_DECIMAL4, PRIM_DECIMAL8, PRIM_DECIMAL16, PRIM_LONG_TEXT = 16,
};
enum { SHORT_TEXT_MAX = 63, VARIANT_BYTES_MAX = 16 << 20, METADATA_HEAD = 4 };

// ---- writing ------------------------------------------------------------------------------------

typedef struct Names {  // the dictionary: names in the order of first appearance
    Map index;          // name -> id + 1
    size_t bytes;
} Names;

static void put_le(Buf *out, uint64_t value, uint32_t bytes) {
    for (uint32_t i = 0; i < bytes; i++) buf_putc(out, (char)(value >> (8 * i)));
}

static uint32_t width_of(uint64_t value) {
    return value <= 0xFF ? 1 : value <= 0xFFFF ? 2 : value <= 0xFFFFFF ? 3 : 4;
}

static void put_primitive(Buf *out, uint32_t type) {
    buf_putc(out, (char)(type << 2 | BASIC_PRIMITIVE));
}

static void put_integer(Buf *out, int64_t value) {
    static const uint32_t TYPES[] = {PRIM_INT1, PRIM_INT2, PRIM_INT4, PRIM_INT8};
    uint32_t t = value == (int8_t)value ? 0 : value == (int16_t)value ? 1
                 : value == (int32_t)value ? 2 : 3;
    put_primitive(out, TYPES[t]);
    put_le(out, (uint64_t)value, 1u << t);
}

static void put_double(Buf *out, Str number) {
    double value = 0;
    char text[512];  // digits beyond these change no double that strtod could tell apart
    uint32_t len = number.len < sizeof text - 1 ? number.len : (uint32_t)sizeof text - 1;
    if (!f64_parse(number, &value)) {
        memcpy(text, number.ptr, len);
        text[len] = '\0';
        value = strtod(text, NULL);
    }
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_primitive(out, PRIM_DOUBLE);
    put_le(out, bits, 8);
}

// Plain digits with at most 38 of them, before and behind the point: a decimal; else a double.
static bool put_decimal(Buf *out, Str number) {
    uint32_t scale = 0, digits = 0;
    bool point = false, leading = true;
    u128 unscaled = 0;
    for (uint32_t i = 0; i < number.len; i++) {
        char c = number.ptr[i];
        if (c == '-') continue;
        if (c == '.') {
            point = true;
            continue;
        }
        if (c < '0' || c > '9') return false;
        scale += point;
        if (leading && c == '0') continue;
        leading = false;
        if (++digits > 38) return false;
        unscaled = unscaled * 10 + (u128)(c - '0');
    }
    if (scale > 38) return false;
    i128 value = number.ptr[0] == '-' ? -(i128)unscaled : (i128)unscaled;
    uint32_t bytes = digits <= 9 && scale <= 9 ? 4 : digits <= 18 && scale <= 18 ? 8 : 16;
    put_primitive(out, bytes == 4 ? PRIM_DECIMAL4 : bytes == 8 ? PRIM_DECIMAL8 : PRIM_DECIMAL16);
    buf_putc(out, (char)scale);
    put_le(out, (uint64_t)value, bytes < 8 ? bytes : 8);
    if (bytes == 16) put_le(out, (uint64_t)(value >> 64), 8);
    return true;
}

static void put_text(Buf *out, Str text) {
    if (text.len <= SHORT_TEXT_MAX) {
        buf_putc(out, (char)(text.len << 2 | BASIC_SHORT_TEXT));
    } else {
        put_primitive(out, PRIM_LONG_TEXT);
        put_le(out, text.len, 4);
    }
    buf_put_str(out, text);
}

static uint32_t name_id(Names *names, Str name) {
    uintptr_t id = (uintptr_t)map_get(&names->index, name);
    if (!id) {
        id = names->index.count + 1;
        (void)map_put(&names->index, name, (void *)id);
        names->bytes += name.len;
    }
    return (uint32_t)id - 1;
}

typedef struct Field {
    Str name;
    uint32_t id, offset;
} Field;

static int field_order(const void *a, const void *b) {
    return str_cmp_utf16(((const Field *)a)->name, ((const Field *)b)->name);
}

static void put_value(const JsonValue *value, Names *names, Arena *arena, Buf *out);

// [data] holds the parts; what stands in front of them is put together when their sizes are known.
static void put_array(const JsonValue *value, Names *names, Arena *arena, Buf *out) {
    Buf data = {0};
    uint32_t *end = ARENA_ARRAY(arena, uint32_t, value->count + 1);
    for (uint32_t i = 0; i < value->count; i++) {
        put_value(&value->item[i], names, arena, &data);
        end[i + 1] = (uint32_t)data.len;
    }
    uint32_t width = width_of(data.len);
    bool large = value->count > 0xFF;
    buf_putc(out, (char)((large ? 1 : 0) << 4 | (width - 1) << 2 | BASIC_ARRAY));
    put_le(out, value->count, large ? 4 : 1);
    for (uint32_t i = 0; i <= value->count; i++) put_le(out, end[i], width);
    buf_put_str(out, buf_str(&data));
    buf_free(&data);
}

static void put_object(const JsonValue *value, Names *names, Arena *arena, Buf *out) {
    Buf data = {0};
    Field *field = ARENA_ARRAY(arena, Field, value->count + 1);
    uint32_t id_most = 0;
    for (uint32_t i = 0; i < value->count; i++) {
        const JsonMember *member = &value->member[i];
        field[i] = (Field){member->name, name_id(names, member->name), (uint32_t)data.len};
        if (field[i].id > id_most) id_most = field[i].id;
        put_value(&member->value, names, arena, &data);
    }
    qsort(field, value->count, sizeof *field, field_order);
    uint32_t width = width_of(data.len), id_width = width_of(id_most);
    bool large = value->count > 0xFF;
    buf_putc(out, (char)((large ? 1 : 0) << 6 | (id_width - 1) << 4 | (width - 1) << 2 |
                         BASIC_OBJECT));
    put_le(out, value->count, large ? 4 : 1);
    for (uint32_t i = 0; i < value->count; i++) put_le(out, field[i].id, id_width);
    for (uint32_t i = 0; i < value->count; i++) put_le(out, field[i].offset, width);
    put_le(out, data.len, width);
    buf_put_str(out, buf_str(&data));
    buf_free(&data);
}

static void put_value(const JsonValue *value, Names *names, Arena *arena, Buf *out) {
    int64_t integer;
    switch (value->kind) {
        case JK_NULL: put_primitive(out, PRIM_NULL); return;
        case JK_BOOLEAN: put_primitive(out, value->boolean ? PRIM_TRUE : PRIM_FALSE); return;
        case JK_INTEGER:
            if (str_to_i64(value->text, &integer)) {
                put_integer(out, integer);
                return;
            }
            __attribute__((fallthrough));
        case JK_DECIMAL:
            if (!put_decimal(out, value->text)) put_double(out, value->text);
            return;
        case JK_TEXT: put_text(out, value->text); return;
        case JK_ARRAY: put_array(value, names, arena, out); return;
        case JK_OBJECT: put_object(value, names, arena, out); return;
    }
}

static void put_names(const Names *names, Buf *out) {
    enum { VERSION = 1 };
    uint32_t count = names->index.count;
    uint32_t width = width_of(names->bytes > count ? names->bytes : count);
    buf_putc(out, (char)(VERSION | (width - 1) << 6));
    put_le(out, count, width);
    uint32_t offset = 0;
    put_le(out, 0, width);
    for (uint32_t i = 0; i < count; i++) {
        offset += names->index.entry[i].key.len;
        put_le(out, offset, width);
    }
    for (uint32_t i = 0; i < count; i++) buf_put_str(out, names->index.entry[i].key);
}

Status variant_parse(Str json, bool allow_duplicates, Buf *out, Error *err) {
    Arena arena;
    arena_init(&arena);
    Buf value = {0}, metadata = {0};
    Names names = {0};
    JsonValue tree;
    uint32_t end;
    uint32_t flags = allow_duplicates ? 0 : JSON_UNIQUE_NAMES;
    Status st = json_parse(&arena, json, flags, &tree, &end, err);
    if (st) goto done;
    put_value(&tree, &names, &arena, &value);
    put_names(&names, &metadata);
    if (value.len > VARIANT_BYTES_MAX || metadata.len > VARIANT_BYTES_MAX) {
        st = error_set(err, ST_RUNTIME, "VARIANT_SIZE_LIMIT");
        goto done;
    }
    put_le(out, metadata.len, METADATA_HEAD);
    buf_put_str(out, buf_str(&metadata));
    buf_put_str(out, buf_str(&value));

done:
    map_clear(&names.index);
    buf_free(&value);
    buf_free(&metadata);
    arena_clear(&arena);
    return st;
}

// ---- reading ------------------------------------------------------------------------------------

// Bytes may come from outside (a file, a savepoint): every read is checked against the end.
typedef struct Variant {
    Str metadata, value;
} Variant;

static uint64_t get_le(Str bytes, size_t at, uint32_t width) {
    uint64_t value = 0;
    if (at + width > bytes.len) return 0;
    for (uint32_t i = 0; i < width; i++) value |= (uint64_t)(uint8_t)bytes.ptr[at + i] << (8 * i);
    return value;
}

static Variant variant_open(Str bytes) {
    uint32_t size = (uint32_t)get_le(bytes, 0, METADATA_HEAD);
    return (Variant){.metadata = str_sub(bytes, METADATA_HEAD, size),
                     .value = str_sub(bytes, METADATA_HEAD + size, bytes.len)};
}

// What a container's header says: where its lists begin.
typedef struct Layout {
    bool object;
    uint32_t count, id_width, width;
    size_t ids, offsets, data;
} Layout;

static bool layout_of(Str value, uint32_t basic, Layout *out) {
    uint32_t head = value.len ? (uint8_t)value.ptr[0] : 0;
    if ((head & 3) != basic || !value.len) return false;
    uint32_t info = head >> 2;
    bool large = info >> (basic == BASIC_OBJECT ? 4 : 2) & 1;
    out->object = basic == BASIC_OBJECT;
    out->width = (info & 3) + 1;
    out->id_width = out->object ? (info >> 2 & 3) + 1 : 0;
    out->count = (uint32_t)get_le(value, 1, large ? 4 : 1);
    out->ids = 1 + (large ? 4 : 1);
    out->offsets = out->ids + (size_t)out->count * out->id_width;
    out->data = out->offsets + ((size_t)out->count + 1) * out->width;
    return out->data <= value.len;
}

static Str part_at(Str value, const Layout *layout, uint32_t i) {
    size_t at = layout->data + get_le(value, layout->offsets + (size_t)i * layout->width,
                                      layout->width);
    return at < value.len ? str_sub(value, (uint32_t)at, value.len) : (Str){0};
}

static Str name_at(Str metadata, uint64_t id) {
    uint32_t width = metadata.len ? ((uint8_t)metadata.ptr[0] >> 6) + 1u : 1;
    uint64_t count = get_le(metadata, 1, width);
    if (id >= count) return (Str){0};
    size_t offsets = 1 + width, data = offsets + (count + 1) * width;
    uint64_t from = get_le(metadata, offsets + id * width, width);
    uint64_t to = get_le(metadata, offsets + (id + 1) * width, width);
    return str_sub(metadata, (uint32_t)(data + from), (uint32_t)(to - from));
}

static Str field_name(const Variant *v, const Layout *layout, uint32_t i) {
    return name_at(v->metadata, get_le(v->value, layout->ids + (size_t)i * layout->id_width,
                                       layout->id_width));
}

// How many bytes the value at the front of [value] takes.
static size_t value_size(Str value) {
    static const uint8_t SIZES[] = {
        [PRIM_NULL] = 1, [PRIM_TRUE] = 1, [PRIM_FALSE] = 1, [PRIM_INT1] = 2, [PRIM_INT2] = 3,
        [PRIM_INT4] = 5, [PRIM_INT8] = 9, [PRIM_DOUBLE] = 9, [PRIM_DECIMAL4] = 6,
        [PRIM_DECIMAL8] = 10, [PRIM_DECIMAL16] = 18, [11] = 5, [12] = 9, [13] = 9, [14] = 5,
        [17] = 9, [18] = 9, [19] = 9, [20] = 17,
    };
    if (!value.len) return 0;
    uint32_t head = (uint8_t)value.ptr[0], info = head >> 2;
    Layout layout;
    if ((head & 3) == BASIC_SHORT_TEXT) return 1 + info;
    if (layout_of(value, head & 3, &layout) && (head & 3) >= BASIC_OBJECT) {
        return layout.data + get_le(value, layout.offsets + (size_t)layout.count * layout.width,
                                    layout.width);
    }
    if (info == 15 || info == PRIM_LONG_TEXT) return 5 + get_le(value, 1, 4);
    return info < sizeof SIZES && SIZES[info] ? SIZES[info] : value.len;
}

static void print_decimal(Str value, uint32_t bytes, Buf *out) {
    int32_t scale = (uint8_t)value.ptr[1];
    i128 unscaled = (i128)get_le(value, 2, bytes < 8 ? bytes : 8);
    if (bytes == 4) unscaled = (int32_t)unscaled;
    if (bytes == 8) unscaled = (int64_t)unscaled;
    if (bytes == 16) unscaled |= (i128)((u128)get_le(value, 10, 8) << 64);
    if (scale > TYPE_DECIMAL_MAX || !decimal_fits(unscaled, TYPE_DECIMAL_MAX)) {
        buf_puts(out, "null");
        return;
    }
    while (scale > 0 && unscaled % 10 == 0) unscaled /= 10, scale--;
    char text[DECIMAL_TEXT_MAX];
    buf_put(out, text, decimal_print(unscaled, scale, text));
}

static void print_double(Str value, Buf *out) {
    uint64_t bits = get_le(value, 1, 8);
    double number;
    memcpy(&number, &bits, sizeof number);
    char text[NUMBER_TEXT_MAX];
    buf_put(out, text, f64_print(number, text));
}

// Quotes, backslashes and control characters are escaped, with upper-case hex digits.
static void print_text(Str text, Buf *out) {
    static const char SHORT[] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f',
                                 ['\r'] = 'r'};
    buf_putc(out, '"');
    for (uint32_t i = 0; i < text.len; i++) {
        uint8_t c = (uint8_t)text.ptr[i];
        if (c == '"' || c == '\\') {
            buf_putc(out, '\\');
            buf_putc(out, (char)c);
        } else if (c < sizeof SHORT && SHORT[c]) {
            buf_putc(out, '\\');
            buf_putc(out, SHORT[c]);
        } else if (c < 0x20) {
            buf_printf(out, "\\u%04X", c);
        } else {
            buf_putc(out, (char)c);
        }
    }
    buf_putc(out, '"');
}

static void print_value(const Variant *v, uint32_t depth, Buf *out);

static void print_container(const Variant *v, const Layout *layout, uint32_t depth, Buf *out) {
    buf_putc(out, layout->object ? '{' : '[');
    for (uint32_t i = 0; i < layout->count; i++) {
        if (i) buf_putc(out, ',');
        if (layout->object) {
            print_text(field_name(v, layout, i), out);
            buf_putc(out, ':');
        }
        Variant part = {v->metadata, part_at(v->value, layout, i)};
        print_value(&part, depth + 1, out);
    }
    buf_putc(out, layout->object ? '}' : ']');
}

static void print_primitive(Str value, Buf *out) {
    uint32_t type = (uint8_t)value.ptr[0] >> 2;
    if (value_size(value) > value.len) {
        buf_puts(out, "null");
        return;
    }
    switch (type) {
        case PRIM_TRUE: buf_puts(out, "true"); break;
        case PRIM_FALSE: buf_puts(out, "false"); break;
        case PRIM_INT1: buf_printf(out, "%d", (int8_t)get_le(value, 1, 1)); break;
        case PRIM_INT2: buf_printf(out, "%d", (int16_t)get_le(value, 1, 2)); break;
        case PRIM_INT4: buf_printf(out, "%d", (int32_t)get_le(value, 1, 4)); break;
        case PRIM_INT8: buf_printf(out, "%" PRId64, (int64_t)get_le(value, 1, 8)); break;
        case PRIM_DOUBLE: print_double(value, out); break;
        case PRIM_DECIMAL4: print_decimal(value, 4, out); break;
        case PRIM_DECIMAL8: print_decimal(value, 8, out); break;
        case PRIM_DECIMAL16: print_decimal(value, 16, out); break;
        case PRIM_LONG_TEXT:
            print_text(str_sub(value, 5, (uint32_t)get_le(value, 1, 4)), out);
            break;
        default: buf_puts(out, "null"); break;
    }
}

static void print_value(const Variant *v, uint32_t depth, Buf *out) {
    uint32_t basic = v->value.len ? (uint8_t)v->value.ptr[0] & 3 : BASIC_PRIMITIVE;
    Layout layout;
    if (!v->value.len || depth > JSON_DEPTH_MAX) {
        buf_puts(out, "null");
    } else if (basic == BASIC_SHORT_TEXT) {
        print_text(str_sub(v->value, 1, (uint8_t)v->value.ptr[0] >> 2), out);
    } else if (basic == BASIC_PRIMITIVE) {
        print_primitive(v->value, out);
    } else if (layout_of(v->value, basic, &layout)) {
        print_container(v, &layout, depth, out);
    } else {
        buf_puts(out, "null");
    }
}

void variant_print(Str variant, Buf *out) {
    Variant v = variant_open(variant);
    print_value(&v, 0, out);
}

// The part keeps the whole dictionary: its ids stay what they are.
static void put_part(const Variant *v, Str part, Buf *out) {
    put_le(out, v->metadata.len, METADATA_HEAD);
    buf_put_str(out, v->metadata);
    buf_put_str(out, str_sub(part, 0, (uint32_t)value_size(part)));
}

Status variant_field(Str variant, Str name, Buf *out, bool *found, Error *err) {
    Variant v = variant_open(variant);
    Layout layout;
    *found = false;
    if (!layout_of(v.value, BASIC_OBJECT, &layout)) {
        return error_set(err, ST_RUNTIME,
                         "String key access on variant requires an object variant, but a "
                         "non-object variant was provided.");
    }
    for (uint32_t i = 0; i < layout.count && !*found; i++) {
        if (!str_eq(field_name(&v, &layout, i), name)) continue;
        put_part(&v, part_at(v.value, &layout, i), out);
        *found = true;
    }
    return ST_OK;
}

Status variant_element(Str variant, int64_t index, Buf *out, bool *found, Error *err) {
    Variant v = variant_open(variant);
    Layout layout;
    *found = false;
    if (!layout_of(v.value, BASIC_ARRAY, &layout)) {
        return error_set(err, ST_RUNTIME,
                         "Integer index access on variant requires an array variant, but a "
                         "non-array variant was provided.");
    }
    if (index < 1 || index > layout.count) return ST_OK;
    put_part(&v, part_at(v.value, &layout, (uint32_t)index - 1), out);
    *found = true;
    return ST_OK;
}
