CREATE TABLE pages (id INT, body STRING)
WITH ('connector' = 'filesystem', 'path' = 'pages.csv', 'format' = 'csv');
CREATE TABLE embedded (id INT, body STRING, vector ARRAY<FLOAT>)
WITH ('connector' = 'filesystem', 'path' = 'embedded', 'format' = 'json');

INSERT INTO embedded
SELECT id, body, vector FROM ML_PREDICT(TABLE pages, MODEL embedding, DESCRIPTOR(body));
