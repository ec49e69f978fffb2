#include <stdlib.h>

#include "func/call_test.h"

TEST(hash_url, digests_pad_over_block_ends) {
    CHECK_CALL("MD5", "9e107d9d372bb6826bd81d3542a419d6",
               "The quick brown fox jumps over the lazy dog");
    // 56 and 112 bytes are the shortest texts that need a second block for the length.
    CHECK_CALL("SHA256", "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
               "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq");
    CHECK_CALL("SHA1", "84983e441c3bd26ebaae4aa1f95129e5e54670f1",
               "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq");
    CHECK_CALL("SHA512",
               "8e959b75dae313da8cf4f72814fc143f8f7779c6eb9f7fa17299aeadb6889018"
               "501d289e4900f7e4331b99dec4b5433ac7d329eeb6dd26545e96e55b874be909",
               "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmno"
               "ijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu");
    CHECK_CALL("SHA2", "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7", "abc", "224:l");
    CHECK_CALL_FAILS("SHA2", "abc", "100:l");
}

TEST(hash_url, url_parts_are_java_net_url_s) {
#define URL "http://user:pw@h:80/p/q.html?k=1&kk=2&k=3#frag"
    CHECK_CALL("PARSE_URL", "h", URL, "HOST");
    CHECK_CALL("PARSE_URL", "user:pw", URL, "USERINFO");
    CHECK_CALL("PARSE_URL", "/p/q.html?k=1&kk=2&k=3", URL, "FILE");
    CHECK_CALL("PARSE_URL", "2", URL, "QUERY", "kk");
    CHECK_CALL("PARSE_URL", "NULL", URL, "QUERY", ".");
    CHECK_CALL("PARSE_URL", "NULL", URL, "host");
    CHECK_CALL("PARSE_URL", "NULL", "gopher://x/y", "HOST");
    CHECK_CALL("PARSE_URL", "NULL", "http://h:x/", "HOST");
    CHECK_CALL("PARSE_URL", "[::1]", "http://[::1]:80/x", "HOST");
    CHECK_CALL("PARSE_URL", "", "http://h", "PATH");
    CHECK_CALL("PARSE_URL", "a@b.c", "mailto:a@b.c", "PATH");
}

TEST(hash_url, percent_encoding_both_ways) {
    CHECK_CALL("URL_ENCODE", "a+b-_.*%7E%C3%A9", "a b-_.*~é");
    CHECK_CALL("URL_DECODE", "a bé", "a+b%C3%A9");
    CHECK_CALL("URL_DECODE", "NULL", "%zz");
    CHECK_CALL("URL_DECODE", "NULL", "%4");
}

TEST(hash_url, addresses_of_one_to_four_parts) {
    CHECK_CALL("INET_ATON", "2130706433", "127.0.0.1");
    CHECK_CALL("INET_ATON", "16777218", "1.2");
    CHECK_CALL("INET_ATON", "NULL", "1.256");
    CHECK_CALL("INET_ATON", "NULL", "1..2");
    CHECK_CALL("INET_NTOA", "255.255.255.255", "4294967295:l");
    CHECK_CALL("INET_NTOA", "NULL", "-1:l");
}

TEST(printf, integers) {
    CHECK_CALL("PRINTF", "   42|42   |00042", "%5d|%-5d|%05d", "42:i", "42:i", "42:i");
    CHECK_CALL("PRINTF", "+2,147,483,647 (5)", "%+,d %(d", "2147483647:i", "-5:i");
    CHECK_CALL("PRINTF", "ffffffd6 0xff 010", "%x %#x %#o", "-42:i", "255:i", "8:i");
    CHECK_CALL("PRINTF", "NULL", "%.2d", "1:i");
    CHECK_CALL("PRINTF", "NULL", "%-d", "1:i");
}

TEST(printf, texts_nulls_and_indexes) {
    CHECK_CALL("PRINTF", "b a a", "%2$s %1$s %<s", "a", "b");
    CHECK_CALL("PRINTF", "nu|      null", "%.2s|%10s", "NULL", "NULL");
    CHECK_CALL("PRINTF", "É😀 95263271", "%S %h", "é😀", "text");
    CHECK_CALL("PRINTF", "100%\n", "100%%%n");
    CHECK_CALL("PRINTF", "NULL", "%z", "a");
    CHECK_CALL("PRINTF", "NULL", "%s %s", "a");
}
