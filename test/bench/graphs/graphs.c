// The speed of ONNX and TensorFlow models on one core: rows a second in batches, and one row alone.
// Arguments are files or folders of models; rows are numbers between -1 and 1.
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "ml/model.h"

enum { ROWS = 1024, ROUNDS = 5 };

static double seconds(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static MlColumn *rows_of(const MlModel *model, Arena *arena) {
    MlColumn *in = ARENA_ARRAY(arena, MlColumn, model->in_count);
    uint64_t seed = 1;
    for (uint32_t f = 0; f < model->in_count; f++) {
        size_t count = (size_t)ROWS * model->in[f].width;
        if (model->in[f].type == ML_TEXT) return NULL;
        in[f].number = ARENA_ARRAY(arena, double, count);
        for (size_t i = 0; i < count; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            in[f].number[i] = (double)(seed >> 40) / (1 << 23) - 1;
        }
    }
    return in;
}

// The best of some rounds, in rows a second: [rows] at a time, for a tenth of a second each.
static double speed(const MlModel *model, const MlColumn *in, uint32_t rows) {
    double best = 0;
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t done = 0;
        double start = seconds(), now = start;
        while (now - start < 0.1) {
            Arena arena = {0};
            Error err = {0};
            MlColumn *out = ARENA_ARRAY(&arena, MlColumn, model->out_count);
            if (model->vt->predict(model, in, rows, out, &arena, &err)) {
                printf("  %s\n", err.message);
                return 0;
            }
            arena_clear(&arena);
            done += rows;
            now = seconds();
        }
        double rate = (double)done / (now - start);
        if (rate > best) best = rate;
    }
    return best;
}

int main(int argc, char **argv) {
    printf("%-44s %14s %14s\n", "", "batches rows/s", "one row, us");
    for (int i = 1; i < argc; i++) {
        MlModel *model;
        Error err = {0};
        Arena arena = {0};
        if (ml_load(str_c(argv[i]), NULL, &model, &err)) {
            printf("%s: %s\n", argv[i], err.message);
            continue;
        }
        MlColumn *in = rows_of(model, &arena);
        if (in) {
            size_t size = strlen(argv[i]);
            const char *name = size > 44 ? argv[i] + size - 44 : argv[i];
            printf("%-44s %14.0f %14.2f\n", name, speed(model, in, ROWS),
                   1e6 / speed(model, in, 1));
        }
        ml_free(model);
        arena_clear(&arena);
    }
    return 0;
}
