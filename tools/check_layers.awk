# awk -f tools/check_layers.awk tools/layers.txt SOURCE...: names each #include that points the
# wrong way. Prints nothing and exits 0 when all is well.
function allow(folder, other) { may[folder, other] = 1 }
function complain(text) {
    printf "%s:%d: %s\n", FILENAME, FNR, text
    bad = 1
}

# The table.
FILENAME == ARGV[1] {
    sub(/#.*/, "")
    if (NF == 0) next
    allow($1, $1)
    if (NR > 1) allow($1, "base")
    for (i = 2; i <= NF; i++) {
        other = $i
        closed = sub(/^\+/, "", other)
        if (!(other in row)) complain("'" $1 "' names '" other "', which is no row above it")
        allow($1, other)
        if (closed) for (seen in row) if ((other, seen) in may) allow($1, seen)
    }
    row[$1] = 1
    next
}

FNR == 1 {  # src/format/csv/scan.c: folder "format", place "format/csv/"
    place = FILENAME
    sub(/^.*src\//, "", place)
    sub(/[^\/]*$/, "", place)
    folder = place
    sub(/\/.*/, "", folder)
    unit_test = FILENAME ~ /_test\.[ch]$/
    if (!(folder in row)) complain("folder '" folder "' is no row of tools/layers.txt")
}

/^[ \t]*#[ \t]*include[ \t]*"/ {
    split($0, part, "\"")
    name = part[2]
    if (name ~ /^(weir|weir_function)\.h$/ || unit_test && name ~ /^test\//) next
    if (name !~ /\//) {
        complain("write #include \"folder/" name "\"")
        next
    }
    other = place_of = name
    sub(/\/.*/, "", other)
    sub(/[^\/]*$/, "", place_of)
    # A connector's unit tests write and read with real formats.
    if (unit_test && folder == "connector" && other == "format") next
    if (!((folder, other) in may)) complain("'" folder "' may not include \"" name "\"")
    if (name ~ /_int\.h$/ && place_of != place) complain("\"" name "\" is its folder's secret")
    # The rooms of format/ and connector/ do not know each other; what they share lies beside them.
    if ((folder == "format" || folder == "connector") && other == folder && place_of != place &&
        place_of != folder "/" && place != folder "/")
        complain("\"" name "\": a " folder " may not include another")
}

END { exit bad }
