#include "os/address.h"

#include "test/unit.h"

TEST(address, of_names_alone) {
    char out[8][ADDRESS_MAX];
    CHECK(address_list("http://127.0.0.1:80/x", out, 8) == 0);
    CHECK(address_list("http://[::1]:80", out, 8) == 0);
    CHECK(address_list("localhost", out, 8) == 0 && address_list("http://", out, 8) == 0);
    CHECK(address_list("http://no.such.host.invalid", out, 8) == 0);
    uint32_t count = address_list("https://me@localhost:8501/v1?x=1", out, 8);
    for (uint32_t i = 0; i < count; i++) {
        CHECK(!strcmp(out[i], "127.0.0.1") || !strcmp(out[i], "[::1]"));
    }
    CHECK(address_list("http://localhost", out, 0) == 0);
}
