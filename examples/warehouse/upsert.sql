-- The counts in PostgreSQL, one row for each company, always the latest:
--   CREATE TABLE company_orders (company text PRIMARY KEY, orders bigint, dated bigint);
CREATE TABLE counts (
  company STRING,
  orders BIGINT,
  dated BIGINT,
  PRIMARY KEY (company) NOT ENFORCED
) WITH ('connector' = 'jdbc', 'url' = '${URL}', 'table-name' = 'company_orders', 'username' = '${USER}', 'password' = '${PASSWORD}');

INSERT INTO counts SELECT * FROM company_orders;
