// Which partitions a reader has, and from where to where it reads each. Everything here asks
// brokers and waits: it runs on the reader's own thread, never on a worker. Waits are cut into
// short slices, so that a reader that closes does not hang for a broker that does not answer.
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdatomic.h>
#include <stdio.h>

#include "connector/kafka/kafka_int.h"

enum {
    SLICE_MS = 500,       // of one wait
    PATIENCE_MS = 20000,  // for an answer, all slices together
    RETRY_MS = 100,       // between tries that fail at once
};

// --- Lists of assignments ----------------------------------------------------------------------

void assignments_add(Assignments *list, Str topic, int32_t partition, int64_t start, int64_t stop) {
    if (list->count == list->cap) {
        list->cap = list->cap ? list->cap * 2 : 16;
        list->item = mem_realloc(list->item, list->cap * sizeof *list->item);
    }
    list->item[list->count++] = (Assignment){str_own(topic), partition, start, stop};
}

const Assignment *assignments_find(const Assignments *list, const char *topic, int32_t partition) {
    for (uint32_t i = 0; i < list->count; i++) {
        if (list->item[i].partition == partition && strcmp(list->item[i].topic, topic) == 0) {
            return &list->item[i];
        }
    }
    return NULL;
}

void assignments_clear(Assignments *list) {
    for (uint32_t i = 0; i < list->count; i++) mem_free(list->item[i].topic);
    mem_free(list->item);
    *list = (Assignments){0};
}

uint32_t kafka_owner(const char *topic, int32_t partition, uint32_t count) {
    // KafkaSourceEnumerator.getSplitOwner: topics begin at different readers, their partitions go
    // round.
    uint32_t hash = 0;  // String.hashCode; topic names are ASCII
    for (const char *at = topic; *at; at++) hash = hash * 31 + (unsigned char)*at;
    uint32_t first = (hash * 31 & 0x7FFFFFFF) % count;
    return (first + (uint32_t)partition) % count;
}

// --- Patience ----------------------------------------------------------------------------------

typedef struct Patience {
    const DiscoverEnv *env;
    int64_t until_ms;
} Patience;

static Patience patience_new(const DiscoverEnv *env) {
    return (Patience){env, os_monotonic_ns() / 1000000 + PATIENCE_MS};
}

// Whether to try again after [code]; on false [err] says why not.
static bool patience_left(const Patience *self, rd_kafka_resp_err_t code, const char *what,
                          Status *st, Error *err) {
    if (atomic_load(self->env->closing)) {
        *st = error_set(err, ST_CANCELLED, "closing");
        return false;
    }
    bool transient = code == RD_KAFKA_RESP_ERR__TIMED_OUT || code == RD_KAFKA_RESP_ERR__TRANSPORT ||
                     code == RD_KAFKA_RESP_ERR__WAIT_COORD ||
                     code == RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE ||
                     code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN ||
                     code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION ||
                     code == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE ||
                     code == RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION ||
                     code == RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT ||
                     code == RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE ||
                     code == RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS ||
                     code == RD_KAFKA_RESP_ERR_NOT_COORDINATOR;
    if (!transient || kafka_trouble_fatal(self->env->trouble) ||
        os_monotonic_ns() / 1000000 >= self->until_ms) {
        *st = kafka_trouble_error(self->env->trouble, code, what, err);
        return false;
    }
    if (code != RD_KAFKA_RESP_ERR__TIMED_OUT) os()->sleep_ms(RETRY_MS);
    return true;
}

// --- Topics and partitions ---------------------------------------------------------------------

typedef struct Found {
    const DiscoverEnv *env;
    const Assignments *known;
    Assignments *out;
} Found;

static void found_topic(const Found *self, const rd_kafka_metadata_topic_t *topic) {
    for (int i = 0; i < topic->partition_cnt; i++) {
        int32_t partition = topic->partitions[i].id;
        if (kafka_owner(topic->topic, partition, self->env->count) != self->env->index) continue;
        if (assignments_find(self->known, topic->topic, partition)) continue;
        if (assignments_find(self->out, topic->topic, partition)) continue;  // named twice
        assignments_add(self->out, str_c(topic->topic), partition, OFFSET_UNKNOWN, OFFSET_NO_STOP);
    }
}

static Status metadata(const DiscoverEnv *env, const char *topic,
                       const struct rd_kafka_metadata **out, Error *err) {
    Patience patience = patience_new(env);
    char what[320];
    const char *brokers = options_get(&env->table->options, "properties.bootstrap.servers");
    (void)snprintf(what, sizeof what, "cannot learn about %s%s%s from Kafka at '%.100s'",
                   topic ? "topic '" : "topics", topic ? topic : "", topic ? "'" : "", brokers);
    rd_kafka_topic_t *handle = topic ? rdkafka.topic_new(env->rk, topic, NULL) : NULL;
    Status st = ST_OK;
    for (;;) {
        rd_kafka_resp_err_t code = rdkafka.metadata(env->rk, topic == NULL, handle, out, SLICE_MS);
        if (!code && topic) {
            code =
                (*out)->topic_cnt ? (*out)->topics[0].err : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
            if (code) rdkafka.metadata_destroy(*out);
        }
        if (!code || !patience_left(&patience, code, what, &st, err)) break;
    }
    if (handle) rdkafka.topic_destroy(handle);
    return st;
}

static Status discover_list(const Found *self, Error *err) {
    const KafkaTable *table = self->env->table;
    for (uint32_t i = 0; i < table->topic_count; i++) {
        const struct rd_kafka_metadata *all;
        TRY(metadata(self->env, table->topic[i].ptr, &all, err));
        found_topic(self, &all->topics[0]);
        rdkafka.metadata_destroy(all);
    }
    return ST_OK;
}

static Status discover_pattern(const Found *self, Error *err) {
    const char *pattern = self->env->table->pattern;
    int code;
    size_t at;
    pcre2_code *regex =
        pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
                      PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_UTF, &code, &at, NULL);
    if (!regex)
        return error_set(err, ST_VALIDATION,
                         "'topic-pattern' '%s' is no regular expression "
                         "(character %zu)",
                         pattern, at + 1);
    pcre2_match_data *match = pcre2_match_data_create_from_pattern(regex, NULL);
    const struct rd_kafka_metadata *all = NULL;
    Status st = metadata(self->env, NULL, &all, err);
    for (int i = 0; !st && i < all->topic_cnt; i++) {
        const rd_kafka_metadata_topic_t *topic = &all->topics[i];
        if (topic->err || pcre2_match(regex, (PCRE2_SPTR)topic->topic, PCRE2_ZERO_TERMINATED, 0, 0,
                                      match, NULL) < 0) {
            continue;
        }
        found_topic(self, topic);
    }
    if (all) rdkafka.metadata_destroy(all);
    pcre2_match_data_free(match);
    pcre2_code_free(regex);
    return st;
}

// --- Offsets -----------------------------------------------------------------------------------

static rd_kafka_topic_partition_list_t *list_of(const Assignments *found, int64_t offset) {
    rd_kafka_topic_partition_list_t *list = rdkafka.topic_partition_list_new((int)found->count);
    for (uint32_t i = 0; i < found->count; i++) {
        const Assignment *item = &found->item[i];
        rdkafka.topic_partition_list_add(list, item->topic, item->partition)->offset = offset;
    }
    return list;
}

static rd_kafka_resp_err_t first_error(const rd_kafka_topic_partition_list_t *list) {
    for (int i = 0; i < list->cnt; i++) {
        if (list->elems[i].err) return list->elems[i].err;
    }
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

// Offsets at a time stamp into offset[]; RD_KAFKA_OFFSET_BEGINNING and _END are time stamps, too. A
// stamp after the last message gives the end.
static Status offsets_at(const DiscoverEnv *env, const Assignments *found, int64_t stamp,
                         int64_t *offset, Error *err) {
    Patience patience = patience_new(env);
    Status st = ST_OK;
    bool any_open = false;
    for (;;) {
        rd_kafka_topic_partition_list_t *list = list_of(found, stamp);
        rd_kafka_resp_err_t code = rdkafka.offsets_for_times(env->rk, list, SLICE_MS * 4);
        if (!code) code = first_error(list);
        for (int i = 0; !code && i < list->cnt; i++) {
            offset[i] = list->elems[i].offset;
            any_open |= offset[i] < 0;
        }
        rdkafka.topic_partition_list_destroy(list);
        if (!code || !patience_left(&patience, code, "cannot look up offsets", &st, err)) break;
    }
    if (st || !any_open || stamp < 0) return st;
    int64_t *end = NEW_ARRAY(int64_t, found->count);
    st = offsets_at(env, found, RD_KAFKA_OFFSET_END, end, err);
    for (uint32_t i = 0; !st && i < found->count; i++) {
        if (offset[i] < 0) offset[i] = end[i];
    }
    mem_free(end);
    return st;
}

// Committed offsets of the group; OFFSET_UNKNOWN where there are none.
static Status offsets_committed(const DiscoverEnv *env, const Assignments *found, int64_t *offset,
                                Error *err) {
    Patience patience = patience_new(env);
    Status st = ST_OK;
    for (;;) {
        rd_kafka_topic_partition_list_t *list = list_of(found, OFFSET_UNKNOWN);
        rd_kafka_resp_err_t code = rdkafka.committed(env->rk, list, SLICE_MS * 4);
        if (!code) code = first_error(list);
        for (int i = 0; !code && i < list->cnt; i++) {
            int64_t at = list->elems[i].offset;
            offset[i] = at >= 0 ? at : OFFSET_UNKNOWN;
        }
        rdkafka.topic_partition_list_destroy(list);
        if (!code ||
            !patience_left(&patience, code, "cannot read the offsets of the group", &st, err)) {
            break;
        }
    }
    return st;
}

// Fills in what the options named; the rest stays OFFSET_UNKNOWN.
static void offsets_specific(const Assignments *found, const PartitionOffset *named,
                             uint32_t named_count, int64_t *offset) {
    for (uint32_t i = 0; i < found->count; i++) {
        for (uint32_t n = 0; n < named_count; n++) {
            if (named[n].partition == found->item[i].partition) offset[i] = named[n].offset;
        }
    }
}

static bool any_unknown(const int64_t *offset, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        if (offset[i] == OFFSET_UNKNOWN) return true;
    }
    return false;
}

// What is still unknown: the group's offset, if there is a group, then the reset mode.
static Status offsets_fall_back(const DiscoverEnv *env, const Assignments *found, int64_t *offset,
                                Error *err) {
    uint32_t count = found->count;
    int64_t *other = NEW_ARRAY(int64_t, count);
    Status st = ST_OK;
    if (env->table->group) {
        st = offsets_committed(env, found, other, err);
        for (uint32_t i = 0; !st && i < count; i++) {
            if (offset[i] == OFFSET_UNKNOWN) offset[i] = other[i];
        }
    }
    if (!st && env->table->reset == RESET_LATEST && any_unknown(offset, count)) {
        st = offsets_at(env, found, RD_KAFKA_OFFSET_END, other, err);
        for (uint32_t i = 0; !st && i < count; i++) {
            if (offset[i] == OFFSET_UNKNOWN) offset[i] = other[i];
        }
    }
    for (uint32_t i = 0; !st && i < count; i++) {
        if (offset[i] != OFFSET_UNKNOWN) continue;
        if (env->table->reset == RESET_EARLIEST) {
            offset[i] = RD_KAFKA_OFFSET_BEGINNING;
            continue;
        }
        st = error_set(err, ST_RUNTIME,
                       "group '%s' has no offset for partition %d of topic '%s' to start from",
                       env->table->group, (int)found->item[i].partition, found->item[i].topic);
        error_hint(err, "set 'properties.auto.offset.reset' to 'earliest' or 'latest'");
    }
    mem_free(other);
    return st;
}

static Status find_starts(const DiscoverEnv *env, const Assignments *found, int64_t *offset,
                          Error *err) {
    const KafkaTable *table = env->table;
    for (uint32_t i = 0; i < found->count; i++) offset[i] = OFFSET_UNKNOWN;
    switch (table->start) {
        case START_EARLIEST:
            for (uint32_t i = 0; i < found->count; i++) offset[i] = RD_KAFKA_OFFSET_BEGINNING;
            return ST_OK;
        case START_LATEST: return offsets_at(env, found, RD_KAFKA_OFFSET_END, offset, err);
        case START_TIMESTAMP: return offsets_at(env, found, table->start_ms, offset, err);
        case START_SPECIFIC:
            offsets_specific(found, table->start_offset, table->start_offset_count, offset);
            break;
        case START_GROUP: break;
    }
    return any_unknown(offset, found->count) ? offsets_fall_back(env, found, offset, err) : ST_OK;
}

static Status find_stops(const DiscoverEnv *env, const Assignments *found, int64_t *offset,
                         Error *err) {
    const KafkaTable *table = env->table;
    for (uint32_t i = 0; i < found->count; i++) offset[i] = OFFSET_UNKNOWN;
    Status st = ST_OK;
    switch (table->bound) {
        case BOUND_NONE: break;
        case BOUND_LATEST: st = offsets_at(env, found, RD_KAFKA_OFFSET_END, offset, err); break;
        case BOUND_TIMESTAMP: st = offsets_at(env, found, table->bound_ms, offset, err); break;
        case BOUND_GROUP: st = offsets_committed(env, found, offset, err); break;
        case BOUND_SPECIFIC:
            offsets_specific(found, table->bound_offset, table->bound_offset_count, offset);
            break;
    }
    for (uint32_t i = 0; !st && i < found->count; i++) {
        if (offset[i] != OFFSET_UNKNOWN) continue;
        if (table->bound == BOUND_GROUP) {
            return error_set(err, ST_RUNTIME,
                             "group '%s' has no offset for partition %d of topic '%s' to stop at",
                             table->group, (int)found->item[i].partition, found->item[i].topic);
        }
        offset[i] = OFFSET_NO_STOP;
    }
    return st;
}

Status kafka_discover(const DiscoverEnv *env, const Assignments *known, bool later,
                      Assignments *found, Error *err) {
    *found = (Assignments){0};
    Found self = {env, known, found};
    int64_t *start = NULL, *stop = NULL;
    Status st = env->table->pattern ? discover_pattern(&self, err) : discover_list(&self, err);
    if (st || !found->count) goto done;
    start = NEW_ARRAY(int64_t, found->count);
    stop = NEW_ARRAY(int64_t, found->count);
    if (later) {  // a partition that was not there at first is read whole
        for (uint32_t i = 0; i < found->count; i++) start[i] = RD_KAFKA_OFFSET_BEGINNING;
    } else {
        st = find_starts(env, found, start, err);
        if (st) goto done;
    }
    st = find_stops(env, found, stop, err);
    for (uint32_t i = 0; !st && i < found->count; i++) {
        found->item[i].start = start[i];
        found->item[i].stop = stop[i];
    }

done:
    if (st) assignments_clear(found);
    mem_free(start);
    mem_free(stop);
    return st;
}
