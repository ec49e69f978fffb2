// ml/pmml/text.c - <TextIndex>: how often a term stands in a text.
#include <math.h>

#include "base/unicode.h"
#include "ml/pmml/regex.h"

enum { TOKENS_MAX = 1 << 20, ROUNDS_MAX = 100, DISTANCE_MAX = 64, TOKEN_UNITS_MAX = 256 };
enum { WEIGHT_TERM_FREQUENCY, WEIGHT_BINARY, WEIGHT_LOGARITHMIC, WEIGHT_AUGMENTED };

typedef struct Rewrite {
    const Regex *regex;
    Str with;
} Rewrite;

typedef struct Rewriting {
    Rewrite *rewrite;
    uint32_t rewrites;
    bool recursive;
} Rewriting;

struct TextIndex {
    const Expr *text, *term;
    const Regex *word, *separator;  // one of them
    Rewriting *rewriting;
    uint32_t rewritings, number;
    bool case_sensitive, best_hits;
    uint8_t weights;
    uint32_t distance;  // Levenshtein's, at most
};

typedef struct Tokens {
    Str *token;
    uint32_t count;
} Tokens;

// The text that a TextIndex saw last in this row, and what it became.
typedef struct TextCache {
    uint32_t stamp;
    Str text;
    Tokens tokens;
} TextCache;

static Rewriting rewriting(Load *load, const TextIndex *index, const Xml *at) {
    Rewriting self = {.recursive = attr_bool(load, at, "recursive", false)};
    const Xml *table = xml_child(at, "InlineTable");
    if (!table) load_unsupported(load, at, "a table outside of the document");
    Str in = xml_attr(at, "inField"), out = xml_attr(at, "outField"),
        re = xml_attr(at, "regexField");
    const char *in_name = in.ptr ? str_cstr(load->arena, in) : "string";
    const char *out_name = out.ptr ? str_cstr(load->arena, out) : "stem";
    const char *re_name = re.ptr ? str_cstr(load->arena, re) : "regex";
    bool ignore_case = !attr_bool(load, at, "isCaseSensitive", index->case_sensitive);
    self.rewrite = ARENA_ARRAY(load->arena, Rewrite, xml_count(table, "row"));
    for (const Xml *r = xml_child(table, "row"); r; r = xml_next(r, "row")) {
        const Xml *is_regex = xml_child(r, re_name);
        Str pattern = need_child(load, r, in_name)->text;
        if (!is_regex || !str_eq_nocase(is_regex->text, STR("true"))) {
            pattern = str_printf(load->arena, "\\Q" STR_FMT "\\E", STR_ARG(pattern));
        }
        self.rewrite[self.rewrites].regex = regex_compile(load, r, pattern, ignore_case);
        self.rewrite[self.rewrites++].with = need_child(load, r, out_name)->text;
    }
    return self;
}

const TextIndex *text_index_compile(Load *load, Model *model, const Function *function,
                                    const Xml *at) {
    static const char *const WEIGHTS[] = {"termFrequency", "binary", "logarithmic",
                                          "augmentedNormalizedTermFrequency", ""};
    static const char *const HITS[] = {"allHits", "bestHits", ""};
    TextIndex *self = ARENA_NEW(load->arena, TextIndex);
    self->number = load->pmml->text_indexes++;
    self->text = expr_reference(load, model, function, at, "textField");
    const Xml *term = expr_child(at);
    if (!term) load_fail(load, at, "the term is missing");
    self->term = expr_compile(load, model, function, term);
    self->weights = (uint8_t)attr_enum(load, at, "localTermWeights", WEIGHTS, 0);
    self->best_hits = attr_enum(load, at, "countHits", HITS, 0) == 1;
    self->case_sensitive = attr_bool(load, at, "isCaseSensitive", false);
    int64_t distance = attr_int(load, at, "maxLevenshteinDistance", 0);
    if (distance < 0 || distance > DISTANCE_MAX) load_fail(load, at, "a distance out of range");
    self->distance = (uint32_t)distance;
    if (!attr_bool(load, at, "tokenize", true))
        load_unsupported(load, at, "text that is not tokenized");
    Str word = xml_attr(at, "wordRE"), separator = xml_attr(at, "wordSeparatorCharacterRE");
    if (!word.ptr) word = xml_attr(at, "x-wordRE");
    if (word.ptr) self->word = regex_compile(load, at, word, false);
    else self->separator = regex_compile(load, at, separator.ptr ? separator : STR("\\s+"), false);
    self->rewriting = ARENA_ARRAY(load->arena, Rewriting, xml_count(at, "TextIndexNormalization"));
    const Xml *n = xml_child(at, "TextIndexNormalization");
    for (; n; n = xml_next(n, "TextIndexNormalization")) {
        self->rewriting[self->rewritings++] = rewriting(load, self, n);
    }
    return self;
}

struct TextCache *text_caches(const Pmml *pmml, Arena *arena) {
    return ARENA_ARRAY(arena, TextCache, pmml->text_indexes + 1);
}

// -- Scoring --------------------------------------------------------------------------------------

static Str rewrite_once(Row *row, const Rewriting *self, Str text) {
    for (uint32_t i = 0; i < self->rewrites; i++) {
        bool ok;
        text = regex_replace(row, self->rewrite[i].regex, text, self->rewrite[i].with, &ok);
        if (!ok) row_fail(row, "a text cannot be normalized");
    }
    return text;
}

static Str rewritten(Row *row, const TextIndex *self, Str text) {
    for (uint32_t i = 0; i < self->rewritings; i++) {
        const Rewriting *one = &self->rewriting[i];
        Str next = rewrite_once(row, one, text);
        for (int round = 0; one->recursive && !str_eq(next, text) && round < ROUNDS_MAX; round++) {
            text = next;
            next = rewrite_once(row, one, text);
        }
        text = next;
    }
    return text;
}

static bool punctuation(char c) {
    return strchr("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", c) && c;
}

static Str trimmed(Str token) {
    while (token.len && punctuation(token.ptr[0])) token = str_sub(token, 1, token.len - 1);
    while (token.len && punctuation(token.ptr[token.len - 1])) token.len--;
    return token;
}

static void add_token(Row *row, Tokens *tokens, Str token) {
    if (token.len == 0) return;
    if (tokens->count == TOKENS_MAX) row_fail(row, "a text of too many words");
    if ((tokens->count & (tokens->count - 1)) == 0) {  // a power of two: full
        Str *more = ROW_ARRAY(row, Str, tokens->count ? tokens->count * 2 : 1);
        if (tokens->count) memcpy(more, tokens->token, sizeof *more * tokens->count);
        tokens->token = more;
    }
    tokens->token[tokens->count++] = token;
}

static Tokens tokenize(Row *row, const TextIndex *self, Str text) {
    Tokens tokens = {0};
    const Regex *regex = self->word ? self->word : self->separator;
    uint32_t at = 0, from = 0, begin, end;
    while (from <= text.len && regex_find(row, regex, text, from, &begin, &end)) {
        if (self->word) add_token(row, &tokens, str_sub(text, begin, end - begin));
        else add_token(row, &tokens, trimmed(str_sub(text, at, begin - at)));
        at = end;
        from = end > begin ? end : end + 1;
    }
    if (!self->word) add_token(row, &tokens, trimmed(str_sub(text, at, text.len - at)));
    return tokens;
}

static uint32_t units_of(Str token, uint32_t *unit) {
    uint32_t count = 0;
    for (uint32_t at = 0; at < token.len && count < TOKEN_UNITS_MAX;) {
        at += utf8_next(token.ptr + at, token.ptr + token.len, &unit[count++]);
    }
    return count;
}

static uint32_t folded(const TextIndex *self, uint32_t code) {
    return self->case_sensitive ? code : unicode_lower(unicode_upper(code));
}

// Levenshtein's distance, or [limit] + 1 when it is more.
static uint32_t distance(const TextIndex *self, Str a, Str b, uint32_t limit) {
    uint32_t x[TOKEN_UNITS_MAX], y[TOKEN_UNITS_MAX], cost[TOKEN_UNITS_MAX + 1];
    uint32_t n = units_of(a, x), m = units_of(b, y);
    for (uint32_t j = 0; j <= m; j++) cost[j] = j;
    for (uint32_t i = 1; i <= n; i++) {
        uint32_t corner = cost[0];
        cost[0] = i;
        for (uint32_t j = 1; j <= m; j++) {
            uint32_t same = corner + (folded(self, x[i - 1]) != folded(self, y[j - 1]));
            corner = cost[j];
            uint32_t other = (cost[j] < cost[j - 1] ? cost[j] : cost[j - 1]) + 1;
            cost[j] = same < other ? same : other;
        }
    }
    return cost[m] < limit ? cost[m] : cost[m] == limit ? limit : limit + 1;
}

// How far the term is from the tokens at [at]; more than the index allows: it is not there.
static uint32_t term_distance(const TextIndex *self, const Tokens *text, uint32_t at,
                              const Tokens *term) {
    uint32_t sum = 0;
    for (uint32_t i = 0; i < term->count; i++) {
        Str a = text->token[at + i], b = term->token[i];
        if (self->case_sensitive ? str_eq(a, b) : str_eq_nocase(a, b)) continue;
        sum += distance(self, a, b, self->distance - sum);
        if (sum > self->distance) return sum;
    }
    return sum;
}

static uint32_t frequency(const TextIndex *self, const Tokens *text, const Tokens *term) {
    uint32_t count = 0, best = UINT32_MAX;
    if (term->count == 0) return 0;
    for (uint32_t at = 0; at + term->count <= text->count; at++) {
        uint32_t far = term_distance(self, text, at, term);
        if (far > self->distance || (self->best_hits && far > best)) continue;
        if (self->best_hits && far < best) count = 0;
        best = far;
        count++;
    }
    return self->weights == WEIGHT_BINARY && count > 1 ? 1 : count;
}

// How often the most frequent word of the text is there.
static uint32_t most_frequent(const TextIndex *self, const Tokens *text) {
    Map counts = {0};
    Buf word = {0};
    uintptr_t most = 0;
    for (uint32_t i = 0; i < text->count; i++) {
        Str token = text->token[i];
        word.len = 0;
        if (!self->case_sensitive) {
            buf_put_lower(&word, token);
            token = buf_str(&word);
        }
        uintptr_t count = (uintptr_t)map_get(&counts, token) + 1;
        (void)map_put(&counts, token, (void *)count);
        if (count > most) most = count;
    }
    buf_free(&word);
    map_clear(&counts);
    return (uint32_t)most;
}

Value text_index_value(Row *row, const TextIndex *self) {
    Value text = expr_value(row, self->text), term = expr_value(row, self->term);
    if (is_missing(text) || is_missing(term)) return MISSING;
    TextCache *cache = &row->texts[self->number];
    Str words = value_str(text, row->arena);
    if (cache->stamp != row->now || !str_eq(cache->text, words)) {
        Tokens tokens = tokenize(row, self, rewritten(row, self, words));
        *cache = (TextCache){.stamp = row->now, .text = words, .tokens = tokens};
    }
    Tokens of_term = tokenize(row, self, value_str(term, row->arena));
    uint32_t count = frequency(self, &cache->tokens, &of_term);
    row->steps += cache->tokens.count;
    if (self->weights == WEIGHT_LOGARITHMIC) return value_double(log10(1.0 + count));
    if (self->weights == WEIGHT_AUGMENTED) {
        uint32_t most = count ? most_frequent(self, &cache->tokens) : 1;
        return value_double(count ? 0.5 * (1 + (double)count / most) : 0);
    }
    return value_number(count, PT_INTEGER);
}
