// ml/graph/window.h - how a window walks over an image: what convolutions and pools share.
#pragma once

#include "ml/graph/kernels.h"

// An image of up to three dimensions of space (those it lacks have size 1) and its window.
typedef struct Window {
    int64_t batch, channels;
    int64_t in[SPACE_MAX], out[SPACE_MAX], kernel[SPACE_MAX];
    int64_t stride[SPACE_MAX], dilation[SPACE_MAX], front[SPACE_MAX], back[SPACE_MAX];
    int64_t out_pad[SPACE_MAX];  // of a turned convolution
    // Steps in the image's values.
    int64_t batch_step, channel_step, step[SPACE_MAX];
    int64_t pixels, positions;  // of the result and of the kernel
    uint32_t space;
    bool channels_last;
} Window;

// Fills all but the kernel's size and the result's.
NODISCARD Status window_image(Window *self, const WindowParams *params, const Tensor *image,
                              Error *err);
// The kernel's size stands: fills the result's.
NODISCARD Status window_result(Window *self, const WindowParams *params, Error *err);
// The shape of a result with that many channels.
void window_shape(const Window *self, int64_t channels, uint32_t *rank,
                  int64_t dim[TENSOR_RANK_MAX]);

// The place [index] in the image under position [kernel] of the window at [out], in one dimension;
// negative when it is padding.
static inline int64_t window_place(const Window *self, int d, int64_t out, int64_t kernel) {
    int64_t at = out * self->stride[d] - self->front[d] + kernel * self->dilation[d];
    return at < self->in[d] ? at : -1;
}
