#include "format/testing.h"
#include "test/unit.h"

TEST(raw, lines_are_records) {
    FormatCase c;
    format_case(&c, "raw", "line STRING", NULL);
    CHECK_STR(format_decode(&c, "first\r\n\nlast"), "+I[first]\n+I[]\n+I[last]\n");
    format_case_end(&c);
    format_case(&c, "raw", "line STRING", "charset=ISO-8859-1");
    CHECK_STR(format_decode(&c, "\xE9\n"), "+I[\xC3\xA9]\n");
    format_case_end(&c);
    format_case(&c, "raw", "n INT", "endianness=little-endian");
    CHECK_STR(format_decode_messages(&c, "\x01\x02\x01\x01"), "+I[16843265]\n");
    CHECK(strstr(format_decode(&c, "abc\n"), "3 bytes, not 4"));
    format_case_end(&c);
}
