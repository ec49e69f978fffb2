#!/usr/bin/env python3
"""Makes up a log of logistics orders, one JSON message a line.

    generate.py [--orders 10000] [--companies 20] [--hot 0.05] [--seed 1] >orders.json

Each order is announced with its company (now and then without), moves to another one up to twice,
is talked about without news, and in one case of ten is cancelled. Messages of many orders are mixed, those of
one order stay in order. --hot is the share of the orders that the company tms1 has: 0.8 makes it hot.
"""
import argparse, datetime, random, sys


def stamp(second):
    return (datetime.datetime(2024, 5, 1) + datetime.timedelta(seconds=second)).strftime('%Y-%m-%d %H:%M:%S')


def messages(o, rng):
    """(time, order, created, cancelled, company) of all orders, by time."""
    out = []
    for order in range(o.orders):
        def company():
            return 'tms1' if rng.random() < o.hot else 'tms%d' % rng.randint(2, o.companies)
        at = order * 0.1
        out.append((at, order, stamp(order // 10), None, company() if rng.random() < 0.95 else None))
        for _ in range(rng.choice((0, 0, 1, 1, 2))):
            at += rng.expovariate(1 / 600)
            out.append((at, order, None, None, company() if rng.random() < 0.8 else None))
        if rng.random() < 0.1:
            at += rng.expovariate(1 / 600)
            out.append((at, order, None, stamp(int(at)), None))
    out.sort(key=lambda m: m[:2])
    return out


def main():
    a = argparse.ArgumentParser(usage=__doc__)
    a.add_argument('--orders', type=int, default=10000)
    a.add_argument('--companies', type=int, default=20)
    a.add_argument('--hot', type=float, default=0.05)
    a.add_argument('--seed', type=int, default=1)
    o = a.parse_args()

    def text(value):
        return 'null' if value is None else '"%s"' % value
    for _, order, created, cancelled, company in messages(o, random.Random(o.seed)):
        sys.stdout.write('{"order_id":"A%07d","created":%s,"cancelled":%s,"company":%s}\n'
                         % (order, text(created), text(cancelled), text(company)))


if __name__ == '__main__':
    main()
