// The filesystem connector's options, checks, and its row in the table of connectors.
#include "connector/file/file.h"

#include "connector/file/file_commit.h"
#include "connector/file/file_glob.h"
#include "spi/lookup.h"

static const char *const STATISTICS[] = {"ALL", "NONE", NULL};
static const char *const TRIGGERS[] = {"process-time", "partition-time", NULL};
static const char *const EXTRACTORS[] = {"default", "custom", NULL};

// clang-format off
const OptionDef FILE_OPTIONS[] = {
    {.key = "connector", .kind = OPTION_TEXT, .required = true, .doc = "'filesystem'."},
    {.key = "path", .kind = OPTION_TEXT, .required = true, .doc = "A file or directory; 'file://' may stand before it, 's3://' for one in S3. A source takes patterns: * ? [a-z] {a,b} and ** for any directories."},
    {.key = "format", .kind = OPTION_TEXT, .required = true, .doc = "How the records are written."},
    {.key = "partition.default-name", .kind = OPTION_TEXT, .fallback = "__DEFAULT_PARTITION__", .doc = "The partition whose value is NULL or empty."},
    {.key = "source.monitor-interval", .kind = OPTION_DURATION, .doc = "Look for new files this often; without it the source ends with its files."},
    {.key = "source.path.regex-pattern", .kind = OPTION_TEXT, .doc = "Only files whose whole path matches are read."},
    {.key = "source.report-statistics", .kind = OPTION_ENUM, .fallback = "ALL", .values = STATISTICS, .doc = "Taken and not needed: plans do not depend on it."},
    {.key = "auto-compaction", .kind = OPTION_BOOL, .fallback = "false", .doc = "Join small files of a checkpoint before they are committed."},
    {.key = "compaction.file-size", .kind = OPTION_SIZE, .doc = "What compaction aims at; the rolling size unless given."},
    {.key = "compaction.parallelism", .kind = OPTION_INT, .doc = "Taken and not needed: each writer compacts its own files."},
    {.key = "sink.rolling-policy.file-size", .kind = OPTION_SIZE, .fallback = "128 mb", .doc = "A file of this size is closed."},
    {.key = "sink.rolling-policy.rollover-interval", .kind = OPTION_DURATION, .fallback = "30 min", .doc = "A file of this age is closed."},
    {.key = "sink.rolling-policy.inactivity-interval", .kind = OPTION_DURATION, .fallback = "30 min", .doc = "A file not written to for this long is closed."},
    {.key = "sink.rolling-policy.check-interval", .kind = OPTION_DURATION, .fallback = "1 min", .doc = "How often ages are looked at."},
    {.key = "sink.shuffle-by-partition.enable", .kind = OPTION_BOOL, .fallback = "false", .doc = "Send all rows of a partition to the same writer."},
    {.key = "partition.time-extractor.kind", .kind = OPTION_ENUM, .fallback = "default", .values = EXTRACTORS, .doc = "How a partition's time is found."},
    {.key = "partition.time-extractor.class", .kind = OPTION_TEXT, .doc = "For 'custom'; Java classes cannot be loaded here."},
    {.key = "partition.time-extractor.timestamp-pattern", .kind = OPTION_TEXT, .doc = "The time from the partition's columns: '$day $hour:00:00'."},
    {.key = "partition.time-extractor.timestamp-formatter", .kind = OPTION_TEXT, .doc = "How that text is written; 'yyyy-MM-dd HH:mm:ss' unless given."},
    {.key = "sink.partition-commit.trigger", .kind = OPTION_ENUM, .fallback = "process-time", .values = TRIGGERS, .doc = "When a partition is complete: by the clock or by the watermark."},
    {.key = "sink.partition-commit.delay", .kind = OPTION_DURATION, .fallback = "0 s", .doc = "How long after that."},
    {.key = "sink.partition-commit.watermark-time-zone", .kind = OPTION_TEXT, .fallback = "UTC", .doc = "The zone of partition times."},
    {.key = "sink.partition-commit.policy.kind", .kind = OPTION_TEXT, .doc = "What a commit does: 'success-file' writes an empty file into the directory."},
    {.key = "sink.partition-commit.policy.class", .kind = OPTION_TEXT, .doc = "For 'custom'; Java classes cannot be loaded here."},
    {.key = "sink.partition-commit.policy.class.parameters", .kind = OPTION_TEXT, .doc = "For 'custom'."},
    {.key = "sink.partition-commit.success-file.name", .kind = OPTION_TEXT, .fallback = "_SUCCESS", .doc = "The name of that file."},
    {0},
};
// clang-format on

// "file:///a/b", "file:/a/b" and "/a/b/" are the same place; "s3://bucket/a" stays as it is.
static Str local_path(Str path) {
    if (str_starts(path, STR("file://"))) {
        path = str_sub(path, 7, path.len);
    } else if (str_starts(path, STR("file:"))) {
        path = str_sub(path, 5, path.len);
    }
    while (path.len > 1 && path.ptr[path.len - 1] == '/') path.len--;
    return path;
}

static const Type *stored_fields(const TableDesc *desc, Arena *arena) {
    if (!desc->partition_key_count) return desc->physical;
    const Type *physical = desc->physical;
    const Type **child = ARENA_ARRAY(arena, const Type *, physical->child_count);
    Str *field = ARENA_ARRAY(arena, Str, physical->child_count);
    uint32_t count = 0;
    for (uint32_t i = 0; i < physical->child_count; i++) {
        if (partition_index(desc, physical->field[i]) >= 0) continue;
        child[count] = physical->child[i];
        field[count++] = physical->field[i];
    }
    return type_row(arena, count, child, field, physical->nullable);
}

static Status check_partitions(const TableDesc *desc, Error *err) {
    for (uint32_t i = 0; i < desc->physical->child_count; i++) {
        const Type *type = desc->physical->child[i];
        if (partition_index(desc, desc->physical->field[i]) < 0) continue;
        if (type->kind != TYPE_BOOLEAN && !type_is_integer(type) && !type_is_text(type) &&
            !type_is_datetime(type)) {
            return error_set(err, ST_VALIDATION,
                             "column '" STR_FMT "' cannot be a partition key: its type",
                             STR_ARG(desc->physical->field[i]));
        }
    }
    return ST_OK;
}

static bool is_option_of(const OptionDef *defs, Str key) {
    for (; defs && defs->key; defs++) {
        if (str_eq(str_c(defs->key), key)) return true;
    }
    return false;
}

// Of the format's options the unknown ones are none of our business: Flink hands them to formats
// like Parquet that cannot list all theirs, and lets them pass for all formats.
static Status check_options(const FileTable *table, Error *err) {
    Map known = {0};
    Str prefix = table->format_options.prefix;
    for (uint32_t i = 0; i < table->options.map->count; i++) {
        const MapEntry *entry = &table->options.map->entry[i];
        if (str_starts(entry->key, prefix) &&
            !is_option_of(table->format->options,
                          str_sub(entry->key, prefix.len, entry->key.len))) {
            continue;
        }
        (void)map_put(&known, entry->key, entry->value);
    }
    Options options = table->options, part = table->format_options;
    options.map = part.map = &known;
    const OptionDef *const also[] = {TABLE_OPTIONS, LOOKUP_OPTIONS, NULL};
    Status st = options_check_parts(&options, also, &part, 1, err);
    map_clear(&known);
    return st;
}

Status file_table(const TableDesc *desc, FileTable *table, Arena *arena, Error *err) {
    *table = (FileTable){.desc = desc, .options = desc->options};
    table->options.defs = FILE_OPTIONS;
    TRY(format_of(&table->options, "format", &table->format, &table->format_options, arena, err));
    TRY(check_options(table, err));
    if (!table->format->separator) {
        return error_set(err, ST_VALIDATION,
                         "table '" STR_FMT "': the format '%s' is not for files",
                         STR_ARG(desc->name), table->format->name);
    }
    const char *path = options_get(&table->options, "path");
    if (!path || !*path) {
        return error_set(err, ST_VALIDATION, "table '" STR_FMT "': the path is empty",
                         STR_ARG(desc->name));
    }
    table->path = str_dup(arena, local_path(str_c(path)));
    if (str_find(table->path, STR("://"), 0) >= 0 && !os_is_object(table->path)) {
        return error_set(err, ST_VALIDATION,
                         "table '" STR_FMT "': only local paths and s3:// can be read, not '%s'",
                         STR_ARG(desc->name), path);
    }
    if (os_is_object(table->path) && options_bool(&table->options, "auto-compaction")) {
        return error_set(err, ST_VALIDATION,
                         "table '" STR_FMT "': 'auto-compaction' is for local paths: what is not "
                         "committed yet cannot be read in S3",
                         STR_ARG(desc->name));
    }
    table->default_partition =
        str_dup(arena, str_c(options_get(&table->options, "partition.default-name")));
    TRY(check_partitions(desc, err));
    table->stored = stored_fields(desc, arena);
    return ST_OK;
}

// Flink's filesystem cannot be looked up. Here a table that asks for it is: it is read once (or as
// often as it says) and kept.
static bool file_lookup_allowed(const TableDesc *desc) {
    return options_has(&desc->options, "lookup.cache");
}

static Status check_lookup(const TableDesc *desc, Error *err) {
    LookupOptions lookup;
    TRY(lookup_options(desc, &lookup, err));
    if (!file_lookup_allowed(desc) || lookup.cache == LOOKUP_CACHE_FULL) return ST_OK;
    return error_set(err, ST_VALIDATION,
                     "table '" STR_FMT
                     "': files can only be looked up with 'lookup.cache' = 'FULL'",
                     STR_ARG(desc->name));
}

// What Flink finds out while it plans; policies of other names fail when the sink is opened.
static Status check_commit(const FileTable *table, Error *err) {
    const char *policies = options_get(&table->options, "sink.partition-commit.policy.kind");
    if (policies && policy_named(str_c(policies), STR("metastore"))) {
        return error_set(err, ST_VALIDATION,
                         "table '" STR_FMT "': 'sink.partition-commit.policy.kind' cannot be "
                         "'metastore', which is for tables of Hive",
                         STR_ARG(table->desc->name));
    }
    const char *zone = options_get(&table->options, "sink.partition-commit.watermark-time-zone");
    const Zone *found;
    if (!zone_find(str_c(zone), &found, NULL)) return ST_OK;
    return error_set(err, ST_VALIDATION,
                     "table '" STR_FMT
                     "': 'sink.partition-commit.watermark-time-zone' = '%s' is no "
                     "time zone",
                     STR_ARG(table->desc->name), zone);
}

static Status file_check(const TableDesc *desc, bool as_sink, Error *err) {
    Arena arena;
    arena_init(&arena);
    FileTable table;
    Status st = file_table(desc, &table, &arena, err);
    if (!st && table.format->check) {
        const Type *stored =
            desc->for_view ? type_row(&arena, 0, NULL, NULL, false) : table.stored;
        st = table.format->check(stored, &table.format_options, !as_sink, err);
    }
    if (!st && as_sink) st = check_commit(&table, err);
    if (!st && as_sink && glob_is_pattern(table.path)) {
        st = error_set(err, ST_VALIDATION,
                       "table '" STR_FMT "': a pattern in 'path' is for reading, files are written "
                       "into one directory: " STR_FMT,
                       STR_ARG(desc->name), STR_ARG(table.path));
        error_hint(err, "name the directory; a backslash takes * ? [ { as they are");
    }
    if (!st && (as_sink ? !table.format->encodes : !table.format->decodes)) {
        st = error_set(err, ST_VALIDATION, "table '" STR_FMT "': the format '%s' cannot %s",
                       STR_ARG(desc->name), table.format->name, as_sink ? "be written" : "be read");
    }
    arena_clear(&arena);
    return st ? st : check_lookup(desc, err);
}

static Status file_source_changes(const TableDesc *desc, uint32_t *changes, Error *err) {
    Arena arena;
    arena_init(&arena);
    FileTable table;
    Status st = file_table(desc, &table, &arena, err);
    if (!st) *changes = table.format->decodes;
    arena_clear(&arena);
    return st;
}

static bool file_source_bounded(const TableDesc *desc) {
    return !options_has(&desc->options, "source.monitor-interval");
}

static Status file_sink_changes(const TableDesc *desc, uint32_t requested, uint32_t *taken,
                                Error *err) {
    Arena arena;
    arena_init(&arena);
    FileTable table;
    Status st = file_table(desc, &table, &arena, err);
    (void)requested;
    if (!st) *taken = table.format->encodes;
    arena_clear(&arena);
    return st;
}

static const Type *file_metadata_type(Arena *arena, const TableDesc *desc, Str key,
                                      bool *writable) {
    (void)desc;
    *writable = false;
    if (str_is(key, "file.path") || str_is(key, "file.name")) return type_of(TYPE_VARCHAR, false);
    if (str_is(key, "file.size")) return type_of(TYPE_BIGINT, false);
    if (str_is(key, "file.modification-time")) return type_timestamp_ltz(arena, 3, false);
    return NULL;
}

const Connector FILE_CONNECTOR = {
    .name = "filesystem",
    .options = FILE_OPTIONS,
    .source = true,
    .sink = true,
    .check = file_check,
    .source_changes = file_source_changes,
    .source_bounded = file_source_bounded,
    .sink_changes = file_sink_changes,
    .partitions = file_partitions,
    .metadata_type = file_metadata_type,
    .early_filter = true,
    .source_open = file_source_open,
    .sink_open = file_sink_open,
    .lookup_allowed = file_lookup_allowed,
    .guarantee = "exactly-once",
    .doc = "Files and directories of this machine, and objects in S3.",
};
