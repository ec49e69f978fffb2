#!/usr/bin/env bash
# test/services/pmml.sh - PMML through the command line: our own small models, and, where it lies
# beside the tree, the shared set of models with the answers of a reference evaluator.
. "$(dirname "$0")/../lib.sh"

models=$TREE/test/ml/pmml
if ! "$WEIR" model show "$models/loan.pmml" >"$SCRATCH/show" 2>&1 && grep -q "does not read PMML" "$SCRATCH/show"; then
    skip_all "this weir was built without expat"
fi
check "show tells what a model is" grep -q "MiningModel for classification, 2 segments" "$SCRATCH/show"
for model in "$models"/*.pmml; do
    name=$(basename "$model" .pmml)
    check "$name answers as expected" "$WEIR" model check "$model" "$models/$name.csv" "$models/$name.expected.csv"
done
"$WEIR" model predict "$models/loan.pmml" "$models/loan.csv" >"$SCRATCH/answers"
check "what predict prints is what check expects" \
    "$WEIR" model check "$models/loan.pmml" "$models/loan.csv" "$SCRATCH/answers"

sed '2s/.*/wrong,0.5,0.5/' "$models/loan.expected.csv" >"$SCRATCH/wrong.csv"
"$WEIR" model check "$models/loan.pmml" "$models/loan.csv" "$SCRATCH/wrong.csv" >"$SCRATCH/out"
check "a wrong answer is exit code 1" [ $? -eq 1 ]
check "and is shown" grep -q "^row 1, column decision: .*, not wrong" "$SCRATCH/out"
check "with the closing line" grep -q "^4 passed, 1 failed" "$SCRATCH/out"

shared=${WEIR_SHARED:-$TREE/../shared}/data/pmml
if [ ! -f "$shared/manifest.tsv" ]; then
    skip "the shared set of PMML models is not beside the tree"
    exit "$TEST_FAILED"
fi
passed=0 failed=""
while IFS=$'\t' read -r model input expected _ _ _ tolerance _; do
    [ "$model" != model ] || continue
    if "$WEIR" model check "$shared/$model" "$shared/$input" "$shared/$expected" --tolerance "$tolerance" >"$SCRATCH/out" 2>&1
    then passed=$((passed + 1)); else failed="$failed $(basename "$model")"; fi
done <"$shared/manifest.tsv"
check "$passed models of the shared set answer as expected${failed:+, but not$failed}" [ -z "$failed" ]
exit "$TEST_FAILED"
