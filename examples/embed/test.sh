#!/usr/bin/env bash
# examples/embed/test.sh - the library as a host program meets it: installed somewhere, found through
# pkg-config, linked either way, and showing no name but those of weir.h.
. "$(dirname "$0")/../../test/lib.sh"
build=$(dirname "$WEIR")
[ -e "$build/libweir.a" ] || skip_all "no library in this kind of build"

home=$SCRATCH/usr
install_library() {
    meson install -C "$build" --no-rebuild --quiet --destdir "$SCRATCH/root" &&
        mv "$SCRATCH/root$(meson introspect "$build" --buildoptions |
            python3 -c 'import json, sys; print({o["name"]: o["value"] for o in json.load(sys.stdin)}["prefix"])')" "$home"
}
check "the library installs" install_library
config=$(dirname "$(find "$home" -name weir.pc)")
export PKG_CONFIG_PATH=$config LD_LIBRARY_PATH=${config%/pkgconfig}
# The package was told its prefix when it was configured; ours is another.
flags() { pkg-config --define-variable=prefix="$home" "$@" weir; }

source=$TREE/examples/embed/embed.c
# shellcheck disable=SC2046  # words of flags
check "a program builds against it" cc -Wall -Wextra -Werror "$source" $(flags --cflags --libs) -o "$SCRATCH/shared"
check "and runs" "$SCRATCH/shared"
"$SCRATCH/shared" 2>&1 | sort >"$SCRATCH/out"
cat >"$SCRATCH/expected" <<'TEXT'
+I milk 300
+I tea 120
+U tea 1200
+U tea 480
-U tea 120
-U tea 480
1:8: column 'prodct' not found in any table; did you mean 'product'?
TEXT
grep -v '^weir ' "$SCRATCH/out" | same "it feeds, computes, asks and reads" "$SCRATCH/expected" /dev/stdin
# shellcheck disable=SC2046
check "it links statically" cc "$source" \
    $(pkg-config --define-variable=prefix="$home" --cflags --libs weir-static) -o "$SCRATCH/static"
check "and runs without the shared library" env -u LD_LIBRARY_PATH "$SCRATCH/static"
check "both say the same" diff <("$SCRATCH/shared") <("$SCRATCH/static")

foreign() { # names beyond weir_*; data that the linker adds itself does not count
    ! nm "$@" | awk '$2 ~ /^[A-TV-Z]$/ { print $3 }' | grep -vE '^(weir_|_init$|_fini$|_edata$|_end$|__bss_start$)'
}
check "libweir.so shows only weir_ names" foreign -D --defined-only "${config%/pkgconfig}/libweir.so"
check "libweir.a shows only weir_ names" foreign -g --defined-only "${config%/pkgconfig}/libweir.a"
check "the command, the manual page and the completion are installed" \
    ls "$home/bin/weir" "$home/share/man/man1/weir.1" "$home/share/bash-completion/completions/weir"
if command -v c++ >/dev/null; then
    check "weir.h is C++ too" sh -c \
        "echo '#include <weir.h>' | c++ -Wall -Werror $(flags --cflags) -x c++ -fsyntax-only -"
else
    skip "weir.h is C++ too: no c++"
fi
