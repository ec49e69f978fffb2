#include "engine/compiled.h"

#include "base/json.h"
#include "os/os.h"
#include "plan/settings.h"
#include "sql/print.h"

enum { FORMAT = 1 };

// The file as Flink's users write it: file:///f, file:/f, or a path.
static Str plan_path(Str text) {
    if (str_starts(text, STR("file://"))) return str_sub(text, 7, text.len);
    if (str_starts(text, STR("file:"))) return str_sub(text, 5, text.len);
    return text;
}

// ---- writing -----------------------------------------------------------------------------------

static void put_member(const char *name, Str value, Buf *out) {
    buf_printf(out, "\"%s\" : ", name);
    json_print_text(value, 0, out);
}

// What of a table must not have changed: all but its options.
static Str schema_of(const Table *table, Arena *arena) {
    Buf text = {0};
    Table bare = *table;
    bare.options = (Map){0};
    bare.temporary = false;
    ddl_print_table(&bare, arena, &text);
    Str schema = str_dup(arena, buf_str(&text));
    buf_free(&text);
    return schema;
}

static void full_name(ObjectName name, Buf *out) {
    const Str part[] = {name.catalog, name.database, name.object};
    for (size_t i = 0; i < 3; i++) {
        if (!part[i].ptr) continue;  // a system function has one part
        if (out->len) buf_putc(out, '.');
        sql_print_name(part[i], out);
    }
}

static Status put_use(const PlanUse *use, Arena *arena, Buf *out, Error *err) {
    static const char *const KIND[] = {[USE_MODEL] = "model", [USE_FUNCTION] = "function"};
    const char *kind = KIND[use->kind];
    ObjectName name;
    Str schema = {0};
    Buf create = {0}, text = {0};
    if (use->kind == USE_TABLE) {
        Table table = *(const Table *)use->object;
        if (table.materialized) {
            return error_set(err, ST_UNSUPPORTED,
                             "materialized table '" STR_FMT "' cannot be part of a compiled plan",
                             STR_ARG(table.name.object));
        }
        name = table.name;
        kind = table.kind == TABLE_VIEW ? "view" : "table";
        schema = schema_of(&table, arena);
        table.temporary = true;
        ddl_print_table(&table, arena, &create);
    } else if (use->kind == USE_MODEL) {
        Model model = *(const Model *)use->object;
        name = model.name;
        model.temporary = true;
        ddl_print_model(&model, arena, &create);
    } else {
        UserFunction function = *(const UserFunction *)use->object;
        name = function.name;
        if (function.system) kind = "system function";
        function.temporary = true;
        ddl_print_function(&function, &create);
    }
    full_name(name, &text);
    buf_puts(out, "{\n      ");
    put_member("kind", str_c(kind), out);
    buf_puts(out, ",\n      ");
    put_member("name", buf_str(&text), out);
    buf_puts(out, ",\n      ");
    if (schema.ptr) {
        put_member("schema", schema, out);
        buf_puts(out, ",\n      ");
    }
    put_member("create", str_trim(buf_str(&create)), out);
    buf_puts(out, "\n    }");
    buf_free(&create);
    buf_free(&text);
    return ST_OK;
}

// Settings that say how a statement is planned and run; where it runs is not the plan's.
static bool is_planned(Str key) {
    return str_starts(key, STR("table.exec.")) || str_starts(key, STR("table.optimizer."));
}

static Status put_plan(DdlContext *ddl, const AstStmt *stmt, const PlanUses *uses, Buf *out,
                       Error *err) {
    const Catalogs *catalogs = ddl->catalogs;
    buf_printf(out, "{\n  \"weirPlan\" : %d,\n  ", FORMAT);
    put_member("catalog", catalogs->current_catalog, out);
    buf_puts(out, ",\n  ");
    put_member("database", catalogs->current_database, out);
    buf_puts(out, ",\n  \"settings\" : {");
    uint32_t settings = 0;
    for (uint32_t i = 0; i < ddl->config->count; i++) {
        const MapEntry *entry = &ddl->config->entry[i];
        if (!is_planned(entry->key)) continue;
        buf_puts(out, settings++ ? ",\n    " : "\n    ");
        json_print_text(entry->key, 0, out);
        buf_puts(out, " : ");
        json_print_text(str_c(entry->value), 0, out);
    }
    buf_printf(out, "%s},\n  \"objects\" : [", settings ? "\n  " : "");
    for (uint32_t i = 0; i < uses->count; i++) {
        buf_puts(out, i ? ", " : "");
        TRY(put_use(&uses->use[i], ddl->plan->arena, out, err));
    }
    buf_puts(out, "],\n  ");
    Str text = str_sub(ddl->text, stmt->span.from, stmt->span.to);
    Str whole = str_printf(ddl->plan->arena, "%s" STR_FMT,
                           stmt->kind == STMT_STATEMENT_SET ? "EXECUTE " : "", STR_ARG(text));
    put_member("statement", whole, out);
    buf_puts(out, "\n}\n");
    return ST_OK;
}

// Binds and plans the statement, which finds its mistakes now and what it stands on.
static Status plan_statement(DdlContext *ddl, const AstStmt *stmt, PlanUses *uses, Error *err) {
    PlanContext context = *ddl->plan;
    AstStmt *const *insert = (AstStmt *const *)&stmt;
    uint32_t count = 1;
    if (stmt->kind == STMT_STATEMENT_SET) {
        insert = stmt->set_of->stmt;
        count = stmt->set_of->stmt_count;
    }
    Plan **root = ARENA_ARRAY(context.arena, Plan *, count + 1);
    context.maps = NULL;
    context.uses = uses;
    Status st = ST_OK;
    for (uint32_t i = 0; i < count && !st; i++) {
        if (insert[i]->kind != STMT_INSERT) {
            st = error_at(err, ST_VALIDATION, insert[i]->span.place,
                          "only INSERT statements go into a statement set");
        } else {
            st = bind_insert(&context, insert[i]->insert, &root[i], err);
        }
    }
    if (!st) st = plan_optimize(&context, root, count, err);
    plan_context_clear(&context);
    return st;
}

Status compiled_write(DdlContext *ddl, const AstPlan *plan, Error *err) {
    Str path = plan_path(plan->path);
    OsStat stat;
    TRY(os()->stat(path, &stat, err));
    bool again = config_bool(ddl->config, "table.plan.force-recompile", false);
    if (stat.exists && !again) {
        if (plan->if_not_exists || plan->execute) return ST_OK;
        (void)error_set(err, ST_VALIDATION, "cannot overwrite the plan file '" STR_FMT "'",
                        STR_ARG(path));
        error_hint(err, "remove it, or SET 'table.plan.force-recompile' = 'true'");
        return ST_VALIDATION;
    }
    PlanUses uses = {0};
    TRY(plan_statement(ddl, plan->stmt, &uses, err));
    Buf text = {0};
    Status st = put_plan(ddl, plan->stmt, &uses, &text, err);
    Str folder = path;
    while (folder.len && folder.ptr[folder.len - 1] != '/') folder.len--;
    if (!st && folder.len) st = os()->make_dirs(folder, err);
    if (!st) st = os_put_file(path, buf_str(&text), err);
    buf_free(&text);
    return st;
}

// ---- reading -----------------------------------------------------------------------------------

static Status wrong_file(Str path, const char *why, Error *err) {
    (void)error_set(err, ST_VALIDATION, "'" STR_FMT "' is no plan that weir can run: %s",
                    STR_ARG(path), why);
    error_hint(err, "COMPILE PLAN writes one");
    return ST_VALIDATION;
}

// The text of a member; without the member, ptr NULL.
static Str text_of(const JsonValue *object, const char *name) {
    const JsonValue *value = json_member(object, str_c(name));
    return value && value->kind == JK_TEXT ? value->text : (Str){0};
}

Status compiled_read(DdlContext *ddl, Str given, CompiledPlan *out, Error *err) {
    Arena *arena = ddl->plan->arena;
    Str path = plan_path(given);
    OsStat stat;
    TRY(os()->stat(path, &stat, err));
    if (!stat.exists) {
        return error_set(err, ST_VALIDATION, "there is no plan file '" STR_FMT "'", STR_ARG(path));
    }
    Buf bytes = {0};
    TRY(os_read_file(path, &bytes, err));
    Str text = str_dup(arena, buf_str(&bytes));
    buf_free(&bytes);
    JsonValue json;
    Error why = {0};
    if (json_parse(arena, text, 0, &json, NULL, &why)) return wrong_file(path, why.message, err);
    const JsonValue *format = json_member(&json, STR("weirPlan"));
    if (!format) {
        bool flink = json_member(&json, STR("flinkVersion"));
        return wrong_file(path, flink ? "Flink has compiled it" : "it has no \"weirPlan\"", err);
    }
    if (format->kind != JK_INTEGER || !str_is(format->text, "1")) {
        return wrong_file(path, "a newer weir has written it", err);
    }
    out->catalog = text_of(&json, "catalog");
    out->database = text_of(&json, "database");
    out->statement = text_of(&json, "statement");
    const JsonValue *settings = json_member(&json, STR("settings"));
    const JsonValue *objects = json_member(&json, STR("objects"));
    if (!out->statement.ptr || !settings || settings->kind != JK_OBJECT || !objects ||
        objects->kind != JK_ARRAY) {
        return wrong_file(path, "\"statement\", \"settings\" or \"objects\" is missing", err);
    }
    out->setting_count = settings->count;
    out->key = ARENA_ARRAY(arena, Str, settings->count + 1);
    out->value = ARENA_ARRAY(arena, Str, settings->count + 1);
    for (uint32_t i = 0; i < settings->count; i++) {
        out->key[i] = settings->member[i].name;
        if (settings->member[i].value.kind != JK_TEXT) {
            return wrong_file(path, "a setting is no text", err);
        }
        out->value[i] = settings->member[i].value.text;
    }
    out->object_count = objects->count;
    out->object = ARENA_ARRAY(arena, CompiledObject, objects->count + 1);
    for (uint32_t i = 0; i < objects->count; i++) {
        const JsonValue *item = &objects->item[i];
        out->object[i] = (CompiledObject){text_of(item, "kind"), text_of(item, "name"),
                                          text_of(item, "schema"), text_of(item, "create"), false};
        const CompiledObject *object = &out->object[i];
        if (!object->kind.ptr || !object->name.ptr || !object->create.ptr) {
            return wrong_file(path, "an object has no \"kind\", \"name\" or \"create\"", err);
        }
    }
    return ST_OK;
}

// ---- making what is missing --------------------------------------------------------------------

// A statement about one object, in a context of its own.
static Status run_ddl(DdlContext *outer, Str sql, Error *err) {
    Arena arena = {0};
    AstStmt *stmt;
    Status st = sql_parse(&arena, sql, &stmt, err);
    if (!st) {
        PlanContext context = *outer->plan;
        context.arena = &arena;
        context.statement = sql;
        context.maps = NULL;
        DdlContext ddl = *outer;
        ddl.plan = &context;
        ddl.text = sql;
        ddl.sink = NULL;
        st = ddl_execute(&ddl, stmt, err);
        if (st == ST_END) st = error_set(err, ST_VALIDATION, "the statement is not CREATE or DROP");
        plan_context_clear(&context);
    }
    arena_clear(&arena);
    return st;
}

// What the session knows by the object's name: ST_END when there is nothing of its kind.
static Status find(DdlContext *ddl, const CompiledObject *object, Error *err) {
    Arena *arena = ddl->plan->arena;
    AstExpr *expr;
    TRY(sql_parse_expr(arena, object->name, &expr, err));
    if (expr->kind != EX_NAME) return ST_END;
    bool system = str_is(object->kind, "system function");
    if (system || str_is(object->kind, "function")) {
        return catalogs_function(ddl->catalogs, &expr->name, system) ? ST_OK : ST_END;
    }
    ObjectName name;
    TRY(catalogs_resolve(ddl->catalogs, &expr->name, &name, err));
    if (str_is(object->kind, "model")) {
        return catalogs_model(ddl->catalogs, name) ? ST_OK : ST_END;
    }
    const Table *table = catalogs_table(ddl->catalogs, name);
    if (!table) return ST_END;
    Str schema = schema_of(table, arena);
    if (!object->schema.ptr || str_eq(schema, object->schema)) return ST_OK;
    (void)error_set(err, ST_VALIDATION,
                    "the schema of " STR_FMT " is not the one that the plan was compiled with:\n"
                    "it was\n" STR_FMT "and is\n" STR_FMT,
                    STR_ARG(object->name), STR_ARG(object->schema), STR_ARG(schema));
    error_hint(err, "compile the plan again");
    return ST_VALIDATION;
}

Status compiled_make(DdlContext *ddl, CompiledPlan *plan, Error *err) {
    // Those that are there are held against the plan before any is made.
    bool *missing = ARENA_ARRAY(ddl->plan->arena, bool, plan->object_count + 1);
    uint32_t left = 0;
    for (uint32_t i = 0; i < plan->object_count; i++) {
        Status st = find(ddl, &plan->object[i], err);
        if (st && st != ST_END) return st;
        missing[i] = st == ST_END;
        left += missing[i];
    }
    // A view comes before what it reads, and a table's computed column may need a function: what
    // cannot be made yet is tried again after the rest.
    for (bool progress = true; left && progress;) {
        progress = false;
        for (uint32_t i = 0; i < plan->object_count; i++) {
            CompiledObject *object = &plan->object[i];
            if (!missing[i] || object->made) continue;
            object->made = !run_ddl(ddl, object->create, NULL);
            progress |= object->made;
            left -= object->made;
        }
    }
    for (uint32_t i = 0; left && i < plan->object_count; i++) {
        const CompiledObject *object = &plan->object[i];
        if (!missing[i] || object->made) continue;
        Status st = run_ddl(ddl, object->create, err);
        if (!st) continue;
        if (err) err->place = (Place){0};
        error_while(err, "making " STR_FMT " " STR_FMT " of the plan", STR_ARG(object->kind),
                    STR_ARG(object->name));
        return st;
    }
    return ST_OK;
}

void compiled_unmake(DdlContext *ddl, CompiledPlan *plan) {
    for (uint32_t i = plan->object_count; i-- > 0;) {
        CompiledObject *object = &plan->object[i];
        if (!object->made) continue;
        Str sql = str_printf(ddl->plan->arena, "DROP TEMPORARY " STR_FMT " IF EXISTS " STR_FMT,
                             STR_ARG(object->kind), STR_ARG(object->name));
        (void)run_ddl(ddl, sql, NULL);
        object->made = false;
    }
}
