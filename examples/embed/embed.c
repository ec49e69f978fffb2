// examples/embed/embed.c - weir inside another program. Build it against the installed library:
//     cc embed.c $(pkg-config --cflags --libs weir) -o embed
//
// The program has a table of its own (orders, handed in as Arrow arrays), a function of its own
// (WITH_TAX), and asks a question about both. The answer comes as an Arrow stream: here it is
// printed, but anything that speaks Arrow could take it as it is.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weir.h>

// ---- A table of the host: three columns, one array of five rows --------------------------------

static const char *const COLUMNS[][2] = {{"product", "u"}, {"amount", "l"}, {"paid", "b"}};
static const int32_t PRODUCT_AT[] = {0, 3, 7, 10, 14, 17};
static const char PRODUCT[] = "teamilkteamilktea";
static const int64_t AMOUNT[] = {100, 250, 300, 50, 600};
static const uint8_t PAID[] = {0x17};  // a bit for each row: all but the fourth
static const void *const BUFFERS[][3] = {
    {NULL, PRODUCT_AT, PRODUCT}, {NULL, AMOUNT, NULL}, {NULL, PAID, NULL}};
static const int64_t BUFFER_COUNT[] = {3, 2, 2};
enum { COLUMN_COUNT = 3, ROW_COUNT = 5 };

// All memory of a schema or an array lies in one block behind it.
typedef struct SchemaParts {
    struct ArrowSchema column[COLUMN_COUNT], *pointer[COLUMN_COUNT];
} SchemaParts;
typedef struct ArrayParts {
    struct ArrowArray column[COLUMN_COUNT], *pointer[COLUMN_COUNT];
    const void *none[1];
} ArrayParts;

static void release_child_schema(struct ArrowSchema *self) {
    self->release = NULL;
}
static void release_schema(struct ArrowSchema *self) {
    free(self->private_data);
    self->release = NULL;
}
static void release_child_array(struct ArrowArray *self) {
    self->release = NULL;
}
static void release_array(struct ArrowArray *self) {
    free(self->private_data);
    self->release = NULL;
}

static int orders_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out) {
    SchemaParts *parts = calloc(1, sizeof *parts);
    (void)stream;
    for (int i = 0; i < COLUMN_COUNT; i++) {
        parts->pointer[i] = &parts->column[i];
        parts->column[i].name = COLUMNS[i][0];
        parts->column[i].format = COLUMNS[i][1];
        parts->column[i].release = release_child_schema;
    }
    memset(out, 0, sizeof *out);
    out->format = "+s";
    out->name = "";
    out->n_children = COLUMN_COUNT;
    out->children = parts->pointer;
    out->release = release_schema;
    out->private_data = parts;
    return 0;
}

static int orders_next(struct ArrowArrayStream *stream, struct ArrowArray *out) {
    int *given = stream->private_data;
    memset(out, 0, sizeof *out);
    if ((*given)++) return 0;  // a released array is the end
    ArrayParts *parts = calloc(1, sizeof *parts);
    for (int i = 0; i < COLUMN_COUNT; i++) {
        parts->pointer[i] = &parts->column[i];
        parts->column[i].length = ROW_COUNT;
        parts->column[i].n_buffers = BUFFER_COUNT[i];
        parts->column[i].buffers = (const void **)(uintptr_t)BUFFERS[i];
        parts->column[i].release = release_child_array;
    }
    out->length = ROW_COUNT;
    out->n_buffers = 1;
    out->buffers = parts->none;
    out->n_children = COLUMN_COUNT;
    out->children = parts->pointer;
    out->release = release_array;
    out->private_data = parts;
    return 0;
}

static const char *orders_error(struct ArrowArrayStream *stream) {
    (void)stream;
    return NULL;
}
static void orders_release(struct ArrowArrayStream *stream) {
    stream->release = NULL;
}

// ---- A function of the host ---------------------------------------------------------------------

static int with_tax(void *arg, const weir_value *args, int argc, weir_value *result) {
    const int64_t *percent = arg;
    (void)argc;
    result->is_null = args[0].is_null;
    result->integer = args[0].integer + args[0].integer * *percent / 100;
    return 0;
}

// ---- The question
// --------------------------------------------------------------------------------

static void print_rows(const struct ArrowArray *rows) {
    const struct ArrowArray *product = rows->children[0], *sold = rows->children[1];
    const int32_t *at = product->buffers[1];
    const char *text = product->buffers[2];
    const int64_t *amount = sold->buffers[1];
    const signed char *change = rows->children[2]->buffers[1];
    static const char *const CHANGES[] = {"+I", "-U", "+U", "-D"};
    for (int64_t i = 0; i < rows->length; i++) {
        printf("%s %.*s %" PRId64 "\n", CHANGES[change[i]], (int)(at[i + 1] - at[i]), text + at[i],
               amount[i]);
    }
}

static int failed(weir_session *session, const char *what) {
    fprintf(stderr, "%s: %s\n", what, weir_error(session));
    weir_close(session);
    return 1;
}

int main(void) {
    int given = 0;
    int64_t percent = 20;
    struct ArrowArrayStream orders = {orders_schema, orders_next, orders_error, orders_release,
                                      &given};
    struct ArrowArrayStream answer;
    struct ArrowArray rows;
    int code;

    printf("weir %s\n", weir_version());
    weir_session *session = weir_open();
    if (weir_function("WITH_TAX", "BIGINT", "BIGINT", with_tax, &percent)) return 1;
    if (weir_feed(session, "orders", NULL, &orders)) return failed(session, "orders");
    if (weir_execute(session, "CREATE TEMPORARY VIEW sold AS SELECT product, "
                              "WITH_TAX(amount) AS amount FROM orders WHERE paid")) {
        return failed(session, "the view");
    }
    // What is wrong is said with its place, and with the way out where weir can guess it.
    if (weir_execute(session, "SELECT prodct FROM sold")) printf("%s\n", weir_error(session));

    // The answer changes as orders come in; each change is a row.
    if (weir_query(session, "SELECT product, SUM(amount) FROM sold GROUP BY product", WEIR_CHANGES,
                   &answer)) {
        return failed(session, "the query");
    }
    while ((code = answer.get_next(&answer, &rows)) == 0 && rows.release) {
        print_rows(&rows);
        rows.release(&rows);
    }
    if (code) fprintf(stderr, "the answer: %s\n", answer.get_last_error(&answer));
    answer.release(&answer);
    weir_close(session);
    return code != 0;
}
