-- Learns from 480 samples whose tumours are known (the last column: 1 is malignant), and judges what it
-- has learnt by 203 others. The model is version 1 in the folder models/m.

SET 'execution.runtime-mode'='BATCH';

CREATE TABLE known (
  _c0 INT, _c1 INT, _c2 INT, _c3 INT, _c4 INT, _c5 INT, _c6 INT, _c7 INT, _c8 INT, label INT
) WITH ('connector'='filesystem', 'path'='train.csv', 'format'='csv');

CREATE TABLE others (
  _c0 INT, _c1 INT, _c2 INT, _c3 INT, _c4 INT, _c5 INT, _c6 INT, _c7 INT, _c8 INT, label INT
) WITH ('connector'='filesystem', 'path'='test.csv', 'format'='csv');

CREATE MODEL m WITH (
  'provider'='weir',
  'algorithm'='decision-tree',
  'task'='classification',
  'label'='label',
  'max-depth'='5',
  'min-samples-leaf'='5'
) AS SELECT * FROM known;

SELECT `result`['Accuracy'] AS accuracy, `result`['AUC'] AS auc,
       `result`['Confusion(1,0)'] AS overlooked, `result`['Confusion(0,1)'] AS false_alarms
FROM ML_EVALUATE(
  INPUT => TABLE others,
  MODEL => MODEL m,
  LABEL => DESCRIPTOR(label),
  ARGS => DESCRIPTOR(_c0, _c1, _c2, _c3, _c4, _c5, _c6, _c7, _c8),
  TASK => 'classification');
