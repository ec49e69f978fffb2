#!/usr/bin/env python3
"""The warehouse's counts (examples/warehouse) at speed: plain, then with what a busy one sets.

    warehouse.py [--orders 300000] [--workers 1,2] [--hot 0.05,0.8] [--weir build/weir]

Messages are read from a file in the page cache; the changes go into a blackhole, or as upserts into
PostgreSQL where a server can be had. CPU seconds are the whole process', the server's are not in them.
"""
import argparse, os, subprocess, sys

from measure import HERE, MINI_BATCH as MINI, WEIR, Run, cache

EXAMPLE = os.path.join(HERE, '..', '..', 'examples', 'warehouse')
CACHE = cache('warehouse')
TWO, SPLIT = ['table.optimizer.agg-phase-strategy=TWO_PHASE'], ['table.optimizer.distinct-agg.split.enabled=true']
VARIANTS = [('plain', []), ('mini-batch', MINI), ('two-phase', MINI + TWO), ('distinct split', MINI + SPLIT),
            ('all of it', MINI + TWO + SPLIT)]
BLACKHOLE = "CREATE TABLE counts (company STRING, orders BIGINT, dated BIGINT) WITH ('connector' = 'blackhole');\n" \
            "INSERT INTO counts SELECT * FROM company_orders;\n"


def log_of(o, hot):
    path = os.path.join(CACHE, f'orders-{o.orders}-{hot}.json')
    if not os.path.exists(path):
        os.makedirs(CACHE, exist_ok=True)
        with open(path + '.part', 'w') as out:
            subprocess.run([sys.executable, os.path.join(EXAMPLE, 'generate.py'), '--orders', str(o.orders),
                            '--hot', hot], stdout=out, check=True)
        os.rename(path + '.part', path)
    return path


def text_of(name):
    with open(os.path.join(EXAMPLE, name)) as f:
        return f.read()


def run(o, log, sink, settings, workers):
    text = text_of('tables.sql') + sink
    for name, value in (('LOG', log), ('USER', 'postgres'), ('PASSWORD', 'none'),
                        ('URL', f"jdbc:postgresql://127.0.0.1:{os.environ.get('POSTGRES_PORT')}/postgres")):
        text = text.replace('${%s}' % name, value)
    return Run(o.weir, text, [f'parallelism.default={workers}', *settings])


def main():
    a = argparse.ArgumentParser(usage=__doc__)
    a.add_argument('--orders', type=int, default=300000)
    a.add_argument('--workers', default='1,2')
    a.add_argument('--hot', default='0.05,0.8')
    a.add_argument('--weir', default=WEIR)
    o = a.parse_args()
    o.weir = os.path.abspath(o.weir)
    sinks = [('into a blackhole', BLACKHOLE)]
    if os.environ.get('POSTGRES_PORT'):
        sinks.append(('upserts into PostgreSQL', text_of('upsert.sql')))
    else:
        print('PostgreSQL is not there: no upserts are measured')
    bad = False
    for name, sink in sinks:
        for hot in o.hot.split(','):
            log = log_of(o, hot)
            with open(log, 'rb') as f:
                messages = sum(block.count(b'\n') for block in iter(lambda: f.read(1 << 20), b''))
            for workers in o.workers.split(','):
                print(f'\n{name}, {float(hot):.0%} of the orders in one company, {workers} worker{"s" * (workers > "1")},'
                      f' {messages / 1e6:.2f} M messages; load {os.getloadavg()[0]:.1f}')
                print(f'{"":16}{"M messages/s":>13}{"M/CPU-s":>9}{"changes":>10}')
                for variant, settings in VARIANTS:
                    one = run(o, log, sink, settings, workers)
                    if one.code:
                        bad = True
                        print(f'{variant:16}{one.why()}', flush=True)
                    else:
                        print(f'{variant:16}{messages / one.wall / 1e6:13.2f}{messages / one.cpu / 1e6:9.2f}'
                              f'{one.stats["rows_out"]:10}', flush=True)
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main())
