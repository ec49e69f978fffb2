#!/usr/bin/env python3
"""run.py - random queries through weir, itself again in other ways, SQLite and Flink; see README.md."""

import argparse
import os
import re
import shutil
import sys
import tempfile
import time

from choices import Choices, smaller
from judges import (against_sqlite, materialized, read_answers, run_flink, run_weir, same, sqlite_open)
from queries import Queries
from tables import make_tables, make_wide_tables

QUERIES_A_FILE = 25
# Ways of weir's own that may not change a final result.
WAYS = [
    ['parallelism.default=2'],
    ['parallelism.default=4'],
    ['table.exec.mini-batch.enabled=true', 'table.exec.mini-batch.allow-latency=1 s',
     'table.exec.mini-batch.size=3'],
    ['parallelism.default=2', 'table.exec.mini-batch.enabled=true', 'table.exec.mini-batch.allow-latency=1 s',
     'table.exec.mini-batch.size=1000', 'table.optimizer.distinct-agg.split.enabled=true',
     'table.optimizer.agg-phase-strategy=TWO_PHASE'],
    ['execution.runtime-mode=batch'],
]
BATCH = WAYS[-1]
HERE = os.path.dirname(os.path.abspath(__file__))


class Case:
    """One query over the tables of its file: two lists of choices are all it is."""

    def __init__(self, tables_made, seed=None, made=None, wide=0, batch=False):
        self.tables_made, self.wide, self.batch = tables_made, wide, batch
        self.tables, self.zone = tables_from(Choices(replay=tables_made), wide)
        choices = Choices(seed, made)
        queries = Queries(choices, self.tables, wide, str(seed).split('/')[-1], self.zone)
        self.rel = queries.query()
        self.empties, self.flawed = queries.empties, queries.flawed
        self.before, self.after = queries.before, queries.after
        self.made = choices.made

    def kind(self):
        return 'changelog' if self.rel.exact and not self.batch else 'rows'

    def text(self):
        before = ''.join(f'statement ok\n{text}\n\n' for text in self.before)
        after = ''.join(f'\nstatement ok\n{text}\n' for text in self.after)
        return f'{before}query {self.kind()}\n{self.rel.query.flink}\n{after}'


def tables_from(choices, wide):
    """The tables, and the time zone of the session."""
    return make_wide_tables(choices) if wide else (make_tables(choices), 'UTC')


def tables_of(seed, wide):
    choices = Choices(seed)
    tables_from(choices, wide)
    return choices.made


def write_file(folder, name, cases):
    """A case file, and the data of its tables; all cases share the tables of the first."""
    prefix = name + '_'
    records = []
    for table in cases[0].tables:
        with open(os.path.join(folder, 'data', f'{prefix}{table.name}.json'), 'w', encoding='utf-8') as out:
            out.write(''.join(line + '\n' for line in table.lines))
        records.append(f'statement ok\n{table.ddl(prefix)}\n')
    if cases[0].zone != 'UTC':
        records.append(f"statement ok\nSET 'table.local-time-zone' = '{cases[0].zone}'\n")
    path = os.path.join(folder, name + '.test')
    with open(path, 'w', encoding='utf-8') as out:
        out.write('\n'.join(records + [case.text() for case in cases]))
    return path


def save(path, agreed, data, folder):
    """Leaves the queries of an answered file that weir and Flink agree on in [folder], with their data."""
    name = os.path.basename(path).split('.')[0]
    records, n = [], 0
    for record in open(path, encoding='utf-8').read().strip('\n').split('\n\n'):
        if re.search(r'^query', record, re.M):
            n += 1
            if not agreed[n - 1]:
                continue
        records.append(record)
    os.makedirs(os.path.join(folder, 'data'), exist_ok=True)
    with open(os.path.join(folder, name + '.test'), 'w', encoding='utf-8') as out:
        out.write(f'# Random queries of seed {name.split("_")[0]}; see test/random/README.md.\n\n')
        out.write('\n\n'.join(records) + '\n')
    for file in os.listdir(data):
        if file.startswith(name + '_'):
            shutil.copy(os.path.join(data, file), os.path.join(folder, 'data', file))


def limits():
    """Messages of refusals that are Flink's limits: weir may answer there; see limits.txt."""
    with open(os.path.join(HERE, 'limits.txt'), encoding='utf-8') as lines:
        return [re.compile(line.strip()) for line in lines if line.strip() and line[0] != '#']


class Court:
    """Asks the judges about many files of cases, and says which differ."""

    def __init__(self, options, folder):
        self.options, self.folder, self.limits = options, folder, limits()
        self.asked = {'itself': 0, 'sqlite': 0, 'flink': 0}
        self.beyond = 0
        os.makedirs(os.path.join(folder, 'data'), exist_ok=True)

    def copies(self, paths, word):
        out = []
        for path in paths:
            copy = path[:-5] + '.' + word
            shutil.copy(path, copy + '.test')
            out.append(copy + '.test')
        return out

    def judge(self, files):
        """files: lists of cases. Gives a list of (file, case number, judge, why)."""
        paths = [write_file(self.folder, f'{self.options.seed}_{i}', cases) for i, cases in enumerate(files)]
        data = os.path.join(self.folder, 'data')
        ours = self.copies(paths, 'weir')
        run_weir(self.options.weir, ours, data, BATCH if self.options.batch else ())
        answers = [read_answers(path) for path in ours]
        found = []
        if not self.options.only or 'itself' in self.options.only:
            self.against_itself(files, paths, data, answers, found)
        if self.options.sqlite and (not self.options.only or 'sqlite' in self.options.only):
            self.against_sqlite(files, answers, found)
        if self.options.flink:
            self.against_flink(files, paths, data, answers, found)
        return found

    def against_itself(self, files, paths, data, answers, found):
        for at, way in enumerate(WAYS):
            theirs = self.copies(paths, f'way{at}')
            run_weir(self.options.weir, theirs, data, way)
            for i, cases in enumerate(files):
                others = read_answers(theirs[i])
                for n, case in enumerate(cases):
                    mine, other = answers[i][n], others[n]
                    if mine is None or other is None:
                        found.append((i, n, 'itself', f'no answer ({" ".join(way)})'))
                    elif way is BATCH and (case.empties or 'validation' in (mine.error, other.error) or
                                           (case.before and other.error)):
                        continue
                    elif not case.rel.single:
                        self.asked['itself'] += 1
                        if not same(materialized(mine), materialized(other)):
                            lines = '\n'.join(materialized(other).show())
                            found.append((i, n, 'itself', f'with {" ".join(way)}\n{lines}'))

    def against_sqlite(self, files, answers, found):
        for i, cases in enumerate(files):
            db = sqlite_open(cases[0].tables)
            for n, case in enumerate(cases):
                lite = case.rel.query.lite
                if lite is None or case.rel.single or answers[i][n] is None:
                    continue
                if answers[i][n].error == 'validation':
                    continue  # what Flink refuses, Flink is to be asked about
                self.asked['sqlite'] += 1
                why = against_sqlite(db, lite, answers[i][n])
                if why:
                    found.append((i, n, 'sqlite', why + '\n' + lite))
            db.close()

    def against_flink(self, files, paths, data, answers, found):
        theirs = self.copies(paths, 'flink')
        run_flink(self.options.oracle, theirs, data, self.options.threads)
        for i, cases in enumerate(files):
            others = read_answers(theirs[i])
            agreed = [a is not None and b is not None and same(a, b) for a, b in zip(answers[i], others)]
            if self.options.save:
                save(theirs[i], agreed, data, self.options.save)
            for n in range(len(cases)):
                mine, other = answers[i][n], others[n]
                if other is None or cases[n].flawed or (cases[n].batch and cases[n].rel.single):
                    continue  # it ran past the oracle's limit, or Flink is wrong
                self.asked['flink'] += 1
                if mine is None:
                    found.append((i, n, 'flink', 'no answer from weir'))
                elif not same(mine, other):
                    if other.error and any(limit.search(other.message) for limit in self.limits):
                        self.beyond += 1
                        continue
                    found.append((i, n, 'flink', '\n'.join(other.show())))


def shrink(case, judge, options, scratch):
    """The smallest case that still differs for [judge]: tables and query become simpler by turns."""
    wanted = argparse.Namespace(**vars(options))
    wanted.only = [judge]
    wanted.flink = judge == 'flink'
    wanted.save = None
    court = Court(wanted, scratch)
    end = time.time() + options.shrink
    why = ''

    def worst(candidates):
        nonlocal why
        tried, known = [], set()
        for tables_made, made in candidates:
            try:
                smaller_case = Case(tables_made, made=made, wide=case.wide, batch=case.batch)
            except (IndexError, AssertionError, RecursionError):
                continue
            key = (smaller_case.text(), str([t.lines for t in smaller_case.tables]), str(smaller_case.tables_made))
            if key not in known:
                known.add(key)
                tried.append(smaller_case)
        for start in range(0, len(tried), 120):
            part = tried[start:start + 120]
            found = [f for f in court.judge([[x] for x in part]) if f[2] == judge]
            if found:
                why = found[0][3]
                return part[found[0][0]]
        return None

    best, size = case, 64
    while size >= 1 and time.time() < end:
        queries = ((best.tables_made, made) for made in smaller(best.made, size))
        tables = ((made, best.made) for made in smaller(best.tables_made, size))
        better = worst(list(queries)) if size <= len(best.made) else None
        if better is None and size <= len(best.tables_made):
            better = worst(list(tables))
        if better is None:
            size //= 2
        else:
            best = better
    return best, why


def show(case, judge, why, answers_of):
    print(f'  {judge} differs')
    for table in case.tables:
        if re.search(rf'\b{table.name}\b', case.text()):
            print('    ' + table.ddl('').split('\n')[0])
            for line in table.lines:
                print('      ' + line)
    for text in case.before:
        print('    ' + text)
    print('    ' + case.rel.query.flink)
    print('    weir:')
    for line in answers_of:
        print('      ' + line)
    print(f'    {judge}:')
    for line in why.split('\n'):
        print('      ' + line)


def main():
    parser = argparse.ArgumentParser(description='Random queries through weir, SQLite and Flink.')
    parser.add_argument('seed', type=int)
    parser.add_argument('count', type=int)
    parser.add_argument('--weir', default=os.environ.get('WEIR', 'build/weir'))
    parser.add_argument('--sqlite', action='store_true', help='compare with SQLite where the query is standard')
    parser.add_argument('--flink', action='store_true', help='compare with Flink by the oracle')
    parser.add_argument('--oracle', default=os.environ.get('FLINK_ORACLE', '../shared/oracle/oracle'))
    parser.add_argument('--threads', type=int, default=3, help="the oracle's")
    parser.add_argument('--wide', action='count', default=0, help='also the forms of wide.py; twice: of operators.py')
    parser.add_argument('--batch', action='store_true', help='in batch mode, which the oracle named has to be in')
    parser.add_argument('--shrink', type=float, default=0, metavar='SECONDS', help='for each difference')
    parser.add_argument('--most', type=int, default=5, help='differences to show')
    parser.add_argument('--keep', metavar='DIR', help='leave the files there')
    parser.add_argument('--save', metavar='DIR', help='leave what Flink answered and weir agrees to there')
    parser.add_argument('--only', nargs='*', help=argparse.SUPPRESS)
    options = parser.parse_args()

    folder = options.keep or tempfile.mkdtemp(prefix='weir-random-')
    began = time.time()
    files = []
    for start in range(0, options.count, QUERIES_A_FILE):
        seed = f'{options.seed}/{start // QUERIES_A_FILE}'
        made = tables_of(seed, options.wide)
        files.append([Case(made, f'{seed}/{n}', wide=options.wide, batch=options.batch) for n in range(min(QUERIES_A_FILE, options.count - start))])
    court = Court(options, folder)
    found = court.judge(files)
    found = list({(i, n, judge): (i, n, judge, why) for i, n, judge, why in reversed(found)}.values())[::-1]
    for at, (i, n, judge, why) in enumerate(found):
        case = files[i][n]
        print(f'FAIL random/{options.seed}/{i}/{n}: {judge}')
        if at < options.most:
            if options.shrink:
                scratch = tempfile.mkdtemp(prefix='weir-shrink-')
                case, shorter = shrink(case, judge, options, scratch)
                why = shorter or why
                shutil.rmtree(scratch)
            scratch = tempfile.mkdtemp(prefix='weir-shrink-')
            os.makedirs(os.path.join(scratch, 'data'))
            path = write_file(scratch, 'f', [case])
            run_weir(options.weir, [path], os.path.join(scratch, 'data'), BATCH if case.batch else ())
            answer = read_answers(path)[0]
            show(case, judge, why, answer.show() if answer else ['no answer'])
            shutil.rmtree(scratch)
    asked = ', '.join(f'{judge} {count}' for judge, count in court.asked.items() if count)
    print(f'seed {options.seed}: {options.count} queries in {time.time() - began:.0f} s; compared: {asked}'
          + (f'; Flink refuses {court.beyond} that weir answers' if court.beyond else ''))
    if not options.keep:
        shutil.rmtree(folder)
    print(f'{options.count - len({f[:2] for f in found})} passed, {len({f[:2] for f in found})} failed, 0 skipped')
    return 1 if found else 0


if __name__ == '__main__':
    sys.exit(main())
