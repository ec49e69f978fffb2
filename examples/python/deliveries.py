"""Functions as one writes them for PyFlink: nothing here knows of weir."""
import math

from pyflink.common import Row
from pyflink.table import DataTypes
from pyflink.table.udf import AggregateFunction, udaf, udf, udtf

EARTH_KM = 6371.0


@udf(result_type=DataTypes.DOUBLE())
def distance_km(lat1, lon1, lat2, lon2):
    """Along a great circle (the haversine formula)."""
    if None in (lat1, lon1, lat2, lon2):
        return None
    phi1, phi2 = math.radians(lat1), math.radians(lat2)
    a = (math.sin((phi2 - phi1) / 2) ** 2
         + math.cos(phi1) * math.cos(phi2) * math.sin(math.radians(lon2 - lon1) / 2) ** 2)
    return round(2 * EARTH_KM * math.asin(math.sqrt(a)), 1)


@udtf(result_types=DataTypes.ROW([DataTypes.FIELD("sku", DataTypes.STRING()),
                                  DataTypes.FIELD("pieces", DataTypes.INT())]))
def parcels(text):
    """'bolts*3;nuts' is three bolts and a nut."""
    for part in (text or "").split(";"):
        sku, _, pieces = part.partition("*")
        if sku:
            yield Row(sku.strip(), int(pieces or 1))


class Median(AggregateFunction):
    def create_accumulator(self):
        return []

    def accumulate(self, values, value):
        if value is not None:
            values.append(value)

    def retract(self, values, value):
        if value is not None:
            values.remove(value)

    def merge(self, values, others):
        for other in others:
            values.extend(other)

    def get_value(self, values):
        if not values:
            return None
        values = sorted(values)
        middle = len(values) // 2
        return values[middle] if len(values) % 2 else (values[middle - 1] + values[middle]) / 2


median = udaf(Median(), result_type=DataTypes.DOUBLE(),
              accumulator_type=DataTypes.ARRAY(DataTypes.DOUBLE()))
