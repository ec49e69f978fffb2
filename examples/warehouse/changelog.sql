-- The counts as a change log: every correction is a line.
SET 'sql-client.execution.result-mode' = 'changelog';
SELECT * FROM company_orders;
