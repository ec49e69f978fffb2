#include "cli/shell_complete.h"

#include <stdlib.h>

#include "func/agg.h"
#include "sql/lexer.h"

// --- Words -------------------------------------------------------------------------------------

// The words that people type; the language reserves many more that nobody needs.
static const char *const KEYWORDS_SHOWN[] = {
    "ADD",       "ALL",       "ALTER",       "AND",         "ARRAY",
    "AS",        "ASC",       "BEGIN",       "BETWEEN",     "BIGINT",
    "BOOLEAN",   "BY",        "BYTES",       "CASE",        "CAST",
    "CATALOG",   "CATALOGS",  "CHAR",        "CLEAR",       "COLUMNS",
    "COMMENT",   "CREATE",    "CROSS",       "CUBE",        "CUMULATE",
    "CURRENT",   "DATABASE",  "DATABASES",   "DATE",        "DAY",
    "DECIMAL",   "DEFINE",    "DESC",        "DESCRIBE",    "DESCRIPTOR",
    "DISTINCT",  "DOUBLE",    "DROP",        "ELSE",        "END",
    "ENFORCED",  "ESCAPE",    "EXCEPT",      "EXECUTE",     "EXISTS",
    "EXIT",      "EXPLAIN",   "FALSE",       "FILTER",      "FLOAT",
    "FOLLOWING", "FOR",       "FROM",        "FULL",        "FUNCTION",
    "FUNCTIONS", "GROUP",     "GROUPING",    "HAVING",      "HELP",
    "HOP",       "HOUR",      "IF",          "IN",          "INCLUDING",
    "INNER",     "INSERT",    "INT",         "INTERSECT",   "INTERVAL",
    "INTO",      "IS",        "JOIN",        "KEY",         "LATERAL",
    "LEFT",      "LIKE",      "LIMIT",       "MAP",         "MATCH_RECOGNIZE",
    "MEASURES",  "METADATA",  "MINUTE",      "MODEL",       "MODELS",
    "MONTH",     "MULTISET",  "NOT",         "NULL",        "OF",
    "OFFSET",    "ON",        "OR",          "ORDER",       "OUTER",
    "OVER",      "OVERWRITE", "PARTITION",   "PARTITIONED", "PARTITIONS",
    "PATTERN",   "PRECEDING", "PRIMARY",     "QUIT",        "RANGE",
    "RENAME",    "RESET",     "RIGHT",       "ROLLUP",      "ROW",
    "ROWS",      "SECOND",    "SELECT",      "SESSION",     "SET",
    "SETS",      "SHOW",      "SIMILAR",     "SMALLINT",    "SOURCE",
    "STATEMENT", "STRING",    "SYSTEM_TIME", "TABLE",       "TABLES",
    "TEMPORARY", "THEN",      "TIME",        "TIMESTAMP",   "TIMESTAMP_LTZ",
    "TINYINT",   "TO",        "TRUE",        "TRY_CAST",    "TUMBLE",
    "UNBOUNDED", "UNION",     "UNNEST",      "USE",         "USING",
    "VALUES",    "VARBINARY", "VARCHAR",     "VARIANT",     "VIEW",
    "VIEWS",     "VIRTUAL",   "WATERMARK",   "WHEN",        "WHERE",
    "WINDOW",    "WITH",      "WITHIN",      "YEAR",        "ZONE",
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

// --- What stands before the cursor -------------------------------------------------------------

enum { TOKENS_MAX = 512 };

typedef struct Context {
    Session *session;
    Str text;
    Token token[TOKENS_MAX];  // before the word begun; the last ones when there are more
    uint32_t tokens;
    Str word;  // begun, may be empty
    Completions *out;
} Context;

// Whether the end of [text] lies within '…'; *start is the first byte behind the quote.
static bool in_text(Str text, uint32_t *start) {
    bool inside = false;
    for (uint32_t i = 0; i < text.len; i++) {
        char c = text.ptr[i], next = i + 1 < text.len ? text.ptr[i + 1] : 0;
        if (inside) {
            inside = c != '\'';
        } else if (c == '\'') {
            inside = true;
            *start = i + 1;
        } else if (c == '`') {
            while (i + 1 < text.len && text.ptr[i + 1] != '`') i++;
            i++;
        } else if (c == '-' && next == '-') {
            while (i + 1 < text.len && text.ptr[i + 1] != '\n') i++;
        } else if (c == '/' && next == '*') {
            int64_t end = str_find(text, STR("*/"), i + 2);
            i = end < 0 ? text.len : (uint32_t)end + 1;
        }
    }
    return inside;
}

static bool is_word_byte(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '$' || (unsigned char)c >= 0x80;
}

static void read_tokens(Context *self, Str text) {
    Lexer lexer;
    Token token;
    lexer_init(&lexer, text);
    while (!lexer_next(&lexer, &token, NULL) && token.kind != TOK_END) {
        if (self->tokens == TOKENS_MAX) {
            memmove(self->token, self->token + 1, (TOKENS_MAX - 1) * sizeof token);
            self->tokens--;
        }
        self->token[self->tokens++] = token;
    }
}

// The keyword or sign [back] tokens before the word: 0 is the last one.
static const Token *token_back(const Context *self, uint32_t back) {
    return back < self->tokens ? &self->token[self->tokens - 1 - back] : NULL;
}

static bool token_is(const Context *self, const Token *token, const char *word) {
    return token && token->kind == TOK_WORD &&
           str_eq_nocase(token_text(self->text, token), str_c(word));
}

static bool is_name(const Token *token) {
    return token && (token->kind == TOK_WORD || token->kind == TOK_QUOTED);
}

static Str name_of(const Context *self, const Token *token) {
    Str text = token_text(self->text, token);
    return token->kind == TOK_QUOTED ? str_sub(text, 1, text.len - 2) : text;
}

// --- Offering ----------------------------------------------------------------------------------

static bool starts_nocase(Str text, Str prefix) {
    return text.len >= prefix.len && str_eq_nocase(str_sub(text, 0, prefix.len), prefix);
}

static void offer(Context *self, const char *word) {
    Completions *out = self->out;
    if (out->count < COMPLETIONS_MAX && starts_nocase(str_c(word), self->word)) {
        out->word[out->count++] = word;
    }
}

static void offer_str(Context *self, Str word) {
    if (starts_nocase(word, self->word)) offer(self, str_cstr(self->out->arena, word));
}

// A name, in back-ticks where it needs them.
static void offer_name(Context *self, Str name) {
    bool plain = name.len > 0 && !(name.ptr[0] >= '0' && name.ptr[0] <= '9') &&
                 !keyword_reserved(keyword_find(name));
    for (uint32_t i = 0; plain && i < name.len; i++) plain = is_word_byte(name.ptr[i]);
    if (plain) {
        offer_str(self, name);
    } else if (starts_nocase(name, self->word)) {
        Completions *out = self->out;
        if (out->count == COMPLETIONS_MAX) return;
        out->word[out->count++] = str_printf(out->arena, "`" STR_FMT "`", STR_ARG(name)).ptr;
    }
}

// Keywords and functions follow the case that the user writes in.
static void offer_word(Context *self, const char *upper) {
    if (!starts_nocase(str_c(upper), self->word)) return;
    bool lower = self->word.len > 0;
    for (uint32_t i = 0; i < self->word.len; i++) {
        lower &= !(self->word.ptr[i] >= 'A' && self->word.ptr[i] <= 'Z');
    }
    if (!lower) {
        offer(self, upper);
        return;
    }
    char *copy = arena_dup(self->out->arena, upper, strlen(upper) + 1);
    for (char *at = copy; *at; at++) *at = (char)(*at >= 'A' && *at <= 'Z' ? *at + 32 : *at);
    offer(self, copy);
}

static void offer_functions(Context *self) {
    for (uint32_t t = 0; t < FUNC_TABLE_COUNT; t++) {
        for (uint32_t i = 0; i < FUNC_TABLES[t]->count; i++) {
            const ScalarFunc *func = &FUNC_TABLES[t]->row[i];
            if (!(func->flags & FUNC_HIDDEN)) offer_word(self, func->name);
        }
    }
    for (uint32_t t = 0; t < AGG_TABLE_COUNT; t++) {
        for (uint32_t i = 0; i < AGG_TABLES[t]->count; i++)
            offer_word(self, AGG_TABLES[t]->row[i].name);
    }
}

static void offer_tables(Context *self) {
    const Catalogs *all = session_catalogs(self->session);
    const Database *database = catalogs_database(all, all->current_catalog, all->current_database);
    if (!database) return;
    const Map *maps[] = {&database->tables, &database->temporary_tables};
    for (uint32_t m = 0; m < COUNT(maps); m++) {
        for (uint32_t i = 0; i < maps[m]->count; i++) offer_name(self, maps[m]->entry[i].key);
    }
}

static void offer_databases(Context *self) {
    const Catalogs *all = session_catalogs(self->session);
    const CatalogEntry *catalog = map_get(&all->catalogs, all->current_catalog);
    for (uint32_t i = 0; catalog && i < catalog->databases.count; i++) {
        offer_name(self, catalog->databases.entry[i].key);
    }
}

static void offer_catalogs(Context *self) {
    const Catalogs *all = session_catalogs(self->session);
    for (uint32_t i = 0; i < all->catalogs.count; i++) offer_name(self, all->catalogs.entry[i].key);
}

static const Table *table_named(const Context *self, Str name) {
    const Catalogs *all = session_catalogs(self->session);
    return catalogs_table(all, (ObjectName){all->current_catalog, all->current_database, name});
}

static void offer_columns_of(Context *self, const Table *table) {
    for (uint32_t i = 0; i < table->column_count; i++) offer_name(self, table->column[i].name);
}

// Columns of the tables that the statement names, before the cursor or behind it.
static void offer_columns(Context *self) {
    for (uint32_t i = 0; i < self->tokens; i++) {
        if (!is_name(&self->token[i])) continue;
        const Table *table = table_named(self, name_of(self, &self->token[i]));
        if (table) offer_columns_of(self, table);
    }
}

// "q.": columns of the table q, or of the one that q stands for (FROM orders AS q, FROM orders q).
static void offer_qualified(Context *self, Str qualifier) {
    const Table *table = table_named(self, qualifier);
    for (uint32_t i = 1; !table && i < self->tokens; i++) {
        if (!is_name(&self->token[i]) || !str_eq(name_of(self, &self->token[i]), qualifier))
            continue;
        uint32_t before = token_is(self, &self->token[i - 1], "AS") && i > 1 ? i - 2 : i - 1;
        if (is_name(&self->token[before]))
            table = table_named(self, name_of(self, &self->token[before]));
    }
    if (table) {
        offer_columns_of(self, table);
        return;
    }
    const Catalogs *all = session_catalogs(self->session);
    const Database *database = catalogs_database(all, all->current_catalog, qualifier);
    for (uint32_t i = 0; database && i < database->tables.count; i++) {
        offer_name(self, database->tables.entry[i].key);
    }
}

// --- Options -----------------------------------------------------------------------------------

// The value that the statement gives option [key] before the cursor, made in the arena; or NULL.
static const char *option_value(const Context *self, const char *key) {
    for (uint32_t i = 0; i + 2 < self->tokens; i++) {
        const Token *token = &self->token[i];
        if (token->kind != TOK_TEXT || token[1].kind != TOK_EQ || token[2].kind != TOK_TEXT)
            continue;
        Str name = token_unquote(self->out->arena, self->text, token);
        if (!str_eq(name, str_c(key))) continue;
        return token_unquote(self->out->arena, self->text, &token[2]).ptr;
    }
    return NULL;
}

static void offer_option_keys(Context *self, const OptionDef *defs, const char *prefix) {
    for (; defs && defs->key; defs++) {
        const char *star = strstr(defs->key, ".*");  // "properties.*" is offered as "properties."
        int len = star ? (int)(star - defs->key) + 1 : (int)strlen(defs->key);
        offer_str(self, str_printf(self->out->arena, "%s%.*s", prefix, len, defs->key));
    }
}

static void offer_option_values(Context *self, const OptionDef *defs, Str key) {
    for (; defs && defs->key; defs++) {
        if (!str_eq(str_c(defs->key), key)) continue;
        for (uint32_t i = 0; defs->values && defs->values[i]; i++) offer(self, defs->values[i]);
        if (defs->kind == OPTION_BOOL) {
            offer(self, "true");
            offer(self, "false");
        }
    }
}

static void offer_list(Context *self, const char *const *names, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) offer(self, names[i]);
}

// Within WITH: keys of the connector and of its formats, or the values of a key.
static void complete_option(Context *self) {
    const char *connector_name = option_value(self, "connector");
    const Connector *connector = connector_name ? connector_find(str_c(connector_name)) : NULL;
    const OptionDef *own = connector ? connector->options : NULL;
    static const char *const FORMAT_KEYS[] = {"format", "value.format", "key.format"};
    const Token *equals = token_back(self, 0), *key = token_back(self, 1);
    bool is_value = equals && equals->kind == TOK_EQ && key && key->kind == TOK_TEXT;
    Str name = is_value ? token_unquote(self->out->arena, self->text, key) : STR("");
    uint32_t count;
    if (str_is(name, "connector")) {
        const char *const *names = connector_list(&count);
        offer_list(self, names, count);
    } else if (str_is(name, "format") || str_ends(name, STR(".format"))) {
        const char *const *names = format_list(&count);
        offer_list(self, names, count);
    } else if (is_value) {
        offer_option_values(self, own, name);
        offer_option_values(self, TABLE_OPTIONS, name);
    } else {
        offer_option_keys(self, own, "");
        offer_option_keys(self, TABLE_OPTIONS, "");
    }
    for (uint32_t i = 0; i < COUNT(FORMAT_KEYS); i++) {
        const char *value = option_value(self, FORMAT_KEYS[i]);
        const Format *format = value ? format_find(str_c(value)) : NULL;
        if (!format) continue;
        size_t head = strlen(FORMAT_KEYS[i]) - strlen("format");
        Str prefix = str_printf(self->out->arena, "%.*s%s.", (int)head, FORMAT_KEYS[i], value);
        if (!is_value) {
            offer_option_keys(self, format->options, prefix.ptr);
        } else if (str_starts(name, prefix)) {
            offer_option_values(self, format->options, str_sub(name, prefix.len, name.len));
        }
    }
}

static void complete_setting(Context *self) {
    const Token *equals = token_back(self, 0), *key = token_back(self, 1);
    if (!equals || equals->kind != TOK_EQ || !key || key->kind != TOK_TEXT) {
        for (const Setting *at = SETTINGS; at->option.key; at++) {
            bool pattern = str_ends(str_c(at->option.key), STR(".*"));
            if (at->use == SETTING_HEEDED && !pattern) offer(self, at->option.key);
        }
        return;
    }
    const Setting *setting = setting_find(token_unquote(self->out->arena, self->text, key));
    if (!setting) return;
    const OptionDef *option = &setting->option;
    for (uint32_t v = 0; option->kind == OPTION_ENUM && option->values[v]; v++) {
        offer(self, option->values[v]);
    }
    if (option->kind == OPTION_BOOL) {
        offer(self, "true");
        offer(self, "false");
    }
}

static bool within_options(const Context *self) {
    for (uint32_t i = self->tokens; i-- > 1;) {
        if (self->token[i].kind != TOK_LPAREN) continue;
        const Token *before = &self->token[i - 1];
        return token_is(self, before, "WITH") || token_is(self, before, "OPTIONS") ||
               token_is(self, before, "SET") || token_is(self, before, "RESET");
    }
    return false;
}

// --- All together ------------------------------------------------------------------------------

static void complete_word(Context *self) {
    static const char *const TABLE_BEFORE[] = {"FROM",     "JOIN", "INTO",      "TABLE",
                                               "DESCRIBE", "DESC", "OVERWRITE", "VIEW"};
    const Token *last = token_back(self, 0), *second = token_back(self, 1);
    if (last && last->kind == TOK_DOT && is_name(second)) {
        offer_qualified(self, name_of(self, second));
        return;
    }
    if (token_is(self, last, "CATALOG") && token_is(self, second, "USE")) {
        offer_catalogs(self);
        return;
    }
    if (token_is(self, last, "USE")) {
        offer_databases(self);
        offer_word(self, "CATALOG");
        return;
    }
    for (size_t i = 0; i < COUNT(TABLE_BEFORE); i++) {
        if (!token_is(self, last, TABLE_BEFORE[i])) continue;
        if (token_is(self, second, "CREATE")) break;  // a new name
        offer_tables(self);
        if (i < 2) {
            offer_word(self, "LATERAL");
            offer_word(self, "TUMBLE");
            offer_word(self, "HOP");
            offer_word(self, "CUMULATE");
            offer_word(self, "SESSION");
            offer_word(self, "UNNEST");
        }
        if (self->out->count) return;
    }
    offer_columns(self);
    offer_list(self, NULL, 0);
    for (size_t i = 0; i < COUNT(KEYWORDS_SHOWN); i++) offer_word(self, KEYWORDS_SHOWN[i]);
    if (!self->word.len) return;  // functions are too many to be offered for nothing
    offer_functions(self);
    offer_tables(self);
}

static int by_bytes(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void complete(Session *session, Str text, Completions *out) {
    Context *self = NEW(Context);
    self->session = session;
    self->text = text;
    self->out = out;
    out->count = 0;
    out->quoted = in_text(text, &out->from);
    if (!out->quoted) {
        out->from = text.len;
        while (out->from > 0 && is_word_byte(text.ptr[out->from - 1])) out->from--;
    }
    self->word = str_sub(text, out->from, text.len);
    read_tokens(self, str_sub(text, 0, out->quoted ? out->from - 1 : out->from));
    if (!out->quoted) {
        complete_word(self);
    } else if (self->tokens && (token_is(self, &self->token[0], "SET") ||
                                token_is(self, &self->token[0], "RESET"))) {
        complete_setting(self);
    } else if (within_options(self)) {
        complete_option(self);
    }
    mem_free(self);
    if (out->count) qsort(out->word, out->count, sizeof *out->word, by_bytes);
    uint32_t unique = 0;
    for (uint32_t i = 0; i < out->count; i++) {
        if (i && strcmp(out->word[i], out->word[i - 1]) == 0) continue;
        out->word[unique++] = out->word[i];
    }
    out->count = unique;
}

uint32_t completions_common(const Completions *completions) {
    if (!completions->count) return 0;
    const char *first = completions->word[0];
    uint32_t common = (uint32_t)strlen(first);
    for (uint32_t i = 1; i < completions->count; i++) {
        uint32_t same = 0;
        while (same < common && first[same] == completions->word[i][same]) same++;
        common = same;
    }
    while (common && ((unsigned char)first[common] & 0xC0) == 0x80) common--;  // no half characters
    return common;
}
