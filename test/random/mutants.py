#!/usr/bin/env python3
"""mutants.py - recorded cases, changed a little, asked of weir and of Flink again; see README.md.

A recorded query is one that somebody thought of. Its neighbours (another column, another aggregate, a
clause less) are what somebody will think of next; most of them still mean something, and the others
have to be refused in the same stage.
"""

import argparse
import os
import random
import re
import shutil
import tempfile

from judges import materialized, read_answers, run_flink, run_weir, same

TOKEN = re.compile(r"\s+|'(?:[^']|'')*'|\d+\.\d+|\d+|[A-Za-z_$][\w$]*|`[^`]*`|<>|<=|>=|\|\||=>|.", re.S)
# Words that stand for each other.
ALIKE = [
    ['COUNT', 'SUM', 'MIN', 'MAX', 'AVG', 'FIRST_VALUE', 'LAST_VALUE', 'STDDEV_POP', 'VAR_SAMP', 'LISTAGG'],
    ['JOIN', 'LEFT JOIN', 'RIGHT JOIN', 'FULL JOIN', 'CROSS JOIN'], ['INNER', 'LEFT', 'RIGHT', 'FULL'],
    ['=', '<>', '<', '>', '<=', '>='], ['AND', 'OR'], ['ASC', 'DESC'], ['+', '-', '*', '/'],
    ['UNION', 'UNION ALL', 'INTERSECT', 'EXCEPT', 'INTERSECT ALL', 'EXCEPT ALL'],
    ['TUMBLE', 'HOP', 'CUMULATE', 'SESSION'], ['window_start', 'window_end', 'window_time'],
    ['SECOND', 'MINUTE', 'HOUR', 'DAY'], ['EXISTS', 'NOT EXISTS'], ['IN', 'NOT IN'], ['ROWS', 'RANGE'],
    ['ROW_NUMBER', 'RANK', 'DENSE_RANK'], ['LAG', 'LEAD'], ['FIRST', 'LAST', 'PREV', 'NEXT'],
    ['ROLLUP', 'CUBE'], ['UPPER', 'LOWER', 'REVERSE', 'TRIM'],
    ['INT', 'BIGINT', 'STRING', 'DECIMAL(10, 2)', 'DOUBLE', 'TIMESTAMP(3)', 'DATE', 'BOOLEAN', 'BYTES', 'TIME'],
]
KIN = {word: row for row in ALIKE for word in row}
CLAUSES = [r'\bWHERE\b.*?(?=GROUP BY|ORDER BY|HAVING|LIMIT|\)|$)', r'HAVING\b.*?(?=ORDER BY|LIMIT|\)|$)',
           r'ORDER BY [\w, ]+(?=LIMIT|\)|$)', 'DISTINCT ', r'PARTITION BY [\w, ]+', ' ASC| DESC', 'NOT ']
WRAPS = ['SELECT COUNT(*) FROM ({0}) AS zz', 'SELECT DISTINCT * FROM ({0}) AS zz', 'WITH zz AS ({0}) SELECT * FROM zz',
         'SELECT 1, zz.* FROM ({0}) AS zz']
AROUND = ['COALESCE({0}, NULL)', 'CAST({0} AS STRING)', 'NULLIF({0}, {0})', '({0} IS NULL)', 'TRY_CAST({0} AS INT)',
          'CASE WHEN {0} IS NULL THEN 1 ELSE 2 END', '{0} + 1', '-{0}', 'DISTINCT {0}', 'MAX({0})', 'COUNT(DISTINCT {0})',
          'SUM({0}) FILTER (WHERE {0} IS NOT NULL)', 'UPPER({0})', '({0}, {0})', 'ARRAY[{0}]']
# Crashes of Flink's, which say nothing of what is right.
CRASHES = re.compile('NoResourceAvailable|NullPointer|ClassCast|CompileException|CodeGenException|None.get|'
                     'Unmaterialized')


def tokens(sql):
    return TOKEN.findall(sql)


def names(sql):
    return [t for t in tokens(sql) if re.fullmatch(r'[a-z_]\w*', t)]


class Mutator:
    """Changes queries of one file; [columns] are the names that it has."""

    def __init__(self, chance, columns):
        self.chance, self.columns = chance, columns

    def change(self, parts, which, made):
        """One of the parts that [which] takes becomes [made] of it; False when there is none."""
        fitting = [i for i, part in enumerate(parts) if which(part)]
        if not fitting:
            return False
        at = self.chance.choice(fitting)
        parts[at] = made(parts[at])
        return True

    def word(self, parts):
        return self.change(parts, lambda t: t.upper() in KIN,
                           lambda t: self.chance.choice([w for w in KIN[t.upper()] if w != t.upper()]))

    def number(self, parts):
        value = self.chance.choice(['0', '1', '2', '3', '4', '5', '7', '10', '100'])
        return self.change(parts, lambda t: re.fullmatch(r"\d+|'\d+'", t),
                           lambda t: f"'{value}'" if t[0] == "'" else value)

    def column(self, parts):
        return self.change(parts, lambda t: t in self.columns, lambda t: self.chance.choice(self.columns))

    def around(self, parts):
        return self.change(parts, lambda t: t in self.columns, lambda t: self.chance.choice(AROUND).format(t))

    def clause(self, parts):
        text = ''.join(parts)
        parts[:] = tokens(re.sub(self.chance.choice(CLAUSES), '', text, count=1, flags=re.S))
        return ''.join(parts) != text

    def wrap(self, parts):
        text = ''.join(parts)
        if not text.startswith('SELECT'):
            return False
        parts[:] = tokens(self.chance.choice(WRAPS).format(text))
        return True

    def swap(self, parts):
        solid = [i for i, part in enumerate(parts) if not part.isspace()]
        a, b = self.chance.choice(solid), self.chance.choice(solid)
        parts[a], parts[b] = parts[b], parts[a]
        return True

    def mutant(self, sql):
        parts = tokens(sql)
        ways = [self.word, self.word, self.word, self.number, self.column, self.column, self.around, self.clause, self.wrap,
                self.swap]
        for _ in range(self.chance.choice([1, 1, 1, 2, 2, 3])):
            while not self.chance.choice(ways)(parts):
                pass
        text = ''.join(parts).strip()
        return None if text == sql or re.search(r'\n\s*\n', text) or not text else text


def records(path):
    """The kind and the SQL of each record of a case file, without what was answered."""
    for block in open(path, encoding='utf-8').read().strip('\n').split('\n\n'):
        lines = [line for line in block.split('\n') if not line.startswith('#')]
        if '----' in lines:
            lines = lines[:lines.index('----')]
        if lines:
            yield lines[0], '\n'.join(lines[1:])


def write_mutants(source, target, seed, count):
    """[count] mutants of each query of [source]; statements stay as they are."""
    parsed = list(records(source))
    everybody = sorted({name for _, sql in parsed for name in names(sql)})
    chance = random.Random(f'{seed} {os.path.basename(source)}')
    out = []
    for kind, sql in parsed:
        if kind.startswith('statement'):
            out.append(f'{kind.replace("error", "ok")}\n{sql}')
            continue
        kind = 'query rows' if kind == 'query error' else kind
        for _ in range(count):
            made = Mutator(chance, chance.choice([names(sql) or everybody, everybody])).mutant(sql)
            if made:
                out.append(f'{kind}\n{made}')
    with open(target, 'w', encoding='utf-8') as file:
        file.write('\n\n'.join(out) + '\n')


def main():
    parser = argparse.ArgumentParser(description='Recorded cases, changed a little, through weir and Flink.')
    parser.add_argument('seed', type=int)
    parser.add_argument('count', type=int, help='mutants of each query')
    parser.add_argument('files', nargs='+')
    parser.add_argument('--data', default='test/sql/flink/data')
    parser.add_argument('--weir', default=os.environ.get('WEIR', 'build/weir'))
    parser.add_argument('--oracle', default=os.environ.get('FLINK_ORACLE', '../shared/oracle/oracle'))
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix='weir-mutants-')
    ours, theirs = [], []
    for number, source in enumerate(options.files):
        stem = os.path.join(folder, f'{number}_{os.path.basename(source)[:-5]}')
        write_mutants(source, stem + '.weir.test', options.seed, options.count)
        shutil.copy(stem + '.weir.test', stem + '.flink.test')
        ours.append(stem + '.weir.test')
        theirs.append(stem + '.flink.test')
    data = os.path.abspath(options.data)
    run_flink(options.oracle, theirs, data)
    asked = differ = 0
    for mine, other in zip(ours, theirs):
        run_weir(options.weir, [mine], data)
        queries = [sql for kind, sql in records(mine) if kind.startswith('query')]
        for sql, a, b in zip(queries, read_answers(mine), read_answers(other)):
            if b is None or (b.error and CRASHES.search(b.message)):
                continue
            asked += 1
            if a is not None and (same(a, b) or same(materialized(a), materialized(b))):
                continue
            differ += 1
            print(f'FAIL {os.path.basename(mine)}\n{sql}')
            for who, answer in (('weir', a), ('Flink', b)):
                print(f'  {who}:\n    ' + '\n    '.join(answer.show() if answer else ['no answer']))
    shutil.rmtree(folder)
    print(f'{asked - differ} passed, {differ} failed, 0 skipped')
    return 1 if differ else 0


if __name__ == '__main__':
    raise SystemExit(main())
