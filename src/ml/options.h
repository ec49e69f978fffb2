// ml/options.h - options as rows of a table: a key, a kind, what it is when nobody says, a doc.
// Whoever trains reads them from texts; the reference page is made of the same rows.
#pragma once

#include "base/mem.h"
#include "base/text.h"

typedef enum MlOptionKind {
    ML_OPTION_INT,
    ML_OPTION_DOUBLE,
    ML_OPTION_BOOL,
    ML_OPTION_TEXT,
    ML_OPTION_CHOICE,  // one of [choices]
} MlOptionKind;

typedef struct MlOption {
    const char *key;
    MlOptionKind kind;
    const char *initial;  // as a user would write it; "" of a text: none
    double min, max;      // of a number, both inclusive
    const char *choices;  // "gini entropy": names with blanks between
    const char *doc;
} MlOption;

typedef struct MlSetting {
    Str key, value;
} MlSetting;

// Two tables, one upon the other; each ends with a row whose key is NULL.
typedef struct MlOptions {
    const char *whose;            // in messages: "decision-tree"
    const MlOption *table[2];
    double *number;               // of all rows; a choice's number, 0 or 1 of a bool
    Str *text;                    // as given, borrowed
} MlOptions;

// ST_VALIDATION names the option and the cure: what is near to a wrong name, or which values it
// takes.
NODISCARD Status options_read(MlOptions *self, const MlSetting *setting, uint32_t count,
                              Arena *arena, Error *err);
// By a key that is there.
double options_number(const MlOptions *self, const char *key);
Str options_text(const MlOptions *self, const char *key);

// "Decision_Tree" is "decision-tree".
bool ml_same_name(Str name, const char *known);
// The rows of a table as a table of Markdown.
void options_reference(const MlOption *option, Buf *out);
