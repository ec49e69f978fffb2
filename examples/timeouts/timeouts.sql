-- An order left the warehouse and nobody collected it within six hours: three ways to be told.
-- docs/cookbook/timeouts.md tells which is for whom.

CREATE TABLE events (
    warehouse STRING,
    order_id STRING,
    what STRING,
    ts TIMESTAMP(3),
    WATERMARK FOR ts AS ts - INTERVAL '10' MINUTE
) WITH ('connector' = 'filesystem', 'path' = 'events.csv', 'format' = 'csv');

-- (a) A pattern over the rows of a warehouse: it left, then rows that do not collect it, then a row
-- after the deadline.
CREATE VIEW by_pattern AS
SELECT order_id, left_at
FROM events MATCH_RECOGNIZE (
    PARTITION BY warehouse
    ORDER BY ts
    MEASURES GONE.order_id AS order_id, GONE.ts AS left_at
    ONE ROW PER MATCH
    AFTER MATCH SKIP TO NEXT ROW
    PATTERN (GONE QUIET* LATER)
    DEFINE
        GONE AS GONE.what = 'LEFT',
        QUIET AS QUIET.ts <= GONE.ts + INTERVAL '6' HOUR
            AND NOT (QUIET.order_id = GONE.order_id AND QUIET.what = 'COLLECTED'),
        LATER AS LATER.ts > GONE.ts + INTERVAL '6' HOUR
);

-- (b) A join that keeps what found nothing: rows that left beside rows that were collected in time.
CREATE VIEW by_join AS
SELECT l.order_id, l.ts AS left_at
FROM (SELECT * FROM events WHERE what = 'LEFT') AS l
LEFT JOIN (SELECT * FROM events WHERE what = 'COLLECTED') AS c
    ON c.order_id = l.order_id AND c.ts BETWEEN l.ts AND l.ts + INTERVAL '6' HOUR
WHERE c.order_id IS NULL;

-- (c) A process table function: state and a timer for each order.
CREATE FUNCTION late_orders AS 'late_orders' LANGUAGE C USING ARTIFACT 'liblate.so';

CREATE VIEW by_timer AS
SELECT order_id, left_at
FROM late_orders(
    events => TABLE events PARTITION BY order_id ORDER BY ts,
    timeout => INTERVAL '6' HOUR,
    on_time => DESCRIPTOR(ts)
);
