// server/snappy.h - Google's Snappy, the block format, to be read: what Prometheus' remote write is
// compressed with. Foreign bytes: nothing in them is believed, fuzz/fuzz_snappy.c sees to it.
#pragma once

#include "base/text.h"

// ST_VALIDATION: the bytes are no Snappy block, or stand for more than [size_max].
NODISCARD Status snappy_read(Str bytes, size_t size_max, Buf *out, Error *err);
