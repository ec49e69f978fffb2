"""queries.py - random queries over the tables of tables.py, with what may be said of their results.

Every query has one right final result. Where rows tie, the ORDER BY goes over all columns, or the
query is marked as one whose result follows from the order of its single input.
"""

import re

from expressions import NUMBERS, SIMPLE, STANDARD, Expressions, Sql, alike, both, column, each, family, joined
from forms import Forms
from operators import Operators
from relation import Rel
from shapes import Shapes
from tables import Column
from wide import Wide

SIZES = [2, 4, 6, 10]  # of windows, in seconds


def passed(*columns):
    """Columns under an operator that does not keep their uniqueness and their being a time attribute."""
    return [Column(c.name, c.type) for c in columns]


class Queries(Forms, Shapes, Wide, Operators):
    def __init__(self, choices, tables, wide=0, number=0, zone='UTC'):
        self.c, self.tables = choices, {t.name: t for t in tables}
        self.wide, self.number, self.zone = wide, number, zone
        self.before, self.after = [], []  # statements that the query needs, and those that undo them
        self.aliases = 0
        self.flawed = False  # Flink is known to be wrong
        self.over_changing = False  # OVER on rows that change
        self.empties = False  # an aggregate of no rows, which a batch knows and a stream does not
        self.standard = choices.chance(3)  # only what SQLite can be asked about
        self.simple = STANDARD if self.standard else SIMPLE

    def expressions(self, columns):
        return Expressions(self.c, columns, self.standard)

    def alias(self):
        self.aliases += 1
        return f'q{self.aliases}'

    # ---- inputs

    def table(self, names='tefu', timed=False):
        t = self.tables[self.c.pick(names)]
        columns = [x for x in t.columns if not self.standard or not x.type.startswith('DECIMAL')]
        if not timed and not t.punctual:
            # An equality of two time attributes is an interval join, which drops late rows.
            columns = [x for x in columns if not x.rowtime]
        return Rel(both(f'SELECT {", ".join(x.name for x in columns)} FROM {t.name}'), columns, append=not t.changing, table=t.name,
                   punctual=t.punctual, ties=t.ties)

    def relation(self, depth):
        c = self.c
        if depth <= 0:
            return self.table()
        if self.wide > 1 and c.chance(3):
            return self.rarer(depth)
        if self.wide and c.chance(2):
            return self.wider(depth)
        if self.standard:
            return c.weighted((3, self.project), (4, self.group), (4, self.join), (4, self.semi), (2, self.top),
                              (3, self.set_operation), (2, self.distinct), (2, self.scalar), (2, self.exists_deep))(depth)
        return c.weighted(
            (3, self.project), (4, self.group), (4, self.join), (2, self.semi), (2, self.top),
            (2, self.set_operation), (2, self.distinct), (3, self.window_group), (1, self.dedup),
            (2, self.over), (1, self.over_any), (1, self.interval_join), (1, self.temporal_join),
            (1, self.window_join), (1, self.window_top), (1, self.unnest), (2, self.scalar),
            (1, self.grouping_sets), (1, self.reuse), (1, self.lateral_top), (1, self.dedup_proctime),
            (1, self.values), (1, self.to_changelog), (1, self.legacy_window), (3, self.match),
            (1, self.value_subquery), (1, self.exists_deep), (1, self.row_in), (1, self.having_subquery),
            (1, self.lateral_aggregate), (1, self.changing_window), (1, self.named_window),
            (1, self.qualify), (1, self.chain), (2, self.nested), (1, self.nested_groups), (1, self.nested_whole),
            (1, self.nested_join), (3, self.on_windows), (2, self.window_sets), (1, self.window_rows), (1, self.by_time),
            (2, self.mixed_keys))(depth)

    def timed(self, depth, punctual=False):
        """A relation of insertions with a time attribute."""
        c = self.c
        names = [n for n in 'ef' if not punctual or self.tables[n].punctual]
        if not punctual and c.chance(20):
            names = ['u']
        names = names or ['e']
        base = self.table(names, True)
        if depth <= 0 or c.below(3) < 2:
            return base
        a = self.alias()
        inner = [x.of(a) for x in base.columns]
        others = [x for x in inner if not x.rowtime]
        kept = [x for x in others if x.name in ('id', 'k') or c.mostly(3)] + [base.time().of(a)]
        where = self.expressions(inner).boolean('BOOLEAN', 2)
        query = both(f'SELECT {", ".join(x.ref for x in kept)} FROM {{0}} AS {a} WHERE {{1}}', base.source(), where)
        return Rel(query, [Column(x.name, x.type, unique=x.unique, rowtime=x.rowtime) for x in kept],
                   append=base.append, punctual=base.punctual, ties=base.ties)

    # ---- stateless

    def items(self, columns, least=1, most=4):
        """A select list of columns and expressions: its text, and the columns it makes."""
        c = self.c
        made, out = [], []
        count = least + c.below(most - least + 1)
        maker = self.expressions(columns)
        for i in range(count):
            if columns and c.below(5) < 3:
                x = c.pick(columns)
                made.append(column(x))
                out.append(Column(f'c{i}', x.type, unique=x.unique))
            else:
                type = c.pick(self.simple)
                made.append(maker.make(type, 3))
                out.append(Column(f'c{i}', type))
        return joined([both(f'{{0}} AS c{i}', e) for i, e in enumerate(made)]), out

    def project(self, depth):
        rel = self.relation(depth - 1)
        a = self.alias()
        columns = [x.of(a) for x in rel.columns]
        text, out = self.items(columns)
        query = both(f'SELECT {{0}} FROM {{1}} AS {a}', text, rel.source())
        if self.c.chance(2):
            query = both('{0} WHERE {1}', query, self.expressions(columns).boolean('BOOLEAN', 3))
        return Rel(query, out, rel.append, rel.exact, rel.single)

    def unnest(self, depth):
        c = self.c
        rel = self.relation(depth - 1)
        a = self.alias()
        columns = [x.of(a) for x in rel.columns]
        type = c.pick(['INT', 'STRING', 'DOUBLE'])
        maker = self.expressions(columns)
        # An array of constants is a table of its own, which the planner joins: an order of its own too.
        varies = alike(columns, type)
        array = joined([column(c.pick(varies)) if varies else maker.literal(type)] +
                       [maker.make(type, 1) for _ in range(c.below(3))])
        kept = c.some(columns, 1, 2)
        ordinal = c.chance(3)
        how = c.pick(['CROSS JOIN UNNEST(ARRAY[{2}]) {3}', 'LEFT JOIN UNNEST(ARRAY[{2}]) {3} ON TRUE'])
        names = Sql('WITH ORDINALITY AS w (x, o)' if ordinal else 'AS w (x)')
        items = joined([both(f'{{0}} AS c{i}', column(x)) for i, x in enumerate(kept)])
        extra = ', x, o' if ordinal else ', x'
        query = each(f'SELECT {{0}}{extra} FROM {{1}} AS {a} {how}', None, items, rel.source(), array, names)
        out = [Column(f'c{i}', x.type) for i, x in enumerate(kept)] + [Column('x', type)]
        return Rel(query, out + ([Column('o', 'INT')] if ordinal else []), rel.append,
                   rel.exact and bool(varies), rel.single)

    def values(self, depth):
        c = self.c
        types = [c.pick(SIMPLE) for _ in range(1 + c.below(3))]
        maker = self.expressions([])
        rows = [joined([both(f'CAST({{0}} AS {type})', maker.literal(type)) for type in types])
                for _ in range(1 + c.below(4))]
        names = ', '.join(f'c{i}' for i in range(len(types)))
        query = each(f'SELECT {names} FROM (VALUES {{0}}) AS {self.alias()} ({names})', None,
                     joined([both('({0})', row) for row in rows]))
        return Rel(query, [Column(f'c{i}', type) for i, type in enumerate(types)], exact=False)

    def to_changelog(self, depth):
        base = self.table('utf')
        columns = self.c.some(base.columns, 1, 3)
        names = ', '.join(x.name for x in columns)
        query = each(f'SELECT op, {names} FROM TO_CHANGELOG(input => TABLE {base.table})', None)
        return Rel(query, [Column('op', 'STRING')] + passed(*columns), exact=base.exact)

    def reuse(self, depth):
        """One query read twice."""
        c = self.c
        rel = self.relation(depth - 1)
        name, a, b = self.alias(), self.alias(), self.alias()
        kind = c.pick(['JOIN', 'LEFT JOIN', 'FULL JOIN'])
        # A stamp may still be a time attribute, and its rows late for an interval join.
        plain = [x for x in rel.columns if x.type != 'TIMESTAMP(3)'] or rel.columns
        on = self.condition([x.of(a) for x in plain], [x.of(b) for x in plain])
        items, out = self.pair(rel, rel, a, b)
        query = each(f'WITH {name} AS (SELECT * FROM {{0}}) SELECT {{1}} FROM {name} AS {a} {kind} {name} AS {b} '
                     f'ON {{2}}', None, rel.source(), items, on)
        if rel.table:
            query = query.without_lite()
        return Rel(query, out, kind == 'JOIN' and rel.append, False, rel.single)

    def lateral_top(self, depth):
        """For each row the first few of others that go with it."""
        c = self.c
        left, right = self.relation(depth - 1), self.relation(depth - 2)
        a, b, d = self.alias(), self.alias(), self.alias()
        pairs = [(x, y) for x in left.columns for y in right.columns
                 if x.type == y.type and x.type in SIMPLE and 'ts' not in (x.name, y.name)]
        if not pairs:
            return left
        x, y = c.pick(pairs)
        by, _ = self.ordering([z.of(b) for z in right.columns], True)
        kept = c.some(right.columns, 1, 2)
        items = joined([both(f'{b}.{z.name} AS d{i}') for i, z in enumerate(kept)])
        # Flink knows it where the left side is an aggregate, here of the key.
        mine = [x]
        outer = joined([both(f'{a}.{x.name} AS c0')] + [both(f'{d}.d{i}') for i in range(len(kept))])
        inner = both(f'(SELECT {{0}} FROM {{1}} AS {b} WHERE {b}.{y.name} = {a}.{x.name} ORDER BY {{2}} '
                     f'LIMIT {1 + c.below(3)})', items, right.source(), by)
        query = each(f'SELECT {{0}} FROM (SELECT DISTINCT {x.name} FROM {{2}}) AS {a}, LATERAL {{1}} AS {d}', None,
                     outer, inner, left.source())
        out = [Column(f'c{i}', z.type) for i, z in enumerate(mine)]
        out += [Column(f'd{i}', z.type) for i, z in enumerate(kept)]
        return Rel(query, out, False, False, left.single or right.single)

    def dedup_proctime(self, depth):
        """The first or the last of each key, as they come."""
        c = self.c
        base = self.table('tef', True)
        keys = c.some([x for x in base.columns if x.name != 'id'], 1, 2)
        kept = c.some(base.columns, 1, 3)
        items = ', '.join(f'{x.name} AS c{i}' for i, x in enumerate(kept))
        query = each(f'SELECT {items} FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY '
                     f'{", ".join(x.name for x in keys)} ORDER BY pt {c.pick(["ASC", "DESC"])}) AS rn '
                     f'FROM {base.table}) WHERE rn = 1', None)
        return Rel(query, [Column(f'c{i}', x.type) for i, x in enumerate(kept)], False, True, True)

    def legacy_window(self, depth):
        c = self.c
        rel = self.timed(depth - 1)
        a = self.alias()
        plain = [x.of(a) for x in rel.columns if not x.rowtime]
        keys = c.some(plain, 0, 1)
        time = rel.time().of(a).ref
        size, kind = c.pick(SIZES), c.pick(['TUMBLE', 'HOP', 'SESSION'])
        slide = "INTERVAL '2' SECOND, " if kind == 'HOP' else ''
        window = f"({time}, {slide}INTERVAL '{size}' SECOND)"
        inner = Rel(None, rel.columns, exact=False)
        made, out, single = self.aggregates(plain, inner, 1 + c.below(2), True)
        bounds = c.some([f'{kind}_START{window}', f'{kind}_END{window}'], 0, 2)
        items = [Sql(f'{x} AS w{i}') for i, x in enumerate(bounds)]
        items += [both(f'{{0}} AS k{i}', column(x)) for i, x in enumerate(keys)] + made
        by = ', '.join([kind + window] + [x.ref for x in keys])
        query = each(f'SELECT {{0}} FROM {{1}} AS {a} GROUP BY {by}', None, joined(items), rel.source())
        columns = [Column(f'w{i}', 'TIMESTAMP(3)') for i in range(len(bounds))]
        columns += [Column(f'k{i}', x.type) for i, x in enumerate(keys)] + out
        return Rel(query, columns, True, False, single or not rel.punctual)

    # ---- aggregation

    def aggregate(self, columns, maker, ordered, sliced):
        """One aggregate over [columns]: text, type, and whether it follows from the order of arrival."""
        c = self.c
        kind = c.below(9)
        whole = [x for x in columns if x.type in NUMBERS or x.type.startswith('DECIMAL')]
        single = False

        def argument(of):
            return column(c.pick(of)) if c.below(3) < 2 else None

        if kind == 0:
            text, type = both('COUNT(*)'), 'BIGINT'
        elif kind in (1, 2):
            x = c.pick(columns)
            text, type = both(c.pick(['COUNT({0})', 'COUNT(DISTINCT {0})']), column(x)), 'BIGINT'
        elif kind in (3, 4) and whole:
            x = c.pick(whole)
            e = argument([x]) or maker.make(x.type, 1)
            forms = ['SUM({0})', 'SUM(DISTINCT {0})']
            text, type = both(c.pick(forms[:1 if x.type == 'DOUBLE' or sliced else 2]), e), x.type
        elif kind == 5 and whole:
            x = c.pick(whole)
            if x.type == 'DOUBLE':
                text, type = both('AVG({0})', column(x)), x.type
            else:
                text, type = each('AVG({0})', 'SUM({0}) / COUNT({0})', column(x)), x.type
                # The filter behind it would have to go into both.
                return text, type, False, False
        elif kind == 8 and ordered and not self.standard:
            x = c.pick(columns)
            form, type = c.pick([('FIRST_VALUE({0})', x.type), ('LAST_VALUE({0})', x.type),
                                 ('LISTAGG(CAST({0} AS STRING))', 'STRING'), ('CAST(ARRAY_AGG({0}) AS STRING)', 'STRING'),
                                 ('JSON_ARRAYAGG({0} NULL ON NULL)', 'STRING')])
            if form.startswith(('CA', 'JS')):
                return each(form, None, column(x)), type, True, False
            text = each(form, None, column(x))
            single = True
        elif kind == 7 and whole and not self.standard and c.chance(3):
            x = c.pick(whole)
            form = c.pick(['STDDEV_POP({0})', 'VAR_SAMP({0})', 'STDDEV_SAMP({0})', 'VAR_POP({0})'])
            # Their digits depend on the order of the rows: only whole numbers of it are shown.
            text, type = each(f'CAST({form} AS INT)', None, column(x)), 'INT'
            return text, type, True, False
        else:
            sortable = [x for x in columns if x.type in self.simple and x.type != 'BOOLEAN'] or columns
            x = c.pick(sortable)
            e = argument([x]) or maker.make(x.type, 1)
            text, type = both(c.pick(['MIN({0})', 'MAX({0})']), e), x.type
        return text, type, single, True

    def aggregates(self, columns, rel, count, sliced=False):
        c = self.c
        maker = self.expressions(columns)
        made, out, single = [], [], False
        for i in range(count):
            text, type, follows, filters = self.aggregate(columns, maker, rel.exact, sliced)
            if filters and c.chance(5):
                text = both('{0} FILTER (WHERE {1})', text, maker.boolean('BOOLEAN', 1))
            single = single or follows
            made.append(both(f'{{0}} AS a{i}', text))
            out.append(Column(f'a{i}', type))
        return made, out, single

    def group(self, depth):
        c = self.c
        rel = self.relation(depth - 1)
        a = self.alias()
        columns = [x.of(a) for x in rel.columns]
        keys = c.some([x for x in columns if not x.type.startswith('ARRAY')], 0, 2)
        key_texts = [column(x) if c.mostly(4) else self.expressions(columns).make(x.type, 2) for x in keys]
        # MIN of a key tells groups apart, which planners may use in many ways.
        others = [x for x in columns if x not in keys] or columns
        made, out, single = self.aggregates(others, rel, 1 + c.below(3))
        items = [both(f'{{0}} AS k{i}', e) for i, e in enumerate(key_texts)] + made
        query = both(f'SELECT {{0}} FROM {{1}} AS {a}', joined(items), rel.source())
        having = None
        if (self.standard and not keys) or c.chance(4):
            forms = ['COUNT(*) > 1', 'COUNT(*) <> 2'] + [f'MAX({x.ref}) IS NOT NULL' for x in columns[:1]]
            having = both(c.pick(forms))
        if keys:
            # A bare number would be a place in the select list, to SQLite.
            by = joined([e if e.flink == x.ref else each('{0}', 'COALESCE({0}, NULL)', e) for e, x in zip(key_texts, keys)])
            query = both('{0} GROUP BY {1}', query, by)
            if having:
                query = both('{0} HAVING {1}', query, having)
        else:
            self.empties = True
            # A stream without rows has no row of its aggregate, and nobody takes one back.
            test = having or both('TRUE')
            if (rel.append or rel.exact) and not self.standard:
                # A filter that can pass nothing is another matter: Flink plans a constant row there.
                query = each('{0} HAVING {1}' if having else '{0}', None, query, test)
            else:
                # Whether there was ever a row may depend on the order of two inputs.
                query = both('{0} HAVING COUNT(*) > 0 AND {1}', query, test)
        names = [Column(f'k{i}', x.type) for i, x in enumerate(keys)]
        return Rel(query, names + out, False, rel.exact, rel.single or single)

    def grouping_sets(self, depth):
        c = self.c
        rel = self.relation(depth - 1)
        a = self.alias()
        columns = [x.of(a) for x in rel.columns]
        keys = c.some(columns, 2, 3)
        made, out, single = self.aggregates(columns, rel, 1 + c.below(2))
        names = [x.ref for x in keys]
        self.empties = True
        form = c.below(3)
        if form == 0:
            by = f'ROLLUP ({", ".join(names)})'
        elif form == 1:
            by = f'CUBE ({", ".join(names)})'
        else:
            by = f'GROUPING SETS (({", ".join(names)}), ({names[-1]}), ())'
        items = [Sql(f'{n} AS k{i}') for i, n in enumerate(names)] + made
        if c.chance(2):
            items.append(Sql(f'GROUPING({names[0]}) AS g'))
            out = out + [Column('g', 'BIGINT')]
        query = each(f'SELECT {{0}} FROM {{1}} AS {a} GROUP BY {by}', None, joined(items), rel.source())
        return Rel(query, [Column(f'k{i}', x.type) for i, x in enumerate(keys)] + out, False, False,
                   rel.single or single, sets=True)

    def distinct(self, depth):
        rel = self.relation(depth - 1)
        a = self.alias()
        kept = self.c.some([x.of(a) for x in rel.columns], 1, 3)
        items = joined([both(f'{{0}} AS c{i}', column(x)) for i, x in enumerate(kept)])
        if rel.sets:
            return rel  # Flink takes the keys of GROUPING SETS for unique, and leaves DISTINCT out
        query = both(f'SELECT DISTINCT {{0}} FROM {{1}} AS {a}', items, rel.source())
        return Rel(query, [Column(f'c{i}', x.type) for i, x in enumerate(kept)], False, rel.exact, rel.single)

    # ---- joins

    def condition(self, left, right, equal=True):
        """What ties the rows of two inputs: mostly an equality, and sometimes more."""
        c = self.c
        # A time attribute equal to a plain time makes an interval join, whose rows may come late: what it
        # gives is for the arrival of rows to say.
        pairs = [(x, y) for x in left for y in right if family(x.type) == family(y.type) and not
                 x.type.startswith(('ARRAY', 'TIMESTAMP'))]
        parts = []
        if pairs:
            near = [(x, y) for x, y in pairs if x.name == y.name and x.name != 'id'] or pairs
            for x, y in c.some(near if c.mostly(3) else pairs, 1, 2):
                sign = '=' if equal or c.mostly(4) else c.pick(['<', 'IS NOT DISTINCT FROM', '>', '<>'])
                if 'NOT' in sign and x.type != y.type and c.mostly(10):
                    sign = '='  # refused
                parts.append(both(f'{{0}} {sign} {{1}}', column(x), column(y)))
        if not parts or c.chance(4):
            parts.append(self.expressions(left + right).boolean('BOOLEAN', 2))
        return joined(parts, ' AND ')

    def pair(self, left, right, a, b):
        """A select list over both inputs of a join."""
        kept = self.c.some([x.of(a) for x in left.columns], 1, 3) + self.c.some(
            [x.of(b) for x in right.columns], 1, 2)
        items = joined([both(f'{{0}} AS c{i}', column(x)) for i, x in enumerate(kept)])
        return items, [Column(f'c{i}', x.type) for i, x in enumerate(kept)]

    def join(self, depth):
        c = self.c
        left, right = self.relation(depth - 1), self.relation(depth - 2)
        a, b = self.alias(), self.alias()
        kind = c.pick(['JOIN', 'LEFT JOIN', 'RIGHT JOIN', 'FULL JOIN'])
        on = self.condition([x.of(a) for x in left.columns], [x.of(b) for x in right.columns], False)
        items, out = self.pair(left, right, a, b)
        query = both(f'SELECT {{0}} FROM {{1}} AS {a} {kind} {{2}} AS {b} ON {{3}}', items, left.source(),
                     right.source(), on)
        if c.chance(4):
            sides = [x.of(a) for x in left.columns] + [x.of(b) for x in right.columns]
            query = both('{0} WHERE {1}', query, self.expressions(sides).boolean('BOOLEAN', 2))
        return Rel(query, out, kind == 'JOIN' and left.append and right.append, False,
                   left.single or right.single)

    def semi(self, depth):
        c = self.c
        left, right = self.relation(depth - 1), self.relation(depth - 2)
        a, b = self.alias(), self.alias()
        lefts, rights = [x.of(a) for x in left.columns], [x.of(b) for x in right.columns]
        kind = c.pick(['EXISTS', 'IN', 'NOT EXISTS', 'NOT IN'])
        if 'EXISTS' in kind:
            on = self.condition(lefts, rights, False)
            test = both(f'{kind} (SELECT 1 FROM {{0}} AS {b} WHERE {{1}})', right.source(), on)
            # A tie with an OR in it goes by a domain, in which Flink finds no NULL.
            if any(word in on.flink for word in (' OR ', 'DISTINCT', 'NOT ', 'CASE', ' IN ', 'IF(')):
                test = test.without_lite()
        else:
            pairs = [(x, y) for x in lefts for y in rights if x.type == y.type]
            if not pairs:
                return left
            x, y = c.pick(pairs)
            inner = both(f'SELECT {{0}} FROM {{1}} AS {b}', column(y), right.source())
            if c.chance(2):
                inner = both('{0} WHERE {1}', inner, self.expressions(rights).boolean('BOOLEAN', 2))
            test = both(f'{{0}} {kind} ({{1}})', column(x), inner)
        if c.chance(5):
            word = 'OR' if c.chance(4) else 'AND'
            if word == 'OR':  # then it counts the subquery's rows, and a stream does not count none
                self.empties, test = True, test.without_lite()
            test = both(f'({{0}}) {word} {{1}}', test, self.expressions(lefts).boolean('BOOLEAN', 2))
        kept = c.some(lefts, 1, 3)
        items = joined([both(f'{{0}} AS c{i}', column(x)) for i, x in enumerate(kept)])
        query = both(f'SELECT {{0}} FROM {{1}} AS {a} WHERE {{2}}', items, left.source(), test)
        return Rel(query, [Column(f'c{i}', x.type) for i, x in enumerate(kept)],
                   left.append and right.append and kind in ('EXISTS', 'IN'), False, left.single or right.single)

    def scalar(self, depth):
        """A scalar subquery, alone or correlated by an equality, in the select list or the filter."""
        c = self.c
        left, right = self.relation(depth - 1), self.relation(depth - 2)
        a, b = self.alias(), self.alias()
        lefts, rights = [x.of(a) for x in left.columns], [x.of(b) for x in right.columns]
        x = c.pick([y for y in rights if y.type in self.simple and y.type != 'BOOLEAN'] or rights)
        word = c.pick(['MAX', 'MIN', 'COUNT'])
        pairs = [(l, r) for l in lefts for r in rights if l.type == r.type]
        if pairs and c.chance(2):
            l, r = c.pick(pairs)
            sub = both(f'(SELECT {word}({{0}}) FROM {{1}} AS {b} WHERE {{2}} = {{3}})', column(x),
                       right.source(), column(r), column(l))
            if word == 'COUNT':
                sub = sub.without_lite()
        else:
            sub = each(f'(SELECT {word}({{0}}) FROM {{1}} AS {b})',
                       f'(SELECT {word}({{0}}) FROM {{1}} AS {b} HAVING COUNT(*) > 0)', column(x), right.source())
            if not right.append or word == 'COUNT':  # 0 of what is known to be empty
                sub = sub.without_lite()
        self.empties = self.empties or word == 'COUNT'
        type = 'BIGINT' if word == 'COUNT' else x.type
        kept = c.some(lefts, 1, 2)
        items = joined([both(f'{{0}} AS c{i}', column(y)) for i, y in enumerate(kept)])
        out = [Column(f'c{i}', y.type) for i, y in enumerate(kept)]
        same = alike(lefts, type)
        if same and c.chance(2):
            sign = c.pick(['=', '<', '>='])
            query = both(f'SELECT {{0}} FROM {{1}} AS {a} WHERE {{2}} {sign} {{3}}', items, left.source(),
                         column(c.pick(same)), sub)
        else:
            query = both(f'SELECT {{0}}, {{1}} AS x FROM {{2}} AS {a}', items, sub, left.source())
            out = out + [Column('x', type)]
        return Rel(query, out, False, False, left.single or right.single)

    def interval_join(self, depth):
        c = self.c
        left, right = self.timed(depth - 1, True), self.timed(depth - 1, True)
        if not left.punctual or not right.punctual:
            return left
        a, b = self.alias(), self.alias()
        kind = c.pick(['JOIN', 'LEFT JOIN', 'RIGHT JOIN', 'FULL JOIN'])
        l, r = left.time().of(a).ref, right.time().of(b).ref
        low, high = c.pick([0, 1, 2]), c.pick([0, 1, 3])
        on = self.condition([x.of(a) for x in left.columns if not x.rowtime],
                            [x.of(b) for x in right.columns if not x.rowtime])
        items, out = self.pair(left, right, a, b)
        query = each(f'SELECT {{0}} FROM {{1}} AS {a} {kind} {{2}} AS {b} ON {{3}} AND {l} BETWEEN '
                     f"{r} - INTERVAL '{low}' SECOND AND {r} + INTERVAL '{high}' SECOND", None, items,
                     left.source(), right.source(), on)
        return Rel(query, out, True, False)

    def temporal_join(self, depth):
        c = self.c
        left = self.timed(depth - 1, True)
        versions = self.tables['u']
        if not versions.punctual or not left.punctual:
            return left
        a, b = self.alias(), self.alias()
        of = versions.columns[0].type
        keys = [x.of(a) for x in left.columns if x.type == of]
        if not keys:
            return left
        kind = c.pick(['JOIN', 'LEFT JOIN'])
        right = Rel(None, versions.columns)
        items, out = self.pair(left, right, a, b)
        query = each(f'SELECT {{0}} FROM {{1}} AS {a} {kind} u FOR SYSTEM_TIME AS OF {left.time().of(a).ref} AS {b} '
                     f'ON {{2}} = {b}.id', None, items, left.source(), column(c.pick(keys)))
        return Rel(query, out, left.append, False)

    # ---- order

    def ordering(self, columns, total):
        """ORDER BY's list: over all columns where [total], and whether it is."""
        c = self.c
        sortable = [x for x in columns if not x.type.startswith('ARRAY')]
        unique = [x for x in columns if x.unique]
        order = c.some(sortable, 1, 2)
        whole = total or self.standard or c.chance(2)
        if whole:
            if unique and c.chance(2):
                order = [x for x in order if x not in unique] + unique[:1]
            else:
                order += [x for x in sortable if x not in order]
        parts = [both('{0}' + c.pick(['', ' DESC', ' ASC', ' DESC NULLS LAST', ' NULLS LAST', ' NULLS FIRST']
                                     if c.chance(3) else ['', ' DESC']), column(x)) for x in order]
        text = joined(parts)
        return (text if whole else text.without_lite()), whole

    def top(self, depth):
        c = self.c
        rel = self.relation(depth - 1)
        a = self.alias()
        columns = [x.of(a) for x in rel.columns]
        keys = c.some(columns, 0, 2)
        # Without a rank in the result a Top-1 may be planned as insertions that overwrite each other,
        # in Flink too: whoever reads it then reads too much.
        least = 2
        limit = least + c.below(3)
        by, total = self.ordering(columns, not rel.exact)
        partition = both('PARTITION BY {0} ', joined([column(x) for x in keys])) if keys else both('')
        kept = c.some(rel.columns, 1, 3)
        ranked = c.chance(2)
        items = ', '.join([f'{x.name} AS c{i}' for i, x in enumerate(kept)] + (['rn'] if ranked else []))
        inner = ', '.join(x.ref for x in columns)
        query = both(f'SELECT {items} FROM (SELECT {inner}, ROW_NUMBER() OVER ({{0}}ORDER BY {{1}}) AS rn '
                     f'FROM {{2}} AS {a}) WHERE {{3}}', partition, by, rel.source(),
                     self.rank_condition(limit))
        out = [Column(f'c{i}', x.type) for i, x in enumerate(kept)] + ([Column('rn', 'BIGINT')] if ranked else [])
        return Rel(query, out, False, rel.exact, rel.single or not total)

    def rank_condition(self, limit):
        """Which ranks pass: mostly those up to a number; else what Flink has to see a range in, or cannot."""
        if self.c.mostly(4):
            return both(f'rn <= {limit}')
        forms = ['rn < {0} + 1', 'NOT rn > {0}', 'rn IN (1, {0})', 'rn <= {0} AND rn <> 1', 'rn <= {0} OR rn = 1',
                 'rn BETWEEN 1 AND {0}', '{0} >= rn AND rn >= 1', 'rn <= {0} AND (rn < 7) IS TRUE', 'rn = 1 OR rn = {0}',
                 'rn + 1 <= {0}', 'rn <= {0} AND MOD(rn, 2) = 1']
        return both(self.c.pick(forms).format(limit))

    # ---- patterns

    def match(self, depth):
        """MATCH_RECOGNIZE over one table with time."""
        c = self.c
        base = self.table('ef', True)
        time = base.time().name
        plain = [x for x in base.columns if not x.rowtime]
        numbers = [x.name for x in plain if x.type in ('INT', 'BIGINT', 'DOUBLE') and x.name != 'id']
        texts = [x.name for x in plain if x.type == 'STRING']
        keys = [x.name for x in c.some([x for x in plain if x.name in ('k', 's')], 0, 1)]
        variables = ['A', 'B', 'C'][:1 + c.below(3)]
        quantifiers = ['', '', '+', '*', '?', '{2}', '{1,2}', '{0,1}', '+?', '*?', '{2,}', '{1,3}?']
        pattern = [v + c.pick(quantifiers) for v in variables]

        def condition(v, at):
            x = c.pick(numbers) if numbers else 'id'
            other = c.pick(variables[:at + 1])
            sign = c.pick(['<', '>', '<=', '>=', '<>', '='])
            forms = [f'{v}.{x} {sign} {c.pick([0, 1, 2, 3])}', f'{v}.{x} {sign} LAST({v}.{x}, 1)', f'{v}.{x} IS NOT NULL',
                     f'{v}.{x} {sign} {other}.{x}', f'{v}.{x} {sign} FIRST({other}.{x})', f'COUNT({v}.id) < 3',
                     f'SUM({v}.id) {sign} 20', f'LAST({v}.id, 1) IS NULL OR {v}.{x} {sign} LAST({v}.{x}, 1)',
                     f'MIN({other}.{x}) {sign} {v}.{x}', 'TRUE']
            if texts:
                forms.append(f"{v}.{c.pick(texts)} {c.pick(['=', '<>', '<'])} 'b'")
            text = c.pick(forms)
            return f'{text} AND {c.pick(forms)}' if c.chance(4) else text

        defined = [f'{v} AS {condition(v, i)}' for i, v in enumerate(variables) if c.mostly(4)]
        if not defined:
            defined = ['A AS A.id > 0']
        measures, out = [], []
        for i in range(1 + c.below(3)):
            v, x = c.pick(variables), c.pick(plain)
            form = c.pick(['{0}.{1}', 'FIRST({0}.{1})', 'LAST({0}.{1})', 'LAST({0}.{1}, 1)', 'COUNT({0}.{1})',
                           'MIN({0}.{1})', 'MAX({0}.{1})', 'FIRST({0}.{1}, 1)'])
            if x.type == 'BOOLEAN' and form[:2] in ('MI', 'MA'):
                form = '{0}.{1}'
            type = 'BIGINT' if form.startswith('COUNT') else x.type
            measures.append(form.format(v, x.name) + f' AS m{i}')
            out.append(Column(f'm{i}', type))
        skip = c.pick(['', ' AFTER MATCH SKIP PAST LAST ROW', ' AFTER MATCH SKIP TO NEXT ROW',
                       f' AFTER MATCH SKIP TO LAST {variables[-1]}', f' AFTER MATCH SKIP TO FIRST {variables[-1]}',
                       f' AFTER MATCH SKIP TO LAST {variables[0]}'])
        within = f" WITHIN INTERVAL '{c.pick([1, 3, 6])}' SECOND" if c.chance(4) else ''
        partition = f'PARTITION BY {keys[0]} ' if keys else ''
        columns = [Column(k, next(x.type for x in plain if x.name == k)) for k in keys] + out
        # The text has braces of its own.
        query = Sql(f'SELECT * FROM {base.table} MATCH_RECOGNIZE ({partition}ORDER BY {time} MEASURES '
                    f'{", ".join(measures)}{skip} PATTERN ({" ".join(pattern)}){within} DEFINE {", ".join(defined)}) '
                    f'AS {self.alias()}')
        return Rel(query, columns, True, not keys, not base.punctual or base.ties)

    def limit(self, depth):
        """ORDER BY ... LIMIT, at the top only."""
        self.depth = 0
        rel = self.relation(depth - 1)
        a = self.alias()
        columns = [x.of(a) for x in rel.columns]
        by, total = self.ordering(columns, not rel.exact)
        items = joined([column(x) for x in columns])
        query = both(f'SELECT {{0}} FROM {{1}} AS {a} ORDER BY {{2}} LIMIT {1 + self.c.below(4)}', items,
                     rel.source(), by)
        return Rel(query, passed(*rel.columns), False, rel.exact and depth < 2, rel.single or not total)

    def dedup(self, depth):
        c = self.c
        rel = self.timed(depth - 1)
        keys = c.some([x for x in rel.columns if not x.rowtime and x.name != 'id'], 1, 2)
        kept = c.some(rel.columns, 1, 3)
        way = c.pick(['ASC', 'DESC'])
        items = ', '.join(f'{x.name} AS c{i}' for i, x in enumerate(kept))
        query = each(f'SELECT {items} FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY '
                     f'{", ".join(x.name for x in keys)} ORDER BY {rel.time().name} {way}) AS rn FROM {{0}}) WHERE rn = 1',
                     None, rel.source())
        # Rows of one stamp fire in the order of a heap.
        return Rel(query, [Column(f'c{i}', x.type) for i, x in enumerate(kept)], False,
                   rel.exact and not rel.ties, not rel.punctual or rel.ties)

    def over(self, depth):
        """Aggregates over the rows before, by time."""
        c = self.c
        rel = self.timed(depth - 1)
        a = self.alias()
        columns = [x.of(a) for x in rel.columns]
        time = next(x for x in columns if x.rowtime)
        plain = [x for x in columns if not x.rowtime]
        keys = c.some(plain, 0, 1)
        frame = c.pick(['', ' ROWS BETWEEN 1 PRECEDING AND CURRENT ROW', ' ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW',
                        " RANGE BETWEEN INTERVAL '2' SECOND PRECEDING AND CURRENT ROW",
                        ' ROWS BETWEEN 3 PRECEDING AND CURRENT ROW',
                        " RANGE BETWEEN INTERVAL '5' SECOND PRECEDING AND CURRENT ROW"])
        partition = f'PARTITION BY {keys[0].ref} ' if keys else ''
        window = f'({partition}ORDER BY {time.ref}{frame})'
        made, out = [], []
        for i in range(1 + c.below(2)):
            x = c.pick([y for y in plain if y.type in self.simple])
            forms = ['COUNT({0})', 'MIN({0})', 'MAX({0})', 'FIRST_VALUE({0})', 'LAST_VALUE({0})']
            if x.type == 'BOOLEAN':
                forms = ['COUNT({0})']
            if x.type in NUMBERS or x.type.startswith('DECIMAL'):
                forms += ['SUM({0})', 'AVG({0})']
            if not frame:
                forms += ['LAG({0})', 'ROW_NUMBER()'] if i == 0 else []
            form = c.pick(forms)
            type = 'BIGINT' if form.startswith(('COUNT', 'ROW')) else x.type
            made.append(each(f'{form} OVER {window} AS a{i}', None, column(x)))
            out.append(Column(f'a{i}', type))
        kept = c.some(plain, 1, 2)
        items = joined([both(f'{{0}} AS c{i}', column(x)) for i, x in enumerate(kept)] + made)
        query = both(f'SELECT {{0}} FROM {{1}} AS {a}', items, rel.source())
        return Rel(query, [Column(f'c{i}', x.type) for i, x in enumerate(kept)] + out, True,
                   rel.exact and not rel.ties and rel.append, not rel.punctual or rel.ties)

    def over_any(self, depth):
        """Aggregates over the rows before in an order that is not of time."""
        c = self.c
        rel = self.relation(depth - 1)
        a = self.alias()
        # What was a time attribute may still be one, and late rows are dropped then.
        columns = [x.of(a) for x in rel.columns if x.type != 'TIMESTAMP(3)']
        whole = [x for x in columns if x.type in NUMBERS]
        if not columns:
            return rel
        keys = c.some(columns, 0, 1)
        by = c.pick(columns)
        self.flawed = self.flawed or not (rel.append or by.unique)  # where one of equals leaves, sums lose the others
        self.over_changing = self.over_changing or not rel.append
        way = ' DESC' if c.chance(12) else ''  # refused
        x = c.pick(whole or columns)
        form, type = ('SUM({0})', x.type) if whole and c.chance(2) else ('COUNT({0})', 'BIGINT')
        partition = both('PARTITION BY {0} ', column(keys[0])) if keys else both('')
        kept = c.some(columns, 1, 2)
        items = joined([both(f'{{0}} AS c{i}', column(y)) for i, y in enumerate(kept)])
        query = both(f'SELECT {{0}}, {form.replace("0", "1")} OVER ({{2}}ORDER BY {{3}}{way}) AS a0 FROM {{4}} AS {a}',
                     items, column(x), partition, column(by), rel.source())
        out = [Column(f'c{i}', y.type) for i, y in enumerate(kept)] + [Column('a0', type)]
        return Rel(query, out, False, False, rel.single)

    # ---- windows

    def windowed(self, rel, spec=None):
        """A window table function over [rel], and what made it, so that a second can be the same."""
        c = self.c
        if spec is None:
            size = c.pick(SIZES)
            kind = c.pick(['TUMBLE', 'HOP', 'CUMULATE'])
            step = 1 if kind == 'TUMBLE' else c.pick([1, 2])
            offset = f", INTERVAL '{c.pick([1, -1])}' SECOND" if c.chance(6) else ''
            middle = '' if kind == 'TUMBLE' else f"INTERVAL '{step}' SECOND, "
            spec = (kind, f"{middle}INTERVAL '{size}' SECOND{offset}")
        source = each('TABLE {0}' if rel.table else '{0}', None, rel.source())
        return each(f'{spec[0]}({{0}}, DESCRIPTOR({rel.time().name}), {spec[1]})', None, source), spec

    def window_group(self, depth):
        c = self.c
        rel = self.timed(depth - 1)
        a = self.alias()
        plain = [x.of(a) for x in rel.columns if not x.rowtime]
        keys = c.some(plain, 0, 2)
        if c.chance(4):
            part = [x for x in plain if x.name == 'k'] if c.chance(2) else []
            keys = part + [x for x in keys if x.name != 'k' or part] if part else keys
            keys = list({x.name: x for x in keys}.values())
            source = f'TABLE {rel.table}' if rel.table else rel.source().flink
            by = f' PARTITION BY {part[0].name}' if part and rel.table else ''
            if not rel.table:
                part = []
            source = Sql(f"SESSION({source}{by}, DESCRIPTOR({rel.time().name}), INTERVAL '{c.pick([1, 2, 3])}' SECOND)")
            spec = 'SESSION'
        else:
            source, made = self.windowed(rel)
            spec = made[0]
        inner = Rel(None, rel.columns, exact=rel.exact and spec != 'CUMULATE' and spec != 'SESSION')
        made, out, single = self.aggregates(plain, inner, 1 + c.below(2), spec == 'HOP')
        bounds = c.some(['window_start', 'window_end'], 0, 2)
        items = [Sql(x) for x in bounds] + [both(f'{{0}} AS k{i}', column(x)) for i, x in enumerate(keys)] + made
        by = ['window_start', 'window_end'] + [x.ref for x in keys]
        tail = f'GROUP BY {", ".join(by)}'
        if len(keys) == 2 and spec != 'SESSION' and c.chance(4):
            tail = f'GROUP BY window_start, window_end, ROLLUP ({keys[0].ref}, {keys[1].ref})'
        query = each(f'SELECT {{0}} FROM TABLE({{1}}) AS {a} {tail}', None, joined(items), source)
        if spec != 'SESSION' and 'ROLLUP' not in tail and c.chance(5):
            return self.cascade(query, [Column(f'k{i}', x.type) for i, x in enumerate(keys)] + out,
                                tail, single or not rel.punctual)
        if c.chance(6):
            query = each('{0} HAVING COUNT(*) > 1', None, query)
        columns = [Column(x, 'TIMESTAMP(3)') for x in bounds]
        columns += [Column(f'k{i}', x.type) for i, x in enumerate(keys)] + out
        return Rel(query, columns, True, False, single or not rel.punctual)

    def cascade(self, query, columns, tail, single):
        """Windows of windows, by the time of the smaller ones."""
        c = self.c
        a = self.alias()
        inner = Sql(query.flink.replace('SELECT ', 'SELECT window_time, ', 1).replace(
            tail, tail.replace('GROUP BY ', 'GROUP BY window_time, ', 1)))
        inner = Sql(inner.flink)
        columns = [x for x in columns if x.name != 'window_time']
        made, out, follows = self.aggregates([x.of(a) for x in columns], Rel(None, columns, exact=False), 1)
        keys = c.some([x.of(a) for x in columns], 0, 1)
        items = [Sql('window_start')] + [both(f'{{0}} AS k{i}', column(x)) for i, x in enumerate(keys)] + made
        by = ', '.join(['window_start', 'window_end'] + [x.ref for x in keys])
        names = ', '.join(['window_time AS wt'] + [x.name for x in columns])
        text = (f"SELECT {{0}} FROM TUMBLE((SELECT {names} FROM ({{1}})), DESCRIPTOR(wt), "
                f"INTERVAL '20' SECOND) AS {a} GROUP BY {by}")
        made = each(text, None, joined(items), inner)
        out = [Column('window_start', 'TIMESTAMP(3)')] + [Column(f'k{i}', x.type) for i, x in enumerate(keys)] + out
        return Rel(made, out, True, False, single or follows)

    def window_top(self, depth):
        c = self.c
        rel = self.timed(depth - 1)
        source, _ = self.windowed(rel)
        columns = rel.columns
        keys = c.some([x for x in columns if not x.rowtime], 0, 1)
        limit = 1 + c.below(3)
        order = c.some(columns, 1, 2)
        order += [x for x in columns if x not in order]
        by = ', '.join(x.name + c.pick(['', ' DESC']) for x in order)
        part = ', '.join(['window_start', 'window_end'] + [x.name for x in keys])
        kept = c.some(columns, 1, 3)
        items = ', '.join(f'{x.name} AS c{i}' for i, x in enumerate(kept))
        query = each(f'SELECT {items}, window_start FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY {part} ORDER BY {by}) '
                     f'AS rn FROM TABLE({{0}})) WHERE rn <= {limit}', None, source)
        return Rel(query, [Column(f'c{i}', x.type) for i, x in enumerate(kept)] + [Column('window_start', 'TIMESTAMP(3)')],
                   True, False, not rel.punctual)

    def window_join(self, depth):
        c = self.c
        left, right = self.timed(depth - 1, True), self.timed(depth - 1, True)
        if not left.punctual or not right.punctual:
            return left
        first, spec = self.windowed(left)
        second, _ = self.windowed(right, spec)
        a, b = self.alias(), self.alias()
        on = self.condition([x.of(a) for x in left.columns if not x.rowtime],
                            [x.of(b) for x in right.columns if not x.rowtime])
        same = f'{a}.window_start = {b}.window_start AND {a}.window_end = {b}.window_end'
        kind = c.pick(['JOIN', 'LEFT JOIN', 'RIGHT JOIN', 'FULL JOIN', 'EXISTS', 'NOT EXISTS'])
        if 'EXISTS' in kind:
            kept = c.some([x.of(a) for x in left.columns if not x.rowtime], 1, 3)
            items = joined([both(f'{{0}} AS c{i}', column(x)) for i, x in enumerate(kept)])
            out = [Column(f'c{i}', x.type) for i, x in enumerate(kept)]
            query = each(f'SELECT {{0}} FROM TABLE({{1}}) AS {a} WHERE {kind} (SELECT 1 FROM TABLE({{2}}) AS {b} '
                         f'WHERE {same} AND {{3}})', None, items, first, second, on)
        else:
            items, out = self.pair(left, right, a, b)
            query = each(f'SELECT {{0}} FROM (SELECT * FROM TABLE({{1}})) AS {a} {kind} (SELECT * FROM TABLE({{2}})) AS {b} '
                         f'ON {same} AND {{3}}', None, items, first, second, on)
        return Rel(query, out, True, False)

    # ---- sets

    def set_operation(self, depth):
        c = self.c
        left, right = self.relation(depth - 1), self.relation(depth - 2)
        a, b = self.alias(), self.alias()
        lefts, rights = [x.of(a) for x in left.columns], [x.of(b) for x in right.columns]
        first, second, out, timed = [], [], [], False
        for x in c.some(lefts, 1, 3):
            timed = timed or x.rowtime
            same = [y for y in rights if y.type == x.type]
            first.append(column(x))
            second.append(column(c.pick(same)) if same else self.expressions(rights).make(x.type, 1))
            out.append(Column(f'c{len(out)}', x.type))
        # Below others Flink prunes the columns of EXCEPT ALL, which changes what is equal.
        words = ['UNION ALL', 'UNION', 'INTERSECT', 'EXCEPT', 'INTERSECT ALL', 'EXCEPT ALL']
        word = c.pick(words[:6 if depth == self.depth and not self.standard else 4])
        if word == 'INTERSECT ALL' and timed:
            word = 'INTERSECT'  # Flink gives all rows of the right side where the left has a time attribute
        items = [joined([both(f'{{0}} AS c{i}', e) for i, e in enumerate(side)]) for side in (first, second)]
        lite = None if word in ('INTERSECT ALL', 'EXCEPT ALL') else word
        template = f'SELECT {{0}} FROM {{1}} AS {a} WORD SELECT {{2}} FROM {{3}} AS {b}'
        query = each(template.replace('WORD', word), lite and template.replace('WORD', lite), items[0], left.source(),
                     items[1], right.source())
        return Rel(query, out, word == 'UNION ALL' and left.append and right.append, False, left.single or right.single)

    # ---- the whole

    def query(self):
        depth = self.depth = 1 + self.c.below(3)
        made = self.limit(depth) if self.c.chance(12) else self.relation(depth)
        text = made.query.flink
        if self.over_changing and ('LIMIT' in text or 'rn' in text):
            self.flawed = True  # its Top-N does not hear of rows that left
        if 'NOT IN (SELECT' in text and re.search(r'UNNEST|LATERAL|[=<>,] \(SELECT', text):
            self.empties = True  # it may count the rows of its subquery there
            made.query = made.query.without_lite()
        return made
