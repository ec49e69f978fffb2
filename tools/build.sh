#!/usr/bin/env bash
# tools/build.sh KIND [TARGET...]: builds one of the kinds below, in a folder of its own, after
# seeing to the system's packages. Without targets: everything of that kind.
#
#   release  build/         what `make` gives: -O3, link-time optimisation
#   debug    build-debug/   quick to build, with the per-row assertions; warnings are errors
#   asan     build-asan/    gcc's address and undefined-behaviour sanitizers
#   ubsan    build-ubsan/   clang's undefined-behaviour sanitizer, which looks at other things
#   tsan     build-tsan/    the thread sanitizer
#   fuzz     build-fuzz/    clang's fuzzer with the address and undefined-behaviour sanitizers
#   clang    build-clang/   the second compiler; warnings are errors
#
# With CI set, warnings are errors in the release build too. (Sanitizers make compilers see ghosts.)
set -eu
cd "$(dirname "$0")/.."
kind=${1:?usage: tools/build.sh KIND [TARGET...]}
shift

dir=build-$kind groups="build test" compiler=${CC:-cc} werror=false
case $kind in
    release) dir=build options="--buildtype=release -Db_lto=true"
        [ -z "${CI:-}" ] || werror=true ;;
    debug) options="--buildtype=debug -Doptimization=1" werror=true ;;
    asan) options="--buildtype=debug -Doptimization=1 -Db_sanitize=address,undefined" ;;
    ubsan) options="--buildtype=debug -Doptimization=1 -Db_sanitize=undefined -Db_lundef=false"
        groups="$groups clang" compiler=clang ;;
    tsan) options="--buildtype=debug -Doptimization=1 -Db_sanitize=thread" ;;
    fuzz) options="--buildtype=debugoptimized -Db_sanitize=address,undefined -Db_lundef=false -Dfuzz=true"
        groups="$groups clang" compiler=clang ;;
    clang) options="--buildtype=debug -Doptimization=0" werror=true
        groups="$groups clang" compiler=clang ;;
    *) echo "tools/build.sh: no kind '$kind'" >&2; exit 2 ;;
esac

# Looks again when the list of packages has changed since the last look.
if [ ! -f $dir/.packages ] || [ tools/packages.txt -nt $dir/.packages ]; then
    # shellcheck disable=SC2086  # a list of words
    tools/setup.sh $groups
fi
if [ ! -f $dir/build.ninja ]; then
    if command -v ccache >/dev/null; then compiler="ccache $compiler"; fi
    # shellcheck disable=SC2086
    CC=$compiler meson setup $dir $options -Dwerror=$werror >$dir.log 2>&1 || {
        cat $dir.log
        rm -rf $dir.log
        exit 1
    }
    rm -f $dir.log
fi
touch $dir/.packages

# On a terminal ninja's progress; elsewhere silence, unless there is something to say.
if [ -t 1 ]; then exec ninja -C $dir "$@"; fi
if ninja -C $dir "$@" >$dir/build.log 2>&1; then
    grep -A6 'warning:' $dir/build.log || true
else
    grep -vE '^(\[[0-9]+/[0-9]+\] (Comp|Link)|ninja: Entering|Compiler for C)' $dir/build.log
    exit 1
fi
