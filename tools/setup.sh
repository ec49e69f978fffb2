#!/usr/bin/env bash
# tools/setup.sh [GROUP...]: makes sure that the system has what the groups of tools/packages.txt
# list (default: build test). Looks first, installs only what is missing, and says what it does.
# Running it again changes nothing. The group "services" is a wish: without it the run goes on.
set -u
cd "$(dirname "$0")/.." || exit 2
groups=${*:-build test}

present() {
    case $1 in
        cmd:*) command -v "${1#cmd:}" >/dev/null 2>&1 ;;
        pc:*) pkg-config --exists "${1#pc:}" 2>/dev/null ;;
        file:*) [ -e "${1#file:}" ] ;;
    esac
}

missing() { # the packages of the groups $* whose sign cannot be seen
    local group package sign
    while read -r group package sign; do
        case " $* " in *" $group "*) present "$sign" || printf '%s ' "$package" ;; esac
    done < <(grep -E '^[a-z]' tools/packages.txt)
}

lacking=$(missing "$groups")
[ -n "$lacking" ] || exit 0
echo "setup: missing for $groups: $lacking"

run=
if [ "$(id -u)" -ne 0 ]; then
    if command -v sudo >/dev/null; then run=sudo; else run=none; fi
fi
if ! command -v apt-get >/dev/null; then
    echo "setup: this is not Debian or a relative; please install the equivalents by hand"
elif [ "$run" = none ]; then
    echo "setup: please run as root: apt-get install -y --no-install-recommends $lacking"
else
    echo "setup: apt-get install $lacking"
    log=$(mktemp)
    apt() {  # short time-outs: a machine without a network should go on soon
        $run env DEBIAN_FRONTEND=noninteractive apt-get -q \
            -o Acquire::Retries=2 -o Acquire::http::Timeout=30 "$@" </dev/null >>"$log" 2>&1
    }
    # shellcheck disable=SC2086  # a list of words
    { apt install -y --no-install-recommends $lacking ||
        { apt update && apt install -y --no-install-recommends $lacking; }; } ||
        { tail -n 5 "$log" | sed 's/^/setup: /'; echo "setup: apt-get failed"; }
    rm -f "$log"
fi

needed=
for group in $groups; do
    [ "$group" = services ] || needed="$needed $group"
done
lacking=$(missing "$needed")
if [ -n "$lacking" ]; then
    echo "setup: still missing: $lacking"
    exit 1
fi
lacking=$(missing "$groups")
[ -z "$lacking" ] || echo "setup: going on without: $lacking(their tests will be skipped)"
exit 0
