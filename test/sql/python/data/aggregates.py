# Aggregate functions: with retract and merge, without, and one of whole columns.
from pyflink.common import Row
from pyflink.table import DataTypes, ListView
from pyflink.table.udf import AggregateFunction, udaf, udtaf


class WeightedAverage(AggregateFunction):
    def create_accumulator(self):
        return Row(0, 0)

    def get_value(self, accumulator):
        return accumulator[0] // accumulator[1] if accumulator[1] else None

    def accumulate(self, accumulator, value, weight):
        if value is not None:
            accumulator[0] += value * weight
            accumulator[1] += weight

    def retract(self, accumulator, value, weight):
        if value is not None:
            accumulator[0] -= value * weight
            accumulator[1] -= weight

    def merge(self, accumulator, others):
        for other in others:
            accumulator[0] += other[0]
            accumulator[1] += other[1]

    def get_result_type(self):
        return DataTypes.BIGINT()

    def get_accumulator_type(self):
        return DataTypes.ROW([DataTypes.FIELD("sum", DataTypes.BIGINT()),
                              DataTypes.FIELD("weight", DataTypes.BIGINT())])


weighted = udaf(WeightedAverage())


class Joined(AggregateFunction):
    """Keeps a list, and can take nothing back."""

    def create_accumulator(self):
        return [ListView()]

    def accumulate(self, accumulator, text):
        if text is not None:
            accumulator[0].add(text)

    def get_value(self, accumulator):
        return "+".join(accumulator[0].get())


joined = udaf(Joined(), result_type=DataTypes.STRING(),
              accumulator_type=DataTypes.ROW([DataTypes.FIELD("l", DataTypes.LIST_VIEW(
                  DataTypes.STRING()))]))


class Unkept(Joined):
    def create_accumulator(self):
        return [lambda: None]

    def accumulate(self, accumulator, text):
        pass


unkept = udaf(Unkept(), result_type="STRING")
top2 = udtaf(Joined(), result_type="STRING")
