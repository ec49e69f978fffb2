# src/udf/python/arrow.py - Arrow's IPC stream format in plain Python: batches to lists of Python's
# values and back, for functions that take one row at a time. It needs nothing but Python's own
# library; functions that take whole columns use pyarrow (see worker.py).
#
# What stands for what is PyFlink's choice: DATE is datetime.date, TIME datetime.time, TIMESTAMP
# datetime.datetime, TIMESTAMP_LTZ the same with the session's time zone, INTERVAL ... SECOND
# datetime.timedelta, DECIMAL decimal.Decimal, BYTES bytes, ARRAY list, MAP and MULTISET dict, ROW Row.
import datetime
import decimal
import struct

from weir.pyflink import Row

INT, FLOAT, BINARY, UTF8, BOOL, DECIMAL, DATE, TIME, TIMESTAMP = 2, 3, 4, 5, 6, 7, 8, 9, 10
LIST, STRUCT, MAP, DURATION = 12, 13, 17, 18

EPOCH = datetime.datetime(1970, 1, 1)
EPOCH_UTC = EPOCH.replace(tzinfo=datetime.timezone.utc)
DAY_ONE = EPOCH.toordinal()
DECIMALS = decimal.Context(prec=80, rounding=decimal.ROUND_HALF_EVEN)
BITS = [tuple(bool(byte >> bit & 1) for bit in range(8)) for byte in range(256)]


# ---- flatbuffers ---------------------------------------------------------------------------------

def _get(form, data, at):
    return struct.unpack_from("<" + form, data, at)[0]


def _field(data, table, index):
    """Where the table has the field; 0 when it is left out."""
    vtable = table - _get("i", data, table)
    if 6 + 2 * index > _get("H", data, vtable):
        return 0
    at = _get("H", data, vtable + 4 + 2 * index)
    return at and table + at


def _value(data, table, index, form, default=0):
    at = _field(data, table, index)
    return _get(form, data, at) if at else default


def _child(data, table, index):
    at = _field(data, table, index)
    return at and at + _get("I", data, at)


def _vector(data, table, index):
    """Where the elements of a vector begin, and how many there are."""
    at = _child(data, table, index)
    return (at + 4, _get("I", data, at)) if at else (0, 0)


def _text(data, table, index):
    at, size = _vector(data, table, index)
    return bytes(data[at:at + size]).decode() if at else None


def _header(data, at):
    """Of the message at [at]: its metadata, its header's table, and where its body begins."""
    size = _get("i", data, at + 4)
    meta = data[at + 8:at + 8 + size]
    return meta, _child(meta, _get("I", meta, 0), 2), at + 8 + size


# ---- types ---------------------------------------------------------------------------------------

def time_zone(name):
    """A zone by one of the names that 'table.local-time-zone' takes."""
    import zoneinfo
    if name in (None, "UTC", "Z"):
        return datetime.timezone.utc
    for prefix in ("GMT", "UTC", ""):
        rest = name[len(prefix):]
        if name.startswith(prefix) and rest[:1] in ("+", "-"):
            hours, _, minutes = rest[1:].partition(":")
            span = datetime.timedelta(hours=int(hours), minutes=int(minutes or 0))
            return datetime.timezone(-span if rest[0] == "-" else span)
    return zoneinfo.ZoneInfo(name)


def _timestamps(per_second, zone):
    """How counts become datetimes, and back. They have microseconds, digits below are lost."""
    span = datetime.timedelta
    micros = 1000000 // per_second if per_second <= 1000000 else 0

    def get(count):
        return EPOCH + span(microseconds=count * micros if micros else count // 1000)

    def put(time):  # as PyFlink has it: of a time without a zone, UTC's
        if time.tzinfo is not None:
            time = time.astimezone(datetime.timezone.utc).replace(tzinfo=None)
        count = (time - EPOCH) // span(microseconds=1)
        return count // micros if micros else count * 1000

    if zone is None:
        return get, put
    zone = time_zone(zone)
    return (lambda count: get(count).replace(tzinfo=datetime.timezone.utc).astimezone(zone)), put


def _whole(value):
    """Of a float the whole part, as PyFlink's coders have it."""
    if isinstance(value, (str, bytes)):
        raise TypeError("%r is no number" % (value,))
    return int(value)


def _decimals(scale):
    one = decimal.Decimal(1).scaleb(-scale)

    def put(value):
        return int(decimal.Decimal(value).quantize(one, context=DECIMALS).scaleb(scale, DECIMALS))

    return (lambda digits: decimal.Decimal(digits).scaleb(-scale, DECIMALS)), put


def _get_time(ms):
    seconds, ms = divmod(ms, 1000)
    return datetime.time(seconds // 3600, seconds // 60 % 60, seconds % 60, ms * 1000)


def _put_time(time):
    return ((time.hour * 60 + time.minute) * 60 + time.second) * 1000 + time.microsecond // 1000


def _put_text(value):
    if not isinstance(value, str):
        raise TypeError("%r is no str" % (value,))
    return value.encode()


def _put_bytes(value):
    if isinstance(value, (int, str)):
        raise TypeError("%r is no bytes" % (value,))
    return bytes(value)


class Field:
    """A column's name and type. [form] is a letter of the struct module; get and put convert what
    it packs, where it is not the value itself."""

    def __init__(self, data, table):
        self.name = _text(data, table, 0)
        self.kind = _value(data, table, 2, "B")
        of = _child(data, table, 3)
        at, count = _vector(data, table, 5)
        places = range(at, at + 4 * count, 4)
        self.children = [Field(data, place + _get("I", data, place)) for place in places]
        self.form = self.get = self.put = None
        getattr(self, "_init_%d" % self.kind, lambda *_: None)(data, of)

    def _init_2(self, data, of):
        self.form = {8: "b", 16: "h", 32: "i", 64: "q"}[_value(data, of, 0, "i")]

    def _init_3(self, data, of):
        self.form = "fd"[_value(data, of, 0, "h") - 1]

    def _init_4(self, data, of):
        self.get, self.put = bytes, _put_bytes

    def _init_5(self, data, of):
        self.put = _put_text

    def _init_7(self, data, of):
        self.get, self.put = _decimals(_value(data, of, 1, "i"))

    def _init_8(self, data, of):
        self.form = "i"
        self.get = lambda days: datetime.date.fromordinal(days + DAY_ONE)
        self.put = lambda date: date.toordinal() - DAY_ONE

    def _init_9(self, data, of):
        self.form, self.get, self.put = "i", _get_time, _put_time

    def _init_10(self, data, of):
        self.form = "q"
        per_second = (1, 1000, 1000000, 1000000000)[_value(data, of, 0, "h")]
        self.get, self.put = _timestamps(per_second, _text(data, of, 1))

    def _init_18(self, data, of):
        span = datetime.timedelta(milliseconds=1)
        self.form, self.get, self.put = "q", lambda ms: ms * span, lambda delta: delta // span


_schemas = {}  # bytes of a message -> what it says: they are few, and come with each batch


def read_schema(data, at=0):
    """The fields of the Schema message at [at], and where what follows it begins."""
    end = at + 8 + _get("i", data, at + 4)
    key = bytes(data[at:end])
    if key not in _schemas:
        meta, schema, _ = _header(data, at)
        first, count = _vector(meta, schema, 1)
        places = range(first, first + 4 * count, 4)
        _schemas[key] = [Field(meta, place + _get("I", meta, place)) for place in places]
    return _schemas[key], end


# ---- reading -------------------------------------------------------------------------------------

def _bits(data, count):
    flags = []
    for byte in data[:(count + 7) // 8]:
        flags += BITS[byte]
    del flags[count:]
    return flags


class Reader:
    def __init__(self, data, at):
        meta, batch, body = _header(data, at)
        self.data = data[body:]
        self.rows = _value(meta, batch, 0, "q")
        first, count = _vector(meta, batch, 1)
        self.nodes = iter(struct.iter_unpack("<qq", meta[first:first + 16 * count]))
        first, count = _vector(meta, batch, 2)
        self.buffers = iter(struct.iter_unpack("<qq", meta[first:first + 16 * count]))

    def buffer(self):
        at, size = next(self.buffers)
        return self.data[at:at + size]

    def column(self, field):
        rows, nulls = next(self.nodes)
        valid = self.buffer()
        values = self.values(field, rows)
        if nulls:
            values = [value if there else None
                      for value, there in zip(values, _bits(valid, rows))]
        if field.get is None:
            return values
        get = field.get
        return [None if value is None else get(value) for value in values]

    def values(self, field, rows):
        """Of all slots, those of NULLs, too."""
        kind = field.kind
        if field.form:
            size = rows * struct.calcsize(field.form)
            return self.buffer()[:size].cast(field.form).tolist()
        if kind == BOOL:
            return _bits(self.buffer(), rows)
        if kind == DECIMAL:
            data = self.buffer()
            return [int.from_bytes(data[at:at + 16], "little", signed=True)
                    for at in range(0, 16 * rows, 16)]
        if kind == STRUCT:
            names = [child.name for child in field.children]
            columns = [self.column(child) for child in field.children]
            return [Row.named(names, row) for row in zip(*columns)]
        ends = self.buffer()[:4 * (rows + 1)].cast("i").tolist() if rows else [self.buffer() and 0]
        spans = zip(ends, ends[1:])
        if kind == BINARY:
            data = self.buffer()
            return [data[at:end] for at, end in spans]
        if kind == UTF8:
            data = bytes(self.buffer())
            text = data.decode()
            if len(text) == len(data):  # all ASCII: characters are bytes
                return [text[at:end] for at, end in spans]
            return [data[at:end].decode() for at, end in spans]
        if kind == LIST:
            items = self.column(field.children[0])
            return [items[at:end] for at, end in spans]
        next(self.nodes)  # a map's entries: a struct without NULLs
        self.buffer()
        keys, items = [self.column(child) for child in field.children[0].children]
        return [dict(zip(keys[at:end], items[at:end])) for at, end in spans]


def read_stream(data):
    """The columns of a stream of one batch, and the number of its rows."""
    fields, at = read_schema(data)
    reader = Reader(data, at)
    return [reader.column(field) for field in fields], reader.rows


# ---- writing -------------------------------------------------------------------------------------

class Writer:
    def __init__(self):
        self.nodes, self.buffers, self.parts, self.size = [], [], [], 0

    def add(self, data):
        self.buffers += (self.size, len(data))
        pad = -len(data) % 8
        self.parts += (data, bytes(pad))
        self.size += len(data) + pad

    def bitmap(self, flags):
        number = bytearray((len(flags) + 7) // 8)
        for i, flag in enumerate(flags):
            if flag:
                number[i >> 3] |= 1 << (i & 7)
        self.add(number)

    def column(self, field, values):
        nulls = values.count(None) if any(value is None for value in values) else 0
        self.nodes += (len(values), nulls)
        if nulls:
            self.bitmap([value is not None for value in values])
        else:
            self.add(b"")
        self.values(field, values, nulls)

    def values(self, field, values, nulls):
        kind, put = field.kind, field.put
        if field.form:
            if put:
                values = [0 if value is None else put(value) for value in values]
            elif nulls:
                values = [0 if value is None else value for value in values]
            form = "<%d%s" % (len(values), field.form)
            try:
                data = struct.pack(form, *values)
            except struct.error:
                data = struct.pack(form, *map(_whole, values))
            self.add(data)
        elif kind == BOOL:
            self.bitmap(values)
        elif kind == DECIMAL:
            self.add(b"".join((0 if value is None else put(value)).to_bytes(16, "little",
                                                                           signed=True)
                              for value in values))
        elif kind in (UTF8, BINARY):
            parts = [b"" if value is None else put(value) for value in values]
            self.ends(parts)
            self.add(b"".join(parts))
        elif kind == STRUCT:
            self.fields(field.children, [_row(field, value) for value in values])
        elif kind == LIST:
            lists = [_items(value) for value in values]
            self.ends(lists)
            self.column(field.children[0], [item for items in lists for item in items])
        else:
            maps = [{} if value is None else dict(value) for value in values]
            self.ends(maps)
            self.nodes += (sum(map(len, maps)), 0)
            self.add(b"")
            self.fields(field.children[0].children,
                        [item for items in maps for item in items.items()])

    def ends(self, parts):
        ends, end = [0], 0
        for part in parts:
            end += len(part)
            ends.append(end)
        self.add(struct.pack("<%di" % len(ends), *ends))

    def fields(self, fields, rows):
        for i, field in enumerate(fields):
            self.column(field, [row[i] for row in rows])

    def message(self, rows):
        """The RecordBatch message: its two tables lie at fixed places of the metadata."""
        nodes, buffers = len(self.nodes) // 2, len(self.buffers) // 2
        meta = struct.pack("<I6HihbxI4xq6x5HiIqII", 16, 12, 24, 4, 6, 8, 16, 12, 4, 3, 32,
                           self.size, 10, 20, 8, 4, 16, 10, 16, rows, 12 + 16 * nodes, nodes)
        meta += struct.pack("<%dq4xI%dq" % (2 * nodes, 2 * buffers), *self.nodes, buffers,
                            *self.buffers)
        return b"".join([struct.pack("<iI", -1, len(meta)), meta] + self.parts)


def _row(field, value):
    names = field.children
    if value is None:
        return (None,) * len(names)
    if isinstance(value, dict):
        return [value.get(child.name) for child in names]
    if isinstance(value, (str, bytes)) or not hasattr(value, "__len__"):
        raise TypeError("%r is no row" % (value,))
    if len(value) != len(names):
        raise ValueError("%r has %d fields, the type has %d" % (value, len(value), len(names)))
    if isinstance(value, Row):
        return value.in_order([child.name for child in names])
    return value


def _items(value):
    if isinstance(value, (str, bytes, dict)):
        raise TypeError("%r is no list" % (value,))
    return [] if value is None else list(value)


def write_batch(fields, columns, rows):
    writer = Writer()
    for field, values in zip(fields, columns):
        writer.column(field, values)
    return writer.message(rows)
