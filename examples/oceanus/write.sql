-- A made-up clinic: one sample a second, nine readings between 0 and 10, written to a topic as CSV.
-- The columns are those of the Wisconsin breast cancer data set. Runs until Ctrl-C.

CREATE TABLE random_source (
  ClumpThickness INT,
  UniformityOfCellSize INT,
  UniformityOfCellShape INT,
  MarginalAdhsion INT,
  SingleEpithelialCellSize INT,
  BareNuclei INT,
  BlandChromation INT,
  NormalNucleoli INT,
  Mitoses INT
) WITH (
  'connector'='datagen',
  'rows-per-second'='1',
  'fields.ClumpThickness.kind'='random',
  'fields.ClumpThickness.min'='0',
  'fields.ClumpThickness.max'='10',
  'fields.UniformityOfCellSize.kind'='random',
  'fields.UniformityOfCellSize.min'='0',
  'fields.UniformityOfCellSize.max'='10',
  'fields.UniformityOfCellShape.kind'='random',
  'fields.UniformityOfCellShape.min'='0',
  'fields.UniformityOfCellShape.max'='10',
  'fields.MarginalAdhsion.kind'='random',
  'fields.MarginalAdhsion.min'='0',
  'fields.MarginalAdhsion.max'='10',
  'fields.SingleEpithelialCellSize.kind'='random',
  'fields.SingleEpithelialCellSize.min'='0',
  'fields.SingleEpithelialCellSize.max'='10',
  'fields.BareNuclei.kind'='random',
  'fields.BareNuclei.min'='0',
  'fields.BareNuclei.max'='10',
  'fields.BlandChromation.kind'='random',
  'fields.BlandChromation.min'='0',
  'fields.BlandChromation.max'='10',
  'fields.NormalNucleoli.kind'='random',
  'fields.NormalNucleoli.min'='0',
  'fields.NormalNucleoli.max'='10',
  'fields.Mitoses.kind'='random',
  'fields.Mitoses.min'='0',
  'fields.Mitoses.max'='10'
);

CREATE TABLE KafkaSink (
  ClumpThickness INT,
  UniformityOfCellSize INT,
  UniformityOfCellShape INT,
  MarginalAdhsion INT,
  SingleEpithelialCellSize INT,
  BareNuclei INT,
  BlandChromation INT,
  NormalNucleoli INT,
  Mitoses INT
) WITH (
  'connector'='kafka',
  'topic'='topic_v2',
  'properties.bootstrap.servers'='localhost:9092',
  'properties.group.id'='weir',
  'format'='csv'
);

INSERT INTO KafkaSink SELECT * FROM random_source;
