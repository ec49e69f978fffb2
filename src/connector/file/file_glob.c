#include "connector/file/file_glob.h"

#include "os/os.h"

static bool is_meta(char c) {
    return c == '*' || c == '?' || c == '[' || c == '{';
}

bool glob_is_pattern(Str path) {
    for (uint32_t i = 0; i < path.len; i++) {
        if (path.ptr[i] == '\\') {
            i++;
        } else if (is_meta(path.ptr[i])) {
            return true;
        }
    }
    return false;
}

// ---- one name ----------------------------------------------------------------------------------

// The end of the set that begins at [at], behind its ']'; 0: it has none, and '[' is itself.
static uint32_t set_end(Str pattern, uint32_t at) {
    uint32_t i = at + 1;
    if (i < pattern.len && (pattern.ptr[i] == '!' || pattern.ptr[i] == '^')) i++;
    if (i < pattern.len && pattern.ptr[i] == ']') i++;  // the first one is a member
    while (i < pattern.len && pattern.ptr[i] != ']') i++;
    return i < pattern.len ? i + 1 : 0;
}

static bool set_has(Str set, uint32_t code) {
    const char *at = set.ptr + 1, *end = str_end(set) - 1;
    bool negated = *at == '!' || *at == '^', found = false;
    if (negated) at++;
    while (at < end) {
        uint32_t low, high;
        at += utf8_next(at, end, &low);
        high = low;
        if (at + 1 < end && *at == '-') at += 1 + utf8_next(at + 1, end, &high);
        found |= low <= code && code <= high;
    }
    return found != negated;
}

// One step of the pattern against one character of the name; 0: they do not fit.
static uint32_t step(Str pattern, uint32_t at, uint32_t code) {
    const char *end = str_end(pattern);
    char c = pattern.ptr[at];
    uint32_t wanted, size;
    if (c == '?') return 1;
    if (c == '[' && set_end(pattern, at)) {
        uint32_t stop = set_end(pattern, at);
        return set_has(str_make(pattern.ptr + at, stop - at), code) ? stop - at : 0;
    }
    uint32_t escape = c == '\\' && at + 1 < pattern.len ? 1 : 0;
    size = utf8_next(pattern.ptr + at + escape, end, &wanted);
    return wanted == code ? size + escape : 0;
}

// Greedy, going back to the last star only: what an earlier one took could not be used better.
bool glob_matches(Str pattern, Str name) {
    uint32_t p = 0, n = 0, star = UINT32_MAX, star_name = 0;
    bool hidden = name.len && (name.ptr[0] == '.' || name.ptr[0] == '_');
    if (hidden && (!pattern.len || pattern.ptr[0] != name.ptr[0])) return false;
    while (n < name.len) {
        uint32_t code, size = utf8_next(name.ptr + n, str_end(name), &code);
        uint32_t taken = 0;
        if (p < pattern.len && pattern.ptr[p] == '*') {
            star = p++;
            star_name = n;
            continue;
        }
        if (p < pattern.len) taken = step(pattern, p, code);
        if (taken) {
            p += taken;
            n += size;
        } else if (star != UINT32_MAX) {
            star_name += utf8_next(name.ptr + star_name, str_end(name), &code);
            n = star_name;
            p = star + 1;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.ptr[p] == '*') p++;
    return p == pattern.len;
}

// ---- braces ------------------------------------------------------------------------------------

typedef struct Expansion {
    Arena *arena;
    Str *at;  // room for GLOB_EXPANDED_MAX
    uint32_t count;
} Expansion;

// The first '{' that no backslash stands before; -1: none.
static int64_t brace_open(Str text) {
    for (uint32_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\\') i++;
        else if (text.ptr[i] == '{') return i;
    }
    return -1;
}

static Status expand(Expansion *self, Str text, Error *err) {
    int64_t open = brace_open(text);
    if (open < 0) {
        if (self->count == GLOB_EXPANDED_MAX) {
            return error_set(err, ST_VALIDATION, "the pattern stands for more than %d patterns",
                             GLOB_EXPANDED_MAX);
        }
        self->at[self->count++] = text;
        return ST_OK;
    }
    uint32_t depth = 0, end = (uint32_t)open;
    for (; end < text.len; end++) {
        if (text.ptr[end] == '\\') end++;
        else if (text.ptr[end] == '{') depth++;
        else if (text.ptr[end] == '}' && --depth == 0) break;
    }
    if (end >= text.len)
        return error_set(err, ST_VALIDATION, "the pattern has a '{' without a '}'");
    Str head = str_sub(text, 0, (uint32_t)open), tail = str_sub(text, end + 1, text.len);
    uint32_t from = (uint32_t)open + 1;
    for (uint32_t i = from; i <= end; i++) {
        char c = text.ptr[i];
        if (c == '\\') {
            i++;
            continue;
        }
        if (c == '{') depth++;
        if (c == '}' && i < end) depth--;
        if (depth || (c != ',' && i < end)) continue;
        Str choice = str_sub(text, from, i - from);
        TRY(expand(self, str_printf(self->arena, STR_FMT STR_FMT STR_FMT, STR_ARG(head),
                                    STR_ARG(choice), STR_ARG(tail)), err));
        from = i + 1;
    }
    return ST_OK;
}

Status glob_expand(Arena *arena, Str pattern, Str **out, uint32_t *count, Error *err) {
    Expansion self = {.arena = arena, .at = ARENA_ARRAY(arena, Str, GLOB_EXPANDED_MAX)};
    TRY(expand(&self, pattern, err));
    *out = self.at;
    *count = self.count;
    return ST_OK;
}

// ---- directories -------------------------------------------------------------------------------

typedef struct GlobWalk {
    Arena *arena;
    Status (*found)(void *arg, Str path, Error *err);
    void *arg;
} GlobWalk;

typedef struct Level {
    GlobWalk *walk;
    Str directory;  // where names are looked for
    Str name;       // the pattern's name at this level
    Str rest;       // what comes behind it; ptr NULL: nothing
} Level;

static Status walk_at(GlobWalk *walk, Str directory, Str pattern, Error *err);

static Str join(Arena *arena, Str directory, Str name) {
    if (!directory.len) return str_dup(arena, name);
    bool slash = directory.ptr[directory.len - 1] == '/';
    return str_printf(arena, STR_FMT "%s" STR_FMT, STR_ARG(directory), slash ? "" : "/",
                      STR_ARG(name));
}

static Status enter(const Level *level, Str path, Error *err) {
    if (!level->rest.ptr) return level->walk->found(level->walk->arg, path, err);
    return walk_at(level->walk, path, level->rest, err);
}

static Status match_entry(void *arg, Str name, Error *err) {
    const Level *level = arg;
    if (!glob_matches(level->name, name)) return ST_OK;
    return enter(level, join(level->walk->arena, level->directory, name), err);
}

// ** at a directory below: the directory itself stands for "none", those in it for more.
static Status match_deep(void *arg, Str name, Error *err) {
    const Level *level = arg;
    OsStat stat;
    if (name.ptr[0] == '.' || name.ptr[0] == '_') return ST_OK;
    Str path = join(level->walk->arena, level->directory, name);
    TRY(os()->stat(path, &stat, err));
    if (!stat.is_dir) return ST_OK;
    Level below = *level;
    below.directory = path;
    TRY(walk_at(level->walk, path, level->rest, err));
    return os()->list(path, match_deep, &below, err);
}

static Str without_backslashes(Arena *arena, Str name) {
    char *text = arena_alloc(arena, name.len + 1u);
    uint32_t len = 0;
    for (uint32_t i = 0; i < name.len; i++) {
        if (name.ptr[i] == '\\' && i + 1 < name.len) i++;
        text[len++] = name.ptr[i];
    }
    return str_make(text, len);
}

static Status walk_at(GlobWalk *walk, Str directory, Str pattern, Error *err) {
    while (pattern.len && pattern.ptr[0] == '/') {
        if (!directory.len) directory = STR("/");
        pattern = str_sub(pattern, 1, pattern.len);
    }
    int64_t slash = str_find(pattern, STR("/"), 0);
    Level level = {.walk = walk, .directory = directory, .name = pattern};
    if (slash >= 0) {
        level.name = str_sub(pattern, 0, (uint32_t)slash);
        level.rest = str_sub(pattern, (uint32_t)slash + 1, pattern.len);
    }
    OsStat stat;
    if (!glob_is_pattern(level.name)) {
        Str path = join(walk->arena, directory, without_backslashes(walk->arena, level.name));
        TRY(os()->stat(path, &stat, err));
        return stat.exists ? enter(&level, path, err) : ST_OK;
    }
    Str place = directory.len ? directory : STR(".");
    TRY(os()->stat(place, &stat, err));
    if (!stat.is_dir) return ST_OK;
    if (!str_is(level.name, "**")) return os()->list(place, match_entry, &level, err);
    if (!level.rest.ptr) return walk->found(walk->arg, place, err);  // all that is below
    TRY(walk_at(walk, directory, level.rest, err));
    return os()->list(place, match_deep, &level, err);
}

Status glob_walk(Arena *arena, Str pattern, Status (*found)(void *arg, Str path, Error *err),
                 void *arg, Error *err) {
    GlobWalk walk = {arena, found, arg};
    return walk_at(&walk, (Str){"", 0}, pattern, err);
}
