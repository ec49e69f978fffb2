"""tables.py - small random tables: NULLs, duplicates, disorder; insert-only, or changing.

Each is a file in a data folder and a CREATE TABLE over it, and the same rows for SQLite. All stamps lie
half a second apart at least, so that a watermark follows each row that raises it (see "Time" in
test/sql/flink/README.md) and no answer depends on the clock.
"""

import datetime
import json

# Doubles are quarters, so that sums of them do not depend on the order of their terms.
INTS = [0, 1, 2, 3, 4, 5, -1, -2, 7, 100]
POOL = {
    'INT': INTS,
    'BIGINT': INTS[:8] + [5000000000, -5000000000],
    'DOUBLE': [0.0, 0.25, 0.5, 1.0, 1.5, -0.75, 2.0, 3.25],
    'DECIMAL(10, 2)': ['0.00', '0.25', '1.50', '-2.05', '10.00', '99.99', '-0.01'],
    'STRING': ['a', 'b', 'ab', 'B', 'abc', '', 'x y', 'é'],
    'BOOLEAN': [False, True],
    'DATE': ['2024-01-01', '2024-01-02', '2024-01-31', '2024-02-29', '2023-12-31'],
    'TIMESTAMP(3)': ['2024-01-01 00:00:01.000', '2024-01-01 00:00:02.500', '2023-12-31 23:59:59.500',
                     '2024-02-29 12:30:00.000'],
}
EPOCH = datetime.datetime(2024, 1, 1)


class Column:
    """A column as a query sees it. [ref] is how to name it there."""

    def __init__(self, name, type, ref=None, unique=False, rowtime=False):
        self.name, self.type, self.ref = name, type, ref or name
        self.unique, self.rowtime = unique, rowtime

    def of(self, alias):
        return Column(self.name, self.type, f'{alias}.{self.name}', self.unique, self.rowtime)


class Table:
    """One table: its columns, its file, its rows at the end (for SQLite), and what may be said of it.

    changing: CDC with a primary key; punctual: no row is ever late; ties: stamps repeat.
    """

    def __init__(self, name, columns, lines, rows, options, changing=False, punctual=True, ties=False,
                 watermark=None):
        self.name, self.columns, self.lines, self.rows = name, columns, lines, rows
        self.options, self.changing = options, changing
        self.punctual, self.ties, self.watermark = punctual, ties, watermark

    def ddl(self, prefix):
        parts = [f'{c.name} {c.type}' for c in self.columns]
        if not self.changing:
            parts.append('pt AS PROCTIME()')
        if self.watermark is not None:
            late = f" - INTERVAL '{self.watermark}' SECOND" if self.watermark else ''
            parts.append(f'WATERMARK FOR ts AS ts{late}')
        if self.changing:
            parts.append('PRIMARY KEY (id) NOT ENFORCED')
        return (f"CREATE TABLE {self.name} ({', '.join(parts)})\n"
                f"WITH ('connector' = 'filesystem', 'path' = '${{DATA}}/{prefix}{self.name}.json', "
                f"'format' = '{self.options}')")

    def lite(self):
        """The table in SQLite: its DDL, and its rows."""
        kinds = {'INT': 'INTEGER', 'BIGINT': 'INTEGER', 'BOOLEAN': 'INTEGER', 'DOUBLE': 'REAL'}
        columns = ', '.join(f"{c.name} {kinds.get(c.type, 'TEXT')}" for c in self.columns)
        return f'CREATE TABLE {self.name} ({columns})', self.rows


def stamp(half_seconds):
    moment = EPOCH + datetime.timedelta(milliseconds=500 * half_seconds)
    return moment.strftime('%Y-%m-%d %H:%M:%S.') + f'{moment.microsecond // 1000:03d}'


def _columns(c, unique):
    """An id, two columns of few values to join and group by, and some more."""
    out = [Column('id', c.pick(['INT', 'BIGINT']), unique=unique)]
    out.append(Column('k', c.weighted((4, 'INT'), (1, 'BIGINT'))))
    out.append(Column('s', 'STRING'))
    for i in range(c.below(4)):
        out.append(Column(f'v{i}', c.pick(list(POOL))))
    return out


def _value(c, column, narrow):
    if c.chance(6):
        return None
    pool = POOL[column.type]
    return c.pick(pool[:4] if narrow else pool)


def _row(c, columns, number):
    return [number if at == 0 else _value(c, column, at < 3) for at, column in enumerate(columns)]


def _json(columns, row):
    # json.dumps would write a decimal as text; the number is what a producer sends.
    parts = []
    for column, value in zip(columns, row):
        text = value if column.type.startswith('DECIMAL') and value is not None else json.dumps(
            value, ensure_ascii=False)
        parts.append(f'"{column.name}":{text}')
    return '{' + ','.join(parts) + '}'


def append_table(c, name, timed):
    columns = _columns(c, unique=True)
    ties = timed and c.chance(4)
    delay = c.pick([0, 1, 3]) if timed else None
    if timed:
        columns.append(Column('ts', 'TIMESTAMP(3)', rowtime=True))
    rows, at, seen, greatest, punctual = [], 1, set(), -1, True
    while len(rows) < 16 and c.below(14):  # 0, the simplest, is no more rows
        row = _row(c, columns[:-1] if timed else columns, len(rows) + 1)
        if timed:
            at += c.below(6)
            when = max(1, at - (c.below(8) if c.chance(3) else 0))
            while not ties and when in seen:
                when += 1
            seen.add(when)
            punctual = punctual and when > greatest - 2 * delay
            greatest = max(greatest, when)
            row.append(stamp(when))
        rows.append(row)
    return Table(name, columns, [_json(columns, r) for r in rows], rows, 'json', punctual=punctual,
                 ties=ties, watermark=delay)


def changing_table(c, name):
    """Creates, updates and deletions of rows by key, as Debezium writes them."""
    columns = _columns(c, unique=True) + [Column('ts', 'TIMESTAMP(3)', rowtime=True)]
    now, lines, at, number = {}, [], 1, 0
    while number < 18 and c.below(16):
        at += 1 + c.below(4)
        what = c.weighted((3, 'c'), (3, 'u'), (2, 'd'))
        number += 1
        if what == 'c' or not now:
            row = _row(c, columns[:-1], number) + [stamp(at)]
            before, after, what = None, row, 'c'
        else:
            key = c.pick(sorted(now))
            before = now[key]
            after = None if what == 'd' else _row(c, columns[:-1], key) + [stamp(at)]
        if after is None:
            del now[before[0]]
        else:
            now[after[0]] = after
        sides = [('before', before), ('after', after)]
        text = ','.join(f'"{side}":{_json(columns, row) if row else "null"}' for side, row in sides)
        lines.append(f'{{{text},"op":"{what}"}}')
    # The old row of a change carries its old stamp, so it is late unless the watermark waits for all.
    delay = c.pick([60, 0])
    return Table(name, columns, lines, [now[key] for key in sorted(now)], 'debezium-json',
                 changing=True, watermark=delay, punctual=delay > 0)


def nested_table(c, name):
    """ROWs, ARRAYs and a MAP, NULL now and then as a whole; of ROWs the fields, too."""
    columns = [Column('id', 'BIGINT', unique=True), Column('k', 'INT'), Column('s', 'STRING'),
               Column('r', 'ROW<a INT, b STRING, n ROW<x DOUBLE, y BIGINT>>'), Column('xs', 'ARRAY<INT>'),
               Column('m', 'MAP<STRING, INT>'), Column('rs', 'ARRAY<ROW<p INT, q STRING>>')]

    def maybe(make):
        return None if c.chance(5) else make()

    def number():
        return maybe(lambda: c.pick([1, 2, 3, 0, -1]))

    def text():
        return maybe(lambda: c.pick(['a', 'b', '', 'é']))

    lines, rows = [], []
    while len(rows) < 12 and c.below(12):
        inner = maybe(lambda: {'x': maybe(lambda: c.pick([0.5, 1.0, 2.25])), 'y': number()})
        row = [len(rows) + 1, number(), text(), maybe(lambda: {'a': number(), 'b': text(), 'n': inner}),
               maybe(lambda: [c.pick([1, 2, 3, 0]) for _ in range(c.below(4))]),
               maybe(lambda: {key: c.pick([1, 2, 3]) for key in c.some(['a', 'b', 'c'], 0, 3)}),
               maybe(lambda: [{'p': number(), 'q': text()} for _ in range(c.below(3))])]
        rows.append(row)
        lines.append(json.dumps({x.name: value for x, value in zip(columns, row)}, ensure_ascii=False))
    plain = [[value if not isinstance(value, (dict, list)) else str(value) for value in row] for row in rows]
    return Table(name, columns, lines, plain, 'json')


def make_tables(c):
    """The five tables that the queries of one file share."""
    return [append_table(c, 't', False), append_table(c, 'e', True), append_table(c, 'f', True),
            changing_table(c, 'u'), nested_table(c, 'w')]
