-- The model in this process: m.pmml is what `weir model export models/m m.pmml` has written.

CREATE MODEL m
INPUT (_c0 INT, _c1 INT, _c2 INT, _c3 INT, _c4 INT, _c5 INT, _c6 INT, _c7 INT, _c8 INT)
OUTPUT (label INT, probability_0 DOUBLE, probability_1 DOUBLE)
WITH ('provider'='pmml', 'path'='m.pmml');
