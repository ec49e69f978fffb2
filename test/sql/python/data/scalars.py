# Scalar functions as PyFlink's users write them.
import asyncio
import datetime
import decimal
import functools
import sys

from pyflink.common import Row
from pyflink.table import DataTypes, TableEnvironment, EnvironmentSettings
from pyflink.table.udf import AsyncScalarFunction, FunctionContext, ScalarFunction, udf


@udf(result_type=DataTypes.BIGINT())
def add(i, j):
    return None if i is None or j is None else i + j


@udf(input_types=[DataTypes.STRING(), DataTypes.INT()], result_type=DataTypes.STRING())
def repeat(text, times=2):
    return text * times


class HashCode(ScalarFunction):
    def __init__(self, factor):
        self.factor = factor

    def open(self, function_context: FunctionContext):
        self.factor += int(function_context.get_job_parameter("more", "0"))
        self.counter = function_context.get_metric_group().counter("calls")

    def eval(self, text):
        self.counter.inc()
        return sum(map(ord, text)) * self.factor


hash_code = udf(HashCode(10), result_type=DataTypes.INT())
upper = udf(lambda text: text and text.upper(), result_type=DataTypes.STRING())
partial = udf(functools.partial(lambda a, b: a * b, 3), result_type=DataTypes.INT())


@udf(result_type="STRING")
def show(*values):
    print("what is printed goes elsewhere")
    sys.stdout.flush()
    return "|".join("%s %s" % (type(value).__name__, value) for value in values)


class Sleepy(AsyncScalarFunction):
    async def eval(self, n):
        await asyncio.sleep(0.001 * (n % 3))
        return n * n


sleepy = udf(Sleepy(), result_type=DataTypes.BIGINT())


# One of each type comes back as it went in.
def _echo(of):
    return udf(lambda value: value, result_type=of)


echo_boolean = _echo(DataTypes.BOOLEAN())
echo_tinyint = _echo(DataTypes.TINYINT())
echo_float = _echo(DataTypes.FLOAT())
echo_double = _echo(DataTypes.DOUBLE())
echo_decimal = _echo(DataTypes.DECIMAL(38, 18))
echo_string = _echo(DataTypes.STRING())
echo_bytes = _echo(DataTypes.BYTES())
echo_date = _echo(DataTypes.DATE())
echo_time = _echo(DataTypes.TIME(3))
echo_timestamp = _echo(DataTypes.TIMESTAMP(3))
echo_timestamp9 = _echo(DataTypes.TIMESTAMP(9))
echo_ltz = _echo(DataTypes.TIMESTAMP_LTZ(6))
echo_interval = _echo("INTERVAL DAY TO SECOND(3)")
echo_array = _echo(DataTypes.ARRAY(DataTypes.ARRAY(DataTypes.STRING())))
echo_map = _echo(DataTypes.MAP(DataTypes.STRING(), DataTypes.DECIMAL(5, 2)))
echo_row = _echo(DataTypes.ROW([DataTypes.FIELD("a", DataTypes.INT()),
                                DataTypes.FIELD("b", DataTypes.ROW([
                                    DataTypes.FIELD("c", DataTypes.STRING())]))]))


@udf(result_type=DataTypes.ROW([DataTypes.FIELD("name", DataTypes.STRING()),
                                DataTypes.FIELD("n", DataTypes.INT())]))
def make_row(how):
    return [Row("p", 1), Row(n=2, name="q"), ("t", 3), {"name": "d", "n": 4}, ["l", None],
            None][how]


@udf(result_type=DataTypes.STRING())
def parts(row):
    return "%s %s %s" % (row.a, row["b"], row[0])


@udf(result_type="DECIMAL(10, 2)")
def cents(text):
    return decimal.Decimal(text)


@udf(result_type="TIMESTAMP_LTZ(3)")
def local(hour):
    return datetime.datetime(2024, 7, 1, hour)  # of UTC, as it has no zone


@udf(result_type="TIMESTAMP_LTZ(3)")
def zoned(hour):
    return datetime.datetime(2024, 7, 1, hour, tzinfo=datetime.timezone(datetime.timedelta(hours=2)))


@udf(result_type=DataTypes.INT())
def whole(x):
    return x / 2


@udf(result_type=DataTypes.BIGINT(), deterministic=False)
def count_calls(of):
    count_calls.seen = getattr(count_calls, "seen", 0) + 1
    return count_calls.seen


def hinted(a: int, b: str = "x") -> str:
    return b * a


def unhinted(a):
    return a


if __name__ == "__main__":
    TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
