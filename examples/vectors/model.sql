CREATE MODEL embedding INPUT (text STRING) OUTPUT (vector ARRAY<FLOAT>) WITH (
  'provider' = 'openai', 'endpoint' = 'http://127.0.0.1:PORT/v1/embeddings', 'api-key' = 'none',
  'model' = 'words');
