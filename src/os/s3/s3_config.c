// Where requests go and who signs them: options, environment, paths.
#include <pthread.h>
#include <stdlib.h>

#include "base/hex.h"
#include "os/s3/s3_int.h"

static const Str SCHEMES[] = {{"s3://", 5}, {"s3a://", 6}, {"s3p://", 6}};

static Str without_scheme(Str path) {
    for (size_t i = 0; i < sizeof SCHEMES / sizeof *SCHEMES; i++) {
        if (str_starts(path, SCHEMES[i])) return str_sub(path, SCHEMES[i].len, path.len);
    }
    return (Str){NULL, 0};
}

bool s3_path(Str path) {
    return without_scheme(path).ptr != NULL;
}

// ---- options -----------------------------------------------------------------------------------

typedef enum S3Setting {
    S3_ENDPOINT,
    S3_REGION,
    S3_ACCESS_KEY,
    S3_SECRET_KEY,
    S3_SESSION_TOKEN,
    S3_PATH_STYLE,
    S3_SETTING_COUNT
} S3Setting;

// Names behind "s3.", as the plug-ins of Flink and those they stand on have them.
static const struct {
    const char *name;
    S3Setting setting;
} NAMES[] = {
    {"endpoint", S3_ENDPOINT},
    {"region", S3_REGION},
    {"endpoint.region", S3_REGION},
    {"access.key", S3_ACCESS_KEY},
    {"secret.key", S3_SECRET_KEY},
    {"session.token", S3_SESSION_TOKEN},
    {"path.style.access", S3_PATH_STYLE},
};

// Variables of the environment for each, the first one that is set counts.
static const char *const VARIABLES[S3_SETTING_COUNT][3] = {
    [S3_ENDPOINT] = {"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"},
    [S3_REGION] = {"AWS_REGION", "AWS_DEFAULT_REGION"},
    [S3_ACCESS_KEY] = {"AWS_ACCESS_KEY_ID"},
    [S3_SECRET_KEY] = {"AWS_SECRET_ACCESS_KEY"},
    [S3_SESSION_TOKEN] = {"AWS_SESSION_TOKEN"},
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char *settings[S3_SETTING_COUNT];  // guarded by lock; owned

static bool same_name(Str key, const char *name) {
    if (key.len != strlen(name)) return false;
    for (uint32_t i = 0; i < key.len; i++) {
        char c = key.ptr[i] == '-' ? '.' : key.ptr[i];
        if (c != name[i]) return false;
    }
    return true;
}

bool s3_option(Str key, const char *value) {
    if (!str_starts(key, STR("s3."))) return false;
    key = str_sub(key, 3, key.len);
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        if (!same_name(key, NAMES[i].name)) continue;
        char **setting = &settings[NAMES[i].setting];
        (void)pthread_mutex_lock(&lock);
        mem_free(*setting);
        *setting = value ? mem_strdup(value) : NULL;
        (void)pthread_mutex_unlock(&lock);
        return true;
    }
    return false;
}

// With the lock held.
static Str setting_of(Arena *arena, S3Setting setting) {
    if (settings[setting]) return str_dup(arena, str_trim(str_c(settings[setting])));
    for (uint32_t i = 0; VARIABLES[setting][i]; i++) {
        const char *text = getenv(VARIABLES[setting][i]);
        if (text && *text) return str_dup(arena, str_trim(str_c(text)));
    }
    return STR("");
}

Status s3_config(Arena *arena, S3Config *out, Error *err) {
    (void)pthread_mutex_lock(&lock);
    *out = (S3Config){
        .endpoint = setting_of(arena, S3_ENDPOINT), .region = setting_of(arena, S3_REGION),
        .access_key = setting_of(arena, S3_ACCESS_KEY),
        .secret_key = setting_of(arena, S3_SECRET_KEY),
        .session_token = setting_of(arena, S3_SESSION_TOKEN),
    };
    Str style = setting_of(arena, S3_PATH_STYLE);
    // A token belongs to the keys that it came with.
    if (settings[S3_ACCESS_KEY] && !settings[S3_SESSION_TOKEN]) out->session_token = STR("");
    (void)pthread_mutex_unlock(&lock);
    if (!out->region.len) out->region = STR("us-east-1");
    if (style.len && !str_to_bool(style, &out->path_style)) {
        return error_set(err, ST_VALIDATION, "'s3.path.style.access' is true or false");
    }
    if (out->endpoint.len && str_find(out->endpoint, STR("://"), 0) < 0) {
        out->endpoint = str_printf(arena, "https://" STR_FMT, STR_ARG(out->endpoint));
    }
    while (str_ends(out->endpoint, STR("/"))) out->endpoint.len--;
    if (out->access_key.len && out->secret_key.len) return ST_OK;
    (void)error_set(err, ST_VALIDATION, "there are no keys for S3");
    error_hint(err, "set 's3.access-key' and 's3.secret-key', or AWS_ACCESS_KEY_ID and "
                    "AWS_SECRET_ACCESS_KEY in the environment");
    return ST_VALIDATION;
}

// ---- paths -------------------------------------------------------------------------------------

Status s3_place(Arena *arena, Str path, S3Place *out, Error *err) {
    Str rest = without_scheme(path);
    int64_t slash = str_find(rest, STR("/"), 0);
    out->bucket = str_dup(arena, str_sub(rest, 0, slash < 0 ? rest.len : (uint32_t)slash));
    if (!out->bucket.len) {
        return error_set(err, ST_VALIDATION, "'" STR_FMT "' names no bucket", STR_ARG(path));
    }
    char *key = arena_alloc_aligned(arena, rest.len + 1u, 1);
    uint32_t len = 0;
    for (uint32_t at = out->bucket.len; at < rest.len;) {
        uint32_t begin = at + 1;
        for (at = begin; at < rest.len && rest.ptr[at] != '/'; at++) {}
        Str part = str_sub(rest, begin, at - begin);
        if (!part.len || str_is(part, ".")) continue;
        if (str_is(part, "..")) {
            while (len && key[len - 1] != '/') len--;
            if (len) len--;
            continue;
        }
        if (len) key[len++] = '/';
        memcpy(key + len, part.ptr, part.len);
        len += part.len;
    }
    out->key = (Str){key, len};
    return ST_OK;
}

// An address in numbers has no names below it.
static bool is_numbered(Str endpoint) {
    uint32_t at = (uint32_t)str_find(endpoint, STR("://"), 0) + 3;
    while (at < endpoint.len && strchr("0123456789.", endpoint.ptr[at])) at++;
    return at == endpoint.len || endpoint.ptr[at] == ':' || endpoint.ptr[at] == '[';
}

void s3_address(Arena *arena, const S3Config *config, const S3Place *place, Str *base, Str *path) {
    Buf text = {0};
    Str endpoint = config->endpoint;
    if (!endpoint.len) {
        endpoint = str_printf(arena, "https://s3." STR_FMT ".amazonaws.com",
                              STR_ARG(config->region));
    }
    // The certificates of hosts do not cover names with more dots.
    bool in_path = config->path_style || is_numbered(endpoint) ||
                   str_find(place->bucket, STR("."), 0) >= 0;
    if (in_path) {
        *base = endpoint;
        buf_putc(&text, '/');
        percent_encode(place->bucket, "", &text);
    } else {
        uint32_t host = (uint32_t)str_find(endpoint, STR("://"), 0) + 3;
        *base = str_printf(arena, STR_FMT STR_FMT "." STR_FMT, STR_ARG(str_sub(endpoint, 0, host)),
                           STR_ARG(place->bucket),
                           STR_ARG(str_sub(endpoint, host, endpoint.len)));
    }
    buf_putc(&text, '/');
    percent_encode(place->key, "/", &text);
    *path = str_dup(arena, buf_str(&text));
    buf_free(&text);
}
