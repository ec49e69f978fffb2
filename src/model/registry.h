// model/registry.h - versions of a model: immutable files in a folder, or below a prefix of an
// object store.
//
//   churn/1/model.weir   what ml_load reads
//   churn/1/meta.json    what it is: format, digest of the file, columns, metrics, where its rows
//   came from churn/2/… churn/CURRENT        the number of the version in use, replaced whole
//
// A version is written to its end before CURRENT names it; readers follow CURRENT, so that a roll
// back is one small write. Writers of one folder must take turns; readers need nothing.
#pragma once

#include "base/text.h"

// Whether the folder is one, and the version in use. ST_VALIDATION says what is wrong with CURRENT.
NODISCARD Status registry_current(Str dir, uint64_t *version, bool *found, Error *err);

// Adds a version, the next number, and makes it the current one. [file] is the model, [meta] a JSON
// object to which format, digest and number are added: the members of [meta] without the braces.
NODISCARD Status registry_publish(Str dir, Str format, Str file, Str meta, uint64_t *version,
                                  Error *err);

// The same, but the version in use stays the current one, if there is one.
NODISCARD Status registry_add(Str dir, Str format, Str file, Str meta, uint64_t *version,
                              Error *err);

// Makes an older (or newer) version the current one. ST_VALIDATION lists those that there are.
NODISCARD Status registry_use(Str dir, uint64_t version, Error *err);

typedef struct RegistryVersion {
    uint64_t version;
    Str path;    // of the model's file
    Str format;
    Str digest;  // SHA-256, in hex
    Str meta;    // the whole of meta.json
} RegistryVersion;

// What a version is, texts in [arena]. ST_VALIDATION: there is none, or its meta.json is broken.
NODISCARD Status registry_open(Str dir, uint64_t version, Arena *arena, RegistryVersion *out,
                               Error *err);
// The same, and the file is what its digest says. It is read for that.
NODISCARD Status registry_verify(Str dir, uint64_t version, Arena *arena, RegistryVersion *out,
                                 Error *err);
// The numbers of all whole versions, ascending, in [arena].
NODISCARD Status registry_versions(Str dir, Arena *arena, uint64_t **out, uint32_t *count,
                                   Error *err);
