// CREATE and ALTER: each clause begins a line, lists of columns and options are indented by two.
#include "sql/print_int.h"

// ---- pieces ------------------------------------------------------------------------------------

void print_option_lines(Printer *pr, const AstOptions *options, bool keys) {
    put(pr, "(");
    for (uint32_t i = 0; i < options->count; i++) {
        const AstOption *option = &options->at[i];
        put(pr, i ? ",\n  " : "\n  ");
        put_text(pr, option->key.name);
        if (keys) continue;
        put(pr, " = ");
        print_expr(pr, option->value);
    }
    put(pr, "\n)");
}

// \nWITH (…); an empty one is nothing to Flink.
static void print_with(Printer *pr, const AstOptions *options) {
    if (!options->present) return;
    if (options->count) {
        put(pr, "\nWITH ");
        print_option_lines(pr, options, false);
    } else if (!is_flink(pr)) {
        put(pr, "\nWITH ()");
    }
}

void print_partition(Printer *pr, const AstOptions *spec) {
    put(pr, "(");
    for (uint32_t i = 0; i < spec->count; i++) {
        put_comma(pr, i);
        print_ident(pr, spec->at[i].key);
        if (!spec->at[i].value) continue;
        put(pr, " = ");
        print_expr(pr, spec->at[i].value);
    }
    put(pr, ")");
}

static void print_comment(Printer *pr, const char *before, Str comment) {
    if (!comment.ptr) return;
    put(pr, before);
    put(pr, "COMMENT ");
    put_text(pr, comment);
}

static void print_constraint(Printer *pr, const AstConstraint *constraint) {
    if (ast_ident_given(constraint->name)) {
        put(pr, "CONSTRAINT ");
        print_ident(pr, constraint->name);
        put(pr, " ");
    }
    put(pr, constraint->unique ? "UNIQUE" : "PRIMARY KEY");
    if (constraint->column.count) {
        put(pr, " ");
        print_ident_list(pr, constraint->column);
    }
    if (constraint->enforced) {
        put(pr, constraint->enforced == ENFORCED ? " ENFORCED" : " NOT ENFORCED");
    }
}

static void print_column(Printer *pr, const AstColumn *column) {
    print_name(pr, column->name);
    if (column->kind == COLUMN_COMPUTED) {
        put(pr, " AS ");
        print_expr(pr, column->expr);
    } else if (column->kind != COLUMN_NAME_ONLY) {
        put(pr, " ");
        print_type(pr, column->type);
    }
    if (column->kind == COLUMN_METADATA) {
        put(pr, " METADATA");
        if (column->metadata_key.ptr) {
            put(pr, " FROM ");
            put_text(pr, column->metadata_key);
        }
        if (column->is_virtual) put(pr, " VIRTUAL");
    }
    if (column->constraint) {
        put(pr, " ");
        print_constraint(pr, column->constraint);
    }
    print_comment(pr, " ", column->comment);
    if (column->position == POSITION_FIRST) put(pr, " FIRST");
    if (column->position == POSITION_AFTER) {
        put(pr, " AFTER ");
        print_name(pr, column->after);
    }
}

void print_columns(Printer *pr, const AstColumn *column, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        put_comma(pr, i);
        print_column(pr, &column[i]);
    }
}

// (\n  a INT,\n  PRIMARY KEY …\n)
static void print_schema(Printer *pr, const AstSchema *schema) {
    const char *before = "(\n  ";
#define LINE() put(pr, before), before = ",\n  "
    for (uint32_t i = 0; i < schema->column_count; i++) {
        LINE();
        print_column(pr, &schema->column[i]);
    }
    for (uint32_t i = 0; i < schema->constraint_count; i++) {
        LINE();
        print_constraint(pr, &schema->constraint[i]);
    }
    for (uint32_t i = 0; i < schema->watermark_count; i++) {
        LINE();
        put(pr, "WATERMARK FOR ");
        print_name(pr, schema->watermark[i].column);
        put(pr, " AS ");
        print_expr(pr, schema->watermark[i].expr);
    }
    put(pr, "\n)");
#undef LINE
}

// DISTRIBUTED BY HASH(a) INTO 4 BUCKETS, or DISTRIBUTION …
static void print_distribution(Printer *pr, const char *word, const AstDistribution *distribution) {
    static const char *const KINDS[] = {" BY (", " BY HASH(", " BY RANGE("};
    put(pr, word);
    if (distribution->column.count) {
        put(pr, KINDS[distribution->kind]);
        print_idents(pr, distribution->column);
        put(pr, ")");
    }
    if (!distribution->buckets) return;
    put(pr, " INTO ");
    print_expr(pr, distribution->buckets);
    put(pr, " BUCKETS");
}

static void print_partitioned_by(Printer *pr, AstIdents partition) {
    if (!partition.count) return;
    put(pr, "\nPARTITIONED BY ");
    print_ident_list(pr, partition);
}

static void print_as(Printer *pr, const AstQuery *query) {
    if (!query) return;
    put(pr, "\nAS\n");
    print_query(pr, query);
}

static void print_like(Printer *pr, const AstLike *like) {
    static const char *const MODES[] = {"INCLUDING", "EXCLUDING", "OVERWRITING"};
    static const char *const WHATS[] = {"ALL",      "CONSTRAINTS", "DISTRIBUTION", "GENERATED",
                                        "METADATA", "OPTIONS",     "PARTITIONS",   "WATERMARKS"};
    put(pr, "\nLIKE ");
    print_name(pr, like->table);
    if (!like->option_count) return;
    put(pr, " (");
    for (uint32_t i = 0; i < like->option_count; i++) {
        buf_printf(pr->out, "\n  %s %s", MODES[like->option[i].mode], WHATS[like->option[i].what]);
    }
    put(pr, "\n)");
}

// CREATE [TEMPORARY [SYSTEM]] WHAT [IF NOT EXISTS] name
static void print_head(Printer *pr, const char *verb, bool temporary, bool system, const char *what,
                       bool if_not_exists, AstName name) {
    put(pr, verb);
    if (temporary) put(pr, " TEMPORARY");
    if (system) put(pr, " SYSTEM");
    put(pr, what);
    if (if_not_exists) put(pr, " IF NOT EXISTS");
    put(pr, " ");
    print_name(pr, name);
}

// ---- CREATE ------------------------------------------------------------------------------------

static void print_create_table(Printer *pr, const AstCreateTable *create) {
    bool replacing = create->replace || (create->or_replace && create->query);
    const char *verb = create->replace      ? "REPLACE"
                       : create->or_replace ? "CREATE OR REPLACE"
                                            : "CREATE";
    if (is_flink(pr) && !create->query) verb = "CREATE";
    bool lost = is_flink(pr) && replacing;  // Flink's text of a replacement leaves this out
    print_head(pr, verb, create->temporary && !lost, false, " TABLE",
               create->if_not_exists && !lost, create->name);
    if (create->schema.present && !lost) {
        put(pr, " ");
        print_schema(pr, &create->schema);
    }
    print_comment(pr, "\n", create->comment);
    if (create->distribution && !lost) {
        print_distribution(pr, "\nDISTRIBUTED", create->distribution);
    }
    if (!lost) print_partitioned_by(pr, create->partition);
    print_with(pr, &create->options);
    if (create->like) print_like(pr, create->like);
    print_as(pr, create->query);
}

static void print_start_mode(Printer *pr, const AstCreateMaterializedTable *create) {
    static const char *const MODES[] = {
        "", "FROM_BEGINNING", "FROM_NOW", "FROM_TIMESTAMP", "RESUME_OR_FROM_BEGINNING",
        "RESUME_OR_FROM_NOW", "RESUME_OR_FROM_TIMESTAMP",
    };
    if (!create->start) return;
    put(pr, "\nSTART_MODE = ");
    put(pr, MODES[create->start]);
    if (!create->start_expr) return;
    put(pr, "(");
    print_expr(pr, create->start_expr);
    put(pr, ")");
}

static const char *refresh_text(AstRefresh refresh) {
    return refresh == REFRESH_FULL ? "FULL" : "CONTINUOUS";
}

static void print_create_materialized_table(Printer *pr, const AstCreateMaterializedTable *create) {
    print_head(pr, create->or_alter ? "CREATE OR ALTER" : "CREATE", false, false,
               " MATERIALIZED TABLE", false, create->name);
    if (create->schema.present) {
        put(pr, " ");
        print_schema(pr, &create->schema);
    }
    print_comment(pr, "\n", create->comment);
    if (create->distribution) print_distribution(pr, "\nDISTRIBUTED", create->distribution);
    print_partitioned_by(pr, create->partition);
    print_with(pr, &create->options);
    print_start_mode(pr, create);
    if (create->freshness) {
        put(pr, "\nFRESHNESS = ");
        print_expr(pr, create->freshness);
    }
    if (create->refresh) {
        put(pr, "\nREFRESH_MODE = ");
        put(pr, refresh_text(create->refresh));
    }
    print_as(pr, create->query);
}

static void print_create_view(Printer *pr, const AstCreateView *create) {
    print_head(pr, create->replace && !is_flink(pr) ? "CREATE OR REPLACE" : "CREATE",
               create->temporary, false, " VIEW", create->if_not_exists, create->name);
    if (create->column.count) {
        put(pr, " ");
        print_ident_list(pr, create->column);
    }
    print_comment(pr, "\n", create->comment);
    print_as(pr, create->query);
}

static void print_create_simple(Printer *pr, const char *what, const AstCreateSimple *create) {
    print_head(pr, "CREATE", create->temporary, create->system, what, create->if_not_exists,
               create->name);
    print_comment(pr, "\n", create->comment);
    print_with(pr, &create->options);
}

static void print_function_body(Printer *pr, const AstCreateFunction *function) {
    static const char *const LANGUAGES[] = {"", " LANGUAGE JAVA", " LANGUAGE SCALA",
                                            " LANGUAGE PYTHON", " LANGUAGE SQL", " LANGUAGE C"};
    put(pr, " AS ");
    put_text(pr, function->class_name);
    put(pr, LANGUAGES[function->language]);
    for (uint32_t i = 0; i < function->resource_count; i++) {
        put(pr, i ? ", " : " USING ");
        put(pr, function->resource[i].artifact ? "ARTIFACT " : "JAR ");
        put_text(pr, function->resource[i].uri);
    }
    print_with(pr, &function->options);
}

static void print_create_model(Printer *pr, const AstCreateModel *create) {
    print_head(pr, create->replace && !is_flink(pr) ? "CREATE OR REPLACE" : "CREATE",
               create->temporary, false, " MODEL", create->if_not_exists, create->name);
    if (create->input.present) {
        put(pr, " INPUT ");
        print_schema(pr, &create->input);
    }
    if (create->output.present) {
        put(pr, " OUTPUT ");
        print_schema(pr, &create->output);
    }
    print_comment(pr, "\n", create->comment);
    print_with(pr, &create->options);
    print_as(pr, create->query);
}

void print_create(Printer *pr, const AstStmt *stmt) {
    switch (stmt->kind) {
        case STMT_CREATE_TABLE: print_create_table(pr, stmt->create_table); break;
        case STMT_CREATE_MATERIALIZED_TABLE:
            print_create_materialized_table(pr, stmt->create_materialized_table);
            break;
        case STMT_CREATE_VIEW: print_create_view(pr, stmt->create_view); break;
        case STMT_CREATE_CATALOG: print_create_simple(pr, " CATALOG", stmt->create_simple); break;
        case STMT_CREATE_DATABASE: print_create_simple(pr, " DATABASE", stmt->create_simple); break;
        case STMT_CREATE_CONNECTION:
            print_create_simple(pr, " CONNECTION", stmt->create_simple);
            break;
        case STMT_CREATE_FUNCTION: {
            const AstCreateFunction *create = stmt->function;
            print_head(pr, "CREATE", create->temporary, create->system, " FUNCTION",
                       create->if_exists, create->name);
            print_function_body(pr, create);
            break;
        }
        default: print_create_model(pr, stmt->create_model); break;
    }
}

// ---- ALTER -------------------------------------------------------------------------------------

static void print_specs(Printer *pr, const AstAlter *alter) {
    bool add = alter->kind == ALTER_ADD_PARTITION;
    put(pr, add ? "\nADD" : "\nDROP");
    if (alter->partition_if) put(pr, add ? " IF NOT EXISTS" : " IF EXISTS");
    for (uint32_t i = 0; i < alter->partition_count; i++) {
        put(pr, i && !add ? ",\nPARTITION " : "\nPARTITION ");
        print_partition(pr, &alter->partition[i]);
        const AstOptions *options = add ? &alter->partition_options[i] : NULL;
        if (!options || !options->present) continue;
        put(pr, " WITH (");
        for (uint32_t k = 0; k < options->count; k++) {
            put_comma(pr, k);
            put_text(pr, options->at[k].key.name);
            put(pr, " = ");
            print_expr(pr, options->at[k].value);
        }
        put(pr, ")");
    }
}

static void print_add(Printer *pr, const AstAlter *alter) {
    put(pr, alter->kind == ALTER_ADD ? " ADD " : " MODIFY ");
    if (alter->schema.distribution)
        print_distribution(pr, "DISTRIBUTION", alter->schema.distribution);
    else print_schema(pr, &alter->schema);
}

static void print_drop_columns(Printer *pr, const AstAlter *alter) {
    put(pr, " DROP (");
    for (uint32_t i = 0; i < alter->columns.count; i++) {
        put(pr, i ? ",\n  " : "\n  ");
        print_name(pr, alter->columns.at[i]);
    }
    put(pr, "\n)");
}

static void print_alteration(Printer *pr, const AstAlter *alter) {
    switch (alter->kind) {
        case ALTER_RENAME:
            put(pr, " RENAME TO ");
            print_name(pr, alter->target);
            break;
        case ALTER_RENAME_COLUMN:
            put(pr, " RENAME ");
            print_name(pr, alter->column);
            put(pr, " TO ");
            print_name(pr, alter->target);
            break;
        case ALTER_SET: case ALTER_RESET:
            put(pr, alter->kind == ALTER_SET ? " SET " : " RESET ");
            print_option_lines(pr, &alter->options, alter->kind == ALTER_RESET);
            break;
        case ALTER_ADD: case ALTER_MODIFY: print_add(pr, alter); break;
        case ALTER_DROP_COLUMN: print_drop_columns(pr, alter); break;
        case ALTER_DROP_PRIMARY_KEY: put(pr, " DROP PRIMARY KEY"); break;
        case ALTER_DROP_CONSTRAINT:
            put(pr, " DROP CONSTRAINT ");
            print_name(pr, alter->target);
            break;
        case ALTER_DROP_WATERMARK: put(pr, " DROP WATERMARK"); break;
        case ALTER_DROP_DISTRIBUTION: put(pr, " DROP DISTRIBUTION"); break;
        case ALTER_ADD_PARTITION: case ALTER_DROP_PARTITION: print_specs(pr, alter); break;
        case ALTER_COMMENT: print_comment(pr, " ", alter->comment); break;
        case ALTER_AS: print_as(pr, alter->query); break;
        case ALTER_SUSPEND: put(pr, " SUSPEND"); break;
        case ALTER_RESUME:
            put(pr, " RESUME");
            print_with(pr, &alter->options);
            break;
        case ALTER_REFRESH:
            put(pr, " REFRESH");
            if (!alter->partition_count) break;
            put(pr, " PARTITION ");
            print_partition(pr, &alter->partition[0]);
            break;
        case ALTER_SET_FRESHNESS:
            put(pr, " SET FRESHNESS = ");
            print_expr(pr, alter->expr);
            break;
        case ALTER_SET_REFRESH_MODE:
            put(pr, " SET REFRESH_MODE = ");
            put(pr, refresh_text(alter->refresh));
            break;
    }
}

void print_alter(Printer *pr, const AstStmt *stmt) {
    const char *what = "ALTER CONNECTION ";
    switch (stmt->kind) {
        case STMT_ALTER_TABLE: what = "ALTER TABLE "; break;
        case STMT_ALTER_MATERIALIZED_TABLE: what = "ALTER MATERIALIZED TABLE "; break;
        case STMT_ALTER_VIEW: what = "ALTER VIEW "; break;
        case STMT_ALTER_CATALOG: what = "ALTER CATALOG "; break;
        case STMT_ALTER_DATABASE: what = "ALTER DATABASE "; break;
        case STMT_ALTER_MODEL: what = "ALTER MODEL "; break;
        case STMT_ALTER_FUNCTION: {
            const AstCreateFunction *function = stmt->function;
            put(pr, function->temporary ? "ALTER TEMPORARY " : "ALTER ");
            put(pr, function->system ? "SYSTEM FUNCTION " : "FUNCTION ");
            if (function->if_exists) put(pr, "IF EXISTS ");
            print_name(pr, function->name);
            print_function_body(pr, function);
            return;
        }
        default: break;
    }
    put(pr, what);
    if (stmt->alter->if_exists) put(pr, "IF EXISTS ");
    print_name(pr, stmt->alter->name);
    print_alteration(pr, stmt->alter);
}
