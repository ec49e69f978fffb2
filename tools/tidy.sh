#!/usr/bin/env bash
# tools/tidy.sh: what a reader may rely on in every file. Prints a PASS or FAIL line for each rule,
# and before a FAIL the places that break it.
set -u
export LC_ALL=C
cd "$(dirname "$0")/.." || exit 2
failed=0

# rule NAME: reads the offending places on stdin; none means that the rule holds.
rule() {
    local found
    found=$(head -n 20)
    if [ -z "$found" ]; then
        echo "PASS $1"
    else
        printf '%s\n' "$found" | sed 's/^/    /'
        echo "FAIL $1"
        failed=1
    fi
}

if git rev-parse --git-dir >/dev/null 2>&1; then
    mapfile -t all < <(git ls-files --cached --others --exclude-standard | sort -u)
else
    mapfile -t all < <(find . -type f -not -path './build*' -not -path './.git/*' | sed 's|^\./||')
fi
text=() code=() core=()  # text that we write; C; C under src/
for file in "${all[@]}"; do
    [ -f "$file" ] || continue
    case $file in
        test/sql/*/* | */data/* | fuzz/corpus/* | test/bench/nexmark/* | LICENSE) continue ;;
        *.png | *.gz | *.ico | *.woff2) continue ;;
    esac
    text+=("$file")
    case $file in *.[ch]) code+=("$file") ;; esac
    case $file in src/*.[ch]) core+=("$file") ;; esac
done
tab=$(printf '\t')

awk -f tools/check_layers.awk tools/layers.txt "${core[@]}" | rule "tidy: includes point downwards"

# The layer check itself: each of these four is wrong in its own way.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$scratch"/src/{base,sql,format/csv,nowhere}
echo '#include "type/type.h"' >"$scratch/src/base/up.c"
echo '#include "sql_lexer.h"' >"$scratch/src/sql/bare.c"
echo '#include "format/json/json.h"' >"$scratch/src/format/csv/next_door.c"
echo '#include "base/text.h"' >"$scratch/src/nowhere/stray.c"
for wrong in "$scratch"/src/*/*.c "$scratch"/src/*/*/*.c; do
    awk -f tools/check_layers.awk tools/layers.txt "$wrong" >/dev/null && echo "passed: ${wrong#"$scratch"/}"
done | rule "tidy: the layer check finds a wrong include"

# The rows of layers.txt stand in the order in which src/meson.build goes through the folders.
awk 'FILENAME ~ /layers/ { if (NF && !/^#/) row[$1] = ++n; next }
     match($0, /^subdir\(.[a-z]+/) { f = substr($0, 9, RLENGTH - 8)
        if (row[f] <= last) print FILENAME ": " f " stands after a folder above it"; last = row[f] }
' tools/layers.txt src/meson.build | rule "tidy: the build goes through the layers in order"

grep -nHE "^$tab|[^ ]$tab" -- "${code[@]}" | rule "tidy: no tabs in C"
grep -nHE "[ $tab]+\$" -- "${text[@]}" | rule "tidy: no blanks at the end of a line"
grep -lI "$(printf '\r')" -- "${text[@]}" | rule "tidy: lines end with LF"
for file in "${text[@]}"; do
    [ -s "$file" ] && [ -n "$(tail -c 1 "$file")" ] && echo "$file"
done | rule "tidy: files end with a newline"
for file in "${core[@]}"; do
    case $file in *.h) grep -q '^#pragma once$' "$file" || echo "$file" ;; esac
done | rule "tidy: headers say #pragma once"
for file in "${core[@]}"; do
    case $file in
        *.h) head -n 1 "$file" | grep -q "^// ${file#src/} - " || echo "$file: begin with // ${file#src/} - what it is" ;;
    esac
done | rule "tidy: headers begin with their name and purpose"
# Tables of descriptors keep their own shape between "clang-format off" and "on".
awk 'FNR == 1 || /clang-format on/ { shaped = 1 } /clang-format off/ { shaped = 0 }
     shaped && length($0) > 100 { s = $0; gsub(/[\200-\277]/, "", s)
     if (length(s) > 100) print FILENAME ":" FNR ": " length(s) " columns" }
' "${code[@]}" | rule "tidy: C fits in 100 columns"

# Paths of somebody's machine; the pattern is written so that it does not find itself.
grep -nHE '(^|[^A-Za-z0-9_.$}])/(work|root|home|Users)/[A-Za-z]|/tmp/w[t]/' -- "${text[@]}" |
    rule "tidy: no paths of one machine"

# Every library that the build asks for has its row in the list that setup.sh installs from.
sed -nE "s/.*dependency\('([a-z0-9.+-]+)'.*/\1/p" meson.build | grep -vx threads |
    while read -r lib; do
        grep -qE "[[:space:]]pc:$lib\$" tools/packages.txt || echo "no row for pc:$lib in tools/packages.txt"
    done | rule "tidy: packages.txt names what the build needs"

for file in fuzz/fuzz_*.c; do
    name=${file#fuzz/fuzz_}
    grep -q "'${name%.c}'" fuzz/meson.build || echo "$file is not listed in fuzz/meson.build"
done | rule "tidy: fuzz targets are listed"

# Links between our own pages lead somewhere.
for file in "${text[@]}"; do
    case $file in *.md) ;; *) continue ;; esac
    grep -oE '\]\([^)#: ]+[)#]' "$file" | sed -E 's/^\]\(//; s/[)#]$//' | while read -r link; do
        [ -e "$(dirname "$file")/$link" ] || echo "$file: $link"
    done
done | rule "tidy: links in the docs lead somewhere"

# Known failures may only leave the list; a new one is a bug to mend.
known=test/sql/known-failures.txt
if [ -f $known ]; then
    entries() { grep -cvE '^[[:space:]]*(#|$)' || true; }
    now=$(entries <$known)
    limit=$(sed -nE 's/^# at most ([0-9]+)$/\1/p' $known)
    [ "$now" -le "${limit:-0}" ] || echo "$known: $now entries, and its head says at most ${limit:-0}"
    before=$(git show "HEAD:$known" 2>/dev/null | sed -nE 's/^# at most ([0-9]+)$/\1/p')
    [ "${limit:-0}" -le "${before:-${limit:-0}}" ] || echo "$known: the limit grew from $before to $limit"
fi | rule "tidy: the list of known failures only shrinks"

# The page that says item by item what weir has of Flink is made from the cases, and needs one of each.
if command -v python3 >/dev/null; then
    tools/compatibility.py --check 2>&1 | rule "tidy: the page on compatibility is what the cases give"
else
    echo "SKIP tidy: the page on compatibility is what the cases give: no python3"
fi

# Each case that is not judged in all variants says why.
grep -vE '^(#|$)|[^ ] +# [^ ]' test/sql/order-of-arrival.txt | rule "tidy: exempt cases have a reason"

# Not a rule, a hint: a file that takes more than one sitting usually has a seam.
wc -l "${core[@]}" | awk '$2 != "total" && $1 > 1500 { print "note: " $2 " has " $1 " lines: is there a seam in it?" }'
exit $failed
