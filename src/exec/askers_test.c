#include "exec/askers.h"

#include "os/os.h"
#include "test/unit.h"

enum { GATES = 8 };

// An operator that asks for numbers; a question is answered when its gate is open.
typedef struct Fixture {
    Operator op;       // first
    OpEnv env;
    Askers *askers;
    OsMonitor monitor;
    bool open[GATES], all_open, cancelled;
    uint32_t connections, asked, failing;  // request [failing] fails; 0: none
    uint32_t told[GATES * 2], told_count;  // requests as they were handed on
    uint32_t timers;
} Fixture;

typedef struct Question {
    Request base;
    uint32_t number;
    bool known;
} Question;

static Status test_connect(Operator *op, void **out, Error *err) {
    (void)err;
    ((Fixture *)op)->connections++;
    *out = op;
    return ST_OK;
}

static Status test_ask(void *connection, Request *request, Error *err) {
    Fixture *self = connection;
    Question *question = (Question *)request;
    os_lock(&self->monitor);
    self->asked++;
    while (!self->all_open && !self->open[question->number % GATES] && !self->cancelled) {
        os_wait(&self->monitor, 1000);
    }
    bool cancelled = self->cancelled;
    os_unlock(&self->monitor);
    question->known = true;
    if (cancelled || (self->failing && question->number == self->failing)) {
        return error_set(err, ST_IO, "nobody knows %u", question->number);
    }
    return ST_OK;
}

static void test_cancel(void *connection) {
    Fixture *self = connection;
    os_lock(&self->monitor);
    self->cancelled = true;
    os_tell(&self->monitor);
    os_unlock(&self->monitor);
}

static void test_disconnect(void *connection) {
    ((Fixture *)connection)->connections--;
}

static Status test_hand_on(Operator *op, Request *request, Error *err) {
    (void)err;
    Fixture *self = (Fixture *)op;
    Question *question = (Question *)request;
    CHECK(question->known);
    if (self->told_count < GATES * 2) self->told[self->told_count] = question->number;
    self->told_count++;
    return ST_OK;
}

static void test_free_request(Request *request) {
    mem_free(request);
}

static Status test_late(const Operator *op, Error *err) {
    (void)op;
    return error_set(err, ST_RUNTIME, "too late");
}

static const AskersVt TEST_ASKERS = {
    .connect = test_connect, .ask = test_ask, .cancel = test_cancel,
    .disconnect = test_disconnect, .hand_on = test_hand_on, .free_request = test_free_request,
    .late = test_late,
};

static int64_t test_now_ms(void *arg) {
    (void)arg;
    return 0;
}

static void test_timer_at(Operator *op, int64_t ms) {
    (void)ms;
    ((Fixture *)op)->timers++;
}

static void fixture_init(Fixture *self, AskersSpec spec) {
    *self = (Fixture){.env = {.now_ms = test_now_ms, .timer_at = test_timer_at}};
    os()->monitor_init(&self->monitor);
    self->op.env = &self->env;
    self->op.watermark_out = WATERMARK_NONE;
    spec.vt = &TEST_ASKERS;
    spec.op = &self->op;
    if (!spec.timeout_ms) spec.timeout_ms = 60000;
    CHECK(!askers_open(&spec, &self->askers, NULL));
    CHECK(self->connections == spec.threads);
}

static void fixture_clear(Fixture *self) {
    askers_close(self->askers);
    CHECK(self->connections == 0);
    os()->monitor_clear(&self->monitor);
}

static Status put(Fixture *self, uint32_t number) {
    Question *question = NEW(Question);
    question->number = number;
    return askers_put(self->askers, &question->base, NULL);
}

static void open_gate(Fixture *self, uint32_t number) {
    os_lock(&self->monitor);
    self->open[number] = true;
    os_tell(&self->monitor);
    os_unlock(&self->monitor);
}

static void open_all(Fixture *self) {
    os_lock(&self->monitor);
    self->all_open = true;
    os_tell(&self->monitor);
    os_unlock(&self->monitor);
}

// Looks until so many requests have been handed on, as the operator's timer does.
static void look_until_told(Fixture *self, uint32_t count) {
    for (uint32_t i = 0; self->told_count < count && i < 10000; i++) {
        CHECK(!askers_look(self->askers, NULL));
        os()->sleep_ms(1);
    }
    CHECK(self->told_count == count);
}

TEST(askers, answers_leave_in_the_order_of_the_questions) {
    Fixture f;
    fixture_init(&f, (AskersSpec){.threads = 3, .in_line_max = 10, .ordered = true});
    for (uint32_t i = 1; i <= 3; i++) CHECK(!put(&f, i));
    CHECK(f.timers >= 3);
    open_gate(&f, 3);
    open_gate(&f, 2);
    CHECK(!askers_look(f.askers, NULL));
    CHECK(f.told_count == 0);
    open_gate(&f, 1);
    look_until_told(&f, 3);
    CHECK(f.told[0] == 1 && f.told[1] == 2 && f.told[2] == 3);
    fixture_clear(&f);
}

TEST(askers, unordered_answers_overtake_but_not_watermarks) {
    Fixture f;
    fixture_init(&f, (AskersSpec){.threads = 4, .in_line_max = 10});
    CHECK(!put(&f, 1) && !put(&f, 2));
    CHECK(!askers_put_watermark(f.askers, 77, NULL));
    CHECK(!put(&f, 3));
    open_gate(&f, 3);
    open_gate(&f, 2);
    look_until_told(&f, 1);
    CHECK(f.told[0] == 2 && f.op.watermark_out == WATERMARK_NONE);
    open_gate(&f, 1);
    look_until_told(&f, 3);
    CHECK(f.told[1] == 1 && f.told[2] == 3 && f.op.watermark_out == 77);
    CHECK(!askers_put_watermark(f.askers, 78, NULL));  // nothing to wait for
    CHECK(f.op.watermark_out == 78);
    fixture_clear(&f);
}

TEST(askers, a_full_line_waits_for_an_answer) {
    Fixture f;
    fixture_init(&f, (AskersSpec){.threads = 2, .in_line_max = 2});
    open_gate(&f, 2);
    CHECK(!put(&f, 1) && !put(&f, 2));  // the second is full, and goes when it is answered
    CHECK(f.told_count == 1 && f.told[0] == 2);
    open_all(&f);
    CHECK(!askers_empty(f.askers, NULL));
    CHECK(f.told_count == 2);
    fixture_clear(&f);
}

TEST(askers, what_needs_no_question_keeps_its_place) {
    Fixture f;
    fixture_init(&f, (AskersSpec){.threads = 1, .in_line_max = 9, .ordered = true});
    CHECK(!put(&f, 1));
    Question *known = NEW(Question);
    *known = (Question){.base.answered = true, .number = 2, .known = true};
    CHECK(!askers_put(f.askers, &known->base, NULL));
    CHECK(f.told_count == 0);
    open_all(&f);
    CHECK(!askers_empty(f.askers, NULL));
    CHECK(f.told_count == 2 && f.told[1] == 2 && f.asked == 1);
    fixture_clear(&f);
}

TEST(askers, a_question_may_fail_or_take_too_long) {
    Fixture f;
    fixture_init(&f, (AskersSpec){.threads = 1, .in_line_max = 9, .ordered = true});
    f.failing = 2;
    f.all_open = true;
    Error err = {0};
    Status st = put(&f, 1);
    if (!st) st = put(&f, 2);
    if (!st) st = askers_empty(f.askers, &err);
    CHECK(st == ST_IO);
    CHECK(f.told_count == 1);
    fixture_clear(&f);

    fixture_init(&f, (AskersSpec){.threads = 1, .in_line_max = 9, .timeout_ms = 1});
    st = put(&f, 1);
    if (!st) st = askers_empty(f.askers, &err);
    CHECK(st == ST_RUNTIME && f.told_count == 0);
    fixture_clear(&f);  // and what is under way is cancelled
    CHECK(f.cancelled || !f.asked);
}

TEST(askers, many_questions_go_through_few_threads) {
    enum { MANY = 5000 };
    for (int ordered = 0; ordered < 2; ordered++) {
        Fixture f;
        fixture_init(&f, (AskersSpec){.threads = 4, .in_line_max = 7, .ordered = ordered});
        f.all_open = true;
        for (uint32_t i = 0; i < MANY; i++) {
            CHECK(!put(&f, i));
            if (i % 10 == 0) CHECK(!askers_put_watermark(f.askers, i, NULL));
        }
        CHECK(!askers_empty(f.askers, NULL));
        CHECK(f.told_count == MANY && f.asked == MANY);
        CHECK(f.op.watermark_out == MANY - 10);
        for (uint32_t i = 0; ordered && i < GATES * 2; i++) CHECK(f.told[i] == i);
        fixture_clear(&f);
    }
}
