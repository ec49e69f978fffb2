#!/usr/bin/env bash
# tools/test.sh SUITE...: runs suites, shows what failed, and closes with one line over all of them:
# N passed, N failed, N skipped.
#
#   all     tidy, unit tests, the simulator and the bugs it has to find (debug build), and on the release build: SQL cases, those again in all
#           variants that must give the same rows (tools/variants.sh), random queries, the tests
#           with real servers, the examples
#   quick   tidy, unit tests, the simulator, SQL cases and some random queries on the debug build
#   asan, ubsan, tsan   the same parts on that build, made thin: the SQL cases once as they are, in one
#           variant and in two kinds of cuts, 300 random queries; the simulator, which has one thread,
#           not under tsan. An hour and more on two slow cores
#
# Two kinds of part: programs that close with a line of counts themselves (weir-unit, weir test), and
# scripts that print a line for each case: PASS name, FAIL name: why, SKIP name: no X. A part that
# ends badly without naming a failure counts as one. All parts together have WEIR_TEST_SECONDS (3000,
# and three hours for a sanitizer): one that hangs is stopped, and those that find no time left fail by
# name; the run comes to its end. WEIR_TEST_PARTS, an extended regular expression: only parts whose name
# it matches.
set -u
cd "$(dirname "$0")/.." || exit 2
. test/services/kafka.sh
. test/services/postgres.sh
. test/services/s3.sh

logs=$(mktemp -d)
trap 'kafka_stop; postgres_stop; s3_stop; rm -rf "$logs"' EXIT
trap 'exit 130' INT TERM
passed=0 failed=0 skipped=0
time_limit=${WEIR_TEST_SECONDS:-3000} patience=1

# add NAME PASSED FAILED SKIPPED SECONDS: one row of the table, and the sums.
add() {
    passed=$((passed + $2)) failed=$((failed + $3)) skipped=$((skipped + $4))
    printf '%-28s %6d passed %5d failed %5d skipped %6d s\n' "$@"
}

# build KIND [TARGET...]: a build that fails is a failure and ends the suite.
build() {
    local start=$SECONDS
    if tools/build.sh "$@" >"$logs/build" 2>&1; then
        grep -E '^setup:' "$logs/build"
        printf '%-28s %50d s\n' "build $1" $((SECONDS - start))
    else
        cat "$logs/build"
        add "build $1" 0 1 0 $((SECONDS - start))
        return 1
    fi
}

# part NAME SECONDS_MAX COMMAND...; under a sanitizer all takes $patience times as long.
part() {
    local name=$1 limit=$(($2 * patience)) start=$SECONDS log="$logs/log" rc=0 ok bad left line
    shift 2
    [[ $name =~ ${WEIR_TEST_PARTS:-} ]] || return 0
    if [ $((time_limit - start)) -lt "$limit" ]; then limit=$((time_limit - start)); fi
    if [ "$limit" -lt 1 ]; then
        echo "$name: not run, the $time_limit s for all parts are over"
        add "$name" 0 1 0 0
        return
    fi
    timeout -k 10 "$limit" "$@" >"$log" 2>&1 </dev/null || rc=$?
    line=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$log" | tail -n 1)
    if [ -n "$line" ]; then
        read -r ok bad left < <(sed 's/[^0-9 ]//g' <<<"$line")
        left=${left:-0}
    else
        ok=$(grep -cE '^PASS ' "$log") bad=$(grep -cE '^FAIL ' "$log") left=$(grep -cE '^SKIP ' "$log")
    fi
    [ $rc -eq 124 ] && echo "$name: stopped after $limit s" >>"$log"
    if [ $((ok + bad + left)) -eq 0 ]; then echo "$name: no case was run (exit code $rc)" >>"$log"; fi
    if [ $rc -ne 0 ] || [ $((ok + bad + left)) -eq 0 ]; then [ "$bad" -gt 0 ] || bad=1; fi
    # What went well is not worth a line; what did not is shown as it came.
    if [ "$bad" -gt 0 ]; then
        grep -vE '^(PASS |\[ +(RUN|OK) +\])' "$log" | cut -c1-500 | tail -n 200
    else
        grep -E '^(SKIP |note: |known failures: )' "$log"
    fi
    add "$name" "$ok" "$bad" "$left" $((SECONDS - start))
}

# The tests with real servers and the examples find the binary at hand in $WEIR.
unit() {
    part "unit ($1)" 600 "build-$1/weir-unit"
    part "fuzz corpora ($1)" 300 tools/fuzz.sh replay "$1"
}
# Runs of the whole engine over simulated machines (docs/simulator.md). It needs librdkafka's header.
simulator() {
    if [ -x "build-$1/test/sim/weir-sim" ]; then
        part "simulator ($1)" 300 "build-$1/test/sim/weir-sim" --seeds "$2"
    else
        part "simulator ($1)" 10 echo "SKIP simulator: no librdkafka"
    fi
}
mutants() {
    build "$1" mutants || return
    [ ! -x "build-$1/test/sim/weir-sim" ] ||
        part "planted bugs ($1)" 900 test/sim/mutants.sh "build-$1/test/sim"
}
sql() {
    part "sql cases ($1)" 1200 "$WEIR" test --timeout $((30 * patience)) \
        --known test/sql/known-failures.txt test/sql
    [ $# -lt 2 ] || part "variants ($1)" 1800 tools/variants.sh "$WEIR" "$2"
    [ $# -lt 3 ] || part "cuts ($1)" 1200 tools/cuts.sh "$WEIR" "$3" 1
}
random() { part "random queries ($1)" 600 tools/random.sh 1 "$2" --sqlite; }
services() {
    local script
    kafka_start || echo "note: $KAFKA_MISSING"
    postgres_start || echo "note: $POSTGRES_MISSING"
    s3_start || echo "note: $S3_MISSING"
    for script in test/services/*.sh; do
        part "$(basename "$script" .sh) ($1)" 600 bash "$script"
    done
    kafka_stop
    postgres_stop
    s3_stop
}
examples() {
    local script
    for script in examples/*/test.sh; do
        [ -e "$script" ] && part "examples/$(basename "$(dirname "$script")")" 300 bash "$script"
    done
}

for suite in "${@:-all}"; do
    echo "--- $suite"
    case $suite in
        all)
            export WEIR=$PWD/build/weir
            tools/setup.sh build test services || true
            part tidy 60 tools/tidy.sh
            build debug weir-unit fuzz simulator && { unit debug; simulator debug 1000; mutants debug; }
            build release && { sql release all 4; random release 3000; services release; examples; }
            ;;
        quick)
            export WEIR=$PWD/build-debug/weir
            part tidy 60 tools/tidy.sh
            build debug weir weir-unit fuzz simulator &&
                { unit debug; simulator debug 300; sql debug; random debug 300; }
            ;;
        asan | ubsan | tsan)
            export WEIR=$PWD/build-$suite/weir
            export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1
            export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
            # Children of the pool's tests are forked when librdkafka's threads have been there.
            export TSAN_OPTIONS="halt_on_error=1 die_after_fork=0 suppressions=$PWD/tools/tsan.txt"
            export REFUSE="2 5 17"  # of memory.sh, each of them all SQL cases again
            time_limit=$((SECONDS + ${WEIR_TEST_SECONDS:-10800})) patience=5
            export WEIR_TEST_PATIENCE=$patience
            build "$suite" weir weir-unit fuzz && {
                unit "$suite"
                [ "$suite" = tsan ] || { build "$suite" simulator && simulator "$suite" 300; }
                sql "$suite" 1 2
                random "$suite" 300
                services "$suite"
                examples
            }
            time_limit=${WEIR_TEST_SECONDS:-3000} patience=1
            unset REFUSE WEIR_TEST_PATIENCE
            ;;
        *) echo "tools/test.sh: no suite '$suite'" >&2; exit 2 ;;
    esac
done

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
