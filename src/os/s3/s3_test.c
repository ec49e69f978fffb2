// Signatures against the examples that AWS publishes ("Authenticating Requests: Using the
// Authorization Header", the S3 examples of Signature Version 4), and what is read of answers.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/hex.h"
#include "os/s3/s3_int.h"
#include "test/unit.h"

static const char EMPTY_HASH[] =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

static S3Signing example(const char *method, const char *path, const char *query,
                         const S3Header *header, uint32_t count, Str hash) {
    return (S3Signing){
        .method = str_c(method), .path = str_c(path), .query = str_c(query), .header = header,
        .header_count = count, .body_hash = hash, .time = STR("20130524T000000Z"),
        .region = STR("us-east-1"), .service = STR("s3"),
        .access_key = STR("AKIAIOSFODNN7EXAMPLE"),
        .secret_key = STR("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
    };
}

static Str signature_of(Arena *arena, const S3Signing *signing) {
    Str text = s3_sign(arena, signing);
    int64_t at = str_find(text, STR("Signature="), 0);
    return str_sub(text, (uint32_t)at + 10, text.len);
}

#define HOST {STR("host"), STR("examplebucket.s3.amazonaws.com")}
#define DATE {STR("x-amz-date"), STR("20130524T000000Z")}

TEST(s3, an_object_is_asked_for_as_in_the_example) {
    Arena arena = {0};
    S3Header header[] = {HOST, {STR("range"), STR("bytes=0-9")},
                         {STR("x-amz-content-sha256"), str_c(EMPTY_HASH)}, DATE};
    S3Signing get = example("GET", "/test.txt", "", header, 4, str_c(EMPTY_HASH));
    CHECK_STR(str_cstr(&arena, s3_sign(&arena, &get)),
              "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
              "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
              "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
    arena_clear(&arena);
}

TEST(s3, an_object_is_put_as_in_the_example) {
    Arena arena = {0};
    Buf path = {0};
    buf_putc(&path, '/');
    percent_encode(STR("test$file.text"), "/", &path);
    Str hash = s3_hash(&arena, STR("Welcome to Amazon S3."));
    CHECK_STR(str_cstr(&arena, hash),
              "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072");
    S3Header header[] = {{STR("date"), STR("Fri, 24 May 2013 00:00:00 GMT")}, HOST,
                         {STR("x-amz-content-sha256"), hash}, DATE,
                         {STR("x-amz-storage-class"), STR("REDUCED_REDUNDANCY")}};
    S3Signing put = example("PUT", buf_cstr(&path), "", header, 5, hash);
    CHECK_STR(str_cstr(&arena, signature_of(&arena, &put)),
              "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
    buf_free(&path);
    arena_clear(&arena);
}

TEST(s3, queries_are_signed_as_in_the_examples) {
    Arena arena = {0};
    S3Header header[] = {HOST, {STR("x-amz-content-sha256"), str_c(EMPTY_HASH)}, DATE};
    S3Signing lifecycle = example("GET", "/", "lifecycle=", header, 3, str_c(EMPTY_HASH));
    CHECK_STR(str_cstr(&arena, signature_of(&arena, &lifecycle)),
              "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
    S3Signing list = example("GET", "/", "max-keys=2&prefix=J", header, 3, str_c(EMPTY_HASH));
    CHECK_STR(str_cstr(&arena, signature_of(&arena, &list)),
              "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
    arena_clear(&arena);
}

TEST(s3, a_process_has_ended_only_where_that_can_be_known) {
    Arena arena = {0};
    Str own = s3_process_mark(&arena, (int64_t)getpid());
    pid_t child = fork();
    if (!child) _exit(pause());
    Str other = s3_process_mark(&arena, (int64_t)child);
    CHECK(!s3_process_ended(&arena, own) && !s3_process_ended(&arena, other));
    (void)kill(child, SIGKILL);
    CHECK(waitpid(child, NULL, 0) == child);
    if (own.len) {  // where there is a /proc
        CHECK(!str_eq(own, other) && s3_process_ended(&arena, other));
        Str elsewhere = str_printf(&arena, "x" STR_FMT, STR_ARG(other));
        CHECK(!s3_process_ended(&arena, elsewhere));
        // Its number is another process's now.
        CHECK(s3_process_ended(&arena, str_printf(&arena, STR_FMT "0", STR_ARG(own))));
    }
    for (uint32_t len = 0; len < own.len; len++) {  // whatever somebody may have put there
        (void)s3_process_ended(&arena, str_sub(own, 0, len));
    }
    CHECK(!s3_process_ended(&arena, STR("")) && !s3_process_ended(&arena, STR("1 2 3 4 5")));
    arena_clear(&arena);
}

TEST(s3, times_are_written_and_read) {
    Arena arena = {0};
    CHECK_STR(str_cstr(&arena, s3_time(&arena, 1369353600000)), "20130524T000000Z");
    CHECK(s3_date_read(STR("Wed, 21 Oct 2015 07:28:00 GMT")) == 1445412480000);
    CHECK(s3_date_read(STR("2009-10-12T17:50:30.123Z")) == 1255369830123);
    CHECK(s3_date_read(STR("2009-10-12T17:50:30Z")) == 1255369830000);
    CHECK(s3_date_read(STR("1970-01-01T00:00:00.000Z")) == 0);
    CHECK(s3_date_read(STR("yesterday")) == -1);
    CHECK(s3_date_read(STR("2009-99-12T17:50:30.000Z")) == -1);
    arena_clear(&arena);
}

static const char *place(Arena *arena, const char *path, const S3Config *config) {
    S3Place at;
    Error err;
    Str base, rest;
    if (s3_place(arena, str_c(path), &at, &err)) return str_cstr(arena, str_c(err.message));
    s3_address(arena, config, &at, &base, &rest);
    return str_cstr(arena, str_printf(arena, STR_FMT STR_FMT, STR_ARG(base), STR_ARG(rest)));
}

TEST(s3, paths_become_addresses) {
    Arena arena = {0};
    S3Config aws = {.region = STR("eu-west-1")};
    S3Config own = {.region = STR("x"), .endpoint = STR("http://h:9000"), .path_style = true};
    CHECK_STR(place(&arena, "s3://b/a/c", &aws), "https://b.s3.eu-west-1.amazonaws.com/a/c");
    CHECK_STR(place(&arena, "s3a://b", &aws), "https://b.s3.eu-west-1.amazonaws.com/");
    CHECK_STR(place(&arena, "s3://b.c/d", &aws), "https://s3.eu-west-1.amazonaws.com/b.c/d");
    CHECK_STR(place(&arena, "s3://b//a/./k v/../\xC3\xA9+=", &own),
              "http://h:9000/b/a/%C3%A9%2B%3D");
    CHECK_STR(place(&arena, "s3://b/../../a", &own), "http://h:9000/b/a");
    own.path_style = false;
    own.endpoint = STR("http://127.0.0.1:9000");
    CHECK_STR(place(&arena, "s3://b/a", &own), "http://127.0.0.1:9000/b/a");
    own.endpoint = STR("http://h:9000");
    CHECK_STR(place(&arena, "s3://b/a", &own), "http://b.h:9000/a");
    CHECK_STR(place(&arena, "s3:///a", &own), "'s3:///a' names no bucket");
    CHECK(!s3_path(STR("s3:/a")) && !s3_path(STR("/s3://a")) && s3_path(STR("s3p://a")));
    arena_clear(&arena);
}

TEST(s3, options_have_the_names_of_the_plug_ins) {
    Arena arena = {0};
    S3Config config;
    Error err;
    CHECK(s3_option(STR("s3.access-key"), "a") && s3_option(STR("s3.secret.key"), "b"));
    CHECK(s3_option(STR("s3.path-style-access"), "true"));
    CHECK(s3_option(STR("s3.endpoint"), "h:1/"));
    CHECK(!s3_option(STR("s3.entropy.key"), "x") && !s3_option(STR("execution.s3.region"), "x"));
    CHECK_OK(s3_config(&arena, &config, &err), &err);
    CHECK_STR(str_cstr(&arena, config.endpoint), "https://h:1");
    CHECK_STR(str_cstr(&arena, config.secret_key), "b");
    CHECK(config.path_style);
    CHECK(s3_option(STR("s3.path.style.access"), "perhaps"));
    CHECK(s3_config(&arena, &config, &err) == ST_VALIDATION);
    static const char *const NAMES[] = {"s3.access.key", "s3.secret.key", "s3.endpoint",
                                        "s3.path.style.access"};
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        CHECK(s3_option(str_c(NAMES[i]), NULL));
    }
    arena_clear(&arena);
}

// ---- answers -----------------------------------------------------------------------------------

TEST(s3, a_listing_is_read) {
    Arena arena = {0};
    S3Listing list = {0};
    Error err;
    Str xml = STR(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>b</Name>"
        "<Prefix>p%2F</Prefix><IsTruncated>true</IsTruncated><!-- > -->"
        "<NextContinuationToken>a&amp;b&#x41;</NextContinuationToken>"
        "<Contents><Key>p/</Key><Size>0</Size></Contents>"
        "<Contents><Key>p/x%20y%26</Key><LastModified>1970-01-01T00:00:01.000Z</LastModified>"
        "<ETag>&quot;1&quot;</ETag><Size>12</Size><Owner><ID>o</ID></Owner></Contents>"
        "<CommonPrefixes><Prefix>p/d/</Prefix></CommonPrefixes><Empty/></ListBucketResult>");
    CHECK_OK(s3_listing_read(&arena, xml, STR("p/"), &list, &err), &err);
    CHECK(list.count == 2);
    CHECK(str_is(list.entry[0].name, "x y&") && list.entry[0].size == 12);
    CHECK(list.entry[0].modified_ms == 1000 && !list.entry[0].is_dir);
    CHECK(str_is(list.entry[1].name, "d") && list.entry[1].is_dir);
    CHECK(str_is(list.next, "a&bA"));
    CHECK(s3_listing_read(&arena, STR("<Other/>"), STR(""), &list, &err) == ST_RUNTIME);
    // Of another prefix, cut short, a page that says nothing of the next one.
    CHECK(s3_listing_read(&arena, xml, STR("q/"), &list, &err) == ST_RUNTIME);
    CHECK(s3_listing_read(&arena, str_sub(xml, 0, 300), STR("p/"), &list, &err) == ST_RUNTIME);
    CHECK(s3_listing_read(&arena, STR("<ListBucketResult><IsTruncated>true</IsTruncated>"
                                      "</ListBucketResult>"), STR(""), &list, &err) == ST_RUNTIME);
    arena_clear(&arena);
}

TEST(s3, errors_are_read) {
    Arena arena = {0};
    Str code, message;
    CHECK(s3_error_read(&arena, STR("<?xml version='1.0'?>\n<Error><Code>SlowDown</Code>"
                                    "<Message>Please &lt;wait&gt;</Message></Error>"),
                        &code, &message));
    CHECK(str_is(code, "SlowDown") && str_is(message, "Please <wait>"));
    CHECK(!s3_error_read(&arena, STR("<html><Error/></html>"), &code, &message));
    CHECK(!s3_error_read(&arena, STR("no XML"), &code, &message));
    CHECK(!s3_error_read(&arena, STR(""), &code, &message));
    CHECK(s3_error_read(&arena, STR("<Error>"), &code, &message) && !code.len);
    arena_clear(&arena);
}

TEST(s3, heads_of_answers_are_read) {
    S3Reply reply = {.size = -1, .modified_ms = -1};
    s3_reply_header(&reply, STR("HTTP/1.1 206 Partial Content\r\n"));
    s3_reply_header(&reply, STR("Content-Length: 10\r\n"));
    s3_reply_header(&reply, STR("content-range: bytes 0-9/1234\r\n"));
    s3_reply_header(&reply, STR("ETag: \"abc\"\r\n"));
    s3_reply_header(&reply, STR("Last-Modified: Thu, 01 Jan 1970 00:00:02 GMT\r\n"));
    CHECK(reply.size == 1234 && reply.modified_ms == 2000 && str_is(reply.tag, "\"abc\""));
    s3_reply_clear(&reply);
}
