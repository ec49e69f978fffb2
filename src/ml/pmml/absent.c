// ml/pmml/absent.c - the PMML reader of a build without expat: it knows its files, and says so.
#include "ml/pmml/pmml.h"

static bool pmml_matches(Str path, Str bytes) {
    (void)bytes;
    return str_ends(path, STR(".pmml"));
}

static Status pmml_load(Str path, Str bytes, MlModel **out, Error *err) {
    (void)bytes, (void)out;
    return error_set(err, ST_UNSUPPORTED,
                     STR_FMT ": this build of weir does not read PMML (option pmml)",
                     STR_ARG(path));
}

const MlFormat PMML_FORMAT = {.name = "pmml", .matches = pmml_matches, .load = pmml_load};
