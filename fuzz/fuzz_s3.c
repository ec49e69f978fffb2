// fuzz/fuzz_s3.c - what an S3 server sends (os/s3/s3_reply.c): listings, errors, single elements
// and heads. The first byte chooses. In a listing no name holds a slash or is empty.
#include "base/assert.h"
#include "fuzz/fuzz.h"
#include "os/s3/s3_int.h"

static void read_listing(Arena *arena, Str xml) {
    S3Listing list = {0};
    Error err;
    if (s3_listing_read(arena, xml, STR("p/"), &list, &err)) return;
    for (uint32_t i = 0; i < list.count; i++) {
        ASSERT(list.entry[i].name.len > 0 && list.entry[i].size >= 0);
        ASSERT(str_find(list.entry[i].name, STR("/"), 0) < 0);
    }
}

static void read_head(Str text) {
    S3Reply reply = {.size = -1, .modified_ms = -1};
    while (text.len) {
        int64_t end = str_find(text, STR("\n"), 0);
        uint32_t len = end < 0 ? text.len : (uint32_t)end + 1;
        s3_reply_header(&reply, str_sub(text, 0, len));
        text = str_sub(text, len, text.len);
    }
    ASSERT(reply.size >= -1);
    s3_reply_clear(&reply);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    if (!size) return 0;
    Arena arena = {0};
    Str text = str_make((const char *)bytes + 1, size - 1), code, message, id;
    switch (bytes[0] % 4) {
        case 0: read_listing(&arena, text); break;
        case 1:
            if (s3_error_read(&arena, text, &code, &message)) ASSERT(message.len <= 200);
            break;
        case 2: (void)s3_element_read(&arena, text, "UploadId", &id); break;
        case 3: read_head(text); break;
    }
    arena_clear(&arena);
    return 0;
}
