// What stands in for the connector in a build without libpq: its tables can be declared, and using
// one says what is missing.
#include "connector/jdbc/jdbc.h"

static const OptionDef OPTIONS[] = {{.key = "*"}, {0}};

static Status check(const TableDesc *desc, bool as_sink, Error *err) {
    (void)as_sink;
    (void)error_set(err, ST_UNSUPPORTED,
                    "table '" STR_FMT "': this weir was built without PostgreSQL",
                    STR_ARG(desc->name));
    error_hint(err, "install libpq-dev and build again");
    return ST_UNSUPPORTED;
}

static bool lookup_allowed(const TableDesc *desc) {
    (void)desc;
    return true;
}

const Connector JDBC_CONNECTOR = {.name = "jdbc", .options = OPTIONS, .source = true, .sink = true,
                                  .check = check, .lookup_allowed = lookup_allowed};
