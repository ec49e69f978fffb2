#!/bin/sh
# tools/localise.sh CORE OUT CC...: makes libweir.a of the core archive: one object in which every
# hidden symbol has become local, so that a host program meets the names of weir.h and no others.
set -eu
core=$1 out=$2
shift 2
object=$out.o

# gcc must turn its link-time bytecode into machine code here; other compilers have none to turn.
flags=
if "$@" --version | grep -q 'Free Software'; then flags=-flinker-output=nolto-rel; fi
"$@" -r -nostdlib $flags -o "$object" -Wl,--whole-archive "$core" -Wl,--no-whole-archive
objcopy --localize-hidden "$object"
rm -f "$out"
ar rcs "$out" "$object"
rm -f "$object"
