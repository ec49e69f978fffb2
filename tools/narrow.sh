#!/usr/bin/env bash
# tools/narrow.sh [FILE...]: lays out anew the statements and comments that are wider than 100 columns,
# in these files or in all C that we track. It leaves every other line as somebody laid it out.
set -eu
export LC_ALL=C
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || mapfile -t chosen < <(git ls-files '*.[ch]')
[ $# -eq 0 ] || chosen=("$@")
style=$(sed -E '/^#/d; s/^ReflowComments:.*/ReflowComments: true/' .clang-format | paste -sd,)

for file in "${chosen[@]}"; do
    mapfile -t wide < <(awk '{ s = $0; gsub(/[\200-\277]/, "", s)
        if (length(s) > 100) print "--lines=" FNR ":" FNR }' "$file")
    [ ${#wide[@]} -eq 0 ] || clang-format -i --style="{$style}" "${wide[@]}" "$file"
done
