// Rows are given as the variables that each one suits, "A BC C": the first suits A, the second B
// and C. A match prints as its variables with the numbers of their rows: "A0 B1 C2".
#include "exec/nfa.h"
#include "test/unit.h"

typedef struct Fixture {
    MatchSpec spec;
    MatchPart part[8];
    Nfa *nfa;
    NfaRuns runs;
    Budget budget;
    Buf out;
    const char *row;  // what the row at hand suits
    uint32_t asked;
    int kept;  // rows that the automaton holds
} Fixture;

static Status suits(void *arg, uint32_t var, const NfaNode *const *path, uint32_t count,
                    uint8_t *out, Error *err) {
    Fixture *self = arg;
    (void)path, (void)err;
    for (uint32_t i = 0; i < count; i++) {
        out[i] = false;
        for (const char *p = self->row; *p && *p != ' '; p++)
            out[i] |= *p == self->part[var].name.ptr[0];
    }
    self->asked++;
    return ST_OK;
}

static void row_ref(void *arg, void *row) {
    (void)row;
    ((Fixture *)arg)->kept++;
}

static void row_unref(void *arg, void *row) {
    (void)row;
    ((Fixture *)arg)->kept--;
}

static void print_path(Fixture *self, const NfaNode *node) {
    if (node->prev) print_path(self, node->prev);
    buf_printf(&self->out, "%s%c%d", node->prev ? " " : "", self->part[node->var].name.ptr[0],
               (int)node->order);
}

static Status match(void *arg, NfaNode *path, Error *err) {
    Fixture *self = arg;
    (void)err;
    if (self->out.len) buf_puts(&self->out, ", ");
    print_path(self, path);
    return ST_OK;
}

// A pattern as it is written, names of one letter each.
static void parse_pattern(Fixture *self, const char *text) {
    for (const char *p = text; *p; p++) {
        if (*p == ' ') continue;
        MatchPart *part = &self->part[self->spec.part_count++];
        *part = (MatchPart){.name = str_make(p, 1), .low = 1, .high = 1};
        if (p[1] == '*' || p[1] == '+' || p[1] == '?') {
            p++;
            part->low = *p == '+';
            part->high = *p == '?' ? 1 : -1;
        } else if (p[1] == '{') {
            part->low = p[2] - '0';
            part->high = p[3] == '}' ? part->low : p[4] == '}' ? -1 : p[4] - '0';
            while (*p != '}') p++;
        }
        part->greedy = part->low != part->high && !(part->low == 0 && part->high == 1);
        if (p[1] == '?') part->greedy = false, p++;
    }
}

static void fixture_open(Fixture *self, const char *pattern, MatchSkip skip, int skip_var) {
    *self = (Fixture){.spec = {.part = self->part, .skip = skip, .skip_var = skip_var}};
    parse_pattern(self, pattern);
    NfaHooks hooks = {
        .arg = self, .suits = suits, .row_ref = row_ref, .row_unref = row_unref, .match = match};
    Error err = {0};
    budget_init(&self->budget, NULL, "test", 0);
    CHECK_OK(nfa_new(&self->spec, &hooks, &self->budget, &self->nfa, &err), &err);
}

static void fixture_close(Fixture *self) {
    nfa_clear(self->nfa, &self->runs);
    nfa_free(self->nfa);
    CHECK_INT(self->kept, 0);
    CHECK_INT(self->budget.bytes, 0);
    buf_free(&self->out);
}

static Status feed(Fixture *self, const char *rows, Error *err) {
    uint64_t order = 0;
    for (self->row = rows; *self->row; order++) {
        TRY(nfa_row(self->nfa, &self->runs, self, order, (int64_t)order * 10 + 1, err));
        while (*self->row && *self->row != ' ') self->row++;
        if (*self->row) self->row++;
    }
    return ST_OK;
}

static void check(const char *pattern, MatchSkip skip, const char *rows, const char *matches) {
    Fixture self;
    Error err = {0};
    fixture_open(&self, pattern, skip, 1);
    CHECK_OK(feed(&self, rows, &err), &err);
    CHECK_STR(buf_cstr(&self.out), matches);
    fixture_close(&self);
}

TEST(nfa, neighbours_match_one_behind_the_other) {
    check("A B", MATCH_SKIP_PAST_LAST, "A B A A B B", "A0 B1, A3 B4");
    check("A B C", MATCH_SKIP_PAST_LAST, "A B A B C", "A2 B3 C4");
    check("A", MATCH_SKIP_TO_NEXT, "A B A", "A0, A2");
}

TEST(nfa, greedy_variable_never_gives_rows_back) {
    check("A B* C", MATCH_SKIP_PAST_LAST, "A B BC C", "A0 B1 B2 C3");
    check("A B* C", MATCH_SKIP_PAST_LAST, "A BC BC BC", "");
    check("A B+ C", MATCH_SKIP_PAST_LAST, "A C", "");
    check("A B{1,2} C", MATCH_SKIP_PAST_LAST, "A BC BC C", "A0 B1 B2 C3");
    check("A B{1,2} C", MATCH_SKIP_PAST_LAST, "A B B BC", "");
}

TEST(nfa, reluctant_variable_leaves_as_soon_as_it_can) {
    check("A B*? C", MATCH_SKIP_PAST_LAST, "A BC BC BC", "A0 C1");
    check("A B{2,}? C", MATCH_SKIP_TO_NEXT, "A B B BC C", "A0 B1 B2 C3");
    check("A B+?", MATCH_SKIP_TO_NEXT, "A B B", "A0 B1");
}

TEST(nfa, optional_variable_may_be_missing) {
    check("A B? C", MATCH_SKIP_PAST_LAST, "A C A B C", "A0 C1, A2 B3 C4");
    check("A B? C", MATCH_SKIP_PAST_LAST, "A BC C", "A0 C1");
    check("A B?", MATCH_SKIP_TO_NEXT, "A B A", "A0, A2");
    check("A? B", MATCH_SKIP_PAST_LAST, "A B B", "A0 B1, B2");
}

TEST(nfa, greedy_variable_is_asked_about_the_row_that_came_before_it) {
    // Row 0 suits A and B: the end behind B{0,2} C? is closed while B could take the row that A
    // took.
    check("A B{0,2} C?", MATCH_SKIP_TO_NEXT, "AB X", "");
    check("A B{0,2} C?", MATCH_SKIP_TO_NEXT, "A X", "A0");
}

TEST(nfa, skip_strategies_end_runs_that_began_too_early) {
    check("A B+ C", MATCH_SKIP_TO_NEXT, "A AB AB C", "A0 B1 B2 C3, A1 B2 C3");
    check("A B+ C", MATCH_SKIP_PAST_LAST, "A AB AB C", "A0 B1 B2 C3");
    check("A B+ C", MATCH_SKIP_TO_FIRST, "A AB AB C", "A0 B1 B2 C3, A1 B2 C3");
    check("A B+ C", MATCH_SKIP_TO_LAST, "A AB AB AB C", "A0 B1 B2 B3 C4");
}

TEST(nfa, match_waits_for_runs_that_began_earlier) {
    // The run from row 0 is under way until row 4: the match from row 1 is found at row 2 and
    // waits.
    check("A B{4}", MATCH_SKIP_TO_NEXT, "A B B B B", "A0 B1 B2 B3 B4");
    Fixture self;
    Error err = {0};
    fixture_open(&self, "A B*? C", MATCH_SKIP_PAST_LAST, 1);
    CHECK_OK(feed(&self, "AB AB ABC", &err), &err);
    CHECK_STR(buf_cstr(&self.out), "A0 B1 C2");
    fixture_close(&self);
}

TEST(nfa, skip_to_missing_variable_fails) {
    Fixture self;
    Error err = {0};
    fixture_open(&self, "A B* C", MATCH_SKIP_TO_LAST, 1);
    CHECK_INT(feed(&self, "A C", &err), ST_RUNTIME);
    fixture_close(&self);
    fixture_open(&self, "A B", MATCH_SKIP_TO_FIRST, 0);
    CHECK_INT(feed(&self, "A B", &err), ST_RUNTIME);
    fixture_close(&self);
}

TEST(nfa, run_ends_when_it_takes_too_long) {
    Fixture self;
    Error err = {0};
    fixture_open(&self, "A B+ C", MATCH_SKIP_TO_NEXT, 1);
    self.spec.within_ms = 25;
    CHECK_OK(feed(&self, "A AB B", &err), &err);
    CHECK_INT(self.runs.partial.count, 3);
    CHECK_OK(nfa_advance(self.nfa, &self.runs, 26, &err), &err);  // row 0 has time 1
    CHECK_INT(self.runs.partial.count, 2);
    CHECK_OK(nfa_advance(self.nfa, &self.runs, 36, &err), &err);
    CHECK(nfa_is_idle(&self.runs));
    fixture_close(&self);
}

TEST(nfa, runs_are_asked_for_together) {
    Fixture self;
    Error err = {0};
    fixture_open(&self, "A B* C", MATCH_SKIP_TO_NEXT, 1);
    CHECK_OK(feed(&self, "AB AB AB AB AB AB", &err), &err);
    self.asked = 0;
    self.row = "AB";
    CHECK_OK(nfa_row(self.nfa, &self.runs, &self, 9, 99, &err), &err);
    CHECK_INT(self.runs.partial.count, 8);
    CHECK(self.asked <= 3);
    fixture_close(&self);
}

TEST(nfa, rows_of_a_path_are_found_by_variable_and_place) {
    Fixture self;
    Error err = {0};
    fixture_open(&self, "A B+ C+ D", MATCH_SKIP_TO_NEXT, 1);
    CHECK_OK(feed(&self, "A B B B C C", &err), &err);
    const NfaNode *path = self.runs.partial.run[0].path;
    CHECK_INT(nfa_count(path, MATCH_ANY), 6);
    CHECK_INT(nfa_count(path, 1), 3);
    CHECK_INT(nfa_count(path, 3), 0);
    CHECK_INT(nfa_count(path, MATCH_NONE), 0);
    CHECK_INT(nfa_find(path, 1, false, 0)->order, 3);
    CHECK_INT(nfa_find(path, 1, true, 0)->order, 1);
    CHECK_INT(nfa_find(path, 1, true, 1)->order, 2);
    CHECK_INT(nfa_find(path, 1, false, 2)->order, 1);
    CHECK(!nfa_find(path, 1, false, 3));
    CHECK_INT(nfa_find(path, MATCH_ANY, true, 0)->order, 0);
    CHECK_INT(nfa_find(path, MATCH_ANY, false, 1)->order, 4);
    CHECK(!nfa_find(path, 3, false, 0));
    fixture_close(&self);
}
