#include "exec/sorter.h"

#include "col/codec.h"
#include "exec/stored.h"

enum {
    SORT_SLAB = 256 * 1024,
    SORT_ENTRIES_FIRST = 1024,
    INSERTION_MAX = 12,
    MERGE_RUNS_MAX = 64,      // read at a time: 2 MiB of buffers
    RECORD_HEAD = 2 * sizeof(uint32_t),
};

// A record: the sizes of key and row, and their bytes.
static Str record_key(const char *record) {
    uint32_t size;
    memcpy(&size, record, sizeof size);
    return str_make(record + RECORD_HEAD, size);
}

static Str record_row(const char *record) {
    uint32_t size[2];
    memcpy(size, record, sizeof size);
    return str_make(record + RECORD_HEAD + size[0], size[1]);
}

static size_t record_size(const char *record) {
    uint32_t size[2];
    memcpy(size, record, sizeof size);
    return RECORD_HEAD + (size_t)size[0] + size[1];
}

static uint64_t prefix_of(Str key) {
    uint64_t prefix = 0;
    uint32_t len = key.len < 8 ? (uint32_t)key.len : 8;
    for (uint32_t i = 0; i < 8; i++) prefix = prefix << 8 | (i < len ? (uint8_t)key.ptr[i] : 0);
    return prefix;
}

void sorter_init(Sorter *self, const Operator *op, const OrderKey *order, uint32_t order_count,
                 uint32_t columns) {
    *self = (Sorter){.env = op->env, .budget = op->budget, .order = order,
                     .order_count = order_count, .columns = columns,
                     .share = spill_share(op->env)};
}

// ---- in memory ---------------------------------------------------------------------------------

static bool entry_before(const SortEntry *a, const SortEntry *b) {
    if (a->prefix != b->prefix) return a->prefix < b->prefix;
    return str_cmp(record_key(a->record), record_key(b->record)) < 0;
}

static void insertion_sort(SortEntry *entry, size_t count) {
    for (size_t i = 1; i < count; i++) {
        SortEntry moved = entry[i];
        size_t at = i;
        for (; at && entry_before(&moved, &entry[at - 1]); at--) entry[at] = entry[at - 1];
        entry[at] = moved;
    }
}

// Stable: of equal ones the left one comes first.
static void merge_sort(SortEntry *entry, SortEntry *scratch, size_t count) {
    if (count <= INSERTION_MAX) {
        insertion_sort(entry, count);
        return;
    }
    size_t half = count / 2;
    merge_sort(entry, scratch, half);
    merge_sort(entry + half, scratch, count - half);
    if (!entry_before(&entry[half], &entry[half - 1])) return;
    memcpy(scratch, entry, half * sizeof *entry);
    size_t left = 0, right = half, to = 0;
    while (left < half && right < count) {
        bool take_right = entry_before(&entry[right], &scratch[left]);
        entry[to++] = take_right ? entry[right++] : scratch[left++];
    }
    memcpy(entry + to, scratch + left, (half - left) * sizeof *entry);
}

static void sort_entries(Sorter *self) {
    merge_sort(self->entry, self->scratch, self->count);
}

static void forget_rows(Sorter *self) {
    for (uint32_t i = 0; i < self->slab_count; i++) mem_free(self->slab[i]);
    mem_free(self->slab);
    mem_free(self->entry);
    mem_free(self->scratch);
    self->slab = NULL;
    self->entry = self->scratch = NULL;
    self->slab_count = self->slab_cap = 0;
    self->slab_next = self->slab_end = NULL;
    self->count = self->cap = self->next = 0;
    budget_release(self->budget, self->bytes);
    self->bytes = 0;
}

static Status write_run(Sorter *self, Error *err) {
    sort_entries(self);
    if (self->run_count == self->run_cap) {
        self->run_cap = self->run_cap ? self->run_cap * 2 : 16;
        self->run = mem_realloc(self->run, self->run_cap * sizeof *self->run);
    }
    SortRun *run = &self->run[self->run_count];
    run->from = self->file.size;
    for (size_t i = 0; i < self->count; i++) {
        const char *record = self->entry[i].record;
        TRY(spill_put(&self->file, self->env, str_make(record, record_size(record)), err));
    }
    run->end = self->file.size;
    self->run_count++;
    forget_rows(self);
    return ST_OK;
}

static Status charge(Sorter *self, int64_t bytes, Error *err) {
    TRY(budget_charge(self->budget, bytes, err));
    self->bytes += bytes;
    return ST_OK;
}

static Status grow_entries(Sorter *self, Error *err) {
    size_t cap = self->cap ? self->cap * 2 : SORT_ENTRIES_FIRST;
    TRY(charge(self, (int64_t)((cap - self->cap) * (sizeof(SortEntry) + sizeof(SortEntry) / 2)),
               err));
    self->entry = mem_realloc(self->entry, cap * sizeof *self->entry);
    mem_free(self->scratch);
    self->scratch = mem_alloc(cap / 2 * sizeof *self->scratch);  // half of what is merged
    self->cap = cap;
    return ST_OK;
}

static Status new_slab(Sorter *self, size_t size, Error *err) {
    size_t slab = size > SORT_SLAB ? size : SORT_SLAB;
    TRY(charge(self, (int64_t)slab, err));
    if (self->slab_count == self->slab_cap) {
        self->slab_cap = self->slab_cap ? self->slab_cap * 2 : 16;
        self->slab = mem_realloc(self->slab, self->slab_cap * sizeof *self->slab);
    }
    self->slab_next = self->slab[self->slab_count++] = mem_alloc(slab);
    self->slab_end = self->slab_next + slab;
    return ST_OK;
}

// Room for one more record; the rows held so far go to disk when they are in its way.
static Status make_room(Sorter *self, size_t size, Error *err) {
    bool slab_full = (size_t)(self->slab_end - self->slab_next) < size;
    int64_t wanted = slab_full ? (int64_t)(size > SORT_SLAB ? size : SORT_SLAB) : 0;
    if (self->count == self->cap) wanted += (int64_t)self->cap * (int64_t)sizeof(SortEntry) * 3 / 2;
    if (self->count && self->bytes + wanted > self->share) TRY(write_run(self, err));
    for (uint32_t tries = 0;; tries++) {
        Status st = self->count == self->cap ? grow_entries(self, err) : ST_OK;
        if (!st && (size_t)(self->slab_end - self->slab_next) < size)
            st = new_slab(self, size, err);
        // Others have taken what was left: what is held here goes, and then there must be room.
        if (st != ST_OVER_BUDGET || tries || !self->count) return st;
        TRY(write_run(self, err));
    }
}

static Status add_row(Sorter *self, const Batch *in, uint32_t row, Error *err) {
    Buf *bytes = &self->key;
    bytes->len = 0;
    (void)buf_reserve(bytes, RECORD_HEAD);
    bytes->len = RECORD_HEAD;
    sort_key_put(self->order, self->order_count, in->column, row, bytes);
    uint32_t size[2] = {(uint32_t)(bytes->len - RECORD_HEAD), 0};
    for (uint32_t c = 0; c < self->columns; c++) codec_put(in->column[c], row, bytes);
    size[1] = (uint32_t)(bytes->len - RECORD_HEAD - size[0]);
    memcpy(bytes->ptr, size, sizeof size);
    TRY(make_room(self, bytes->len, err));
    memcpy(self->slab_next, bytes->ptr, bytes->len);
    Str key = record_key(self->slab_next);
    self->entry[self->count++] = (SortEntry){prefix_of(key), self->slab_next};
    self->slab_next += bytes->len;
    self->rows++;
    return ST_OK;
}

Status sorter_add(Sorter *self, const Batch *in, Error *err) {
    for (uint32_t row = 0; row < in->rows; row++) TRY(add_row(self, in, row, err));
    return ST_OK;
}

// ---- merging -----------------------------------------------------------------------------------

typedef struct MergeInput {
    SpillReader reader;
    Str record;       // NULL: at its end
    uint64_t prefix;
} MergeInput;

// loser[i] is the run that lost the game at inner node i; loser[0] is the winner of all.
struct SortMerge {
    uint32_t count;
    MergeInput *input;
    uint32_t *loser;
    bool begun;
};

static Status input_next(MergeInput *input, Error *err) {
    TRY(spill_next(&input->reader, &input->record, err));
    input->prefix = input->record.ptr ? prefix_of(record_key(input->record.ptr)) : 0;
    return ST_OK;
}

// Runs are in order of arrival: of equal keys the earlier run's goes first.
static bool input_before(const SortMerge *merge, uint32_t a, uint32_t b) {
    const MergeInput *x = &merge->input[a], *y = &merge->input[b];
    if (!x->record.ptr || !y->record.ptr) return x->record.ptr || (!y->record.ptr && a < b);
    if (x->prefix != y->prefix) return x->prefix < y->prefix;
    int order = str_cmp(record_key(x->record.ptr), record_key(y->record.ptr));
    return order ? order < 0 : a < b;
}

// Plays the games below [node]; returns the winner. Leaves are the nodes [count, 2 count).
static uint32_t play(SortMerge *merge, uint32_t node) {
    if (node >= merge->count) return node - merge->count;
    uint32_t a = play(merge, node * 2), b = play(merge, node * 2 + 1);
    bool a_wins = input_before(merge, a, b);
    merge->loser[node] = a_wins ? b : a;
    return a_wins ? a : b;
}

static void merge_free(SortMerge *merge) {
    if (!merge) return;
    for (uint32_t i = 0; i < merge->count; i++) spill_read_end(&merge->input[i].reader);
    mem_free(merge->input);
    mem_free(merge->loser);
    mem_free(merge);
}

static Status merge_new(const SpillFile *file, const SortRun *run, uint32_t count, SortMerge **out,
                        Error *err) {
    SortMerge *merge = NEW(SortMerge);
    merge->count = count;
    merge->input = NEW_ARRAY(MergeInput, count);
    merge->loser = NEW_ARRAY(uint32_t, count + 1);
    Status st = ST_OK;
    for (uint32_t i = 0; i < count && !st; i++) {
        spill_read(&merge->input[i].reader, file, run[i].from, run[i].end);
        st = input_next(&merge->input[i], err);
    }
    if (st) {
        merge_free(merge);
        return st;
    }
    merge->loser[0] = count > 1 ? play(merge, 1) : 0;
    *out = merge;
    return ST_OK;
}

// The least record of all, NULL at the end. The one given before is read past only now.
static Status merge_next(SortMerge *merge, Str *record, Error *err) {
    uint32_t winner = merge->loser[0];
    if (merge->begun) {
        TRY(input_next(&merge->input[winner], err));
        for (uint32_t node = (winner + merge->count) / 2; node; node /= 2) {
            if (!input_before(merge, merge->loser[node], winner)) continue;
            uint32_t swap = merge->loser[node];
            merge->loser[node] = winner;
            winner = swap;
        }
        merge->loser[0] = winner;
    }
    merge->begun = true;
    *record = merge->input[winner].record;
    return ST_OK;
}

static Status merge_runs(Sorter *self, uint32_t from, uint32_t count, SpillFile *out, Error *err) {
    SortMerge *merge;
    TRY(merge_new(&self->file, self->run + from, count, &merge, err));
    Status st;
    Str record;
    while (!(st = merge_next(merge, &record, err)) && record.ptr) {
        st = spill_put(out, self->env, record, err);
        if (st) break;
    }
    merge_free(merge);
    return st;
}

// Makes fewer runs of them until they can all be read at once.
static Status merge_down(Sorter *self, Error *err) {
    while (self->run_count > MERGE_RUNS_MAX) {
        SpillFile out = {0};
        uint32_t made = 0;
        Status st = ST_OK;
        for (uint32_t from = 0; from < self->run_count && !st; from += MERGE_RUNS_MAX) {
            uint32_t rest = self->run_count - from;
            SortRun run = {.from = out.size};
            st = merge_runs(self, from, rest < MERGE_RUNS_MAX ? rest : MERGE_RUNS_MAX, &out, err);
            run.end = out.size;
            self->run[made++] = run;
        }
        if (!st) st = spill_seal(&out, err);
        spill_close(&self->file);
        self->file = out;
        self->run_count = made;
        TRY(st);
    }
    return ST_OK;
}

Status sorter_finish(Sorter *self, Error *err) {
    if (!self->run_count) {
        sort_entries(self);
        return ST_OK;
    }
    if (self->count) TRY(write_run(self, err));
    TRY(spill_seal(&self->file, err));
    TRY(merge_down(self, err));
    return merge_new(&self->file, self->run, self->run_count, &self->merge, err);
}

Status sorter_next(Sorter *self, Str *key, Str *row, Error *err) {
    const char *record = NULL;
    if (self->merge) {
        Str bytes;
        TRY(merge_next(self->merge, &bytes, err));
        record = bytes.ptr;
    } else if (self->next < self->count) {
        record = self->entry[self->next++].record;
    }
    *key = record ? record_key(record) : (Str){0};
    *row = record ? record_row(record) : (Str){0};
    return ST_OK;
}

void sorter_clear(Sorter *self) {
    if (!self->env) return;
    forget_rows(self);
    merge_free(self->merge);
    spill_close(&self->file);
    mem_free(self->run);
    buf_free(&self->key);
    *self = (Sorter){0};
}
