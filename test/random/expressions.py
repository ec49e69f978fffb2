"""expressions.py - typed random expressions, in Flink's SQL and, where it means the same, in SQLite's.

Nothing here can fail on a row: divisors are constants, casts are those that always succeed.
"""

from tables import POOL

NUMBERS = ['INT', 'BIGINT', 'DOUBLE']
SIMPLE = ['INT', 'BIGINT', 'DOUBLE', 'STRING', 'BOOLEAN', 'DATE', 'TIMESTAMP(3)', 'DECIMAL(10, 2)']


STANDARD = [type for type in SIMPLE if not type.startswith('DECIMAL')]


class Sql:
    """A piece of text in both dialects; [lite] is None where SQLite cannot say it or says another thing."""

    def __init__(self, flink, lite=None):
        self.flink, self.lite = flink, lite

    def without_lite(self):
        return Sql(self.flink)


def both(template, *parts):
    return each(template, template, *parts)


def each(flink, lite, *parts):
    """[flink] and [lite] are templates: {0} is the first of parts."""
    known = lite is not None and all(part.lite is not None for part in parts)
    return Sql(flink.format(*[part.flink for part in parts]),
               lite.format(*[part.lite for part in parts]) if known else None)


def joined(parts, between=', '):
    return both(between.join(f'{{{i}}}' for i in range(len(parts))), *parts)


def column(c):
    # SQLite would compute with DECIMALs as doubles.
    return Sql(c.ref, None if c.type.startswith('DECIMAL') or c.type.startswith('ARRAY') else c.ref)


def family(type):
    return 'WHOLE' if type in ('INT', 'BIGINT') else type


def alike(columns, type):
    return [c for c in columns if family(c.type) == family(type)]


def rank(literal):
    text = literal.flink.strip('()').replace('e0', '')
    try:
        return (0, float(text), '')
    except ValueError:
        return (1, 0, text)


class Expressions:
    """Expressions over [columns]; with [standard], only those that SQLite knows too."""

    def __init__(self, choices, columns, standard=False):
        self.c, self.columns, self.standard = choices, columns, standard
        self.simple = STANDARD if standard else SIMPLE

    def literal(self, type):
        c = self.c
        if c.chance(12):
            return both(f'CAST(NULL AS {type})') if not type.startswith('DECIMAL') else Sql(
                f'CAST(NULL AS {type})')
        if type not in POOL:
            return Sql(f'CAST(NULL AS {type})')
        value = c.pick(POOL[type])
        if type in ('INT', 'BIGINT'):
            return both(str(value) if value >= 0 else f'({value})')
        if type == 'DOUBLE':
            return each(f'{value}e0' if value >= 0 else f'({value}e0)', repr(value))
        if type.startswith('DECIMAL'):
            return Sql(value if value[0] != '-' else f'({value})')
        if type == 'BOOLEAN':
            return both('TRUE' if value else 'FALSE')
        text = "'" + value + "'"
        word = {'STRING': '', 'DATE': 'DATE ', 'TIMESTAMP(3)': 'TIMESTAMP '}[type]
        return each(word + text, text)

    def leaf(self, type):
        fitting = [x for x in self.columns if x.type == type] or alike(self.columns, type)
        if fitting and self.c.mostly(4):
            return column(self.c.pick(fitting))
        return self.literal(type)

    def make(self, type, depth):
        made = self.make_any(type, depth)
        return self.leaf(type) if self.standard and made.lite is None else made

    def make_any(self, type, depth):
        if type.startswith('ARRAY') or type not in POOL:
            return self.leaf(type)
        if depth <= 0 or self.c.below(3) == 0:
            return self.leaf(type)
        special = {'INT': self.whole, 'BIGINT': self.whole, 'DOUBLE': self.double,
                   'DECIMAL(10, 2)': self.decimal, 'STRING': self.string, 'BOOLEAN': self.boolean,
                   'DATE': self.date, 'TIMESTAMP(3)': self.timestamp}[type]
        if self.c.below(3) < 2:
            return special(type, depth - 1)
        return self.conditional(type, depth - 1)

    def conditional(self, type, depth):
        kind = self.c.below(6)
        a, b = self.make(type, depth), self.make(type, depth)
        if kind == 0:
            return both('COALESCE({0}, {1})', a, b)
        if kind == 1:
            return both('NULLIF({0}, {1})', a, b)
        test = self.boolean('BOOLEAN', depth)
        if kind == 2:
            return both('CASE WHEN {0} THEN {1} ELSE {2} END', test, a, b)
        if kind == 3:
            return both('CASE WHEN {0} THEN {1} END', test, a)
        if kind == 4:
            return each('IF({0}, {1}, {2})', 'IIF({0}, {1}, {2})', test, a, b)
        subject = self.make('INT', depth)
        return both('CASE {0} WHEN 1 THEN {1} WHEN 2 THEN {2} ELSE {1} END', subject, a, b)

    def whole(self, type, depth):
        c = self.c
        if c.chance(12):
            return self.mixed(type, depth)
        kind = c.below(14)
        if kind < 7:
            a, b = self.make(type, depth), self.make(c.pick([type, 'INT']), depth)
            if kind == 0:
                return both('({0} + {1})', a, b)
            if kind == 1:
                return both('({0} - {1})', a, b)
            if kind == 2:
                return both('({0} * {1})', a, self.literal('INT'))
            if kind == 3:
                return both(f'({{0}} / {c.pick([1, 2, 3, -2])})', a)
            if kind == 4:
                divisor = c.pick([1, 2, 3])
                return each(f'MOD({{0}}, {divisor})', f'({{0}} % {divisor})', a)
            if kind == 5:
                return both('ABS({0})', a)
            return both('(- {0})', a)
        if kind == 7:
            return each('CHAR_LENGTH({0})', 'LENGTH({0})', self.make('STRING', depth))
        if kind == 8:
            return both('CAST({0} AS INT)', self.make('BOOLEAN', depth))
        if kind == 9:
            part = c.pick([('YEAR', '%Y'), ('MONTH', '%m'), ('DAY', '%d')])
            return each(f'EXTRACT({part[0]} FROM {{0}})', f"CAST(strftime('{part[1]}', {{0}}) AS INT)",
                        self.make(c.pick(['DATE', 'TIMESTAMP(3)']), depth))
        if kind == 10:
            word = c.pick([('GREATEST', 'MAX'), ('LEAST', 'MIN')])
            a, b = self.make(type, depth), self.make(type, depth)
            return each(f'{word[0]}({{0}}, {{1}})', f'{word[1]}({{0}}, {{1}})', a, b)
        if kind == 11:
            return each('POSITION({0} IN {1})', 'INSTR({1}, {0})', self.literal('STRING'),
                        self.make('STRING', depth))
        if kind == 12:
            unit = c.pick(['SECOND', 'MINUTE', 'DAY', 'MONTH'])
            return each(f'TIMESTAMPDIFF({unit}, {{0}}, {{1}})', None, self.make('TIMESTAMP(3)', depth),
                        self.make('TIMESTAMP(3)', depth))
        form = c.pick(['SIGN({0})', 'ASCII({1})', 'IFNULL({0}, {2})', 'TRY_CAST({1} AS INT)', 'CAST({0} AS BIGINT)',
                       'CARDINALITY(ARRAY[{0}, {2}])', 'ARRAY[{0}, {2}][1]', 'ARRAY_MAX(ARRAY[{0}, {2}])',
                       "MAP['a', {0}, 'b', {2}]['b']", 'LOCATE({1}, {3})', 'HOUR({4})', 'QUARTER({4})',
                       'DAYOFWEEK({5})', 'WEEK({5})', 'CAST({6} AS INT)', 'CAST({7} AS INT)',
                       "JSON_VALUE('{{\"a\": 5}}', '$.a' RETURNING INT)", 'CHAR_LENGTH(TRIM({1}))'])
        return each(form, None, self.make('INT', depth), self.make('STRING', depth), self.make('INT', depth),
                    self.literal('STRING'), self.make('TIMESTAMP(3)', depth), self.make('DATE', depth),
                    self.make('DOUBLE', depth), self.make('DECIMAL(10, 2)', depth))

    def mixed(self, type, depth):
        """A value of [type] by ways through others: casts, and what comes of operands of two types."""
        c = self.c
        narrow = c.pick(['TINYINT', 'SMALLINT', 'INT', 'BIGINT', 'FLOAT', 'DOUBLE', 'DECIMAL(8, 3)', 'DECIMAL(20, 0)'])
        wide = c.pick(['INT', 'BIGINT', 'DOUBLE', 'DECIMAL(10, 2)'])
        a, b = self.make(c.pick(['INT', 'BIGINT']), depth), self.make(wide, depth)
        form = c.pick([f'CAST(CAST({{0}} AS {narrow}) AS {type})', f'CAST(({{0}} + {{1}}) AS {type})',
                       f'CAST(COALESCE({{0}}, {{1}}) AS {type})', f'CAST((CAST({{0}} AS {narrow}) * {{1}}) AS {type})',
                       f'CAST(CASE WHEN {{0}} > 1 THEN {{0}} ELSE {{1}} END AS {type})', f'CAST(({{0}} - {{1}}) AS {type})',
                       f'CAST((CAST({{0}} AS {narrow}) / 4) AS {type})', f'CAST(ROUND(CAST({{0}} AS {narrow}), 1) AS {type})',
                       f'CAST(ABS(CAST({{0}} AS {narrow})) AS {type})', f'CAST(CAST({{0}} AS STRING) AS {type})',
                       f'CAST(IF({{0}} < {{1}}, {{0}}, {{1}}) AS {type})', f'CAST(MOD({{0}}, 3) AS {type})',
                       f'CAST(CEIL(CAST({{0}} AS {narrow})) AS {type})', f'CAST(POWER({{0}}, 2) AS {type})',
                       f'CAST(GREATEST({{0}}, CAST({{1}} AS BIGINT)) AS {type})'])
        return each(form, None, a, b)

    def double(self, type, depth):
        c = self.c
        if c.chance(8):
            return self.mixed(type, depth)
        kind = c.below(8)
        a = self.make('DOUBLE', depth)
        if kind < 3:
            return both(c.pick(['({0} + {1})', '({0} - {1})', '({0} * {1})']), a,
                        self.make(c.pick(['DOUBLE', 'INT']), depth) if kind else self.literal('DOUBLE'))
        if kind == 3:
            return both(f'({{0}} / {c.pick(["2", "4e0", "0.5e0"])})', a)
        if kind == 4:
            return each('CAST({0} AS DOUBLE)', 'CAST({0} AS REAL)', self.make('INT', depth))
        if kind == 5:
            return both('ABS({0})', a)
        return each(c.pick(['FLOOR({0})', 'CEIL({0})', 'ROUND({0}, 1)', 'SQRT(ABS({0}))', 'TRUNCATE({0}, 1)',
                            'POWER({0}, 2)', 'CAST(CAST({0} AS DECIMAL(10, 2)) AS DOUBLE)']), None, a)

    def decimal(self, type, depth):
        c = self.c
        if c.chance(8):
            return self.mixed(type, depth)
        a = self.make(type, depth)
        form = c.pick(['({0} + {1})', '({0} - {1})', '({0} * {1})', '({0} / 3)', 'ABS({0})', 'ROUND({0}, 1)',
                       'CAST({0} AS DECIMAL(6, 1))', 'FLOOR({0})', '({0} + {2})', '(- {0})',
                       'MOD({0}, 2)', 'CEIL({0})', 'CAST({2} AS DECIMAL(10, 2))', 'TRUNCATE({0}, 1)'])
        return each(form, None, a, self.make(type, depth), self.make('INT', depth))

    def string(self, type, depth):
        c = self.c
        a = self.make('STRING', depth)
        kind = c.below(10)
        if kind == 0:
            return both('({0} || {1})', a, self.make('STRING', depth))
        if kind == 1:
            return both(c.pick(['UPPER({0})', 'LOWER({0})']), a)
        if kind == 2:
            start, length = c.pick([1, 2, 3]), c.pick([1, 2])
            return each(f'SUBSTRING({{0}} FROM {start} FOR {length})', f'SUBSTR({{0}}, {start}, {length})', a)
        if kind == 3:
            return both('TRIM({0})', a)
        if kind == 4:
            return both("REPLACE({0}, 'a', {1})", a, self.literal('STRING'))
        if kind == 5:
            return each('CAST({0} AS STRING)', 'CAST({0} AS TEXT)', self.make(c.pick(['INT', 'BIGINT']), depth))
        form = c.pick(['REVERSE({0})', "LPAD({0}, 3, '*')", "CONCAT({0}, '-', {1})", "CONCAT_WS(',', {0}, {1})",
                       'LEFT({0}, 2)', 'RIGHT({0}, 1)', 'REPEAT({0}, 2)', 'INITCAP({0})', 'CAST({2} AS STRING)',
                       'CAST({3} AS STRING)', "REGEXP_REPLACE({0}, '[ab]', 'z')", 'CAST({4} AS STRING)',
                       "OVERLAY({0} PLACING 'zz' FROM 2)", 'CAST({0} AS CHAR(2))', 'CAST({0} AS VARCHAR(2))',
                       'CAST(CAST({3} AS TIME) AS STRING)', 'CAST(CAST({3} AS TIMESTAMP_LTZ(3)) AS STRING)',
                       'CAST(CAST({3} AS TIMESTAMP(0)) AS STRING)', "SUBSTRING(CAST({3} AS STRING), 12, 5)", 'HEX({0})',
                       'TO_BASE64({0})', "TRANSLATE({0}, 'ab', 'x')", 'CAST(CAST({4} AS FLOAT) AS STRING)',
                       "JSON_VALUE(JSON_OBJECT('v' VALUE {0}), '$.v')", 'JSON_QUOTE({0})', 'CAST({0} IN ({1}, {0}) AS STRING)',
                       "DATE_FORMAT({3}, 'yyyy-MM')", "SPLIT_INDEX({0}, 'b', 0)", 'LTRIM({0})', 'MD5({0})'])
        return each(form, None, a, self.make('STRING', depth), self.make('BOOLEAN', depth),
                    self.make('TIMESTAMP(3)', depth), self.make('DOUBLE', depth))

    def date(self, type, depth):
        form = self.c.pick([("CAST({1} AS DATE)", "SUBSTR({1}, 1, 10)"), ("({0} + INTERVAL '1' DAY)", None),
                            ("({0} - INTERVAL '1' MONTH)", None), ('FLOOR({0} TO MONTH)', None),
                            ("({0} + INTERVAL '2' YEAR)", None)])
        return each(*form, self.make('DATE', depth), self.make('TIMESTAMP(3)', depth))

    def timestamp(self, type, depth):
        form = self.c.pick(["({0} + INTERVAL '1' MINUTE)", "({0} - INTERVAL '1' DAY)", 'FLOOR({0} TO HOUR)',
                            'CEIL({0} TO DAY)', 'CAST({1} AS TIMESTAMP(3))', 'TIMESTAMPADD(HOUR, 1, {0})',
                            "({0} + INTERVAL '1' MONTH)"])
        return each(form, None, self.make('TIMESTAMP(3)', depth), self.make('DATE', depth))

    def boolean(self, type, depth):
        c = self.c
        kind = c.below(12) if depth > -2 else 0
        if kind < 4:
            # Types differ in order only where the columns at hand have them.
            of = c.pick([x.type for x in self.columns if x.type in self.simple] or ['INT'])
            sign = c.pick(['=', '<', '>', '<>', '<=', '>='])
            return both(f'({{0}} {sign} {{1}})', self.make(of, depth), self.make(of, depth - 1))
        if kind == 4:
            of = c.pick(self.simple)
            return both(c.pick(['({0} IS NULL)', '({0} IS NOT NULL)']), self.make(of, depth))
        if kind in (5, 6):
            return both(c.pick(['({0} AND {1})', '({0} OR {1})']), self.boolean(type, depth - 1),
                        self.make(type, depth))
        if kind == 7:
            return both('(NOT {0})', self.make(type, depth))
        if kind == 8:
            form = c.pick([('({0} IS TRUE)',) * 2, ('({0} IS NOT TRUE)',) * 2, ('({0} IS FALSE)',) * 2,
                           ('({0} IS NOT FALSE)',) * 2, ('({0} IS UNKNOWN)', '({0} IS NULL)'),
                           ('({0} IS NOT UNKNOWN)', '({0} IS NOT NULL)')])
            return each(*form, self.make(type, depth))
        of = c.pick([x.type for x in self.columns if x.type in self.simple] or ['INT'])
        a = self.make(of, depth)
        if kind == 9:
            # The lower first: a range of nothing lets the planner cut whole branches off, errors too.
            ends = sorted([self.literal(of), self.literal(of)], key=rank)
            return both(c.pick(['({0} BETWEEN {1} AND {2})', '({0} NOT BETWEEN {1} AND {2})']), a, *ends)
        if kind == 10:
            values = joined([self.literal(of) for _ in range(1 + c.below(4))])
            return both(c.pick(['({0} IN ({1}))', '({0} NOT IN ({1}))']), a, values)
        return c.pick([
            lambda: each(f'({{0}} {c.pick(["=", "<", ">=", "<>"])} {{1}})', None, self.make(c.pick(NUMBERS), depth),
                         self.make(c.pick(['INT', 'DOUBLE', 'DECIMAL(10, 2)']), depth)),
            lambda: each(f'({{0}} {c.pick(["IN", "NOT IN"])} ({{1}}, {{2}}))', None, self.make('DOUBLE', depth),
                         self.literal('INT'), self.make('DECIMAL(10, 2)', depth)),
            lambda: each(f'({{0}} {c.pick(["=", "<", ">=", "<>"])} {{1}})', None, self.make('DATE', depth),
                         self.make(c.pick(['DATE', 'TIMESTAMP(3)']), depth)),
            lambda: both('({0} IS NOT DISTINCT FROM {1})', a, self.make(of, depth)),
            lambda: both('({0} IS DISTINCT FROM {1})', a, self.make(of, depth)),
            lambda: both("({0} LIKE {1})", self.make('STRING', depth),
                         Sql(*[c.pick(["'a%'", "'%b%'", "'_'", "'a_'", "''"])] * 2)),
            lambda: each("({0} SIMILAR TO 'a*b?')", None, self.make('STRING', depth)),
            lambda: self.make('BOOLEAN', depth)])()
