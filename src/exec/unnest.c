// exec/unnest.c - one row per element of a collection, beside the row that the collection is in.
// Elements of arrays come in order, of maps in theirs, of multisets as often as they are counted.
// With [outer], a row whose collection is empty or NULL (or has no element that the condition lets
// pass) comes once, with NULLs.
#include "exec/operator.h"

typedef struct Unnest {
    Operator base;
    Program *collection;
    Program *condition;  // over the output row; NULL: none
} Unnest;

static Status unnest_open(Operator *op, Error *err) {
    Unnest *self = (Unnest *)op;
    Expr *collection = op->plan->collection, *condition = op->plan->condition;
    TRY(program_new(&collection, 1, op->plan->input[0]->type, op->env->func, &self->collection,
                    err));
    if (!condition) return ST_OK;
    return program_new(&condition, 1, op->plan->type, op->env->func, &self->condition, err);
}

typedef struct Elements {
    uint32_t *row;      // of the input
    uint32_t *element;  // of the children; UINT32_MAX: none (outer)
    int32_t *ordinal;   // from 1
    uint32_t count, cap;
} Elements;

static void elements_add(Arena *arena, Elements *list, uint32_t row, uint32_t element,
                         int32_t ordinal) {
    if (list->count == list->cap) {
        uint32_t cap = list->cap ? list->cap * 2 : 256;
        uint32_t *rows = ARENA_ARRAY(arena, uint32_t, cap),
                 *elements = ARENA_ARRAY(arena, uint32_t, cap);
        int32_t *ordinals = ARENA_ARRAY(arena, int32_t, cap);
        if (list->count) {
            memcpy(rows, list->row, list->count * sizeof *rows);
            memcpy(elements, list->element, list->count * sizeof *elements);
            memcpy(ordinals, list->ordinal, list->count * sizeof *ordinals);
        }
        *list = (Elements){rows, elements, ordinals, list->count, cap};
    }
    list->row[list->count] = row;
    list->element[list->count] = element;
    list->ordinal[list->count++] = ordinal;
}

static void elements_find(Arena *arena, const Vec *collection, bool outer, Elements *list) {
    bool multiset = collection->type->kind == TYPE_MULTISET;
    for (uint32_t row = 0; row < collection->len; row++) {
        ListView view = vec_list(collection)[row];
        if (vec_is_null(collection, row)) view.count = 0;
        int32_t ordinal = 0;
        for (uint32_t i = 0; i < view.count; i++) {
            uint32_t element = view.offset + i;
            // A NULL ROW has no fields to give.
            if (collection->child[0]->phys == PHYS_ROW &&
                vec_is_null(collection->child[0], element)) {
                continue;
            }
            int32_t times = multiset ? vec_i32(collection->child[1])[element] : 1;
            for (int32_t t = 0; t < times; t++) elements_add(arena, list, row, element, ++ordinal);
        }
        if (!ordinal && outer) elements_add(arena, list, row, UINT32_MAX, 0);
    }
}

// A column of the elements' values.
static Vec *element_column(Arena *arena, const Vec *from, const Type *type, const Elements *list) {
    Vec *vec = vec_new(arena, type, list->count);
    for (uint32_t i = 0; i < list->count; i++) {
        if (list->element[i] == UINT32_MAX) {
            vec_set_null(vec, i);
        } else {
            vec_share_value(vec, i, from, list->element[i]);
        }
    }
    return vec;
}

static Batch *unnest_rows(const Plan *plan, Batch *in, const Vec *collection,
                          const Elements *list) {
    Batch *out = batch_new(plan->type);
    Arena *arena = &out->arena;
    uint32_t columns = in->schema->child_count, c = columns;
    for (uint32_t i = 0; i < columns; i++) {
        out->column[i] = vec_gather(arena, in->column[i], list->row, list->count);
    }
    const Vec *element = collection->child[0];
    if (collection->type->kind == TYPE_MAP) {
        for (uint32_t i = 0; i < 2; i++, c++) {
            out->column[c] =
                element_column(arena, collection->child[i], plan->type->child[c], list);
        }
    } else if (element->type->kind == TYPE_ROW) {
        for (uint32_t i = 0; i < element->type->child_count; i++, c++) {
            out->column[c] = element_column(arena, element->child[i], plan->type->child[c], list);
        }
    } else {
        out->column[c] = element_column(arena, element, plan->type->child[c], list);
        c++;
    }
    if (plan->ordinality) {
        out->column[c] = vec_new(arena, plan->type->child[c], list->count);
        for (uint32_t i = 0; i < list->count; i++) {
            if (list->ordinal[i]) vec_i32(out->column[c])[i] = list->ordinal[i];
            else vec_set_null(out->column[c], i);
        }
    }
    out->rows = list->count;
    if (in->kinds) {
        uint8_t *kinds = batch_need_kinds(out);
        for (uint32_t i = 0; i < list->count; i++) kinds[i] = in->kinds[list->row[i]];
    }
    batch_keep(out, in);
    return batch_seal(out);
}

// LEFT JOIN … ON condition: drops the elements that fail it, and pads rows that have none left.
static Status outer_condition(Unnest *self, Batch *in, const Vec *collection, Elements *list,
                              Arena *scratch, Error *err) {
    Batch *all = unnest_rows(self->base.plan, in, collection, list);
    uint32_t *sel = ARENA_ARRAY(scratch, uint32_t, list->count + 1), kept = 0;
    Status st = program_select(self->condition, all->column, all->rows, sel, &kept, err);
    batch_unref(all);
    TRY(st);
    Elements left = {0};
    uint32_t at = 0;
    for (uint32_t row = 0; row < in->rows; row++) {
        bool any = false;
        for (; at < kept && list->row[sel[at]] == row; at++) {
            if (list->element[sel[at]] == UINT32_MAX) continue;
            elements_add(scratch, &left, row, list->element[sel[at]], list->ordinal[sel[at]]);
            any = true;
        }
        if (!any) elements_add(scratch, &left, row, UINT32_MAX, 0);
    }
    *list = left;
    return ST_OK;
}

static Status unnest_on_batch(Operator *op, uint32_t input, Batch *in, Error *err) {
    (void)input;
    Unnest *self = (Unnest *)op;
    Arena scratch = {0};
    Vec *collection = NULL;
    Elements list = {0};
    Status st = program_run(self->collection, in->column, in->rows, &scratch, &collection, err);
    if (!st) elements_find(&scratch, collection, op->plan->outer, &list);
    if (!st && self->condition && list.count) {
        st = outer_condition(self, in, collection, &list, &scratch, err);
    }
    Batch *out = NULL;
    if (!st && list.count) {
        // The values may point into the scratch arena: the batch takes it over.
        out = unnest_rows(op->plan, in, collection, &list);
        Batch *copy = batch_copy(out);
        batch_unref(out);
        out = copy;
    }
    arena_clear(&scratch);
    return out ? output_batch(op, out, err) : st;
}

static void unnest_close(Operator *op) {
    program_free(((Unnest *)op)->collection);
    program_free(((Unnest *)op)->condition);
}

const OperatorVt UNNEST_OPERATOR = {
    .name = "unnest", .plan_kind = PLAN_UNNEST, .size = sizeof(Unnest), .open = unnest_open,
    .on_batch = unnest_on_batch, .close = unnest_close,
};
