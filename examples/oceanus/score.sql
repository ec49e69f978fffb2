-- Reads topic_v2, asks the model m (model_pmml.sql or model_http.sql, in the same session) of each sample,
-- and writes what it says into ClickHouse, each sample once: rows are there when their checkpoint is
-- complete. Runs until Ctrl-C; `--resume` goes on after a crash.
--
-- There: CREATE TABLE predictions (place Int64, ClumpThickness Int32, BareNuclei Int32, label Int32,
--   probability_1 Float64, Sign Int8) ENGINE = CollapsingMergeTree(Sign) ORDER BY place

SET 'execution.checkpointing.interval'='30 s';
SET 'restart-strategy.type'='fixed-delay';
SET 'restart-strategy.fixed-delay.attempts'='4';
SET 'restart-strategy.fixed-delay.delay'='10 s';
SET 'pipeline.name'='score';

CREATE TABLE samples (
  ClumpThickness INT,
  UniformityOfCellSize INT,
  UniformityOfCellShape INT,
  MarginalAdhsion INT,
  SingleEpithelialCellSize INT,
  BareNuclei INT,
  BlandChromation INT,
  NormalNucleoli INT,
  Mitoses INT,
  place BIGINT METADATA FROM 'offset' VIRTUAL
) WITH (
  'connector'='kafka',
  'topic'='topic_v2',
  'properties.bootstrap.servers'='localhost:9092',
  'properties.group.id'='weir',
  'scan.startup.mode'='earliest-offset',
  'format'='csv'
);

CREATE TABLE predictions (
  place BIGINT,
  ClumpThickness INT,
  BareNuclei INT,
  label INT,
  probability_1 DOUBLE
) WITH (
  'connector'='clickhouse',
  'url'='clickhouse://localhost:8123',
  'database-name'='default',
  'table-name'='predictions',
  'table.collapsing.field'='Sign'
);

INSERT INTO predictions
SELECT place, ClumpThickness, BareNuclei, label, probability_1
FROM ML_PREDICT(
  TABLE samples,
  MODEL m,
  DESCRIPTOR(ClumpThickness, UniformityOfCellSize, UniformityOfCellShape, MarginalAdhsion,
             SingleEpithelialCellSize, BareNuclei, BlandChromation, NormalNucleoli, Mitoses));
