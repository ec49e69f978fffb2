"""operators.py - operators and settings that wide.py does not ask for: windows that fire early or late, window
deduplication and joins of sessions, windows over unions, sinks that take changes, statement sets, patterns by
processing time and over joins, hints, Top-N of as many rows as a column says. A part of Queries, with
--wide twice only, so that old seeds keep their meaning.
"""

from expressions import NUMBERS, Sql, both, column, each, joined
from relation import Rel
from tables import Column

CHANGES = ['debezium-json', 'canal-json', 'maxwell-json', 'ogg-json']


class Operators:
    def rarer(self, depth):
        c = self.c
        if self.standard:
            return self.hinted(depth)
        return c.weighted((2, self.hinted), (3, self.fired), (3, self.window_dedup), (3, self.session_pair), (3, self.union_windows),
                          (4, self.sunk), (3, self.match_more), (2, self.ordinal), (2, self.variable_top), (2, self.ranks),
                          (2, self.from_changelog), (2, self.window_keys), (2, self.chained_times),
                          (2, self.temporal_more), (2, self.over_more))(depth)

    def setting(self, name, value):
        self.before.append(f"SET '{name}' = '{value}'")
        self.after.append(f"RESET '{name}'")

    # ---- windows

    def fired(self, depth):
        """Group windows that fire at each row, before or after their time; at the top only."""
        c = self.c
        if depth < self.depth:
            return self.legacy_window(depth)
        how = c.below(3)
        if how != 1:
            self.setting('table.exec.emit.early-fire.enabled', 'true')
            self.setting('table.exec.emit.early-fire.delay', '0 s')
        if how:
            self.setting('table.exec.emit.late-fire.enabled', 'true')
            self.setting('table.exec.emit.late-fire.delay', '0 s')
        if how or c.chance(3):
            self.setting('table.exec.emit.allow-lateness', c.pick(['1 s', '3 s', '1 min']))
        self.empties = True  # a batch has no rows that are late
        rel = self.legacy_window(1)
        kind = c.below(4)
        late = bool(self.before)
        if kind == 1:
            a = self.alias()
            x = c.pick(rel.columns)
            query = each(f'SELECT {{0}} AS c0, COUNT(*) AS n FROM ({{1}}) AS {a} GROUP BY {{0}}', None, column(x.of(a)), rel.query)
            return Rel(query, [Column('c0', x.type), Column('n', 'BIGINT')], False, False, True)
        if kind == 2:
            a, b = self.alias(), self.alias()
            x = c.pick(rel.columns)
            query = each(f'SELECT {{0}} AS c0, {b}.id AS c1 FROM ({{1}}) AS {a} LEFT JOIN t AS {b} ON {a}.{x.name} IS NOT NULL AND {b}.id < 3',
                         None, column(x.of(a)), rel.query)
            return Rel(query, [Column('c0', x.type), Column('c1', 'BIGINT')], False, False, True)
        return Rel(rel.query, rel.columns, False, False, rel.single or late)

    def some_window(self, rel, sessions=True):
        """A window function over a table, sessions too; and what it is."""
        c = self.c
        if not sessions or c.mostly(3):
            return self.windowed(rel)
        part = c.pick(['', ' PARTITION BY k', ' PARTITION BY s', ' PARTITION BY k, s']) if rel.table else ''
        spec = ('SESSION', part, f"INTERVAL '{c.pick([1, 2, 3])}' SECOND")
        return self.session(rel, spec), spec

    def session(self, rel, spec):
        source = f'TABLE {rel.table}' if rel.table else rel.source().flink
        return Sql(f'SESSION({source}{spec[1]}, DESCRIPTOR({rel.time().name}), {spec[2]})')

    def window_dedup(self, depth):
        """The first or the last row of each key in each window."""
        c = self.c
        rel = self.timed(depth - 1)
        source, spec = self.some_window(rel)
        plain = [x for x in rel.columns if not x.rowtime]
        keys = c.some([x for x in plain if x.name != 'id'], 0, 2)
        kept = c.some(plain, 1, 3)
        bounds = c.pick([['window_start', 'window_end'], ['window_end', 'window_start']])
        part = bounds + [x.name for x in keys]
        # Of sessions by one key Flink loses rows where the first of another key are kept.
        self.flawed = self.flawed or (spec[0] == 'SESSION' and spec[1] != '')
        if c.chance(3):
            part = part[::-1]
        time = c.pick([rel.time().name, rel.time().name, 'window_time'])
        rank = c.pick(['rn = 1', 'rn <= 1', '1 >= rn', 'rn < 2'])
        items = ', '.join([f'{x.name} AS c{i}' for i, x in enumerate(kept)] + c.some(['window_start', 'window_end', 'rn'], 0, 2))
        query = Sql(f'SELECT {items} FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY {", ".join(part)} ORDER BY {time}{c.pick(["", " ASC", " DESC"])}) '
                    f'AS rn FROM TABLE({source.flink})) WHERE {rank}')
        return Rel(query, [Column(f'c{i}', x.type) for i, x in enumerate(kept)], True, False, not rel.punctual or rel.ties or time == 'window_time')

    def session_pair(self, depth):
        """Windows of one kind joined by their bounds, sessions among them; semi- and anti-joins too."""
        c = self.c
        left, right = self.table('ef', True), self.table('ef', True)
        if not left.punctual or not right.punctual:
            return left
        first, spec = self.some_window(left)
        second = self.session(right, spec) if spec[0] == 'SESSION' else self.windowed(right, spec)[0]
        a, b = self.alias(), self.alias()
        same = f'{a}.window_start = {b}.window_start AND {a}.window_end = {b}.window_end'
        more = c.pick(['', f' AND {a}.k = {b}.k', f' AND {a}.s = {b}.s', f' AND {a}.k = {b}.k AND {a}.id <> {b}.id', f' AND {a}.id < {b}.id'])
        kind = c.pick(['JOIN', 'LEFT JOIN', 'RIGHT JOIN', 'FULL JOIN', 'EXISTS', 'NOT EXISTS', 'IN', 'NOT IN'])
        k, s = next(x for x in left.columns if x.name == 'k'), Column('s', 'STRING')
        if kind in ('EXISTS', 'NOT EXISTS'):
            query = (f'SELECT {a}.id, {a}.k, {a}.window_start AS ws FROM TABLE({first.flink}) AS {a} WHERE {kind} (SELECT * FROM TABLE({second.flink}) '
                     f'AS {b} WHERE {same}{more})')
            out = [Column('id', 'BIGINT'), k, Column('ws', 'TIMESTAMP(3)')]
        elif kind in ('IN', 'NOT IN'):
            query = (f'SELECT {a}.id, {a}.s FROM TABLE({first.flink}) AS {a} WHERE {a}.s {kind} (SELECT {b}.s FROM TABLE({second.flink}) AS {b} '
                     f'WHERE {same})')
            out = [Column('id', 'BIGINT'), s]
        else:
            query = (f'SELECT {a}.id AS c0, {b}.id AS c1, {a}.s AS c2, {b}.window_end AS we FROM (SELECT * FROM TABLE({first.flink})) AS {a} {kind} '
                     f'(SELECT * FROM TABLE({second.flink})) AS {b} ON {same}{more}')
            out = [Column('c0', 'BIGINT'), Column('c1', 'BIGINT'), Column('c2', 'STRING'), Column('we', 'TIMESTAMP(3)')]
        return Rel(Sql(query), passed(out), True, False)

    def union_windows(self, depth):
        """Windows, OVER and rows kept once over two streams put together."""
        c = self.c
        left, right = self.table('ef', True), self.table('ef', True)
        types = {x.name: x.type for x in left.columns}
        if not left.punctual or not right.punctual or types['k'] != {x.name: x.type for x in right.columns}['k']:
            return left
        names = "'l' AS side, id, k, s, ts", "'r' AS side, id, k, s, ts"
        filters = [c.pick(['', '', ' WHERE k > 0', ' WHERE id < 6']) for _ in range(2)]
        # Of a union that is an argument itself Flink reads the first side alone.
        inner = f'SELECT * FROM (SELECT {names[0]} FROM {left.table}{filters[0]} UNION ALL SELECT {names[1]} FROM {right.table}{filters[1]})'
        kind = c.below(5)
        k = Column('k', types['k'])
        if kind == 0:
            source, _ = self.windowed(Rel(Sql(inner), [Column('ts', 'TIMESTAMP(3)', rowtime=True)]))
            query = (f'SELECT window_start AS ws, {c.pick(["k", "side", "s"])} AS x, COUNT(*) AS n, COUNT(DISTINCT side) AS m, SUM(id) AS v FROM TABLE({source.flink}) '
                     f'GROUP BY window_start, window_end, ')
            query += query.split('AS ws, ')[1].split(' AS')[0]
            out = [Column('ws', 'TIMESTAMP(3)'), Column('n', 'BIGINT'), Column('m', 'BIGINT'), Column('v', 'BIGINT')]
        elif kind == 1:
            frame = c.pick(['', " RANGE BETWEEN INTERVAL '2' SECOND PRECEDING AND CURRENT ROW"])
            query = f'SELECT side, id, k, COUNT(*) OVER (PARTITION BY k ORDER BY ts{frame}) AS n FROM ({inner})'
            out = [Column('side', 'STRING'), Column('id', 'BIGINT'), k, Column('n', 'BIGINT')]
        elif kind == 2:
            query = (f'SELECT TUMBLE_END(ts, INTERVAL \'4\' SECOND) AS we, k, MIN(s) AS s, MAX(id) AS m FROM ({inner}) GROUP BY k, '
                     "TUMBLE(ts, INTERVAL '4' SECOND)")
            out = [Column('we', 'TIMESTAMP(3)'), k, Column('s', 'STRING'), Column('m', 'BIGINT')]
        elif kind == 3:
            query = (f'SELECT id, k, n FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY n DESC, k, id) AS rn FROM '
                     f"(SELECT window_start, window_end, k, MAX(id) AS id, COUNT(*) AS n FROM TABLE(HOP(({inner}), DESCRIPTOR(ts), INTERVAL '2' SECOND, "
                     "INTERVAL '6' SECOND)) GROUP BY window_start, window_end, k)) WHERE rn <= 2")
            out = [Column('id', 'BIGINT'), k, Column('n', 'BIGINT')]
        else:
            a, b = self.alias(), self.alias()
            query = (f"SELECT {a}.id AS c0, {b}.id AS c1 FROM ({inner}) AS {a} {c.pick(['JOIN', 'LEFT JOIN', 'FULL JOIN'])} e AS {b} ON {a}.k = {b}.k AND {a}.ts "
                     f"BETWEEN {b}.ts - INTERVAL '1' SECOND AND {b}.ts + INTERVAL '2' SECOND")
            out = [Column('c0', 'BIGINT'), Column('c1', 'BIGINT')]
            return Rel(Sql(query), out, True, False, not self.tables['e'].punctual)
        return Rel(Sql(query), out, True, False)

    def window_keys(self, depth):
        """Window aggregates whose keys and arguments are expressions, with what stands above them."""
        c = self.c
        rel = self.timed(depth - 1)
        source, _ = self.some_window(rel)
        a = self.alias()
        plain = [x.of(a) for x in rel.columns if not x.rowtime]
        maker = self.expressions(plain)
        types = [c.pick(self.simple) for _ in range(1 + c.below(2))]
        keys = [maker.make(type, 2) for type in types]
        made, out, single = self.aggregates(plain, Rel(None, rel.columns, exact=False), 1 + c.below(3), True)
        having = c.pick(['', ' HAVING COUNT(*) > 1', ' HAVING MAX({0}) IS NOT NULL', ' HAVING COUNT(*) BETWEEN 1 AND 2'])
        bounds = c.pick(['window_start, window_end', 'window_end, window_start', 'window_start, window_end, window_time'])
        items = [Sql(c.pick(['window_start', 'window_end', 'CAST(window_start AS DATE)', 'window_end - window_start', 'EXTRACT(SECOND FROM window_end)']) + ' AS w0')]
        if 'window_end - ' in items[0].flink:
            items = [Sql('TIMESTAMPDIFF(SECOND, window_start, window_end) AS w0')]
        items += [both(f'{{0}} AS k{i}', e) for i, e in enumerate(keys)] + made
        constant = [e for e in keys if not any(x.ref in e.flink for x in plain)]
        if constant:
            return self.window_group(depth)  # a bare number is a place
        query = each(f'SELECT {{0}} FROM TABLE({{1}}) AS {a} GROUP BY {bounds}, {{2}}{having.replace("{0}", plain[0].ref)}', None, joined(items), source, joined(keys))
        return Rel(query, [Column(f'k{i}', type) for i, type in enumerate(types)] + out, True, False, single or not rel.punctual)

    # ---- sinks

    def sunk(self, depth):
        """Changes written by a sink, whose format is read again; at the top only."""
        c = self.c
        if depth < self.depth:
            return self.group(depth)
        rel = self.relation(depth - 1)
        if rel.single or any(x.type == 'ARRAY' for x in rel.columns) or self.before:
            return rel
        name = f'c_{self.number}_{self.alias()}'
        format = c.pick(CHANGES)
        lengths = {'STRING': 'VARCHAR(2)', 'DECIMAL(10, 2)': 'DECIMAL(8, 1)'}
        short = c.chance(5)
        columns = [Column(f'x{i}', lengths.get(x.type, x.type) if short else x.type) for i, x in enumerate(rel.columns)]
        if short and c.chance(2):
            self.setting('table.exec.sink.type-length-enforcer', c.pick(['TRIM_PAD', 'ERROR']))
        strict = c.chance(4)
        if strict:
            self.setting('table.exec.sink.not-null-enforcer', c.pick(['DROP', 'ERROR']))
        nots = c.some([x.name for x in columns], 1, 1) if strict else []
        declared = [f'{x.name} {x.type}{" NOT NULL" if x.name in nots else ""}' for x in columns]
        make = f"WITH ('connector' = 'filesystem', 'path' = '${{TMP}}/{name}', 'format' = '{format}')"
        two = c.chance(4)
        self.before += [f'DROP TABLE IF EXISTS {name}', f'CREATE TABLE {name} ({", ".join(declared)})\n{make}']
        insert = f'INSERT INTO {name} {rel.query.flink}'
        if two:
            twin = f'{name}_b'
            self.before += [f'DROP TABLE IF EXISTS {twin}', f'CREATE TABLE {twin} ({", ".join(declared)})\n' + make.replace(name, twin)]
            filter = c.pick(['', ' WHERE TRUE', ' LIMIT 3'])
            insert = (f'EXECUTE STATEMENT SET BEGIN {insert}; INSERT INTO {twin} SELECT * FROM ({rel.query.flink}){filter if rel.exact else ""}; END')
        self.before.append(insert)
        self.empties = True
        if two and c.chance(2):
            name = twin
        if rel.exact and c.chance(2):
            self.before += [f'DROP TABLE IF EXISTS {name}_r', f"CREATE TABLE {name}_r (line STRING)\nWITH ('connector' = 'filesystem', 'path' = "
                            f"'${{TMP}}/{name}', 'format' = 'raw')"]
            return Rel(Sql(f'SELECT * FROM {name}_r'), [Column('line', 'STRING')], True, True, True)
        return Rel(Sql(f'SELECT * FROM {name}'), columns, False, False)

    # ---- patterns

    def match_more(self, depth):
        """Patterns by processing time, over joins by time and over unions, with all the strategies."""
        c = self.c
        base = self.table('ef', True)
        other = self.table('ef', True)
        time, source, single = 'ts', base.table, not base.punctual or base.ties
        types = {x.name: x.type for x in base.columns}
        kind = c.below(4)
        if kind == 1:
            time, single = 'pt', True
        elif kind == 2 and base.punctual and other.punctual:
            source = (f"(SELECT a.id, a.k, b.s, a.ts FROM {base.table} AS a JOIN {other.table} AS b ON a.k = b.k AND a.ts BETWEEN b.ts - INTERVAL '1' SECOND "
                      "AND b.ts + INTERVAL '2' SECOND)")
            single = True
        elif kind == 3:
            source = f"(SELECT id, k, UPPER(s) AS s, ts FROM {base.table} WHERE k IS NOT NULL OR s <> 'a')"
        keys = c.some(['k', 's'], 0, 1)
        variables = ['A', 'B', 'C'][:2 + c.below(2)]
        pattern = ' '.join(v + c.pick(['', '+', '*', '?', '+?', '*?', '{1,2}', '{2}', '{0,2}?', '{,2}', '{1,}?']) for v in variables[:-1]) + ' ' + variables[-1]
        defined = []
        for i, v in enumerate(variables):
            before = variables[c.below(i + 1)]
            defined.append(f'{v} AS ' + c.pick([
                f'{v}.id > 1', f'{v}.k < 3', f'{v}.k <> LAST({before}.k)', f'{v}.id > FIRST({before}.id) + 1 OR {v}.k IS NULL', f'COUNT({before}.id) < 3',
                f'{v}.id < 3 OR {v}.s IS NULL', f'SUM({v}.id) < 9', f'{v}.s = LAST({v}.s, 1) OR LAST({v}.s, 1) IS NULL', f'{v}.id - LAST({before}.id) > 0']))
        skip = c.pick(['', 'AFTER MATCH SKIP PAST LAST ROW', 'AFTER MATCH SKIP TO NEXT ROW', f'AFTER MATCH SKIP TO FIRST {variables[-1]}',
                       f'AFTER MATCH SKIP TO LAST {variables[0]}', f'AFTER MATCH SKIP TO LAST {variables[-1]}'])
        within = f" WITHIN INTERVAL '{c.pick([1, 2, 4])}' SECOND" if c.chance(3) and time == 'ts' else ''
        some = c.some([('A.id', 'BIGINT'), ('FIRST(A.id)', 'BIGINT'), (f'LAST({variables[-1]}.s)', 'STRING'), (f'COUNT({variables[0]}.id)', 'BIGINT'),
                       ('COUNT(*)', 'BIGINT'), (f'MIN({variables[-1]}.k)', types['k']), ('MAX(A.s)', 'STRING'), ('LAST(A.id, 1)', 'BIGINT'), ('FIRST(k)', types['k']),
                       (f'UPPER(LAST({variables[-1]}.s))', 'STRING'), (f'SUM(A.id) + LAST({variables[-1]}.id)', 'BIGINT'), ('FIRST(A.id, 1)', 'BIGINT')], 1, 3)
        measures = ', '.join(f'{x} AS m{i}' for i, (x, _) in enumerate(some))
        partition = f'PARTITION BY {keys[0]} ' if keys else ''
        query = Sql(f'SELECT * FROM {source} MATCH_RECOGNIZE ({partition}ORDER BY {time} MEASURES {measures} ONE ROW PER MATCH {skip} '
                    f'PATTERN ({pattern}){within} DEFINE {", ".join(defined)}) AS {self.alias()}')
        return Rel(query, [Column(x, types[x]) for x in keys] + [Column(f'm{i}', type) for i, (_, type) in enumerate(some)], True, not keys and kind != 2, single)

    # ---- rows of values

    def ordinal(self, depth):
        """UNNEST of what a table has, with the places of the elements."""
        c = self.c
        a, b = self.alias(), self.alias()
        what, names, out = c.pick([('xs', 'x, o', [Column('x', 'INT')]), ('rs', 'p, q, o', [Column('p', 'INT'), Column('q', 'STRING')]),
                                   ('xs', 'x, o', [Column('x', 'INT')])])
        how = c.pick([('CROSS JOIN', ''), ('LEFT JOIN', ' ON TRUE'), ('JOIN', ' ON TRUE')])
        inner = f'SELECT {a}.id, {a}.k, {", ".join(b + "." + x for x in names.split(", "))} FROM w AS {a} {how[0]} UNNEST({a}.{what}) WITH ORDINALITY AS {b} ({names}){how[1]}'
        kind = c.below(4)
        columns = [Column('id', 'BIGINT'), Column('k', 'INT')] + out + [Column('o', 'INT')]
        if kind == 1:
            x = out[0].name
            return Rel(Sql(f'SELECT o, COUNT(*) AS n, MAX({x}) AS m FROM ({inner}) GROUP BY o'), [Column('o', 'INT'), Column('n', 'BIGINT'), Column('m', 'INT')], False, True)
        if kind == 2:
            return Rel(Sql(f'{inner} WHERE {b}.o {c.pick(["= 1", "> 1", "<= 2", "IS NULL"])}'), columns, True, True)
        if kind == 3:
            return Rel(Sql(f'SELECT id, {out[0].name} AS x, rn FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY id ORDER BY o DESC) AS rn FROM ({inner})) WHERE rn <= 2'),
                       [Column('id', 'BIGINT'), Column('x', 'INT'), Column('rn', 'BIGINT')], False, True)
        return Rel(Sql(inner), columns, True, True)

    def from_changelog(self, depth):
        """A change log as rows and back."""
        c = self.c
        base = self.table('u')
        columns = c.some(base.columns, 1, 3)
        if not any(x.name == 'id' for x in columns):
            columns = [base.columns[0]] + columns
        names = ', '.join(x.name for x in columns)
        kind = c.below(3)
        if kind == 0:
            query = f'SELECT op, COUNT(*) AS n FROM TO_CHANGELOG(input => TABLE u) GROUP BY op'
            return Rel(Sql(query), [Column('op', 'STRING'), Column('n', 'BIGINT')], False, True)
        if kind == 1:
            name = f'l_{self.number}_{self.alias()}'
            self.before += [f'DROP VIEW IF EXISTS {name}', f'CREATE VIEW {name} AS SELECT op, {names} FROM TO_CHANGELOG(input => TABLE u)']
            query = f'SELECT {names} FROM FROM_CHANGELOG(input => TABLE {name}{c.pick(["", " PARTITION BY id"])})'
            return Rel(Sql(query), [Column(x.name, x.type) for x in columns], False, False, True)
        query = f"SELECT op, {names} FROM TO_CHANGELOG(input => TABLE u, op => DESCRIPTOR(op){c.pick(['', ', op_mapping => MAP[' + repr('INSERT, UPDATE_AFTER') + ', ' + repr('UP') + ', ' + repr('DELETE') + ', ' + repr('DEL') + ']'])})"
        return Rel(Sql(query), [Column('op', 'STRING')] + passed(columns), True, True)

    # ---- order

    def variable_top(self, depth):
        """As many rows of each key as a column says."""
        c = self.c
        rel = self.relation(depth - 1) if c.chance(2) else self.table()
        a = self.alias()
        columns = [x.of(a) for x in rel.columns]
        counts = [x for x in rel.columns if x.type in ('INT', 'BIGINT')]
        if not counts:
            return rel
        by, total = self.ordering(columns, not rel.exact)
        n = c.pick(counts)
        more = c.some([x for x in rel.columns if x is not n and x.type != 'ARRAY'], 0, 1)
        keys = ', '.join(x.of(a).ref for x in [n] + more)
        kept = c.some(rel.columns, 1, 3)
        inner = ', '.join(x.ref for x in columns)
        items = ', '.join(f'{x.name} AS c{i}' for i, x in enumerate(kept))
        query = each(f'SELECT {items} FROM (SELECT {inner}, ROW_NUMBER() OVER (PARTITION BY {keys} ORDER BY {{0}}) AS rn FROM {{1}} AS {a}) '
                     f'WHERE rn {c.pick(["<=", "<"])} {n.name}', None, by, rel.source())
        return Rel(query, [Column(f'c{i}', x.type) for i, x in enumerate(kept)], False, rel.exact, rel.single or not total)

    def ranks(self, depth):
        """RANK and DENSE_RANK where Flink has them; several ranks of one row; ranks of ranks."""
        c = self.c
        rel = self.relation(depth - 1) if c.chance(2) else self.table()
        columns = [x for x in rel.columns if x.type not in ('ARRAY', 'TIMESTAMP(3)')]
        if not columns:
            return rel
        a = self.alias()
        by, total = self.ordering([x.of(a) for x in rel.columns], not rel.exact)
        x, y = c.pick(columns), c.pick(columns)
        form = c.pick([
            f'SELECT {x.name} AS c0, rn FROM (SELECT *, RANK() OVER (PARTITION BY {a}.{y.name} ORDER BY {{0}}) AS rn FROM {{1}} AS {a}) WHERE rn <= 2',
            f'SELECT c0, n, rn FROM (SELECT c0, n, ROW_NUMBER() OVER (ORDER BY n DESC, c0) AS rn FROM (SELECT {a}.{x.name} AS c0, COUNT(*) AS n FROM {{1}} AS {a} '
            f'GROUP BY {a}.{x.name})) WHERE rn <= 3',
            f'SELECT c0, c1 FROM (SELECT c0, c1, ROW_NUMBER() OVER (PARTITION BY c1 ORDER BY c0) AS r2 FROM (SELECT {a}.{x.name} AS c0, {a}.{y.name} AS c1, '
            f'ROW_NUMBER() OVER (PARTITION BY {a}.{x.name} ORDER BY {{0}}) AS rn FROM {{1}} AS {a}) WHERE rn <= 2) WHERE r2 <= 2',
            f'SELECT c1, COUNT(*) AS n FROM (SELECT {a}.{y.name} AS c1, ROW_NUMBER() OVER (PARTITION BY {a}.{x.name} ORDER BY {{0}}) AS rn FROM {{1}} AS {a}) '
            'WHERE rn <= 2 GROUP BY c1',
            f'SELECT c1, MAX(rn) AS m FROM (SELECT {a}.{y.name} AS c1, ROW_NUMBER() OVER (PARTITION BY {a}.{x.name} ORDER BY {{0}}) AS rn FROM {{1}} AS {a}) '
            'WHERE rn <= 3 GROUP BY c1'])
        out = [Column('c0', x.type)]
        if form.startswith('SELECT c0, n'):
            out = [Column('c0', x.type), Column('n', 'BIGINT'), Column('rn', 'BIGINT')]
        elif form.startswith('SELECT c1'):
            out = [Column('c1', y.type), Column('n' if ' AS n ' in form else 'm', 'BIGINT')]
        # Ranks within ranks go by values only.
        deep = 'r2' in form
        return Rel(each(form, None, by, rel.source()), out if 'rn FROM (SELECT *' not in form else out + [Column('rn', 'BIGINT')], False, False,
                   rel.single or not total or (deep and not rel.exact))

    def over_more(self, depth):
        """OVER with distinct, filtered and statistical aggregates, LAG and LEAD, and OVER on OVER."""
        c = self.c
        base = self.table('ef', True)
        plain = [x for x in base.columns if not x.rowtime]
        whole = [x for x in plain if x.type in ('INT', 'BIGINT')]
        x, y = c.pick(whole), c.pick(plain)
        forms = [f'COUNT(DISTINCT {y.name})', f'SUM(DISTINCT {x.name})', f'LAG({y.name})', f'LAG({x.name}, 2)', f'LAG({x.name}, 1, {x.name})', f'LEAD({x.name})',
                 f'SUM({x.name}) FILTER (WHERE id > 2)', f'COUNT(*)', f'MAX({x.name} + 1)', f'FIRST_VALUE({y.name})', f'LAST_VALUE({y.name})', f'AVG({x.name})',
                 'ROW_NUMBER()', f'LISTAGG(s)', f'MIN(CASE WHEN k > 1 THEN id END)']
        keys = c.some([z for z in plain if z.name in ('k', 's')], 0, 2)
        partition = f'PARTITION BY {", ".join(z.name for z in keys)} ' if keys else ''
        time = c.pick(['ts', 'ts', 'pt'])
        frame = c.pick(['', '', ' ROWS BETWEEN 1 PRECEDING AND CURRENT ROW', ' ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW',
                        " RANGE BETWEEN INTERVAL '3' SECOND PRECEDING AND CURRENT ROW" if time == 'ts' else ''])
        made = c.some(forms, 1, 3)
        lone = [f for f in made if f.startswith(('LAG', 'LEAD', 'ROW_N'))]
        texts = [f'{f} OVER ({partition}ORDER BY {time}{"" if f in lone else frame})' for f in made]
        inner = ', '.join(f'{t} AS a{i}' for i, t in enumerate(texts))
        single = time == 'pt' or not base.punctual or base.ties
        kind = c.below(4)
        if kind == 1:
            query = f'SELECT id, a0 FROM (SELECT id, k, {inner} FROM {base.table}) WHERE a0 IS NOT NULL'
            return Rel(Sql(query), [Column('id', 'BIGINT')], True, False, single)
        if kind == 2:
            query = f'SELECT k, COUNT(*) AS n, COUNT(a0) AS m FROM (SELECT id, k, {inner} FROM {base.table}) GROUP BY k'
            return Rel(Sql(query), [Column('k', 'ARRAY'), Column('n', 'BIGINT'), Column('m', 'BIGINT')], False, False, single)
        if kind == 3 and time == 'ts':
            query = f'SELECT id, COUNT(a0) OVER (PARTITION BY k ORDER BY ts) AS n FROM (SELECT id, k, ts, {inner} FROM {base.table})'
            return Rel(Sql(query), [Column('id', 'BIGINT'), Column('n', 'BIGINT')], True, False, single)
        return Rel(Sql(f'SELECT id, {inner} FROM {base.table}'), [Column('id', 'BIGINT')], True, not keys and not single, single)

    # ---- joins

    def hinted(self, depth):
        """Joins and groups with hints for state and for joins."""
        c = self.c
        left, right = self.relation(depth - 1), self.relation(depth - 2)
        a, b = self.alias(), self.alias()
        hint = c.pick([f"STATE_TTL('{a}' = '1d', '{b}' = '2d')", f"STATE_TTL('{a}' = '1d')", f'BROADCAST({a})', f'SHUFFLE_HASH({b})', f'SHUFFLE_MERGE({a}, {b})',
                       f'NEST_LOOP({b})', f"STATE_TTL('{b}' = '12h'), BROADCAST({b})", f'MULTI_JOIN({a}, {b})'])
        kind = c.pick(['JOIN', 'LEFT JOIN', 'FULL JOIN', 'RIGHT JOIN'])
        on = self.condition([x.of(a) for x in left.columns], [x.of(b) for x in right.columns])
        items, out = self.pair(left, right, a, b)
        template = f'SELECT HINT{{0}} FROM {{1}} AS {a} {kind} {{2}} AS {b} ON {{3}}'
        query = each(template.replace('HINT', f'/*+ {hint} */ '), template.replace('HINT', ''), items, left.source(), right.source(), on)
        return Rel(query, out, kind == 'JOIN' and left.append and right.append, False, left.single or right.single)

    def temporal_more(self, depth):
        """Joins with the version of a time, with more in their conditions, and what reads them."""
        c = self.c
        left, versions = self.table('ef', True), self.tables['u']
        key = versions.columns[0]
        same = [x for x in left.columns if x.type == key.type and not x.rowtime]
        if not versions.punctual or not left.punctual or not same:
            return left
        a, b = self.alias(), self.alias()
        more = c.pick(['', f' AND {b}.k > 0', f' AND {a}.s = {b}.s', f' AND {a}.k IS NOT NULL', f" AND {b}.s IN ('a', 'b')", f' AND {a}.id <> {b}.k'])
        kind = c.pick(['JOIN', 'LEFT JOIN', 'LEFT JOIN'])
        x = c.pick(same)
        inner = (f'SELECT {a}.id AS id, {a}.k AS k, {b}.s AS s, {b}.k AS j, {a}.ts AS ts FROM {left.table} AS {a} {kind} u FOR SYSTEM_TIME AS OF {a}.ts AS {b} '
                 f'ON {a}.{x.name} = {b}.id{more}')
        what = c.below(5)
        if what == 1:
            query = (f"SELECT window_start AS ws, s, COUNT(*) AS n, SUM(j) AS v FROM TABLE(TUMBLE(({inner}), DESCRIPTOR(ts), INTERVAL '4' SECOND)) "
                     'GROUP BY window_start, window_end, s')
            return Rel(Sql(query), [Column('ws', 'TIMESTAMP(3)'), Column('s', 'STRING'), Column('n', 'BIGINT'), Column('v', 'BIGINT')], True, False)
        if what == 2:
            query = f'SELECT s, COUNT(*) AS n, MAX(j) AS m FROM ({inner}) GROUP BY s'
            return Rel(Sql(query), [Column('s', 'STRING'), Column('n', 'BIGINT'), Column('m', 'ARRAY')], False, False)
        if what == 3:
            query = f'SELECT id, s, COUNT(j) OVER (PARTITION BY k ORDER BY ts) AS n FROM ({inner})'
            return Rel(Sql(query), [Column('id', 'BIGINT'), Column('s', 'STRING'), Column('n', 'BIGINT')], True, False)
        where = c.pick(['', ' WHERE s IS NOT NULL', ' WHERE j > 0 OR j IS NULL', ' WHERE id > 1'])
        return Rel(Sql(f'SELECT id, k, s, j FROM ({inner}){where}'), [Column('id', 'BIGINT'), Column('k', 'ARRAY'), Column('s', 'STRING'), Column('j', 'ARRAY')], True, False)

    def chained_times(self, depth):
        """Joins by time on each other: within a time, of windows, with versions."""
        c = self.c
        if not all(self.tables[n].punctual for n in 'ef'):
            return self.table()
        join = ("SELECT a.id AS id, a.k AS k, b.s AS s, {0}.ts AS ts FROM e AS a {1} f AS b ON a.k = b.k AND a.ts BETWEEN b.ts - INTERVAL '2' SECOND AND b.ts + "
                "INTERVAL '2' SECOND")
        first = join.format(c.pick(['a', 'b']), 'JOIN')
        kind = c.below(4)
        x, y = self.alias(), self.alias()
        if kind == 0:
            query = (f"SELECT {x}.id AS c0, {y}.id AS c1 FROM ({first}) AS {x} {c.pick(['JOIN', 'LEFT JOIN', 'FULL JOIN'])} e AS {y} ON {x}.s = {y}.s AND {x}.ts > "
                     f"{y}.ts - INTERVAL '3' SECOND AND {x}.ts <= {y}.ts")
        elif kind == 1:
            query = (f"SELECT {x}.id AS c0, {y}.id AS c1 FROM (SELECT * FROM TABLE(TUMBLE(({first}), DESCRIPTOR(ts), INTERVAL '4' SECOND))) AS {x} "
                     f"{c.pick(['JOIN', 'LEFT JOIN', 'FULL JOIN'])} (SELECT * FROM TABLE(TUMBLE(TABLE f, DESCRIPTOR(ts), INTERVAL '4' SECOND))) AS {y} ON "
                     f'{x}.window_start = {y}.window_start AND {x}.window_end = {y}.window_end AND {x}.k = {y}.k')
        elif kind == 2:
            query = (f'SELECT id AS c0, rn AS c1 FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY id, k ORDER BY ts{c.pick(["", " DESC"])}, s) AS rn FROM ({first})) '
                     'WHERE rn <= 2')
            return Rel(Sql(query), [Column('c0', 'BIGINT'), Column('c1', 'BIGINT')], False, False)
        else:
            if not self.tables['u'].punctual:
                return self.table()
            query = (f'SELECT {x}.id AS c0, {y}.id AS c1 FROM ({first}) AS {x} {c.pick(["JOIN", "LEFT JOIN"])} u FOR SYSTEM_TIME AS OF {x}.ts AS {y} ON '
                     f'CAST({x}.k AS {self.tables["u"].columns[0].type}) = {y}.id')
        return Rel(Sql(query), [Column('c0', 'BIGINT'), Column('c1', 'BIGINT')], True, False)


def passed(columns):
    return [Column(x.name, x.type) for x in columns]
