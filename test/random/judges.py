"""judges.py - who is asked what a query gives, and what counts as the same answer.

Everybody reads and writes the case format of docs/testing.md: weir by `weir test --record`, Flink by
its oracle's `fill`. SQLite is Python's own.
"""

import os
import re
import sqlite3
import subprocess


QUERIES_A_CALL = 200  # of the oracle: a minute or two


class Answer:
    """What one judge said of one query: an error and its stage, or types and sorted or ordered lines."""

    def __init__(self, kind, body, message=''):
        self.error = body[0] if kind == 'error' and body else ('?' if kind == 'error' else None)
        self.types = body[0].split('\t') if kind != 'error' and body else []
        self.rows = [line.split('\t') for line in body[1:]] if kind != 'error' else []
        self.changelog = kind == 'changelog'
        self.message = message

    def show(self):
        if self.error:
            return [f'error ({self.error}): {self.message}']
        return ['\t'.join(self.types)] + ['\t'.join(row) for row in self.rows]


def read_answers(path):
    """The answers of a file's queries in their order; None for one without an answer."""
    out, message = [], ''
    for block in open(path, encoding='utf-8').read().split('\n\n'):
        lines = block.strip('\n').split('\n')
        while lines and lines[0].startswith('#'):
            if lines[0].startswith('# message: '):
                message = lines[0][11:]
            lines.pop(0)
        if not lines:
            continue
        if lines[0].startswith('query'):
            body = lines[lines.index('----') + 1:] if '----' in lines else None
            out.append(None if body is None else Answer(lines[0].split()[1], body, message))
        message = ''
    return out


# ---- sameness

def _close(a, b):
    try:
        x, y = float(a), float(b)
    except ValueError:
        return False
    return x == y or abs(x - y) <= 1e-12 * max(abs(x), abs(y))


def _same_row(a, b, types, shift):
    if len(a) != len(b):
        return False
    for i, (x, y) in enumerate(zip(a, b)):
        if x != y:
            type = types[i - shift] if i >= shift else ''
            if type.startswith(('MAP', 'MULTISET')) and sorted(x[1:-1].split(', ')) == sorted(y[1:-1].split(', ')):
                continue  # no order among the entries
            if not (type.startswith(('DOUBLE', 'FLOAT')) and _close(x, y)):
                return False
    return True


def same(a, b):
    """Whether two answers in Flink's writing are the same."""
    if a.error or b.error:
        return a.error == b.error
    if a.types != b.types or len(a.rows) != len(b.rows):
        return False
    return all(_same_row(x, y, a.types, 1 if a.changelog else 0) for x, y in zip(a.rows, b.rows))


def materialized(answer):
    """A change log's end: what is left of it."""
    if answer.error or not answer.changelog:
        return answer
    left = []
    for kind, *row in answer.rows:
        if kind in ('+I', '+U'):
            left.append(row)
        elif row in left:
            left.remove(row)
    out = Answer('rows', ['\t'.join(answer.types)])
    out.rows = sorted(left, key=lambda row: '\t'.join(row).encode())
    return out


# ---- SQLite

def sqlite_open(tables):
    db = sqlite3.connect(':memory:')
    db.execute('PRAGMA case_sensitive_like = ON')
    for name, upper in (('UPPER', True), ('LOWER', False)):
        db.create_function(name, 1, lambda s, u=upper: None if s is None else s.upper() if u else s.lower())
    for table in tables:
        ddl, rows = table.lite()
        db.execute(ddl)
        db.executemany(f'INSERT INTO {table.name} VALUES ({", ".join("?" * len(table.columns))})', rows)
    return db


def _plain(value, type):
    """A value of SQLite's as Flink writes it."""
    if value is None:
        return 'NULL'
    if type.startswith('BOOLEAN'):
        return 'TRUE' if value else 'FALSE'
    if type.startswith(('DOUBLE', 'FLOAT')):
        return repr(float(value))
    if value == '':
        return '(empty)'
    text = str(value).replace('\\', '\\\\')
    return text[:-4] if type.startswith('TIMESTAMP') and text.endswith('.000') else text


def against_sqlite(db, lite, answer):
    """Why SQLite's answer differs, or None."""
    steps = [0]

    def tick():
        steps[0] += 1
        return steps[0] > 2000

    db.set_progress_handler(tick, 10000)
    try:
        rows = db.execute(lite).fetchall()
    except sqlite3.OperationalError as why:
        # Its own limits: sums beyond 64 bits, time, a FULL JOIN below a UNION ALL below a JOIN.
        known = ('overflow', 'interrupted', 'ON clause references tables to its right')
        return None if any(word in str(why) for word in known) else f'SQLite cannot: {why}'
    if answer.error:
        return f'SQLite gives {len(rows)} rows, weir an error: {answer.message}'
    answer = materialized(answer)
    types = answer.types
    theirs = [[_plain(v, t) for v, t in zip(row, types)] for row in rows]
    ours = [[v[:-4] if t.startswith('TIMESTAMP') and v.endswith('.000') else
             repr(float(v)) if t.startswith('DOUBLE') and v not in ('NULL',) else v
             for v, t in zip(row, types)] for row in answer.rows]
    theirs.sort()
    ours.sort()
    if len(theirs) == len(ours) and all(_same_row(a, b, types, 0) for a, b in zip(ours, theirs)):
        return None
    return 'SQLite gives\n' + '\n'.join('\t'.join(row) for row in theirs)


# ---- weir and Flink

def run_weir(weir, paths, data, settings=()):
    """Fills the files with weir's answers."""
    command = [weir, 'test', '--record', '--data', data]
    for setting in settings:
        command += ['-D', setting]
    done = subprocess.run(command + paths, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    # A crash leaves its query without an answer; that is found by whoever reads them.
    return done.stdout


def parts(paths):
    """The case files, so many together that one call of the oracle answers them in time."""
    part, queries = [], 0
    for path in paths:
        count = open(path, encoding='utf-8').read().count('\nquery ')
        if part and queries + count > QUERIES_A_CALL:
            yield part
            part, queries = [], 0
        part.append(path)
        queries += count
    if part:
        yield part


def run_flink(oracle, paths, data, threads=3):
    """Fills the files with Flink's. One oracle at a time, for it takes a whole machine: so nobody holds it long."""
    # Its jobs are over before what an optimising compiler makes of them pays.
    environment = dict(os.environ, ORACLE_TIER=os.environ.get('ORACLE_TIER', '1'))
    lock = os.path.join(os.environ.get('TMPDIR', '/tmp'), 'oracle.lock')
    said = ''
    for part in parts(paths):
        command = ['flock', '-w', '600', lock, 'timeout', '300', 'nice', oracle, 'fill', '-j', str(threads), '-d', data]
        done = subprocess.run(command + part, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              env=environment)
        if done.returncode not in (0, 124) and not re.search(r'records', done.stdout):
            raise SystemExit(f'the oracle failed:\n{done.stdout[-2000:]}')
        said += done.stdout
    return said
