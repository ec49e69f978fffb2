// cli/shell_view.h - a query on the whole screen: the table as it stands, or the last changes, kept
// up to date while the job runs, to be scrolled through. A result that is soon complete and fits is
// just printed.
#pragma once

#include "cli/statement.h"

// Runs a query in the mode RESULT_TABLE or RESULT_CHANGELOG; errors are printed. Returns an exit
// code.
int view_query(Executor *executor, Str script, Str sql, Place first, ResultMode mode);
