// ml/pmml/regex.h - regular expressions of a document: compiled once, run by PCRE2.
#pragma once

#include "ml/pmml/pmml_int.h"

typedef struct Regex Regex;

// Lives as long as the model.
const Regex *regex_compile(Load *load, const Xml *at, Str pattern, bool ignore_case);
void regex_free_all(Pmml *pmml);
// For one use at scoring; freed by regex_free.
Regex *regex_new(Row *row, Str pattern, bool ignore_case);
void regex_free(Regex *self);

// The first match at or behind [from].
bool regex_find(Row *row, const Regex *self, Str text, uint32_t from, uint32_t *begin,
                uint32_t *end);
// Every match becomes [with], as Java has it ($1 stands for a group); in the row's arena. [ok]
// becomes false when that is not possible.
Str regex_replace(Row *row, const Regex *self, Str text, Str with, bool *ok);
