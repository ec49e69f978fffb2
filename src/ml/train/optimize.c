// ml/train/optimize.c - L-BFGS, orthant-wise where sizes cost.
#include "ml/train/optimize.h"

#include <math.h>

#include "ml/vector.h"

enum { MEMORY = 10, HALVINGS_MAX = 40 };

typedef struct Descent {
    uint32_t count;
    const double *cost;     // of sizes; NULL: none
    double *w, *slope, *pseudo, *direction, *next, *next_slope;
    double *step[MEMORY], *change[MEMORY], rho[MEMORY];
    uint32_t kept, newest;
} Descent;

static double whole_value(const Descent *self, const double *w, double smooth) {
    for (uint32_t i = 0; self->cost && i < self->count; i++) smooth += self->cost[i] * fabs(w[i]);
    return smooth;
}

// The slope with sizes: where a number is 0 it may go either way, or stays.
static void make_pseudo(Descent *self) {
    for (uint32_t i = 0; i < self->count; i++) {
        double slope = self->slope[i], cost = self->cost ? self->cost[i] : 0, at = self->w[i];
        if (at > 0) self->pseudo[i] = slope + cost;
        else if (at < 0) self->pseudo[i] = slope - cost;
        else if (slope + cost < 0) self->pseudo[i] = slope + cost;
        else if (slope - cost > 0) self->pseudo[i] = slope - cost;
        else self->pseudo[i] = 0;
    }
}

// The direction that the slopes and steps of late say leads down: the two loops of L-BFGS.
static void make_direction(Descent *self) {
    double alpha[MEMORY], *d = self->direction;
    uint32_t count = self->count;
    for (uint32_t i = 0; i < count; i++) d[i] = -self->pseudo[i];
    for (uint32_t k = 0; k < self->kept; k++) {
        uint32_t m = (self->newest + MEMORY - k) % MEMORY;
        alpha[m] = self->rho[m] * vector_dot(self->step[m], d, count);
        vector_add(d, -alpha[m], self->change[m], count);
    }
    if (self->kept) {
        uint32_t m = self->newest;
        double scale = 1 / (self->rho[m] * vector_dot(self->change[m], self->change[m], count));
        for (uint32_t i = 0; i < count; i++) d[i] *= scale;
    }
    for (uint32_t k = self->kept; k-- > 0;) {
        uint32_t m = (self->newest + MEMORY - k) % MEMORY;
        double beta = self->rho[m] * vector_dot(self->change[m], d, count);
        vector_add(d, alpha[m] - beta, self->step[m], count);
    }
    for (uint32_t i = 0; self->cost && i < count; i++) {
        if (self->cost[i] > 0 && d[i] * self->pseudo[i] >= 0) d[i] = 0;
    }
}

static void step_to(const Descent *self, double length) {
    for (uint32_t i = 0; i < self->count; i++) {
        double to = self->w[i] + length * self->direction[i];
        if (self->cost && self->cost[i] > 0) {  // nobody crosses 0 in one step
            double side = self->w[i] != 0 ? self->w[i] : -self->pseudo[i];
            if (to * side <= 0) to = 0;
        }
        self->next[i] = to;
    }
}

static void remember(Descent *self) {
    uint32_t m = self->kept ? (self->newest + 1) % MEMORY : 0;
    double *step = self->step[m], *change = self->change[m];
    for (uint32_t i = 0; i < self->count; i++) {
        step[i] = self->next[i] - self->w[i];
        change[i] = self->next_slope[i] - self->slope[i];
    }
    double curve = vector_dot(step, change, self->count);
    if (!(curve > 1e-300)) return;  // no valley in that direction
    self->rho[m] = 1 / curve;
    self->newest = m;
    if (self->kept < MEMORY) self->kept++;
}

static double largest(const double *value, uint32_t count) {
    double most = 0;
    for (uint32_t i = 0; i < count; i++) most = fmax(most, fabs(value[i]));
    return most;
}

// Halves the step until it leads far enough down; false: nothing does.
static bool search(Descent *self, Objective objective, void *arg, double *value, bool first) {
    double down = vector_dot(self->direction, self->pseudo, self->count), length = 1;
    if (!(down < 0)) return false;
    if (first) length = fmin(1, 1 / sqrt(vector_dot(self->pseudo, self->pseudo, self->count)));
    for (int i = 0; i < HALVINGS_MAX; i++, length /= 2) {
        step_to(self, length);
        double smooth = objective(arg, self->next, self->next_slope);
        double next = whole_value(self, self->next, smooth);
        if (!(next <= *value + 1e-4 * length * down)) continue;
        *value = next;
        return true;
    }
    return false;
}

Status minimise(MlTrainer *trainer, Objective objective, void *arg, double *w, uint32_t count,
                const double *size_weight, uint32_t steps, double tolerance, Error *err) {
    Arena *arena = &trainer->arena;
    Descent self = {.count = count, .cost = size_weight, .w = w};
    double **room[] = {&self.slope, &self.pseudo, &self.direction, &self.next, &self.next_slope};
    for (size_t i = 0; i < sizeof room / sizeof *room; i++) {
        *room[i] = ARENA_ARRAY(arena, double, count);
    }
    for (uint32_t m = 0; m < MEMORY; m++) {
        self.step[m] = ARENA_ARRAY(arena, double, count);
        self.change[m] = ARENA_ARRAY(arena, double, count);
    }
    double value = whole_value(&self, w, objective(arg, w, self.slope)), enough = 0;
    for (uint32_t step = 0; step < steps; step++) {
        TRY(trainer_check(trainer, err));
        make_pseudo(&self);
        double most = largest(self.pseudo, count);
        if (!step) enough = tolerance * fmax(1, most);
        if (most <= enough) break;
        make_direction(&self);
        if (!search(&self, objective, arg, &value, !self.kept)) {
            if (!self.kept) break;  // down the slope itself leads nowhere: this is the floor
            self.kept = 0;
            continue;
        }
        remember(&self);
        memcpy(self.w, self.next, count * sizeof *w);
        double *kept = self.slope;
        self.slope = self.next_slope;
        self.next_slope = kept;
        trainer->rounds = step + 1;
        if ((step + 1) % 10 == 0) trainer_say(trainer, "step %u: loss %.8g", step + 1, value);
    }
    return ST_OK;
}
