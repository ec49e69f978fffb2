// weir watch: the metric watch from the command line. Its verbs are a row each.
#include <stdio.h>

#include "cli/cli.h"
#include "os/os.h"
#include "watch/report.h"
#include "watch/teach.h"

static int watch_main(int argc, char **argv);

static const ArgDef ARGS[] = {
    {"--out", "-o", "FILE", "where it goes (standard output)"},
    {"--direction", NULL, "D",
     "replay: drop, rise, both or any, of metrics without a metrics.csv (any)"},
    {"--sensitivity", NULL, "S", "replay: high, middle or low (high)"},
    {"--networks", NULL, "N",
     "replay: none, dense or lstm: the best network that training may try (none)"},
    {"--general", NULL, "N",
     "replay: the general network: shipped, none, or a file that teach wrote (shipped)"},
    {"--labels", NULL, "FILE", "report: what was an incident (INPUT/labels.csv)"},
    {"--after", NULL, "TIME",
     "report: nothing before it, 2025-03-31 or '2025-03-31 08:00', is shown or counted"},
    {"--seed", NULL, "N", "teach: of the chance that weights begin with and of the order (1)"},
    {"--test", NULL, "INPUT", "teach: not learned from; how well it does there is told"},
    {"--help", "-h", NULL, "shows this"},
    {0},
};
enum {
    ARG_OUT,
    ARG_DIRECTION,
    ARG_SENSITIVITY,
    ARG_NETWORKS,
    ARG_GENERAL,
    ARG_LABELS,
    ARG_AFTER,
    ARG_SEED,
    ARG_TEST,
    ARG_HELP
};
enum { INPUTS_MAX = 64 };

const Command WATCH_COMMAND = {
    .name = "watch",
    .run = watch_main,
    .usage = "replay|report|teach INPUT... [--out FILE] [OPTION]...",
    .doc =
        "Watches metrics: learns each one, forecasts it, and tells what is not as it should be.\n\n"
        "replay runs recorded metrics through the detector as if they came in now, and writes a "
        "line\n"
        "for each point: metric,ts,score,alarm,forecast. INPUT is a folder with values.csv\n"
        "(metric,ts,value), metrics.csv and holidays.csv; or a folder, or file, of "
        "timestamp,value.\n"
        "report does the same and writes a page: each alarm with actuals, forecast, band, window\n"
        "and the way to the decision; with labels.csv (metric,start,end,type,kind) what was found\n"
        "and what was missed.\n"
        "teach makes a general network of labelled INPUTs, the folders of either kind with\n"
        "labels.csv or a column 'label', for all metrics: docs/watch.md has how the one that is\n"
        "built in was made.",
    .args = ARGS,
};

typedef struct WatchArgs {
    const char *input, *out, *labels, *test, *general;
    const char *const *inputs;  // input is the first
    uint32_t count;
    int64_t after_ms, seed;
    DetectDirection direction;
    DetectSensitivity sensitivity;
    SeriesNetKind nets;
} WatchArgs;

// -- replay ---------------------------------------------------------------------------------------

typedef struct Sink {
    FILE *file;
    Buf text;
} Sink;

static Status flush(Sink *sink, Error *err) {
    size_t len = sink->text.len;
    sink->text.len = 0;
    if (fwrite(sink->text.ptr, 1, len, sink->file) == len) return ST_OK;
    return error_set(err, ST_IO, "the output cannot be written");
}

static Status on_point(void *arg, const ReplayPoint *point, Error *err) {
    Sink *sink = arg;
    replay_put_point(point, &sink->text);
    return sink->text.len < 1 << 16 ? ST_OK : flush(sink, err);
}

// The caller's to release.
static Status take_general(const WatchArgs *args, ReplayOptions *options, Error *err) {
    Buf bytes = {0};
    options->ungeneral = args->general && strcmp(args->general, "none") == 0;
    if (options->ungeneral || !args->general || strcmp(args->general, "shipped") == 0) {
        return ST_OK;
    }
    Status st = os_read_file(str_c(args->general), &bytes, err);
    if (!st) st = general_load(buf_str(&bytes), &options->general, err);
    if (st) error_while(err, "reading %s", args->general);
    buf_free(&bytes);
    return st;
}

static Status replay(const WatchArgs *args, Error *err) {
    Sink sink = {.file = args->out ? fopen(args->out, "wb") : stdout};
    if (!sink.file) return error_set(err, ST_IO, "%s cannot be written", args->out);
    ReplayOptions options = {.direction = args->direction,
                             .sensitivity = args->sensitivity,
                             .nets = args->nets,
                             .point = on_point,
                             .arg = &sink};
    ReplayTotals totals;
    replay_put_header(&sink.text);
    int64_t begin = os_monotonic_ns();
    Status st = take_general(args, &options, err);
    if (!st) st = replay_run(str_c(args->input), &options, &totals, err);
    options.general = general_unref(options.general);
    if (!st) st = flush(&sink, err);
    if (args->out && fclose(sink.file) && !st)
        st = error_set(err, ST_IO, "%s cannot be written", args->out);
    buf_free(&sink.text);
    if (st) return st;
    double seconds = (double)(os_monotonic_ns() - begin) / 1e9;
    (void)fprintf(stderr, "%llu points of %u metrics, %llu alarms, %u trainings, %.1f s\n",
                  (unsigned long long)totals.points, totals.metrics,
                  (unsigned long long)totals.alarms, totals.trainings, seconds);
    if (totals.bad_lines) {
        (void)fprintf(stderr, "%llu lines were not understood\n",
                      (unsigned long long)totals.bad_lines);
    }
    return ST_OK;
}

// -- report ---------------------------------------------------------------------------------------

static bool there(const char *path) {
    OsStat stat;
    return !os()->stat(str_c(path), &stat, NULL) && stat.exists;
}

static void tell(const ReportFigures *figures, bool labelled) {
    (void)fprintf(stderr, "%u alarms", figures->alarms);
    if (labelled) {
        (void)fprintf(stderr,
                      ", %u of %u incidents found (recall %.3f), %u false (precision %.3f), median "
                      "delay %.0f s, %.3f false per metric and week",
                      figures->found, figures->incidents, figures->recall, figures->false_alarms,
                      figures->precision, figures->delay_s, figures->false_per_week);
    }
    (void)fputc('\n', stderr);
}

static Status report(const WatchArgs *args, Error *err) {
    Buf labels = {0}, page = {0};
    Report *self = NULL;
    ReplayTotals totals;
    ReportFigures figures = {0};
    const char *slash = strrchr(args->input, '/'),
               *name = slash && slash[1] ? slash + 1 : args->input;
    buf_printf(&labels, "%s/labels.csv", args->input);
    if (args->labels) labels.len = 0, buf_puts(&labels, args->labels);
    bool labelled = args->labels || there(buf_cstr(&labels));
    ReportSettings settings = {
        .title = name, .after_ms = args->after_ms, .labels = labelled ? buf_str(&labels) : STR("")};
    Status st = report_new(&settings, &self, err);
    ReplayOptions options = {.direction = args->direction,
                             .sensitivity = args->sensitivity,
                             .nets = args->nets,
                             .point = report_point,
                             .arg = self};
    if (!st) st = take_general(args, &options, err);
    if (!st) st = replay_run(str_c(args->input), &options, &totals, err);
    options.general = general_unref(options.general);
    if (!st) {
        report_write(self, &totals, &page);
        report_figures(self, &figures);
        if (args->out)
            st = os_write_file(str_c(args->out), buf_str(&page), err);
        else
            (void)fwrite(page.ptr, 1, page.len, stdout);
    }
    if (!st) tell(&figures, labelled);
    report_free(self);
    buf_free(&labels);
    buf_free(&page);
    return st;
}

// -- teach ----------------------------------------------------------------------------------------

static void tell_lessons(const char *what, const TeachLessons *lessons, const SeriesGeneral *net) {
    (void)fprintf(stderr, "%s: %u cases, %u of them of incidents", what, lessons->count,
                  lessons->incidents);
    if (net) {
        double loss = general_loss(net, lessons->lesson, lessons->count);
        (void)fprintf(stderr, ", loss %.4f where the mean says %.4f", loss,
                      teach_loss_of_mean(lessons));
    }
    (void)fputc('\n', stderr);
}

static Status teach(const WatchArgs *args, Error *err) {
    TeachLessons lessons = {0}, test = {0};
    TeachInput input = {.direction = args->direction, .sensitivity = args->sensitivity};
    SeriesGeneral *net = NULL;
    Buf bytes = {0};
    Status st = ST_OK;
    if (!args->out) {
        st = error_set(err, ST_USAGE, "where is the network to go?");
        error_hint(err, "weir watch teach INPUT... --out FILE");
        return st;
    }
    // Metrics of which nobody said what is wanted are judged by novelty, which asks no network.
    if (input.direction == DETECT_ANY) input.direction = DETECT_BOTH;
    for (uint32_t i = 0; i < args->count && !st; i++) {
        input.path = str_c(args->inputs[i]);
        st = teach_collect(&input, &lessons, err);
    }
    if (!st && args->test) {
        input.path = str_c(args->test);
        st = teach_collect(&input, &test, err);
    }
    if (!st) st = teach_network(&lessons, (uint64_t)args->seed, &net, err);
    if (!st) {
        tell_lessons("learned", &lessons, net);
        if (args->test) tell_lessons(args->test, &test, net);
        general_save(net, &bytes);
        st = os_write_file(str_c(args->out), buf_str(&bytes), err);
    }
    buf_free(&bytes);
    general_unref(net);
    teach_clear(&lessons);
    teach_clear(&test);
    return st;
}

// -- The command ----------------------------------------------------------------------------------

typedef struct Verb {
    const char *name;
    Status (*run)(const WatchArgs *args, Error *err);
} Verb;

static const Verb VERBS[] = {{"replay", replay}, {"report", report}, {"teach", teach}};

static const Verb *verb_of(const char *name) {
    for (size_t i = 0; i < sizeof VERBS / sizeof *VERBS; i++) {
        if (name && strcmp(VERBS[i].name, name) == 0) return &VERBS[i];
    }
    return NULL;
}

static int run_verb(const Verb *verb, const WatchArgs *args) {
    Error err = {0};
    Status st = verb->run(args, &err);
    if (!st) return EXIT_FINE;
    (void)fprintf(stderr, "weir watch %s: %s\n", verb->name, err.message);
    if (err.hint[0]) (void)fprintf(stderr, "hint: %s\n", err.hint);
    return st == ST_VALIDATION || st == ST_USAGE ? EXIT_WRONG : EXIT_FAILED;
}

static int watch_main(int argc, char **argv) {
    Args args = {.argc = argc, .argv = argv, .defs = ARGS};
    WatchArgs given = {.direction = DETECT_ANY, .sensitivity = DETECT_HIGH, .seed = 1};
    const char *operand[1 + INPUTS_MAX] = {NULL};
    uint32_t operands = 0;
    Error err = {0};
    for (int at; (at = args_next(&args, &err)) != ARGS_END;) {
        bool good = true;
        switch (at) {
            case ARGS_WRONG: return usage_error(&WATCH_COMMAND, &err);
            case ARG_HELP: return usage_print(&WATCH_COMMAND);
            case ARG_OUT: given.out = args.value; break;
            case ARG_DIRECTION:
                good = detect_direction_parse(str_c(args.value), &given.direction);
                break;
            case ARG_SENSITIVITY:
                good = detect_sensitivity_parse(str_c(args.value), &given.sensitivity);
                break;
            case ARG_NETWORKS: good = series_net_parse(str_c(args.value), &given.nets); break;
            case ARG_GENERAL: given.general = args.value; break;
            case ARG_SEED: good = str_to_i64(str_c(args.value), &given.seed); break;
            case ARG_TEST: given.test = args.value; break;
            case ARG_LABELS: given.labels = args.value; break;
            case ARG_AFTER: good = replay_time_parse(str_c(args.value), &given.after_ms); break;
            default:
                if (operands <= INPUTS_MAX) operand[operands] = args.value;
                operands++;
        }
        if (good) continue;
        (void)error_set(&err, ST_USAGE, "'%s' is not a value for %s", args.value, ARGS[at].name);
        error_hint(&err, "%s %s: %s", ARGS[at].name, ARGS[at].value, ARGS[at].doc);
        return usage_error(&WATCH_COMMAND, &err);
    }
    const Verb *verb = verb_of(operand[0]);
    given.input = operand[1];
    given.inputs = operand + 1;
    given.count = operands - 1;
    uint32_t most = verb && verb->run == teach ? INPUTS_MAX : 1;
    if (verb && operands > 1 && operands - 1 <= most) return run_verb(verb, &given);
    (void)error_set(&err, ST_USAGE, verb ? "which input?" : "what is to be done?");
    error_hint(&err,
               "weir watch replay INPUT --out FILE, or weir watch report INPUT --out FILE.html");
    return usage_error(&WATCH_COMMAND, &err);
}
