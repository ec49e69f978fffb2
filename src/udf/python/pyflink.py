# src/udf/python/pyflink.py - what PyFlink's scripts import to declare functions: decorators, types,
# base classes. It stands in for pyflink in our workers, always: what a function means must not depend
# on whether a package happens to be there, and importing the real one takes seconds.
#
# Whatever else a script imports from pyflink (a TableEnvironment, say) is there as a name, so that
# the module loads, and fails by that name when it is used.
import importlib.abc
import importlib.machinery
import sys


# ---- types ---------------------------------------------------------------------------------------

class DataType:
    """A type by its name in SQL."""

    def __init__(self, sql, nullable=True):
        self.sql, self._nullable = sql, nullable

    def __str__(self):
        return self.sql + ("" if self._nullable else " NOT NULL")

    __repr__ = __str__

    def __eq__(self, other):
        return str(self) == str(other)

    def __hash__(self):
        return hash(str(self))

    def not_null(self):
        return DataType(self.sql, False)

    def nullable(self):
        return DataType(self.sql)


def _name(text):
    return "`%s`" % text.replace("`", "``")


class DataTypes:
    """DataTypes.BIGINT(), DataTypes.DECIMAL(10, 2), DataTypes.ROW([DataTypes.FIELD(...), ...])."""

    @staticmethod
    def ARRAY(element, nullable=True):
        return DataType("ARRAY<%s>" % element, nullable)

    @staticmethod
    def MAP(key, value, nullable=True):
        return DataType("MAP<%s, %s>" % (key, value), nullable)

    @staticmethod
    def MULTISET(element, nullable=True):
        return DataType("MULTISET<%s>" % element, nullable)

    @staticmethod
    def FIELD(name, data_type, description=None):
        return DataType("%s %s" % (_name(name), data_type))

    @staticmethod
    def ROW(fields=(), nullable=True):
        return DataType("ROW<%s>" % ", ".join(map(str, fields)), nullable)

    @staticmethod
    def TIMESTAMP_LTZ(precision=6, nullable=True):
        return DataType("TIMESTAMP_LTZ(%d)" % precision, nullable)

    TIMESTAMP_WITH_LOCAL_TIME_ZONE = TIMESTAMP_LTZ

    @staticmethod
    def SECOND(precision=6):
        return "SECOND(%d)" % precision

    @staticmethod
    def INTERVAL(upper, lower=None):
        return DataType("INTERVAL %s" % upper + (" TO %s" % lower if lower else ""))

    # Of accumulators alone, whose type nobody asks for.
    @staticmethod
    def LIST_VIEW(element):
        return DataType("ARRAY<%s>" % element)

    @staticmethod
    def MAP_VIEW(key, value):
        return DataType("MAP<%s, %s>" % (key, value))


def _plain_type(name):
    def make(*sizes, nullable=True):
        if sizes and isinstance(sizes[-1], bool):
            sizes, nullable = sizes[:-1], sizes[-1]
        return DataType(name + ("(%s)" % ", ".join(map(str, sizes)) if sizes else ""), nullable)
    return staticmethod(make)


for _each in ("BOOLEAN TINYINT SMALLINT INT BIGINT FLOAT DOUBLE STRING BYTES CHAR VARCHAR BINARY "
              "VARBINARY DATE TIME TIMESTAMP DECIMAL").split():
    setattr(DataTypes, _each, _plain_type(_each))
for _each in "YEAR MONTH DAY HOUR MINUTE".split():
    setattr(DataTypes, _each, staticmethod(lambda precision=None, unit=_each: unit))


# ---- values --------------------------------------------------------------------------------------

class Row:
    """Row(1, 'a'), Row(id=1, name='a'), or Row('id', 'name') to be called with the values."""

    def __init__(self, *values, **fields):
        if values and fields:
            raise ValueError("a Row has values or named fields, not both")
        self._names = list(fields) if fields else None
        self._values = list(fields.values()) if fields else list(values)

    @classmethod
    def named(cls, names, values):
        row = cls(*values)
        row._names = names
        return row

    def __call__(self, *values):
        return Row.named(list(self._values), values)

    def set_field_names(self, names):
        self._names = list(names)

    def get_fields_by_names(self, names):
        return [self[name] for name in names]

    def as_dict(self, recursive=False):
        if not self._names:
            raise TypeError("a Row without names is no dict")
        return {name: value.as_dict(True) if recursive and isinstance(value, Row) else value
                for name, value in zip(self._names, self._values)}

    def in_order(self, names):
        """The values by these names, if it has just them, else as they are."""
        if self._names and self._names != names and set(self._names) == set(names):
            return [self[name] for name in names]
        return self._values

    def _at(self, key):
        return (self._names or []).index(key) if isinstance(key, str) else key

    def __getitem__(self, key):
        return self._values[self._at(key)]

    def __setitem__(self, key, value):
        self._values[self._at(key)] = value

    def __getattr__(self, name):
        if not name.startswith("_") and name in (self._names or []):
            return self[name]
        raise AttributeError(name)

    def __len__(self):
        return len(self._values)

    def __iter__(self):
        return iter(self._values)

    def __contains__(self, value):
        return value in self._values

    def __eq__(self, other):
        return isinstance(other, Row) and self._values == other._values

    def __hash__(self):
        return hash(tuple(self._values))

    def __repr__(self):
        if not self._names:
            return "Row(%s)" % ", ".join(map(repr, self._values))
        return "Row(%s)" % ", ".join("%s=%r" % item for item in zip(self._names, self._values))


class ListView(list):
    """A list in an accumulator. It is kept as part of it."""

    def get(self):
        return iter(self)

    def add(self, value):
        self.append(value)

    def add_all(self, values):
        self.extend(values)


class MapView(dict):
    """A map in an accumulator. It is kept as part of it."""

    def put(self, key, value):
        self[key] = value

    def put_all(self, other):
        self.update(other)

    def remove(self, key):
        self.pop(key, None)

    def contains(self, key):
        return key in self

    def is_empty(self):
        return not self

    def __bool__(self):
        return True


# ---- functions -----------------------------------------------------------------------------------

class _Metric:
    """Counts for the function alone: weir has no metrics of Python functions."""

    def __init__(self):
        self.count = 0

    def inc(self, n=1):
        self.count += n

    def dec(self, n=1):
        self.count -= n

    def get_count(self):
        return self.count

    def mark_event(self, n=1):
        self.count += n

    update = mark_event


class _Metrics:
    def add_group(self, *_):
        return self

    def counter(self, *_):
        return _Metric()

    def gauge(self, *_):
        return None

    def meter(self, *_, **__):
        return _Metric()

    distribution = counter


class FunctionContext:
    def __init__(self, parameters=None):
        self._parameters = parameters or {}

    def get_metric_group(self):
        return _Metrics()

    def get_job_parameter(self, key, default=None):
        return self._parameters.get(key, default)


class UserDefinedFunction:
    def open(self, function_context):
        pass

    def close(self):
        pass

    def is_deterministic(self):
        return True


class ScalarFunction(UserDefinedFunction):
    """eval(self, *args) gives one value."""


class AsyncScalarFunction(UserDefinedFunction):
    """async def eval(self, *args) gives one value; several rows are computed at a time."""


class TableFunction(UserDefinedFunction):
    """eval(self, *args) yields rows, or returns a list of them."""


class AggregateFunction(UserDefinedFunction):
    """create_accumulator, accumulate(accumulator, *args), get_value(accumulator); retract for input
    that changes, merge(accumulator, others) for windows that share parts."""


class TableAggregateFunction(UserDefinedFunction):
    pass


class Declared:
    """What the decorators make of a function."""

    def __init__(self, kind, func, inputs, result, deterministic, func_type):
        self.kind, self.func, self.inputs, self.result = kind, func, inputs, result
        self.deterministic = deterministic
        self.pandas = func_type == "pandas"
        if func_type not in ("general", "pandas"):
            raise TypeError("func_type is 'general' or 'pandas', not '%s'" % func_type)

    def __call__(self, *args):
        return self.func(*args)


def _listed(types):
    return types if types is None or isinstance(types, (list, tuple)) else [types]


def _declare(kind, f, inputs, result, deterministic, func_type="general"):
    def wrap(func):
        return Declared(kind, func, _listed(inputs), result, deterministic, func_type)
    return wrap if f is None else wrap(f)


def udf(f=None, input_types=None, result_type=None, deterministic=None, name=None,
        func_type="general", udf_type=None):
    """Declares a scalar function: @udf(result_type=DataTypes.BIGINT())."""
    return _declare("scalar", f, input_types, result_type, deterministic, udf_type or func_type)


def udtf(f=None, input_types=None, result_types=None, deterministic=None, name=None):
    """Declares a table function: @udtf(result_types=[DataTypes.STRING(), DataTypes.INT()])."""
    return _declare("table", f, input_types, result_types, deterministic)


def udaf(f=None, input_types=None, result_type=None, accumulator_type=None, deterministic=None,
         name=None, func_type="general", udaf_type=None):
    """Declares an aggregate function: udaf(Mean(), result_type=DataTypes.DOUBLE())."""
    return _declare("aggregate", f, input_types, result_type, deterministic, udaf_type or func_type)


def udtaf(f=None, input_types=None, result_type=None, accumulator_type=None, deterministic=None,
          name=None, func_type="general", udtaf_type=None):
    return _declare("table aggregate", f, input_types, result_type, deterministic)


# ---- modules -------------------------------------------------------------------------------------

class _Absent(type):
    def __getattr__(cls, name):
        if name.startswith("__"):
            raise AttributeError(name)
        raise RuntimeError("pyflink's %s is not there: a function runs within weir, the SQL around "
                           "it is weir's" % cls.__name__)

    def __call__(cls, *args, **kwargs):
        return getattr(cls, "call")


def _module_getattr(name):
    if name.startswith("__"):
        raise AttributeError(name)
    return _Absent(name, (), {})


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Makes pyflink and every module below it."""

    def __init__(self, names):
        self.names = names

    def find_spec(self, fullname, path=None, target=None):
        if fullname.split(".")[0] == "pyflink" or fullname == "weir.udf":
            return importlib.machinery.ModuleSpec(fullname, self, is_package=True)
        return None

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        module.__dict__.update(self.names)
        module.__getattr__ = _module_getattr


def install():
    names = {name: value for name, value in globals().items()
             if not name.startswith("_") and name not in ("install", "importlib", "sys")}
    sys.meta_path.insert(0, _Finder(names))
