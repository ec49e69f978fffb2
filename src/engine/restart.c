#include "engine/restart.h"

#include "os/os.h"

static Str text_of(const Map *config, const char *key) {
    const char *text = config_get(config, key);
    return text ? str_trim(str_c(text)) : STR("");
}

Status restart_options(const Map *config, bool checkpoints, Restart *out, Error *err) {
    Str type = text_of(config, "restart-strategy.type");
    if (!type.len) type = text_of(config, "restart-strategy");
    *out = (Restart){.kind = checkpoints ? RESTART_EXPONENTIAL : RESTART_NONE, .attempts = -1};
    if (str_eq_nocase(type, STR("none")) || str_eq_nocase(type, STR("off")) ||
        str_eq_nocase(type, STR("disable"))) {
        out->kind = RESTART_NONE;
    } else if (str_eq_nocase(type, STR("fixed-delay")) || str_eq_nocase(type, STR("fixeddelay"))) {
        out->kind = RESTART_FIXED_DELAY;
    } else if (str_eq_nocase(type, STR("failure-rate")) ||
               str_eq_nocase(type, STR("failurerate"))) {
        out->kind = RESTART_FAILURE_RATE;
    } else if (str_eq_nocase(type, STR("exponential-delay")) ||
               str_eq_nocase(type, STR("exponentialdelay"))) {
        out->kind = RESTART_EXPONENTIAL;
    } else if (type.len) {
        (void)error_set(err, ST_VALIDATION, "'restart-strategy.type' = '" STR_FMT "' is not known",
                        STR_ARG(type));
        error_hint(err, "one of none, fixed-delay, failure-rate, exponential-delay");
        return ST_VALIDATION;
    }
    switch (out->kind) {
        case RESTART_NONE: break;
        case RESTART_FIXED_DELAY:
            out->attempts = config_int(config, "restart-strategy.fixed-delay.attempts", 1);
            out->delay_ms = config_ms(config, "restart-strategy.fixed-delay.delay", 1000);
            break;
        case RESTART_FAILURE_RATE:
            out->attempts =
                config_int(config, "restart-strategy.failure-rate.max-failures-per-interval", 1);
            out->interval_ms =
                config_ms(config, "restart-strategy.failure-rate.failure-rate-interval", 60000);
            out->delay_ms = config_ms(config, "restart-strategy.failure-rate.delay", 1000);
            break;
        case RESTART_EXPONENTIAL: {
            out->first_ms =
                config_ms(config, "restart-strategy.exponential-delay.initial-backoff", 1000);
            out->most_ms =
                config_ms(config, "restart-strategy.exponential-delay.max-backoff", 60000);
            out->calm_ms = config_ms(
                config, "restart-strategy.exponential-delay.reset-backoff-threshold", 3600000);
            out->factor = 1.5;
            out->jitter = 0.1;
            Str factor =
                text_of(config, "restart-strategy.exponential-delay.backoff-multiplier");
            Str jitter = text_of(config, "restart-strategy.exponential-delay.jitter-factor");
            if ((factor.len && !str_to_f64(factor, &out->factor)) ||
                (jitter.len && !str_to_f64(jitter, &out->jitter))) {
                return error_set(err, ST_VALIDATION,
                                 "'restart-strategy.exponential-delay': factors are numbers");
            }
            out->attempts = config_int(
                config, "restart-strategy.exponential-delay.attempts-before-reset-backoff", -1);
            out->delay_ms = out->first_ms;
            break;
        }
    }
    return ST_OK;
}

bool restart_again(Restart *self, int64_t now_ms, int64_t *delay_ms) {
    enum { TIMES = sizeof self->failed_ms / sizeof *self->failed_ms };
    int64_t last_ms = self->failures ? self->failed_ms[(self->failures - 1) % TIMES] : now_ms;
    *delay_ms = self->delay_ms;
    switch (self->kind) {
        case RESTART_NONE: return false;
        case RESTART_FIXED_DELAY:
            self->failures++;
            return self->failures <= self->attempts;
        case RESTART_FAILURE_RATE: {
            self->failed_ms[self->failures++ % TIMES] = now_ms;
            int64_t recent = 0;
            for (uint32_t i = 0; i < self->failures && i < TIMES; i++) {
                recent += now_ms - self->failed_ms[i] <= self->interval_ms;
            }
            // Flink counts the failure at hand: with 1, its default, none is followed by a restart.
            return recent < (self->attempts < TIMES ? self->attempts : TIMES);
        }
        case RESTART_EXPONENTIAL: {
            if (self->failures && now_ms - last_ms - self->delay_ms > self->calm_ms) {
                self->failures = 0;
                self->delay_ms = self->first_ms;
            }
            self->failed_ms[self->failures++ % TIMES] = now_ms;
            if (self->attempts >= 0 && self->failures > self->attempts) return false;
            double random = (double)(os()->random() >> 11) / 9007199254740992.0 * 2 - 1;
            *delay_ms = (int64_t)((double)self->delay_ms * (1 + self->jitter * random));
            double next = (double)self->delay_ms * self->factor;
            self->delay_ms = next > (double)self->most_ms ? self->most_ms : (int64_t)next;
            return true;
        }
    }
    return false;
}
