CREATE TABLE questions (question STRING)
WITH ('connector' = 'filesystem', 'path' = 'questions.csv', 'format' = 'csv');
-- 'lookup.cache' = 'FULL' keeps the pages in memory, where they are searched.
CREATE TABLE embedded (id INT, body STRING, vector ARRAY<FLOAT>)
WITH ('connector' = 'filesystem', 'path' = 'embedded', 'format' = 'json', 'lookup.cache' = 'FULL');

SELECT question, id, body, CAST(score AS DECIMAL(3, 2)) AS score
FROM ML_PREDICT(TABLE questions, MODEL embedding, DESCRIPTOR(question)) AS asked,
  LATERAL TABLE(VECTOR_SEARCH(TABLE embedded, DESCRIPTOR(vector), asked.vector, 2)) AS found
WHERE score > 0;
