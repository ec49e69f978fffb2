"""shapes.py - nested values, what is built on window aggregates, and tables by views. A part of Queries.

The table w has ROWs, ARRAYs and MAPs; its elements are never NULL, for arrays with NULLs compare by how they
lie in Flink's memory. Windows that come with an aggregation are read again: joined, ranked, summed up by OVER,
matched, put into greater windows.
"""

from expressions import NUMBERS, Sql, alike, both, column, each, family, joined
from relation import Rel
from tables import Column

# What can be read of w, with its type.
PATHS = [('{0}.r.a', 'INT'), ('{0}.r.b', 'STRING'), ('{0}.r.n.x', 'DOUBLE'), ('{0}.r.n.y', 'BIGINT'), ('{0}.xs[1]', 'INT'),
         ('{0}.xs[2]', 'INT'), ('CARDINALITY({0}.xs)', 'INT'), ("{0}.m['a']", 'INT'), ("{0}.m['b']", 'INT'),
         ('CARDINALITY({0}.m)', 'INT'), ('{0}.rs[1].p', 'INT'), ('{0}.rs[2].q', 'STRING'), ('CARDINALITY({0}.rs)', 'INT'),
         ('ARRAY_CONTAINS({0}.xs, 2)', 'BOOLEAN'), ('({0}.r IS NULL)', 'BOOLEAN'), ('({0}.r.n IS NOT NULL)', 'BOOLEAN'),
         ('ARRAY_MAX({0}.xs)', 'INT'), ('CAST({0}.r AS STRING)', 'STRING'), ('CAST({0}.xs AS STRING)', 'STRING'),
         ("ARRAY_JOIN(CAST({0}.xs AS ARRAY<STRING>), '-')", 'STRING'), ('CAST(ARRAY_SORT(MAP_KEYS({0}.m)) AS STRING)', 'STRING'),
         ('CARDINALITY(ARRAY_DISTINCT({0}.xs))', 'INT'), ('({0}.r.a = {0}.xs[1])', 'BOOLEAN'), ('{0}.id', 'BIGINT'),
         ('{0}.k', 'INT'), ('{0}.s', 'STRING')]
# Whole values, which stand as keys and results, and nothing is computed of.
VALUES = ['r', 'xs', 'r.n', 'rs']


class Shapes:
    # ---- nested values

    def paths(self, alias, least=1, most=4):
        kept = self.c.some(PATHS, least, most)
        return ([Sql(f'{text.format(alias)} AS c{i}') for i, (text, _) in enumerate(kept)],
                [Column(f'c{i}', type) for i, (_, type) in enumerate(kept)])

    def nested(self, depth):
        """Fields and elements of the nested table, perhaps unnested, filtered."""
        c = self.c
        a, b = self.alias(), self.alias()
        items, out = self.paths(a)
        exact, source = True, f'w AS {a}'
        kind = c.below(6)
        if kind == 3:
            source += c.pick([f' CROSS JOIN UNNEST({a}.xs) AS {b} (x)', f' LEFT JOIN UNNEST({a}.xs) AS {b} (x) ON TRUE'])
            items, out = items + [Sql(f'{b}.x AS d0')], out + [Column('d0', 'INT')]
        elif kind == 4:
            how, names = c.pick([('CROSS JOIN', ''), ('LEFT JOIN', '')]), f'AS {b} (p, q)'
            on = ' ON TRUE' if how[0] == 'LEFT JOIN' else ''
            source += f' {how[0]} UNNEST({a}.rs) {names}{on}'
            items += [Sql(f'{b}.p AS d0'), Sql(f'{b}.q AS d1')]
            out = out + [Column('d0', 'INT'), Column('d1', 'STRING')]
        elif kind == 5:
            source += f' CROSS JOIN UNNEST({a}.m) AS {b} (mk, mv)'
            items += [Sql(f'{b}.mk AS d0'), Sql(f'{b}.mv AS d1')]
            out = out + [Column('d0', 'STRING'), Column('d1', 'INT')]
            exact = False  # no order among the entries
        query = each(f'SELECT {{0}} FROM {source}', None, joined(items))
        if c.chance(2):
            columns = [Column(text, type, ref=text.format(a)) for text, type in PATHS]
            query = each('{0} WHERE {1}', None, query, self.expressions(columns).boolean('BOOLEAN', 2))
        return Rel(query, out, True, exact)

    def nested_groups(self, depth):
        """Groups by whole values, and whole values of groups."""
        c = self.c
        value = c.pick(VALUES)
        path, type = c.pick([x for x in PATHS if x[1] in NUMBERS])
        x = path.format('w')
        made = c.pick([f'COUNT(*) AS c1, SUM({x}) AS c2', f'MAX({x}) AS c1, COUNT(DISTINCT w.{value}) AS c2',
                       f'MIN({x}) AS c1, COUNT(w.{value}) AS c2'])
        kinds = {'COUNT': 'BIGINT'}
        out = [Column('c0', 'STRING'), Column('c1', kinds.get(made[:5], type)),
               Column('c2', 'BIGINT' if 'COUNT' in made[5:] and ', COUNT' in made else type)]
        having = f' HAVING COUNT(*) {c.pick([">", "<>"])} 1' if c.chance(4) else ''
        query = Sql(f'SELECT CAST(w.{value} AS STRING) AS c0, {made} FROM w GROUP BY w.{value}{having}')
        return Rel(query, out, False, True)

    def nested_whole(self, depth):
        """Whole values at the top: made, compared, deduplicated."""
        c = self.c
        a = self.alias()
        rel = self.relation(depth - 1)
        columns = [x.of(a) for x in rel.columns]
        maker = self.expressions(columns)
        types = [c.pick(self.simple) for _ in range(2)]
        parts = [maker.make(type, 1) for type in types]
        form = c.pick(['ROW({0}, {1})', 'ARRAY[{0}, {0}]', "MAP['x', {0}, 'y', {0}]", 'ROW({0}, ROW({1}, {0}))',
                       'ARRAY[ROW({0}, {1})]', 'CAST(ROW({0}, {1}) AS ROW<f0 STRING, f1 STRING>)',
                       '(ROW({0}, {1}) = ROW({0}, {1}))', '(ARRAY[{0}] = ARRAY[{0}])', 'ROW({0}, {1}) IS NULL',
                       'CAST(ARRAY[{0}] AS ARRAY<STRING>)', 'ARRAY_APPEND(ARRAY[{0}], {0})', 'CARDINALITY(ARRAY[{0}, {0}])',
                       'ARRAY[ARRAY[{0}], ARRAY[{0}, {0}]]', 'ARRAY_DISTINCT(ARRAY[{0}, {0}])',
                       'ARRAY_CONCAT(ARRAY[{0}], ARRAY[{0}])', 'ARRAY_POSITION(ARRAY[{0}], {0})', 'COALESCE(ARRAY[{0}], ARRAY[{0}])'])
        kept = c.pick(columns)
        query = each(f'SELECT {{0}} AS c0, {form.replace("{1}", "{2}").replace("{0}", "{1}")} AS c1 FROM {{3}} AS {a}', None,
                     column(kept), *parts, rel.source())
        if depth < self.depth:
            return Rel(each('SELECT c0, CAST(c1 AS STRING) AS c1 FROM ({0})', None, query),
                       [Column('c0', kept.type), Column('c1', 'STRING')], rel.append, rel.exact, rel.single)
        return Rel(query, [Column('c0', kept.type), Column('c1', 'ARRAY')], rel.append, rel.exact, rel.single)

    def nested_join(self, depth):
        c = self.c
        rel = self.relation(depth - 1)
        a, b = self.alias(), self.alias()
        columns = [x.of(a) for x in rel.columns]
        pairs = [(path, x) for path, type in PATHS for x in columns if family(type) == family(x.type) and not x.rowtime]
        if not pairs:
            return rel
        path, x = c.pick(pairs)
        kind = c.pick(['JOIN', 'LEFT JOIN', 'RIGHT JOIN', 'FULL JOIN'])
        items, out = self.paths(b, 1, 2)
        kept = c.some(columns, 1, 2)
        items = [both(f'{{0}} AS e{i}', column(y)) for i, y in enumerate(kept)] + items
        query = each(f'SELECT {{0}} FROM {{1}} AS {a} {kind} w AS {b} ON {{2}} = {path.format(b)}', None, joined(items),
                     rel.source(), column(x))
        return Rel(query, [Column(f'e{i}', y.type) for i, y in enumerate(kept)] + out, kind == 'JOIN' and rel.append, False,
                   rel.single)

    # ---- on window aggregates

    def window_sums(self, rel, spec=None):
        """Aggregates of windows by k, with the time of the window as wt; and what made the windows."""
        c = self.c
        source, spec = self.windowed(rel, spec)
        x = c.pick([y for y in rel.columns if y.type in NUMBERS])
        made = c.pick([('COUNT(*)', 'BIGINT'), (f'SUM({x.name})', x.type), (f'MAX({x.name})', x.type)])
        query = each(f'SELECT window_start AS ws, window_end AS we, window_time AS wt, k, {made[0]} AS v FROM TABLE({{0}}) '
                     'GROUP BY window_start, window_end, window_time, k', None, source)
        k = next(y for y in rel.columns if y.name == 'k')
        return query, [Column('k', k.type), Column('v', made[1])], spec

    def on_windows(self, depth):
        """What reads window aggregates by their bounds or their time."""
        c = self.c
        rel = self.table('ef', True)
        if not rel.punctual:
            rel = self.table('e', True)
        inner, columns, spec = self.window_sums(rel)
        a, b = self.alias(), self.alias()
        v = columns[1]
        out = [Column('k', columns[0].type), Column('v', v.type)]
        kind = c.below(8)
        single = not rel.punctual
        if kind == 0:
            query = (f'SELECT k, v, rn FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY ws, we ORDER BY v {c.pick(["", "DESC"])}, k) '
                     f'AS rn FROM ({{0}})) WHERE rn <= {1 + c.below(2)}')
            out.append(Column('rn', 'BIGINT'))
        elif kind == 1:
            query = (f'SELECT k, v, COUNT(v) OVER (PARTITION BY k ORDER BY wt {c.pick(["", "ROWS BETWEEN 1 PRECEDING AND CURRENT ROW"])}'
                     ') AS n FROM ({0})')
            out.append(Column('n', 'BIGINT'))
        elif kind == 2:
            query = 'SELECT k, v FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY wt DESC) AS rn FROM ({0})) WHERE rn = 1'
        elif kind == 3:
            query = ("SELECT window_start AS ws2, k, SUM(v) AS v FROM TABLE(TUMBLE((SELECT wt, k, v FROM ({0})), DESCRIPTOR(wt), "
                     "INTERVAL '12' SECOND)) GROUP BY window_start, window_end, k")
            out = [Column('ws2', 'TIMESTAMP(3)')] + out
        elif kind == 4:
            query = ("SELECT k, v FROM ({0}) MATCH_RECOGNIZE (PARTITION BY k ORDER BY wt MEASURES B.v AS v PATTERN (A B) "
                     f'DEFINE B AS B.v {c.pick([">", "<=", "="])} A.v)')
        elif kind == 5:
            second, _, _ = self.window_sums(rel if c.chance(2) else self.table('e', True), spec)
            how = c.pick(['JOIN', 'LEFT JOIN', 'FULL JOIN'])
            query = (f'SELECT {a}.k, {a}.v, {b}.k AS k2, {b}.v AS v2 FROM ({{0}}) AS {a} {how} ({{1}}) AS {b} '
                     f'ON {a}.ws = {b}.ws AND {a}.we = {b}.we AND {a}.k = {b}.k')
            out += [Column('k2', 'INT'), Column('v2', 'BIGINT')]
            return Rel(each(query, None, inner, second), out, True, False, single or not self.tables['e'].punctual)
        elif kind == 6:
            query = f'SELECT ws, MAX(v) AS v, COUNT(*) AS n FROM ({{0}}) GROUP BY ws{c.pick(["", ", we"])}'
            out = [Column('ws', 'TIMESTAMP(3)'), Column('v', v.type), Column('n', 'BIGINT')]
        else:
            query = 'SELECT k, v, we FROM ({0}) UNION ALL SELECT k, v, we FROM ({0}) WHERE v > 1'
            out.append(Column('we', 'TIMESTAMP(3)'))
        return Rel(each(query, None, inner), out, kind != 2 and kind != 6, False, single)

    def window_sets(self, depth):
        """Windows with grouping sets, filters and distinct aggregates."""
        c = self.c
        rel = self.timed(depth - 1)
        plain = [x for x in rel.columns if not x.rowtime]
        keys = c.some(plain, 1, 2)
        names = [x.name for x in keys]
        source, spec = self.windowed(rel)
        made, out, single = self.aggregates(plain, Rel(None, rel.columns, exact=False), 1 + c.below(2), True)
        sets = c.pick([f'ROLLUP ({", ".join(names)})', f'CUBE ({", ".join(names)})', f'GROUPING SETS (({", ".join(names)}), ())',
                       f'GROUPING SETS (({names[0]}), ({names[-1]}))'])
        items = [Sql('window_start AS w0')] + [Sql(f'{n} AS k{i}') for i, n in enumerate(names)] + made
        query = each(f'SELECT {{0}} FROM TABLE({{1}}) GROUP BY window_start, window_end, {sets}', None, joined(items), source)
        columns = [Column('w0', 'TIMESTAMP(3)')] + [Column(f'k{i}', x.type) for i, x in enumerate(keys)] + out
        return Rel(query, columns, True, False, single or not rel.punctual, sets=True)

    def window_rows(self, depth):
        """The rows of windows as they are, filtered, joined with a plain table, counted by bounds."""
        c = self.c
        rel = self.timed(depth - 1)
        source, spec = self.windowed(rel)
        plain = [x for x in rel.columns if not x.rowtime]
        kept = c.some(plain, 1, 2)
        names = ', '.join(f'{x.name} AS c{i}' for i, x in enumerate(kept))
        out = [Column(f'c{i}', x.type) for i, x in enumerate(kept)]
        kind = c.below(4)
        if kind == 0:
            query = f'SELECT {names}, window_start AS w0, window_end AS w1 FROM TABLE({{0}})'
            out += [Column('w0', 'TIMESTAMP(3)'), Column('w1', 'TIMESTAMP(3)')]
        elif kind == 1:
            query = f'SELECT window_end AS w1, COUNT(*) AS n FROM TABLE({{0}}) GROUP BY window_end'
            out = [Column('w1', 'TIMESTAMP(3)'), Column('n', 'BIGINT')]
        elif kind == 2:
            query = f'SELECT DISTINCT {names} FROM TABLE({{0}})'
        else:
            query = f"SELECT {names} FROM TABLE({{0}}) WHERE window_start >= TIMESTAMP '2024-01-01 00:00:04'"
        return Rel(each(query, None, source), out, kind in (0, 3), False, not rel.punctual)

    # ---- order

    def by_time(self, depth):
        """ORDER BY a time attribute, at the top."""
        rel = self.timed(depth - 1)
        if depth < self.depth:
            return rel
        a = self.alias()
        columns = [x.of(a) for x in rel.columns]
        time = next(x for x in columns if x.rowtime)
        kept = self.c.some([x for x in columns if not x.rowtime], 1, 3)
        items = joined([both(f'{{0}} AS c{i}', column(x)) for i, x in enumerate(kept)])
        query = each(f'SELECT {{0}}, {time.ref} FROM {{1}} AS {a} ORDER BY {time.ref}', None, items, rel.source())
        return Rel(query, [Column(f'c{i}', x.type) for i, x in enumerate(kept)] + [Column('ts', 'TIMESTAMP(3)')], True,
                   rel.punctual and not rel.ties, not rel.punctual or rel.ties)

    def mixed_keys(self, depth):
        """Joins and lists whose sides have different types of one kind."""
        c = self.c
        left, right = self.relation(depth - 1), self.relation(depth - 2)
        a, b = self.alias(), self.alias()
        numbers = [x.of(a) for x in left.columns if x.type in NUMBERS or x.type.startswith('DECIMAL')]
        others = [x.of(b) for x in right.columns if x.type in NUMBERS or x.type.startswith('DECIMAL')]
        if not numbers or not others:
            return left
        x, y = c.pick(numbers), c.pick(others)
        items, out = self.pair(left, right, a, b)
        test = c.pick(['{0} = {1}', '{0} = {1} + 0', '{0} * 1 = {1}', 'CAST({0} AS BIGINT) = {1}', '{0} = CAST({1} AS DOUBLE)',
                       '{0} = {1} AND {0} < 100', '{0} BETWEEN {1} AND {1} + 1', '{0} = {1} OR {0} IS NULL'])
        kind = c.pick(['JOIN', 'LEFT JOIN', 'FULL JOIN'] if 'BETWEEN' not in test and ' OR ' not in test else ['JOIN'])
        test = test.replace('{0}', '{3}').replace('{1}', '{4}')
        query = each(f'SELECT {{0}} FROM {{1}} AS {a} {kind} {{2}} AS {b} ON {test}', None, items, left.source(),
                     right.source(), column(x), column(y))
        return Rel(query, out, kind == 'JOIN' and left.append and right.append, False, left.single or right.single)
