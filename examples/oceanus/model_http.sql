-- The same model behind three servers: `weir serve-model m.pmml --listen 127.0.0.1:8501`, and so on.

CREATE MODEL m
INPUT (_c0 INT, _c1 INT, _c2 INT, _c3 INT, _c4 INT, _c5 INT, _c6 INT, _c7 INT, _c8 INT)
OUTPUT (label INT, probability_0 DOUBLE, probability_1 DOUBLE)
WITH (
  'provider'='http',
  'endpoint'='http://127.0.0.1:8501,http://127.0.0.1:8502,http://127.0.0.1:8503',
  'token'='sesame'
);
