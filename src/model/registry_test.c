#include "model/registry.h"

#include <stdlib.h>

#include "os/os.h"
#include "test/unit.h"

static Str new_dir(Arena *arena) {
    char path[] = "/tmp/weir-registry-XXXXXX";
    CHECK(mkdtemp(path) != NULL);
    return str_dup(arena, str_c(path));
}

TEST(registry, versions_are_added_and_rolled_back) {
    Arena arena = {0};
    Str dir = new_dir(&arena);
    Error err = {0};
    uint64_t version = 0, *all;
    uint32_t count;
    bool found;
    CHECK(!registry_current(dir, &version, &found, &err) && !found);
    CHECK(!registry_publish(dir, STR("weir"), STR("first"), STR("\"rows\":3"), &version, &err));
    CHECK(version == 1);
    CHECK(!registry_publish(dir, STR("pmml"), STR("second"), (Str){0}, &version, &err));
    CHECK(!registry_current(dir, &version, &found, &err) && found && version == 2);
    CHECK(!registry_versions(dir, &arena, &all, &count, &err));
    CHECK(count == 2 && all[0] == 1 && all[1] == 2);
    RegistryVersion one;
    CHECK(!registry_verify(dir, 1, &arena, &one, &err));
    CHECK(str_is(one.format, "weir") && str_ends(one.path, STR("/1/model.weir")));
    CHECK(str_find(one.meta, STR("\"rows\":3"), 0) > 0);
    CHECK(!registry_use(dir, 1, &err));
    CHECK(!registry_current(dir, &version, &found, &err) && version == 1);
    // A number is not given twice, whichever version is in use.
    CHECK(!registry_publish(dir, STR("weir"), STR("third"), (Str){0}, &version, &err));
    CHECK(version == 3);
    unit_remove_dir(dir);
    arena_clear(&arena);
}

TEST(registry, what_is_broken_is_named) {
    Arena arena = {0};
    Str dir = new_dir(&arena);
    Error err = {0};
    uint64_t version;
    bool found;
    CHECK(!registry_publish(dir, STR("weir"), STR("first"), (Str){0}, &version, &err));
    CHECK(registry_use(dir, 7, &err) == ST_VALIDATION);
    CHECK(strstr(err.message, "has no version 7"));
    CHECK_STR(err.hint, "it has 1");
    Str file = str_printf(&arena, STR_FMT "/1/model.weir", STR_ARG(dir));
    CHECK(!os_write_file(file, STR("other"), &err));
    RegistryVersion one;
    CHECK(registry_verify(dir, 1, &arena, &one, &err) == ST_VALIDATION);
    CHECK(strstr(err.message, "not the one that was registered"));
    Str meta = str_printf(&arena, STR_FMT "/1/meta.json", STR_ARG(dir));
    CHECK(!os_write_file(
        meta, STR("{\"file\":\"../../secret\",\"format\":\"weir\",\"sha256\":\"x\"}"), &err));
    CHECK(registry_open(dir, 1, &arena, &one, &err) == ST_VALIDATION);
    CHECK(strstr(err.message, "does not describe a model"));
    Str current = str_printf(&arena, STR_FMT "/CURRENT", STR_ARG(dir));
    CHECK(!os_write_file(current, STR("latest"), &err));
    CHECK(registry_current(dir, &version, &found, &err) == ST_VALIDATION);
    unit_remove_dir(dir);
    arena_clear(&arena);
}
