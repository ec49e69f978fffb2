// weir-bench-watch: how many metrics the platform bears.
//
//     weir-bench-watch [METRICS [MINUTES [WORKERS]]]      10000 metrics, 10 minutes, 1 worker
//
// Registers them in one call, loads history, trains some of them, gives each metric a model of its
// own, and then has all points of a minute arrive at once, minute after minute, through the inbox
// and the job as they would over HTTP. Prints bytes a point of history, the memory of a metric, and
// how long after its arrival a point was judged. `taskset -c 0` makes it one core.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/hash.h"
#include "watch/watch.h"

enum { STEP_MS = 60000, DAY_MINUTES = 1440, TRAINED = 8, HISTORY_DAYS = 42, STORED = 100,
       STORED_DAYS = 7 };

static double noise(uint64_t i) {  // about normal
    double sum = 0;
    for (uint64_t k = 0; k < 12; k++) sum += (double)(hash_u64(i * 12 + k) >> 11) * 0x1p-53;
    return sum - 6;
}

// Orders of a minute: a day's shape, a week's, and the noise of counts.
static double point_of(uint64_t metric, int64_t minute) {
    double day = (double)(minute % DAY_MINUTES) / DAY_MINUTES;
    double week = 1 + 0.05 * (double)(minute / DAY_MINUTES % 7);
    double mean = (50 + (double)(metric % 1000)) * week *
                  (0.3 + 0.7 * pow(0.5 - 0.5 * cos(2 * M_PI * (day - 0.15)), 1.3));
    double value = nearbyint(mean + 1.2 * sqrt(mean) * noise(metric * 1000003 + (uint64_t)minute));
    return value < 0 ? 0 : value;
}

static void must(Status st, const Error *err) {
    if (!st) return;
    fprintf(stderr, "%s\n", err->message);
    exit(1);
}

static double resident_mb(void) {
    long pages = 0, ignored;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file && fscanf(file, "%ld %ld", &ignored, &pages) != 2) pages = 0;
    if (file) (void)fclose(file);
    return (double)pages * (double)sysconf(_SC_PAGESIZE) / 1e6;
}

static int64_t bench_cpu_ns(void) {
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000000ll +
           (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000ll;
}

static int64_t thread_cpu_ns(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static double seconds_since(int64_t ns) {
    return (double)(os_monotonic_ns() - ns) / 1e9;
}

static WatchPlatform *registers(Watch *watch, uint32_t metrics) {
    Arena arena = {0};
    Error err;
    Buf token = {0};
    MetricCounts counts;
    MetricSpec *spec = ARENA_ARRAY(&arena, MetricSpec, metrics);
    PlatformSpec platform = {.name = STR("bench"), .metrics_max = metrics};
    for (uint32_t i = 0; i < metrics; i++) {
        spec[i] = (MetricSpec){.id = str_printf(&arena, "orders_%06u", i), .step_ms = STEP_MS,
                               .unit = STR("orders"), .group = STR("shop"),
                               .sensitivity = WATCH_MIDDLE};
    }
    Roster *roster = watch_roster(watch);
    must(roster_platform_put(roster, &platform, false, &token, &err), &err);
    WatchPlatform *found = roster_platform(roster, STR("bench"));
    int64_t began = os_monotonic_ns();
    must(roster_metrics_put(roster, found, spec, metrics, &counts, &err), &err);
    printf("%u metrics registered in one call: %.2f s\n", counts.added, seconds_since(began));
    buf_free(&token);
    arena_clear(&arena);
    return found;
}

static void stores(Watch *watch, int64_t now) {
    Error err;
    History *history = watch_history(watch);
    int64_t began = os_monotonic_ns();
    for (uint32_t m = 0; m < STORED; m++) {
        for (int64_t i = now - STORED_DAYS * DAY_MINUTES; i < now; i++) {
            must(history_add(history, 1 + m, STEP_MS, i * STEP_MS, point_of(m, i), &err), &err);
        }
    }
    must(history_sync(history, &err), &err);
    double took = seconds_since(began);
    HistoryFigures figures = history_figures(history);
    double bytes = (double)figures.block_bytes / (double)figures.block_points;
    printf("history: %.2f bytes a point; two years of 10000 one-minute metrics: %.1f GB; "
           "%.2f M points/s\n",
           bytes, bytes * 10000 * 2 * 365.25 * DAY_MINUTES / 1e9,
           (double)figures.points / took / 1e6);
}

// Trains a few and gives each metric a model of its own.
static void models(Watch *watch, uint32_t metrics, int64_t now) {
    enum { POINTS = HISTORY_DAYS * DAY_MINUTES };
    Error err;
    Buf saved[TRAINED] = {{0}};
    float *value = mem_alloc(POINTS * sizeof *value);
    int64_t spent = 0;
    size_t bytes = 0;
    for (uint32_t m = 0; m < TRAINED; m++) {
        SeriesModel *model;
        for (int64_t i = 0; i < POINTS; i++) value[i] = (float)point_of(m * 97, now - POINTS + i);
        SeriesHistory history = {.from_ms = (now - POINTS) * STEP_MS, .step_ms = STEP_MS,
                                 .value = value, .count = POINTS,
                                 .general = general_shipped()};
        int64_t began = thread_cpu_ns();
        must(series_train(&history, &model, &err), &err);
        spent += thread_cpu_ns() - began;
        series_model_save(model, &saved[m]);
        bytes = series_model_bytes(model);
        (void)series_model_unref(model);
    }
    double each = (double)spent / 1e9 / TRAINED;
    printf("training: %.3f s of cpu for six weeks of minutes; 7000 metrics on two cores: %.1f min; "
           "a model has %zu bytes\n",
           each, 7000 * each / 2 / 60, bytes);
    roster_lock(watch_roster(watch));
    for (uint32_t m = 0; m < metrics; m++) {
        WatchMetric *metric = roster_metric_of(watch_roster(watch), 1 + m);
        SeriesModel *model;
        must(series_model_load(buf_str(&saved[m % TRAINED]), &model, &err), &err);
        metric->model = model;
        metric->model_version = 1;
        metric->trained_ms = now * STEP_MS;
    }
    roster_unlock(watch_roster(watch));
    for (uint32_t m = 0; m < TRAINED; m++) buf_free(&saved[m]);
    mem_free(value);
}

// A minute of all metrics: until the last of them is judged, and until a hundredth is left.
static void minute(Watch *watch, uint32_t metrics, int64_t at, double *p99, double *all) {
    Error err;
    Inbox *inbox = watch_inbox(watch);
    InboxPoint *point = mem_alloc(metrics * sizeof *point);
    for (uint32_t m = 0; m < metrics; m++) {
        point[m] = (InboxPoint){1 + m, at * STEP_MS, point_of(m % TRAINED * 97, at)};
    }
    uint64_t before = watch_judged(watch);
    int64_t began = os_monotonic_ns();
    inbox_append(inbox, point, metrics);
    must(inbox_commit(inbox, &err), &err);
    *p99 = 0;
    for (;;) {
        uint64_t judged = watch_judged(watch) - before;
        if (*p99 == 0 && judged >= (uint64_t)metrics * 99 / 100) *p99 = seconds_since(began);
        if (judged >= metrics) break;
        os()->sleep_ms(1);
    }
    *all = seconds_since(began);
    mem_free(point);
}

static void say(void *arg, const char *line) {
    (void)arg;
    fprintf(stderr, "%s\n", line);
}

int main(int argc, char **argv) {
    uint32_t metrics = argc > 1 ? (uint32_t)atoi(argv[1]) : 10000;
    int minutes = argc > 2 ? atoi(argv[2]) : 10;
    uint32_t workers = argc > 3 ? (uint32_t)atoi(argv[3]) : 1;
    char dir[] = "/tmp/weir-bench-watch-XXXXXX";
    if (!mkdtemp(dir)) return 1;
    WatchSettings settings = {.dir = str_c(dir), .workers = workers, .say = say};
    Watch *watch;
    Error err;
    int64_t now = 1760054400 / 60;
    double worst_p99 = 0, worst_all = 0, sum_p99 = 0, before_mb;
    must(watch_open(&settings, &watch, &err), &err);
    (void)registers(watch, metrics);
    stores(watch, now - HISTORY_DAYS * DAY_MINUTES);
    before_mb = resident_mb();
    models(watch, metrics, now);
    must(watch_start(watch, &err), &err);
    int64_t cpu = bench_cpu_ns();
    for (int i = 0; i < minutes; i++) {
        double p99, all;
        minute(watch, metrics, now + i, &p99, &all);
        if (i == 0) {
            printf("first minute (detectors are made): p99 %.0f ms, all %.0f ms\n", p99 * 1e3,
                   all * 1e3);
            cpu = bench_cpu_ns();
            continue;
        }
        sum_p99 += p99;
        if (p99 > worst_p99) worst_p99 = p99;
        if (all > worst_all) worst_all = all;
    }
    if (minutes > 1) {
        printf("%u metrics, %u worker%s: p99 %.0f ms (the worst minute %.0f ms), all %.0f ms; "
               "%.1f us of cpu a point\n",
               metrics, workers, workers == 1 ? "" : "s", sum_p99 / (minutes - 1) * 1e3,
               worst_p99 * 1e3, worst_all * 1e3,
               (double)(bench_cpu_ns() - cpu) / 1e3 / (minutes - 1) / metrics);
    }
    printf("memory: %.1f MB, %.1f KB a metric\n", resident_mb(),
           (resident_mb() - before_mb) * 1e3 / metrics);
    watch_stop(watch);
    watch_close(watch);
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf %s", dir);
    return system(command) != 0;
}
