#!/bin/sh
# tools/embed.sh NAME FILE…: prints each FILE as a C array NAME with its size, for programs that carry it.
while [ $# -gt 1 ]; do
    printf '// Made of %s by tools/embed.sh.\n' "$(basename "$2")"
    printf 'static const unsigned char %s[] = {\n' "$1"
    od -An -v -tu1 "$2" | sed -E 's/ +([0-9]+)/\1,/g'
    printf '};\n'
    shift 2
done
