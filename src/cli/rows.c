#include "cli/rows.h"

#include <wchar.h>

uint32_t text_columns(Str text) {
    uint32_t columns = 0, code;
    for (const char *at = text.ptr, *end = str_end(text); at < end;) {
        at += utf8_next(at, end, &code);
        int width = code < 0x80 ? 1 : wcwidth((wchar_t)code);
        columns += width < 0 ? 1 : (uint32_t)width;
    }
    return columns;
}

void shown_init(ShownRows *shown, uint32_t columns, bool is_log, uint32_t rows_max) {
    *shown = (ShownRows){.is_log = is_log, .columns = columns, .rows_max = rows_max};
    shown->width = NEW_ARRAY(uint32_t, columns + 1);
}

void shown_clear(ShownRows *shown) {
    for (uint32_t i = 0; i < shown->used; i++) mem_free(shown->row[i]);
    mem_free(shown->row);
    mem_free(shown->below);
    mem_free(shown->width);
    map_clear(&shown->latest);
    *shown = (ShownRows){0};
}

const ShownRow *shown_next(const ShownRows *shown, uint32_t *at) {
    if (*at < shown->oldest) *at = shown->oldest;
    while (*at < shown->used && !shown->row[*at]) ++*at;
    return *at < shown->used ? shown->row[(*at)++] : NULL;
}

// The bytes of a row, each cell ended by a NUL: what equal rows have in common. They lie behind the
// cells in one piece.
static Str row_bytes(const ShownRows *shown, const ShownRow *row) {
    if (!shown->columns) return STR("");
    const Str *last = &row->cell[shown->columns - 1];
    return str_make(row->cell[0].ptr, (size_t)(last->ptr + last->len + 1 - row->cell[0].ptr));
}

static ShownRow *row_new(ShownRows *shown, RowKind kind, const Str *cell) {
    size_t bytes = 0;
    for (uint32_t i = 0; i < shown->columns; i++) bytes += cell[i].len + 1u;
    ShownRow *row = mem_alloc(sizeof *row + shown->columns * sizeof(Str) + bytes);
    char *at = (char *)&row->cell[shown->columns];
    row->kind = kind;
    for (uint32_t i = 0; i < shown->columns; i++) {
        if (cell[i].len) memcpy(at, cell[i].ptr, cell[i].len);
        at[cell[i].len] = 0;
        row->cell[i] = str_make(at, cell[i].len);
        at += cell[i].len + 1;
    }
    return row;
}

static void row_drop(ShownRows *shown, uint32_t place) {
    mem_free(shown->row[place]);
    shown->row[place] = NULL;
    shown->gone++;
}

static void link_latest(ShownRows *shown, uint32_t place) {
    Str bytes = row_bytes(shown, shown->row[place]);
    shown->below[place] = (uint32_t)(uintptr_t)map_get(&shown->latest, bytes);
    (void)map_put(&shown->latest, bytes, (void *)(uintptr_t)(place + 1));
}

void shown_compact(ShownRows *shown) {
    uint32_t to = 0;
    for (uint32_t i = 0; i < shown->used; i++) {
        if (shown->row[i]) shown->row[to++] = shown->row[i];
    }
    shown->used = to;
    shown->gone = shown->oldest = shown->hole = 0;
    if (shown->is_log) return;
    map_clear(&shown->latest);
    for (uint32_t i = 0; i < to; i++) link_latest(shown, i);
}

static uint32_t place_new(ShownRows *shown) {
    if (shown->used == shown->cap) {
        shown->cap = shown->cap ? shown->cap * 2 : 64;
        shown->row = mem_realloc(shown->row, shown->cap * sizeof *shown->row);
        shown->below = mem_realloc(shown->below, shown->cap * sizeof *shown->below);
    }
    return shown->used++;
}

static void forget_oldest(ShownRows *shown) {
    while (shown->oldest < shown->used && !shown->row[shown->oldest]) {
        shown->oldest++;
        shown->gone--;
    }
    if (shown->oldest == shown->used) return;
    uint32_t place = shown->oldest;
    if (!shown->is_log) {
        // Of equal rows the oldest is at the bottom of their stack: unlink it there.
        Str bytes = row_bytes(shown, shown->row[place]);
        uint32_t at = (uint32_t)(uintptr_t)map_get(&shown->latest, bytes);
        if (at == place + 1) {
            (void)map_put(&shown->latest, bytes, NULL);
        } else {
            while (at && shown->below[at - 1] != place + 1) at = shown->below[at - 1];
            if (at) shown->below[at - 1] = 0;
        }
    }
    mem_free(shown->row[place]);
    shown->row[place] = NULL;
    shown->oldest++;
    if (shown->hole == place + 1) shown->hole = 0;
}

static void table_add(ShownRows *shown, RowKind kind, const Str *cell) {
    uint32_t place;
    if (kind == ROW_UPDATE_AFTER && shown->hole) {
        place = shown->hole - 1;
        shown->gone--;
    } else {
        place = place_new(shown);
    }
    shown->hole = 0;
    shown->row[place] = row_new(shown, ROW_INSERT, cell);
    link_latest(shown, place);
}

static void table_take(ShownRows *shown, RowKind kind, const Str *cell) {
    ShownRow *wanted = row_new(shown, kind, cell);
    Str bytes = row_bytes(shown, wanted);
    uint32_t at = (uint32_t)(uintptr_t)map_get(&shown->latest, bytes);
    shown->hole = 0;
    if (at) {
        (void)map_put(&shown->latest, bytes, (void *)(uintptr_t)shown->below[at - 1]);
        row_drop(shown, at - 1);
        if (kind == ROW_UPDATE_BEFORE) shown->hole = at;
    }
    mem_free(wanted);
}

void shown_apply(ShownRows *shown, RowKind kind, const Str *cell) {
    for (uint32_t i = 0; i < shown->columns; i++) {
        uint32_t width = text_columns(cell[i]);
        if (width > shown->width[i]) shown->width[i] = width;
    }
    if (shown->is_log) {
        uint32_t place = place_new(shown);
        shown->row[place] = row_new(shown, kind, cell);
    } else if (row_kind_is_add(kind)) {
        table_add(shown, kind, cell);
    } else {
        table_take(shown, kind, cell);
    }
    if (shown->rows_max && shown_count(shown) > shown->rows_max) forget_oldest(shown);
    // Holes and texts that nobody has any more are cleared away when they are the greater part. An
    // open hole is about to be filled.
    uint32_t live = shown_count(shown);
    if (shown->hole || (shown->used <= live * 2 + 1024 && shown->latest.count <= live * 2 + 1024))
        return;
    shown_compact(shown);
}
