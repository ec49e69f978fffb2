#include "format/builtin.h"

#include "format/csv/csv.h"
#include "format/json/json.h"
#include "format/raw/raw.h"

void formats_register(void) {
    static const Format *const FORMATS[] = {
        &CANAL_JSON_FORMAT, &CSV_FORMAT, &DEBEZIUM_JSON_FORMAT, &JSON_FORMAT,
        &MAXWELL_JSON_FORMAT, &OGG_JSON_FORMAT, &RAW_FORMAT,
    };
    for (size_t i = 0; i < sizeof FORMATS / sizeof *FORMATS; i++) format_register(FORMATS[i]);
}
