// engine/reference.h - pages of the reference, made from the tables that the program itself reads:
// docs/sql/settings.md and docs/sql/options.md. A unit test holds the pages against them; `make
// docs` writes them.
#pragma once

#include "base/text.h"

void reference_settings(Buf *out);
// The options of tables: of connectors, formats, and those that every table may have.
void reference_options(Buf *out);
