// format/json/json.h - the json format and the changelog formats that wrap it.
#pragma once

#include "spi/format.h"

extern const Format JSON_FORMAT;
extern const Format DEBEZIUM_JSON_FORMAT, CANAL_JSON_FORMAT, MAXWELL_JSON_FORMAT, OGG_JSON_FORMAT;
