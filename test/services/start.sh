#!/usr/bin/env bash
# test/services/start.sh - what it costs to start: printed, not judged, because the machine is shared.
# (Meant are under 10 ms, under 20 MB, and under 10 MB of program.)
. "$(dirname "$0")/../lib.sh"

check "the least query answers" "$WEIR" run -e "SELECT 1"
strip -o "$SCRATCH/weir" "$WEIR" 2>/dev/null || cp "$WEIR" "$SCRATCH/weir"
python3 - "$WEIR" "$SCRATCH/weir" <<'PY'
import os, subprocess, sys, time
least, resident = 1e9, 0
for _ in range(10):
    begin = time.perf_counter()
    child = subprocess.Popen([sys.argv[1], "run", "-e", "SELECT 1"], stdout=subprocess.DEVNULL)
    usage = os.wait4(child.pid, 0)[2]
    least, resident = min(least, time.perf_counter() - begin), max(resident, usage.ru_maxrss)
print("note: weir run -e 'SELECT 1': %.1f ms (the best of 10), %.1f MB resident; the program has %.1f MB"
      % (least * 1e3, resident / 1024, os.path.getsize(sys.argv[2]) / 1e6))
PY
