// ml/weir/recurrent.h - LSTM and GRU layers over a block of windows at once, in floats: whoever
// forecasts and whoever learns begins so.
//
// LSTM: Hochreiter, Schmidhuber, 1997, with forget gates (Gers and others, 2000). GRU: Cho and
// others, 2014, in the form where the reset gate is applied after the product, as cuDNN has it.
//
// All values of a step lie together, window by window: [steps][windows][units]. What a window's
// forecast is does not depend on the windows beside it.
#pragma once

#include "ml/weir/weir.h"

// The weights of a layer as the products take them (math_pack).
typedef struct CellWeights {
    float *weight;     // in x gates * units
    float *recurrent;  // units x gates * units
    float *bias;       // [gates * units]
    float *bias_back;  // GRU: of the recurrent part, [gates * units]; NULL of an LSTM
} CellWeights;

struct RecurrentWeights {
    CellWeights *cell;  // [cells]
    float *head;        // units x horizon
    float *bias;        // [horizon]
    float *scratch;     // room for one matrix that is not packed yet
};

// What a layer made of a block. Without [keep], what later steps do not need has one step's room.
typedef struct CellTrace {
    const float *in;  // [steps][windows][in]
    float *h;         // [steps + 1][windows][units], the first of them zero
    float *c;         // LSTM: the same
    float *tanh_c;    // LSTM: [steps][windows][units]
    float *gate;      // [steps][windows][gates * units], after their functions
    float *back;      // GRU: [steps][windows][gates * units], the recurrent part
} CellTrace;

typedef struct RecurrentBlock {
    const Recurrent *net;
    bool keep;
    float *in;         // [steps][windows][step_features]: filled by the caller, standardised
    CellTrace *cell;   // [cells]
    float *out;        // [windows][horizon], standardised
} RecurrentBlock;

// How many windows of a network are worth a block: 1 to 64, fewer where they are long or wide.
uint32_t recurrent_windows(const Recurrent *net);

RecurrentWeights *recurrent_weights(Arena *arena, const Recurrent *net);
// Reads the network's weights again, after they have changed.
void recurrent_pack(const Recurrent *net, RecurrentWeights *weights);

// Room for up to [windows] windows.
RecurrentBlock *recurrent_block(Arena *arena, const Recurrent *net, uint32_t windows, bool keep);
// From block->in to block->out.
void recurrent_forward(RecurrentBlock *block, const RecurrentWeights *weights, uint32_t windows);
