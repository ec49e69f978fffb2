// ml/train/cart.c - grows one tree, node by node, the best cut of all first.
#include "ml/train/cart.h"

#include <math.h>
#include <stdlib.h>

#include "base/bits.h"

// ---- groves

static void *grow(void *array, uint32_t *cap, uint32_t need, size_t size) {
    if (need <= *cap) return array;
    uint32_t more = *cap ? *cap : 64;
    while (more < need) more *= 2;
    array = mem_realloc(array, more * size);
    *cap = more;
    return array;
}

uint32_t grove_node(Grove *grove) {
    grove->node = grow(grove->node, &grove->node_cap, grove->nodes + 1, sizeof *grove->node);
    grove->node[grove->nodes] = (WeirNode){.feature = -1};
    return grove->nodes++;
}

uint32_t grove_values(Grove *grove, uint32_t count) {
    uint32_t at = grove->values;
    grove->value = grow(grove->value, &grove->value_cap, at + count, sizeof *grove->value);
    memset(grove->value + at, 0, count * sizeof *grove->value);
    grove->values += count;
    return at;
}

uint32_t grove_set(Grove *grove, uint32_t words) {
    uint32_t at = grove->set_words;
    grove->set = grow(grove->set, &grove->set_cap, at + words, sizeof *grove->set);
    memset(grove->set + at, 0, words * sizeof *grove->set);
    grove->set_words += words;
    return at;
}

void grove_free(Grove *grove) {
    mem_free(grove->node);
    mem_free(grove->value);
    mem_free(grove->set);
    *grove = (Grove){0};
}

Trees *groves_join(Arena *arena, const Grove *grove, uint32_t count, uint32_t outputs) {
    Trees *trees = ARENA_NEW(arena, Trees);
    trees->outputs = outputs;
    trees->trees = count;
    for (uint32_t t = 0; t < count; t++) {
        trees->nodes += grove[t].nodes;
        trees->values += grove[t].values;
        trees->set_words += grove[t].set_words;
    }
    trees->root = ARENA_ARRAY(arena, uint32_t, count);
    trees->node = ARENA_ARRAY(arena, WeirNode, trees->nodes);
    trees->value = ARENA_ARRAY(arena, double, trees->values);
    trees->set = ARENA_ARRAY(arena, uint64_t, trees->set_words + 1);
    uint32_t nodes = 0, values = 0, words = 0;
    for (uint32_t t = 0; t < count; t++) {
        const Grove *from = &grove[t];
        trees->root[t] = nodes;
        for (uint32_t i = 0; i < from->nodes; i++) {
            WeirNode *node = &trees->node[nodes + i];
            *node = from->node[i];
            if (node->feature < 0) {
                node->left += values;
            } else {
                node->left += nodes;
                node->right += nodes;
                if (node->set_words) node->set += words;
            }
        }
        memcpy(trees->value + values, from->value, from->values * sizeof(double));
        if (from->set_words) memcpy(trees->set + words, from->set, from->set_words * 8);
        nodes += from->nodes;
        values += from->values;
        words += from->set_words;
    }
    return trees;
}

// ---- ranks

typedef struct Keyed {
    double value;
    uint32_t row;
} Keyed;

static int by_value(const void *a, const void *b) {
    double x = ((const Keyed *)a)->value, y = ((const Keyed *)b)->value;
    return (x > y) - (x < y);
}

static void ranks_of_numbers(const double *x, uint32_t rows, Keyed *keyed, Ranks *out,
                             Arena *arena) {
    uint32_t present = 0;
    for (uint32_t i = 0; i < rows; i++) {
        if (!isnan(x[i])) keyed[present++] = (Keyed){x[i], i};
    }
    qsort(keyed, present, sizeof *keyed, by_value);
    uint32_t distinct = 0;
    for (uint32_t i = 0; i < present; i++) distinct += !i || keyed[i].value != keyed[i - 1].value;
    out->value = ARENA_ARRAY(arena, double, distinct + 1);
    uint32_t rank = UINT32_MAX;
    for (uint32_t i = 0; i < present; i++) {
        if (!i || keyed[i].value != keyed[i - 1].value) out->value[++rank] = keyed[i].value;
        out->rank[keyed[i].row] = rank;
    }
    out->distinct = distinct;
    for (uint32_t i = 0; i < rows; i++) {
        if (isnan(x[i])) out->rank[i] = distinct;
    }
}

Status ranks_make(MlTrainer *trainer, Ranks **out, Error *err) {
    const WeirModel *model = trainer->model;
    uint32_t rows = trainer->train_rows;
    TRY(trainer_charge(trainer, (uint64_t)rows * (model->features * 4 + sizeof(Keyed)), err));
    Ranks *ranks = ARENA_ARRAY(&trainer->arena, Ranks, model->features);
    Keyed *keyed = ARENA_ARRAY(&trainer->arena, Keyed, rows);
    for (uint32_t f = 0; f < model->features; f++) {
        ranks[f].rank = ARENA_ARRAY(&trainer->arena, uint32_t, rows);
        ranks[f].text = model->feature[f].type == ML_TEXT;
        const double *x = trainer->x[f];
        if (!ranks[f].text) {
            ranks_of_numbers(x, rows, keyed, &ranks[f], &trainer->arena);
            continue;
        }
        ranks[f].distinct = model->feature[f].categories;
        for (uint32_t i = 0; i < rows; i++) {
            ranks[f].rank[i] = isnan(x[i]) ? ranks[f].distinct : (uint32_t)x[i];
        }
    }
    *out = ranks;
    return ST_OK;
}

// ---- the best cut of a node

// Rows of one node with the same rank.
typedef struct Group {
    uint32_t rank;
    uint32_t stat;  // where its sums begin
    double weight, order;
} Group;

typedef struct Cut {
    double gain;       // the larger the better; <= 0: there is none
    uint32_t feature;
    double threshold;
    bool missing_left;
    uint32_t left_groups;  // of a text: the groups that go left, copied to [set]
} Cut;

typedef struct Cart {
    const MlTrainer *trainer;
    const Ranks *ranks;
    const CartSpec *spec;
    const double *weight;
    Rng *rng;
    Grove *grove;
    uint32_t *row;
    uint32_t stats;     // sums of a group: a weight for each class, or the sum of y
    // scratch
    Group *group;
    double *stat, *histogram, *histogram_weight, *left, *all, *missing;
    uint64_t *keyed, *keyed_spare;  // rank << 32 | row
    uint32_t *feature, *spare;
    uint32_t *set, set_count;  // categories of the best cut so far that go left
    double all_weight, total_weight, missing_weight;
} Cart;

static double weight_of(const Cart *cart, uint32_t row) {
    return cart->weight ? cart->weight[row] : 1;
}

static void add_row(const Cart *cart, uint32_t row, double *stat, double *weight) {
    double w = weight_of(cart, row), y = cart->trainer->y[row];
    if (cart->spec->classes) stat[(uint32_t)y] += w;
    else stat[0] += w * y;
    *weight += w;
}

// How pure a side is, times its weight; what a cut gains is the sum of its sides less the whole.
static double purity(const Cart *cart, const double *stat, double weight) {
    if (weight <= 0) return 0;
    if (cart->spec->criterion == CART_ENTROPY) {
        double sum = 0;
        for (uint32_t c = 0; c < cart->stats; c++) {
            if (stat[c] > 0) sum += stat[c] * log2(stat[c] / weight);
        }
        return sum;
    }
    double sum = 0;
    for (uint32_t c = 0; c < cart->stats; c++) sum += stat[c] * stat[c];
    return sum / weight;
}

// By rank, those of one rank as they came: insertion for few, else a byte at a time from the last.
static void sort_keyed(uint64_t *key, uint64_t *spare, uint32_t count, uint32_t distinct) {
    if (count <= 48) {
        for (uint32_t i = 1; i < count; i++) {
            uint64_t at = key[i];
            uint32_t j = i;
            for (; j > 0 && key[j - 1] >> 32 > at >> 32; j--) key[j] = key[j - 1];
            key[j] = at;
        }
        return;
    }
    uint64_t *from = key, *to = spare;
    for (uint32_t shift = 32; shift == 32 || distinct >> (shift - 32); shift += 8) {
        uint32_t start[257] = {0};
        for (uint32_t i = 0; i < count; i++) start[(from[i] >> shift & 255) + 1]++;
        for (uint32_t b = 0; b < 255; b++) start[b + 1] += start[b];
        for (uint32_t i = 0; i < count; i++) to[start[from[i] >> shift & 255]++] = from[i];
        uint64_t *kept = from;
        from = to;
        to = kept;
        if (shift == 56) break;
    }
    if (from != key) memcpy(key, from, count * sizeof *key);
}

// The node's rows by rank, in [cart->group]; missing ones apart.
static uint32_t groups_by_histogram(Cart *cart, const Ranks *ranks, uint32_t from, uint32_t to) {
    uint32_t stats = cart->stats, groups = 0;
    memset(cart->histogram, 0, (size_t)ranks->distinct * stats * sizeof(double));
    memset(cart->histogram_weight, 0, ranks->distinct * sizeof(double));
    for (uint32_t i = from; i < to; i++) {
        uint32_t row = cart->row[i], rank = ranks->rank[row];
        if (rank == ranks->distinct) add_row(cart, row, cart->missing, &cart->missing_weight);
        else add_row(cart, row, cart->histogram + (size_t)rank * stats,
                     &cart->histogram_weight[rank]);
    }
    for (uint32_t rank = 0; rank < ranks->distinct; rank++) {
        if (cart->histogram_weight[rank] <= 0) continue;
        memcpy(cart->stat + (size_t)groups * stats, cart->histogram + (size_t)rank * stats,
               stats * sizeof(double));
        cart->group[groups] = (Group){rank, groups * stats, cart->histogram_weight[rank], 0};
        groups++;
    }
    return groups;
}

static uint32_t groups_by_sorting(Cart *cart, const Ranks *ranks, uint32_t from, uint32_t to) {
    uint32_t stats = cart->stats, groups = 0, present = 0;
    for (uint32_t i = from; i < to; i++) {
        uint32_t row = cart->row[i], rank = ranks->rank[row];
        if (rank == ranks->distinct) add_row(cart, row, cart->missing, &cart->missing_weight);
        else cart->keyed[present++] = (uint64_t)rank << 32 | row;
    }
    sort_keyed(cart->keyed, cart->keyed_spare, present, ranks->distinct);
    for (uint32_t i = 0; i < present; i++) {
        uint32_t rank = (uint32_t)(cart->keyed[i] >> 32);
        if (!groups || cart->group[groups - 1].rank != rank) {
            cart->group[groups] = (Group){rank, groups * stats, 0, 0};
            memset(cart->stat + (size_t)groups * stats, 0, stats * sizeof(double));
            groups++;
        }
        Group *group = &cart->group[groups - 1];
        add_row(cart, (uint32_t)cart->keyed[i], cart->stat + group->stat, &group->weight);
    }
    return groups;
}

// Tries every cut between groups as they stand; a missing value goes where it gains more.
static bool try_cuts(Cart *cart, uint32_t feature, uint32_t groups, Cut *best) {
    const Ranks *ranks = &cart->ranks[feature];
    uint32_t stats = cart->stats;
    double *left = cart->left, *right = cart->left + stats;
    double whole = purity(cart, cart->all, cart->all_weight), least = cart->spec->leaf_min;
    bool found = false, some_missing = cart->missing_weight > 0;
    for (int missing_left = 0; missing_left <= (int)some_missing; missing_left++) {
        double weight = missing_left ? cart->missing_weight : 0;
        for (uint32_t c = 0; c < stats; c++) left[c] = missing_left ? cart->missing[c] : 0;
        // With missing rows on one side, "all that are there | missing" is a cut, too.
        uint32_t last = some_missing && !missing_left ? groups : groups - 1;
        for (uint32_t g = 0; g < last; g++) {
            const Group *group = &cart->group[g];
            weight += group->weight;
            for (uint32_t c = 0; c < stats; c++) left[c] += cart->stat[group->stat + c];
            double rest = cart->all_weight - weight;
            if (weight < least || rest < least) continue;
            for (uint32_t c = 0; c < stats; c++) right[c] = cart->all[c] - left[c];
            double gain = purity(cart, left, weight) + purity(cart, right, rest) - whole;
            if (gain <= best->gain + 1e-12 * fabs(whole)) continue;
            double value = 0;
            if (!ranks->text && g + 1 < groups) {
                double a = ranks->value[group->rank], b = ranks->value[group[1].rank];
                value = a + (b - a) / 2;
                if (!(value < b)) value = a;
            } else if (!ranks->text) {
                value = ranks->value[group->rank];
            }
            bool to_left = some_missing ? missing_left : weight >= rest;
            *best = (Cut){gain, feature, value, to_left, g + 1};
            found = true;
        }
    }
    return found;
}

static int by_order(const void *a, const void *b) {
    const Group *x = a, *y = b;
    if (x->order != y->order) return x->order < y->order ? -1 : 1;
    return (x->rank > y->rank) - (x->rank < y->rank);
}

static void keep_set(Cart *cart, const Cut *cut) {
    cart->set_count = cut->left_groups;
    for (uint32_t g = 0; g < cut->left_groups; g++) cart->set[g] = cart->group[g].rank;
}

// Enough orders for many classes: those of the classes that a person would look at.
enum { ORDERS_MAX = 16 };

static void try_feature(Cart *cart, uint32_t feature, uint32_t from, uint32_t to, Cut *best,
                        bool *constant) {
    const Ranks *ranks = &cart->ranks[feature];
    memset(cart->missing, 0, cart->stats * sizeof(double));
    cart->missing_weight = 0;
    bool few = ranks->distinct / 4 > to - from;
    uint32_t groups = few ? groups_by_sorting(cart, ranks, from, to)
                          : groups_by_histogram(cart, ranks, from, to);
    *constant = groups + (cart->missing_weight > 0) < 2;
    if (*constant) return;
    if (!ranks->text) {
        (void)try_cuts(cart, feature, groups, best);
        return;
    }
    uint32_t orders = cart->spec->classes > 2 ? cart->spec->classes : 1;
    if (orders > ORDERS_MAX) orders = ORDERS_MAX;
    uint32_t by = cart->spec->classes == 2 ? 1 : 0;
    for (uint32_t o = 0; o < orders; o++) {
        for (uint32_t g = 0; g < groups; g++) {
            Group *group = &cart->group[g];
            group->order = cart->stat[group->stat + by + o] / group->weight;
        }
        qsort(cart->group, groups, sizeof *cart->group, by_order);
        if (try_cuts(cart, feature, groups, best)) keep_set(cart, best);
    }
}

// Features in an order of chance, until enough were tried that have something to cut, as
// scikit-learn does; all of them, in their own order, when there is no limit.
static Cut best_cut(Cart *cart, uint32_t from, uint32_t to) {
    uint32_t features = cart->trainer->model->features, limit = cart->spec->features_max;
    Cut best = {0};
    for (uint32_t i = 0; i < features; i++) cart->feature[i] = i;
    uint32_t tried = 0;
    for (uint32_t i = 0; i < features && (!limit || tried < limit); i++) {
        if (limit && limit < features) {
            uint32_t j = i + rng_below(cart->rng, features - i), kept = cart->feature[i];
            cart->feature[i] = cart->feature[j];
            cart->feature[j] = kept;
        }
        bool constant;
        try_feature(cart, cart->feature[i], from, to, &best, &constant);
        tried += !constant;
    }
    return best;
}

// ---- growing

static bool row_goes_left(const Cart *cart, const Cut *cut, const WeirNode *node, uint32_t row) {
    const Ranks *ranks = &cart->ranks[cut->feature];
    uint32_t rank = ranks->rank[row];
    if (rank == ranks->distinct) return cut->missing_left;
    if (ranks->text) return bits_get(cart->grove->set + node->set, rank);
    return ranks->value[rank] <= cut->threshold;
}

static void write_node(Cart *cart, const Cut *cut, WeirNode *node) {
    const Feature *feature = &cart->trainer->model->feature[cut->feature];
    node->feature = (int32_t)cut->feature;
    node->threshold = cut->threshold;
    node->missing_left = cut->missing_left;
    if (feature->type != ML_TEXT) return;
    node->set_words = (uint32_t)BITS_WORDS(feature->categories);
    node->set = grove_set(cart->grove, node->set_words);
    for (uint32_t i = 0; i < cart->set_count; i++) {
        bits_set(cart->grove->set + node->set, cart->set[i]);
    }
}

// Those that go left first, in their order; returns where the others begin.
static uint32_t part_rows(Cart *cart, const Cut *cut, const WeirNode *node, uint32_t from,
                          uint32_t to) {
    uint32_t left = from, right = 0;
    for (uint32_t i = from; i < to; i++) {
        uint32_t row = cart->row[i];
        if (row_goes_left(cart, cut, node, row)) cart->row[left++] = row;
        else cart->spare[right++] = row;
    }
    memcpy(cart->row + left, cart->spare, right * sizeof *cart->row);
    return left;
}

static void write_leaf(Cart *cart, uint32_t node) {
    uint32_t outputs = cart->spec->classes ? cart->spec->classes : 1;
    uint32_t at = grove_values(cart->grove, outputs);
    cart->grove->node[node].left = at;
    for (uint32_t c = 0; c < outputs; c++) {
        cart->grove->value[at + c] = cart->all[c] / cart->all_weight;
    }
}

static bool may_split(const Cart *cart, uint32_t depth) {
    const CartSpec *spec = cart->spec;
    if (spec->depth_max && depth >= spec->depth_max) return false;
    if (cart->all_weight < spec->split_min || cart->all_weight < 2.0 * spec->leaf_min) return false;
    for (uint32_t c = 0; c < spec->classes; c++) {
        if (cart->all[c] == cart->all_weight) return false;  // one class only
    }
    return true;
}

// Work to do: rows [from, to) become the child of [parent].
typedef struct Todo {
    uint32_t from, to, depth, parent;
    bool is_left;
} Todo;

static void grow_node(Cart *cart, const Todo *todo, Todo **stack, uint32_t *height, uint32_t *cap) {
    Grove *grove = cart->grove;
    uint32_t at = grove_node(grove);
    if (at) {
        WeirNode *parent = &grove->node[todo->parent];
        *(todo->is_left ? &parent->left : &parent->right) = at;
    }
    memset(cart->all, 0, cart->stats * sizeof(double));
    cart->all_weight = 0;
    for (uint32_t i = todo->from; i < todo->to; i++) {
        add_row(cart, cart->row[i], cart->all, &cart->all_weight);
    }
    if (!at) cart->total_weight = cart->all_weight;
    grove->node[at].rows = cart->all_weight;
    Cut cut = {0};
    if (may_split(cart, todo->depth)) cut = best_cut(cart, todo->from, todo->to);
    if (cut.gain <= 0 || cut.gain / cart->total_weight < cart->spec->gain_min) {
        write_leaf(cart, at);
        return;
    }
    WeirNode node = grove->node[at];
    write_node(cart, &cut, &node);
    grove->node[at] = node;
    uint32_t middle = part_rows(cart, &cut, &node, todo->from, todo->to);
    *stack = grow(*stack, cap, *height + 2, sizeof **stack);
    (*stack)[(*height)++] = (Todo){middle, todo->to, todo->depth + 1, at, false};
    (*stack)[(*height)++] = (Todo){todo->from, middle, todo->depth + 1, at, true};
}

void cart_grow(const MlTrainer *trainer, const Ranks *ranks, const CartSpec *spec, uint32_t *row,
               uint32_t count, const double *weight, Rng *rng, Grove *out) {
    uint32_t distinct = 1, features = trainer->model->features;
    for (uint32_t f = 0; f < features; f++) {
        if (ranks[f].distinct > distinct) distinct = ranks[f].distinct;
    }
    uint32_t stats = spec->classes ? spec->classes : 1;
    uint32_t histogram = distinct / 4 > count ? count * 4 + 4 : distinct;
    Arena scratch;
    arena_init(&scratch);
    Cart cart = {
        .trainer = trainer, .ranks = ranks, .spec = spec, .weight = weight, .rng = rng,
        .grove = out, .row = row, .stats = stats,
        .group = ARENA_ARRAY(&scratch, Group, histogram),
        .stat = ARENA_ARRAY(&scratch, double, (size_t)histogram * stats),
        .histogram = ARENA_ARRAY(&scratch, double, (size_t)histogram * stats),
        .histogram_weight = ARENA_ARRAY(&scratch, double, histogram),
        .left = ARENA_ARRAY(&scratch, double, 2 * stats),
        .all = ARENA_ARRAY(&scratch, double, stats),
        .missing = ARENA_ARRAY(&scratch, double, stats),
        .keyed = ARENA_ARRAY(&scratch, uint64_t, count),
        .keyed_spare = ARENA_ARRAY(&scratch, uint64_t, count),
        .feature = ARENA_ARRAY(&scratch, uint32_t, features),
        .spare = ARENA_ARRAY(&scratch, uint32_t, count),
        .set = ARENA_ARRAY(&scratch, uint32_t, distinct),
    };
    Todo *stack = NULL;
    uint32_t height = 0, cap = 0;
    stack = grow(stack, &cap, 1, sizeof *stack);
    stack[height++] = (Todo){0, count, 0, 0, false};
    while (height) {
        Todo todo = stack[--height];
        grow_node(&cart, &todo, &stack, &height, &cap);
    }
    mem_free(stack);
    arena_clear(&scratch);
}
