#include "exec/recall.h"

Status recall_until(StateTable *table, int64_t ms, TakeDue *take, void *arg, Error *err) {
    StateRecall recall = {.from_ms = INT64_MIN, .until_ms = ms};
    Status st = ST_OK;
    while (!st && state_away_due(table, ms)) {
        recall.at.len = 0;
        st = state_recall(table, &recall, err);
        // Nobody who is still away is due earlier than the first of them.
        int64_t first_ms = state_away_first(table);
        if (!st) st = take(arg, first_ms < ms ? first_ms : ms, err);
        if (!st) st = state_table_trim(table, err);
    }
    state_recall_clear(&recall);
    return st ? st : take(arg, ms, err);
}
