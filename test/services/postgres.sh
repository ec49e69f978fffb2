#!/usr/bin/env bash
# test/services/postgres.sh - a real PostgreSQL for the tests, on loopback, in a folder of its own.
#
#   . test/services/postgres.sh         postgres_start sets POSTGRES_PORT or, when no server can be
#                                       had, fails with the reason in POSTGRES_MISSING; postgres_stop
#                                       undoes it. postgres_need is for tests: start, or skip aloud.
#   test/services/postgres.sh           tests the fixture itself
#   test/services/postgres.sh run COMMAND...   a server for the time of the command
#
# The server refuses to run as root: root starts it as the user postgres. It is stopped by its pid.

POSTGRES_MISSING=
POSTGRES_DIR=
POSTGRES_PID=
POSTGRES_SHELL=

postgres_bin() {
    local dir
    for dir in /usr/lib/postgresql/*/bin "$(pg_config --bindir 2>/dev/null)"; do
        [ -x "$dir/postgres" ] && [ -x "$dir/initdb" ] && { echo "$dir"; return 0; }
    done
    return 1
}

# As whoever may run the server.
postgres_as() {
    if [ "$(id -u)" -eq 0 ]; then
        (cd "$POSTGRES_DIR" && setpriv --reuid=postgres --regid=postgres --init-groups env HOME="$POSTGRES_DIR" "$@")
    else
        "$@"
    fi
}

# postgres_sql [ARGUMENT...]: psql, rows bare, columns by '|'; reads SQL from standard input.
postgres_sql() {
    PGOPTIONS='--client-min-messages=warning' psql -X -q -A -t -v ON_ERROR_STOP=1 -h 127.0.0.1 \
        -p "$POSTGRES_PORT" -U postgres -d "${POSTGRES_DB:-postgres}" "$@"
}

postgres_start() {
    [ -z "${POSTGRES_PORT:-}" ] || return 0
    [ -z "${WEIR_NO_POSTGRES:-}" ] || { POSTGRES_MISSING=$WEIR_NO_POSTGRES; return 1; }
    local bin port
    bin=$(postgres_bin) || { POSTGRES_MISSING="no PostgreSQL: no server is installed"; return 1; }
    command -v psql >/dev/null || { POSTGRES_MISSING="no PostgreSQL: no psql"; return 1; }
    if [ "$(id -u)" -eq 0 ] && ! id postgres >/dev/null 2>&1; then
        POSTGRES_MISSING="no PostgreSQL: it does not run as root, and there is no user postgres"
        return 1
    fi
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    POSTGRES_DIR=$(mktemp -d)
    chmod 755 "$POSTGRES_DIR"
    [ "$(id -u)" -ne 0 ] || chown postgres "$POSTGRES_DIR"
    if ! postgres_as "$bin/initdb" -D "$POSTGRES_DIR/data" -A trust -U postgres -E UTF8 --locale=C \
        >"$POSTGRES_DIR/log" 2>&1 </dev/null; then
        POSTGRES_MISSING="no PostgreSQL: $(tail -n 1 "$POSTGRES_DIR/log")"
        rm -rf "$POSTGRES_DIR"
        return 1
    fi
    export POSTGRES_PORT=$port
    postgres_as "$bin/postgres" -D "$POSTGRES_DIR/data" -p "$port" -k "$POSTGRES_DIR" \
        -c listen_addresses=127.0.0.1 -c fsync=off -c wal_level=logical -c max_prepared_transactions=64 >>"$POSTGRES_DIR/log" 2>&1 </dev/null &
    POSTGRES_SHELL=$!  # runuser's, as root
    local shell=$POSTGRES_SHELL tries=0
    until postgres_sql -c 'SELECT 1' >/dev/null 2>&1 </dev/null; do
        if ! kill -0 $shell 2>/dev/null || [ $((tries += 1)) -gt 600 ]; then
            POSTGRES_MISSING="no PostgreSQL: it did not start: $(tail -n 1 "$POSTGRES_DIR/log")"
            kill $shell 2>/dev/null
            rm -rf "$POSTGRES_DIR"
            unset POSTGRES_PORT
            return 1
        fi
        sleep 0.05
    done
    POSTGRES_PID=$(head -n 1 "$POSTGRES_DIR/data/postmaster.pid")
}

postgres_stop() {
    [ -n "$POSTGRES_PID" ] || return 0
    kill -INT "$POSTGRES_PID" 2>/dev/null  # "fast": clients are sent away
    timeout 10 tail --pid="$POSTGRES_PID" -f /dev/null || kill -9 "$POSTGRES_PID" 2>/dev/null
    # Not all children: another server of this shell may live on.
    wait "$POSTGRES_SHELL" 2>/dev/null
    rm -rf "$POSTGRES_DIR"
    unset POSTGRES_PORT
    POSTGRES_PID='' POSTGRES_DIR=''
}

# For a test that sourced test/lib.sh: a database of its own, in $POSTGRES_DB.
postgres_need() {
    local table="CREATE TABLE t (a INT) WITH ('connector' = 'jdbc', 'url' = 'jdbc:postgresql://127.0.0.1:1/d', 'table-name' = 't')"
    ! "$WEIR" run -e "$table; SELECT * FROM t" 2>&1 | grep -q 'built without PostgreSQL' ||
        skip_all "this weir was built without PostgreSQL"
    postgres_start || skip_all "$POSTGRES_MISSING"
    undo postgres_stop
    postgres_sql -c "CREATE DATABASE weir_$$"  # the server may be shared with other tests
    POSTGRES_DB=weir_$$
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
    if [ "${1:-}" = run ]; then
        shift
        postgres_start || { echo "$POSTGRES_MISSING" >&2; exit 1; }
        trap postgres_stop EXIT
        "$@"
        exit
    fi
    . "$(dirname "$0")/../lib.sh"
    postgres_start || skip_all "$POSTGRES_MISSING"
    undo postgres_stop
    check "the server answers" bash -c '[ "$(psql -X -A -t -h 127.0.0.1 -p "$POSTGRES_PORT" -U postgres -c "SELECT 6 * 7")" = 42 ]'
    pid=$POSTGRES_PID dir=$POSTGRES_DIR
    postgres_stop
    # A server shared with other tests is not ours to stop. A process that init has not buried yet is
    # gone too.
    [ -z "$pid" ] || check "and is gone afterwards" wait_for 10 bash -c "! grep -qs '^State:[^Z]*$' /proc/$pid/status && [ ! -e $dir ]"
fi
