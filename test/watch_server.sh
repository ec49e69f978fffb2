# test/watch_server.sh - for shell tests of a watch over HTTP; source it behind lib.sh. All is skipped where the
# program has none, or curl is missing.
#     serve --print        starts a watch in $SCRATCH/watch, or goes on with it; its address is in AT
#     platform shop        registers a platform: ask goes with its token from then on
#     ask metrics -d …     what the watch says
#     kill_server          as a power cut would; stop_server: Ctrl-C
export WEIR_RUNTIME_DIR=$SCRATCH/run
command -v curl >/dev/null || skip_all "no curl"
"$WEIR" watch serve --dir "$SCRATCH/none" --listen nowhere 2>&1 | grep -q 'built without' && skip_all "built without SQLite"
SERVER= TOKEN= AT=
listening() { AT=$(sed -n 's/^watching at //p' "$SCRATCH/out"); [ -n "$AT" ]; }
serve() {
    : >"$SCRATCH/out"  # now: the new process may empty it only after the address of the dead one was read
    "$WEIR" watch serve --dir "$SCRATCH/watch" --listen 127.0.0.1:0 "$@" >"$SCRATCH/out" 2>>"$SCRATCH/log" &
    SERVER=$!
    wait_for 20 listening || fail "the watch starts" "$(tail -n 3 "$SCRATCH/log")"
}
end_server() {  # SIGNAL
    [ -n "$SERVER" ] || return 0
    kill "$1" "$SERVER" 2>/dev/null
    wait "$SERVER" 2>/dev/null
    SERVER=
}
kill_server() { end_server -9; }
stop_server() { end_server -INT; }
undo stop_server
platform() { TOKEN=$(curl -s "$AT/v1/platforms" -d "{\"name\":\"$1\"}" | sed 's/.*"token":"\([^"]*\)".*/\1/'); }
ask() { curl -s -m 10 -H "Authorization: Bearer $TOKEN" "$AT/v1/$@"; }
