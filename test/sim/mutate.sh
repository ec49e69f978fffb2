#!/bin/sh
# mutate.sh LIST NAME FILE OUT: writes FILE with the bug NAME of the list planted into OUT; fails when
# the list's expression no longer finds its place.
set -eu
expression=$(sed -n "s/^$2 | [^|]* | //p" "$1")
sed -E -e "$expression" "$3" >"$4"
if cmp -s "$3" "$4"; then
    echo "mutate.sh: '$2' changes nothing in $3" >&2
    exit 1
fi
