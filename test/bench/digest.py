#!/usr/bin/env python3
"""Rows and digest of a query's result.

    digest.py [--key N] PATH...     files or directories; names that begin with . or _ are left out

Lines that begin with {"before": or {"after": are debezium-json changes ('d' takes the row back, 'c'
adds it, 'u' does both); all others are CSV rows to add. Prints: rows, then SHA-256 (first 16 hex
digits) over the sorted rows. With --key N an added row replaces the one before it with the same first
N columns (an upsert result). Values are compared as text, timestamps without trailing zeros of the
fraction, so that CSV and JSON agree.
"""
import collections, csv, hashlib, json, os, re, sys

STAMP = re.compile(r'^(\d{4}-\d\d-\d\d \d\d:\d\d):?(\d\d)?(?:\.(\d+))?$')


def value(v):
    if v is None:
        return ''
    s = str(v)
    m = STAMP.match(s.replace('T', ' ').rstrip('Z'))
    if m:
        f = (m.group(3) or '').rstrip('0')
        return m.group(1) + ':' + (m.group(2) or '00') + ('.' + f if f else '')
    return s


def files(paths):
    for p in paths:
        if os.path.isdir(p):
            for d, subs, names in os.walk(p):
                for n in sorted(names):
                    if n[0] not in '._':
                        yield os.path.join(d, n)
        else:
            yield p


def main():
    args, key, last = sys.argv[1:], 0, {}
    if args[0] == '--key':
        key, args = int(args[1]), args[2:]
    rows = collections.Counter()

    def add(r):
        if key:
            if r[:key] in last:
                rows[last[r[:key]]] -= 1
            last[r[:key]] = r
        rows[r] += 1

    for p in files(args):
        with open(p, newline='') as f:
            for line in f:
                if line.startswith(('{"before":', '{"after":')):
                    o = json.loads(line, parse_float=str, parse_int=str)
                    if o.get('before') is not None and o['op'] in 'ud':
                        rows[tuple(map(value, o['before'].values()))] -= 1
                    if o.get('after') is not None and o['op'] in 'cu':
                        add(tuple(map(value, o['after'].values())))
                elif line.strip():
                    add(tuple(map(value, next(csv.reader([line])))))
    h, n = hashlib.sha256(), 0
    for r in sorted(rows):
        if rows[r] < 0:
            sys.exit(f'digest: {rows[r]} times {r}')
        for _ in range(rows[r]):
            h.update(('\x1f'.join(r) + '\n').encode())
            n += 1
    print(n, h.hexdigest()[:16])


main()
