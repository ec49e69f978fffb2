#include "udf/python.h"

Status udf_python(const PythonSpec *spec, Udf **out, Error *err) {
    (void)out;
    return error_set(err, ST_UNSUPPORTED, "function '" STR_FMT "': no Python yet",
                     STR_ARG(spec->name));
}
