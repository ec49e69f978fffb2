// connector/file/file_int.h - what the files of the filesystem connector share: a table's settings,
// the list of its files, partitions as directories.
#pragma once

#include "spi/connector.h"
#include "spi/pattern.h"

extern const OptionDef FILE_OPTIONS[];

// A table's path and format, and which of its columns are directories instead of fields.
typedef struct FileTable {
    const TableDesc *desc;
    Options options;         // with the connector's definitions
    const Format *format;
    Options format_options;
    Str path;                // without "file://"
    Str default_partition;   // the name of the partition of NULL
    const Type *stored;      // ROW: the physical fields that lie in the files
    const Str *left_out;     // partitions that are not listed, as in ScanSpec
    uint32_t left_out_count;
} FileTable;

// Reads and checks the settings; what they need is made in [arena].
NODISCARD Status file_table(const TableDesc *desc, FileTable *table, Arena *arena, Error *err);

// The place of the partition key among desc->partition_key, or -1: a field of the files.
int32_t partition_index(const TableDesc *desc, Str field);

// Directory names: "%3A" for what a name cannot hold; percent_decode is the way back.
void partition_escape(Str value, Buf *out);
// The text of a partition's value in row [row], as Flink names directories.
void partition_print(const Vec *vec, uint32_t row, Buf *out);
// Sets slot [row] from a directory's name.
NODISCARD Status partition_read(Vec *vec, uint32_t row, Str text, Error *err);

typedef struct FileEntry {
    Str path;
    int64_t size, modified_ms;
    int64_t start;         // byte to begin at, after a restore
    const Str *partition;  // a value for each partition key; ptr == NULL: SQL NULL
} FileEntry;

typedef struct FileList {
    FileEntry *entry;  // owned; the texts lie in the caller's arena
    uint32_t count, cap;
} FileList;

// All files of the table, or those that a pattern in its path means, in order of their paths;
// hidden names (a leading '.' or '_') are left out, as is what [pattern] (may be NULL) does not
// match. ST_IO when the table's path does not exist, but for partitioned tables, which then have no
// partitions.
NODISCARD Status file_list(const FileTable *table, const Pattern *pattern, Arena *arena,
                           FileList *out, Error *err);
void file_list_clear(FileList *list);

// The partitions that have files, as Connector.partitions gives them.
NODISCARD Status file_partitions(const TableDesc *desc, Arena *arena, Partitions *out, Error *err);

NODISCARD Status file_source_open(const ScanSpec *spec, const TaskEnv *env, SourceReader **out,
                                  Error *err);
NODISCARD Status file_sink_open(const SinkSpec *spec, const TaskEnv *env, SinkWriter **out,
                                Error *err);
