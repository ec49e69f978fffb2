#!/usr/bin/env python3
"""How small and quick the command is: the size of the binary, and the wall clock and memory of

    weir run -e 'SELECT 1'

from the start of the process to its end. start.py [--weir build/weir] [--runs 50]
"""
import argparse, json, os, subprocess, sys, time

LIMITS = {'start_ms': 10, 'resident_mb': 20, 'binary_mb': 10}  # what docs/design.md promises


def once(command):
    """Milliseconds and MB of one run."""
    begin = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=True)
    took = (time.monotonic() - begin) * 1e3
    stats = json.loads([line for line in done.stdout.splitlines() if line.startswith('{')][-1])
    return took, stats['resident_peak_bytes'] / 2**20


def main():
    a = argparse.ArgumentParser(usage=__doc__)
    a.add_argument('--weir', default=os.environ.get('WEIR', 'build/weir'))
    a.add_argument('--runs', type=int, default=50)
    o = a.parse_args()
    command = [o.weir, 'run', '--stats', 'json', '-e', 'SELECT 1']
    runs = sorted(once(command) for _ in range(o.runs))
    resident = max(mb for _, mb in runs)
    binary = os.path.getsize(o.weir) / 2**20
    print(f"SELECT 1   best {runs[0][0]:.1f} ms, middle {runs[o.runs // 2][0]:.1f} ms of {o.runs}"
          f" (to be below {LIMITS['start_ms']})")
    print(f"resident   {resident:.1f} MB (to be below {LIMITS['resident_mb']})")
    print(f"binary     {binary:.1f} MB, optional parts included (to be below {LIMITS['binary_mb']} without)")
    met = runs[0][0] < LIMITS['start_ms'] and resident < LIMITS['resident_mb'] and binary < LIMITS['binary_mb']
    print('all are met' if met else 'MISSED')
    return 0 if met else 1


if __name__ == '__main__':
    sys.exit(main())
