#include <stdlib.h>

#include "connector/kafka/kafka_int.h"
#include "test/unit.h"

// The exchange that RFC 7677 prints.
TEST(kafka, scram_answers_as_the_rfc_says) {
    Scram scram;
    Error err;
    CHECK(scram_begin(&scram, "SCRAM-SHA-256", "user", "rOprNGfwEbeRWgbNEkqO", &err));
    CHECK_STR(buf_cstr(&scram.message), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
    CHECK(!scram_answer(&scram, STR("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                                    "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"), "pencil"));
    CHECK_STR(buf_cstr(&scram.message),
              "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
              "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
    CHECK(!scram_check(&scram, STR("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")));
    CHECK(scram_check(&scram, STR("v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")));
    CHECK(scram_check(&scram, STR("e=other-error")));
    scram_clear(&scram);
}

TEST(kafka, scram_refuses_what_is_not_for_it) {
    static const char *const WRONG[] = {
        "", "r=abc", "r=abcd,s=W22ZaJ0SNY7soEsUEjb6gQ==", "r=abcd,s=W22Z,i=0", "r=abcd,s=W2,i=4096",
        "r=abcd,s=W22Z,i=999999999", "r=xbcd,s=W22Z,i=4096", "r=abc,s=W22Z,i=4096",
    };
    for (uint32_t i = 0; i < sizeof WRONG / sizeof *WRONG; i++) {
        Scram scram;
        Error err;
        CHECK(scram_begin(&scram, "SCRAM-SHA-512", "a=b,c", "abc", &err));
        CHECK_STR(buf_cstr(&scram.message), "n,,n=a=3Db=2Cc,r=abc");
        CHECK(scram_answer(&scram, str_c(WRONG[i]), "p"));
        scram_clear(&scram);
    }
}

// At the broker that test/services/kafka_secure.sh has started: the way of a transaction that a
// dead process has left, through TLS and each mechanism.
TEST(kafka, wire_gets_through_tls_and_sasl) {
    static const char *const MECHANISM[] = {"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"};
    const char *door = getenv("KAFKA_SECURE"), *password = getenv("KAFKA_PASSWORD");
    if (!door || !password) {
        print_message("SKIP kafka.wire_gets_through_tls_and_sasl: no broker\n");
        return;
    }
    for (uint32_t i = 0; i < 6; i++) {
        bool right = i < 3;
        Error err = {0};
        Map options = {0};
        TableDesc desc = {.name = STR("t"), .options = {.owner = STR("t"), .map = &options}};
        KafkaTable table = {.desc = &desc};
        (void)map_put(&options, STR("properties.bootstrap.servers"), (void *)(uintptr_t)door);
        (void)map_put(&options, STR("properties.security.protocol"), "SASL_SSL");
        (void)map_put(&options, STR("properties.ssl.ca.location"),
                      (void *)(uintptr_t)getenv("KAFKA_CA"));
        (void)map_put(&options, STR("properties.sasl.mechanism"),
                      (void *)(uintptr_t)MECHANISM[i % 3]);
        (void)map_put(&options, STR("properties.sasl.username"), "weir");
        (void)map_put(&options, STR("properties.sasl.password"),
                      (void *)(uintptr_t)(right ? password : "no-such-word"));
        table.options = desc.options;
        KafkaWire wire;
        wire_init(&wire, &table);
        bool unused = false;
        Status st = wire_abort(&wire, "weir-sasl-test", &unused, &err);
        if (right) CHECK_OK(st, &err);
        else CHECK(st == ST_RUNTIME && strstr(err.message, ": authentication: "));
        CHECK(!strstr(err.message, password));
        wire_clear(&wire);
        map_clear(&options);
    }
}
