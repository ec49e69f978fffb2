# src/udf/python/worker.py - the other end of udf/python.c: finds a function, and computes it over
# batches.
#
# It is started with one end of a socket as its standard input. A message is u32 the size of what
# follows, u32 what it is, u32 how many sections it has, u32 the size of each; then the sections, at
# multiples of eight. Sections with rows are Arrow IPC streams of one batch; an answer has the batch
# alone, its schema is the one that came with the question.
import asyncio
import inspect
import importlib
import json
import os
import pickle
import signal
import socket
import struct
import sys
import time
import traceback
import typing

from weir import arrow, pyflink
from weir.pyflink import Declared

DESCRIBE, SCALAR, TABLE, AGGREGATE, VALUES = range(1, 6)
DONE, FAILED, MORE, ALIVE = range(4)
SKIP = 2  # what to do with an aggregate function's row: 0 accumulate, 1 retract
ALIVE_SECONDS = 0.25
TABLE_ROWS = 2048  # of one message of a table function's


class Peer:
    """weir. What the function prints goes to weir's standard error, not between our messages."""

    def __init__(self):
        self.socket = socket.socket(fileno=os.dup(0))
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.close(null)
        sys.stdout = sys.stderr

    def read(self, size):
        data = bytearray(size)
        at = memoryview(data)
        while at:
            got = self.socket.recv_into(at)
            if not got:
                raise EOFError
            at = at[got:]
        return memoryview(data).toreadonly()

    def receive(self):
        size, = struct.unpack("<I", self.read(4))
        data = self.read(size)
        what, count = struct.unpack_from("<II", data)
        at, sections = 8 + 4 * count, []
        for part in struct.unpack_from("<%dI" % count, data, 8):
            at += -at % 8
            sections.append(data[at:at + part])
            at += part
        return what, sections

    def send(self, what, *sections):
        head = struct.pack("<II%dI" % len(sections), what, len(sections), *map(len, sections))
        parts = [head]
        for section in sections:
            parts += (bytes(-len(parts[-1]) % 8), section)
        data = b"".join(parts)
        self.socket.sendall(struct.pack("<I", len(data)) + data)


# ---- what goes wrong -----------------------------------------------------------------------------

class Failed(Exception):
    """Its text is what weir is told."""


def last_line(error):
    return "".join(traceback.format_exception_only(type(error), error)).strip().splitlines()[-1]


def _ours(frame):
    return frame.filename.startswith("<weir") or frame.filename.startswith("<frozen")


def explain(error, row=None):
    """The exception, the row, and the last places of the traceback that are not ours."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not _ours(frame)]
    text = last_line(error)
    if frames:
        text += " (%s, line %d)" % (os.path.basename(frames[-1].filename), frames[-1].lineno)
    if row is not None:
        shown = repr(tuple(row))
        text += ", for the row " + (shown if len(shown) < 300 else shown[:300] + "...")
    for frame in frames[-3:]:
        text += "\n    %s:%d in %s: %s" % (os.path.basename(frame.filename), frame.lineno,
                                           frame.name, frame.line)
    return text


# ---- the function --------------------------------------------------------------------------------

HINTS = {"bool": "BOOLEAN", "int": "BIGINT", "float": "DOUBLE", "str": "STRING", "bytes": "BYTES",
         "datetime.date": "DATE", "datetime.time": "TIME(3)", "datetime.datetime": "TIMESTAMP(6)",
         "datetime.timedelta": "INTERVAL DAY TO SECOND(3)", "decimal.Decimal": "DECIMAL(38, 18)"}


def sql_of_hint(hint):
    """The type that a hint stands for, or None."""
    inner = [arg for arg in typing.get_args(hint) if arg is not type(None)]
    origin = typing.get_origin(hint)
    if origin is list and len(inner) == 1:
        element = sql_of_hint(inner[0])
        return element and "ARRAY<%s>" % element
    if origin is dict and len(inner) == 2:
        key, value = map(sql_of_hint, inner)
        return key and value and "MAP<%s, %s>" % (key, value)
    if origin is not None and len(inner) == 1:  # Optional[int]
        return sql_of_hint(inner[0])
    if not isinstance(hint, type):
        return None
    name = hint.__qualname__
    return HINTS.get(name if hint.__module__ == "builtins" else hint.__module__ + "." + name)


class Function:
    """What was found: its kind, its signature, and how it is called."""

    def __init__(self, order):
        self.order = order
        found = self.load(order["target"])
        declared = found if isinstance(found, Declared) else self.undeclared(found)
        self.declared, self.kind, self.pandas = declared, declared.kind, declared.pandas
        self.object = declared.func() if inspect.isclass(declared.func) else declared.func
        if self.kind == "table aggregate":
            raise TypeError("a table aggregate function cannot be called in SQL: Flink has "
                            "flat_aggregate for it in the Table API alone. Write a table function "
                            "(udtf) or an aggregate function (udaf)")
        if self.pandas:
            self.need_pandas()
        if self.kind == "aggregate" and self.pandas:
            self.object = PandasAggregate(self.object)
        self.open()
        self.eval = getattr(self.object, "eval", self.object)
        self.asynchronous = inspect.iscoroutinefunction(self.eval)

    @staticmethod
    def load(target):
        module, _, name = target.rpartition(".")
        if not module:
            raise TypeError("'%s' is no 'module.function'" % target)
        return getattr(importlib.import_module(module), name)

    @staticmethod
    def undeclared(found):
        of = found if inspect.isclass(found) else type(found)
        kind = ("table" if issubclass(of, pyflink.TableFunction) else
                "aggregate" if issubclass(of, pyflink.AggregateFunction) else
                "table aggregate" if issubclass(of, pyflink.TableAggregateFunction) else "scalar")
        return Declared(kind, found, None, None, None, "general")

    def need_pandas(self):
        try:
            import pandas
            import pyarrow
        except ImportError as error:
            raise ImportError("func_type='pandas' needs pandas and pyarrow (%s): %s -m pip install "
                              "pandas pyarrow" % (error, sys.executable)) from None
        self.pd, self.pa = pandas, pyarrow

    def open(self):
        if hasattr(self.object, "open"):
            self.object.open(pyflink.FunctionContext(self.order["parameters"]))

    def close(self):
        if hasattr(self.object, "close"):
            self.object.close()

    def inputs(self):
        """Names and types of the arguments; a type is ANY where only a call knows it."""
        func = self.eval
        if self.kind == "aggregate":
            func = self.object.func if self.pandas else self.object.accumulate
        declared = self.declared.inputs
        declared = None if declared is None else list(map(str, declared))
        try:
            parameters = list(inspect.signature(func).parameters.values())
        except (TypeError, ValueError):  # of a function in C
            return ["ANY..."] if declared is None else declared
        try:
            hints = {} if self.pandas else typing.get_type_hints(func)
        except TypeError:
            hints = {}
        if self.kind == "aggregate" and not self.pandas:
            parameters = parameters[1:]  # the accumulator
        plain = [at for at in parameters if at.kind in (at.POSITIONAL_ONLY,
                                                        at.POSITIONAL_OR_KEYWORD)]
        if declared is not None and len(declared) != len(plain):
            return declared
        texts = []
        for i, at in enumerate(plain):
            of = declared[i] if declared is not None else sql_of_hint(hints.get(at.name)) or "ANY"
            texts.append("%s %s%s" % (at.name, of, "" if at.default is at.empty else "?"))
        if declared is None:
            texts += ["%s %s..." % (at.name, sql_of_hint(hints.get(at.name)) or "ANY")
                      for at in parameters if at.kind == at.VAR_POSITIONAL]
        return texts

    def result(self):
        of = self.declared.result
        if of is None and hasattr(self.object, "get_result_type"):
            of = self.object.get_result_type()
        if of is None and not self.pandas:
            func = self.object.get_value if self.kind == "aggregate" else self.eval
            try:
                of = sql_of_hint(typing.get_type_hints(func).get("return"))
            except TypeError:
                pass
        if of is None:
            raise TypeError("the type of its result is not known: give a type hint (int, str, ...) "
                            "or the decorator's result_type%s"
                            % ("s" if self.kind == "table" else ""))
        types = list(map(str, of)) if isinstance(of, (list, tuple)) else [str(of)]
        if self.kind != "table" or len(types) == 1 and types[0].upper().startswith("ROW<"):
            return types[0]
        return "ROW<%s>" % ", ".join("f%d %s" % item for item in enumerate(types))

    def describe(self):
        flags = []
        deterministic = self.declared.deterministic
        if deterministic is None and hasattr(self.object, "is_deterministic"):
            deterministic = self.object.is_deterministic()
        if deterministic is False:
            flags.append("nondeterministic")
        if self.kind == "aggregate":
            flags += [name for name in ("retract", "merge") if hasattr(self.object, name)]
        if self.pandas:
            flags.append("pandas")
        signature = "(%s) -> %s" % (", ".join(self.inputs()), self.result())
        return [self.kind.encode(), " ".join(flags).encode(), signature.encode()]


class PandasAggregate:
    """A function of whole columns as an aggregate function: its accumulator is the rows."""

    def __init__(self, func):
        self.func = func

    def create_accumulator(self):
        return []

    def accumulate(self, rows, *row):
        rows.append(row)

    def retract(self, rows, *row):
        if row in rows:
            rows.remove(row)

    def merge(self, rows, others):
        for other in others:
            rows.extend(other)

    def get_value(self, rows):
        import pandas
        if not rows:
            return None
        value = self.func(*(pandas.Series(column) for column in zip(*rows)))
        if hasattr(value, "item"):
            value = value.item()
        return None if value is None or value is pandas.NaT or value != value else value


# ---- computing -----------------------------------------------------------------------------------

class Worker:
    def __init__(self, peer, function):
        self.peer, self.function = peer, function
        self.alive = time.monotonic()

    def each(self, rows, step):
        """Calls step for each row, and tells weir now and then that it gets on."""
        at, size = 0, 1
        try:
            while at < len(rows):
                before = time.monotonic()
                for row in rows[at:at + size]:
                    step(row)
                    at += 1
                now = time.monotonic()
                if now - self.alive > ALIVE_SECONDS:
                    self.peer.send(ALIVE)
                    self.alive = now
                size = size * 2 if now - before < 0.01 else max(1, size // 2)
        except Failed:
            raise
        except Exception as error:
            raise Failed(explain(error, rows[at])) from error

    @staticmethod
    def rows(columns, count):
        return list(zip(*columns)) if columns else [()] * count

    def write(self, fields, columns, rows):
        """The message of a batch. When it cannot be, the row is looked for."""
        try:
            return arrow.write_batch(fields, columns, len(rows))
        except Exception as error:
            for i, row in enumerate(rows):
                try:
                    arrow.write_batch(fields, [column[i:i + 1] for column in columns], 1)
                except Exception as of_row:
                    error = of_row
                    break
            else:
                row = None
            shown = "" if row is None else ", for the row %.300r" % (tuple(row),)
            raise Failed("its result is not of the declared type: %s%s"
                         % (last_line(error), shown)) from error

    def scalar(self, result, batch):
        if self.function.pandas:
            return self.scalar_pandas(result, batch)
        fields, _ = arrow.read_schema(result)
        columns, count = arrow.read_stream(batch)
        rows, out = self.rows(columns, count), []
        if self.function.asynchronous:
            out = self.gather(rows)
        else:
            evaluate, append = self.function.eval, out.append
            self.each(rows, lambda row: append(evaluate(*row)))
        return [self.write(fields, [out], rows)]

    def gather(self, rows):
        """An async function: several rows at a time, as many as the option says."""
        out = [None] * len(rows)

        async def one(i, gate):
            async with gate:
                try:
                    out[i] = await self.function.eval(*rows[i])
                except Exception as error:
                    raise Failed(explain(error, rows[i])) from error

        async def everything():
            gate = asyncio.Semaphore(self.function.order["capacity"])
            tasks = [asyncio.ensure_future(one(i, gate)) for i in range(len(rows))]
            while tasks:
                done, tasks = await asyncio.wait(tasks, timeout=ALIVE_SECONDS,
                                                 return_when=asyncio.FIRST_EXCEPTION)
                for task in done:
                    task.result()
                if done:
                    self.peer.send(ALIVE)

        asyncio.run(everything())
        return out

    def scalar_pandas(self, result, batch):
        pa, pd = self.function.pa, self.function.pd
        field = pa.ipc.read_schema(pa.py_buffer(result)).field(0)
        batch = pa.ipc.open_stream(pa.py_buffer(batch)).read_next_batch()
        series = [self.series(pd, column) for column in batch.columns]
        try:
            out = self.function.eval(*series)
        except Exception as error:
            raise Failed(explain(error) + "\n    for a batch of %d rows" % batch.num_rows) from error
        if not isinstance(out, (pd.Series, pd.DataFrame)):
            raise Failed("a pandas function gives a Series as long as its arguments, this is a %s"
                         % type(out).__name__)
        if len(out) != batch.num_rows:
            raise Failed("its Series has %d values for %d rows" % (len(out), batch.num_rows))
        try:
            array = self.array(pa, pd, out, field.type)
            return [pa.RecordBatch.from_arrays([array], schema=pa.schema([field])).serialize()]
        except (pa.ArrowException, TypeError, ValueError) as error:
            raise Failed("its result is not of the declared type: " + last_line(error)) from error

    @staticmethod
    def series(pd, column):
        """A column as a Series; of a ROW as a DataFrame."""
        if not hasattr(column, "flatten") or column.type.num_fields == 0 or \
                "struct" not in str(column.type)[:6]:
            return column.to_pandas(date_as_object=True)
        names = [field.name for field in column.type]
        return pd.DataFrame({name: part.to_pandas(date_as_object=True)
                             for name, part in zip(names, column.flatten())})

    @staticmethod
    def array(pa, pd, values, of):
        if isinstance(values, pd.DataFrame):
            parts = [Worker.array(pa, pd, values.iloc[:, i], field.type)
                     for i, field in enumerate(of)]
            return pa.StructArray.from_arrays(parts, fields=list(of))
        if pa.types.is_struct(of):
            names = [field.name for field in of]
            values = [dict(zip(names, value)) if isinstance(value, (tuple, list, pyflink.Row))
                      else value for value in values]
            return pa.array(values, type=of)
        if pa.types.is_map(of):
            return pa.array([list(value.items()) if isinstance(value, dict) else value
                             for value in values], type=of)
        array = pa.Array.from_pandas(values, type=of)
        return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array

    def table(self, result, batch):
        fields, _ = arrow.read_schema(result)  # the row it came from, then the columns
        columns, count = arrow.read_stream(batch)
        rows, out, numbers = self.rows(columns, count), [], []
        wide = len(fields) > 2
        evaluate, at = self.function.eval, 0

        def flush():
            given = [rows[number] for number in numbers]
            self.write_table(fields, numbers, out, given, MORE)
            out.clear()
            numbers.clear()

        def step(row):
            nonlocal at
            values = evaluate(*row)
            if values is not None:
                if isinstance(values, (str, bytes, tuple, pyflink.Row)) or \
                        not hasattr(values, "__iter__"):
                    values = (values,)
                for value in values:
                    out.append(self.table_row(value, wide, len(fields) - 1))
                    numbers.append(at)
                    if len(out) == TABLE_ROWS:
                        flush()
            at += 1

        self.each(rows, step)
        given = [rows[number] for number in numbers]
        return [self.table_message(fields, numbers, out, given)]

    @staticmethod
    def table_row(value, wide, width):
        if not wide:
            alone = isinstance(value, (tuple, pyflink.Row)) and len(value) == 1
            return (value[0],) if alone else (value,)
        if isinstance(value, (str, bytes)) or not hasattr(value, "__len__") or len(value) != width:
            raise TypeError("%.200r is no row of %d columns" % (value, width))
        return value

    def table_message(self, fields, numbers, out, given):
        columns = [list(numbers)] + [[row[i] for row in out] for i in range(len(fields) - 1)]
        return self.write(fields, columns, given)

    def write_table(self, fields, numbers, out, given, what):
        self.peer.send(what, self.table_message(fields, numbers, out, given))
        self.alive = time.monotonic()

    # An accumulator travels as parts: none is a new one, several are to be merged.
    def accumulator(self, parts):
        if not parts:
            return self.function.object.create_accumulator()
        first, *others = map(pickle.loads, parts)
        if others:
            self.function.object.merge(first, others)
        return first

    def states(self, accumulators, fields):
        try:
            return arrow.write_batch(fields, [[pickle.dumps(each, pickle.HIGHEST_PROTOCOL)
                                               for each in accumulators]], len(accumulators))
        except Exception as error:
            raise Failed("its accumulator cannot be kept, pickle says: " + last_line(error)) \
                from error

    def value(self, accumulator):
        return self.function.object.get_value(accumulator)

    def aggregate(self, result, state, batch, parts):
        """[result] is empty when nobody wants a value after each row."""
        columns, _ = arrow.read_stream(batch)
        group, action, *columns = columns
        rows, out = list(zip(*columns)) if columns else [()] * len(group), []
        function = self.function.object
        accumulators = []
        self.each([(part,) for part in arrow.read_stream(parts)[0][0]],
                  lambda row: accumulators.append(self.accumulator(row[0])))
        calls = iter(zip(group, action))

        def step(row):
            at, what = next(calls)
            if what != SKIP:
                (function.retract if what else function.accumulate)(accumulators[at], *row)
            if result:
                out.append(self.value(accumulators[at]))

        self.each(rows, step)
        sections = [self.states(accumulators, arrow.read_schema(state)[0])]
        if result:
            sections.append(self.write(arrow.read_schema(result)[0], [out], rows))
        return sections

    def values(self, result, parts):
        out = []
        rows = [(part,) for part in arrow.read_stream(parts)[0][0]]
        try:
            for row in rows:
                out.append(self.value(self.accumulator(row[0])))
        except Exception as error:
            raise Failed(explain(error)) from error
        return [self.write(arrow.read_schema(result)[0], [out], [()] * len(out))]

    def run(self):
        calls = {SCALAR: self.scalar, TABLE: self.table, AGGREGATE: self.aggregate,
                 VALUES: self.values}
        while True:
            what, sections = self.peer.receive()
            self.alive = time.monotonic()
            try:
                self.peer.send(DONE, *calls[what](*sections))
            except Failed as error:
                self.peer.send(FAILED, str(error).encode())
            except ConnectionError:
                raise
            except Exception as error:
                self.peer.send(FAILED, explain(error).encode())


def main():
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # weir decides when to stop
    peer = Peer()
    _, (order,) = peer.receive()
    order = json.loads(bytes(order))
    sys.path[:0] = order["path"]
    pyflink.install()
    try:
        function = Function(order)
        description = function.describe()
    except BaseException as error:
        peer.send(FAILED, explain(error).encode())
        return
    peer.send(DONE, *description)
    try:
        Worker(peer, function).run()
    except (EOFError, OSError):
        function.close()  # weir is gone, or done with us


main()
