#include "cli/args.h"

#include "test/unit.h"

static const ArgDef DEFS[] = {
    {"-D", NULL, "KEY=VALUE", "sets a key"},
    {"--memory", NULL, "SIZE", "limits"},
    {"--help", "-h", NULL, "helps"},
    {0},
};

TEST(args, options_and_operands_in_every_spelling) {
    char *argv[] = {"run", "-Da=b", "-D", "c=d", "--memory=1g", "f.sql", "-h", "--", "-x", NULL};
    Args args = {.argc = 9, .argv = argv, .defs = DEFS};
    Error err = {0};
    CHECK(args_next(&args, &err) == 0 && strcmp(args.value, "a=b") == 0);
    CHECK(args_next(&args, &err) == 0 && strcmp(args.value, "c=d") == 0);
    CHECK(args_next(&args, &err) == 1 && strcmp(args.value, "1g") == 0);
    CHECK(args_next(&args, &err) == ARGS_OPERAND && strcmp(args.value, "f.sql") == 0);
    CHECK(args_next(&args, &err) == 2);
    CHECK(args_next(&args, &err) == ARGS_OPERAND && strcmp(args.value, "-x") == 0);
    CHECK(args_next(&args, &err) == ARGS_END);
}

TEST(args, wrong_options_say_what_is_wrong) {
    char *argv[] = {"run", "--memry", "--help=1", "--memory", NULL};
    Args args = {.argc = 4, .argv = argv, .defs = DEFS};
    Error err = {0};
    CHECK_INT(args_next(&args, &err), ARGS_WRONG);
    CHECK_STR(err.hint, "did you mean '--memory'?");
    CHECK_INT(args_next(&args, &err), ARGS_WRONG);
    CHECK_STR(err.message, "option '--help' takes no value");
    CHECK_INT(args_next(&args, &err), ARGS_WRONG);
    CHECK_STR(err.message, "option '--memory' needs a value: --memory SIZE");
}
