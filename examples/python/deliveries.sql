-- Deliveries from three depots: how far they go, and what they carry.
SET 'python.files' = 'deliveries.py';
SET 'sql-client.execution.result-mode' = 'tableau';
CREATE FUNCTION distance_km AS 'deliveries.distance_km' LANGUAGE PYTHON;
CREATE FUNCTION parcels AS 'deliveries.parcels' LANGUAGE PYTHON;
CREATE FUNCTION median AS 'deliveries.median' LANGUAGE PYTHON;

CREATE TABLE deliveries (
    id STRING, depot STRING, left_at TIMESTAMP(3),
    from_lat DOUBLE, from_lon DOUBLE, to_lat DOUBLE, to_lon DOUBLE, load STRING,
    WATERMARK FOR left_at AS left_at - INTERVAL '5' MINUTE
) WITH ('connector' = 'filesystem', 'path' = 'deliveries.csv', 'format' = 'csv', 'csv.null-literal' = '');

CREATE VIEW trips AS
SELECT *, distance_km(from_lat, from_lon, to_lat, to_lon) AS km FROM deliveries;

-- The median trip of each depot, by the hour.
SELECT depot, window_start, COUNT(*) AS trips, median(km) AS median_km
FROM TUMBLE(TABLE trips, DESCRIPTOR(left_at), INTERVAL '1' HOUR)
GROUP BY depot, window_start, window_end;

-- Pieces of each article; a delivery without a load counts, too.
SELECT sku, SUM(pieces) AS pieces, COUNT(*) AS deliveries
FROM trips LEFT JOIN LATERAL TABLE(parcels(load)) ON TRUE
GROUP BY sku;
