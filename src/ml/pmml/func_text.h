// ml/pmml/func_text.h - the built-in functions over texts.
#pragma once

#include "ml/pmml/func.h"

Value func_uppercase(Row *row, const Builtin *self, const Value *arg, uint32_t args);
Value func_lowercase(Row *row, const Builtin *self, const Value *arg, uint32_t args);
Value func_string_length(Row *row, const Builtin *self, const Value *arg, uint32_t args);
Value func_substring(Row *row, const Builtin *self, const Value *arg, uint32_t args);
Value func_trim_blanks(Row *row, const Builtin *self, const Value *arg, uint32_t args);
Value func_concat(Row *row, const Builtin *self, const Value *arg, uint32_t args);
Value func_replace(Row *row, const Builtin *self, const Value *arg, uint32_t args);
Value func_matches(Row *row, const Builtin *self, const Value *arg, uint32_t args);
Value func_format_number(Row *row, const Builtin *self, const Value *arg, uint32_t args);
Value func_format_datetime(Row *row, const Builtin *self, const Value *arg, uint32_t args);
