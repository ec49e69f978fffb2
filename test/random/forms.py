"""forms.py - rarer forms of queries: subqueries as values, within each other and over groups, windows over
changes and unions, named windows, QUALIFY, joins by names, LATERAL aggregates. A part of Queries.
"""

from expressions import NUMBERS, SIMPLE, Sql, alike, both, column, each, family, joined
from relation import Rel
from tables import Column


class Forms:
    def chosen(self, columns, least=1, most=2, prefix='c'):
        """Some columns as a select list, and what they are then."""
        kept = self.c.some(columns, least, most)
        items = [both(f'{{0}} AS {prefix}{i}', column(x)) for i, x in enumerate(kept)]
        return items, [Column(f'{prefix}{i}', x.type) for i, x in enumerate(kept)]

    def pairs(self, lefts, rights):
        return [(x, y) for x in lefts for y in rights
                if family(x.type) == family(y.type) and x.type in SIMPLE and 'ts' not in (x.name, y.name)]

    # ---- subqueries

    def value_subquery(self, depth):
        """IN, EXISTS, SOME and ALL in the select list, alone or within an expression."""
        c = self.c
        left, right = self.relation(depth - 1), self.relation(depth - 2)
        a, b = self.alias(), self.alias()
        lefts, rights = [x.of(a) for x in left.columns], [x.of(b) for x in right.columns]
        pairs = self.pairs(lefts, rights)
        if not pairs:
            return left
        x, y = c.pick(pairs)
        form = c.pick(['{0} IN (SELECT {1} FROM {2})', 'EXISTS (SELECT 1 FROM {2} WHERE {1} = {0})',
                       '{0} NOT IN (SELECT {1} FROM {2})', 'NOT EXISTS (SELECT {1} FROM {2} WHERE {1} = {0})',
                       '{0} > SOME (SELECT {1} FROM {2})', '{0} <= ALL (SELECT {1} FROM {2})',
                       '{0} IN (SELECT {1} FROM {2} WHERE {1} IS NOT NULL)'])
        if x.type == 'BOOLEAN' and ('SOME' in form or 'ALL' in form):
            form = '{0} IN (SELECT {1} FROM {2})'
        source = both(f'{{0}} AS {b}', right.source())
        test = each(form, None, column(x), column(y), source)
        value = each(c.pick(['{0}', 'CASE WHEN {0} THEN 1 ELSE 0 END', '({0}) IS TRUE', 'COALESCE({0}, FALSE)']), None, test)
        type = 'INT' if 'CASE' in value.flink[:5] else 'BOOLEAN'
        self.empties = True
        items, out = self.chosen(lefts)
        query = each(f'SELECT {{0}}, {{1}} AS x FROM {{2}} AS {a}', None, joined(items), value, left.source())
        return Rel(query, out + [Column('x', type)], False, False, left.single or right.single)

    def exists_deep(self, depth):
        """EXISTS within EXISTS. (Where the innermost is tied to the outermost Flink's answer is wrong.)"""
        c = self.c
        rels = [self.relation(depth - 1), self.relation(depth - 2), self.table()]
        names = [self.alias() for _ in rels]
        columns = [[x.of(n) for x in rel.columns] for rel, n in zip(rels, names)]
        first, second = self.pairs(columns[0], columns[1]), self.pairs(columns[1], columns[2])
        if not first or not second:
            return rels[0]
        (x, y), (v, w) = c.pick(first), c.pick(second)
        inner = both('{0} = {1}', column(w), column(v))
        words = [c.pick(['EXISTS', 'NOT EXISTS']) for _ in range(2)]
        items, out = self.chosen(columns[0])
        query = both(f'SELECT {{0}} FROM {{1}} AS {names[0]} WHERE {words[0]} (SELECT 1 FROM {{2}} AS {names[1]} WHERE '
                     f'{{3}} = {{4}} AND {words[1]} (SELECT 1 FROM {{5}} AS {names[2]} WHERE {{6}}))', joined(items),
                     rels[0].source(), rels[1].source(), column(x), column(y), rels[2].source(), inner)
        return Rel(query, out, False, False, any(rel.single for rel in rels))

    def row_in(self, depth):
        c = self.c
        left, right = self.relation(depth - 1), self.relation(depth - 2)
        a, b = self.alias(), self.alias()
        lefts, rights = [x.of(a) for x in left.columns], [x.of(b) for x in right.columns]
        pairs = [(x, y) for x, y in self.pairs(lefts, rights) if x.type == y.type]
        if len(pairs) < 2:
            return left
        (x, y), (v, w) = c.some(pairs, 2, 2)
        items, out = self.chosen(lefts)
        query = each(f'SELECT {{0}} FROM {{1}} AS {a} WHERE ({{2}}, {{3}}) {c.pick(["IN", "NOT IN"])} (SELECT {{4}}, {{5}} '
                     f'FROM {{6}} AS {b})', None, joined(items), left.source(), column(x), column(v), column(y), column(w),
                     right.source())
        return Rel(query, out, False, False, left.single or right.single)

    def having_subquery(self, depth):
        c = self.c
        left, right = self.relation(depth - 1), self.relation(depth - 2)
        a, b = self.alias(), self.alias()
        lefts, rights = [x.of(a) for x in left.columns], [x.of(b) for x in right.columns]
        keys = c.some([x for x in lefts if not x.type.startswith('ARRAY')], 1, 1)
        same = alike(rights, keys[0].type) if keys else []
        if not keys:
            return left
        forms = [each(f'COUNT(*) {c.pick([">", "<=", "="])} (SELECT COUNT(*) FROM {{0}} AS {b})', None, right.source())]
        if same:
            y = c.pick(same)
            forms.append(each(f'{{0}} {c.pick(["IN", "NOT IN"])} (SELECT {{1}} FROM {{2}} AS {b})', None, column(keys[0]),
                              column(y), right.source()))
        self.empties = True
        made, out, single = self.aggregates([x for x in lefts if x not in keys] or lefts, left, 1 + c.below(2))
        query = each(f'SELECT {{0}} AS k0, {{1}} FROM {{2}} AS {a} GROUP BY {{0}} HAVING {{3}}', None, column(keys[0]),
                     joined(made), left.source(), c.pick(forms))
        return Rel(query, [Column('k0', keys[0].type)] + out, False, False, left.single or right.single or single)

    def lateral_aggregate(self, depth):
        c = self.c
        left, right = self.relation(depth - 1), self.relation(depth - 2)
        a, b, d = self.alias(), self.alias(), self.alias()
        lefts, rights = [x.of(a) for x in left.columns], [x.of(b) for x in right.columns]
        pairs = [(x, y) for x, y in self.pairs(lefts, rights) if x.type == y.type]
        if not pairs:
            return left
        x, y = c.pick(pairs)
        made, out, single = self.aggregates(rights, Rel(None, rights, exact=False), 1 + c.below(2))
        self.empties = True
        items, kept = self.chosen(lefts)
        names = [both(f'{d}.{z.name}') for z in out]
        how = c.pick([f'CROSS JOIN LATERAL {{3}} AS {d}', f'LEFT JOIN LATERAL {{3}} AS {d} ON TRUE'])
        inner = each(f'(SELECT {{0}} FROM {{1}} AS {b} WHERE {{2}} = {{3}})', None, joined(made), right.source(), column(y),
                     column(x))
        query = each(f'SELECT {{0}}, {{1}} FROM {{2}} AS {a} {how}', None, joined(items), joined(names), left.source(), inner)
        return Rel(query, kept + out, False, False, left.single or right.single or single)

    # ---- windows

    def changing_window(self, depth):
        """Windows over rows that change."""
        c = self.c
        base = self.table('u', True)
        a = self.alias()
        plain = [x.of(a) for x in base.columns if not x.rowtime]
        if c.chance(3):
            source, spec = Sql(f"SESSION(TABLE u, DESCRIPTOR(ts), INTERVAL '{c.pick([1, 2, 3])}' SECOND)"), 'SESSION'
        else:
            source, made = self.windowed(base)
            spec = made[0]
        keys = c.some(plain, 0, 2)
        made, out, single = self.aggregates(plain, Rel(None, base.columns, exact=False), 1 + c.below(2), True)
        items = [Sql('window_start')] + [both(f'{{0}} AS k{i}', column(x)) for i, x in enumerate(keys)] + made
        by = ', '.join(['window_start', 'window_end'] + [x.ref for x in keys])
        query = each(f'SELECT {{0}} FROM TABLE({{1}}) AS {a} GROUP BY {by}', None, joined(items), source)
        columns = [Column('window_start', 'TIMESTAMP(3)')] + [Column(f'k{i}', x.type) for i, x in enumerate(keys)] + out
        return Rel(query, columns, True, False, single or not base.punctual)

    def named_window(self, depth):
        """Several aggregates over one OVER window with a name, by event or processing time."""
        c = self.c
        base = self.table('ef', True)
        plain = [x for x in base.columns if not x.rowtime]
        keys = c.some(plain, 0, 2)
        time = c.pick(['ts', 'pt'])
        frame = c.pick(['', 'ROWS BETWEEN 2 PRECEDING AND CURRENT ROW', 'ROWS UNBOUNDED PRECEDING',
                        "RANGE BETWEEN INTERVAL '3' SECOND PRECEDING AND CURRENT ROW" if time == 'ts' else ''])
        partition = f'PARTITION BY {", ".join(x.name for x in keys)} ' if keys else ''
        made, out = [], []
        for i in range(1 + c.below(3)):
            x = c.pick(plain)
            forms = [('COUNT({0})', 'BIGINT'), ('MIN({0})', x.type), ('MAX({0})', x.type), ('COUNT(DISTINCT {0})', 'BIGINT'),
                     ('FIRST_VALUE({0})', x.type), ('LAST_VALUE({0})', x.type)]
            if x.type == 'BOOLEAN':
                forms = forms[:1]
            if x.type in NUMBERS:
                forms += [('SUM({0})', x.type), ('SUM({0}) FILTER (WHERE id > 2)', x.type)]
            form, type = c.pick(forms)
            made.append(f"{form.format(x.name)} OVER w AS a{i}")
            out.append(Column(f'a{i}', type))
        query = Sql(f'SELECT id, {", ".join(made)} FROM {base.table} WINDOW w AS ({partition}ORDER BY {time} {frame})')
        return Rel(query, [Column('id', 'BIGINT')] + out, True, not keys and not base.ties, time == 'pt' or not base.punctual or
                   base.ties)

    def qualify(self, depth):
        c = self.c
        rel = self.relation(depth - 1)
        a = self.alias()
        columns = [x.of(a) for x in rel.columns]
        keys = c.some(columns, 0, 1)
        by, total = self.ordering(columns, not rel.exact)
        partition = both('PARTITION BY {0} ', column(keys[0])) if keys else both('')
        items, out = self.chosen(columns, 1, 3)
        query = each(f'SELECT {{0}} FROM {{1}} AS {a} QUALIFY ROW_NUMBER() OVER ({{2}}ORDER BY {{3}}) <= {2 + c.below(2)}', None,
                     joined(items), rel.source(), partition, by)
        return Rel(query, out, False, rel.exact, rel.single or not total)

    # ---- joins by names

    def chain(self, depth):
        """Three tables, joined by the names of columns."""
        c = self.c
        names = [c.pick('tefu') for _ in range(3)]
        a = [self.alias() for _ in range(3)]
        kinds = [c.pick(['JOIN', 'LEFT JOIN', 'FULL JOIN', 'RIGHT JOIN']) for _ in range(2)]
        by = c.pick(['k', 's', 'k, s', 'id'])
        sources = [both(f'(SELECT id AS id{i}, k, s FROM {n})' if by != 'id' else f'(SELECT id, k AS k{i} FROM {n})')
                   for i, n in enumerate(names)]
        keys = by.split(', ')
        ids = [f'id{i}' for i in range(3)] if by != 'id' else [f'k{i}' for i in range(3)]
        shown = keys + c.some(ids, 1, 3)
        types = {'k': 'BIGINT', 's': 'STRING', 'id': 'BIGINT'}
        query = both(f'SELECT {", ".join(f"{x} AS c{i}" for i, x in enumerate(shown))} FROM {{0}} AS {a[0]} {kinds[0]} {{1}} AS '
                     f'{a[1]} USING ({by}) {kinds[1]} {{2}} AS {a[2]} USING ({by})', *sources)
        return Rel(query.without_lite(), [Column(f'c{i}', types.get(x, 'BIGINT')) for i, x in enumerate(shown)], False, False)
