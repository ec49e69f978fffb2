# Table functions.
from pyflink.common import Row
from pyflink.table import DataTypes
from pyflink.table.udf import TableFunction, udtf


@udtf(result_types=[DataTypes.STRING(), DataTypes.INT()])
def words(text):
    for word in (text or "").split():
        yield word, len(word)


class Series(TableFunction):
    def eval(self, n):
        return range(1, n + 1) if n else None


series = udtf(Series(), result_types=DataTypes.BIGINT())


@udtf(result_types=DataTypes.ROW([DataTypes.FIELD("k", DataTypes.STRING()),
                                  DataTypes.FIELD("vs", DataTypes.ARRAY(DataTypes.INT()))]))
def pairs(of):
    return [Row(key, [value, None]) for key, value in (of or {}).items()]


@udtf(result_types=["INT", "INT"])
def narrow(x):
    yield x, x, x
