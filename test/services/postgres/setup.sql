-- The tables of flink.test and of postgres_tables.sh.
CREATE TABLE dim (id int PRIMARY KEY, name text, age bigint, price numeric(10, 2), ts timestamp(3));
INSERT INTO dim VALUES (1, 'ann', 10, 1.50, '2024-01-01 00:00:00'), (2, 'bob', 20, 2.50, '2024-01-02 00:00:00'),
    (3, 'cid', 30, NULL, NULL);
CREATE TABLE multi (k int, v text);
INSERT INTO multi VALUES (1, 'a'), (1, 'b'), (2, 'c'), (NULL, 'n');
CREATE TABLE sinkt (id int PRIMARY KEY, name text, n bigint);
CREATE TABLE sinka (id int, name text);
CREATE TABLE types (c_bool bool, c_i2 int2, c_i4 int4, c_i8 int8, c_f4 float4, c_f8 float8, c_num numeric(12, 3),
    c_text text, c_vc varchar(10), c_ch char(5), c_date date, c_time time, c_ts timestamp, c_tstz timestamptz,
    c_bytea bytea, c_uuid uuid, c_json json, c_jsonb jsonb, c_ai int[], c_at text[]);
INSERT INTO types VALUES (true, 1, 2, 3, 1.5, 2.5, 12345.678, 'text', 'vc', 'ch', '2024-01-02', '03:04:05',
    '2024-01-02 03:04:05.678901', '2024-01-02 03:04:05.678+00', '\x0aff', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
    '{"a": 1}', '{"b": [1, 2]}', '{1,NULL,3}', '{a,b}');
