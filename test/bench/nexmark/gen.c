// test/bench/nexmark/gen.c - the Nexmark event generator: writes one deterministic auction-site
// stream as text files.
//
//     cc -O3 -o gen gen.c -lm
//     ./gen --events 100000 --rate 4 --base 1767288600000 --out small
//
// --parts P writes events.json and events.csv as directories of P files; the epochs go round the
// files, so that P readers see the event time advance together.
//
// Event n depends only on (seed, n), never on the events before it, so that the same stream can
// be made in another language, from any position, and on several threads.
//
// EVENTS
//   epoch e = n / 50, place o = n % 50:  o = 0 a person, o = 1..3 an auction, o = 4..49 a bid.
//   event time    base + n * 1000 / rate  (ms; --disorder G permutes the times inside groups of G)
//   random        splitmix64 seeded by mix(seed + (n + 1) * GOLDEN), draws in the order written
//   below(k)      (draw >> 32) * k >> 32
//   price         log-uniform in [100, 100e6): 1024 steps per 6 decades, linear between steps
//   person        id 1000 + e
//   auction       id 1000 + 3e + o - 1; seller: 3 in 4 the first of the newest hundred persons,
//                 else one of the newest 1000 persons or of the 10 ids after them; category
//                 10..14; length uniform with mean = the time in which 100 auctions start
//   bid           auction: 1 in 2 the first of the newest hundred auctions, else one of the newest
//                 101 or of the 10 ids after them; bidder: 3 in 4 the second of the newest hundred
//                 persons, else as seller; channel: 1 in 2 one of four hot ones, else one of
//                 10000, nine in ten of whose urls carry a channel_id
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define GOLDEN 0x9E3779B97F4A7C15ull
#define TEXT 65536
#define CHANNELS 10000
#define STEPS 1024

static uint64_t seed = 1, rng;
static char words[TEXT + 1], letters[TEXT + 1];
static int64_t price_step[STEPS + 1];
static struct {
    char name[16];
    uint8_t nlen;
    char url[112];
    uint8_t ulen;
} chan[CHANNELS + 4];
static int extra_min = 5, extra_max = 15;

static uint64_t mix(uint64_t z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
}
static uint64_t draw(void) {
    return mix(rng += GOLDEN);
}
static int64_t below(int64_t k) {
    return (int64_t)(((draw() >> 32) * (uint64_t)k) >> 32);
}
static int64_t price(void) {
    uint64_t r = draw();
    int k = (int)(r >> 54);
    return price_step[k] +
           (((price_step[k + 1] - price_step[k]) * (int64_t)((r >> 22) & 0xffffffff)) >> 32);
}

static void setup(void) {
    rng = mix(seed ^ 0x6e65786d61726bull);
    for (int i = 0; i < TEXT; i++) {
        words[i] = below(13) ? (char)('a' + below(26)) : '_';
        letters[i] = (char)('a' + below(26));
    }
    for (int i = 0; i <= STEPS; i++)
        price_step[i] = (int64_t)(pow(10.0, 6.0 * i / STEPS) * 100.0 + 0.5);
    static const char *hot[4] = {"Google", "Facebook", "Baidu", "Apple"};
    for (int i = 0; i < CHANNELS + 4; i++) {
        if (i < 4)
            snprintf(chan[i].name, sizeof chan[i].name, "%s", hot[i]);
        else
            snprintf(chan[i].name, sizeof chan[i].name, "channel-%d", i - 4);
        char d[3][8];
        for (int j = 0; j < 3; j++) {
            int len = 3 + (int)below(3);
            for (int k = 0; k < len; k++) d[j][k] = (char)('a' + below(26));
            d[j][len] = 0;
        }
        int n = snprintf(chan[i].url, sizeof chan[i].url,
                         "https://www.nexmark.com/%s/%s/%s/item.htm?query=1", d[0], d[1], d[2]);
        int64_t with_id = below(10), id = below(2000000000);
        if (i >= 4 && with_id)
            snprintf(chan[i].url + n, sizeof chan[i].url - n, "&channel_id=%lld", (long long)id);
        chan[i].nlen = (uint8_t)strlen(chan[i].name);
        chan[i].ulen = (uint8_t)strlen(chan[i].url);
    }
}

/* ---- output ---- */
typedef struct {
    FILE *f;
    char *b;
    size_t n;
    uint64_t bytes;
} Out;
#define CAP (1 << 20)
static void open_out(Out *o, const char *dir, const char *name) {
    char p[4096];
    snprintf(p, sizeof p, "%s/%s", dir, name);
    if (!(o->f = fopen(p, "wb"))) {
        fprintf(stderr, "gen: %s: %s\n", p, strerror(errno));
        exit(1);
    }
    setvbuf(o->f, NULL, _IONBF, 0);
    o->b = malloc(CAP + 4096);
}
static void drain(Out *o) {
    if (o->n && fwrite(o->b, 1, o->n, o->f) != o->n) {
        fprintf(stderr, "gen: write: %s\n", strerror(errno));
        exit(1);
    }
    o->bytes += o->n;
    o->n = 0;
}
static void close_out(Out *o) {
    drain(o);
    if (fclose(o->f)) {
        perror("gen: close");
        exit(1);
    }
}
static inline void put(Out *o, const char *s, size_t n) {
    memcpy(o->b + o->n, s, n);
    o->n += n;
}
#define LIT(o, s) put(o, s, sizeof(s) - 1)
static inline void putn(Out *o, int64_t v) {
    char t[24];
    int i = 24;
    uint64_t u = (uint64_t)v;
    do t[--i] = (char)('0' + u % 10);
    while (u /= 10);
    put(o, t + i, (size_t)(24 - i));
}
static char stamp_buf[2][24];
static int64_t stamp_of[2] = {-1, -1};
static void civil(int64_t day, int *y, int *m, int *d) {
    int64_t z = day + 719468, era = z / 146097, doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365,
            doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    *d = (int)(doy - (153 * mp + 2) / 5 + 1);
    *m = (int)(mp < 10 ? mp + 3 : mp - 9);
    *y = (int)(yoe + era * 400 + (*m <= 2));
}
static const char *stamp(int64_t ms, int slot) /* 2026-01-01 17:30:00.000 */
{
    char *s = stamp_buf[slot];
    if (ms == stamp_of[slot]) return s;
    if (stamp_of[slot] < 0 || ms / 1000 != stamp_of[slot] / 1000) {
        int y, m, d;
        int64_t sec = ms / 1000 % 86400;
        civil(ms / 86400000, &y, &m, &d);
        {
            char t[80];
            snprintf(t, sizeof t, "%04d-%02d-%02d %02d:%02d:%02d.", y % 10000, m, d,
                     (int)(sec / 3600), (int)(sec / 60 % 60), (int)(sec % 60));
            memcpy(s, t, 20);
        }
    }
    int r = (int)(ms % 1000);
    s[20] = (char)('0' + r / 100);
    s[21] = (char)('0' + r / 10 % 10);
    s[22] = (char)('0' + r % 10);
    s[23] = 0;
    stamp_of[slot] = ms;
    return s;
}

/* ---- events ---- */
typedef struct {
    const char *p;
    int n;
} Str;
typedef struct {
    int type;
    int64_t id, t, expires, a, b, c, d;
    Str s[6];
    char buf[64];
} Event;
static Str cut(const char *text, int lo, int hi) {
    int n = lo + (int)below(hi - lo + 1);
    return (Str){text + below(TEXT - 128), n};
}
static const char *first_name[] = {"Ada",   "Bruno", "Chiara", "Dmitri", "Elena", "Farid",
                                   "Greta", "Hugo",  "Ines",   "Jonas",  "Keiko"};
static const char *last_name[] = {"Abel",    "Brandt", "Castro", "Dahl",  "Egede",
                                  "Fischer", "Garcia", "Huang",  "Ivanov"};
static const char *city[] = {"Tempe",  "Oakland", "San Jose", "Nampa",   "Salem",
                             "Eugene", "Spokane", "Tacoma",   "Everett", "Laramie"};
static const char *state[] = {"AZ", "CA", "ID", "OR", "WA", "WY"};
static int64_t rate = 100000, base_ms = 1767268800000, disorder = 1, parts = 0;
static int64_t time_of(int64_t n) {
    return base_ms + n * 1000 / rate;
}
static int64_t someone(int64_t people) {
    int64_t active = people < 1000 ? people : 1000;
    return people - active + below(active + 10);
}
static Str z(const char *s) {
    return (Str){s, (int)strlen(s)};
}

static void make(Event *v, int64_t n) {
    int64_t e = n / 50, o = n % 50, m = n;
    if (disorder > 1) {
        int64_t g = n / disorder * disorder;
        m = g + n * 953 % disorder;
    }
    rng = mix(seed + (uint64_t)(n + 1) * GOLDEN);
    v->t = time_of(m);
    if (o == 0) {
        v->type = 0;
        v->id = 1000 + e;
        int f = (int)below(11), l = (int)below(9);
        int k = snprintf(v->buf, 32, "%s %s", first_name[f], last_name[l]);
        v->s[0] = (Str){v->buf, k};
        Str u = cut(letters, 3, 7), h = cut(letters, 3, 5);
        char *q = v->buf + 32;
        memcpy(q, u.p, u.n);
        q += u.n;
        *q++ = '@';
        memcpy(q, h.p, h.n);
        q += h.n;
        memcpy(q, ".com", 4);
        q += 4;
        v->s[1] = (Str){v->buf + 32, (int)(q - v->buf - 32)};
        v->a = below(10000);
        v->b = below(10000);
        v->c = below(10000);
        v->d = below(10000);
        v->s[2] = z(city[below(10)]);
        v->s[3] = z(state[below(6)]);
        v->s[4] = cut(letters, extra_min, extra_max);
    } else if (o < 4) {
        v->type = 1;
        v->id = 1000 + 3 * e + o - 1;
        v->a = 1000 + (below(4) ? e / 100 * 100 : someone(e + 1));
        v->b = 10 + below(5);
        v->c = price();
        int64_t span = 2 * (time_of(m + 1666) - time_of(m));
        v->expires = v->t + 1 + below(span > 1 ? span : 1);
        v->s[0] = cut(words, 3, 20);
        v->s[1] = cut(words, 3, 100);
        v->d = v->c + price();
        v->s[2] = cut(letters, extra_min, extra_max);
    } else {
        v->type = 2;
        int64_t last = 3 * e + 2, low = last > 100 ? last - 100 : 0;
        v->a = 1000 + (below(2) ? last / 100 * 100 : low + below(last - low + 1 + 10));
        v->b = 1000 + (below(4) ? e / 100 * 100 + 1 : someone(e + 1));
        v->c = price();
        int ch = (int)(below(2) ? below(4) : 4 + below(CHANNELS));
        v->s[0] = (Str){chan[ch].name, chan[ch].nlen};
        v->s[1] = (Str){chan[ch].url, chan[ch].ulen};
        v->s[2] = cut(letters, extra_min, extra_max);
    }
}

#define S(o, x) put(o, (x).p, (size_t)(x).n)
#define T(o, ms, slot) put(o, stamp(ms, slot), 23)
static void card(Out *o, const Event *v) {
    int64_t x[4] = {v->a, v->b, v->c, v->d};
    for (int i = 0; i < 4; i++) {
        char t[5];
        t[0] = (char)('0' + x[i] / 1000);
        t[1] = (char)('0' + x[i] / 100 % 10);
        t[2] = (char)('0' + x[i] / 10 % 10);
        t[3] = (char)('0' + x[i] % 10);
        t[4] = ' ';
        put(o, t, i < 3 ? 5 : 4);
    }
}
static void json_row(Out *o, const Event *v) {
    if (v->type == 0) {
        LIT(o, "{\"id\":");
        putn(o, v->id);
        LIT(o, ",\"name\":\"");
        S(o, v->s[0]);
        LIT(o, "\",\"emailAddress\":\"");
        S(o, v->s[1]);
        LIT(o, "\",\"creditCard\":\"");
        card(o, v);
        LIT(o, "\",\"city\":\"");
        S(o, v->s[2]);
        LIT(o, "\",\"state\":\"");
        S(o, v->s[3]);
        LIT(o, "\",\"dateTime\":\"");
        T(o, v->t, 0);
        LIT(o, "\",\"extra\":\"");
        S(o, v->s[4]);
        LIT(o, "\"}");
    } else if (v->type == 1) {
        LIT(o, "{\"id\":");
        putn(o, v->id);
        LIT(o, ",\"itemName\":\"");
        S(o, v->s[0]);
        LIT(o, "\",\"description\":\"");
        S(o, v->s[1]);
        LIT(o, "\",\"initialBid\":");
        putn(o, v->c);
        LIT(o, ",\"reserve\":");
        putn(o, v->d);
        LIT(o, ",\"dateTime\":\"");
        T(o, v->t, 0);
        LIT(o, "\",\"expires\":\"");
        T(o, v->expires, 1);
        LIT(o, "\",\"seller\":");
        putn(o, v->a);
        LIT(o, ",\"category\":");
        putn(o, v->b);
        LIT(o, ",\"extra\":\"");
        S(o, v->s[2]);
        LIT(o, "\"}");
    } else {
        LIT(o, "{\"auction\":");
        putn(o, v->a);
        LIT(o, ",\"bidder\":");
        putn(o, v->b);
        LIT(o, ",\"price\":");
        putn(o, v->c);
        LIT(o, ",\"channel\":\"");
        S(o, v->s[0]);
        LIT(o, "\",\"url\":\"");
        S(o, v->s[1]);
        LIT(o, "\",\"dateTime\":\"");
        T(o, v->t, 0);
        LIT(o, "\",\"extra\":\"");
        S(o, v->s[2]);
        LIT(o, "\"}");
    }
}
static void csv_row(Out *o, const Event *v, const char sep) {
#define C put(o, &sep, 1)
    if (v->type == 0) {
        putn(o, v->id);
        C;
        S(o, v->s[0]);
        C;
        S(o, v->s[1]);
        C;
        card(o, v);
        C;
        S(o, v->s[2]);
        C;
        S(o, v->s[3]);
        C;
        T(o, v->t, 0);
        C;
        S(o, v->s[4]);
    } else if (v->type == 1) {
        putn(o, v->id);
        C;
        S(o, v->s[0]);
        C;
        S(o, v->s[1]);
        C;
        putn(o, v->c);
        C;
        putn(o, v->d);
        C;
        T(o, v->t, 0);
        C;
        T(o, v->expires, 1);
        C;
        putn(o, v->a);
        C;
        putn(o, v->b);
        C;
        S(o, v->s[2]);
    } else {
        putn(o, v->a);
        C;
        putn(o, v->b);
        C;
        putn(o, v->c);
        C;
        S(o, v->s[0]);
        C;
        S(o, v->s[1]);
        C;
        T(o, v->t, 0);
        C;
        S(o, v->s[2]);
    }
}

int main(int argc, char **argv) {
    int64_t events = 100000;
    const char *dir = ".";
    const char *what = "json,csv,json3,csv3";
    for (int i = 1; i < argc; i += 2) {
        const char *k = argv[i], *x = i + 1 < argc ? argv[i + 1] : NULL;
        if (!x) k = "";
        if (!strcmp(k, "--events"))
            events = atoll(x);
        else if (!strcmp(k, "--rate"))
            rate = atoll(x);
        else if (!strcmp(k, "--base"))
            base_ms = atoll(x);
        else if (!strcmp(k, "--seed"))
            seed = strtoull(x, NULL, 10);
        else if (!strcmp(k, "--disorder"))
            disorder = atoll(x);
        else if (!strcmp(k, "--parts")) {
            parts = atoll(x);
            if (parts < 1 || parts > 64) k = "";
        } else if (!strcmp(k, "--extra")) {
            if (sscanf(x, "%d-%d", &extra_min, &extra_max) != 2 || extra_min < 0 ||
                extra_max < extra_min || extra_max > 100)
                k = "";
        } else if (!strcmp(k, "--out"))
            dir = x;
        else if (!strcmp(k, "--formats"))
            what = x;
        else
            k = "";
        if (!*k) {
            fprintf(stderr,
                    "use: gen [--events N] [--rate EVENTS_PER_SECOND] [--base EPOCH_MS] [--seed N] "
                    "[--disorder GROUP]\n"
                    "           [--extra MIN-MAX] [--parts P] [--out DIR] [--formats "
                    "json,csv,json3,csv3,side]\n");
            return 2;
        }
    }
    mkdir(dir, 0777);
    setup();
    static const char *const part[3] = {"person", "auction", "bid"};
    int on[4] = {0};
    char w[64];
    snprintf(w, sizeof w, "%s", what);
    for (char *p = strtok(w, ","); p; p = strtok(NULL, ",")) {
        if (!strcmp(p, "json"))
            on[0] = 1;
        else if (!strcmp(p, "csv"))
            on[1] = 1;
        else if (!strcmp(p, "json3"))
            on[2] = 1;
        else if (!strcmp(p, "csv3"))
            on[3] = 1;
        else if (!strcmp(p, "side"))
            continue; /* only the table for q13 */
        else {
            fprintf(stderr, "gen: format %s?\n", p);
            return 2;
        }
    }
    static Out out[2 + 6], many[2][64];
    char name[64];
    static const char *const whole[2] = {"events.json", "events.csv"};
    for (int f = 0; f < 2; f++) {
        if (!on[f]) continue;
        if (!parts) {
            open_out(&many[f][0], dir, whole[f]);
            continue;
        }
        char sub[4096];
        snprintf(sub, sizeof sub, "%s/%s", dir, whole[f]);
        mkdir(sub, 0777);
        for (int i = 0; i < parts; i++) {
            snprintf(name, sizeof name, "part-%d", i);
            open_out(&many[f][i], sub, name);
        }
    }
    for (int i = 0; i < 3; i++) {
        if (on[2]) {
            snprintf(name, sizeof name, "%s.json", part[i]);
            open_out(&out[2 + i], dir, name);
        }
        if (on[3]) {
            snprintf(name, sizeof name, "%s.csv", part[i]);
            open_out(&out[5 + i], dir, name);
        }
    }
    for (int64_t n = 0; n < events; n++) {
        Event v;
        make(&v, n);
        if (on[0]) {
            Out *o = &many[0][parts ? n / 50 % parts : 0];
            if (v.type == 0) {
                LIT(o, "{\"event_type\":0,\"person\":");
                json_row(o, &v);
                LIT(o, ",\"auction\":null,\"bid\":null}\n");
            } else if (v.type == 1) {
                LIT(o, "{\"event_type\":1,\"person\":null,\"auction\":");
                json_row(o, &v);
                LIT(o, ",\"bid\":null}\n");
            } else {
                LIT(o, "{\"event_type\":2,\"person\":null,\"auction\":null,\"bid\":");
                json_row(o, &v);
                LIT(o, "}\n");
            }
            if (o->n > CAP) drain(o);
        }
        if (on[1]) {
            Out *o = &many[1][parts ? n / 50 % parts : 0];
            if (v.type == 0) {
                LIT(o, "0,");
                csv_row(o, &v, ';');
                LIT(o, ",,\n");
            } else if (v.type == 1) {
                LIT(o, "1,,");
                csv_row(o, &v, ';');
                LIT(o, ",\n");
            } else {
                LIT(o, "2,,,");
                csv_row(o, &v, ';');
                LIT(o, "\n");
            }
            if (o->n > CAP) drain(o);
        }
        if (on[2]) {
            Out *o = &out[2 + v.type];
            json_row(o, &v);
            LIT(o, "\n");
            if (o->n > CAP) drain(o);
        }
        if (on[3]) {
            Out *o = &out[5 + v.type];
            csv_row(o, &v, ',');
            LIT(o, "\n");
            if (o->n > CAP) drain(o);
        }
    }
    for (int i = 0; i < 8; i++)
        if (out[i].f) close_out(&out[i]);
    for (int i = 0; i < 128; i++)
        if (many[i / 64][i % 64].f) close_out(&many[i / 64][i % 64]);
    /* q13 looks up here */
    snprintf(name, sizeof name, "side_input.csv");
    Out side = {0};
    open_out(&side, dir, name);
    for (int i = 0; i < 10000; i++) {
        putn(&side, i);
        LIT(&side, ",");
        putn(&side, i);
        LIT(&side, "\n");
    }
    close_out(&side);
    return 0;
}
