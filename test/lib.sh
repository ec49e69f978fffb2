# test/lib.sh - for the shell tests; source it first. A test prints a line for each case and exits
# with 1 when one failed:
#     . "$(dirname "$0")/../lib.sh"
#     check "the shell adds" [ $((1 + 1)) -eq 2 ]
# $WEIR is the binary at hand, $TREE the root of the tree, $SCRATCH an empty folder, gone afterwards.
set -u
TREE=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
WEIR=${WEIR:-$TREE/build/weir}
SCRATCH=$(mktemp -d)
TEST_NAME=$(basename "$0" .sh)
[ "$TEST_NAME" != test ] || TEST_NAME=$(basename "$(cd "$(dirname "$0")" && pwd)")
TEST_FAILED=0
PATIENCE=${WEIR_TEST_PATIENCE:-1}  # how many times longer than usual things may take: under sanitizers
TEST_UNDO=()  # functions to call at the end, last first

pass() { echo "PASS $TEST_NAME: $1"; }
fail() {
    echo "FAIL $TEST_NAME: $1${2:+: $2}"
    TEST_FAILED=1
}
skip() { echo "SKIP $TEST_NAME: $1"; }
skip_all() {
    skip "$1"
    exit 0
}

# check FACT COMMAND...: passes when the command succeeds; else shows what it printed.
check() {
    local fact=$1 log="$SCRATCH/.check"
    shift
    if "$@" >"$log" 2>&1; then pass "$fact"; else
        sed 's/^/    /' "$log" | tail -n 40
        fail "$fact"
    fi
}
# same FACT EXPECTED-FILE ACTUAL-FILE
same() {
    check "$1" diff -u --label expected --label actual "$2" "$3"
}
# wait_for SECONDS COMMAND...: until it succeeds; fails after the time (times PATIENCE). For what only
# polling can tell.
wait_for() {
    local end=$((SECONDS + $1 * PATIENCE))
    shift
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.05
    done
}

# wait_quiet FILE: until it has not grown for a while.
wait_quiet() {
    local size was=
    while size=$(wc -c <"$1") && [ "$size" != "$was" ]; do
        was=$size
        sleep $((3 * PATIENCE))e-1
    done
}

# A job in the background, its pid in LIVE: Ctrl-C ends it.
LIVE=
stop_live() {
    [ -z "$LIVE" ] || { kill -INT "$LIVE" && wait "$LIVE"; } 2>/dev/null
    LIVE=
}

# A job in the background that is to be killed, its pid in JOB.
JOB=
kill_job() {
    [ -n "$JOB" ] || return 0
    kill -9 "$JOB" 2>/dev/null
    wait "$JOB" 2>/dev/null
    JOB=
}
# kill_at_checkpoint FOLDER: right when the next checkpoint there is durable, before it is committed. That
# is some milliseconds, which kills at random would rarely hit.
kill_at_checkpoint() {
    local before now silence end=$((SECONDS + 10))
    exec {silence}<> <(:)  # to wait on, without a process each time
    before=("$1"/chk-*/_metadata)
    until now=("$1"/chk-*/_metadata); [ "${now[*]}" != "${before[*]}" ] || [ $SECONDS -ge $end ]; do
        read -rt 0.001 -u "$silence"
    done
    exec {silence}>&-
    kill_job
}
# refused TEXT SQL: weir does not run the script, and says that.
refused() {
    ! "$WEIR" run -e "$2" >said 2>&1 && grep -q -- "$1" said || { cat said; return 1; }
}

undo() { TEST_UNDO+=("$1"); }
test_end() {
    local rc=$? i
    trap - EXIT
    for ((i = ${#TEST_UNDO[@]} - 1; i >= 0; i--)); do "${TEST_UNDO[i]}"; done
    rm -rf "$SCRATCH"
    [ $rc -eq 0 ] && [ $TEST_FAILED -ne 0 ] && rc=1
    exit $rc
}
trap test_end EXIT
trap 'exit 130' INT TERM
