#include "cli/console.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "cli/result.h"
#include "os/os.h"
#include "type/datetime.h"

enum {
    TICK_MS = 100,
    STATUS_AFTER_MS = 500,  // a job that is through before that needs no status line
    STATUS_EVERY_MS = 300,
};

void console_init(Console *console, bool live) {
    *console = (Console){.live = live};
    (void)pthread_mutex_init(&console->lock, NULL);
    pthread_condattr_t clock;
    (void)pthread_condattr_init(&clock);
    (void)pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&console->wake, &clock);
    (void)pthread_condattr_destroy(&clock);
}

void console_clear(Console *console) {
    (void)pthread_cond_destroy(&console->wake);
    (void)pthread_mutex_destroy(&console->lock);
}

// --- The status line ---------------------------------------------------------------------------

static void put_rate(double per_s, Buf *out) {
    if (per_s >= 1e6) {
        buf_printf(out, "%.1f M/s", per_s / 1e6);
    } else if (per_s >= 1e4) {
        buf_printf(out, "%.0f k/s", per_s / 1e3);
    } else {
        buf_printf(out, "%.0f/s", per_s);
    }
}

static void put_count(uint64_t count, Buf *out) {
    char digits[32];
    int len = snprintf(digits, sizeof digits, "%" PRIu64, count);
    for (int i = 0; i < len; i++) {
        if (i && (len - i) % 3 == 0) buf_putc(out, ',');
        buf_putc(out, digits[i]);
    }
}

static void put_span(int64_t ms, Buf *out) {
    int64_t s = ms / 1000;
    if (s >= 86400) {
        buf_printf(out, "%" PRId64 "d %" PRId64 "h", s / 86400, s % 86400 / 3600);
    } else if (s >= 3600) {
        buf_printf(out, "%" PRId64 "h %02" PRId64 "m", s / 3600, s % 3600 / 60);
    } else if (s >= 60) {
        buf_printf(out, "%" PRId64 "m %02" PRId64 "s", s / 60, s % 60);
    } else {
        buf_printf(out, "%" PRId64 " s", s);
    }
}

void status_line(const JobProgress *progress, double in_per_s, double out_per_s, int64_t now_ms,
                 uint32_t width, Buf *out) {
    size_t start = out->len;
    put_span(progress->elapsed_ms, out);
    buf_puts(out, "  in ");
    put_count(progress->rows_in, out);
    buf_puts(out, " (");
    put_rate(in_per_s, out);
    buf_puts(out, ")  out ");
    put_count(progress->rows_out, out);
    buf_puts(out, " (");
    put_rate(out_per_s, out);
    buf_putc(out, ')');
    if (progress->watermark_ms > INT64_MIN && progress->watermark_ms < INT64_MAX) {
        char stamp[DATETIME_TEXT_MAX];
        uint32_t len = timestamp_print((Timestamp){.ms = progress->watermark_ms}, 0, stamp);
        buf_puts(out, "  watermark ");
        buf_put(out, stamp, len);
        // Event time that lies in the past by days is no lag but a recording.
        int64_t lag_ms = now_ms - progress->watermark_ms;
        if (lag_ms >= 0 && lag_ms < 7 * (int64_t)MS_PER_DAY) {
            buf_puts(out, "  lag ");
            put_span(lag_ms, out);
        }
    }
    if (progress->busy > 0) buf_printf(out, "  busy %.0f%%", progress->busy * 100);
    if (out->len - start > width) out->len = start + width;  // all of it is ASCII
}

static uint32_t terminal_width(void) {
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) || size.ws_col < 20) return 80;
    return size.ws_col;
}

static void status_hide(Console *console) {
    if (!console->shown) return;
    (void)fputs("\r\033[K", stderr);
    (void)fflush(stderr);
    console->shown = false;
}

static void status_show(Console *console) {
    JobProgress progress;
    if (!session_progress(console->session, &progress)) return;
    int64_t now = os_monotonic_ns() / 1000000;
    if (progress.elapsed_ms < STATUS_AFTER_MS || now - console->ticked_ms < STATUS_EVERY_MS) return;
    double seconds = (double)(now - console->ticked_ms) / 1000;
    // Smoothed, so that a source that works in bursts can be read.
    double share = console->ticked_ms ? 0.5 : 1.0;
    if (!console->ticked_ms) seconds = (double)progress.elapsed_ms / 1000;
    double in = (double)(progress.rows_in - console->rows_in) / seconds;
    double out = (double)(progress.rows_out - console->rows_out) / seconds;
    console->in_per_s += (in - console->in_per_s) * share;
    console->out_per_s += (out - console->out_per_s) * share;
    console->rows_in = progress.rows_in;
    console->rows_out = progress.rows_out;
    console->ticked_ms = now;
    Buf line = {0};
    buf_puts(&line, "\r\033[K");
    status_line(&progress, console->in_per_s, console->out_per_s, os_now_ms(), terminal_width() - 1,
                &line);
    (void)fwrite(line.ptr, 1, line.len, stderr);
    (void)fflush(stderr);
    buf_free(&line);
    console->shown = true;
}

// --- The ticker --------------------------------------------------------------------------------

static void *tick(void *arg) {
    Console *console = arg;
    (void)pthread_mutex_lock(&console->lock);
    while (!console->ends) {
        struct timespec until;
        (void)clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += TICK_MS * 1000000;
        if (until.tv_nsec >= 1000000000) {
            until.tv_nsec -= 1000000000;
            until.tv_sec++;
        }
        (void)pthread_cond_timedwait(&console->wake, &console->lock, &until);
        if (console->ends) break;
        if (console->result && result_waits(console->result)) {
            status_hide(console);
            result_tick(console->result);
        }
        if (console->live) status_show(console);
    }
    status_hide(console);
    (void)pthread_mutex_unlock(&console->lock);
    return NULL;
}

void console_begin(Console *console, Session *session, ResultPrinter *result) {
    console->session = session;
    console->result = result;
    console->ends = false;
    console->rows_in = console->rows_out = 0;
    console->ticked_ms = 0;
    console->in_per_s = console->out_per_s = 0;
    console->ticking = pthread_create(&console->ticker, NULL, tick, console) == 0;
}

void console_end(Console *console) {
    (void)pthread_mutex_lock(&console->lock);
    console->ends = true;
    console->result = NULL;
    (void)pthread_cond_signal(&console->wake);
    (void)pthread_mutex_unlock(&console->lock);
    if (console->ticking) (void)pthread_join(console->ticker, NULL);
    console->ticking = false;
}

void console_lock(Console *console) {
    (void)pthread_mutex_lock(&console->lock);
    status_hide(console);
}

void console_unlock(Console *console) {
    (void)pthread_mutex_unlock(&console->lock);
}

void console_print(void *arg, Str line, bool to_stderr) {
    Console *console = arg;
    FILE *out = to_stderr ? stderr : stdout;
    console_lock(console);
    if (line.len) (void)fwrite(line.ptr, 1, line.len, out);
    (void)fputc('\n', out);
    (void)fflush(out);
    console_unlock(console);
}
