#include "ml/graph/stored.h"

#include <math.h>

#include "test/unit.h"

TEST(stored, halves_become_floats) {
    static const uint16_t HALF[] = {0x3C00, 0xC000, 0x0001, 0x7BFF, 0x7C00, 0xFC00, 0x7E00};
    float value[7];
    Tensor t = {.type = TENSOR_F32, .rank = 1, .dim = {7}, .count = 7, .data = value};
    stored_fill(&t, STORED_F16, HALF);
    CHECK(value[0] == 1 && value[1] == -2 && value[2] == 0x1p-24f && value[3] == 65504);
    CHECK(value[4] == INFINITY && value[5] == -INFINITY && isnan(value[6]));
    static const uint16_t BRAIN[] = {0x3F80, 0xC040};
    t.count = 2;
    stored_fill(&t, STORED_BF16, BRAIN);
    CHECK(value[0] == 1 && value[1] == -3);
}

TEST(stored, small_integers_keep_their_sign) {
    static const uint8_t RAW[] = {0xFF, 0x7F, 0x80};
    int32_t value[3];
    Tensor t = {.type = TENSOR_I32, .rank = 1, .dim = {3}, .count = 3, .data = value};
    stored_fill(&t, STORED_I8, RAW);
    CHECK(value[0] == -1 && value[1] == 127 && value[2] == -128);
    stored_fill(&t, STORED_U8, RAW);
    CHECK(value[0] == 255 && value[1] == 127 && value[2] == 128);
    int64_t wide;
    Tensor one = {.type = TENSOR_I64, .count = 1, .data = &wide};
    stored_put(&one, 0, STORED_U32, UINT64_MAX);
    CHECK(wide == UINT32_MAX);
    uint8_t flag;
    Tensor truth = {.type = TENSOR_BOOL, .count = 1, .data = &flag};
    stored_fill(&truth, STORED_BOOL, RAW);
    CHECK(flag == 1);
}

TEST(stored, each_type_has_a_tensor_that_holds_it) {
    for (int type = STORED_NONE + 1; type <= STORED_LIST; type++) {
        TensorType held = stored_tensor((StoredType)type);
        CHECK(held != TENSOR_NONE);
        CHECK(stored_size((StoredType)type) <= tensor_size(held));
        CHECK(stored_bits((StoredType)type) == 0 ||
              stored_bits((StoredType)type) == (int32_t)stored_size((StoredType)type) * 8);
    }
    CHECK(stored_tensor(STORED_NONE) == TENSOR_NONE);
}
