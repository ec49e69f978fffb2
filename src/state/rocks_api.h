// state/rocks_api.h - the calls of RocksDB's C interface that weir makes, found at run time.
//
// The library is opened when a job asks for the backend, not when the program starts: a start costs
// nothing more, and a system without RocksDB runs everything else. So its header is not needed
// either; the signatures here are those of rocksdb/c.h, which have not changed since version 6.
#pragma once

#include "base/status.h"

typedef struct rocksdb_t rocksdb_t;
typedef struct rocksdb_options_t rocksdb_options_t;
typedef struct rocksdb_block_based_table_options_t rocksdb_block_options_t;
typedef struct rocksdb_cache_t rocksdb_cache_t;
typedef struct rocksdb_env_t rocksdb_env_t;
typedef struct rocksdb_filterpolicy_t rocksdb_filterpolicy_t;
typedef struct rocksdb_compactionfilter_t rocksdb_compactionfilter_t;
typedef struct rocksdb_readoptions_t rocksdb_readoptions_t;
typedef struct rocksdb_writeoptions_t rocksdb_writeoptions_t;
typedef struct rocksdb_writebatch_t rocksdb_writebatch_t;
typedef struct rocksdb_iterator_t rocksdb_iterator_t;
typedef struct rocksdb_snapshot_t rocksdb_snapshot_t;
typedef struct rocksdb_checkpoint_t rocksdb_checkpoint_t;
typedef struct rocksdb_pinnableslice_t rocksdb_pinnableslice_t;
typedef struct rocksdb_column_family_handle_t rocksdb_column_family_t;

// F(result, name, arguments): the function rocksdb_<name>.
#define ROCKS_CALLS(F)                                                                             \
    F(rocksdb_t *, open_column_families,                                                           \
      (const rocksdb_options_t *, const char *, int, const char *const *,                          \
       const rocksdb_options_t *const *, rocksdb_column_family_t **, char **))                     \
    F(rocksdb_t *, open_for_read_only,                                                             \
      (const rocksdb_options_t *, const char *, unsigned char, char **))                           \
    F(void, close, (rocksdb_t *))                                                                  \
    F(void, free, (void *))                                                                        \
    F(void, write,                                                                                 \
      (rocksdb_t *, const rocksdb_writeoptions_t *, rocksdb_writebatch_t *, char **))              \
    F(void, column_family_handle_destroy, (rocksdb_column_family_t *))                             \
    F(void, batched_multi_get_cf,                                                                  \
      (rocksdb_t *, const rocksdb_readoptions_t *, rocksdb_column_family_t *, size_t,              \
       const char *const *, const size_t *, rocksdb_pinnableslice_t **, char **, const bool))      \
    F(const char *, pinnableslice_value, (const rocksdb_pinnableslice_t *, size_t *))              \
    F(void, pinnableslice_destroy, (rocksdb_pinnableslice_t *))                                    \
    F(const rocksdb_snapshot_t *, create_snapshot, (rocksdb_t *))                                  \
    F(void, release_snapshot, (rocksdb_t *, const rocksdb_snapshot_t *))                           \
    F(rocksdb_iterator_t *, create_iterator, (rocksdb_t *, const rocksdb_readoptions_t *))         \
    F(void, iter_destroy, (rocksdb_iterator_t *))                                                  \
    F(void, iter_seek, (rocksdb_iterator_t *, const char *, size_t))                               \
    F(void, iter_next, (rocksdb_iterator_t *))                                                     \
    F(unsigned char, iter_valid, (const rocksdb_iterator_t *))                                     \
    F(const char *, iter_key, (const rocksdb_iterator_t *, size_t *))                              \
    F(const char *, iter_value, (const rocksdb_iterator_t *, size_t *))                            \
    F(void, iter_get_error, (const rocksdb_iterator_t *, char **))                                 \
    F(rocksdb_checkpoint_t *, checkpoint_object_create, (rocksdb_t *, char **))                    \
    F(void, checkpoint_object_destroy, (rocksdb_checkpoint_t *))                                   \
    F(void, checkpoint_create, (rocksdb_checkpoint_t *, const char *, uint64_t, char **))          \
    F(rocksdb_options_t *, options_create, (void))                                                 \
    F(void, options_destroy, (rocksdb_options_t *))                                                \
    F(void, options_set_create_if_missing, (rocksdb_options_t *, unsigned char))                   \
    F(void, options_set_write_buffer_size, (rocksdb_options_t *, size_t))                          \
    F(void, options_set_max_write_buffer_number, (rocksdb_options_t *, int))                       \
    F(void, options_set_max_background_jobs, (rocksdb_options_t *, int))                           \
    F(void, options_set_max_open_files, (rocksdb_options_t *, int))                                \
    F(void, options_set_info_log_level, (rocksdb_options_t *, int))                                \
    F(void, options_set_keep_log_file_num, (rocksdb_options_t *, size_t))                          \
    F(void, options_set_stats_dump_period_sec, (rocksdb_options_t *, unsigned int))                \
    F(void, options_set_compression, (rocksdb_options_t *, int))                                   \
    F(void, options_set_level_compaction_dynamic_level_bytes,                                      \
      (rocksdb_options_t *, unsigned char))                                                        \
    F(void, options_set_memtable_prefix_bloom_size_ratio, (rocksdb_options_t *, double))           \
    F(void, options_set_memtable_whole_key_filtering, (rocksdb_options_t *, unsigned char))        \
    F(void, options_set_compaction_filter, (rocksdb_options_t *, rocksdb_compactionfilter_t *))    \
    F(void, options_set_block_based_table_factory,                                                 \
      (rocksdb_options_t *, rocksdb_block_options_t *))                                            \
    F(rocksdb_block_options_t *, block_based_options_create, (void))                               \
    F(void, block_based_options_destroy, (rocksdb_block_options_t *))                              \
    F(void, block_based_options_set_block_size, (rocksdb_block_options_t *, size_t))               \
    F(void, block_based_options_set_block_cache, (rocksdb_block_options_t *, rocksdb_cache_t *))   \
    F(void, block_based_options_set_filter_policy,                                                 \
      (rocksdb_block_options_t *, rocksdb_filterpolicy_t *))                                       \
    F(void, block_based_options_set_whole_key_filtering,                                           \
      (rocksdb_block_options_t *, unsigned char))                                                  \
    F(void, block_based_options_set_index_type, (rocksdb_block_options_t *, int))                  \
    F(void, block_based_options_set_partition_filters, (rocksdb_block_options_t *, unsigned char)) \
    F(void, block_based_options_set_pin_top_level_index_and_filter,                                \
      (rocksdb_block_options_t *, unsigned char))                                                  \
    F(void, block_based_options_set_format_version, (rocksdb_block_options_t *, int))              \
    F(void, block_based_options_set_cache_index_and_filter_blocks,                                 \
      (rocksdb_block_options_t *, unsigned char))                                                  \
    F(void, block_based_options_set_cache_index_and_filter_blocks_with_high_priority,              \
      (rocksdb_block_options_t *, unsigned char))                                                  \
    F(void, block_based_options_set_pin_l0_filter_and_index_blocks_in_cache,                       \
      (rocksdb_block_options_t *, unsigned char))                                                  \
    F(rocksdb_filterpolicy_t *, filterpolicy_create_bloom_full, (double))                          \
    F(rocksdb_cache_t *, cache_create_lru, (size_t))                                               \
    F(void, cache_destroy, (rocksdb_cache_t *))                                                    \
    F(rocksdb_env_t *, create_default_env, (void))                                                 \
    F(void, env_destroy, (rocksdb_env_t *))                                                        \
    F(void, env_set_background_threads, (rocksdb_env_t *, int))                                    \
    F(void, env_set_high_priority_background_threads, (rocksdb_env_t *, int))                      \
    F(rocksdb_readoptions_t *, readoptions_create, (void))                                         \
    F(void, readoptions_destroy, (rocksdb_readoptions_t *))                                        \
    F(void, readoptions_set_snapshot, (rocksdb_readoptions_t *, const rocksdb_snapshot_t *))       \
    F(void, readoptions_set_fill_cache, (rocksdb_readoptions_t *, unsigned char))                  \
    F(void, readoptions_set_readahead_size, (rocksdb_readoptions_t *, size_t))                     \
    F(rocksdb_writeoptions_t *, writeoptions_create, (void))                                       \
    F(void, writeoptions_destroy, (rocksdb_writeoptions_t *))                                      \
    F(void, writeoptions_disable_WAL, (rocksdb_writeoptions_t *, int))                             \
    F(rocksdb_writebatch_t *, writebatch_create, (void))                                           \
    F(void, writebatch_destroy, (rocksdb_writebatch_t *))                                          \
    F(void, writebatch_clear, (rocksdb_writebatch_t *))                                            \
    F(void, writebatch_put,                                                                        \
      (rocksdb_writebatch_t *, const char *, size_t, const char *, size_t))                        \
    F(void, writebatch_delete, (rocksdb_writebatch_t *, const char *, size_t))                     \
    F(rocksdb_compactionfilter_t *, compactionfilter_create,                                       \
      (void *, void (*)(void *),                                                                   \
       unsigned char (*)(void *, int, const char *, size_t, const char *, size_t, char **,         \
                         size_t *, unsigned char *),                                               \
       const char *(*)(void *)))                                                                   \
    F(void, compactionfilter_destroy, (rocksdb_compactionfilter_t *))                              \
    F(char *, property_value, (rocksdb_t *, const char *))

typedef struct RocksApi {
#define ROCKS_MEMBER(result, name, args) result(*name) args;
    ROCKS_CALLS(ROCKS_MEMBER)
#undef ROCKS_MEMBER
} RocksApi;

// The calls, the library opened when it is not open yet; any thread. Fails, naming the package to
// install, where the system has none.
NODISCARD Status rocks_api(const RocksApi **out, Error *err);
