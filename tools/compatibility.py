#!/usr/bin/env python3
"""tools/compatibility.py: the tables of docs/flink-compatibility.md that say of each of Flink's statements,
operators and functions whether weir has it, made from the recorded cases and their results.

    tools/compatibility.py          rewrites the page's part between its two marks
    tools/compatibility.py --check  says whether the page is up to date; 1 if not

The items stand in tools/compatibility.txt, the functions in docs/sql/functions.md (that these are all of
Flink's is a case: SHOW FUNCTIONS). "cases" counts the records of the 2,255 that use the item; a dash: those
that do stand elsewhere in test/sql."""
import glob
import os
import re
import sys

PAGE = 'docs/flink-compatibility.md'
BEGIN, END = '<!-- made by make docs from the cases: tools/compatibility.py -->\n', '<!-- end of what is made -->\n'


def records(path):
    """The SQL of each record of a case file, as one line."""
    for block in re.split(r'\n\s*\n', open(path, encoding='utf-8').read()):
        lines = [line for line in block.split('\n') if not line.startswith('#')]
        if lines and re.match(r'(statement|query)\b', lines[0]):
            sql = '\n'.join(lines[1:]).split('\n----')[0]
            yield ' '.join(sql.split())


def known_failures():
    with open('test/sql/known-failures.txt', encoding='utf-8') as lines:
        return {line.split(':')[0].strip() for line in lines if line.strip() and not line.startswith('#')}


def items():
    """(heading, name, verdict, pattern, note) of each."""
    heading = None
    for line in open('tools/compatibility.txt', encoding='utf-8'):
        line = line.rstrip('\n')
        if line.startswith('=='):
            heading = line[2:].strip()
        elif line and not line.startswith('#'):
            part = [p.strip() for p in re.split(r' \|(?= |$)', line)]
            part += ['yes', '', ''][len(part) - 1:]
            yield heading, part[0], part[1], part[2] or re.escape(part[0]), part[3]


def functions():
    """(topic, [[name, alias...]...]) of each topic of the functions' page."""
    topics = {}
    for line in open('docs/sql/functions.md', encoding='utf-8'):
        if line.startswith('## '):
            topic = topics.setdefault(line[3:].strip(), {})
        found = re.match(r'\| `([A-Z_0-9]+)[^`]*`((?:<br>also |, |`[^`]*`)*)', line)
        if found:
            topic.setdefault(found[1], [found[1]] + re.findall(r'`([^`]+)`', found[2]))
    return [(name, list(rows.values())) for name, rows in topics.items()]


def main():
    cases = {}
    for path in sorted(glob.glob('test/sql/**/*.test', recursive=True)):
        cases[path] = list(records(path))
    failing = known_failures()
    out, heading, wrong = [], None, []

    def count(name, pattern):
        """How many of the 2,255 use it; a dash when only others do."""
        finder, counted, elsewhere = re.compile(pattern, re.I), 0, 0
        for path, sqls in cases.items():
            hits = sum(1 for sql in sqls if finder.search(sql))
            if re.match('test/sql/flink/(scalar|stream|batch)/', path):
                counted += hits
            else:
                elsewhere += hits
            if hits and path[len('test/sql/'):] in failing:
                wrong.append('%s: a case in %s is known to fail' % (name, path))
        if not counted + elsewhere:
            wrong.append('%s: no case uses it' % name)
        return counted or '–'

    for group, name, verdict, pattern, note in items():
        if group != heading:
            out += ['', '### ' + group, '', '| | weir | cases | |', '|---|---|---|---|']
            heading = group
        out.append('| %s | %s | %s | %s |' % (name, verdict, count(name, pattern) if verdict != 'no' else '', note))
    out += ['', '### Functions', '', 'All of them: `yes`, each with its cases. What they do: [functions](sql/functions.md).', '',
            '| | |', '|---|---|']
    for topic, rows in functions():
        out.append('| %s | %s |' % (topic, ', '.join(
            '%s %s' % (' '.join(names), count(names[0], r'(?<![\w.])(%s)(?!\w)' % '|'.join(map(re.escape, names))))
            for names in rows)))
    if wrong:
        sys.exit('\n'.join(wrong))
    text = open(PAGE, encoding='utf-8').read()
    head, rest = text.split(BEGIN)
    page = head + BEGIN + '\n'.join(out).lstrip('\n') + '\n\n' + END + rest.split(END)[1]
    if '--check' in sys.argv[1:]:
        if page != text:
            sys.exit('%s is not what the cases give: make docs' % PAGE)
        return
    open(PAGE, 'w', encoding='utf-8').write(page)


os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
main()
