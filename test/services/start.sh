#!/usr/bin/env bash
# test/services/start.sh - what it costs to start: printed, not judged, because the machine is shared.
# (Meant are under 10 ms, under 20 MB, and under 10 MB of program.)
. "$(dirname "$0")/../lib.sh"

check "the least query answers" "$WEIR" run -e "SELECT 1"
# What is not needed is not loaded: a broker's client alone brings thirty libraries with it.
few_libraries() { [ "$(LD_TRACE_LOADED_OBJECTS=1 "$WEIR" | grep -vcE 'san\.so|libstdc|libgcc')" -le 8 ]; }
check "with no library that it does not need" few_libraries
strip -o "$SCRATCH/weir" "$WEIR" 2>/dev/null || cp "$WEIR" "$SCRATCH/weir"
python3 - "$WEIR" "$SCRATCH/weir" <<'PY'
import json, os, subprocess, sys, time
least = 1e9
for _ in range(10):
    begin = time.perf_counter()
    subprocess.run([sys.argv[1], "run", "-e", "SELECT 1"], stdout=subprocess.DEVNULL)
    least = min(least, time.perf_counter() - begin)
told = subprocess.run([sys.argv[1], "run", "--stats", "json", "-e", "SELECT 1"], capture_output=True)
resident = json.loads(told.stdout.splitlines()[-1])["resident_peak_bytes"]
print("note: weir run -e 'SELECT 1': %.1f ms (the best of 10), %.1f MB resident; the program has %.1f MB"
      % (least * 1e3, resident / 2**20, os.path.getsize(sys.argv[2]) / 1e6))
PY
