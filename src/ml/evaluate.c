// ml/evaluate.c - metrics by task.
#include "ml/evaluate.h"

static const char *const TASKS[ML_TASKS_] = {
    [ML_CLASSIFICATION] = "classification", [ML_REGRESSION] = "regression",
    [ML_CLUSTERING] = "clustering", [ML_OUTLIERS] = "outliers", [ML_FORECASTING] = "forecasting",
    [ML_EMBEDDING] = "embedding", [ML_TEXT_GENERATION] = "text_generation",
};

const char *ml_task_name(MlTask task) {
    return TASKS[task];
}

bool ml_task_named(Str name, MlTask *out) {
    for (int i = 0; i < ML_TASKS_; i++) {
        if (!str_eq_nocase(name, str_c(TASKS[i]))) continue;
        *out = (MlTask)i;
        return true;
    }
    return false;
}
