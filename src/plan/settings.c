// The table of settings. Keys that mean nothing to a single process are taken, so that scripts run
// unchanged; what weir does not do yet is named when it is set, and so is a key that nobody knows.
#include "plan/settings.h"

static const char *const RUNTIME_MODE[] = {"STREAMING", "BATCH", NULL};
static const char *const CHECKPOINTING_MODE[] = {"EXACTLY_ONCE", "AT_LEAST_ONCE", NULL};
static const char *const CHECKPOINT_RETENTION[] = {
    "RETAIN_ON_CANCELLATION", "DELETE_ON_CANCELLATION", "NO_EXTERNALIZED_CHECKPOINTS", NULL};
static const char *const CLAIM_MODE[] = {"NO_CLAIM", "CLAIM", "LEGACY", NULL};
static const char *const SQL_DIALECT[] = {"default", "hive", NULL};
static const char *const NULL_ENFORCER[] = {"ERROR", "DROP", NULL};
static const char *const LENGTH_ENFORCER[] = {"IGNORE", "TRIM_PAD", "ERROR", NULL};
static const char *const UPSERT_MATERIALIZE[] = {"AUTO", "NONE", "FORCE", NULL};
static const char *const ROWTIME_INSERTER[] = {"ENABLED", "DISABLED", NULL};
static const char *const OUTPUT_MODE[] = {"ORDERED", "ALLOW_UNORDERED", NULL};
static const char *const PHASE_STRATEGY[] = {"AUTO", "ONE_PHASE", "TWO_PHASE", NULL};
static const char *const UPDATE_STRATEGY[] = {"IGNORE", "TRY_RESOLVE", NULL};

// A word that ends in ".*" stands for all keys below; the more exact row comes first.
// clang-format off
const Setting SETTINGS[] = {
    {{.key = "execution.runtime-mode", .kind = OPTION_ENUM, .fallback = "STREAMING", .values = RUNTIME_MODE, .doc = "or BATCH: [batch](batch.md)"}, SETTING_HEEDED, false},
    {{.key = "execution.buffer-timeout.interval", .kind = OPTION_DURATION, .fallback = "100 ms", .doc = "a partial batch never waits: it is handed on when its source runs dry"}, SETTING_NEEDLESS, false},
    {{.key = "execution.buffer-timeout.enabled", .kind = OPTION_BOOL, .fallback = "true", .doc = "as above"}, SETTING_NEEDLESS, false},
    {{.key = "parallelism.default", .kind = OPTION_INT, .fallback = "1", .doc = "worker threads, 64 at most"}, SETTING_HEEDED, false},
    {{.key = "pipeline.max-parallelism", .kind = OPTION_INT, .fallback = "-1", .doc = "key groups, 128 or more by default: the most workers that state can ever be spread over"}, SETTING_HEEDED, false},
    {{.key = "pipeline.auto-watermark-interval", .kind = OPTION_DURATION, .fallback = "200 ms", .doc = "0: a watermark may follow each row"}, SETTING_HEEDED, false},
    {{.key = "pipeline.name", .doc = "the name of the next jobs; it names their directory of checkpoints"}, SETTING_HEEDED, false},
    {{.key = "pipeline.operator-chaining.enabled", .kind = OPTION_BOOL, .fallback = "true", .doc = "operators always call each other directly"}, SETTING_NEEDLESS, false},
    {{.key = "pipeline.*", .doc = "of the JVM and its class loader"}, SETTING_NEEDLESS, false},
    {{.key = "io.tmp.dirs", .doc = "directories, separated by commas, for what a batch query puts on disk (`/tmp`): [batch](batch.md)"}, SETTING_HEEDED, false},
    {{.key = "execution.checkpointing.dir", .doc = "where checkpoints go: a directory for each job; `--checkpoint-dir`"}, SETTING_HEEDED, false},
    {{.key = "execution.checkpointing.savepoint-dir", .doc = "where savepoints go unless it is said"}, SETTING_HEEDED, false},
    {{.key = "execution.checkpointing.interval", .kind = OPTION_DURATION, .doc = "how often one is taken; without it only at the end and at a stop"}, SETTING_HEEDED, false},
    {{.key = "execution.checkpointing.mode", .kind = OPTION_ENUM, .fallback = "EXACTLY_ONCE", .values = CHECKPOINTING_MODE, .doc = "AT_LEAST_ONCE is taken, and exactly once is kept"}, SETTING_HEEDED, false},
    {{.key = "execution.checkpointing.min-pause", .kind = OPTION_DURATION, .fallback = "0 ms", .doc = "least time between the end of one and the next"}, SETTING_HEEDED, false},
    {{.key = "execution.checkpointing.timeout", .kind = OPTION_DURATION, .fallback = "10 min", .doc = "one that takes longer is given up"}, SETTING_HEEDED, false},
    {{.key = "execution.checkpointing.tolerable-failed-checkpoints", .kind = OPTION_INT, .fallback = "0", .doc = "so many may fail one after the other before the job does"}, SETTING_HEEDED, false},
    {{.key = "execution.checkpointing.num-retained", .kind = OPTION_INT, .fallback = "1", .doc = "how many are kept"}, SETTING_HEEDED, false},
    {{.key = "execution.checkpointing.incremental", .kind = OPTION_BOOL, .fallback = "false", .doc = "a checkpoint holds what changed since the one before"}, SETTING_HEEDED, false},
    {{.key = "execution.checkpointing.max-concurrent-checkpoints", .kind = OPTION_INT, .fallback = "1", .doc = "one at a time is under way, whatever it says, and that is told; above 1 not with unaligned ones"}, SETTING_HEEDED, false},
    {{.key = "execution.checkpointing.externalized-checkpoint-retention", .kind = OPTION_ENUM, .values = CHECKPOINT_RETENTION, .doc = "which checkpoints stay when the job is over; not set, all are kept: [checkpoints](../checkpoints.md)"}, SETTING_HEEDED, false},
    {{.key = "execution.checkpointing.unaligned.enabled", .kind = OPTION_BOOL, .fallback = "false", .doc = "barriers overtake the rows before them, which become part of the checkpoint: it comes quickly also when sinks are slow and queues full"}, SETTING_HEEDED, false},
    {{.key = "execution.checkpointing.unaligned", .kind = OPTION_BOOL, .fallback = "false", .doc = "the same, by its former name"}, SETTING_HEEDED, false},
    {{.key = "execution.checkpointing.aligned-checkpoint-timeout", .kind = OPTION_DURATION, .fallback = "0 ms", .doc = "checkpoints begin aligned and become unaligned when that takes longer; 0: at once"}, SETTING_HEEDED, false},
    {{.key = "execution.checkpointing.checkpoints-after-tasks-finish", .kind = OPTION_BOOL, .fallback = "true", .doc = "false: when a source has ended, only the last one is taken"}, SETTING_HEEDED, false},
    {{.key = "execution.checkpointing.create-subdir", .kind = OPTION_BOOL, .fallback = "true", .doc = "false: no directory for each job"}, SETTING_HEEDED, false},
    {{.key = "execution.checkpointing.*", .doc = "how bytes are laid out and moved in a cluster"}, SETTING_NEEDLESS, false},
    {{.key = "execution.state-recovery.path", .doc = "the savepoint or checkpoint to begin from; `--from-savepoint`"}, SETTING_HEEDED, false},
    {{.key = "execution.state-recovery.claim-mode", .kind = OPTION_ENUM, .fallback = "NO_CLAIM", .values = CLAIM_MODE, .doc = "CLAIM: what was restored is removed when it is not needed any more: [checkpoints](../checkpoints.md)"}, SETTING_HEEDED, false},
    {{.key = "execution.state-recovery.ignore-unclaimed-state", .kind = OPTION_BOOL, .fallback = "false", .doc = "state that nobody takes is dropped; `--allow-non-restored-state`"}, SETTING_HEEDED, false},
    {{.key = "execution.*", .doc = "of the cluster and its client"}, SETTING_NEEDLESS, false},
    {{.key = "restart-strategy.type", .doc = "`none`, `fixed-delay`, `failure-rate`, `exponential-delay` (the default when checkpoints are taken)"}, SETTING_HEEDED, false},
    {{.key = "restart-strategy", .doc = "the same, by its former name"}, SETTING_HEEDED, false},
    {{.key = "restart-strategy.fixed-delay.attempts", .kind = OPTION_INT, .fallback = "1", .doc = "how often the job begins again"}, SETTING_HEEDED, false},
    {{.key = "restart-strategy.fixed-delay.delay", .kind = OPTION_DURATION, .fallback = "1 s", .doc = "how long it waits before"}, SETTING_HEEDED, false},
    {{.key = "restart-strategy.failure-rate.max-failures-per-interval", .kind = OPTION_INT, .fallback = "1", .doc = "as many failures within the interval end the job"}, SETTING_HEEDED, false},
    {{.key = "restart-strategy.failure-rate.failure-rate-interval", .kind = OPTION_DURATION, .fallback = "1 min", .doc = "that interval"}, SETTING_HEEDED, false},
    {{.key = "restart-strategy.failure-rate.delay", .kind = OPTION_DURATION, .fallback = "1 s", .doc = "how long it waits before it begins again"}, SETTING_HEEDED, false},
    {{.key = "restart-strategy.exponential-delay.initial-backoff", .kind = OPTION_DURATION, .fallback = "1 s", .doc = "the first wait"}, SETTING_HEEDED, false},
    {{.key = "restart-strategy.exponential-delay.max-backoff", .kind = OPTION_DURATION, .fallback = "1 min", .doc = "the longest wait"}, SETTING_HEEDED, false},
    {{.key = "restart-strategy.exponential-delay.backoff-multiplier", .kind = OPTION_DOUBLE, .fallback = "1.5", .doc = "by how much each wait is longer than the one before"}, SETTING_HEEDED, false},
    {{.key = "restart-strategy.exponential-delay.reset-backoff-threshold", .kind = OPTION_DURATION, .fallback = "1 h", .doc = "after so long without a failure waits begin anew"}, SETTING_HEEDED, false},
    {{.key = "restart-strategy.exponential-delay.jitter-factor", .kind = OPTION_DOUBLE, .fallback = "0.1", .doc = "waits differ by chance, by this share at most"}, SETTING_HEEDED, false},
    {{.key = "restart-strategy.exponential-delay.attempts-before-reset-backoff", .doc = "so many attempts in a row, then the job ends; without it as many as it takes"}, SETTING_HEEDED, false},
    {{.key = "state.backend.type", .doc = "`hashmap` (the default), or `rocksdb`: state on disk, with a cache in memory: [state](../state.md)"}, SETTING_HEEDED, false},
    {{.key = "state.backend", .doc = "the same, by its former name"}, SETTING_HEEDED, false},
    {{.key = "state.backend.local-dir", .doc = "where a backend's files lie while the job runs"}, SETTING_HEEDED, false},
    {{.key = "state.backend.rocksdb.localdir", .doc = "where RocksDB's files lie while the job runs; `io.tmp.dirs` by default"}, SETTING_HEEDED, false},
    {{.key = "state.backend.rocksdb.memory.fixed-per-slot", .kind = OPTION_SIZE, .doc = "bytes for RocksDB's own blocks and buffers, a worker; a share of `--memory` by default"}, SETTING_HEEDED, false},
    {{.key = "state.backend.rocksdb.memory.write-buffer-ratio", .kind = OPTION_DOUBLE, .fallback = "0.5", .doc = "of it for what is not in files yet"}, SETTING_HEEDED, false},
    {{.key = "state.backend.rocksdb.thread.num", .kind = OPTION_INT, .fallback = "2", .doc = "threads of a worker that write and merge files"}, SETTING_HEEDED, false},
    {{.key = "state.*", .doc = "how a state backend of the JVM is tuned"}, SETTING_NEEDLESS, false},
    {{.key = "table.local-time-zone", .fallback = "default", .doc = "the session's zone; the system's by default"}, SETTING_HEEDED, false},
    {{.key = "table.sql-dialect", .kind = OPTION_ENUM, .fallback = "default", .values = SQL_DIALECT, .doc = "hive is refused: only Flink's own dialect is read"}, SETTING_HEEDED, false},
    {{.key = "table.dml-sync", .kind = OPTION_BOOL, .fallback = "false", .doc = "an INSERT always runs until its job has ended"}, SETTING_NEEDLESS, false},
    {{.key = "table.dynamic-table-options.enabled", .kind = OPTION_BOOL, .fallback = "true", .doc = "whether OPTIONS hints are taken"}, SETTING_HEEDED, false},
    {{.key = "table.column-expansion-strategy", .doc = "`EXCLUDE_DEFAULT_VIRTUAL_METADATA_COLUMNS`, `EXCLUDE_ALIASED_VIRTUAL_METADATA_COLUMNS`, or both with a `;`: what a star leaves out"}, SETTING_HEEDED, false},
    {{.key = "table.builtin-catalog-name", .fallback = "default_catalog", .doc = "is read at the start of a cluster"}, SETTING_MISSING, false},
    {{.key = "table.builtin-database-name", .fallback = "default_database", .doc = "as above"}, SETTING_MISSING, false},
    {{.key = "table.catalog-store.*", .doc = "`CREATE CATALOG … WITH ('type' = 'sqlite')` and `--catalog` keep a catalog"}, SETTING_MISSING, false},
    {{.key = "table.plan.force-recompile", .kind = OPTION_BOOL, .fallback = "false", .doc = "whether COMPILE PLAN writes over a file that is there"}, SETTING_HEEDED, false},
    {{.key = "table.plan.*", .doc = "compiled plans hold all objects, and use those of the session where it has them"}, SETTING_MISSING, false},
    {{.key = "table.rtas-ctas.atomicity-enabled", .kind = OPTION_BOOL, .fallback = "false", .doc = "CREATE TABLE AS makes its table first"}, SETTING_MISSING, false},
    {{.key = "table.display.max-column-width", .kind = OPTION_INT, .fallback = "30", .doc = "columns are as wide as their text"}, SETTING_NEEDLESS, false},
    {{.key = "table.exec.state.ttl", .kind = OPTION_DURATION, .fallback = "0 ms", .doc = "how long the state of a silent key is kept; 0: for ever"}, SETTING_HEEDED, true},
    {{.key = "table.exec.source.idle-timeout", .kind = OPTION_DURATION, .fallback = "0 ms", .doc = "a split that is silent so long no longer holds watermarks back"}, SETTING_HEEDED, true},
    {{.key = "table.exec.source.cdc-events-duplicate", .kind = OPTION_BOOL, .fallback = "false", .doc = "the source may repeat events: they are made one by the primary key"}, SETTING_HEEDED, false},
    {{.key = "table.exec.mini-batch.enabled", .kind = OPTION_BOOL, .fallback = "false", .doc = "keyed operators fold a batch before they emit"}, SETTING_HEEDED, false},
    {{.key = "table.exec.mini-batch.allow-latency", .kind = OPTION_DURATION, .fallback = "0 ms", .doc = "how long it may wait; above 0 with mini-batch"}, SETTING_HEEDED, true},
    {{.key = "table.exec.mini-batch.size", .kind = OPTION_INT, .fallback = "-1", .doc = "rows of a batch; above 0 with mini-batch"}, SETTING_HEEDED, true},
    {{.key = "table.exec.resource.default-parallelism", .kind = OPTION_INT, .fallback = "-1", .doc = "worker threads, before `parallelism.default`"}, SETTING_HEEDED, false},
    {{.key = "table.exec.sink.not-null-enforcer", .kind = OPTION_ENUM, .fallback = "ERROR", .values = NULL_ENFORCER, .doc = "what a NULL in a NOT NULL column does: DROP leaves the row out"}, SETTING_HEEDED, true},
    {{.key = "table.exec.sink.type-length-enforcer", .kind = OPTION_ENUM, .fallback = "IGNORE", .values = LENGTH_ENFORCER, .doc = "what a text that is too long or short for its CHAR or VARCHAR does"}, SETTING_HEEDED, true},
    {{.key = "table.exec.sink.upsert-materialize", .kind = OPTION_ENUM, .fallback = "AUTO", .values = UPSERT_MATERIALIZE, .doc = "whether a sink's changes are put in order by its primary key first"}, SETTING_HEEDED, true},
    {{.key = "table.exec.sink.upsert-materialize-strategy.*", .doc = "one way of keeping them is enough"}, SETTING_NEEDLESS, false},
    {{.key = "table.exec.sink.require-on-conflict", .kind = OPTION_BOOL, .fallback = "true", .doc = "an INSERT whose upsert key is not within the primary key must say ON CONFLICT"}, SETTING_HEEDED, false},
    {{.key = "table.exec.sink.keyed-shuffle", .kind = OPTION_ENUM, .fallback = "AUTO", .values = UPSERT_MATERIALIZE, .doc = "with `sink.parallelism`, changes always go to one writer a key"}, SETTING_NEEDLESS, false},
    {{.key = "table.exec.sink.rowtime-inserter", .kind = OPTION_ENUM, .fallback = "ENABLED", .values = ROWTIME_INSERTER, .doc = "records carry the time that their metadata column gives them"}, SETTING_MISSING, false},
    {{.key = "table.exec.emit.early-fire.enabled", .kind = OPTION_BOOL, .fallback = "false", .doc = "group windows of the old syntax fire before their end"}, SETTING_HEEDED, false},
    {{.key = "table.exec.emit.early-fire.delay", .kind = OPTION_DURATION, .fallback = "0 ms", .doc = "how often; 0: at each row"}, SETTING_HEEDED, false},
    {{.key = "table.exec.emit.late-fire.enabled", .kind = OPTION_BOOL, .fallback = "false", .doc = "and again for late rows"}, SETTING_HEEDED, false},
    {{.key = "table.exec.emit.late-fire.delay", .kind = OPTION_DURATION, .fallback = "0 ms", .doc = "how often"}, SETTING_HEEDED, false},
    {{.key = "table.exec.emit.allow-lateness", .kind = OPTION_DURATION, .doc = "how long windows are kept for late rows; `table.exec.state.ttl` by default"}, SETTING_HEEDED, false},
    {{.key = "table.exec.async-lookup.buffer-capacity", .kind = OPTION_INT, .fallback = "100", .doc = "lookups under way"}, SETTING_HEEDED, false},
    {{.key = "table.exec.async-lookup.timeout", .kind = OPTION_DURATION, .fallback = "3 min", .doc = "how long one may take"}, SETTING_HEEDED, false},
    {{.key = "table.exec.async-lookup.output-mode", .kind = OPTION_ENUM, .fallback = "ORDERED", .values = OUTPUT_MODE, .doc = "or ALLOW_UNORDERED, where the input only has inserts"}, SETTING_HEEDED, false},
    {{.key = "table.exec.async-lookup.key-ordered-enabled", .kind = OPTION_BOOL, .fallback = "false", .doc = "changes of one key are looked up one after the other anyway"}, SETTING_NEEDLESS, false},
    {{.key = "table.exec.async-scalar.*", .doc = "there are no such functions yet"}, SETTING_MISSING, false},
    {{.key = "table.exec.async-table.*", .doc = "there are no such functions yet"}, SETTING_MISSING, false},
    {{.key = "table.exec.async-ml-predict.max-concurrent-operations", .kind = OPTION_INT, .fallback = "10", .doc = "requests of `ML_PREDICT` under way"}, SETTING_HEEDED, false},
    {{.key = "table.exec.async-ml-predict.timeout", .kind = OPTION_DURATION, .fallback = "3 min", .doc = "how long one may take"}, SETTING_HEEDED, false},
    {{.key = "table.exec.async-ml-predict.output-mode", .kind = OPTION_ENUM, .fallback = "ORDERED", .values = OUTPUT_MODE, .doc = "or ALLOW_UNORDERED"}, SETTING_HEEDED, false},
    {{.key = "table.exec.async-vector-search.*", .doc = "there are no such functions yet"}, SETTING_MISSING, false},
    {{.key = "table.exec.async-state.enabled", .kind = OPTION_BOOL, .fallback = "false", .doc = "state is read a batch at a time"}, SETTING_NEEDLESS, false},
    {{.key = "table.exec.rank.topn-cache-size", .kind = OPTION_INT, .fallback = "10000", .doc = "no cache stands before the state"}, SETTING_NEEDLESS, false},
    {{.key = "table.exec.interval-join.min-cleanup-interval", .kind = OPTION_DURATION, .fallback = "0 ms", .doc = "rows go when nothing can join them any more"}, SETTING_NEEDLESS, false},
    {{.key = "table.exec.deduplicate.insert-update-after-sensitive-enabled", .kind = OPTION_BOOL, .fallback = "true", .doc = "the first row of a key is always an insert"}, SETTING_NEEDLESS, false},
    {{.key = "table.exec.deduplicate.mini-batch.compact-changes-enabled", .kind = OPTION_BOOL, .fallback = "false", .doc = "a batch is always folded"}, SETTING_NEEDLESS, false},
    {{.key = "table.exec.legacy-cast-behaviour", .kind = OPTION_ENUM, .fallback = "DISABLED", .values = ROWTIME_INSERTER, .doc = "ENABLED: a cast that fails gives NULL"}, SETTING_HEEDED, false},
    {{.key = "table.exec.unbounded-over.version", .kind = OPTION_INT, .fallback = "2", .doc = "both give the same"}, SETTING_NEEDLESS, false},
    {{.key = "table.exec.uid.*", .doc = "state is named by what its operator means"}, SETTING_NEEDLESS, false},
    {{.key = "table.exec.delta-join.*", .doc = "joins keep their state"}, SETTING_NEEDLESS, false},
    {{.key = "table.exec.*", .doc = "of operators that Flink tunes and weir does not"}, SETTING_NEEDLESS, false},
    {{.key = "table.optimizer.agg-phase-strategy", .kind = OPTION_ENUM, .fallback = "AUTO", .values = PHASE_STRATEGY, .doc = "with mini-batch and several workers, rows of a group fold before they go to its worker; AUTO as long as that pays, TWO_PHASE always, ONE_PHASE never"}, SETTING_HEEDED, false},
    {{.key = "table.optimizer.distinct-agg.split.enabled", .kind = OPTION_BOOL, .fallback = "false", .doc = "DISTINCT aggregates in two levels, the first by buckets of the value; with mini-batch from 8 workers on, for below that it costs more than it spreads"}, SETTING_HEEDED, false},
    {{.key = "table.optimizer.distinct-agg.split.bucket-num", .kind = OPTION_INT, .fallback = "1024", .doc = "how many buckets"}, SETTING_HEEDED, false},
    {{.key = "table.optimizer.incremental-agg-enabled", .kind = OPTION_BOOL, .fallback = "true", .doc = "as above"}, SETTING_NEEDLESS, false},
    {{.key = "table.optimizer.join-reorder-enabled", .kind = OPTION_BOOL, .fallback = "false", .doc = "joins are done in the order in which they are written"}, SETTING_NEEDLESS, false},
    {{.key = "table.optimizer.reuse-sub-plan-enabled", .kind = OPTION_BOOL, .fallback = "true", .doc = "equal parts of a plan are computed once"}, SETTING_HEEDED, false},
    {{.key = "table.optimizer.reuse-source-enabled", .kind = OPTION_BOOL, .fallback = "true", .doc = "a table that is read twice is read once"}, SETTING_HEEDED, false},
    {{.key = "table.optimizer.reuse-sink-enabled", .kind = OPTION_BOOL, .fallback = "false", .doc = "each INSERT has a writer of its own"}, SETTING_NEEDLESS, false},
    {{.key = "table.optimizer.non-deterministic-update.strategy", .kind = OPTION_ENUM, .fallback = "IGNORE", .values = UPDATE_STRATEGY, .doc = "TRY_RESOLVE: updates that could miss their row are refused"}, SETTING_HEEDED, false},
    {{.key = "table.optimizer.multi-join.enabled", .kind = OPTION_BOOL, .fallback = "false", .doc = "joins are done two by two"}, SETTING_NEEDLESS, false},
    {{.key = "table.optimizer.ptf.max-tables", .kind = OPTION_INT, .fallback = "20", .doc = "a process table function takes one table"}, SETTING_NEEDLESS, false},
    {{.key = "table.optimizer.*", .doc = "weir plans by rule, without costs"}, SETTING_NEEDLESS, false},
    {{.key = "sql-client.execution.result-mode", .doc = "`table`, `changelog`, `tableau`"}, SETTING_HEEDED, false},
    {{.key = "sql-client.execution.max-table-result.rows", .kind = OPTION_INT, .fallback = "1000000", .doc = "rows that the shell keeps of a table"}, SETTING_HEEDED, false},
    {{.key = "sql-client.*", .doc = "of Flink's own client"}, SETTING_NEEDLESS, false},
    {{.key = "python.executable", .doc = "the interpreter of Python functions"}, SETTING_HEEDED, false},
    {{.key = "python.client.executable", .doc = "the same, by the name that the client's has"}, SETTING_HEEDED, false},
    {{.key = "python.pythonpath", .doc = "more of them"}, SETTING_HEEDED, false},
    {{.key = "python.fn-execution.arrow.batch.size", .kind = OPTION_INT, .doc = "rows of a batch of functions over columns"}, SETTING_HEEDED, false},
    {{.key = "weir.models.dir", .fallback = "models", .doc = "where `CREATE MODEL … AS` puts trained models, a folder each; also `s3://…`"}, SETTING_HEEDED, false},
    {{.key = "weir.python.timeout", .kind = OPTION_DURATION, .fallback = "10 min", .doc = "how long a Python worker may give no sign of life; 0: for ever"}, SETTING_HEEDED, false},
    {{.key = "python.files", .doc = "files, archives and folders that modules are found in, parted by commas: [Python](python.md)"}, SETTING_HEEDED, false},
    {{.key = "python.fn-execution.bundle.size", .kind = OPTION_INT, .doc = "rows that are handed to it at once"}, SETTING_HEEDED, false},
    {{.key = "python.*", .doc = "of PyFlink's own workers"}, SETTING_NEEDLESS, false},
    {{.key = "weir.cut-every", .kind = OPTION_INT, .doc = "the job is stopped with a checkpoint after so many batches and goes on from it, again and again, 40 times at most: for tests"}, SETTING_HEEDED, false},
    {{.key = "weir.cut-savepoint", .kind = OPTION_BOOL, .fallback = "false", .doc = "a job that is cut is stopped with a savepoint each time"}, SETTING_HEEDED, false},
    {{.key = "weir.cut-backend", .doc = "a list such as `rocksdb,hashmap`: the state backend of each next part"}, SETTING_HEEDED, false},
    {{.key = "weir.state-cache", .doc = "bytes of rows in memory before some go to disk, a quarter of `--memory` by default; 0: all go after each batch, for tests"}, SETTING_HEEDED, false},
    {{.key = "weir.cut-parallelism", .doc = "a list such as `2,1,3`: the parallelism of each next part of a job that is cut"}, SETTING_HEEDED, false},
    {{.key = "weir.batch-rows-max", .kind = OPTION_INT, .fallback = "2048", .doc = "rows that operators hand on at once; smaller is slower and gives the same rows: for tests"}, SETTING_HEEDED, false},
    {{.key = "weir.exchange-size", .kind = OPTION_INT, .fallback = "32", .doc = "batches that may wait between two workers; with fewer, senders wait sooner: for tests"}, SETTING_HEEDED, false},
    {{.key = "weir.refuse-charge", .kind = OPTION_INT, .doc = "the charge to a job's memory budget that is refused, counted from 1: for tests of what happens then"}, SETTING_HEEDED, false},
    {{.key = "weir.resume", .kind = OPTION_BOOL, .doc = "begin from the last checkpoint; `--resume`"}, SETTING_HEEDED, false},
    {{.key = "weir.reuse-processing-time", .kind = OPTION_BOOL, .fallback = "false", .doc = "equal sub-plans that ask for PROCTIME() are one, as others are: its moment is then the same for all that read it"}, SETTING_HEEDED, false},
    {{.key = "weir.spill-share", .kind = OPTION_SIZE, .doc = "bytes that a sort, join or aggregation of a batch may hold before it goes to disk, a share of `--memory` by default: for tests"}, SETTING_HEEDED, false},
    {{.key = "akka.*", .doc = "of the cluster"}, SETTING_NEEDLESS, false},
    {{.key = "blob.*", .doc = "of the cluster"}, SETTING_NEEDLESS, false},
    {{.key = "classloader.*", .doc = "of the cluster"}, SETTING_NEEDLESS, false},
    {{.key = "client.*", .doc = "of the cluster"}, SETTING_NEEDLESS, false},
    {{.key = "cluster.*", .doc = "of the cluster"}, SETTING_NEEDLESS, false},
    {{.key = "cluster-id.*", .doc = "of the cluster"}, SETTING_NEEDLESS, false},
    {{.key = "deployment.*", .doc = "of the cluster"}, SETTING_NEEDLESS, false},
    {{.key = "env.*", .doc = "of the cluster"}, SETTING_NEEDLESS, false},
    {{.key = "fs.*", .doc = "of the cluster"}, SETTING_NEEDLESS, false},
    {{.key = "heartbeat.*", .doc = "of the cluster"}, SETTING_NEEDLESS, false},
    {{.key = "high-availability.*", .doc = "of the cluster"}, SETTING_NEEDLESS, false},
    {{.key = "historyserver.*", .doc = "of the cluster"}, SETTING_NEEDLESS, false},
    {{.key = "jobmanager.*", .doc = "of the cluster"}, SETTING_NEEDLESS, false},
    {{.key = "jobstore.*", .doc = "of the cluster"}, SETTING_NEEDLESS, false},
    {{.key = "kubernetes.*", .doc = "of the cluster"}, SETTING_NEEDLESS, false},
    {{.key = "materialized-table.*", .doc = "of the cluster"}, SETTING_NEEDLESS, false},
    {{.key = "metrics.*", .doc = "of the cluster"}, SETTING_NEEDLESS, false},
    {{.key = "pekko.*", .doc = "of the cluster"}, SETTING_NEEDLESS, false},
    {{.key = "process.*", .doc = "of the cluster"}, SETTING_NEEDLESS, false},
    {{.key = "queryable-state.*", .doc = "of the cluster"}, SETTING_NEEDLESS, false},
    {{.key = "rest.*", .doc = "of the cluster"}, SETTING_NEEDLESS, false},
    {{.key = "security.*", .doc = "of the cluster"}, SETTING_NEEDLESS, false},
    {{.key = "slotmanager.*", .doc = "of the cluster"}, SETTING_NEEDLESS, false},
    {{.key = "sql-gateway.*", .doc = "of the cluster"}, SETTING_NEEDLESS, false},
    {{.key = "s3.*", .doc = "keys, endpoint and region for `s3://`: [connectors](connectors.md#filesystem-and-s3)"}, SETTING_HEEDED, false},
    {{.key = "taskmanager.*", .doc = "of the cluster"}, SETTING_NEEDLESS, false},
    {{.key = "web.*", .doc = "of the cluster"}, SETTING_NEEDLESS, false},
    {{.key = "workflow-scheduler.*", .doc = "of the cluster"}, SETTING_NEEDLESS, false},
    {{.key = "yarn.*", .doc = "of the cluster"}, SETTING_NEEDLESS, false},
    {{.key = "zookeeper.*", .doc = "of the cluster"}, SETTING_NEEDLESS, false},
    {{.key = "$internal.*", .doc = "of the cluster"}, SETTING_NEEDLESS, false},
    {{.key = "resourcemanager.*", .doc = "of the cluster"}, SETTING_NEEDLESS, false},
    {.option = {0}},
};
// clang-format on

const Setting *setting_find(Str key) {
    for (const Setting *at = SETTINGS; at->option.key; at++) {
        if (option_key_matches(at->option.key, key)) return at;
    }
    return NULL;
}

// The nearest key that is not a pattern.
static const char *nearest(Str key) {
    const char *known[sizeof SETTINGS / sizeof *SETTINGS];
    size_t count = 0;
    for (const Setting *at = SETTINGS; at->option.key; at++) {
        if (!str_ends(str_c(at->option.key), STR(".*"))) known[count++] = at->option.key;
    }
    return text_nearest(key, known, count);
}

// Flink knows more keys below these than the table has: a word that is nearly one of the others
// is a slip all the same.
static bool is_pattern(const Setting *setting) {
    return str_ends(str_c(setting->option.key), STR(".*"));
}

bool setting_warning(Str key, Str value, Buf *out) {
    const Setting *setting = setting_find(key);
    const char *near = !setting || is_pattern(setting) ? nearest(key) : NULL;
    if (!setting || near) {
        buf_printf(out, "no setting '" STR_FMT "' is known", STR_ARG(key));
        if (near) buf_printf(out, ": did you mean '%s'?", near);
        return true;
    }
    if (!option_reads(&setting->option, value)) {
        buf_printf(out, "'" STR_FMT "' cannot be '" STR_FMT "': it takes ", STR_ARG(key),
                   STR_ARG(value));
        option_print_kind(&setting->option, out);
        return true;
    }
    if (setting->use != SETTING_MISSING) return false;
    buf_printf(out, "'" STR_FMT "' has no effect: %s", STR_ARG(key), setting->option.doc);
    return true;
}

static Status check_value(const Setting *setting, Str key, Str value, Error *err) {
    if (setting->use != SETTING_HEEDED || option_reads(&setting->option, value)) return ST_OK;
    Buf wanted = {0};
    option_print_kind(&setting->option, &wanted);
    Status st = error_set(err, ST_VALIDATION,
                          "'" STR_FMT "' cannot be '" STR_FMT "': it takes " STR_FMT, STR_ARG(key),
                          STR_ARG(value), STR_ARG(buf_str(&wanted)));
    buf_free(&wanted);
    return st;
}

Status settings_check(const Map *config, Error *err) {
    for (uint32_t i = 0; config && i < config->count; i++) {
        Str key = config->entry[i].key;
        const Setting *setting = setting_find(key);
        if (!setting || setting->lazy) continue;
        TRY(check_value(setting, key, str_c(config->entry[i].value), err));
    }
    return ST_OK;
}

Status setting_check(const Map *config, const char *key, Error *err) {
    const char *given = config ? map_get(config, str_c(key)) : NULL;
    return given ? check_value(setting_find(str_c(key)), str_c(key), str_c(given), err) : ST_OK;
}

const char *config_get(const Map *config, const char *key) {
    const char *given = config ? map_get(config, str_c(key)) : NULL;
    if (given) return given;
    for (const Setting *at = SETTINGS; at->option.key; at++) {
        if (strcmp(at->option.key, key) == 0) return at->option.fallback;
    }
    return NULL;
}

int64_t config_ms(const Map *config, const char *key, int64_t fallback) {
    const char *text = config_get(config, key);
    int64_t value;
    return text && option_read_duration(str_c(text), &value) ? value : fallback;
}

int64_t config_int(const Map *config, const char *key, int64_t fallback) {
    const char *text = config_get(config, key);
    int64_t value;
    return text && str_to_i64(str_trim(str_c(text)), &value) ? value : fallback;
}

bool config_bool(const Map *config, const char *key, bool fallback) {
    const char *text = config_get(config, key);
    bool value;
    return text && str_to_bool(str_trim(str_c(text)), &value) ? value : fallback;
}

int64_t config_workers(const Map *config) {
    int64_t own = config_int(config, "table.exec.resource.default-parallelism", -1);
    return own > 0 ? own : config_int(config, "parallelism.default", 1);
}
