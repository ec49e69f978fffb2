#!/usr/bin/env bash
# test/bench/watch.sh [SEED...]: the anomaly detector against its yardstick, one setting for all seeds:
# recall >= 0.90, precision >= 0.75, median delay <= 120 s, < 0.1 false alarms per metric and week, at
# most 2 alarms an incident. WEIR is the binary (a release build: a debug one is four times slower).
# Skips, aloud, without ../shared/anomaly or numpy. About a minute and 500 MB a seed.
set -u
cd "$(dirname "$0")/../.."
yard=${YARDSTICK:-../shared/anomaly}
weir=${WEIR:-build/weir}
python=${PYTHON:-/usr/bin/python3}
[ -e "$yard/score.py" ] || { echo "SKIP watch: there is no $yard"; exit 0; }
"$python" -c 'import numpy' 2>/dev/null || { echo "SKIP watch: $python has no numpy"; exit 0; }
[ -x "$weir" ] || { echo "watch: no $weir; set WEIR"; exit 1; }
seeds=("$@")
[ $# -gt 0 ] || seeds=(1 2 9)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
bad=0
for seed in "${seeds[@]}"; do
    "$python" "$yard/simulate.py" --out "$dir/in" --seed "$seed" > /dev/null || exit 1
    "$weir" watch replay "$dir/in" --out "$dir/out.csv" 2> "$dir/log" || { cat "$dir/log"; exit 1; }
    after=$(sed -n 's/.*"score_after": "\(.*\)".*/\1/p' "$dir/in/info.json")
    "$python" "$yard/score.py" events --pred "$dir/out.csv" --labels "$dir/in/labels.csv" \
        --after "$after" --all-metrics "$dir/in/metrics.csv" > "$dir/score" || exit 1
    echo "seed $seed: $(cat "$dir/log")"
    awk '
        $1 == "recall" { recall = $2 } $1 == "precision" { precision = $2 }
        $1 == "delay_median_s" { delay = $2 } $1 == "false_per_metric_week" { false_week = $2 }
        $1 == "alarms_per_incident" { alarms = $2 }
        END {
            printf "  recall %.3f precision %.3f median delay %d s, %.3f false a metric and week, %.2f alarms an incident\n",
                recall, precision, delay, false_week, alarms
            exit !(recall >= 0.9 && precision >= 0.75 && delay <= 120 && false_week < 0.1 && alarms <= 2)
        }' "$dir/score" || { echo "  BELOW THE YARDSTICK"; bad=1; }
    rm -rf "$dir/in" "$dir/out.csv"
done
exit $bad
