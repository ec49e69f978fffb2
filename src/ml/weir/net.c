// ml/weir/net.c - networks of dense layers: a multi-layer perceptron.
#include "ml/vector.h"
#include "ml/weir/weir.h"

// ---- dense

void layer_forward(const Layer *layer, const double *x, double *out) {
    for (uint32_t o = 0; o < layer->out; o++) {
        out[o] = layer->bias[o] + vector_dot(layer->weight + (size_t)o * layer->in, x, layer->in);
    }
    activate(layer->activation, out, layer->out);
}

void dense_score(const WeirModel *model, const double *x, double *out, double *scratch) {
    const Dense *net = model->dense;
    double *from = scratch, *other = scratch + net->width;
    weir_encode(model->feature, model->features, x, true, from);
    uint32_t units = 0;
    for (uint32_t l = 0; l < net->layers; l++) {
        if (net->layer[l].out > units) units = net->layer[l].out;
    }
    double *space[2] = {other, other + units};
    for (uint32_t l = 0; l < net->layers; l++) {
        layer_forward(&net->layer[l], from, space[l & 1]);
        from = space[l & 1];
    }
    uint32_t outputs = net->layer[net->layers - 1].out;
    for (uint32_t i = 0; i < outputs; i++) {
        out[i] = model->classes ? from[i] : from[i] * net->target_scale + net->target_mean;
    }
}

void dense_codec(WeirModel *model, Codec *codec) {
    if (codec_reads(codec)) model->dense = ARENA_NEW(&model->arena, Dense);
    Dense *net = model->dense;
    codec_f64(codec, &net->target_mean);
    codec_f64(codec, &net->target_scale);
    codec_u32(codec, &net->width);
    codec_count(codec, &net->layers, WEIR_LAYERS_MAX, 9);
    Layer *layer = codec_room(codec, net->layers, sizeof *layer, 9);
    if (layer) net->layer = layer;
    uint32_t in = net->width;
    for (uint32_t l = 0; l < net->layers && !codec->failed; l++) {
        int activation = (int)net->layer[l].activation;
        codec_u32(codec, &net->layer[l].in);
        codec_u32(codec, &net->layer[l].out);
        codec_kind(codec, &activation, ACTIVATIONS_);
        net->layer[l].activation = (Activation)activation;
        if (net->layer[l].in != in || !net->layer[l].out || net->layer[l].out > WEIR_UNITS_MAX) {
            codec_fail(codec, "layer %u does not go with the one before it", l);
        }
        in = net->layer[l].out;
        codec_f64s(codec, &net->layer[l].weight, (size_t)net->layer[l].in * net->layer[l].out);
        codec_f64s(codec, &net->layer[l].bias, net->layer[l].out);
    }
    if (!net->layers || net->width != weir_width(model->feature, model->features) ||
        in != (model->classes ? model->classes : 1) || model->task == ML_OUTLIERS) {
        codec_fail(codec, "the network does not go with the features and the task");
    }
}
