#include "ml/graph/window.h"

// Strides, pads and sizes beyond this mean nothing, and their products could overflow.
enum { WINDOW_SIZE_MAX = 1 << 24 };

Status window_image(Window *self, const WindowParams *params, const Tensor *image, Error *err) {
    if (image->type != TENSOR_F32 && image->type != TENSOR_F64) return call_no_type(image, err);
    if (image->rank < 3 || image->rank > 2 + SPACE_MAX ||
        (params->space && params->space != image->rank - 2)) {
        char shape[128];
        return error_set(err, ST_RUNTIME, "an image of shape %s for a window of %u dimensions",
                         tensor_shape_text(image, shape), params->space);
    }
    uint32_t space = image->rank - 2, lacking = SPACE_MAX - space;
    bool last = params->channels_last;
    *self = (Window){.space = space, .channels_last = last, .batch = image->dim[0]};
    self->channels = image->dim[last ? image->rank - 1 : 1];
    self->batch_step = tensor_span(image, 1, image->rank);
    self->channel_step = last ? 1 : tensor_span(image, 2, image->rank);
    int64_t step = last ? self->channels : 1;
    for (uint32_t d = SPACE_MAX; d-- > 0;) {
        bool given = d >= lacking && params->space;
        uint32_t from = d - lacking;  // in the parameters
        self->in[d] = d >= lacking ? image->dim[from + (last ? 1 : 2)] : 1;
        self->kernel[d] = given && params->kernel[from] ? params->kernel[from] : 1;
        self->stride[d] = given ? params->stride[from] : 1;
        self->dilation[d] = given ? params->dilation[from] : 1;
        self->front[d] = given ? params->pad_front[from] : 0;
        self->back[d] = given ? params->pad_back[from] : 0;
        self->out_pad[d] = given ? params->out_pad[from] : 0;
        self->step[d] = step;
        step *= self->in[d];
        if (self->stride[d] < 1 || self->stride[d] > WINDOW_SIZE_MAX || self->dilation[d] < 1 ||
            self->dilation[d] > WINDOW_SIZE_MAX || self->front[d] < 0 || self->back[d] < 0 ||
            self->front[d] > WINDOW_SIZE_MAX || self->back[d] > WINDOW_SIZE_MAX) {
            return error_set(err, ST_RUNTIME, "strides, dilations and pads out of range");
        }
    }
    return ST_OK;
}

Status window_result(Window *self, const WindowParams *params, Error *err) {
    self->pixels = self->positions = 1;
    TRY(tensor_count(SPACE_MAX, self->kernel, &self->positions, err));
    for (int d = 0; d < SPACE_MAX; d++) {
        if (self->kernel[d] < 1 || self->kernel[d] > WINDOW_SIZE_MAX) {
            return error_set(err, ST_RUNTIME, "a window of %lld", (long long)self->kernel[d]);
        }
        int64_t reach = (self->kernel[d] - 1) * self->dilation[d] + 1;
        if (params->pad_kind == PAD_VALID) self->front[d] = self->back[d] = 0;
        if (params->pad_kind == PAD_SAME_UPPER || params->pad_kind == PAD_SAME_LOWER) {
            self->out[d] = (self->in[d] + self->stride[d] - 1) / self->stride[d];
            int64_t pad = (self->out[d] - 1) * self->stride[d] + reach - self->in[d];
            if (pad < 0) pad = 0;
            self->front[d] = params->pad_kind == PAD_SAME_UPPER ? pad / 2 : pad - pad / 2;
            self->back[d] = pad - self->front[d];
            continue;
        }
        int64_t room = self->in[d] + self->front[d] + self->back[d] - reach;
        int64_t steps = room / self->stride[d];
        if (params->round_up && room % self->stride[d] > 0) steps++;
        // A window that begins behind the image is none.
        if (params->round_up && steps * self->stride[d] >= self->in[d] + self->front[d]) steps--;
        self->out[d] = room < 0 ? 0 : steps + 1;
    }
    return tensor_count(SPACE_MAX, self->out, &self->pixels, err);
}

void window_shape(const Window *self, int64_t channels, uint32_t *rank,
                  int64_t dim[TENSOR_RANK_MAX]) {
    uint32_t n = 0;
    dim[n++] = self->batch;
    if (!self->channels_last) dim[n++] = channels;
    for (uint32_t d = SPACE_MAX - self->space; d < SPACE_MAX; d++) dim[n++] = self->out[d];
    if (self->channels_last) dim[n++] = channels;
    *rank = n;
}
