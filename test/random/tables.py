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
        if self.name == 'g':
            parts[-1:] = ['ms BIGINT', 'ts AS TO_TIMESTAMP_LTZ(ms, 3)']
        if not self.changing:
            parts.append('pt AS PROCTIME()')
        if self.watermark is not None:
            unit = 'SECOND' if self.watermark < 3600 else 'HOUR'
            late = f" - INTERVAL '{self.watermark // (1 if unit == 'SECOND' else 3600)}' {unit}" if self.watermark else ''
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


def odd_table(c, name):
    """Numbers of odd widths and scales, texts that may be cast, all kinds of times."""
    texts = ['1', ' 2 ', '3.5', '-7', 'abc', '', '1e3', 'true', '2024-01-02', '2024-01-02 03:04:05', '12:34:56', '999999999999', '+5', 'NaN',
             '1.', '.5', 'F', '2024-1-2', '{"a":1}', 'a-b:c', 'http://h.org/p?q=1']
    pools = {'id BIGINT': None, 'k INT': [1, 2, 0, -3], 's STRING': ['a', 'b', 'ab-c', '', 'é'], 'ti TINYINT': [1, 0, 127, -128, 5],
             'si SMALLINT': [1, 2, 32767, -1], 'fl FLOAT': [0.5, 1.0, -2.25, 100.0], 'd1 DECIMAL(5, 3)': ['1.250', '0.001', '-99.999', '2.000', '0.500'],
             'd2 DECIMAL(38, 18)': ['1.000000000000000001', '12345678901234567890.123456789012345678', '-0.5', '3'],
             'd3 DECIMAL(20, 0)': ['1', '99999999999999999999', '-12', '0'], 'd4 DECIMAL(3, 3)': ['0.125', '-0.999', '0.001', '0.500'],
             'd5 DECIMAL(18, 6)': ['1.250000', '123456789012.123456', '-0.000001', '7'], 'txt STRING': texts, 'ch CHAR(3)': ['abc', 'a  ', '12 '],
             'vc VARCHAR(4)': ['ab', '1234', '', 'a'], 'tm TIME': ['12:34:56', '00:00:00', '23:59:59'],
             'l TIMESTAMP_LTZ(3)': ['2024-03-10 07:30:00.123Z', '2024-03-31 01:30:00Z', '1969-07-20 20:17:40Z', '2024-02-29 23:59:59.999Z'],
             't6 TIMESTAMP(6)': ['2024-02-29 12:30:45.123456', '1969-12-31 23:59:59.999999', '2024-12-31 00:00:00'],
             't3 TIMESTAMP(3)': ['2024-01-31 10:00:00.5', '2023-02-28 23:59:59', '2024-01-01 00:00:00'],
             'da DATE': ['2024-02-29', '2024-01-01', '1960-05-06', '2024-12-30'], 'bo BOOLEAN': [True, False], 'bs BYTES': ['YWI=', '', '/w==']}
    columns = [Column(*text.split(' ', 1), unique=text.startswith('id')) for text in pools]
    lines, rows = [], []
    while len(rows) < 10 and c.below(10):
        row = [len(rows) + 1] + [None if c.chance(7) else c.pick(pool) for pool in list(pools.values())[1:]]
        rows.append(row)
        lines.append(_json(columns, row))
    return Table(name, columns, lines, rows, 'json')


def zoned_table(c, name):
    """Rows half hours to half days apart, by a time attribute of the session's zone; a change to summer time among them."""
    columns = [Column('id', 'BIGINT', unique=True), Column('k', 'INT'), Column('s', 'STRING'), Column('ts', 'TIMESTAMP_LTZ(3)', rowtime=True)]
    delay = c.pick([0, 3600 * 8])
    at, greatest, lines, punctual = c.pick([1704067200, 1711800000, 1710000000]), 0, [], True
    rows = []
    while len(rows) < 14 and c.below(12):
        at += 1800 * (1 + c.below(20))
        when = at - (1800 * c.below(12) if c.chance(3) else 0) + len(rows)
        punctual = punctual and when > greatest - delay
        greatest = max(greatest, when)
        row = [len(rows) + 1, None if c.chance(6) else c.pick([1, 2, 3]), None if c.chance(6) else c.pick(['a', 'b', ''])]
        rows.append(row + [str(when)])
        lines.append(json.dumps(dict(zip(['id', 'k', 's', 'ms'], row + [when * 1000])), ensure_ascii=False))
    return Table(name, columns, lines, rows, 'json', punctual=punctual, watermark=delay)


def make_tables(c):
    """The five tables that the queries of one file share."""
    return [append_table(c, 't', False), append_table(c, 'e', True), append_table(c, 'f', True),
            changing_table(c, 'u'), nested_table(c, 'w')]


def make_wide_tables(c):
    """The same and two more, and the time zone of the session."""
    tables = make_tables(c) + [odd_table(c, 'd'), zoned_table(c, 'g')]
    return tables, c.pick(['UTC', 'UTC', 'Asia/Shanghai', 'America/New_York', 'Europe/Berlin', 'Asia/Kolkata'])
