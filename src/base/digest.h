// base/digest.h - MD5 (RFC 1321) and the SHA family (FIPS 180-4), of texts at hand.
#pragma once

#include "base/text.h"

typedef enum Digest { DIGEST_MD5, DIGEST_SHA1, DIGEST_SHA224, DIGEST_SHA256, DIGEST_SHA384,
                      DIGEST_SHA512 } Digest;

enum { DIGEST_SIZE_MAX = 64 };

// Returns the size of the digest.
uint32_t digest(Digest kind, Str bytes, uint8_t out[DIGEST_SIZE_MAX]);
