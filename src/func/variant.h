// func/variant.h - VARIANT values: JSON-like values in the binary encoding of Parquet
// (https://github.com/apache/parquet-format/blob/master/VariantEncoding.md), as Flink holds them.
//
// The encoding has two parts, metadata (the dictionary of names) and value. A column holds both in
// one text: u32 size of the metadata, metadata, value. Two variants are equal when their bytes are:
// the order of names in the source text counts, 1 and 1.0 differ.
#pragma once

#include "base/text.h"

// Appends the variant of a JSON text to [out]; what follows the first value is ignored, as Flink
// ignores it. ST_RUNTIME: the text is not JSON, or a name comes twice and [allow_duplicates] (the
// last one stands) is not set.
NODISCARD Status variant_parse(Str json, bool allow_duplicates, Buf *out, Error *err);

// As compact JSON: what a VARIANT is shown as, and JSON_STRING of it. Names are in order.
void variant_print(Str variant, Buf *out);

// Part of an object or array, appended to [out] as a variant of its own; *found says whether it is
// there. ST_RUNTIME: the variant is no object, no array. [index] counts from 1.
NODISCARD Status variant_field(Str variant, Str name, Buf *out, bool *found, Error *err);
NODISCARD Status variant_element(Str variant, int64_t index, Buf *out, bool *found, Error *err);
