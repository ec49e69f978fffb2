// The datagen connector: rows out of nothing, random or counting, at a given rate. Names, defaults
// and ranges are Flink's; which random values come is anybody's guess, except that os/ can fix the
// seed.
//
// Of several readers each takes every count-th number of a sequence and its share of the rows.
#include <math.h>

#include "connector/simple/simple.h"
#include "os/os.h"
#include "type/datetime.h"
#include "type/decimal.h"

enum {
    TEXT_LENGTH_DEFAULT = 100,
    LIST_LENGTH_DEFAULT = 3,
    MULTISET_COUNT_MAX = 10,
    INTERVAL_MONTHS_MAX = 120000,  // of java.time.Period, says Flink
    SLICES = 10,                   // of a second, each with its portion of rows ...
    SLICES_RATE_MIN = 1000,  // ... unless there are few: they come at its start, as from Flink
};

// clang-format off
static const OptionDef DATAGEN_OPTIONS[] = {
    {.key = "connector", .kind = OPTION_TEXT, .required = true, .doc = "'datagen'."},
    {.key = "rows-per-second", .kind = OPTION_INT, .fallback = "10000", .doc = "Of all readers together."},
    {.key = "number-of-rows", .kind = OPTION_INT, .doc = "After so many rows the source ends; without it only a sequence ends it."},
    {.key = "fields.#.kind", .kind = OPTION_TEXT, .fallback = "random", .doc = "'random' or 'sequence'."},
    {.key = "fields.#.min", .kind = OPTION_TEXT, .doc = "The least random number; the type's least unless given."},
    {.key = "fields.#.max", .kind = OPTION_TEXT, .doc = "The greatest random number; the type's greatest unless given."},
    {.key = "fields.#.max-past", .kind = OPTION_DURATION, .fallback = "0 s", .doc = "How far random timestamps lie in the past."},
    {.key = "fields.#.length", .kind = OPTION_INT, .doc = "Of random texts and bytes (100) and collections (3)."},
    {.key = "fields.#.var-len", .kind = OPTION_BOOL, .fallback = "false", .doc = "That length is the greatest one; texts are of any length up to it."},
    {.key = "fields.#.null-rate", .kind = OPTION_DOUBLE, .fallback = "0.0", .doc = "How often random values are NULL: 0 never, 1 always."},
    {.key = "fields.#.start", .kind = OPTION_INT, .doc = "The first number of a sequence."},
    {.key = "fields.#.end", .kind = OPTION_INT, .doc = "The last number of a sequence."},
    {0},
};
// clang-format on

// How one column, or one level of it, is made.
typedef struct Gen {
    const Type *type;
    bool sequence;
    double null_rate;
    int64_t min, max;         // integers; first and last of a sequence
    double real_min, real_max;
    uint32_t length;
    bool var_len;
    int64_t max_past_ms;
    struct Gen *child;        // type->child_count
} Gen;

typedef struct Plan {
    const Options *options;
    Arena *arena;
    Map known;  // keys that mean something for this schema
    const char *empty_range;  // the field whose least value is greater than its greatest
} Plan;

// Options ----------------------------------------------------------------------------------------

// The text of "fields.[name].[option]", which is a known key from now on; NULL when not given.
static const char *field_option(Plan *plan, const char *name, const char *option) {
    const char *key = arena_printf(plan->arena, "fields.%s.%s", name, option);
    (void)map_put(&plan->known, str_c(key), plan);
    return options_has(plan->options, key) ? options_get(plan->options, key) : NULL;
}

static Status bad_option(const Plan *plan, const char *name, const char *option, const char *text,
                         Error *err) {
    return error_set(err, ST_VALIDATION,
                     "option 'fields.%s.%s' of table '" STR_FMT "' cannot be '%s'", name, option,
                     STR_ARG(plan->options->owner), text);
}

static Status int_option(Plan *plan, const char *name, const char *option, int64_t min, int64_t max,
                         int64_t *value, Error *err) {
    const char *text = field_option(plan, name, option);
    if (!text) return ST_OK;
    if (!str_to_i64(str_trim(str_c(text)), value) || *value < min || *value > max) {
        return bad_option(plan, name, option, text, err);
    }
    return ST_OK;
}

static Status real_option(Plan *plan, const char *name, const char *option, double *value,
                          Error *err) {
    const char *text = field_option(plan, name, option);
    if (text && !str_to_f64(str_trim(str_c(text)), value)) {
        return bad_option(plan, name, option, text, err);
    }
    return ST_OK;
}

static Status null_option(Plan *plan, const char *name, Gen *gen, Error *err) {
    return real_option(plan, name, "null-rate", &gen->null_rate, err);
}

static Status range_option(Plan *plan, const char *name, Gen *gen, int64_t min, int64_t max,
                           Error *err) {
    gen->min = min;
    gen->max = max;
    TRY(int_option(plan, name, "min", min, max, &gen->min, err));
    TRY(int_option(plan, name, "max", min, max, &gen->max, err));
    if (gen->min > gen->max) plan->empty_range = name;
    return null_option(plan, name, gen, err);
}

static Status reals_option(Plan *plan, const char *name, Gen *gen, double min, double max,
                           Error *err) {
    gen->real_min = min;
    gen->real_max = max;
    TRY(real_option(plan, name, "min", &gen->real_min, err));
    TRY(real_option(plan, name, "max", &gen->real_max, err));
    if (gen->real_min > gen->real_max) plan->empty_range = name;
    return null_option(plan, name, gen, err);
}

static Status length_option(Plan *plan, const char *name, Gen *gen, int64_t fallback, Error *err) {
    int64_t length = fallback;
    TRY(int_option(plan, name, "length", 0, INT32_MAX, &length, err));
    gen->length = (uint32_t)length;
    return ST_OK;
}

static Status text_option(Plan *plan, const char *name, Gen *gen, Error *err) {
    int32_t declared = gen->type->length;
    TRY(length_option(plan, name, gen, declared == TYPE_LENGTH_MAX ? TEXT_LENGTH_DEFAULT : declared,
                      err));
    if (declared != TYPE_LENGTH_MAX && gen->length > (uint32_t)declared) {
        return error_set(err, ST_VALIDATION,
                         "'fields.%s.length' cannot be greater than the declared length %d", name,
                         declared);
    }
    const char *var_len = field_option(plan, name, "var-len");
    if (var_len && !str_to_bool(str_c(var_len), &gen->var_len)) {
        return bad_option(plan, name, "var-len", var_len, err);
    }
    return ST_OK;
}

static Status random_gen(Plan *plan, const char *name, const Type *type, Gen *gen, Error *err);

static Status child_gen(Plan *plan, const char *name, const char *child_name, uint32_t index,
                        Gen *gen, Error *err) {
    const char *full = arena_printf(plan->arena, "%s.%s", name, child_name);
    return random_gen(plan, full, gen->type->child[index], &gen->child[index], err);
}

static Status list_gen(Plan *plan, const char *name, Gen *gen, Error *err) {
    TRY(length_option(plan, name, gen, LIST_LENGTH_DEFAULT, err));
    TRY(null_option(plan, name, gen, err));
    if (gen->type->kind == TYPE_MAP) {
        TRY(child_gen(plan, name, "key", 0, gen, err));
        return child_gen(plan, name, "value", 1, gen, err);
    }
    if (gen->type->kind == TYPE_MULTISET) {
        gen->child[1] = (Gen){.type = gen->type->child[1], .min = 0, .max = MULTISET_COUNT_MAX};
    }
    return child_gen(plan, name, "element", 0, gen, err);
}

static Status unsupported(const char *name, const Type *type, Error *err) {
    Buf text = {0};
    type_print_summary(type, false, &text);
    Status st = error_set(err, ST_VALIDATION, "datagen cannot make a " STR_FMT " (field '%s')",
                          STR_ARG(buf_str(&text)), name);
    buf_free(&text);
    return st;
}

static Status random_gen(Plan *plan, const char *name, const Type *type, Gen *gen, Error *err) {
    *gen = (Gen){.type = type, .child = ARENA_ARRAY(plan->arena, Gen, type->child_count)};
    switch (type->kind) {
        case TYPE_BOOLEAN: return null_option(plan, name, gen, err);
        case TYPE_CHAR:
            gen->length = (uint32_t)type->length;
            return null_option(plan, name, gen, err);
        case TYPE_VARCHAR:
            TRY(null_option(plan, name, gen, err));
            return text_option(plan, name, gen, err);
        case TYPE_BINARY: gen->length = (uint32_t)type->length; return ST_OK;
        case TYPE_VARBINARY: return text_option(plan, name, gen, err);
        case TYPE_TINYINT: return range_option(plan, name, gen, INT8_MIN, INT8_MAX, err);
        case TYPE_SMALLINT: return range_option(plan, name, gen, INT16_MIN, INT16_MAX, err);
        case TYPE_INT: return range_option(plan, name, gen, INT32_MIN, INT32_MAX, err);
        case TYPE_INTERVAL_MONTHS:
            return range_option(plan, name, gen, 0, INTERVAL_MONTHS_MAX, err);
        case TYPE_BIGINT:
        case TYPE_INTERVAL_SECONDS: return range_option(plan, name, gen, INT64_MIN, INT64_MAX, err);
        // Java's Float.MIN_VALUE and Double.MIN_VALUE are the least positive numbers.
        case TYPE_FLOAT: return reals_option(plan, name, gen, 1.4e-45, 3.4028234663852886e38, err);
        case TYPE_DOUBLE:
        case TYPE_DECIMAL:
            return reals_option(plan, name, gen, 4.9e-324, 1.7976931348623157e308, err);
        case TYPE_DATE:
        case TYPE_TIME: return ST_OK;
        case TYPE_TIMESTAMP:
        case TYPE_TIMESTAMP_LTZ: {
            const char *past = field_option(plan, name, "max-past");
            if (past && !option_read_duration(str_c(past), &gen->max_past_ms)) {
                return bad_option(plan, name, "max-past", past, err);
            }
            return null_option(plan, name, gen, err);
        }
        case TYPE_ARRAY:
        case TYPE_MULTISET:
        case TYPE_MAP: return list_gen(plan, name, gen, err);
        case TYPE_ROW:
            for (uint32_t i = 0; i < type->child_count; i++) {
                TRY(child_gen(plan, name, str_cstr(plan->arena, type->field[i]), i, gen, err));
            }
            return null_option(plan, name, gen, err);
        default: return unsupported(name, type, err);
    }
}

static Status sequence_gen(Plan *plan, const char *name, const Type *type, Gen *gen, Error *err) {
    *gen = (Gen){.type = type, .sequence = true};
    // Nothing to count with: random, and the ends of a sequence are no options of it.
    if (type->kind == TYPE_BOOLEAN || type->kind == TYPE_DATE || type->kind == TYPE_TIME) {
        gen->sequence = false;
        return ST_OK;
    }
    static const char *const ENDS[] = {"start", "end"};
    for (int i = 0; i < 2; i++) {
        if (field_option(plan, name, ENDS[i])) continue;
        return error_set(err, ST_VALIDATION,
                         "could not find required property 'fields.%s.%s' for sequence generator",
                         name, ENDS[i]);
    }
    bool wide = type->kind == TYPE_BIGINT || type_is_text(type) || type_is_bytes(type);
    int64_t min = wide ? INT64_MIN : INT32_MIN, max = wide ? INT64_MAX : INT32_MAX;
    TRY(int_option(plan, name, "start", min, max, &gen->min, err));
    TRY(int_option(plan, name, "end", min, max, &gen->max, err));
    switch (type->kind) {
        case TYPE_CHAR:
        case TYPE_VARCHAR:
        case TYPE_BINARY:
        case TYPE_VARBINARY:
        case TYPE_TINYINT:
        case TYPE_SMALLINT:
        case TYPE_INT:
        case TYPE_BIGINT:
        case TYPE_FLOAT:
        case TYPE_DOUBLE:
        case TYPE_DECIMAL: return ST_OK;
        default: return unsupported(name, type, err);
    }
}

// [running]: an empty range is an error only when values are drawn from it, as in Flink.
static Status plan_gens(const TableDesc *desc, const Options *options, bool running, Arena *arena,
                        Gen *gens, Error *err) {
    Plan plan = {.options = options, .arena = arena};
    Status st = ST_OK;
    for (uint32_t i = 0; !st && i < desc->physical->child_count; i++) {
        const char *name = str_cstr(arena, desc->physical->field[i]);
        const char *kind = field_option(&plan, name, "kind");
        const Type *type = desc->physical->child[i];
        if (!kind || strcmp(kind, "random") == 0) {
            st = random_gen(&plan, name, type, &gens[i], err);
        } else if (strcmp(kind, "sequence") == 0) {
            st = sequence_gen(&plan, name, type, &gens[i], err);
        } else {
            st = error_set(err, ST_VALIDATION, "unsupported generator kind '%s' of field '%s'",
                           kind, name);
        }
    }
    for (uint32_t i = 0; !st && i < options->map->count; i++) {
        Str key = options->map->entry[i].key;
        if (!str_starts(key, STR("fields.")) || map_has(&plan.known, key)) continue;
        st =
            error_set(err, ST_VALIDATION, "unsupported option '" STR_FMT "' of table '" STR_FMT "'",
                      STR_ARG(key), STR_ARG(options->owner));
    }
    map_clear(&plan.known);
    if (!st && running && plan.empty_range) {
        st = error_set(err, ST_RUNTIME, "'fields.%s.min' is greater than 'fields.%s.max'",
                       plan.empty_range, plan.empty_range);
    }
    return st;
}

// Values -----------------------------------------------------------------------------------------

static uint64_t draw(uint64_t *state) {  // splitmix64
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

// Of [min, max], both included.
static int64_t draw_between(uint64_t *state, int64_t min, int64_t max) {
    uint64_t span = (uint64_t)max - (uint64_t)min + 1;
    if (!span) return (int64_t)draw(state);
    return (int64_t)((uint64_t)min + (uint64_t)((u128)draw(state) * span >> 64));
}

static double draw_unit(uint64_t *state) {  // [0, 1)
    return (double)(draw(state) >> 11) * 0x1p-53;
}

static double draw_real(uint64_t *state, double min, double max) {
    double unit = draw_unit(state);
    return min * (1 - unit) + max * unit;
}

static void random_text(uint64_t *state, const Gen *gen, Vec *vec, uint32_t row) {
    static const char HEX[] = "0123456789abcdef";
    bool text = type_is_text(gen->type);
    uint32_t len =
        gen->var_len && gen->length ? (uint32_t)draw_between(state, 1, gen->length) : gen->length;
    char *at = vec_text_room(vec, len);
    uint64_t bits = 0;
    for (uint32_t i = 0; i < len; i++) {
        if (i % (text ? 16 : 8) == 0) bits = draw(state);
        at[i] = text ? HEX[bits & 15] : (char)bits;
        bits >>= text ? 4 : 8;
    }
    vec_str(vec)[row] = (Str){at, len};
}

static void random_decimal(uint64_t *state, const Gen *gen, Vec *vec, uint32_t row) {
    double most = pow(10, gen->type->precision - gen->type->scale) - 1;
    double min = fmax(gen->real_min, -most), max = fmin(gen->real_max, most);
    i128 value;
    if (decimal_from_f64(draw_real(state, min, max), gen->type->precision, gen->type->scale,
                         &value)) {
        vec_i128(vec)[row] = value;
    } else {
        vec_set_null(vec, row);
    }
}

static void random_value(uint64_t *state, const Gen *gen, Vec *vec, uint32_t row);

static void random_list(uint64_t *state, const Gen *gen, Vec *vec, uint32_t row) {
    uint32_t at = vec_list_begin(vec, row, gen->length), count = 0;
    for (uint32_t i = 0; i < gen->length; i++) {
        uint32_t slot = at + count;
        random_value(state, &gen->child[0], vec->child[0], slot);
        // Keys of maps are different ones; an equal one is drawn away.
        bool again = false;
        for (uint32_t k = at; gen->type->kind != TYPE_ARRAY && k < slot && !again; k++) {
            again = vec_key_equal(vec->child[0], k, vec->child[0], slot);
        }
        if (again) continue;
        if (gen->type->child_count > 1) random_value(state, &gen->child[1], vec->child[1], slot);
        count++;
    }
    vec_list(vec)[row].count = count;
}

static void random_value(uint64_t *state, const Gen *gen, Vec *vec, uint32_t row) {
    if (gen->null_rate > 0 && draw_unit(state) <= gen->null_rate) {
        vec_set_null(vec, row);
        return;
    }
    switch (gen->type->kind) {
        case TYPE_BOOLEAN: vec_u8(vec)[row] = draw(state) & 1; break;
        case TYPE_FLOAT:
            vec_f32(vec)[row] = (float)draw_real(state, gen->real_min, gen->real_max);
            break;
        case TYPE_DOUBLE: vec_f64(vec)[row] = draw_real(state, gen->real_min, gen->real_max); break;
        case TYPE_DECIMAL: random_decimal(state, gen, vec, row); break;
        case TYPE_CHAR:
        case TYPE_VARCHAR:
        case TYPE_BINARY:
        case TYPE_VARBINARY: random_text(state, gen, vec, row); break;
        case TYPE_DATE: vec_i32(vec)[row] = (int32_t)floor_div(os_now_ms(), MS_PER_DAY); break;
        case TYPE_TIME: vec_i32(vec)[row] = (int32_t)floor_mod(os_now_ms(), MS_PER_DAY); break;
        case TYPE_TIMESTAMP:
        case TYPE_TIMESTAMP_LTZ: {
            int64_t past = gen->max_past_ms ? draw_between(state, 0, gen->max_past_ms - 1) : 0;
            vec_set_timestamp(vec, row, (Timestamp){.ms = os_now_ms() - past});
            break;
        }
        case TYPE_ARRAY:
        case TYPE_MULTISET:
        case TYPE_MAP: random_list(state, gen, vec, row); break;
        case TYPE_ROW:
            for (uint32_t i = 0; i < gen->type->child_count; i++) {
                random_value(state, &gen->child[i], vec->child[i], row);
            }
            break;
        default: vec_set_integer(vec, row, draw_between(state, gen->min, gen->max)); break;
    }
}

static void sequence_value(const Gen *gen, int64_t value, Vec *vec, uint32_t row) {
    char text[24];
    i128 decimal;
    switch (gen->type->kind) {
        case TYPE_CHAR:
        case TYPE_VARCHAR: {
            uint32_t at = sizeof text;
            uint64_t left = value < 0 ? -(uint64_t)value : (uint64_t)value;
            do text[--at] = (char)('0' + left % 10);
            while (left /= 10);
            if (value < 0) text[--at] = '-';
            vec_set_text(vec, row, (Str){text + at, (uint32_t)sizeof text - at});
            break;
        }
        case TYPE_BINARY:
        case TYPE_VARBINARY:
            for (int i = 0; i < 8; i++) text[i] = (char)((uint64_t)value >> (56 - 8 * i));
            vec_set_text(vec, row, (Str){text, 8});
            break;
        case TYPE_FLOAT: vec_f32(vec)[row] = (float)value; break;
        case TYPE_DOUBLE: vec_f64(vec)[row] = (double)value; break;
        case TYPE_DECIMAL:
            if (decimal_from_i64(value, gen->type->precision, gen->type->scale, &decimal)) {
                vec_i128(vec)[row] = decimal;
            } else {
                vec_set_null(vec, row);
            }
            break;
        default: vec_set_integer(vec, row, value); break;
    }
}

// The reader -------------------------------------------------------------------------------------

// The numbers that readers of another parallelism have made before a restore: index, index + count,
// and so on, [made] of them.
typedef struct Made {
    int64_t index, count, made;
} Made;

typedef struct DatagenReader {
    SourceReader base;
    Arena arena;
    const Type *produced;
    Arena scratch;        // of a poll
    Gen *gen;             // of the produced columns
    uint64_t random;
    int64_t index, count;
    int64_t made;         // rows so far; those that others had made before count too
    Made *before;
    uint32_t before_count;
    int64_t rows;         // in all; INT64_MAX without end
    int64_t per_slice;
    int64_t slice_ns, slice_made, slice_end_ns;
    bool stopping;
} DatagenReader;

static bool made_before(const DatagenReader *self, int64_t number) {
    for (uint32_t i = 0; i < self->before_count; i++) {
        const Made *by = &self->before[i];
        if (number % by->count == by->index && number / by->count < by->made) return true;
    }
    return false;
}

// The places in the sequences of the next rows, at most [most]; fewer at the end.
static int64_t take_numbers(DatagenReader *self, int64_t *out, int64_t most) {
    int64_t rows = 0;
    for (; rows < most && self->made < self->rows; self->made++) {
        int64_t number = self->made * self->count + self->index;
        if (!self->before_count || !made_before(self, number)) out[rows++] = number;
    }
    return rows;
}

static Status datagen_poll(SourceReader *base, SourceOutput *out, ReadState *state, Error *err) {
    DatagenReader *self = (DatagenReader *)base;
    if (self->stopping || self->made >= self->rows) {
        *state = READ_END;
        return ST_OK;
    }
    int64_t now = os_monotonic_ns();
    if (now >= self->slice_end_ns) {
        self->slice_end_ns = now + self->slice_ns;
        self->slice_made = 0;
    }
    int64_t rows = self->per_slice - self->slice_made;
    if (rows > self->rows - self->made) rows = self->rows - self->made;
    if (rows > BATCH_ROWS_MAX) rows = BATCH_ROWS_MAX;
    *state = rows ? READ_MORE : READ_IDLE;
    if (!rows) return ST_OK;
    int64_t *number = ARENA_ARRAY(&self->scratch, int64_t, rows);
    rows = take_numbers(self, number, rows);
    Batch *batch = batch_new_columns(self->produced, (uint32_t)rows);
    for (uint32_t i = 0; i < self->produced->child_count; i++) {
        const Gen *gen = &self->gen[i];
        Vec *vec = batch->column[i];
        for (uint32_t row = 0; row < rows; row++) {
            if (gen->sequence) {
                sequence_value(gen, gen->min + number[row], vec, row);
            } else {
                random_value(&self->random, gen, vec, row);
            }
        }
    }
    arena_reset(&self->scratch);
    self->slice_made += rows;
    return out->batch(out, 0, batch_seal(batch), err);
}

static void datagen_wait(SourceReader *base, int64_t timeout_ms) {
    DatagenReader *self = (DatagenReader *)base;
    int64_t left = (self->slice_end_ns - os_monotonic_ns() + NS_PER_MS - 1) / NS_PER_MS;
    if (left > 0) os()->sleep_ms(left < timeout_ms ? left : timeout_ms);
}

static void datagen_stop(SourceReader *base) {
    ((DatagenReader *)base)->stopping = true;
}

static void datagen_close(SourceReader *base) {
    DatagenReader *self = (DatagenReader *)base;
    arena_clear(&self->scratch);
    arena_clear(&self->arena);
    mem_free(self);
}

static void put_made(Buf *out, Made made) {
    buf_put(out, &made, sizeof made);
}

static Status datagen_snapshot(SourceReader *base, Buf *out, Error *err) {
    (void)err;
    const DatagenReader *self = (DatagenReader *)base;
    put_made(out, (Made){self->index, self->count, self->made});
    for (uint32_t i = 0; i < self->before_count; i++) put_made(out, self->before[i]);
    return ST_OK;
}

// Of one reader the most is told once: former readers tell of each other.
static void know_made(DatagenReader *self, Made made) {
    for (uint32_t i = 0; i < self->before_count; i++) {
        Made *known = &self->before[i];
        if (known->index != made.index || known->count != made.count) continue;
        if (made.made > known->made) known->made = made.made;
        return;
    }
    Made *all = ARENA_ARRAY(&self->arena, Made, self->before_count + 1);
    if (self->before_count) memcpy(all, self->before, self->before_count * sizeof *all);
    all[self->before_count++] = made;
    self->before = all;
}

static Status datagen_restore(SourceReader *base, Str bytes, Error *err) {
    DatagenReader *self = (DatagenReader *)base;
    uint32_t count = (uint32_t)(bytes.len / sizeof(Made));
    if (!count || bytes.len % sizeof(Made)) {
        return error_set(err, ST_RUNTIME, "the snapshot of a datagen source is damaged");
    }
    for (uint32_t i = 0; i < count; i++) {
        Made made;
        memcpy(&made, bytes.ptr + i * sizeof made, sizeof made);
        if (made.index == self->index && made.count == self->count) {
            if (made.made > self->made) self->made = made.made;
        } else {
            know_made(self, made);
        }
    }
    return ST_OK;
}

static const SourceVt DATAGEN_SOURCE = {
    .poll = datagen_poll,
    .wait = datagen_wait,
    .stop = datagen_stop,
    .snapshot = datagen_snapshot,
    .restore = datagen_restore,
    .close = datagen_close,
};

// This reader's share of [total] things dealt round.
static int64_t share(const DatagenReader *self, int64_t total) {
    return total / self->count + (self->index < total % self->count);
}

// How many rows the sequences allow this reader.
static int64_t sequence_rows(const DatagenReader *self, const Gen *gens, uint32_t count) {
    int64_t rows = INT64_MAX;
    for (uint32_t i = 0; i < count; i++) {
        int64_t span;
        if (!gens[i].sequence || __builtin_sub_overflow(gens[i].max, gens[i].min, &span)) continue;
        // As Flink counts: 5 to 1 are three numbers, 5, 6, 7.
        uint64_t numbers = span < 0 ? -((uint64_t)span + 1) : (uint64_t)span + 1;
        int64_t mine = share(self, numbers > INT64_MAX ? INT64_MAX : (int64_t)numbers);
        if (mine < rows) rows = mine;
    }
    return rows;
}

// The [wanted] part of a generator: pruned rows inside.
static void prune(Arena *arena, const Gen *full, const Type *wanted, Gen *out) {
    *out = *full;
    out->type = wanted;
    if (wanted->kind != TYPE_ROW) return;
    out->child = ARENA_ARRAY(arena, Gen, wanted->child_count);
    for (uint32_t i = 0; i < wanted->child_count; i++) {
        for (uint32_t k = 0; k < full->type->child_count; k++) {
            if (!str_eq(wanted->field[i], full->type->field[k])) continue;
            prune(arena, &full->child[k], wanted->child[i], &out->child[i]);
        }
    }
}

static Options own_options(const TableDesc *desc) {
    Options options = desc->options;
    options.defs = DATAGEN_OPTIONS;
    return options;
}

static Status datagen_open(const ScanSpec *spec, const TaskEnv *env, SourceReader **out,
                           Error *err) {
    const Type *physical = spec->table->physical;
    Options options = own_options(spec->table);
    DatagenReader *self = NEW(DatagenReader);
    arena_init(&self->arena);
    self->base.vt = &DATAGEN_SOURCE;
    self->produced = spec->produced;
    self->index = env->index;
    self->count = env->count ? env->count : 1;
    self->random = os()->random();
    Gen *all = ARENA_ARRAY(&self->arena, Gen, physical->child_count);
    Status st = plan_gens(spec->table, &options, true, &self->arena, all, err);
    if (st) {
        datagen_close(&self->base);
        return st;
    }
    // Sequences that nobody reads end the source all the same.
    self->rows = sequence_rows(self, all, physical->child_count);
    if (options_has(&options, "number-of-rows")) {
        int64_t given = share(self, options_int(&options, "number-of-rows"));
        if (given < self->rows) self->rows = given;
    }
    if (spec->limit >= 0 && spec->limit < self->rows) self->rows = spec->limit;
    int64_t rate = share(self, options_int(&options, "rows-per-second"));
    int64_t slices = rate >= SLICES_RATE_MIN ? SLICES : 1;
    self->per_slice = rate / slices > 0 ? rate / slices : 1;
    self->slice_ns = (int64_t)MS_PER_SECOND * NS_PER_MS / slices;
    Gen root = {.type = physical, .child = all}, wanted;
    prune(&self->arena, &root, spec->wanted, &wanted);
    self->gen = wanted.child;
    *out = &self->base;
    return ST_OK;
}

static Status datagen_check(const TableDesc *desc, bool as_sink, Error *err) {
    (void)as_sink;
    Options options = own_options(desc);
    const OptionDef *const also[] = {TABLE_OPTIONS, NULL};
    TRY(options_check(&options, also, err));
    Arena arena;
    arena_init(&arena);
    Gen *gens = ARENA_ARRAY(&arena, Gen, desc->physical->child_count);
    Status st = plan_gens(desc, &options, false, &arena, gens, err);
    arena_clear(&arena);
    return st;
}

static bool datagen_bounded(const TableDesc *desc) {
    return options_has(&desc->options, "number-of-rows");
}

const Connector DATAGEN_CONNECTOR = {
    .name = "datagen",
    .options = DATAGEN_OPTIONS,
    .source = true,
    .check = datagen_check,
    .source_bounded = datagen_bounded,
    .source_open = datagen_open,
    .doc = "Random rows and sequences.",
};
