"""wide.py - what the first queries never asked: values of odd types, views, sinks that are read again, time zones,
days as windows, versions by a view, Top-N with offsets, sets of sets. A part of Queries, with --wide only, so that
old seeds keep their meaning.

The table d has numbers of odd widths and scales, texts that may be cast, and times of all kinds; g has a time
attribute of a time zone, whose rows lie hours apart.
"""

from expressions import NUMBERS, Sql, alike, both, column, each, joined
from relation import Rel
from tables import Column

EXACT = ['ti', 'si', 'k', 'id', 'd1', 'd2', 'd3', 'd4', 'd5']
TYPES = ['TINYINT', 'SMALLINT', 'INT', 'BIGINT', 'FLOAT', 'DOUBLE', 'DECIMAL(5, 3)', 'DECIMAL(38, 18)', 'DECIMAL(20, 0)',
         'DECIMAL(3, 3)', 'DECIMAL(4, 1)', 'DECIMAL(38, 0)', 'DECIMAL(1, 0)', 'DECIMAL(30, 20)']
TEXTS = ['STRING', 'VARCHAR(3)', 'CHAR(5)', 'CHAR(1)', 'VARCHAR(20)']
TIMES = ['DATE', 'TIME', 'TIMESTAMP(3)', 'TIMESTAMP(0)', 'TIMESTAMP(6)', 'TIMESTAMP_LTZ(3)', 'TIMESTAMP_LTZ(0)']
# {n} a number, {i} a whole one, {s} a text, {t} a timestamp, {d} a date, {l} of the zone, {m} a time of day, {b} a boolean.
SCALARS = [
    'CHAR_LENGTH({s})', "LPAD({s}, {i}, 'xy')", "RPAD({s}, {i}, 'xy')", 'SUBSTRING({s}, {i})', 'SUBSTRING({s}, {i}, {i})',
    'LEFT({s}, {i})', 'RIGHT({s}, {i})', 'REPEAT({s}, MOD({i}, 4))', 'LOCATE({s}, {s})', 'POSITION({s} IN {s})', 'INSTR({s}, {s})',
    "TRIM(LEADING 'a' FROM {s})", 'TRIM(BOTH {s} FROM {s})', 'REPLACE({s}, {s}, {s})', "REGEXP_EXTRACT({s}, '([0-9]+)', 1)",
    "REGEXP({s}, '^[a-z]')", "SPLIT_INDEX({s}, '-', {i})", 'ASCII({s})', 'CHR({i})', 'CONCAT({s}, {s}, {s})', 'CONCAT_WS({s}, {s}, {s})',
    'OVERLAY({s} PLACING {s} FROM {i} FOR {i})', 'INITCAP({s})', 'UPPER({s})', 'REVERSE({s})', "PARSE_URL({s}, 'HOST')",
    'STARTSWITH({s}, {s})', 'ENDSWITH({s}, {s})', 'ELT({i}, {s}, {s})', "STR_TO_MAP({s}, '-', ':')", "JSON_EXISTS({s}, '$.a')",
    '{s} IS JSON', "JSON_VALUE({s}, 'lax $' DEFAULT 'x' ON EMPTY)", 'JSON_STRING({s})', 'ENCODE({s}, {q})', 'TO_BASE64({s})',
    'FROM_BASE64({s})', 'SHA1({s})', 'CRC32({s})', 'BTRIM({s})', 'SUBSTR({s}, {i})', 'TRANSLATE({s}, {s}, {s})', '{s} LIKE {s}',
    "{s} SIMILAR TO '[a-c]+'", '{s} < {n}', '{s} BETWEEN {n} AND {n}', '{s} || {s}', '{s} = {s}', '{s} > {s}', 'PRINTF({s}, {i})',
    'ABS({n})', 'FLOOR({n})', 'CEIL({n})', 'ROUND({n})', 'ROUND({n}, {j})', 'TRUNCATE({n}, {j})', 'SIGN({i})', 'MOD({i}, {i} * 2 + 1)',
    'POWER({n}, 2)', 'SQRT(ABS({n}))', 'BIN({i})', 'HEX({i})', 'CONV({i}, 10, 16)', 'GREATEST({i}, {i})', 'LEAST({i}, {i})', '-({n})',
    'IF({b}, {n}, {n})', 'COALESCE({n}, {n}, {n})', 'NULLIF({n}, {n})', 'CASE WHEN {b} THEN {n} ELSE {n} END', 'IFNULL({n}, {n})',
    'CASE {i} WHEN {i} THEN {s} WHEN {i} THEN {s} END', '{n} BETWEEN {n} AND {n}', '{n} IN ({n}, 1, 2.5)', '{n} NOT IN ({i}, {i})',
    '{n} = {n}', '{n} < {n}', '{n} <> {n}', '{n} IS DISTINCT FROM {n}', '({n} + {n}) * {n}', '{n} / NULLIF({n}, 0)', '{n} - {n}',
    '{n} * {n}', '{n} + {n}', '{n} / 7', 'CAST({n} AS {N})', 'CAST({n} AS {S})', 'TRY_CAST({s} AS {N})', 'TRY_CAST({s} AS {T})',
    'TRY_CAST({s} AS {N}) + {n}', 'CAST({t} AS {S})', 'CAST({l} AS {S})', 'CAST({d} AS {S})', 'CAST({m} AS {S})', 'CAST({b} AS {S})',
    'TRY_CAST({s} AS BOOLEAN)', 'CAST({t} AS {T})', 'CAST({l} AS {T})', 'CAST({d} AS TIMESTAMP(3))', 'CAST({m} AS {S})',
    'CAST({b} AS {N})', 'CAST({n} AS BOOLEAN)', 'CAST({s} AS BYTES)', 'CAST({s} AS VARBINARY(2))',
    "DATE_FORMAT({t}, 'yyyy/MM/dd HH:mm')", "DATE_FORMAT({l}, 'EEE dd')", 'YEAR({d})', 'QUARTER({t})', 'MONTH({d})', 'WEEK({d})',
    'DAYOFYEAR({d})', 'DAYOFMONTH({t})', 'DAYOFWEEK({d})', 'HOUR({t})', 'MINUTE({m})', 'SECOND({t})', 'EXTRACT(EPOCH FROM {t})',
    'EXTRACT(DOW FROM {d})', 'EXTRACT(MILLISECOND FROM {t})', 'EXTRACT(HOUR FROM {m})', 'EXTRACT(CENTURY FROM {d})', 'FLOOR({t} TO {U})',
    'CEIL({t} TO {U})', 'FLOOR({d} TO MONTH)', 'FLOOR({m} TO HOUR)', 'TIMESTAMPADD({U}, {i}, {t})', 'TIMESTAMPDIFF({U}, {t}, {t})',
    'TIMESTAMPADD(DAY, {i}, {d})', 'TIMESTAMPDIFF({U}, {d}, {t})', "{t} + INTERVAL '1 02:03' DAY TO MINUTE", "{d} - INTERVAL '5' DAY",
    "{m} + INTERVAL '90' MINUTE", "{l} + INTERVAL '1' MONTH", '{t} < {t}', '{d} = {d}', '{t} > {d}', '{l} > {t}', '{m} <= {m}',
    "TO_DATE({s}, 'yyyy-MM-dd')", 'TO_DATE({s})', 'TO_TIMESTAMP({s})', "UNIX_TIMESTAMP({s}, 'yyyy-MM-dd')", 'TO_TIMESTAMP_LTZ({i}, 0)',
    'FROM_UNIXTIME({i})', "CONVERT_TZ({s}, 'UTC', 'Asia/Tokyo')", 'ARRAY[{n}, {n}]', 'ARRAY[{s}, {s}][k]', 'MAP[{s}, {n}]',
    'ARRAY_CONTAINS(ARRAY[{i}, 1], {i})', 'ARRAY_SLICE(ARRAY[{i}, 2, 3], 1, {i})', 'ROW({n}, {s}, {t})', 'ARRAY_JOIN(ARRAY[{s}, {s}], {s})',
    'ARRAY_SORT(ARRAY[{n}, {n}])', 'ARRAY_UNION(ARRAY[{i}], ARRAY[{i}])', 'MAP_KEYS(MAP[{s}, {i}])', 'ARRAY_REMOVE(ARRAY[{i}, {i}], {i})',
    'JSON_OBJECT({s} VALUE {n})', 'JSON_ARRAY({n}, {s})', '({d}, {d}) OVERLAPS ({d}, {d})', 'CARDINALITY(MAP[{s}, {n}])', 'TYPEOF({n} * {n})',
]
AGGREGATES = [('SUM({n})', 0), ('AVG({n})', 0), ('MIN({n})', 0), ('MAX({n})', 0), ('SUM(DISTINCT {n})', 0), ('AVG(DISTINCT {n})', 0),
              ('COUNT(DISTINCT {n})', 0), ('SUM({n} * {n})', 0), ('SUM({n}) / COUNT({n})', 0), ('MIN({s})', 0), ('MAX({t})', 0),
              ('MIN({d})', 0), ('MAX({l})', 0), ('MAX({m})', 0), ('COUNT(DISTINCT {s})', 0), ('SUM({n}) FILTER (WHERE {b})', 0),
              ('COUNT(DISTINCT {s}) FILTER (WHERE {b})', 0), ('COUNT(*) FILTER (WHERE {b})', 0), ("LISTAGG({s}, '|')", 1),
              ('LISTAGG(DISTINCT {s})', 1), ("LISTAGG({s}, '') FILTER (WHERE {b})", 1), ('ARRAY_AGG({n})', 1), ('ARRAY_AGG(DISTINCT {s})', 1),
              ('COLLECT({s})', 0), ('COLLECT(DISTINCT {i})', 0), ('FIRST_VALUE({n})', 1), ('LAST_VALUE({s})', 1),
              ('FIRST_VALUE({s}) FILTER (WHERE {b})', 1), ('JSON_OBJECTAGG(KEY CAST({i} AS STRING) VALUE {s})', 1),
              ('JSON_ARRAYAGG({s})', 1), ('MIN({b})', 0), ('COUNT({b})', 0), ('SINGLE_VALUE({n})', 1),
              ('PERCENTILE({n}, 0.5)', 0)]


class Wide:
    def wider(self, depth):
        c = self.c
        if self.standard:
            return c.weighted((2, self.three_sets), (2, self.page), (1, self.twice))(depth)
        return c.weighted((5, self.scalars), (4, self.odd_groups), (2, self.three_sets), (2, self.page), (2, self.twice),
                          (3, self.view), (2, self.zone_windows), (2, self.versions), (2, self.interval_chain),
                          (2, self.over_changes), (2, self.window_chain), (2, self.stored), (1, self.odd_join),
                          (2, self.long_match), (1, self.expanded))(depth)

    # ---- values of odd types

    def odd(self, text, alias):
        """[text] with its places filled by columns of d, and now and then by constants."""
        c = self.c
        names = {'n': ['d1', 'd2', 'd3', 'd4', 'd5', 'ti', 'si', 'fl', 'k', 'id'], 'i': ['k', 'ti', 'si', 'id'], 's': ['txt', 's', 'vc', 'ch'],
                 't': ['t6', 't3'], 'd': ['da'], 'l': ['l'], 'm': ['tm'], 'b': ['bo']}
        constants = {'n': ['2', '0.5', '-3', '1.25', '1e0', '100.001', 'CAST(NULL AS INT)', 'CAST(NULL AS DECIMAL(7, 2))'],
                     'i': ['1', '2', '3', '0', '-1', 'CAST(NULL AS INT)'], 's': ["'a'", "'b-c'", "''", "'12'", 'CAST(NULL AS STRING)', "'ab'"],
                     't': ["TIMESTAMP '2024-02-29 23:59:59.123'", "TIMESTAMP '1969-12-31 12:00:00'"], 'd': ["DATE '2024-02-29'", "DATE '1960-05-06'"],
                     'l': ['TO_TIMESTAMP_LTZ(1700000000123, 3)'], 'm': ["TIME '23:30:00'"], 'b': ['(k > 1)', '(d1 IS NULL)', 'TRUE', "(s = 'a')"]}
        lists = {'N': TYPES, 'S': TEXTS, 'T': TIMES, 'U': ['SECOND', 'MINUTE', 'HOUR', 'DAY', 'WEEK', 'MONTH', 'QUARTER', 'YEAR'],
                 'j': ['1', '2', '0', '-1', '4'], 'q': ["'UTF-8'", "'UTF-16LE'", "'US-ASCII'"]}
        out, at = [], 0
        while at < len(text):
            key = text[at + 1] if text[at] == '{' else None
            if key is None:
                out.append(text[at])
                at += 1
                continue
            at += 3
            if key in lists:
                out.append(c.pick(lists[key]))
            elif c.chance(5):
                out.append(c.pick(constants[key]))
            else:
                out.append(c.pick(names[key]) if key != 'b' or c.mostly(3) else c.pick(constants['b'][:2]))
        return ''.join(out)

    def scalars(self, depth):
        """Functions of columns of odd types; as text where others read them."""
        c = self.c
        top = depth == self.depth
        made, out = [Sql('id')], [Column('id', 'BIGINT', unique=True)]
        for i in range(1 + c.below(4)):
            text = self.odd(c.pick(SCALARS), 'd')
            if c.chance(3) and '{' not in text:
                text = f'CASE WHEN {self.odd("{b}", "d")} THEN {text} END'
            made.append(Sql(f'{text} AS c{i}' if top else f'CAST({text} AS STRING) AS c{i}'))
            out.append(Column(f'c{i}', 'STRING'))
        query = each('SELECT {0} FROM d', None, joined(made))
        if c.chance(3):
            test = self.odd(c.pick([x for x in SCALARS if any(sign in x for sign in (' = ', ' < ', ' > ', ' IN (', 'BETWEEN', ' LIKE '))]), 'd')
            query = each('{0} WHERE {1}', None, query, Sql(test))
        return Rel(query, out)

    def odd_groups(self, depth):
        c = self.c
        top = depth == self.depth
        keys = c.some(['k', 's', 'ti', 'd1', 'd4', 'bo', 'da', 'ch', 'tm', 'fl', 'd2', 'l', 'vc'], 0, 2)
        made, out, single = [], [], False
        for i in range(1 + c.below(3)):
            form, follows = c.pick(AGGREGATES)
            text = self.odd(form, 'd')
            single = single or follows == 1
            made.append(Sql(f'{text} AS a{i}' if top else f'CAST({text} AS STRING) AS a{i}'))
            out.append(Column(f'a{i}', 'STRING'))
            self.flawed = self.flawed or (not top and 'COLLECT' in text)  # entries in any order, as text
        kept = [Sql(f'{x} AS k{i}') for i, x in enumerate(keys)]
        query = each('SELECT {0} FROM d', None, joined(kept + made))
        if c.chance(4):
            query = each('{0} WHERE {1}', None, query, Sql(self.odd('{b}', 'd')))
        if keys:
            query = each(f'{{0}} GROUP BY {", ".join(keys)}', None, query)
        else:
            self.empties = True
        types = {'k': 'INT', 's': 'STRING', 'da': 'DATE', 'bo': 'BOOLEAN'}
        return Rel(query, [Column(f'k{i}', types.get(x, 'ARRAY')) for i, x in enumerate(keys)] + out, False, not any('COLLECT' in x.flink for x in made), single)

    def odd_join(self, depth):
        """Joins by keys of odd and of different types."""
        c = self.c
        rel = self.relation(depth - 1)
        a, b = self.alias(), self.alias()
        columns = [x.of(a) for x in rel.columns]
        wanted = {'INT': ['ti', 'si', 'd1', 'd3', 'fl', 'k'], 'BIGINT': ['id', 'd3', 'd2', 'ti'], 'DOUBLE': ['fl', 'd1', 'd5'],
                  'STRING': ['txt', 'ch', 'vc', 's'], 'DATE': ['da', 't3'], 'BOOLEAN': ['bo'], 'DECIMAL(10, 2)': ['d1', 'd5', 'ti']}
        pairs = [(x, y) for x in columns for y in wanted.get(x.type, [])]
        if not pairs:
            return rel
        x, y = c.pick(pairs)
        kind = c.pick(['JOIN', 'LEFT JOIN', 'FULL JOIN'])
        items, out = self.chosen(columns, 1, 2, 'e')
        query = each(f'SELECT {{0}}, {b}.id AS c0, {b}.{y} AS c1 FROM {{1}} AS {a} {kind} d AS {b} ON {{2}} = {b}.{y}', None,
                     joined(items), rel.source(), column(x))
        return Rel(query, out + [Column('c0', 'BIGINT'), Column('c1', 'ARRAY')], kind == 'JOIN' and rel.append, False, rel.single)

    # ---- sets, pages, names

    def three_sets(self, depth):
        """Three sides, of types that differ a little."""
        c = self.c
        rels = [self.relation(depth - 1), self.relation(depth - 2), self.table()]
        sides, type = [], c.pick(['INT', 'STRING', 'BIGINT', 'DOUBLE'])
        kin = {'INT': ['INT', 'BIGINT'], 'BIGINT': ['BIGINT', 'INT', 'DOUBLE'], 'DOUBLE': ['DOUBLE', 'INT'], 'STRING': ['STRING']}
        for rel in rels:
            a = self.alias()
            columns = [x.of(a) for x in rel.columns if x.type != 'TIMESTAMP(3)']
            maker = self.expressions(columns)
            mine = c.pick(kin[type]) if not self.standard else type
            same = alike(columns, mine)
            first = column(c.pick(same)) if same else maker.make(mine, 1)
            second = maker.make('STRING', 1)
            sides.append(both(f'SELECT {{0}} AS c0, {{1}} AS c1 FROM {{2}} AS {a}', first, second, rel.source()))
        words = [c.pick(['UNION ALL', 'UNION', 'EXCEPT', 'INTERSECT']) for _ in range(2)]
        query = both(f'SELECT c0, c1 FROM (SELECT * FROM ({{0}} {words[0]} {{1}}) AS {self.alias()} {words[1]} {{2}}) AS {self.alias()}', *sides)
        append = words == ['UNION ALL'] * 2 and all(rel.append for rel in rels)
        return Rel(query, [Column('c0', type), Column('c1', 'STRING')], append, False, any(rel.single for rel in rels))

    def page(self, depth):
        """Top-N that begins later, of expressions, of a Top-N."""
        c = self.c
        rel = self.table() if c.chance(2) else self.relation(depth - 1)
        a = self.alias()
        columns = [x.of(a) for x in rel.columns]
        by, total = self.ordering(columns, not rel.exact)
        items, out = self.chosen(columns, 1, 3)
        keys = c.some(columns, 0, 1)
        partition = both('PARTITION BY {0} ', column(keys[0])) if keys else both('')
        kind = c.below(3)
        if kind == 0 and rel.append:
            query = both(f'SELECT {{0}} FROM {{1}} AS {a} ORDER BY {{2}} LIMIT {1 + c.below(4)}', joined(items), rel.source(), by)
            if c.chance(2) and depth == self.depth:
                query = both(f'{{0}} OFFSET {1 + c.below(2)}', query)
                return Rel(query, out, False, False, rel.single or not total)
        else:
            low = 1 + c.below(2) if rel.append and depth == self.depth else 0
            ranks = c.pick([f'rn > {low} AND rn <= {low + 2}', f'rn BETWEEN {low + 1} AND {low + 3}', f'{low} < rn AND rn < {low + 4}'])
            inner = ', '.join(x.ref for x in columns)
            names = ', '.join(f'{x.name} AS c{i}' for i, x in enumerate(rel.columns[:3]))
            out = [Column(f'c{i}', x.type) for i, x in enumerate(rel.columns[:3])]
            rank = ', rn' if c.chance(2) else ''
            query = both(f'SELECT {names}{rank} FROM (SELECT {inner}, ROW_NUMBER() OVER ({{0}}ORDER BY {{1}}) AS rn FROM {{2}} AS {a}) '
                         f'WHERE {ranks}', partition, by, rel.source())
            out = out + ([Column('rn', 'BIGINT')] if rank else [])
        # Columns of odd types order nothing here, so rows may tie.
        tied = not total or any(x.type == 'ARRAY' for x in columns)
        return Rel(query, out, False, rel.exact and depth == self.depth and kind > 0, rel.single or tied)

    def twice(self, depth):
        """Names for queries, one on the other, read more than once."""
        c = self.c
        rel = self.relation(depth - 1)
        first, second = self.alias(), self.alias()
        columns = [x for x in rel.columns if x.type in self.simple and x.type != 'BOOLEAN' and x.type != 'TIMESTAMP(3)']
        if not columns:
            return rel
        x, y = c.pick(columns), c.pick(columns)
        # A window's or a group's NULLs meet no row.
        form = c.pick([f'SELECT x, n FROM {second} WHERE n > (SELECT MIN(n) FROM {second})',
                       f'SELECT x, n FROM {second} WHERE x IN (SELECT y FROM {first})',
                       f'SELECT {second}.x, n FROM {second} JOIN {first} ON {second}.x = {first}.x',
                       f'SELECT x, n FROM {second} UNION ALL SELECT x, COUNT(y) FROM {first} GROUP BY x',
                       f'SELECT x, n FROM {second} WHERE EXISTS (SELECT 1 FROM {first} WHERE {first}.y = {second}.x)',
                       f'SELECT l.x, r.n FROM {second} AS l LEFT JOIN {second} AS r ON l.x = r.x AND r.n > 1'])
        query = both(f'WITH {first} AS (SELECT {x.name} AS x, {y.name} AS y FROM {{0}}), {second} AS (SELECT x, COUNT(*) AS n FROM {first} '
                     f'GROUP BY x) {form}', rel.source())
        if not (x.type == y.type) or 'MIN(n)' in form:
            query = query.without_lite()
        self.empties = True
        return Rel(query, [Column('x', x.type), Column('n', 'BIGINT')], False, False, rel.single)

    def view(self, depth):
        """A view, read as a table: once or twice, or by windows."""
        c = self.c
        timed = c.chance(2)
        rel = self.timed(depth - 1) if timed else self.relation(depth - 1)
        name = f'v_{self.number}_{self.alias()}'
        names = f' ({", ".join(f"w{i}" for i in range(len(rel.columns)))})' if c.chance(3) and not timed else ''
        self.before += [f'DROP {{0}}VIEW IF EXISTS {name}', f'CREATE {{0}}VIEW {name}{names} AS {rel.query.flink}']
        temporary = c.pick(['', 'TEMPORARY '])
        self.before[-2:] = [text.replace('{0}', temporary) for text in self.before[-2:]]
        columns = [Column(f'w{i}' if names else x.name, x.type, None, x.unique, x.rowtime) for i, x in enumerate(rel.columns)]
        seen = Rel(Sql(f'SELECT * FROM {name}'), columns, rel.append, rel.exact, rel.single, name, rel.punctual, rel.ties)
        if not timed:
            a, b = self.alias(), self.alias()
            if c.chance(2):
                return Rel(seen.query, passed_on(columns), rel.append, rel.exact, rel.single)
            lefts = [x.of(a) for x in columns if x.type != 'TIMESTAMP(3)'] or [x.of(a) for x in columns]
            rights = [x.of(b) for x in columns if x.type != 'TIMESTAMP(3)'] or [x.of(b) for x in columns]
            items, out = self.pair(seen, seen, a, b)
            query = each(f'SELECT {{0}} FROM {name} AS {a} {c.pick(["JOIN", "LEFT JOIN"])} {name} AS {b} ON {{1}}', None, items,
                         self.condition(lefts, rights))
            return Rel(query, out, False, False, rel.single)
        source, spec = self.windowed(seen)
        plain = [x for x in columns if not x.rowtime]
        made, out, single = self.aggregates(plain, Rel(None, columns, exact=False), 1 + c.below(2), True)
        keys = c.some(plain, 0, 1)
        items = [Sql('window_end')] + [both(f'{{0}} AS k{i}', column(x)) for i, x in enumerate(keys)] + made
        by = ', '.join(['window_start', 'window_end'] + [x.name for x in keys])
        query = each(f'SELECT {{0}} FROM TABLE({{1}}) GROUP BY {by}', None, joined(items), source)
        return Rel(query, [Column('window_end', 'TIMESTAMP(3)')] + [Column(f'k{i}', x.type) for i, x in enumerate(keys)] + out, True, False,
                   single or not rel.punctual)

    def stored(self, depth):
        """Rows through a sink and its format, read again; at the top only."""
        c = self.c
        format = c.pick(['json', 'csv', 'json', 'csv', 'raw'])
        if c.chance(2):
            kept = c.some(['d1', 'd2', 'd4', 'fl', 'ti', 'ch', 'vc', 'tm', 'l', 't6', 't3', 'da', 'bo', 'txt', 's', 'bs'], 1, 4)
            # Into columns of other widths, now and then.
            width = {'d1': 'DECIMAL(4, 1)', 'd2': 'DECIMAL(20, 5)', 'd4': 'DECIMAL(5, 4)', 'fl': 'DOUBLE', 'ti': 'INT', 'ch': 'CHAR(2)',
                     'vc': 'VARCHAR(2)', 't6': 'TIMESTAMP(3)', 't3': 'TIMESTAMP(6)', 's': 'CHAR(2)', 'txt': 'VARCHAR(3)', 'da': 'TIMESTAMP(3)'}
            types = {x.name: x.type for x in self.tables['d'].columns}
            columns = [Column(f'c{i}', width.get(x, types[x]) if c.chance(3) else types[x]) for i, x in enumerate(kept)]
            query = Sql(f'SELECT {", ".join(["id"] + kept)} FROM d')
            columns = [Column('id', 'BIGINT')] + columns
        else:
            rel = self.relation(depth - 1)
            if depth < self.depth or not rel.append or any(x.type == 'ARRAY' for x in rel.columns):
                return rel
            columns = [Column(f'x{i}', x.type) for i, x in enumerate(rel.columns)]
            query = rel.query
            if rel.single:
                return rel
        if depth < self.depth:
            return self.table()
        name = f's_{self.number}_{self.alias()}'
        null = ", 'csv.null-literal' = 'n/a'" if format == 'csv' and c.mostly(4) else ''
        if format == 'raw':
            columns, query = [Column('x', 'STRING')], Sql('SELECT s FROM d WHERE s IS NOT NULL')
        self.before += [f'DROP TABLE IF EXISTS {name}',
                        f'CREATE TABLE {name} ({", ".join(f"{x.name} {x.type}" for x in columns)})\n'
                        f"WITH ('connector' = 'filesystem', 'path' = '${{TMP}}/{name}', 'format' = '{format}'{null})",
                        f'INSERT INTO {name} {query.flink}']
        return Rel(Sql(f'SELECT * FROM {name}'), columns, True, False)

    # ---- time

    def zone_windows(self, depth):
        """Windows of hours and days by a time attribute of the session's zone."""
        c = self.c
        base = self.table('g', True)
        size = c.pick(["'1' HOUR", "'6' HOUR", "'1' DAY", "'12' HOUR", "'2' DAY"])
        kind = c.pick(['TUMBLE', 'HOP', 'CUMULATE', 'SESSION'])
        step = {'TUMBLE': '', 'SESSION': '', 'HOP': "INTERVAL '30' MINUTE, ", 'CUMULATE': "INTERVAL '20' MINUTE, "}[kind]
        offset = f", INTERVAL '{c.pick([2, -3])}' HOUR" if kind != 'SESSION' and c.chance(4) else ''
        if 'DAY' in size and step:
            step = step.replace("'30' MINUTE", "'8' HOUR").replace("'20' MINUTE", "'6' HOUR")
        source = f'TABLE({kind}(TABLE g, DESCRIPTOR(ts), {step}INTERVAL {size}{offset}))'
        plain = [x for x in base.columns if not x.rowtime]
        single = not base.punctual
        # Windows of days lose rows in Flink where the clock is not UTC: it flushes by days of UTC, after the timers.
        self.flawed = self.flawed or self.zone != 'UTC'
        self.empties = True  # in the hour that a clock skips, a batch has windows that a stream takes for one
        if c.chance(3):
            kept = c.some([x.name for x in plain], 1, 2)
            query = f'SELECT {", ".join(f"{x} AS c{i}" for i, x in enumerate(kept))}, window_start, window_end, CAST(window_time AS STRING) AS wt FROM {source}'
            return Rel(Sql(query), [Column('wt', 'STRING')], True, False, single) if depth == self.depth and kind != 'SESSION' else base_count(source)
        made, out, follows = self.aggregates(plain, Rel(None, base.columns, exact=False), 1 + c.below(2), True)
        keys = c.some([x for x in plain if x.name != 'id'], 0, 1)
        items = [Sql(c.pick(['window_start', 'window_end', "CAST(window_start AS STRING)", 'window_time'])+ ' AS w0')]
        items += [both(f'{{0}} AS k{i}', column(x)) for i, x in enumerate(keys)] + made
        time = ', window_time' if 'window_time' in items[0].flink else ''
        type = 'STRING' if 'CAST' in items[0].flink else 'ARRAY' if time else 'TIMESTAMP(3)'
        by = ', '.join(['window_start', f'window_end{time}'] + [x.name for x in keys])
        query = each(f'SELECT {{0}} FROM {source} GROUP BY {by}', None, joined(items))
        return Rel(query, [Column('w0', type)] + [Column(f'k{i}', x.type) for i, x in enumerate(keys)] + out, True, False, follows or single)

    def versions(self, depth):
        """A temporal join with a view of the last row of each key."""
        c = self.c
        left = self.timed(depth - 1, True)
        versions = self.table('ef', True)
        name = f'v_{self.number}_{self.alias()}'
        others = [x for x in versions.columns if not x.rowtime]
        key = c.pick([x for x in others if x.name in ('k', 's', 'id')])
        same = [x for x in left.columns if x.type == key.type and not x.rowtime]
        if not same or not left.punctual or not versions.punctual or versions.ties:
            return left
        names = ', '.join(x.name for x in versions.columns)
        last = c.chance(2)
        if last:
            self.before += [f'DROP VIEW IF EXISTS {name}',
                            f'CREATE VIEW {name} AS SELECT {names} FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY {key.name} ORDER BY ts DESC) AS rn '
                            f'FROM {versions.table}) WHERE rn = 1']
        else:
            key = next(x for x in others if x.name == 'k')
            same = [x for x in left.columns if x.type == key.type and not x.rowtime] or same
            self.before += [f'DROP VIEW IF EXISTS {name}',
                            f'CREATE VIEW {name} AS SELECT k, MAX(id) AS id, COUNT(*) AS n, MAX(ts) AS ts FROM {versions.table} GROUP BY k']
            versions = Rel(None, [Column('k', key.type), Column('id', 'BIGINT'), Column('n', 'BIGINT')])
        a, b = self.alias(), self.alias()
        items, out = self.pair(left, Rel(None, [x for x in versions.columns]), a, b)
        kind = c.pick(['JOIN', 'LEFT JOIN'])
        query = each(f'SELECT {{0}} FROM {{1}} AS {a} {kind} {name} FOR SYSTEM_TIME AS OF {a}.ts AS {b} ON {{2}} = {b}.{key.name}', None,
                     items, left.source(), column(c.pick(same).of(a)))
        return Rel(query, out, left.append, False, not last)  # mini-batch folds versions of groups

    def interval_chain(self, depth):
        """An interval join, and what reads its time: windows, another one, OVER."""
        c = self.c
        left, right = self.table('ef', True), self.table('ef', True)
        if not left.punctual or not right.punctual:
            return left
        a, b = self.alias(), self.alias()
        low, high = c.pick(["- INTERVAL '2' SECOND", "+ INTERVAL '1' SECOND", '']), c.pick(["+ INTERVAL '3' SECOND", "+ INTERVAL '1' SECOND"])
        sign = c.pick(['>', '>='])
        other = c.pick(['<', '<='])
        same = f'{a}.ts {sign} {b}.ts {low} AND {a}.ts {other} {b}.ts {high}'
        time, how = c.pick([a, b]), c.pick(['JOIN', 'JOIN', 'LEFT JOIN'])
        if how == 'LEFT JOIN':
            time = a  # there is no time of NULL
        inner = (f'SELECT {a}.id AS id, {a}.k AS k, {b}.s AS s, {time}.ts AS ts FROM {left.table} AS {a} {how} '
                 f'{right.table} AS {b} ON {a}.k = {b}.k AND {same}')
        kind = c.below(4)
        k = next(x for x in left.columns if x.name == 'k')
        if kind == 0:
            return Rel(Sql(f'SELECT id, k, s FROM ({inner})'), [Column('id', 'BIGINT'), Column('k', k.type), Column('s', 'STRING')], True, False)
        if kind == 1:
            query = (f"SELECT window_start AS w0, k, COUNT(*) AS n, COUNT(DISTINCT s) AS m FROM TABLE(TUMBLE(({inner}), DESCRIPTOR(ts), INTERVAL "
                     f"'{c.pick([2, 4])}' SECOND)) GROUP BY window_start, window_end, k")
            out = [Column('w0', 'TIMESTAMP(3)'), Column('k', k.type), Column('n', 'BIGINT'), Column('m', 'BIGINT')]
        elif kind == 2:
            query = f'SELECT id, k, COUNT(s) OVER (PARTITION BY k ORDER BY ts RANGE UNBOUNDED PRECEDING) AS n FROM ({inner})'
            out = [Column('id', 'BIGINT'), Column('k', k.type), Column('n', 'BIGINT')]
        else:
            query = f'SELECT k, COUNT(*) AS n, MAX(s) AS s FROM ({inner}) GROUP BY k'
            out = [Column('k', k.type), Column('n', 'BIGINT'), Column('s', 'STRING')]
        return Rel(Sql(query), out, kind != 3, False)

    def over_changes(self, depth):
        """OVER in the order of a value, on rows that change, with what it has and what it refuses."""
        c = self.c
        rel = self.table('u') if c.chance(2) else self.relation(depth - 1)
        if 'VALUES' in rel.query.flink:
            rel = self.table()  # a cast of a constant orders nothing in Flink, a constant does
        a = self.alias()
        columns = [x.of(a) for x in rel.columns if x.type != 'TIMESTAMP(3)' and x.type != 'ARRAY']
        if not columns:
            return rel
        by = c.pick([x for x in columns if x.unique] or columns)
        self.flawed = self.flawed or not (rel.append or by.unique)
        self.over_changing = self.over_changing or not rel.append
        x = c.pick([y for y in columns if y.type in NUMBERS] or columns)
        keys = c.some(columns, 0, 1)
        made, out = [], []
        for i in range(1 + c.below(2)):
            forms = [('COUNT({0})', 'BIGINT'), ('MIN({0})', x.type), ('MAX({0})', x.type), ('ROW_NUMBER()', 'BIGINT'), ('RANK()', 'BIGINT'),
                     ('COUNT(*)', 'BIGINT'), ('LAST_VALUE({0})', x.type)]
            if x.type in NUMBERS:
                forms = [('SUM({0})', x.type), ('AVG({0})', x.type)] + forms
            form, type = c.pick(forms)
            partition = f'PARTITION BY {keys[0].ref} ' if keys else ''
            frame = c.pick(['', '', '', ' ROWS UNBOUNDED PRECEDING', ' RANGE UNBOUNDED PRECEDING', ' ROWS BETWEEN 1 PRECEDING AND CURRENT ROW'])
            if '()' in form:
                frame = ''
            made.append(Sql(f'{form.format(x.ref)} OVER ({partition}ORDER BY {by.ref}{frame}) AS a{i}'))
            out.append(Column(f'a{i}', type))
        items, kept = self.chosen(columns)
        query = each(f'SELECT {{0}} FROM {{1}} AS {a}', None, joined(items + made), rel.source())
        # Where they tie, rows go by their arrival.
        return Rel(query, kept + out, False, False, True)

    def window_chain(self, depth):
        """Windows on windows, twice; their ranks, their joins with another window's sums."""
        c = self.c
        rel = self.table('ef', True)
        source, spec = self.windowed(rel)
        if not rel.punctual:
            return rel
        first = f'SELECT window_start, window_end, window_time AS wt, k, s, COUNT(*) AS n FROM TABLE({source.flink}) GROUP BY window_start, window_end, window_time, k, s'
        kind = c.below(4)
        way = c.pick(["TUMBLE((SELECT wt, k, s, n FROM ({0})), DESCRIPTOR(wt), INTERVAL '12' SECOND)",
                      "HOP((SELECT wt, k, s, n FROM ({0})), DESCRIPTOR(wt), INTERVAL '6' SECOND, INTERVAL '12' SECOND)",
                      "CUMULATE((SELECT wt, k, s, n FROM ({0})), DESCRIPTOR(wt), INTERVAL '4' SECOND, INTERVAL '12' SECOND)",
                      "SESSION((SELECT wt, k, s, n FROM ({0})) PARTITION BY k, DESCRIPTOR(wt), INTERVAL '3' SECOND)"]).replace('{0}', first)
        k = next(x for x in rel.columns if x.name == 'k').type
        if kind == 0:
            query = f'SELECT window_start AS w0, window_end AS w1, k, SUM(n) AS n, MAX(s) AS s FROM TABLE({way}) GROUP BY window_start, window_end, k'
            out = [Column('w0', 'TIMESTAMP(3)'), Column('w1', 'TIMESTAMP(3)'), Column('k', k), Column('n', 'BIGINT'), Column('s', 'STRING')]
        elif kind == 1:
            query = (f'SELECT k, s, n, rn FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY n DESC, k, s) AS rn '
                     f'FROM ({first})) WHERE rn <= 2')
            out = [Column('k', k), Column('s', 'STRING'), Column('n', 'BIGINT'), Column('rn', 'BIGINT')]
        elif kind == 2:
            query = (f'SELECT k, s, n FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end, k ORDER BY wt {c.pick(["", "DESC"])}) '
                     f'AS rn FROM (SELECT window_start, window_end, wt, k, MAX(s) AS s, SUM(n) AS n FROM ({first}) GROUP BY window_start, window_end, wt, k)) '
                     'WHERE rn = 1')
            out = [Column('k', k), Column('s', 'STRING'), Column('n', 'BIGINT')]
        else:
            query = f'SELECT window_end, SUM(n) AS n, COUNT(DISTINCT k) AS m FROM ({first}) GROUP BY window_start, window_end HAVING SUM(n) > 1'
            out = [Column('window_end', 'TIMESTAMP(3)'), Column('n', 'BIGINT'), Column('m', 'BIGINT')]
        return Rel(Sql(query), out, kind != 3, False)

    def long_match(self, depth):
        """Patterns with aggregates, times and expressions in their measures, over filters and views."""
        c = self.c
        base = self.table('ef', True)
        a = self.alias()
        source = base.table if c.chance(2) else f'(SELECT * FROM {base.table} WHERE id <> {1 + c.below(4)})'
        variables = ['A', 'B', 'C', 'D'][:2 + c.below(3)]
        pattern = ' '.join(v + c.pick(['', '', '+', '*', '{1,2}', '+?', '?', '{2}', '*?']) for v in variables[:-1]) + ' ' + variables[-1]
        defined = []
        for i, v in enumerate(variables):
            before = variables[c.below(i + 1)]
            defined.append(f'{v} AS ' + c.pick([
                f'{v}.k > 1', f'{v}.id > LAST({v}.id, 1) OR LAST({v}.id, 1) IS NULL', f'COUNT({v}.id) <= 2', f'AVG({before}.id) < {v}.id',
                f"{v}.s <> 'a' AND {v}.k IS NOT NULL", f'{v}.k >= {before}.k', f'SUM({before}.k) < 6', f'CHAR_LENGTH({v}.s) > 0',
                f'{v}.k + {before}.id > 3', f'{v}.s IN (\'a\', \'b\')', f'{v}.ts > {before}.ts', f'MAX({before}.k) - MIN({before}.k) < 3',
                f'CASE WHEN {v}.k IS NULL THEN FALSE ELSE {v}.k < 4 END', f"{v}.ts < FIRST(A.ts) + INTERVAL '4' SECOND"]))
        defined = [x for x in defined if c.mostly(5)] or defined[:1]
        some = c.some([('A.id', 'BIGINT'), (f'{variables[-1]}.s', 'STRING'), ('COUNT(*)', 'BIGINT'), ('SUM(A.k)', 'INT'), ('AVG(A.id)', 'BIGINT'),
                       ('FIRST(A.k) + 1', 'INT'), (f'LAST({variables[0]}.k, 1)', 'INT'), ('COUNT(A.s)', 'BIGINT'),
                       ("CASE WHEN A.k > 1 THEN 'big' ELSE A.s END", 'STRING'), ('id', 'BIGINT'), (f'MAX({variables[-1]}.id)', 'BIGINT'),
                       ('CAST(MATCH_ROWTIME() AS STRING)', 'STRING'), (f'{variables[-1]}.ts', 'ARRAY'), ('LAST(id)', 'BIGINT'),
                       (f'A.id + {variables[-1]}.id', 'BIGINT'), ('COUNT(DISTINCT A.k)', 'BIGINT')], 1, 3)
        keys = c.some(['k', 's'], 0, 2)
        if keys == ['s', 'k']:
            keys = ['k', 's']  # Flink reads them in the order of the table
        skip = c.pick(['', ' AFTER MATCH SKIP PAST LAST ROW', ' AFTER MATCH SKIP TO NEXT ROW', f' AFTER MATCH SKIP TO {variables[-1]}'])
        within = f" WITHIN INTERVAL '{c.pick([2, 5])}' SECOND" if c.chance(3) else ''
        per = c.pick(['', ' ONE ROW PER MATCH'])
        types = {x.name: x.type for x in base.columns}
        measures = ', '.join(f'{x} AS m{i}' for i, (x, _) in enumerate(some))
        query = Sql(f'SELECT * FROM {source} MATCH_RECOGNIZE ({"PARTITION BY " + ", ".join(keys) if keys else ""} ORDER BY ts MEASURES {measures}'
                    f'{per}{skip} PATTERN ({pattern}){within} DEFINE {", ".join(defined)}) AS {a}')
        return Rel(query, [Column(x, types[x]) for x in keys] + [Column(f'm{i}', type) for i, (_, type) in enumerate(some)], True, not keys,
                   not base.punctual or base.ties)

    def expanded(self, depth):
        """UNNEST of what rows were gathered into, and of maps and rows made of them."""
        c = self.c
        rel = self.relation(depth - 1)
        a, b = self.alias(), self.alias()
        columns = [x.of(a) for x in rel.columns if x.type in self.simple]
        if not columns:
            return rel
        x, y = c.pick(columns), c.pick(columns)
        kind = c.below(4)
        if kind == 0:
            query = each(f'SELECT {b}.x FROM (SELECT COLLECT({{0}}) AS xs FROM {{1}} AS {a}) CROSS JOIN UNNEST(xs) AS {b} (x)', None, column(x), rel.source())
            return Rel(query, [Column('x', x.type)], False, False, rel.single)
        if kind == 1:
            query = each(f'SELECT {b}.x, {b}.y FROM {{1}} AS {a} CROSS JOIN UNNEST(ARRAY[ROW({{0}}, {{2}})]) AS {b} (x, y)', None, column(x), rel.source(), column(y))
        elif kind == 2:
            query = each(f'SELECT {b}.x, {b}.y FROM {{1}} AS {a} CROSS JOIN UNNEST(MAP[{{0}}, {{2}}]) AS {b} (x, y)', None, column(x), rel.source(), column(y))
        else:
            query = each(f'SELECT {{0}} AS x, {b}.y FROM {{1}} AS {a} LEFT JOIN UNNEST(ARRAY[{{2}}]) AS {b} (y) ON {b}.y IS NOT NULL', None, column(x), rel.source(),
                         column(y))
        return Rel(query, [Column('x', x.type), Column('y', y.type)], rel.append, False, rel.single)


def passed_on(columns):
    return [Column(x.name, x.type) for x in columns]


def base_count(source):
    return Rel(Sql(f'SELECT window_end AS we, COUNT(*) AS n FROM {source} GROUP BY window_end'), [Column('we', 'TIMESTAMP(3)'), Column('n', 'BIGINT')],
               False, False)
