// A table's properties.* are settings of Kafka's Java client. librdkafka spells most of them alike;
// what it spells differently is translated here, what only makes sense in Java is passed over, and
// what nobody knows is an error with the nearest name.
#include "connector/kafka/kafka_int.h"

#include <stdio.h>

enum { PROPERTIES_LEN = 11 };  // "properties."

static const struct {
    const char *java, *ours;
} RENAMED[] = {
    {"fetch.max.wait.ms", "fetch.wait.max.ms"},
    {"max.request.size", "message.max.bytes"},
    {"receive.buffer.bytes", "socket.receive.buffer.bytes"},
    {"send.buffer.bytes", "socket.send.buffer.bytes"},
    {"ssl.truststore.location", "ssl.ca.location"},
    {"ssl.truststore.certificates", "ssl.ca.pem"},
    {"ssl.keystore.certificate.chain", "ssl.certificate.pem"},
    {"ssl.keystore.key", "ssl.key.pem"},
};

// Settings of the Java client without a meaning here. A '.' at the end stands for all below.
static const char *const PASSED_OVER[] = {
    "auto.commit.interval.ms",
    "auto.include.jmx.reporter",
    "auto.offset.reset",
    "client.dns.lookup",
    "client.id.prefix",
    "commit.offsets.on.checkpoint",
    "default.api.timeout.ms",
    "enable.auto.commit",
    "enable.metrics.push",
    "exclude.internal.topics",
    "group.protocol",
    "group.remote.assignor",
    "interceptor.classes",
    "key.deserializer",
    "key.serializer",
    "max.block.ms",
    "max.poll.records",
    "metadata.recovery.",
    "metric.",
    "metrics.",
    "partition.assignment.strategy",
    "partition.discovery.interval.ms",
    "partitioner.",
    "register.consumer.metrics",
    "sasl.client.callback.handler.class",
    "sasl.login.",
    "security.providers",
    "socket.connection.setup.timeout.max.ms",
    "ssl.cipher.",
    "ssl.enabled.protocols",
    "ssl.engine.factory.class",
    "ssl.keymanager.algorithm",
    "ssl.keystore.type",
    "ssl.protocol",
    "ssl.provider",
    "ssl.secure.random.implementation",
    "ssl.trustmanager.algorithm",
    "ssl.truststore.password",
    "ssl.truststore.type",
    "throw.on.fetch.stable.offset.unsupported",
    "transactional.id",
    "value.deserializer",
    "value.serializer",
};

// Ours, before the user's; he may override them.
static const struct {
    const char *key, *value;
} FOR_ALL[] =
    {
        {"client.id", "weir"},
},
  FOR_CONSUMERS[] =
      {
          // At the default of 100 000 the client pauses fetching and loses a factor of 20.
          {"queued.min.messages", "1000000"},
          {"fetch.message.max.bytes", "8388608"},
},
  FOR_PRODUCERS[] = {
      {"enable.idempotence", "true"},
      {"delivery.timeout.ms", "120000"},  // as the Java client: half of librdkafka's
      {"queue.buffering.max.messages", "1000000"},
      {"queue.buffering.max.kbytes", "131072"},
};

// Behind the user's: the reader owns offsets, not the client.
static const struct {
    const char *key, *value;
} HELD_FOR_CONSUMERS[] =
    {
        {"enable.auto.commit", "false"},
        {"enable.auto.offset.store", "false"},
        {"enable.partition.eof", "true"},
},
  HELD_FOR_PRODUCERS[] = {
      {"delivery.report.only.error", "true"},
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static bool is_secret(Str key) {
    return str_find(key, STR("password"), 0) >= 0 || str_find(key, STR("secret"), 0) >= 0 ||
           str_find(key, STR("jaas"), 0) >= 0 || str_ends(key, STR(".pem")) ||
           str_ends(key, STR("keystore.key")) || str_find(key, STR("oauthbearer.config"), 0) >= 0;
}

static bool is_passed_over(Str key) {
    for (size_t i = 0; i < COUNT(PASSED_OVER); i++) {
        Str name = str_c(PASSED_OVER[i]);
        if (str_ends(name, STR(".")) ? str_starts(key, name) : str_eq(key, name)) return true;
    }
    return false;
}

// librdkafka's own list of names, for a hint.
static const char *nearest(const rd_kafka_conf_t *conf, Str key, char *out, size_t size) {
    size_t count = 0;
    const char **dump = rdkafka.conf_dump((rd_kafka_conf_t *)conf, &count);
    const char *names[1024];
    size_t known = 0;
    for (size_t i = 0; dump && i < count && known < COUNT(names); i += 2) names[known++] = dump[i];
    for (size_t i = 0; i < COUNT(RENAMED) && known < COUNT(names); i++) {
        names[known++] = RENAMED[i].java;
    }
    const char *near = text_nearest(key, names, known);
    if (near) (void)snprintf(out, size, "%s", near);
    if (dump) rdkafka.conf_dump_free(dump, count);
    return near ? out : NULL;
}

static Status conf_set(rd_kafka_conf_t *conf, const KafkaTable *table, Str property,
                       const char *key, const char *value, Error *err) {
    char reason[256] = "", near[128];
    rd_kafka_conf_res_t result = rdkafka.conf_set(conf, key, value, reason, sizeof reason);
    if (result == RD_KAFKA_CONF_OK) return ST_OK;
    if (result == RD_KAFKA_CONF_UNKNOWN) {
        (void)error_set(err, ST_VALIDATION,
                        "unknown Kafka property 'properties." STR_FMT "' of table '" STR_FMT "'",
                        STR_ARG(property), STR_ARG(table->desc->name));
        const char *name = nearest(conf, property, near, sizeof near);
        if (name) error_hint(err, "did you mean 'properties.%s'?", name);
        return ST_VALIDATION;
    }
    return error_set(err, ST_VALIDATION,
                     "Kafka property 'properties." STR_FMT "' of table '" STR_FMT
                     "' does not take that value%s%s",
                     STR_ARG(property), STR_ARG(table->desc->name), is_secret(property) ? "" : ": ",
                     is_secret(property) ? "" : reason);
}

// --- sasl.jaas.config --------------------------------------------------------------------------

// The value of option [name] in "… Module required name=\"value\" …;", into [out].
static bool jaas_option(Str text, const char *name, char *out, size_t size) {
    Str key = str_c(name);
    for (int64_t at = 0; (at = str_find(text, key, (uint32_t)at)) >= 0; at++) {
        if (at > 0 && text.ptr[at - 1] != ' ' && text.ptr[at - 1] != '\n') continue;
        Str rest = str_trim(str_sub(text, (uint32_t)at + key.len, text.len));
        if (!str_starts(rest, STR("="))) continue;
        rest = str_trim(str_sub(rest, 1, rest.len));
        char quote = rest.len && (rest.ptr[0] == '"' || rest.ptr[0] == '\'') ? rest.ptr[0] : 0;
        uint32_t i = quote ? 1 : 0;
        size_t len = 0;
        for (; i < rest.len && len + 1 < size; i++) {
            char c = rest.ptr[i];
            if (quote ? c == quote : c == ' ' || c == ';' || c == '\n') break;
            if (quote && c == '\\' && i + 1 < rest.len) c = rest.ptr[++i];
            out[len++] = c;
        }
        out[len] = 0;
        return true;
    }
    return false;
}

static Status jaas_set(rd_kafka_conf_t *conf, const KafkaTable *table, const char *value,
                       Error *err) {
    static const struct {
        const char *module, *option, *ours;
    } OPTIONS[] = {
        {"PlainLoginModule", "username", "sasl.username"},
        {"PlainLoginModule", "password", "sasl.password"},
        {"ScramLoginModule", "username", "sasl.username"},
        {"ScramLoginModule", "password", "sasl.password"},
        {"Krb5LoginModule", "principal", "sasl.kerberos.principal"},
        {"Krb5LoginModule", "keyTab", "sasl.kerberos.keytab"},
        {"Krb5LoginModule", "serviceName", "sasl.kerberos.service.name"},
        {"OAuthBearerLoginModule", "clientId", "sasl.oauthbearer.client.id"},
        {"OAuthBearerLoginModule", "clientSecret", "sasl.oauthbearer.client.secret"},
        {"OAuthBearerLoginModule", "scope", "sasl.oauthbearer.scope"},
    };
    Str text = str_c(value);
    bool known = false;
    char option[512];
    for (size_t i = 0; i < COUNT(OPTIONS); i++) {
        if (str_find(text, str_c(OPTIONS[i].module), 0) < 0) continue;
        known = true;
        if (!jaas_option(text, OPTIONS[i].option, option, sizeof option)) continue;
        TRY(conf_set(conf, table, STR("sasl.jaas.config"), OPTIONS[i].ours, option, err));
    }
    if (str_find(text, STR("OAuthBearerLoginModule"), 0) >= 0) {
        TRY(conf_set(conf, table, STR("sasl.jaas.config"), "sasl.oauthbearer.method", "oidc", err));
    }
    if (known) return ST_OK;
    return error_set(err, ST_VALIDATION,
                     "'properties.sasl.jaas.config' of table '" STR_FMT
                     "' names a login module "
                     "that is none of Plain, Scram, Krb5 and OAuthBearer",
                     STR_ARG(table->desc->name));
}

// --- Properties --------------------------------------------------------------------------------

static Status property_set(rd_kafka_conf_t *conf, const KafkaTable *table, bool producer, Str key,
                           const char *value, Error *err) {
    char number[32];
    int64_t bytes;
    if (str_is(key, "sasl.jaas.config")) return jaas_set(conf, table, value, err);
    if (str_is(key, "ssl.truststore.location")) {
        const char *type = options_get(&table->options, "properties.ssl.truststore.type");
        if (!type || !str_eq_nocase(str_c(type), STR("PEM"))) {
            (void)error_set(err, ST_VALIDATION,
                            "the trust store of table '" STR_FMT "' has to be in PEM format",
                            STR_ARG(table->desc->name));
            error_hint(err, "convert it, and set 'properties.ssl.truststore.type' to 'PEM'");
            return ST_VALIDATION;
        }
    }
    if (str_is(key, "ssl.endpoint.identification.algorithm") && !*value) value = "none";
    if (str_is(key, "buffer.memory") && str_to_i64(str_c(value), &bytes)) {
        (void)snprintf(number, sizeof number, "%lld", (long long)(bytes / 1024 ? bytes / 1024 : 1));
        return conf_set(conf, table, key, "queue.buffering.max.kbytes", number, err);
    }
    // A topic setting of librdkafka's producers; its consumers know it by another name.
    if (str_is(key, "request.timeout.ms") && !producer) {
        return conf_set(conf, table, key, "socket.timeout.ms", value, err);
    }
    if (is_passed_over(key)) return ST_OK;
    const char *name = key.ptr;
    for (size_t i = 0; i < COUNT(RENAMED); i++) {
        if (str_eq(key, str_c(RENAMED[i].java))) name = RENAMED[i].ours;
    }
    return conf_set(conf, table, key, name, value, err);
}

static Status conf_fill(rd_kafka_conf_t *conf, const KafkaTable *table, bool producer, Error *err) {
    for (size_t i = 0; i < COUNT(FOR_ALL); i++) {
        TRY(conf_set(conf, table, STR(""), FOR_ALL[i].key, FOR_ALL[i].value, err));
    }
    for (size_t i = 0; !producer && i < COUNT(FOR_CONSUMERS); i++) {
        TRY(conf_set(conf, table, STR(""), FOR_CONSUMERS[i].key, FOR_CONSUMERS[i].value, err));
    }
    for (size_t i = 0; producer && i < COUNT(FOR_PRODUCERS); i++) {
        TRY(conf_set(conf, table, STR(""), FOR_PRODUCERS[i].key, FOR_PRODUCERS[i].value, err));
    }
    if (producer && table->partitioner == PARTITION_DEFAULT) {
        // As the Java client places keys.
        TRY(conf_set(conf, table, STR(""), "partitioner", "murmur2_random", err));
    } else if (producer) {  // ours is asked for each message, also those without a key
        TRY(conf_set(conf, table, STR(""), "sticky.partitioning.linger.ms", "0", err));
    }
    const Map *map = table->options.map;
    for (uint32_t i = 0; i < map->count; i++) {
        Str key = map->entry[i].key;
        if (!str_starts(key, STR("properties.")) || key.len >= 256) continue;
        char name[256];
        memcpy(name, key.ptr + PROPERTIES_LEN, key.len - PROPERTIES_LEN);
        name[key.len - PROPERTIES_LEN] = 0;
        TRY(property_set(conf, table, producer, str_c(name), map->entry[i].value, err));
    }
    for (size_t i = 0; !producer && i < COUNT(HELD_FOR_CONSUMERS); i++) {
        TRY(conf_set(conf, table, STR(""), HELD_FOR_CONSUMERS[i].key, HELD_FOR_CONSUMERS[i].value,
                     err));
    }
    for (size_t i = 0; producer && i < COUNT(HELD_FOR_PRODUCERS); i++) {
        TRY(conf_set(conf, table, STR(""), HELD_FOR_PRODUCERS[i].key, HELD_FOR_PRODUCERS[i].value,
                     err));
    }
    if (producer) return ST_OK;
    if (!table->group) TRY(conf_set(conf, table, STR(""), "group.id", "weir", err));
    // When an offset is gone (the topic was cut): as the Flink source does for each start mode.
    const char *reset = table->reset == RESET_EARLIEST ? "earliest"
                        : table->reset == RESET_LATEST ? "latest"
                                                       : "error";
    return conf_set(conf, table, STR("auto.offset.reset"), "auto.offset.reset", reset, err);
}

RdKafka rdkafka;
#define RDKAFKA_NAME(name) "rd_kafka_" #name,
static const char *const RDKAFKA_NAMES[] = {RDKAFKA_FUNCTIONS(RDKAFKA_NAME)};
static Library rdkafka_library = {
    .file = "librdkafka.so.1", .purpose = "the kafka connector", .package = "librdkafka1",
    .symbol = RDKAFKA_NAMES, .functions = &rdkafka,
    .count = sizeof RDKAFKA_NAMES / sizeof *RDKAFKA_NAMES,
};

Status kafka_conf(const KafkaTable *table, bool producer, rd_kafka_conf_t **out, Error *err) {
    TRY(library_load(&rdkafka_library, err));
    rd_kafka_conf_t *conf = rdkafka.conf_new();
    Status st = conf_fill(conf, table, producer, err);
    if (st) {
        rdkafka.conf_destroy(conf);
        return st;
    }
    *out = conf;
    return ST_OK;
}

// --- Trouble -----------------------------------------------------------------------------------

void kafka_trouble_init(KafkaTrouble *trouble) {
    *trouble = (KafkaTrouble){.code = RD_KAFKA_RESP_ERR_NO_ERROR};
    (void)pthread_mutex_init(&trouble->lock, NULL);
}

void kafka_trouble_clear(KafkaTrouble *trouble) {
    (void)pthread_mutex_destroy(&trouble->lock);
}

// A connection that is lost, by force or not, is made again by the client, and what was under way
// is repeated: people should know why it takes its time. Called with the lock.
static void tell(const KafkaTrouble *trouble, const char *reason) {
    static const int64_t SILENCE_NS = 10000000000;  // complaints come of each broker, and again
    KafkaTeller *teller = trouble->teller;
    if (!teller || !teller->print) return;
    int64_t now = os_monotonic_ns(), told = atomic_load(&teller->told_ns);
    if (told && now - told < SILENCE_NS) return;
    if (!atomic_compare_exchange_strong(&teller->told_ns, &told, now)) return;
    char line[512];
    int len = snprintf(line, sizeof line, "weir: table '" STR_FMT "': Kafka: %s; it is tried again",
                       STR_ARG(trouble->table->name), reason);
    size_t size = len < (int)sizeof line ? (size_t)len : sizeof line - 1;
    teller->print(teller->print_arg, str_make(line, size), true);
}

static void on_error(rd_kafka_t *rk, int code, const char *reason, void *opaque) {
    KafkaTrouble *trouble = opaque;
    char text[256];
    if (code == RD_KAFKA_RESP_ERR__FATAL) {
        code = rdkafka.fatal_error(rk, text, sizeof text);
        reason = text;
    }
    bool fatal = code == RD_KAFKA_RESP_ERR__AUTHENTICATION || code == RD_KAFKA_RESP_ERR__SSL ||
                 rdkafka.fatal_error(rk, NULL, 0) != RD_KAFKA_RESP_ERR_NO_ERROR;
    (void)pthread_mutex_lock(&trouble->lock);
    // "All brokers are down" says less than what was said of the last of them before.
    if (code != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || !trouble->code) {
        trouble->code = (rd_kafka_resp_err_t)code;
        (void)snprintf(trouble->text, sizeof trouble->text, "%s", reason ? reason : "");
    }
    trouble->fatal |= fatal;
    if (!fatal && reason && *reason) tell(trouble, reason);
    (void)pthread_mutex_unlock(&trouble->lock);
}

static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text) {
    (void)rk, (void)level, (void)facility, (void)text;  // what matters comes as an error, too
}

void kafka_trouble_listen(KafkaTrouble *trouble, const KafkaTable *table, rd_kafka_conf_t *conf) {
    trouble->teller = table->teller;
    trouble->table = table->desc;
    rdkafka.conf_set_opaque(conf, trouble);
    rdkafka.conf_set_error_cb(conf, on_error);
    rdkafka.conf_set_log_cb(conf, on_log);
}

// Failures that a retry cannot mend.
static bool is_hopeless(rd_kafka_resp_err_t code) {
    switch (code) {
        case RD_KAFKA_RESP_ERR__AUTHENTICATION:
        case RD_KAFKA_RESP_ERR__SSL:
        case RD_KAFKA_RESP_ERR__INVALID_ARG:
        case RD_KAFKA_RESP_ERR__FATAL:
        case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
        case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
        case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
        case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
        case RD_KAFKA_RESP_ERR_INVALID_MSG:
        case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
        case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
        case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION: return true;
        default: return false;
    }
}

Status kafka_trouble_error(KafkaTrouble *trouble, rd_kafka_resp_err_t code, const char *what,
                           Error *err) {
    (void)pthread_mutex_lock(&trouble->lock);
    // What is fatal is said when somebody asks: the callback may be yet to come.
    char fatal[256] = "";
    bool hopeless = is_hopeless(code);
    if (code == RD_KAFKA_RESP_ERR__FATAL && trouble->rk) {
        rd_kafka_resp_err_t why = rdkafka.fatal_error(trouble->rk, fatal, sizeof fatal);
        if (why != RD_KAFKA_RESP_ERR_NO_ERROR) code = why;
    }
    // A failure that names itself says more than the trouble before it; "fatal" names nothing.
    bool named = is_hopeless(code) && code != RD_KAFKA_RESP_ERR__FATAL;
    bool told = trouble->code != RD_KAFKA_RESP_ERR_NO_ERROR && !named;
    if (told && !*fatal) hopeless = is_hopeless(trouble->code);
    Status status = hopeless ? ST_RUNTIME : ST_CONNECT;
    const char *text = *fatal ? fatal : told ? trouble->text : rdkafka.err2str(code);
    (void)error_set(err, status, "%s: %s", what, text);
    bool scram = told && strstr(trouble->text, "SASL mechanism SCRAM");
    if (told && !*fatal) code = trouble->code;  // what was said, whichever call met it
    (void)pthread_mutex_unlock(&trouble->lock);
    if (code == RD_KAFKA_RESP_ERR__FENCED || code == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH) {
        error_hint(err, "another run with this 'sink.transactional-id-prefix' has taken over, or "
                        "'properties.transaction.timeout.ms' is over");
    }
    // Its proof of the password has the nonce twice, which brokers take for a wrong one.
    if (scram && rdkafka.version() < 0x02060100) {
        error_hint(err,
                   "librdkafka %s cannot do SCRAM with brokers from 3.8.1 on: 2.6.1 or newer can",
                   rdkafka.version_str());
    }
    return status;
}

bool kafka_trouble_fatal(KafkaTrouble *trouble) {
    (void)pthread_mutex_lock(&trouble->lock);
    bool fatal = trouble->fatal;
    (void)pthread_mutex_unlock(&trouble->lock);
    return fatal;
}
