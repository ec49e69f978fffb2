#include "format/builtin.h"

#include "format/csv/csv.h"
#include "format/json/json.h"
#include "format/raw/raw.h"

const Format *const BUILTIN_FORMATS[] = {
    &CANAL_JSON_FORMAT, &CSV_FORMAT,      &DEBEZIUM_JSON_FORMAT, &JSON_FORMAT,
    &MAXWELL_JSON_FORMAT, &OGG_JSON_FORMAT, &RAW_FORMAT,         NULL,
};

void formats_register(void) {
    for (const Format *const *at = BUILTIN_FORMATS; *at; at++) format_register(*at);
}
