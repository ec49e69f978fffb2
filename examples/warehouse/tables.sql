-- A log of logistics orders: each message says what has become known of an order, and NULL of the rest.
CREATE TABLE order_log (
  order_id STRING,
  created TIMESTAMP(3),
  cancelled TIMESTAMP(3),
  company STRING              -- who shall deliver it, as planned by now
) WITH ('connector' = 'filesystem', 'path' = '${LOG}', 'format' = 'json');

-- What is known of each order now: the last values that are not NULL.
CREATE VIEW orders AS
SELECT order_id, LAST_VALUE(created) AS created, LAST_VALUE(cancelled) AS cancelled, LAST_VALUE(company) AS company
FROM order_log
GROUP BY order_id;

-- Valid orders by company. An order that moves leaves one company and joins another, a cancelled one goes.
CREATE VIEW company_orders AS
SELECT company, COUNT(DISTINCT order_id) AS orders, COUNT(created) AS dated
FROM orders
WHERE cancelled IS NULL AND company IS NOT NULL
GROUP BY company;
