#!/usr/bin/env bash
# examples/timeouts/run.sh [WEIR]: builds the function in C and asks all three ways. Needs a C compiler.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
weir=$(realpath "${1:-build/weir}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$here"/events.csv "$here"/timeouts.sql "$work"
# shellcheck disable=SC2086  # CC may be words: a compiler and what it goes through
${CC:-cc} -Wall -Wextra -Werror -shared -fPIC -I"$here/../../include" -o "$work/liblate.so" \
    "$here/late_orders.c"
cd "$work"
for way in by_pattern by_join by_timer; do
    echo "$way"
    "$weir" run -e "$(cat timeouts.sql) SELECT * FROM $way;"
done
