-- Reads topic_v2 back and prints, for every five seconds of the samples' own time, how many there
-- were and what they looked like. The time of a sample is the time stamp of its Kafka message; a
-- window is printed once a sample has come that is more than a second past its end.
--
-- Starts where the consumer group left off, or at the beginning when it has never read the topic.
-- Runs until Ctrl-C.

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
  taken_at TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL,
  WATERMARK FOR taken_at AS taken_at - INTERVAL '1' SECOND
) WITH (
  'connector'='kafka',
  'topic'='topic_v2',
  'properties.bootstrap.servers'='localhost:9092',
  'properties.group.id'='weir',
  'properties.auto.offset.reset'='earliest',
  'scan.startup.mode'='group-offsets',
  'format'='csv'
);

CREATE TABLE report (
  window_start TIMESTAMP(3),
  samples BIGINT,
  thickest INT,
  mean_thickness DOUBLE,
  suspicious BIGINT
) WITH ('connector'='print');

INSERT INTO report
SELECT window_start,
       COUNT(*),
       MAX(ClumpThickness),
       AVG(CAST(ClumpThickness AS DOUBLE)),
       COUNT(*) FILTER (WHERE ClumpThickness >= 7 AND BareNuclei >= 7)
FROM TUMBLE(TABLE samples, DESCRIPTOR(taken_at), INTERVAL '5' SECOND)
GROUP BY window_start, window_end;
