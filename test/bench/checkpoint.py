#!/usr/bin/env python3
"""What checkpoints cost: test/bench/checkpoint.py [KEYS...]; $WEIR is the binary (build/weir).

Counts over KEYS groups (10 thousand, 1 million and 20 million unless said otherwise), fed by datagen:
  - how long a checkpoint keeps a worker from its work: the half, 99 of 100, and all were no longer;
  - the rate with a checkpoint a second, full and incremental, beside that with none, of keys that
    come in turn, as those of devices do, and at random;
  - what a full and an incremental one write, and how long a gigabyte takes to be restored.
A job that keeps rows waiting (OVER, its time half an hour behind) is measured beside the counts.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile

WEIR = os.environ.get("WEIR", "build/weir")
SECONDS = float(os.environ.get("BENCH_SECONDS", "10"))

TABLES = """
CREATE TABLE g (id BIGINT{time}) WITH ('connector' = 'datagen', 'rows-per-second' = '1000000000',
    'fields.id.kind' = 'sequence', 'fields.id.start' = '0', 'fields.id.end' = '{last}');
CREATE TABLE o (k BIGINT, n BIGINT, s BIGINT) WITH ('connector' = 'blackhole');
"""
# A full period over the keys, in an order that no cache likes.
COUNT = TABLES + """
INSERT INTO o SELECT MOD(id * 7919, {keys}) AS k, COUNT(*), SUM(id) FROM g GROUP BY MOD(id * 7919, {keys});
"""
# The same keys as chance has them.
RANDOM = """
CREATE TABLE g (id BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '1000000000',
    'number-of-rows' = '{rows}', 'fields.id.kind' = 'random', 'fields.id.min' = '0', 'fields.id.max' = '{greatest}');
CREATE TABLE o (k BIGINT, n BIGINT, s BIGINT) WITH ('connector' = 'blackhole');
INSERT INTO o SELECT id, COUNT(*), SUM(id) FROM g GROUP BY id;
"""
OVER = TABLES + """
INSERT INTO o SELECT id, COUNT(*) OVER w, SUM(id) OVER w FROM g
    WINDOW w AS (PARTITION BY MOD(id, 100) ORDER BY ts ROWS BETWEEN 10 PRECEDING AND CURRENT ROW);
"""
LATE = ", ts AS TO_TIMESTAMP_LTZ(id, 3), WATERMARK FOR ts AS ts - INTERVAL '{late}' MINUTE"


def run(sql, *options):
    done = subprocess.run([WEIR, "run", "--stats", "json", *options, "-e", sql], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{done.stderr}\n{sql}")
    line = [l for l in done.stdout.splitlines() if l.startswith("{")][-1]
    return json.loads(line)


def rate(stats):
    return stats["rows_in"] / stats["wall_s"]


def steady(sql_of, rows, *options):
    """What the last run says, and rows a second: of the rows that a longer run has more than a shorter one,
    so that keys are there, and the memory for them, and the checkpoint after the last row is in both."""
    short = run(sql_of(rows // 2), *options)
    stats = run(sql_of(rows // 2 + rows), *options)
    return stats, (stats["rows_in"] - short["rows_in"]) / (stats["wall_s"] - short["wall_s"])


def rows_for(keys):
    """As many rows as take about SECONDS without checkpoints, and each key three times at least."""
    probe = run(COUNT.format(time="", last=keys * 2 - 1, keys=keys))
    return max(int(rate(probe) * SECONDS), keys * 3)


def measure(name, sql_of, rows, directory):
    options = ["--checkpoint-dir", directory, "-D", "restart-strategy.type=none"]
    every = ["-D", "execution.checkpointing.interval=1 s"]
    run(sql_of(rows // 2))
    _, alone = steady(sql_of, rows)
    print(f"{name}: {alone / 1e6:.2f} million rows a second without checkpoints")
    for incremental in ("false", "true"):
        shutil.rmtree(directory, ignore_errors=True)
        stats, rows_s = steady(sql_of, rows, *options, *every, "-D",
                               f"execution.checkpointing.incremental={incremental}")
        what = "incremental" if incremental == "true" else "full       "
        print(f"  {what}  {rows_s / 1e6:.2f}, {rows_s / alone * 100:5.1f} % of the rate,"
              f" {stats['checkpoints']:3d} checkpoints,"
              f" pause p50 {stats['checkpoint_pause_p50_ms']:.3f} p99 {stats['checkpoint_pause_p99_ms']:.3f}"
              f" max {stats['checkpoint_pause_max_ms']:.3f} ms, the last wrote"
              f" {stats['checkpoint_bytes'] / 1e6:.1f} MB", flush=True)
    return options


def restore(keys, directory):
    shutil.rmtree(directory, ignore_errors=True)
    sql = COUNT.format(time="", last=keys - 1, keys=keys)
    options = ["--checkpoint-dir", directory]
    written = run(sql, *options)["checkpoint_bytes"]
    stats = run(sql, *options, "--resume")
    print(f"  restored      {stats['restore_s']:.2f} s for {written / 1e6:.0f} MB:"
          f" {stats['restore_s'] / written * 1e9:.1f} s a GB", flush=True)


def small_change(keys, directory):
    """All keys once, then for some seconds one in a hundred: what an increment writes."""
    shutil.rmtree(directory, ignore_errors=True)
    sql = TABLES.format(time="", last=keys * 4 - 1) + f"""
        INSERT INTO o SELECT k, COUNT(*), SUM(id) FROM
            (SELECT id, CASE WHEN id < {keys} THEN id ELSE MOD(id, {max(keys // 100, 1)}) END AS k FROM g) GROUP BY k;
    """
    stats = run(sql, "--checkpoint-dir", directory, "-D", "execution.checkpointing.incremental=true",
                "-D", "execution.checkpointing.interval=200 ms")
    print(f"  one key in a hundred changes: an increment of {stats['checkpoint_bytes'] / 1e6:.2f} MB", flush=True)


def main():
    counts = [int(float(arg)) for arg in sys.argv[1:]] or [10_000, 1_000_000, 20_000_000]
    directory = tempfile.mkdtemp(prefix="weir-bench-")
    try:
        for keys in counts:
            rows = rows_for(keys)
            measure(f"{keys:,} keys, in turn",
                    lambda n, k=keys: COUNT.format(time="", last=n - 1, keys=k), rows, directory)
            measure(f"{keys:,} keys, at random",
                    lambda n, k=keys: RANDOM.format(rows=n, greatest=k - 1), rows, directory)
            small_change(keys, directory)
            restore(keys, directory)
        minutes = 30
        waiting = minutes * 60_000  # a row a millisecond
        time = LATE.format(late=minutes)
        measure(f"OVER, {waiting:,} rows waiting",
                lambda n: OVER.format(time=time, last=n - 1), waiting * 3, directory)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
