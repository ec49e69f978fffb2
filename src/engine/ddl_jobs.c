// SHOW JOBS, DESCRIBE JOB and STOP JOB: the jobs of this user, whichever process runs them. The
// columns are those of Flink's gateway.
#include "engine/control.h"
#include "engine/ddl.h"

static const char *const COLUMNS[] = {"job id", "job name", "status", "start time"};

static Status show(DdlContext *ddl, const JobInfo *job, uint32_t count, Error *err) {
    static const TypeKind TYPES[] = {TYPE_VARCHAR, TYPE_VARCHAR, TYPE_VARCHAR, TYPE_TIMESTAMP_LTZ};
    Arena *arena = ddl->plan->arena;
    const Type *child[4];
    Str name[4];
    for (uint32_t c = 0; c < 4; c++) {
        bool time = TYPES[c] == TYPE_TIMESTAMP_LTZ;
        child[c] = time ? type_timestamp_ltz(arena, 6, true) : type_of(TYPES[c], true);
        name[c] = str_c(COLUMNS[c]);
    }
    const Type *row = type_row(arena, 4, child, name, false);
    const ResultSink *sink = ddl->sink;
    if (!sink) return ST_OK;
    if (sink->schema) TRY(sink->schema(sink->arg, row, true, err));
    if (!count || !sink->batch) return ST_OK;
    Batch *batch = batch_new_columns(row, count);
    for (uint32_t i = 0; i < count; i++) {
        vec_set_text(batch->column[0], i, job[i].id);
        vec_set_text(batch->column[1], i, job[i].name);
        vec_set_text(batch->column[2], i, job[i].status);
        vec_ts(batch->column[3])[i] = (Timestamp){.ms = job[i].started_ms};
    }
    Status st = sink->batch(sink->arg, batch, err);
    batch_unref(batch);
    return st;
}

// A session inside another program keeps to itself, as Flink's TableEnvironment does.
static Status check_session(const DdlContext *ddl, Error *err) {
    if (session_controls(ddl->session)) return ST_OK;
    return error_set(err, ST_UNSUPPORTED, "jobs are shown and stopped by 'weir run' and the shell");
}

Status ddl_show_jobs(DdlContext *ddl, Error *err) {
    TRY(check_session(ddl, err));
    JobInfo *job;
    uint32_t count;
    TRY(control_jobs(ddl->plan->arena, &job, &count, err));
    return show(ddl, job, count, err);
}

Status ddl_describe_job(DdlContext *ddl, Str id, Error *err) {
    JobInfo job;
    TRY(check_session(ddl, err));
    TRY(control_find(ddl->plan->arena, id, &job, err));
    return show(ddl, &job, 1, err);
}

Status ddl_stop_job(DdlContext *ddl, const AstStopJob *stop, Error *err) {
    static const char *const PATH[] = {"savepoint path"};
    Arena *arena = ddl->plan->arena;
    JobInfo job;
    Str path;
    TRY(check_session(ddl, err));
    TRY(control_find(arena, stop->job, &job, err));
    if (!stop->savepoint) {
        TRY(control_request(arena, &job, CONTROL_CANCEL, STR(""), &path, err));
        ddl_ok(ddl);
        return ST_OK;
    }
    const char *dir = config_get(ddl->config, "execution.checkpointing.savepoint-dir");
    TRY(control_request(arena, &job, stop->drain ? CONTROL_DRAIN : CONTROL_STOP, str_c(dir), &path,
                        err));
    return ddl_rows(ddl, PATH, NULL, 1, &path, 1, err);
}
