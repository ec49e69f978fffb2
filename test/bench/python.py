#!/usr/bin/env python3
"""Functions in Python at speed: rows a second through each kind, beside the same query without one.

    python.py [--rows 1000000] [--workers 1,2] [--python python3] [--weir build/weir]

Rows come from datagen and go into a blackhole. CPU seconds are weir's and its Python workers'. Functions
of whole columns (pandas) are skipped where the interpreter has no pandas and pyarrow.
"""
import argparse, os, subprocess, sys, tempfile

from measure import MINI_BATCH, WEIR, Run

MODULE = """
from pyflink.table import DataTypes
from pyflink.table.udf import udf, udtf, udaf, AggregateFunction

add = udf(lambda a, b: a + b, result_type=DataTypes.BIGINT())
label = udf(lambda a, s: "%d-%s" % (a, s), result_type=DataTypes.STRING())

@udtf(result_types=[DataTypes.BIGINT(), DataTypes.STRING()])
def split(a, s):
    yield a, s[:4]
    yield -a, s[4:]

class Mean(AggregateFunction):
    def create_accumulator(self):
        return [0, 0]

    def accumulate(self, accumulator, x):
        accumulator[0] += x
        accumulator[1] += 1

    def merge(self, accumulator, others):
        for other in others:
            accumulator[0] += other[0]
            accumulator[1] += other[1]

    def get_value(self, accumulator):
        return accumulator[0] / accumulator[1] if accumulator[1] else None

mean = udaf(Mean(), result_type=DataTypes.DOUBLE())

@udf(result_type=DataTypes.BIGINT(), func_type="pandas")
def add_pandas(a, b):
    return a + b

@udf(result_type=DataTypes.STRING(), func_type="pandas")
def label_pandas(a, s):
    return a.astype(str) + "-" + s
"""
NAMES = ['add', 'label', 'split', 'mean', 'add_pandas', 'label_pandas']
CASES = [  # name, columns of the sink, query, settings
    ('none', 'x BIGINT', 'SELECT a + b FROM s', []),
    ('scalar, two BIGINT', 'x BIGINT', 'SELECT py_add(a, b) FROM s', []),
    ('scalar, BIGINT and STRING', 'x STRING', 'SELECT py_label(a, t) FROM s', []),
    ('pandas, two BIGINT', 'x BIGINT', 'SELECT py_add_pandas(a, b) FROM s', []),
    ('pandas, BIGINT and STRING', 'x STRING', 'SELECT py_label_pandas(a, t) FROM s', []),
    ('table, two rows each', 'x BIGINT, y STRING', 'SELECT f0, f1 FROM s, LATERAL TABLE(py_split(a, t))', []),
    ('aggregate, 1000 groups', 'k INT, x DOUBLE', 'SELECT k, py_mean(a) FROM s GROUP BY k', []),
    ('aggregate, mini-batch', 'k INT, x DOUBLE', 'SELECT k, py_mean(a) FROM s GROUP BY k', MINI_BATCH),
]


def run(o, folder, sink, query, settings, workers, rows):
    text = f"""SET 'python.files' = '{folder}/bench_functions.py';
SET 'python.executable' = '{o.python}';
CREATE TABLE s (a BIGINT, b BIGINT, k INT, t STRING) WITH ('connector' = 'datagen', 'number-of-rows' = '{rows}',
    'rows-per-second' = '100000000', 'fields.k.min' = '0', 'fields.k.max' = '999', 'fields.t.length' = '12',
    'fields.a.max' = '1000000', 'fields.a.min' = '0', 'fields.b.min' = '0', 'fields.b.max' = '1000000');
CREATE TABLE d ({sink}) WITH ('connector' = 'blackhole');
"""
    text += ''.join(f"CREATE FUNCTION py_{name} AS 'bench_functions.{name}' LANGUAGE PYTHON;\n" for name in NAMES)
    text += f'INSERT INTO d {query};\n'
    return Run(o.weir, text, [f'parallelism.default={workers}', *settings])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--rows', type=int, default=int(os.environ.get('BENCH_PYTHON_ROWS', 1000000)))
    parser.add_argument('--workers', default='1,2')
    parser.add_argument('--python', default=os.environ.get('WEIR_PYTHON', 'python3'))
    parser.add_argument('--weir', default=WEIR)
    o = parser.parse_args()
    pandas = subprocess.run([o.python, '-c', 'import pandas, pyarrow'], stderr=subprocess.DEVNULL).returncode == 0
    if not pandas:
        print(f'SKIP pandas: {o.python} has no pandas and pyarrow')
    print(f'{"function":28} {"workers":>7} {"rows/s":>10} {"CPU ns/row":>10}')
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, 'bench_functions.py'), 'w') as f:
            f.write(MODULE)
        for name, sink, query, settings in CASES:
            if name.startswith('pandas') and not pandas:
                continue
            for workers in map(int, o.workers.split(',')):
                one = run(o, folder, sink, query, settings, workers, o.rows)
                failed |= one.code != 0
                figures = one.why() if one.code else f'{o.rows / one.wall:10,.0f} {one.cpu / o.rows * 1e9:10,.0f}'
                print(f'{name:28} {workers:7} {figures}')
    return failed


sys.exit(main())
