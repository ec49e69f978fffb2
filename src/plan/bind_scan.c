// A table in FROM: scan of what its connector gives, casts of metadata, computed columns,
// watermark.
#include "plan/bind.h"

static const Map *merged_options(PlanContext *context, const Table *table, const Map *hints) {
    if (!hints || !hints->count) return &table->options;
    Map *all = plan_map(context);
    for (uint32_t i = 0; i < table->options.count; i++) {
        (void)map_put(all, table->options.entry[i].key, table->options.entry[i].value);
    }
    for (uint32_t i = 0; i < hints->count; i++) {
        (void)map_put(all, hints->entry[i].key, hints->entry[i].value);
    }
    return all;
}

// The properties of before FLIP-95, of which Flink 2.3 still reads CSV files that lookup joins may
// ask: 'connector.type' = 'filesystem'. NULL: the options are none of these.
static const Map *legacy_options(PlanContext *context, const Map *options) {
    static const char *const NAMES[][2] = {
        {"connector.path", "path"},
        {"format.field-delimiter", "csv.field-delimiter"},
        {"format.quote-character", "csv.quote-character"},
        {"format.ignore-parse-errors", "csv.ignore-parse-errors"},
    };
    const char *type = map_get(options, STR("connector.type"));
    const char *format = map_get(options, STR("format.type"));
    if (!type || strcmp(type, "filesystem") != 0 || !format || strcmp(format, "csv") != 0) {
        return NULL;
    }
    Map *made = plan_map(context);
    (void)map_put(made, STR("connector"), "filesystem");
    (void)map_put(made, STR("format"), "csv");
    (void)map_put(made, STR("lookup.cache"), "FULL");
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        void *value = map_get(options, str_c(NAMES[i][0]));
        if (value) (void)map_put(made, str_c(NAMES[i][1]), value);
    }
    return made;
}

Status table_describe(PlanContext *context, Table *table, const Map *hints, bool as_sink,
                      Place place, TableDesc **out, const Connector **connector, Error *err);
Status table_describe(PlanContext *context, Table *table, const Map *hints, bool as_sink,
                      Place place, TableDesc **out, const Connector **connector, Error *err) {
    Arena *arena = context->arena;
    const Map *options = merged_options(context, table, hints);
    const char *name = map_get(options, STR("connector"));
    const Map *legacy = name || as_sink ? NULL : legacy_options(context, options);
    if (legacy) {
        options = legacy;
        name = "filesystem";
    }
    if (!name) {
        (void)error_at(err, ST_VALIDATION, place, "table '" STR_FMT "' has no 'connector' option",
                       STR_ARG(table->name.object));
        error_hint(err, "add WITH ('connector' = 'filesystem', …)");
        return ST_VALIDATION;
    }
    *connector = connector_find(str_c(name));
    if (!*connector) {
        (void)error_at(err, ST_VALIDATION, place, "unknown connector '%s' of table '" STR_FMT "'",
                       name, STR_ARG(table->name.object));
        const char *near = connector_nearest(str_c(name));
        if (near) error_hint(err, "did you mean '%s'?", near);
        return ST_VALIDATION;
    }
    if (as_sink ? !(*connector)->sink : !(*connector)->source) {
        return error_at(err, ST_VALIDATION, place, "connector '%s' can only be used as a %s", name,
                        as_sink ? "source" : "sink");
    }
    TableDesc *desc = ARENA_NEW(arena, TableDesc);
    desc->name = table->name.object;
    desc->physical = table_physical(table, arena);
    desc->options =
        (Options){.map = options, .owner = table->name.object, .defs = (*connector)->options};
    desc->for_view = context->expansion != NULL;
    desc->partition_key = table->partition_key;
    desc->partition_key_count = table->partition_key_count;
    uint32_t *key = ARENA_ARRAY(arena, uint32_t, table->primary_key_count + 1);
    for (uint32_t i = 0; i < table->primary_key_count; i++) {
        for (uint32_t c = 0; c < desc->physical->child_count; c++) {
            if (str_eq(desc->physical->field[c], table->primary_key[i])) {
                key[desc->primary_key_count++] = c;
            }
        }
    }
    desc->primary_key = key;
    uint32_t parallelism;
    TRY(table_parallelism(table, options, as_sink, place, &parallelism, err));
    if ((*connector)->check) {
        Status st = (*connector)->check(desc, as_sink, err);
        if (st) {
            error_place(err, place);
            return st;
        }
    }
    *out = desc;
    return ST_OK;
}

// 'scan.parallelism' and 'sink.parallelism': how many read or write; 0: as many as there are
// workers. Of sinks -1 says so, too.
Status table_parallelism(const Table *table, const Map *options, bool as_sink, Place place,
                         uint32_t *out, Error *err) {
    const char *key = as_sink ? "sink.parallelism" : "scan.parallelism";
    const char *given = map_get(options, str_c(key));
    int64_t number = -1;
    *out = 0;
    int64_t least = as_sink ? -1 : 1;
    if (given && (!str_to_i64(str_trim(str_c(given)), &number) || !number || number < least ||
                  number > UINT32_MAX)) {
        return error_at(err, ST_VALIDATION, place, "'%s' of table '" STR_FMT "' cannot be '%s'",
                        key, STR_ARG(table->name.object), given);
    }
    if (number > 0) *out = (uint32_t)number;
    return ST_OK;
}

static Status scan_plan(PlanContext *context, Table *table, TableDesc *desc,
                        const Connector *connector, Place place, Plan **out, Error *err) {
    Arena *arena = context->arena;
    uint32_t metadata = 0, physical = desc->physical->child_count;
    MetadataColumn *columns = ARENA_ARRAY(arena, MetadataColumn, table->column_count + 1);
    const Type **child = ARENA_ARRAY(arena, const Type *, physical + table->column_count + 1);
    Str *name = ARENA_ARRAY(arena, Str, physical + table->column_count + 1);
    for (uint32_t i = 0; i < physical; i++) {
        child[i] = desc->physical->child[i];
        name[i] = desc->physical->field[i];
    }
    for (uint32_t i = 0; i < table->column_count; i++) {
        const Column *column = &table->column[i];
        if (column->kind != COL_METADATA) continue;
        bool writable = false;
        const Type *type =
            connector->metadata_type
                ? connector->metadata_type(arena, desc, column->metadata_key, &writable)
                : NULL;
        if (!type) {
            return error_at(err, ST_VALIDATION, place,
                            "invalid metadata key '" STR_FMT "' in column '" STR_FMT
                            "' of table '" STR_FMT "': connector '%s' does not give it",
                            STR_ARG(column->metadata_key), STR_ARG(column->name),
                            STR_ARG(table->name.object), connector->name);
        }
        if (!type_equal_but_null(type, column->type) && !cast_allowed(type, column->type)) {
            return error_at(err, ST_VALIDATION, place, "metadata column '" STR_FMT
                            "' cannot be read as its declared type", STR_ARG(column->name));
        }
        type = type_nullable(arena, type, column->type->nullable);  // as declared, not as given
        columns[metadata] = (MetadataColumn){column->metadata_key, type};
        child[physical + metadata] = type;
        name[physical + metadata++] = column->name;
    }
    ScanSpec *scan = ARENA_NEW(arena, ScanSpec);
    scan->table = desc;
    scan->wanted = desc->physical;
    scan->metadata = columns;
    scan->metadata_count = metadata;
    scan->produced = type_row(arena, physical + metadata, child, name, false);
    scan->limit = -1;
    Plan *plan = plan_new(context, PLAN_SCAN, scan->produced, 0);
    TRY(table_parallelism(table, desc->options.map, false, place, &plan->parallelism, err));
    plan->table = table;
    plan->desc = desc;
    plan->connector = connector;
    plan->scan = scan;
    plan->changes = CHANGES_APPEND;
    if (connector->source_changes) TRY(connector->source_changes(desc, &plan->changes, err));
    *out = plan;
    return ST_OK;
}

// All declared columns, in order, over the scan's row.
static Status columns_plan(PlanContext *context, const Table *table, Plan *scan, Plan **out,
                           Error *err) {
    Arena *arena = context->arena;
    uint32_t count = table->column_count;
    Expr **expr = ARENA_ARRAY(arena, Expr *, count + 1);
    Str *name = ARENA_ARRAY(arena, Str, count + 1);
    bool plain = count == scan->type->child_count;
    uint32_t physical = 0, metadata = scan->desc->physical->child_count;
    // Computed columns see the physical and metadata columns by name, metadata as declared.
    Expr **base = ARENA_ARRAY(arena, Expr *, scan->type->child_count + 1);
    const Type **seen = ARENA_ARRAY(arena, const Type *, scan->type->child_count + 1);
    for (uint32_t i = 0; i < count; i++) {
        const Column *column = &table->column[i];
        name[i] = column->name;
        if (column->kind == COL_COMPUTED) continue;
        uint32_t from = column->kind == COL_PHYSICAL ? physical++ : metadata++;
        base[from] = expr_column(arena, from, scan->type->child[from]);
        if (column->kind == COL_METADATA) {
            base[from] = expr_cast(arena, base[from], column->type, false);
        }
        seen[from] = base[from]->type;
        expr[i] = base[from];
        plain &= from == i && base[from]->kind == EXPR_COLUMN;
    }
    const Type *row = type_row(arena, scan->type->child_count, seen, scan->type->field, false);
    for (uint32_t i = 0; i < count; i++) {
        const Column *column = &table->column[i];
        if (column->kind != COL_COMPUTED) continue;
        AstExpr *ast;
        plain = false;
        TRY(sql_parse_expr(arena, column->expr, &ast, err));
        TRY(bind_row_expr(context, ast, row, &expr[i], err));
        expr[i] = expr_substitute(arena, expr[i], base);
    }
    if (plain) return *out = scan, ST_OK;
    *out = plan_project(context, scan, expr, name, count);
    // PROCTIME() columns keep their attribute: the function's result type carries it.
    return ST_OK;
}

// When watermarks are sent, which sources wait for which.
static Status watermark_options(PlanContext *context, const TableDesc *desc, Plan *mark,
                                Error *err) {
    Options options = desc->options;
    options.defs = TABLE_OPTIONS;
    TRY(setting_check(context->config, "table.exec.source.idle-timeout", err));
    mark->idle_timeout_ms = config_ms(context->config, "table.exec.source.idle-timeout", 0);
    if (options_has(&options, "scan.watermark.idle-timeout")) {
        mark->idle_timeout_ms = options_int(&options, "scan.watermark.idle-timeout");
    }
    mark->on_event = options_enum(&options, "scan.watermark.emit.strategy") == 1;
    const char *group = options_get(&options, "scan.watermark.alignment.group");
    bool drift = options_has(&options, "scan.watermark.alignment.max-drift");
    if (drift != (group != NULL)) {
        return error_set(err, ST_VALIDATION,
                         "table '" STR_FMT "': 'scan.watermark.alignment.group' and "
                         "'scan.watermark.alignment.max-drift' go together, and '%s' is missing",
                         STR_ARG(desc->name),
                         drift ? "scan.watermark.alignment.group"
                               : "scan.watermark.alignment.max-drift");
    }
    if (!group) return ST_OK;
    mark->align_group = str_dup(context->arena, str_c(group));
    mark->align_drift_ms = options_int(&options, "scan.watermark.alignment.max-drift");
    mark->align_interval_ms = options_int(&options, "scan.watermark.alignment.update-interval");
    return ST_OK;
}

static Status watermark_plan(PlanContext *context, const Table *table, const TableDesc *desc,
                             Plan **plan, Error *err) {
    Arena *arena = context->arena;
    Plan *input = *plan;
    uint32_t column = 0;
    while (column < input->type->child_count &&
           !str_eq(input->type->field[column], table->watermark_column)) {
        column++;
    }
    if (column == input->type->child_count) {
        return error_set(err, ST_VALIDATION, "watermark column '" STR_FMT "' not found",
                         STR_ARG(table->watermark_column));
    }
    AstExpr *ast;
    TRY(sql_parse_expr(arena, table->watermark_expr, &ast, err));
    const Type **child =
        arena_dup(arena, input->type->child, input->type->child_count * sizeof *child);
    child[column] = type_attribute(arena, child[column], TIME_ROWTIME);
    const Type *row = type_row(arena, input->type->child_count, child, input->type->field, false);
    Plan *mark = plan_new(context, PLAN_WATERMARK, row, 1);
    mark->input[0] = input;
    mark->time_column = column;
    TRY(bind_row_expr(context, ast, input->type, &mark->watermark, err));
    TRY(watermark_options(context, desc, mark, err));
    if (!context->batch) *plan = mark;  // a batch has all its rows when it begins: no row is late
    return ST_OK;
}

// Upserts, and changelogs that may repeat themselves, are made whole by key.
static Plan *normalize_plan(PlanContext *context, const Table *table, const Plan *scan,
                            Plan *input) {
    bool upserts = (scan->changes & CHANGE_UPDATE_AFTER) && !(scan->changes & CHANGE_UPDATE_BEFORE);
    bool changes = scan->changes != CHANGES_APPEND;
    bool repeats = config_bool(context->config, "table.exec.source.cdc-events-duplicate", false);
    if (!table->primary_key_count || !(upserts || (changes && repeats))) return input;
    Plan *plan = plan_new(context, PLAN_NORMALIZE, input->type, 1);
    plan->input[0] = input;
    plan->key = ARENA_ARRAY(context->arena, uint32_t, table->primary_key_count);
    for (uint32_t i = 0; i < table->primary_key_count; i++) {
        for (uint32_t c = 0; c < input->type->child_count; c++) {
            if (str_eq(input->type->field[c], table->primary_key[i])) {
                plan->key[plan->key_count++] = c;
            }
        }
    }
    return plan;
}

// What a batch query can read: an end, and rows that nobody takes back.
static Status check_batch(const PlanContext *context, const Plan *scan, Place place,
                          Error *err) {
    const Table *table = scan->table;
    Buf name = {0};
    object_name_print(table->name, &name);
    Status st = ST_OK;
    if (scan->connector->source_bounded && !scan->connector->source_bounded(scan->desc)) {
        st = error_at(err, ST_VALIDATION, place,
                      "querying an unbounded table " STR_FMT " in batch mode is not allowed",
                      STR_ARG(buf_str(&name)));
        error_hint(err,
                   context->training
                       ? "a model is trained on rows that come to an end: give the table one, by "
                         "'scan.bounded.mode' for Kafka, or take an algorithm that learns online"
                       : "SET 'execution.runtime-mode' = 'streaming', or give the table an end");
    } else if (scan->changes != CHANGES_APPEND) {
        st = error_at(err, ST_VALIDATION, place,
                      "querying a table in batch mode is only possible for INSERT-only sources, "
                      "but the source of table " STR_FMT " produces other changes too",
                      STR_ARG(buf_str(&name)));
        error_hint(err, "SET 'execution.runtime-mode' = 'streaming'");
    }
    buf_free(&name);
    return st;
}

Status bind_table(PlanContext *context, Table *table, const Map *hints, Place place, Plan **out,
                  Error *err) {
    TableDesc *desc;
    const Connector *connector;
    TRY(table_describe(context, table, hints, false, place, &desc, &connector, err));
    Plan *plan = NULL;
    TRY(scan_plan(context, table, desc, connector, place, &plan, err));
    const Plan *scan = plan;
    if (context->batch) TRY(check_batch(context, scan, place, err));
    TRY(columns_plan(context, table, plan, &plan, err));
    plan = normalize_plan(context, table, scan, plan);
    if (table->watermark_expr.ptr) TRY(watermark_plan(context, table, desc, &plan, err));
    *out = plan;
    return ST_OK;
}
