// Which files a table has, and what the names of its directories say.
#include <inttypes.h>
#include <stdlib.h>

#include "base/hex.h"
#include "connector/file/file_glob.h"
#include "connector/file/file_int.h"
#include "os/os.h"
#include "type/datetime.h"
#include "type/java_print.h"

int32_t partition_index(const TableDesc *desc, Str field) {
    for (uint32_t i = 0; i < desc->partition_key_count; i++) {
        if (str_eq(desc->partition_key[i], field)) return (int32_t)i;
    }
    return -1;
}

// What Hive, and Flink after it, never writes into a directory's name.
static bool must_escape(unsigned char c) {
    return c < 0x20 || c == 0x7F || (c && strchr("\"#%'*/:=?\\{[]^", c));
}

void partition_escape(Str value, Buf *out) {
    for (uint32_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.ptr[i];
        if (must_escape(c)) {
            buf_printf(out, "%%%02X", c);
        } else {
            buf_putc(out, (char)c);
        }
    }
}

// As the objects of Flink's runtime print themselves: a DATE is its number of days, a TIME its
// milliseconds, a timestamp that of java.time.LocalDateTime.
void partition_print(const Vec *vec, uint32_t row, Buf *out) {
    switch (vec->type->kind) {
        case TYPE_CHAR:
        case TYPE_VARCHAR: buf_put_str(out, vec_str(vec)[row]); break;
        case TYPE_BOOLEAN: buf_puts(out, vec_u8(vec)[row] ? "true" : "false"); break;
        case TYPE_TIMESTAMP:
        case TYPE_TIMESTAMP_LTZ: print_local_date_time(vec_timestamp(vec, row), out); break;
        default: buf_printf(out, "%" PRId64, vec_integer(vec, row)); break;
    }
}

static bool integer_read(Str text, Vec *vec, uint32_t row, int64_t min, int64_t max) {
    int64_t number;
    if (!str_to_i64(text, &number) || number < min || number > max) return false;
    vec_set_integer(vec, row, number);
    return true;
}

Status partition_read(Vec *vec, uint32_t row, Str text, Error *err) {
    static const struct {
        int64_t min, max;
    } RANGE[] = {[TYPE_TINYINT] = {INT8_MIN, INT8_MAX}, [TYPE_SMALLINT] = {INT16_MIN, INT16_MAX},
                 [TYPE_INT] = {INT32_MIN, INT32_MAX}, [TYPE_BIGINT] = {INT64_MIN, INT64_MAX}};
    TypeKind kind = vec->type->kind;
    Timestamp stamp;
    bool good;
    switch (kind) {
        case TYPE_CHAR:
        case TYPE_VARCHAR: vec_set_text(vec, row, text); return ST_OK;
        case TYPE_BOOLEAN: vec_u8(vec)[row] = str_eq_nocase(text, STR("true")); return ST_OK;
        // Flink cannot read back the numbers that it writes for these two; here they mean what they
        // say.
        case TYPE_DATE:
            good = date_parse(text, &vec_i32(vec)[row]) ||
                   integer_read(text, vec, row, INT32_MIN, INT32_MAX);
            break;
        case TYPE_TIME:
            good = time_parse(text, &vec_i32(vec)[row]) ||
                   integer_read(text, vec, row, 0, MS_PER_DAY - 1);
            break;
        case TYPE_TIMESTAMP:
        case TYPE_TIMESTAMP_LTZ:
            good =
                timestamp_parse(text, &stamp) || timestamp_parse_format(text, true, false, &stamp);
            if (good) vec_set_timestamp(vec, row, stamp);
            break;
        default: good = integer_read(text, vec, row, RANGE[kind].min, RANGE[kind].max); break;
    }
    if (good) return ST_OK;
    Buf name = {0};
    type_print_summary(vec->type, false, &name);
    Status st = error_set(err, ST_RUNTIME, "partition '" STR_FMT "' is not a " STR_FMT,
                          STR_ARG(text), STR_ARG(buf_str(&name)));
    buf_free(&name);
    return st;
}

typedef struct Walk {
    const FileTable *table;
    const Pattern *pattern;
    Arena *arena;
    FileList *out;
    Str directory;
    uint32_t level;    // how many partition keys are settled
    Str *value;        // of them
} Walk;

static Str base_name(Str path) {
    for (uint32_t i = path.len; i > 0; i--) {
        if (path.ptr[i - 1] == '/') return str_sub(path, i, path.len);
    }
    return path;
}

static bool is_hidden(Str name) {
    return name.len && (name.ptr[0] == '.' || name.ptr[0] == '_');
}

static Status walk_path(Walk *walk, Str path, Error *err);

static Status walk_entry(void *arg, Str name, Error *err) {
    Walk *walk = arg;
    if (is_hidden(name)) return ST_OK;
    Str path =
        str_printf(walk->arena, STR_FMT "/" STR_FMT, STR_ARG(walk->directory), STR_ARG(name));
    return walk_path(walk, path, err);
}

// A directory that stands for a partition is called "key=value"; others on that level are no data.
static bool enter_partition(Walk *walk, Str path, Str *value) {
    const TableDesc *desc = walk->table->desc;
    Str name = base_name(path), key = desc->partition_key[walk->level];
    if (!str_starts(name, key) || name.len <= key.len || name.ptr[key.len] != '=') return false;
    *value = percent_decode(walk->arena, str_sub(name, key.len + 1, name.len));
    if (str_eq(*value, walk->table->default_partition)) *value = (Str){NULL, 0};
    return true;
}

static bool same_name(const Str *a, const Str *b, uint32_t keys) {
    for (uint32_t i = 0; i < keys; i++) {
        if (!a[i].ptr != !b[i].ptr || (a[i].ptr && !str_eq(a[i], b[i]))) return false;
    }
    return true;
}

static bool is_left_out(const Walk *walk) {
    const FileTable *table = walk->table;
    uint32_t keys = table->desc->partition_key_count;
    for (uint32_t i = 0; i < table->left_out_count; i++) {
        if (same_name(table->left_out + (size_t)i * keys, walk->value, keys)) return true;
    }
    return false;
}

static Status add_file(Walk *walk, Str path, const OsStat *stat) {
    const TableDesc *desc = walk->table->desc;
    FileList *list = walk->out;
    if (walk->level < desc->partition_key_count || !pattern_matches(walk->pattern, path)) {
        return ST_OK;
    }
    if (list->count == list->cap) {
        list->cap = list->cap ? list->cap * 2 : 16;
        list->entry = mem_realloc(list->entry, list->cap * sizeof *list->entry);
    }
    Str *partition = ARENA_ARRAY(walk->arena, Str, desc->partition_key_count);
    if (walk->level) memcpy(partition, walk->value, walk->level * sizeof *partition);
    list->entry[list->count++] = (FileEntry){.path = path, .size = stat->size,
                                             .modified_ms = stat->modified_ms,
                                             .partition = partition};
    return ST_OK;
}

static Status walk_path(Walk *walk, Str path, Error *err) {
    OsStat stat;
    TRY(os()->stat(path, &stat, err));
    if (!stat.exists) return ST_OK;  // gone since it was listed
    if (!stat.is_dir) return add_file(walk, path, &stat);
    bool partition = walk->level < walk->table->desc->partition_key_count && walk->directory.ptr;
    Walk inner = *walk;
    inner.directory = path;
    if (partition) {
        if (!enter_partition(walk, path, &walk->value[walk->level])) return ST_OK;
        inner.level++;
        if (inner.level == walk->table->desc->partition_key_count && is_left_out(walk)) {
            return ST_OK;
        }
    }
    return os()->list(path, walk_entry, &inner, err);
}

static Status add_match(void *arg, Str path, Error *err) {
    return walk_path(arg, path, err);
}

static int by_path(const void *a, const void *b) {
    return str_cmp(((const FileEntry *)a)->path, ((const FileEntry *)b)->path);
}

// The files that a path with a pattern means. Several of its choices may mean the same one.
static Status list_pattern(Walk *walk, Error *err) {
    const FileTable *table = walk->table;
    FileList *list = walk->out;
    Str *choice = NULL;
    uint32_t choices = 0, kept = 0;
    Status st = glob_expand(walk->arena, table->path, &choice, &choices, err);
    for (uint32_t i = 0; i < choices && !st; i++) {
        st = glob_walk(walk->arena, choice[i], add_match, walk, err);
    }
    if (st) return st;
    if (list->count) qsort(list->entry, list->count, sizeof *list->entry, by_path);
    for (uint32_t i = 0; i < list->count; i++) {
        if (kept && str_eq(list->entry[kept - 1].path, list->entry[i].path)) continue;
        list->entry[kept++] = list->entry[i];
    }
    list->count = kept;
    bool may_come = table->desc->partition_key_count ||
                    options_has(&table->options, "source.monitor-interval");
    if (kept || may_come) return ST_OK;
    return error_set(err, ST_IO, "the path of table '" STR_FMT "' matches no file: " STR_FMT,
                     STR_ARG(table->desc->name), STR_ARG(table->path));
}

Status file_list(const FileTable *table, const Pattern *pattern, Arena *arena, FileList *out,
                 Error *err) {
    OsStat stat;
    Walk walk = {.table = table, .pattern = pattern, .arena = arena, .out = out,
                 .value = ARENA_ARRAY(arena, Str, table->desc->partition_key_count)};
    TRY(os()->stat(table->path, &stat, err));
    if (!stat.exists && glob_is_pattern(table->path)) {
        Status st = list_pattern(&walk, err);
        if (st) file_list_clear(out);
        return st;
    }
    if (!stat.exists && table->desc->partition_key_count) return ST_OK;  // no partition yet
    if (!stat.exists) {
        return error_set(err, ST_IO, "the path of table '" STR_FMT "' does not exist: " STR_FMT,
                         STR_ARG(table->desc->name), STR_ARG(table->path));
    }
    if (is_hidden(base_name(table->path))) return ST_OK;
    Status st = walk_path(&walk, table->path, err);
    if (st) file_list_clear(out);
    return st;
}

void file_list_clear(FileList *list) {
    mem_free(list->entry);
    *list = (FileList){0};
}

Status file_partitions(const TableDesc *desc, Arena *arena, Partitions *out, Error *err) {
    FileTable table;
    FileList files = {0};
    uint32_t keys = desc->partition_key_count, count = 0;
    *out = (Partitions){0};
    if (!keys) return ST_OK;
    TRY(file_table(desc, &table, arena, err));
    TRY(file_list(&table, NULL, arena, &files, err));
    Str *name = ARENA_ARRAY(arena, Str, (size_t)files.count * keys + 1);
    for (uint32_t i = 0; i < files.count; i++) {
        const Str *of = files.entry[i].partition;
        // Files come in order of their paths: those of one partition together.
        if (count && same_name(name + (size_t)(count - 1) * keys, of, keys)) continue;
        memcpy(name + (size_t)count++ * keys, of, keys * sizeof *of);
    }
    file_list_clear(&files);
    *out = (Partitions){.count = count, .name = name, .value = ARENA_ARRAY(arena, Vec *, keys)};
    for (uint32_t k = 0; k < keys; k++) {
        uint32_t field = 0;
        while (partition_index(desc, desc->physical->field[field]) != (int32_t)k) field++;
        const Type *type = type_nullable(arena, desc->physical->child[field], true);
        out->value[k] = vec_new(arena, type, count);
        for (uint32_t i = 0; i < count; i++) {
            Str text = name[(size_t)i * keys + k];
            if (!text.ptr || partition_read(out->value[k], i, text, NULL)) {
                vec_set_null(out->value[k], i);
            }
        }
    }
    return ST_OK;
}
