// ml/train/net.c - Adam, and the dense network.
#include "ml/train/net.h"

#include <math.h>

#include "base/assert.h"
#include "ml/vector.h"

void net_glorot(Rng *rng, double *weight, uint32_t in, uint32_t out, double gain) {
    double bound = gain * sqrt(6.0 / (in + out));
    for (size_t i = 0; i < (size_t)in * out; i++) weight[i] = rng_between(rng, -bound, bound);
}

typedef struct Adam {
    double *slope, *mean, *square;
    double rate, clip, decay1, decay2;  // decays: 0.9^t and 0.999^t
} Adam;

static void adam_step(Adam *self, const NetTask *task, uint32_t batch, double l2) {
    double length = 0, scale = 1.0 / batch;
    for (uint32_t i = 0; i < task->params; i++) {
        self->slope[i] *= scale;
        if (task->shrink && task->shrink[i]) self->slope[i] += l2 * scale * task->param[i];
        length += self->slope[i] * self->slope[i];
    }
    length = sqrt(length);
    double cut = self->clip > 0 && length > self->clip ? self->clip / length : 1;
    self->decay1 *= 0.9;
    self->decay2 *= 0.999;
    double rate = self->rate * sqrt(1 - self->decay2) / (1 - self->decay1);
    for (uint32_t i = 0; i < task->params; i++) {
        double slope = self->slope[i] * cut;
        self->mean[i] += 0.1 * (slope - self->mean[i]);
        self->square[i] += 0.001 * (slope * slope - self->square[i]);
        task->param[i] -= rate * self->mean[i] / (sqrt(self->square[i]) + 1e-8);
    }
}

enum { STILL_EPOCHS = 10 };

// Whether the loss has stood still for long; early stopping asks the judged samples instead and
// keeps the parameters that were best.
typedef struct Watch {
    Patience patience;
    double best;
    uint32_t still;
    double *kept;
} Watch;

static bool watch_ends(MlTrainer *trainer, const NetTask *task, Watch *watch, uint32_t epoch,
                       double loss) {
    double judgement = NAN;
    bool stop = false;
    if (task->judged) {
        judgement =
            task->loss(task->arg, task->samples, task->samples + task->judged) / task->judged;
    }
    if (trainer->patience && task->judged) {
        if (patience_better(&watch->patience, judgement, &stop)) {
            memcpy(watch->kept, task->param, task->params * sizeof *watch->kept);
        }
    } else {
        double tolerance = option_number(trainer, "tolerance");
        watch->still = epoch && !(loss < watch->best - tolerance) ? watch->still + 1 : 0;
        if (!epoch || loss < watch->best) watch->best = loss;
        stop = watch->still >= STILL_EPOCHS;
    }
    if ((epoch + 1) % 10 == 0 || stop) {
        if (task->judged) {
            trainer_say(trainer, "pass %u: loss %.6g, on validation rows %.6g", epoch + 1, loss,
                        judgement);
        } else {
            trainer_say(trainer, "pass %u: loss %.6g", epoch + 1, loss);
        }
    }
    return stop;
}

Status net_train(MlTrainer *trainer, const NetTask *task, Error *err) {
    Arena *arena = &trainer->arena;
    uint32_t epochs = option_count(trainer, "epochs"), batch = option_count(trainer, "batch-size");
    double l2 = option_number(trainer, "l2");
    Adam adam = {.rate = option_number(trainer, "learning-rate"),
                 .clip = option_number(trainer, "clip"), .decay1 = 1, .decay2 = 1};
    TRY(trainer_charge(trainer, (uint64_t)task->params * 32 + (uint64_t)task->samples * 4, err));
    adam.slope = ARENA_ARRAY(arena, double, task->params);
    adam.mean = ARENA_ARRAY(arena, double, task->params);
    adam.square = ARENA_ARRAY(arena, double, task->params);
    Watch watch = {.patience = {.patience = trainer->patience},
                   .kept = ARENA_ARRAY(arena, double, task->params)};
    uint32_t *sample = ARENA_ARRAY(arena, uint32_t, task->samples);
    for (uint32_t i = 0; i < task->samples; i++) sample[i] = i;
    Rng rng = rng_make(trainer->seed, 4);
    bool stop = false;
    for (uint32_t epoch = 0; epoch < epochs && !stop; epoch++) {
        double loss = 0;
        rng_shuffle(&rng, sample, task->samples);
        for (uint32_t at = 0; at < task->samples; at += batch) {
            uint32_t count = task->samples - at < batch ? task->samples - at : batch;
            TRY(trainer_check(trainer, err));
            memset(adam.slope, 0, task->params * sizeof *adam.slope);
            loss += task->slope(task->arg, sample + at, count, adam.slope);
            adam_step(&adam, task, count, l2);
        }
        if (!isfinite(loss)) {
            error_set(err, ST_RUNTIME, "the loss is no number any more, in pass %u", epoch + 1);
            error_hint(err, "make 'learning-rate' smaller");
            return ST_RUNTIME;
        }
        trainer->rounds = epoch + 1;
        stop = watch_ends(trainer, task, &watch, epoch, loss / task->samples);
    }
    if (watch.patience.round) {
        memcpy(task->param, watch.kept, task->params * sizeof *task->param);
        trainer->rounds = watch.patience.best_round;
    }
    return ST_OK;
}

// ---- dense

Dense *dense_make(Arena *arena, uint32_t width, const uint32_t *hidden, uint32_t hidden_layers,
                  uint32_t outputs, Activation activation, bool classes, double **param,
                  uint32_t *params) {
    Dense *net = ARENA_NEW(arena, Dense);
    net->width = width;
    net->layers = hidden_layers + 1;
    net->layer = ARENA_ARRAY(arena, Layer, net->layers);
    net->target_scale = 1;
    size_t count = 0;
    for (uint32_t l = 0; l < net->layers; l++) {
        Layer *layer = &net->layer[l];
        bool last = l == hidden_layers;
        layer->in = l ? layer[-1].out : width;
        layer->out = last ? outputs : hidden[l];
        layer->activation = !last ? activation : classes ? ACT_SOFTMAX : ACT_IDENTITY;
        count += (size_t)layer->out * (layer->in + 1);
    }
    ASSERT(count < UINT32_MAX);
    double *at = *param = ARENA_ARRAY(arena, double, count);
    *params = (uint32_t)count;
    for (uint32_t l = 0; l < net->layers; l++) {
        Layer *layer = &net->layer[l];
        layer->weight = at;
        layer->bias = at += (size_t)layer->out * layer->in;
        at += layer->out;
    }
    return net;
}

static uint32_t dense_units(const Dense *net) {
    uint32_t units = net->width;
    for (uint32_t l = 0; l < net->layers; l++) units += net->layer[l].out;
    return units;
}

DenseTask dense_task(Arena *arena, Dense *net, const double *x, const double *y, uint32_t classes) {
    return (DenseTask){.net = net, .x = x, .y = y, .classes = classes,
                       .state = ARENA_ARRAY(arena, double, 2 * dense_units(net))};
}

// All layers of a row, one after the other in [state]; returns the loss.
static double dense_forward(const DenseTask *self, uint32_t row) {
    const Dense *net = self->net;
    double *at = self->state;
    memcpy(at, self->x + (size_t)row * net->width, net->width * sizeof *at);
    for (uint32_t l = 0; l < net->layers; l++) {
        layer_forward(&net->layer[l], at, at + net->layer[l].in);
        at += net->layer[l].in;
    }
    if (self->classes) return -log(fmax(at[(uint32_t)self->y[row]], 1e-300));
    double off = at[0] - self->y[row];
    return off * off / 2;
}

double dense_loss(void *arg, uint32_t from, uint32_t to) {
    const DenseTask *self = arg;
    double sum = 0;
    for (uint32_t row = from; row < to; row++) sum += dense_forward(self, row);
    return sum;
}

// The slope of a function at its own value: what each keeps is enough.
static double activation_slope(Activation kind, double value) {
    switch (kind) {
        case ACT_RELU: return value > 0;
        case ACT_TANH: return 1 - value * value;
        case ACT_SIGMOID: return value * (1 - value);
        default: return 1;
    }
}

double dense_slope(void *arg, const uint32_t *sample, uint32_t count, double *slope) {
    const DenseTask *self = arg;
    const Dense *net = self->net;
    uint32_t units = dense_units(net), last = net->layer[net->layers - 1].out;
    double sum = 0, *base = net->layer[0].weight;
    for (uint32_t s = 0; s < count; s++) {
        sum += dense_forward(self, sample[s]);
        // From the back: at each layer [error] is the slope before its function. Softmax with log
        // loss and a plain output with half squares have the same one.
        double *value = self->state + units - last, *error = value + units;
        double y = self->y[sample[s]];
        for (uint32_t o = 0; o < last; o++) {
            error[o] = value[o] - (self->classes ? o == (uint32_t)y : y);
        }
        for (uint32_t l = net->layers; l-- > 0;) {
            const Layer *layer = &net->layer[l];
            double *in = value - layer->in, *in_error = error - layer->in;
            double *weight = slope + (layer->weight - base), *bias = slope + (layer->bias - base);
            memset(in_error, 0, layer->in * sizeof *in_error);
            for (uint32_t o = 0; o < layer->out; o++) {
                if (error[o] == 0) continue;
                bias[o] += error[o];
                vector_add(weight + (size_t)o * layer->in, error[o], in, layer->in);
                if (!l) continue;
                vector_add(in_error, error[o], layer->weight + (size_t)o * layer->in, layer->in);
            }
            for (uint32_t i = 0; l && i < layer->in; i++) {
                in_error[i] *= activation_slope(layer[-1].activation, in[i]);
            }
            value = in;
            error = in_error;
        }
    }
    return sum;
}

// clang-format off
static const MlOption DENSE_ROWS[] = {
    {"hidden", ML_OPTION_TEXT, "100", .doc = "Units of each hidden layer: `64,32`."},
    {"activation", ML_OPTION_CHOICE, "relu", .choices = "relu tanh sigmoid",
     .doc = "The function of the hidden layers."},
    NET_OPTIONS("200", "200", "0.001", "0.0001"),
    {0},
};
// clang-format on

static Status read_hidden(Str text, uint32_t *hidden, uint32_t *layers, Error *err) {
    Str rest = text;
    *layers = 0;
    while (rest.len) {
        int64_t comma = str_find(rest, STR(","), 0), units;
        Str part = str_trim(str_sub(rest, 0, comma < 0 ? rest.len : (uint32_t)comma));
        rest = comma < 0 ? STR("") : str_sub(rest, (uint32_t)comma + 1, rest.len);
        if (!str_to_i64(part, &units) || units < 1 || units > 4096 || *layers == 16) {
            error_set(err, ST_VALIDATION, "option 'hidden': '" STR_FMT "' is no list of layers",
                      STR_ARG(text));
            error_hint(err, "at most 16 numbers of units from 1 to 4096: '64,32'");
            return ST_VALIDATION;
        }
        hidden[(*layers)++] = (uint32_t)units;
    }
    return ST_OK;
}

static Status train_dense(MlTrainer *trainer, Error *err) {
    WeirModel *model = trainer->model;
    uint32_t hidden[16], layers, width, rows = trainer->rows;
    double *x, *y = trainer->y;
    TRY(read_hidden(option_text(trainer, "hidden"), hidden, &layers, err));
    TRY(trainer_encode(trainer, true, &x, &width, err));
    uint32_t outputs = model->classes ? model->classes : 1;
    NetTask task = {.samples = trainer->train_rows, .judged = rows - trainer->train_rows,
                    .slope = dense_slope, .loss = dense_loss};
    Dense *net = dense_make(&model->arena, width, hidden, layers, outputs,
                            (Activation)option_choice(trainer, "activation"), model->classes > 0,
                            &task.param, &task.params);
    if (!model->classes) {
        double sum = 0, squares = 0;
        for (uint32_t i = 0; i < trainer->train_rows; i++) sum += trainer->y[i];
        net->target_mean = sum / trainer->train_rows;
        for (uint32_t i = 0; i < trainer->train_rows; i++) {
            squares += (trainer->y[i] - net->target_mean) * (trainer->y[i] - net->target_mean);
        }
        if (squares > 0) net->target_scale = sqrt(squares / trainer->train_rows);
        y = ARENA_ARRAY(&trainer->arena, double, rows);
        for (uint32_t i = 0; i < rows; i++) {
            y[i] = (trainer->y[i] - net->target_mean) / net->target_scale;
        }
    }
    Rng rng = rng_make(trainer->seed, 5);
    bool *shrink = ARENA_ARRAY(&trainer->arena, bool, task.params);
    for (uint32_t l = 0; l < net->layers; l++) {
        Layer *layer = &net->layer[l];
        double gain = layer->activation == ACT_SIGMOID ? 0.5773502691896258 : 1;
        net_glorot(&rng, layer->weight, layer->in, layer->out, gain);
        memset(shrink + (layer->weight - task.param), true, (size_t)layer->in * layer->out);
    }
    DenseTask dense = dense_task(&trainer->arena, net, x, y, model->classes);
    task.arg = &dense;
    task.shrink = shrink;
    TRY(net_train(trainer, &task, err));
    model->kind = WEIR_DENSE;
    model->dense = net;
    return ST_OK;
}

const MlAlgorithm TRAIN_MLP = {
    .name = "mlp",
    .tasks = 1 << ML_CLASSIFICATION | 1 << ML_REGRESSION,
    .option = DENSE_ROWS,
    .train = train_dense,
    .doc = "A small dense network (multi-layer perceptron), trained by Adam.",
};
