#include "exec/program.h"

typedef enum StepKind {
    STEP_LITERAL,
    STEP_COLUMN,
    STEP_CALL,
    STEP_CAST,
    STEP_FIELD,
    STEP_CASE,       // all branches evaluated, then blended
    STEP_CASE_LAZY,  // each branch on the rows that reach it
    STEP_AND_LAZY,   // right side only where the left does not decide
    STEP_OR_LAZY,
} StepKind;

typedef struct Step {
    StepKind kind;
    const Expr *expr;
    uint64_t hash;       // of it
    uint32_t arg_count;
    uint32_t *arg;       // registers; register i is the result of step i
    bool *constant;      // per argument
    void *state;         // of the call site
    Vec *literal;        // repeated to [literal_rows]
    uint32_t literal_rows;
    Program **part;      // lazy: one program per part, over the same input
} Step;

// What kernels may ask about the moment. All of a run see one time, read when the first one asks:
// NOW() = CURRENT_TIMESTAMP.
typedef struct Moment {
    FuncEnv env;          // the job's, but for the clock
    const FuncEnv *real;
    bool read;            // in this run
    int64_t now_ms;
    const int64_t *watermark_ms;
} Moment;

struct Program {
    Arena arena;
    Moment own;
    Moment *moment;      // [own], or that of the program this one is a part of
    const FuncEnv *env;  // the moment's
    const Type *input;
    Step *step;
    uint32_t step_count, step_cap;
    uint32_t *slot;      // index by hash: number of the step + 1
    uint32_t slot_count;
    uint32_t *result;    // registers
    uint32_t result_count;
    Vec **reg;
    Arena literals;      // repeated constants
    Arena scratch;
    uint64_t *used;      // columns the program reads
};

static bool is_lazy_logic(const Expr *expr, const char *name) {
    return expr->kind == EXPR_CALL && expr->arg_count == 2 &&
           (expr->call->func->flags & FUNC_SHORT_CIRCUIT) &&
           strcmp(expr->call->func->name, name) == 0 && expr_can_fail(expr->arg[1]);
}

static int64_t moment_now(void *arg) {
    Moment *moment = arg;
    if (!moment->read) moment->now_ms = moment->real->now_ms(moment->real->now_arg);
    moment->read = true;
    return moment->now_ms;
}

static Status program_make(Expr *const *expr, uint32_t count, const Type *input, const FuncEnv *env,
                           Moment *moment, Program **out, Error *err);

static Status part_new(Program *program, Expr *expr, Program **out, Error *err) {
    return program_make(&expr, 1, program->input, program->env, program->moment, out, err);
}

static Status compile(Program *program, Expr *expr, uint32_t *reg, Error *err);

static Status compile_some(Program *program, Step *step, const Expr *expr, uint32_t count,
                           Error *err) {
    step->arg_count = count;
    step->arg = ARENA_ARRAY(&program->arena, uint32_t, count + 1);
    step->constant = ARENA_ARRAY(&program->arena, bool, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        step->constant[i] = expr->arg[i]->kind == EXPR_LITERAL;
        TRY(compile(program, expr->arg[i], &step->arg[i], err));
    }
    return ST_OK;
}

static Status compile_args(Program *program, Step *step, const Expr *expr, Error *err) {
    return compile_some(program, step, expr, expr->arg_count, err);
}

// A list of literals that the function takes in at once, instead of a column for each.
static Status open_literals(Step *step, const Expr *expr, Error *err) {
    const FuncCall *call = expr->call;
    if (!(call->func->flags & FUNC_LITERAL_SET)) return ST_OK;
    for (uint32_t i = 1; i < expr->arg_count; i++) {
        if (expr->arg[i]->kind != EXPR_LITERAL) return ST_OK;
    }
    for (uint32_t i = 1; i < expr->arg_count; i++) call->literal[i] = expr->arg[i]->value;
    return call->func->open(call, &step->state, err);
}

static Status compile_call(Program *program, Step *step, const Expr *expr, Error *err) {
    step->kind = STEP_CALL;
    TRY(open_literals(step, expr, err));
    if (step->state) return compile_some(program, step, expr, 1, err);
    TRY(compile_args(program, step, expr, err));
    if (!expr->call->func->open || expr->call->func->flags & FUNC_LITERAL_SET) return ST_OK;
    return expr->call->func->open(expr->call, &step->state, err);
}

static Status compile_step(Program *program, Step *step, Expr *expr, Error *err) {
    switch (expr->kind) {
        case EXPR_COLUMN:
            step->kind = STEP_COLUMN;
            bits_set(program->used, expr->column);
            return ST_OK;
        case EXPR_LITERAL: step->kind = STEP_LITERAL; return ST_OK;
        case EXPR_FIELD: step->kind = STEP_FIELD; return compile_args(program, step, expr, err);
        case EXPR_CAST: step->kind = STEP_CAST; return compile_args(program, step, expr, err);
        case EXPR_CASE: {
            bool risky = false;
            for (uint32_t i = 1; i < expr->arg_count; i++) risky |= expr_can_fail(expr->arg[i]);
            if (!risky) {
                step->kind = STEP_CASE;
                return compile_args(program, step, expr, err);
            }
            step->kind = STEP_CASE_LAZY;
            break;
        }
        case EXPR_CALL:
            if (is_lazy_logic(expr, "AND")) {
                step->kind = STEP_AND_LAZY;
            } else if (is_lazy_logic(expr, "OR")) {
                step->kind = STEP_OR_LAZY;
            } else {
                return compile_call(program, step, expr, err);
            }
            break;
    }
    step->part = ARENA_ARRAY(&program->arena, Program *, expr->arg_count);
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        TRY(part_new(program, expr->arg[i], &step->part[i], err));
        expr_columns(expr->arg[i], program->used);
    }
    return ST_OK;
}

// Slot of the step with that value, or the free slot where it belongs.
static uint32_t step_slot(const Program *program, const Expr *expr, uint64_t hash) {
    uint32_t mask = program->slot_count - 1, at = (uint32_t)hash & mask;
    for (; program->slot[at]; at = (at + 1) & mask) {
        const Step *step = &program->step[program->slot[at] - 1];
        if (step->hash == hash && expr_equal(step->expr, expr)) break;
    }
    return at;
}

static void slots_grow(Program *program) {
    program->slot_count = program->slot_count ? program->slot_count * 2 : 32;
    program->slot = ARENA_ARRAY(&program->arena, uint32_t, program->slot_count);
    for (uint32_t i = 0; i < program->step_count; i++) {
        uint32_t mask = program->slot_count - 1, at = (uint32_t)program->step[i].hash & mask;
        while (program->slot[at]) at = (at + 1) & mask;
        program->slot[at] = i + 1;
    }
}

// What is computed already is not computed again.
static Status compile(Program *program, Expr *expr, uint32_t *reg, Error *err) {
    uint64_t hash = expr_hash(expr);
    if (program->step_count * 2 >= program->slot_count) slots_grow(program);
    uint32_t found = program->slot[step_slot(program, expr, hash)];
    if (found) return *reg = found - 1, ST_OK;
    Step step = {.expr = expr, .hash = hash};
    Status st = compile_step(program, &step, expr, err);
    // Steps are appended even on failure, so that program_free finds what was opened.
    if (program->step_count == program->step_cap) {
        uint32_t cap = program->step_cap ? program->step_cap * 2 : 16;
        Step *grown = ARENA_ARRAY(&program->arena, Step, cap);
        if (program->step_count) memcpy(grown, program->step, program->step_count * sizeof step);
        program->step = grown;
        program->step_cap = cap;
    }
    program->step[program->step_count] = step;
    *reg = program->step_count++;
    if (program->step_count * 2 >= program->slot_count) {
        slots_grow(program);  // the arguments have filled it
    } else {
        program->slot[step_slot(program, expr, hash)] = program->step_count;
    }
    return st;
}

static void moment_init(Moment *moment, const FuncEnv *env) {
    moment->real = env;
    if (env) moment->env = *env;
    if (env && env->now_ms) {
        moment->env.now_ms = moment_now;
        moment->env.now_arg = moment;
    }
}

// [moment] is NULL but for a part of another program.
static Status program_make(Expr *const *expr, uint32_t count, const Type *input, const FuncEnv *env,
                           Moment *moment, Program **out, Error *err) {
    Program *program = NEW(Program);
    program->moment = moment ? moment : &program->own;
    if (!moment) moment_init(&program->own, env);
    program->env = &program->moment->env;
    program->input = input;
    uint32_t columns = input ? input->child_count : 0;
    program->used = ARENA_ARRAY(&program->arena, uint64_t, BITS_WORDS(columns + 1));
    program->result = ARENA_ARRAY(&program->arena, uint32_t, count + 1);
    program->result_count = count;
    Status st = ST_OK;
    for (uint32_t i = 0; i < count && !st; i++) {
        st = compile(program, expr[i], &program->result[i], err);
    }
    if (st) {
        program_free(program);
        return st;
    }
    program->reg = ARENA_ARRAY(&program->arena, Vec *, program->step_count + 1);
    *out = program;
    return ST_OK;
}

Status program_new(Expr *const *expr, uint32_t count, const Type *input, const FuncEnv *env,
                   Program **out, Error *err) {
    return program_make(expr, count, input, env, NULL, out, err);
}

void program_watch(Program *program, const int64_t *watermark_ms) {
    program->own.watermark_ms = watermark_ms;
}

void program_free(Program *program) {
    if (!program) return;
    for (uint32_t i = 0; i < program->step_count; i++) {
        Step *step = &program->step[i];
        if (step->state && step->expr->call->func->close) {
            step->expr->call->func->close(step->state);
        }
        for (uint32_t p = 0; step->part && p < step->expr->arg_count; p++) {
            program_free(step->part[p]);
        }
    }
    arena_clear(&program->literals);
    arena_clear(&program->scratch);
    Arena arena = program->arena;
    arena_clear(&arena);
    mem_free(program);
}

static Vec *literal_rows(Program *program, Step *step, uint32_t rows) {
    if (!step->literal || step->literal_rows < rows) {
        uint32_t want = rows < 64 ? 64 : rows < BATCH_ROWS_MAX ? BATCH_ROWS_MAX : rows;
        step->literal = vec_repeat(&program->literals, step->expr->value, 0, want);
        step->literal_rows = want;
    }
    if (step->literal->len == rows) return step->literal;
    return vec_slice(&program->scratch, step->literal, 0, rows);
}

// AND of the arguments' validity into [out]; NULL when there is nothing to AND.
static const uint64_t *strict_valid(const Vec *const *arg, uint32_t argc, uint32_t rows, Vec *out) {
    size_t words = BITS_WORDS(rows);
    for (uint32_t i = 0; i < argc; i++) {
        if (!arg[i]->valid) continue;
        vec_need_valid(out);
        for (size_t w = 0; w < words; w++) out->valid[w] &= arg[i]->valid[w];
    }
    return out->valid;
}

static Status run_call(Program *program, Step *step, uint32_t rows, Arena *arena, Vec **result,
                       Error *err) {
    const Expr *expr = step->expr;
    uint32_t argc = step->arg_count;
    const Vec *arg_few[8], **arg = arg_few;
    if (argc > 8) arg = ARENA_ARRAY(&program->scratch, const Vec *, argc);
    for (uint32_t i = 0; i < argc; i++) arg[i] = program->reg[step->arg[i]];
    Vec *out = vec_new(arena, expr->type, rows);
    KernelArgs args = {
        .rows = rows,
        .argc = argc,
        .arg = arg,
        .constant = step->constant,
        .call = expr->call,
        .state = step->state,
        .scratch = &program->scratch,
        .env = program->env,
        .watermark_ms = program->moment->watermark_ms,
    };
    if (expr->call->func->nulls == NULLS_STRICT) {
        args.valid = strict_valid(arg, argc, rows, out);
        // The kernel may add NULLs to out->valid while it reads args.valid: give it a copy.
        if (args.valid) {
            args.valid = arena_dup(&program->scratch, args.valid, BITS_WORDS(rows) * 8);
        }
    }
    Status st = expr->call->kernel(&args, out, err);
    if (st) {
        error_place(err, expr->place);
        return st;
    }
    if (out->phys == PHYS_ROW && out->valid) {  // the fields of a NULL row are NULL
        for (uint32_t row = 0; row < rows; row++) {
            if (vec_is_null(out, row)) vec_set_null(out, row);
        }
    } else if (args.valid) {  // NULL slots hold zero, whatever the kernel computed over them
        uint32_t size = phys_size(out->phys);
        for (size_t w = 0; w < BITS_WORDS(rows); w++) {
            uint64_t nulls = ~args.valid[w];
            if (w == rows / 64) nulls &= ((uint64_t)1 << (rows % 64)) - 1;
            while (nulls) {
                uint32_t row = (uint32_t)(w * 64) + (uint32_t)__builtin_ctzll(nulls);
                nulls &= nulls - 1;
                memset((char *)out->data + (size_t)row * size, 0, size);
            }
        }
    }
    *result = out;
    return ST_OK;
}

static Status run_cast(Program *program, Step *step, uint32_t rows, Arena *arena, Vec **result,
                       Error *err) {
    const Expr *expr = step->expr;
    Vec *out = vec_new(arena, expr->type, rows);
    Status st = cast_vec(program->reg[step->arg[0]], rows, NULL, expr->try_cast, program->env,
                         &program->scratch, out, err);
    if (st) error_place(err, expr->place);
    *result = out;
    return st;
}

static void run_field(Program *program, Step *step, Arena *arena, Vec **result) {
    const Vec *row = program->reg[step->arg[0]];
    *result = vec_retype(arena, row->child[step->expr->column], step->expr->type);
}

static bool is_true(const Vec *flags, uint32_t row) {
    return vec_u8(flags)[row] && !vec_is_null(flags, row);
}

static void run_case(Program *program, Step *step, uint32_t rows, Arena *arena, Vec **result) {
    const Expr *expr = step->expr;
    uint32_t branches = expr->arg_count / 2;
    Vec *out = vec_new(arena, expr->type, rows);
    // The branch of each row first, then a pass per branch that moves its rows.
    uint32_t *left = ARENA_ARRAY(&program->scratch, uint32_t, rows + 1);
    uint32_t *hit = ARENA_ARRAY(&program->scratch, uint32_t, rows + 1);
    uint32_t left_count = rows;
    for (uint32_t row = 0; row < rows; row++) left[row] = row;
    for (uint32_t b = 0; b <= branches && left_count; b++) {
        const Vec *value = program->reg[step->arg[b < branches ? b * 2 + 1 : branches * 2]];
        uint32_t hits = 0, rest = 0;
        if (b < branches) {
            const Vec *when = program->reg[step->arg[b * 2]];
            for (uint32_t i = 0; i < left_count; i++) {
                uint32_t row = left[i];
                if (is_true(when, row)) {
                    hit[hits++] = row;
                } else {
                    left[rest++] = row;
                }
            }
            left_count = rest;
        } else {
            memcpy(hit, left, left_count * sizeof *hit);
            hits = left_count;
        }
        if (value->phys == PHYS_I64 && !value->valid && !out->valid) {
            for (uint32_t i = 0; i < hits; i++) vec_i64(out)[hit[i]] = vec_i64(value)[hit[i]];
        } else {
            for (uint32_t i = 0; i < hits; i++) vec_share_value(out, hit[i], value, hit[i]);
        }
    }
    *result = out;
}

// Runs [part] on the chosen rows of the input; *value has [count] rows.
static Status run_part(const Program *program, Program *part, Vec *const *columns,
                       const uint32_t *rows, uint32_t count, Arena *arena, Vec **value,
                       Error *err) {
    uint32_t column_count = program->input ? program->input->child_count : 0;
    Vec **chosen = ARENA_ARRAY(arena, Vec *, column_count + 1);
    for (uint32_t c = 0; c < column_count; c++) {
        if (bits_get(part->used, c)) chosen[c] = vec_gather(arena, columns[c], rows, count);
    }
    return program_run(part, chosen, count, arena, value, err);
}

static Status run_case_lazy(Program *program, Step *step, Vec *const *columns, uint32_t rows,
                            Arena *arena, Vec **result, Error *err) {
    uint32_t branches = step->expr->arg_count / 2;
    Vec *out = vec_new(arena, step->expr->type, rows);
    uint32_t *left = ARENA_ARRAY(&program->scratch, uint32_t, rows + 1);
    uint32_t *hit = ARENA_ARRAY(&program->scratch, uint32_t, rows + 1);
    uint32_t left_count = rows;
    for (uint32_t row = 0; row < rows; row++) left[row] = row;
    for (uint32_t b = 0; b <= branches && left_count; b++) {
        Vec *value;
        uint32_t hits = 0, rest = 0;
        if (b < branches) {
            Vec *when;
            TRY(run_part(program, step->part[b * 2], columns, left, left_count, arena, &when, err));
            for (uint32_t i = 0; i < left_count; i++) {
                if (is_true(when, i)) {
                    hit[hits++] = left[i];
                } else {
                    left[rest++] = left[i];
                }
            }
            left_count = rest;
        } else {
            memcpy(hit, left, left_count * sizeof *hit);
            hits = left_count;
        }
        if (!hits) continue;
        Program *part = step->part[b < branches ? b * 2 + 1 : branches * 2];
        TRY(run_part(program, part, columns, hit, hits, arena, &value, err));
        for (uint32_t i = 0; i < hits; i++) vec_share_value(out, hit[i], value, i);
    }
    *result = out;
    return ST_OK;
}

// AND, OR where the right side may fail: it runs only where the left is not decisive.
static Status run_logic_lazy(Program *program, Step *step, Vec *const *columns, uint32_t rows,
                             Arena *arena, Vec **result, Error *err) {
    bool decisive = step->kind == STEP_OR_LAZY;  // the value of the left that decides alone
    Vec *left;
    TRY(program_run(step->part[0], columns, rows, arena, &left, err));
    Vec *out = vec_new(arena, step->expr->type, rows);
    uint32_t *rest = ARENA_ARRAY(&program->scratch, uint32_t, rows + 1);
    uint32_t count = 0;
    for (uint32_t row = 0; row < rows; row++) {
        bool null = vec_is_null(left, row);
        if (!null && vec_u8(left)[row] == decisive) {
            vec_u8(out)[row] = decisive;
        } else {
            rest[count++] = row;
        }
    }
    if (!count) return *result = out, ST_OK;
    Vec *right;
    TRY(run_part(program, step->part[1], columns, rest, count, arena, &right, err));
    for (uint32_t i = 0; i < count; i++) {
        uint32_t row = rest[i];
        bool right_null = vec_is_null(right, i);
        if (!right_null && vec_u8(right)[i] == decisive) {
            vec_u8(out)[row] = decisive;
        } else if (right_null || vec_is_null(left, row)) {
            vec_set_null(out, row);
        } else {
            vec_u8(out)[row] = !decisive;
        }
    }
    *result = out;
    return ST_OK;
}

Status program_run(Program *program, Vec *const *columns, uint32_t rows, Arena *arena, Vec **result,
                   Error *err) {
    arena_reset(&program->scratch);
    if (program->moment == &program->own) program->own.read = false;
    for (uint32_t i = 0; i < program->step_count; i++) {
        Step *step = &program->step[i];
        Vec **out = &program->reg[i];
        switch (step->kind) {
            case STEP_COLUMN: *out = columns[step->expr->column]; break;
            case STEP_LITERAL: *out = literal_rows(program, step, rows); break;
            case STEP_FIELD: run_field(program, step, arena, out); break;
            case STEP_CALL: TRY(run_call(program, step, rows, arena, out, err)); break;
            case STEP_CAST: TRY(run_cast(program, step, rows, arena, out, err)); break;
            case STEP_CASE: run_case(program, step, rows, arena, out); break;
            case STEP_CASE_LAZY:
                TRY(run_case_lazy(program, step, columns, rows, arena, out, err));
                break;
            case STEP_AND_LAZY:
            case STEP_OR_LAZY:
                TRY(run_logic_lazy(program, step, columns, rows, arena, out, err));
                break;
        }
    }
    for (uint32_t i = 0; i < program->result_count; i++) {
        Vec *vec = program->reg[program->result[i]];
        // Constants are repeated in the program's scratch: a result must not dangle after the next
        // run.
        if (program->step[program->result[i]].kind == STEP_LITERAL) {
            vec = vec_repeat(arena, program->step[program->result[i]].expr->value, 0, rows);
        }
        result[i] = vec;
    }
    return ST_OK;
}

Status program_select(Program *program, Vec *const *columns, uint32_t rows, uint32_t *sel,
                      uint32_t *count, Error *err) {
    ASSERT(program->result_count == 1);
    Arena arena;
    arena_init(&arena);
    Vec *flags;
    Status st = program_run(program, columns, rows, &arena, &flags, err);
    if (!st) {
        uint32_t n = 0;
        const uint8_t *flag = vec_u8(flags);
        if (flags->valid) {
            for (uint32_t row = 0; row < rows; row++) {
                sel[n] = row;
                n += flag[row] & bits_get(flags->valid, row);
            }
        } else {
            for (uint32_t row = 0; row < rows; row++) {
                sel[n] = row;
                n += flag[row];
            }
        }
        *count = n;
    }
    arena_clear(&arena);
    return st;
}

Status expr_evaluate(const Expr *expr, const FuncEnv *env, Arena *arena, Vec **out, Error *err) {
    Program *program;
    Expr *copy = arena_dup(arena, expr, sizeof *expr);
    TRY(program_new(&copy, 1, NULL, env, &program, err));
    Vec *value;
    Arena work;
    arena_init(&work);
    Status st = program_run(program, NULL, 1, &work, &value, err);
    if (!st) {
        *out = vec_new(arena, expr->type, 1);
        vec_copy_value(*out, 0, value, 0);
    }
    arena_clear(&work);
    program_free(program);
    return st;
}
