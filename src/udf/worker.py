# src/udf/worker.py - the other end of udf/python.c: finds a function, and computes it over columns.
#
# It is started with one end of a socket as its standard input, and needs nothing but Python's own
# library. A message is its length (u32) and its bytes. A batch is columns in Arrow's layout: a
# bitmap of what is not NULL, then values, or offsets (u32) and the bytes of texts.
import datetime
import decimal
import importlib
import inspect
import json
import os
import signal
import socket
import struct
import sys
import traceback
import types
import typing


class DataTypes:
    """PyFlink's names of types: DataTypes.BIGINT(), DataTypes.DECIMAL(10, 2)."""


def _data_type(name):
    def make(*args, nullable=True):
        sizes = "(%s)" % ", ".join(str(arg) for arg in args) if args else ""
        return name + sizes + ("" if nullable else " NOT NULL")
    return staticmethod(make)


for _name in ("BOOLEAN TINYINT SMALLINT INT BIGINT FLOAT DOUBLE STRING BYTES CHAR VARCHAR BINARY "
              "VARBINARY DATE TIMESTAMP DECIMAL").split():
    setattr(DataTypes, _name, _data_type(_name))


class ScalarFunction:
    """A function as an object: eval computes it, open and close frame its life."""

    def open(self, context=None):
        pass

    def close(self):
        pass


class Udf:
    def __init__(self, func, result_type, input_types, deterministic):
        self.func = func
        self.result_type = result_type
        self.input_types = input_types
        self.deterministic = deterministic

    def __call__(self, *args):
        return self.func(*args)


def udf(f=None, input_types=None, result_type=None, deterministic=None, name=None,
        func_type="general", udf_type=None):
    """Declares a scalar function: @udf(result_type='BIGINT', input_types=['BIGINT'])."""
    if func_type != "general" or udf_type not in (None, "general"):
        raise TypeError("func_type '%s' is not supported, only 'general' is" % (udf_type or func_type))
    if input_types is not None and not isinstance(input_types, (list, tuple)):
        input_types = [input_types]
    wrap = lambda func: Udf(func, result_type, input_types, deterministic is not False)
    return wrap(f) if f is not None else wrap


def _install_modules():
    def module(name, **names):
        made = types.ModuleType(name)
        made.__path__ = []
        made.__dict__.update(names)
        sys.modules[name] = made

    names = dict(udf=udf, DataTypes=DataTypes, ScalarFunction=ScalarFunction)
    module("weir", **names)
    module("weir.udf", **names)
    try:
        importlib.import_module("pyflink.table.udf")
    except ImportError:
        module("pyflink")
        module("pyflink.table", DataTypes=DataTypes)
        module("pyflink.table.types", DataTypes=DataTypes)
        module("pyflink.table.udf", **names)


# ---- the function ------------------------------------------------------------------------------

HINTS = {bool: "BOOLEAN", int: "BIGINT", float: "DOUBLE", str: "STRING", bytes: "BYTES",
         datetime.date: "DATE", datetime.datetime: "TIMESTAMP(6)",
         decimal.Decimal: "DECIMAL(38, 18)"}


def sql_type(hint, what):
    if isinstance(hint, str):
        return hint
    args = [arg for arg in typing.get_args(hint) if arg is not type(None)]
    if typing.get_origin(hint) is not None and len(args) == 1:  # Optional[int]
        hint = args[0]
    if hint in HINTS:
        return HINTS[hint]
    raise TypeError("the type of %s is not known: give a type hint (int, str, ...) or "
                    "@udf(input_types=[...], result_type=...)" % what)


def find(target):
    module, _, name = target.rpartition(".")
    if not module:
        raise TypeError("'%s' is no 'module.function'" % target)
    found = getattr(importlib.import_module(module), name)
    declared = found if isinstance(found, Udf) else Udf(found, None, None, True)
    func = declared.func
    if inspect.isclass(func):
        func = func()
    if hasattr(func, "eval"):
        func.open(None)
        func = func.eval
    hints = typing.get_type_hints(func)
    inputs = declared.input_types
    if inputs is None:
        inputs = [hints.get(p.name) for p in inspect.signature(func).parameters.values()]
        names = list(inspect.signature(func).parameters)
    else:
        names = [""] * len(inputs)
    inputs = [sql_type(hint, "argument '%s'" % (name or i + 1))
              for i, (hint, name) in enumerate(zip(inputs, names))]
    result = sql_type(declared.result_type or hints.get("return"), "the result")
    return func, inputs, result, declared.deterministic


# ---- columns -----------------------------------------------------------------------------------

FORMATS = {2: "b", 3: "h", 4: "i", 5: "q", 6: "f", 7: "d"}
EPOCH = datetime.datetime(1970, 1, 1)
DAY_ONE = datetime.date(1970, 1, 1).toordinal()


def converters(text):
    """How values of a type come out of a column, and go in."""
    base = text.upper().replace("NOT NULL", "").strip()
    name, _, rest = base.partition("(")
    name = name.strip()
    sizes = [int(part) for part in rest.rstrip(")").split(",")] if rest else []
    if name == "BOOLEAN":
        return bool, int
    if name == "DATE":
        return (lambda days: datetime.date.fromordinal(days + DAY_ONE),
                lambda date: date.toordinal() - DAY_ONE)
    if name in ("TIMESTAMP", "TIMESTAMP_LTZ"):
        span = datetime.timedelta
        if (sizes or [6])[0] <= 3:
            return (lambda ms: EPOCH + span(milliseconds=ms),
                    lambda time: (time - EPOCH) // span(milliseconds=1))
        def put(time):
            micros = (time - EPOCH) // span(microseconds=1)
            return micros // 1000, micros % 1000 * 1000
        return (lambda pair: EPOCH + span(milliseconds=pair[0], microseconds=pair[1] // 1000), put)
    if name in ("DECIMAL", "DEC", "NUMERIC"):
        scale = sizes[1] if len(sizes) > 1 else 0
        one = decimal.Decimal(1).scaleb(-scale)
        context = decimal.Context(prec=60, rounding=decimal.ROUND_HALF_UP)
        return (lambda digits: decimal.Decimal(digits).scaleb(-scale, context),
                lambda value: int(decimal.Decimal(value).quantize(one, context=context)
                                  .scaleb(scale, context)))
    if name in ("CHAR", "VARCHAR", "STRING"):
        return (lambda data: data.decode("utf-8")), lambda value: value.encode("utf-8")
    if name in ("BYTES", "BINARY", "VARBINARY"):
        return bytes, bytes
    return None, {"FLOAT": float, "DOUBLE": float}.get(name, int)


def read_column(data, at, rows, get):
    layout, has_valid = data[at], data[at + 1]
    at += 2
    valid = None
    if has_valid:
        valid = data[at:at + (rows + 7) // 8]
        at += (rows + 7) // 8
    if layout == 10:
        offsets = struct.unpack_from("<%dI" % (rows + 1), data, at)
        at += 4 * (rows + 1)
        values = [bytes(data[at + offsets[i]:at + offsets[i + 1]]) for i in range(rows)]
        at += offsets[rows]
    elif layout == 1:
        values = list(data[at:at + rows])
        at += rows
    elif layout == 8:
        values = [int.from_bytes(data[at + 16 * i:at + 16 * i + 16], "little", signed=True)
                  for i in range(rows)]
        at += 16 * rows
    elif layout == 9:
        flat = struct.unpack_from("<" + "qii" * rows, data, at)
        values = list(zip(flat[0::3], flat[1::3]))
        at += 16 * rows
    else:
        values = list(struct.unpack_from("<%d%s" % (rows, FORMATS[layout]), data, at))
        at += rows * struct.calcsize(FORMATS[layout])
    if valid is None:
        return ([get(value) for value in values] if get else values), at
    return [(get(values[i]) if get else values[i]) if valid[i >> 3] >> (i & 7) & 1 else None
            for i in range(rows)], at


def write_column(values, layout, put):
    rows = len(values)
    valid = bytearray((rows + 7) // 8)
    for i, value in enumerate(values):
        if value is not None:
            valid[i >> 3] |= 1 << (i & 7)
    none = b"" if layout == 10 else (0, 0) if layout == 9 else 0
    slots = [none if value is None else put(value) for value in values]
    if layout == 10:
        offsets, end = [0], 0
        for slot in slots:
            end += len(slot)
            offsets.append(end)
        body = struct.pack("<%dI" % (rows + 1), *offsets) + b"".join(slots)
    elif layout == 1:
        body = bytes(1 if slot else 0 for slot in slots)
    elif layout == 8:
        body = b"".join(slot.to_bytes(16, "little", signed=True) for slot in slots)
    elif layout == 9:
        body = b"".join(struct.pack("<qii", slot[0], slot[1], 0) for slot in slots)
    else:
        body = struct.pack("<%d%s" % (rows, FORMATS[layout]), *slots)
    return bytes(valid) + body


# ---- messages ----------------------------------------------------------------------------------

class Peer:
    def __init__(self):
        self.socket = socket.socket(fileno=0)

    def read(self, size):
        parts = bytearray()
        while len(parts) < size:
            part = self.socket.recv(size - len(parts))
            if not part:
                os._exit(0)  # weir is gone, or done with us
            parts += part
        return parts

    def message(self):
        return self.read(struct.unpack("<I", self.read(4))[0])

    def send(self, data):
        self.socket.sendall(struct.pack("<I", len(data)) + data)


def last_line(error):
    return "".join(traceback.format_exception_only(type(error), error)).strip().splitlines()[-1]


def where(error):
    frames = [frame for frame in traceback.extract_tb(error.__traceback__)
              if not frame.filename.startswith("<")]  # ours is "<string>"
    return " (%s, line %d)" % (os.path.basename(frames[-1].filename), frames[-1].lineno) \
        if frames else ""


def compute(func, getters, putter, data):
    rows, columns, layout = struct.unpack_from("<IIB", data, 0)
    at, args = 9, []
    for i in range(columns):
        column, at = read_column(data, at, rows, getters[i])
        args.append(column)
    given = list(zip(*args)) if args else [()] * rows
    out = []
    for row in given:
        try:
            out.append(func(*row))
        except Exception as error:
            return b"\1" + ("%s%s, for the row %s" % (last_line(error), where(error),
                                                      repr(row)[:300])).encode()
    try:
        return b"\0" + write_column(out, layout, putter)
    except Exception as error:
        return b"\1" + ("its result is not of the declared type: " + last_line(error)).encode()


def main():
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # weir decides when to stop
    peer = Peer()
    order = json.loads(peer.message())
    sys.path[:0] = order["path"]
    _install_modules()
    try:
        func, inputs, result, deterministic = find(order["target"])
        getters = [converters(text)[0] for text in inputs]
        putter = converters(result)[1]
    except BaseException as error:
        peer.send(b"\1" + (last_line(error) + where(error)).encode())
        return
    signature = "(%s) -> %s" % (", ".join(inputs), result)
    peer.send((b"\0" if deterministic else b"\2") + signature.encode())
    while True:
        data = peer.message()
        peer.send(compute(func, getters, putter, memoryview(data)))


main()
