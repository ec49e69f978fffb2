-- When did New York stand still, and when could you not get a taxi?
--
-- Seven months of taxi passengers in New York City, a number for each half hour, recorded in 2014
-- and 2015. This is Flink SQL as it stands: the same file runs in Flink's SQL client.

SET 'sql-client.execution.result-mode' = 'tableau';

-- A file is a table. WATERMARK makes ts the time by which everything below moves: once a row of
-- 10:30 has been seen, no row of 10:00 will come any more.
CREATE TABLE taxi (
  ts TIMESTAMP(3),
  passengers INT,
  WATERMARK FOR ts AS ts - INTERVAL '30' MINUTE
) WITH (
  'connector' = 'filesystem',
  'path' = 'examples/demo/data/nyc_taxi.csv',
  'format' = 'csv',
  'csv.allow-comments' = 'true'
);

-- A day is a window of 48 rows. Its row comes out as soon as the watermark passes midnight, not at
-- the end of the file: from a topic the same view would run for ever.
CREATE VIEW days AS
SELECT window_start, SUM(passengers) AS passengers, MAX(passengers) AS busiest_half_hour
FROM TUMBLE(TABLE taxi, DESCRIPTOR(ts), INTERVAL '1' DAY)
GROUP BY window_start, window_end;

-- The quiet days: Thanksgiving, Christmas and the day after, and the blizzard of January 2015.
SELECT DATE_FORMAT(window_start, 'EEE yyyy-MM-dd') AS quiet_day, passengers, busiest_half_hour
FROM days
WHERE passengers < 525000;

-- The busiest half hours: a Saturday night in September, New Year, and one o'clock in the morning of
-- 2 November, which happened twice: the clocks went back, and the record adds both hours up.
SELECT ts AS half_hour, passengers
FROM taxi
WHERE passengers > 30000;
