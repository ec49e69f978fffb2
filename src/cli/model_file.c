// Models as operands of a command, and their export.
#include "cli/model_file.h"

#include <stdio.h>

#include "cli/cli.h"
#include "ml/train.h"
#include "model/registry.h"
#include "os/os.h"

Status model_file_load(const char *path, MlModel **out, Error *err) {
    Arena arena = {0};
    OsStat info;
    uint64_t version = 0;
    bool versions = false;
    RegistryVersion entry = {.path = str_c(path)};
    Status st = os()->stat(str_c(path), &info, err);
    if (!st && info.is_dir) st = registry_current(str_c(path), &version, &versions, err);
    if (!st && versions) st = registry_open(str_c(path), version, &arena, &entry, err);
    if (!st) st = ml_load(entry.path, NULL, out, err);
    arena_clear(&arena);
    return st;
}

Status model_file_export(const char *from, const char *to, Error *err) {
    MlModel *model = NULL;
    Buf out = {0};
    TRY(model_file_load(from, &model, err));
    Status st = ST_OK;
    if (strcmp(model->vt->format, "weir") != 0) {
        st = error_set(err, ST_UNSUPPORTED,
                       "%s is a model of the format %s; those that were trained "
                       "here can be written as PMML",
                       from, model->vt->format);
    }
    if (!st) st = ml_write_pmml(model, &out, err);
    if (!st) st = os_write_file(str_c(to), buf_str(&out), err);
    buf_free(&out);
    ml_free(model);
    return st;
}
