#!/usr/bin/env bash
# test/bench/watch.sh [SEED|nab|cloudmon...]: the anomaly detector against its yardsticks, one setting for all
# (1 2 9 nab cloudmon). Simulated metrics, by seed: recall >= 0.90, precision >= 0.75, median delay <= 120 s, < 0.1
# false alarms per metric and week, at most 2 alarms an incident. NAB's standard profile above 70.1; of the
# cloud monitoring series composite F1 above 0.414 and VUS-PR above 0.525.
# WEIR is the binary (a release build: a debug one is four times slower). Skips, aloud, without
# ../shared/anomaly or numpy. About a minute and 500 MB a seed.
set -u
cd "$(dirname "$0")/../.."
yard=${YARDSTICK:-../shared/anomaly}
weir=${WEIR:-build/weir}
python=${PYTHON:-/usr/bin/python3}
[ -e "$yard/score.py" ] || { echo "SKIP watch: there is no $yard"; exit 0; }
"$python" -c 'import numpy' 2>/dev/null || { echo "SKIP watch: $python has no numpy"; exit 0; }
[ -x "$weir" ] || { echo "watch: no $weir; set WEIR"; exit 1; }
[ $# -gt 0 ] || set -- 1 2 9 nab cloudmon
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
bad=0
below() { echo "  BELOW THE YARDSTICK"; bad=1; }

replay() {  # INPUT: its verdicts in $dir/out.csv
    "$weir" watch replay "$1" --out "$dir/out.csv" 2>"$dir/log" || { cat "$dir/log"; exit 1; }
    echo "$2: $(cat "$dir/log")"
}

simulated() {
    local seed=$1 after
    "$python" "$yard/simulate.py" --out "$dir/in" --seed "$seed" >/dev/null || exit 1
    replay "$dir/in" "seed $seed"
    after=$(sed -n 's/.*"score_after": "\(.*\)".*/\1/p' "$dir/in/info.json")
    "$python" "$yard/score.py" events --pred "$dir/out.csv" --labels "$dir/in/labels.csv" \
        --after "$after" --all-metrics "$dir/in/metrics.csv" >"$dir/score" || exit 1
    rm -rf "$dir/in"
    awk '
        $1 == "recall" { recall = $2 } $1 == "precision" { precision = $2 }
        $1 == "delay_median_s" { delay = $2 } $1 == "false_per_metric_week" { false_week = $2 }
        $1 == "alarms_per_incident" { alarms = $2 }
        END {
            printf "  recall %.3f precision %.3f median delay %d s, %.3f false a metric and week, %.2f alarms an incident\n",
                recall, precision, delay, false_week, alarms
            exit !(recall >= 0.9 && precision >= 0.75 && delay <= 120 && false_week < 0.1 && alarms <= 2)
        }' "$dir/score" || below
}

nab() {
    replay "$yard/../data/nab" "NAB"
    "$python" "$yard/score.py" nab --data "$yard/../data/nab" --pred "$dir/out.csv" >"$dir/score" || exit 1
    awk '$1 ~ /^(standard|reward)/ { score[$1] = $2 }
        END {
            printf "  standard %.1f, few false alarms wanted %.1f, few missed %.1f\n",
                score["standard"], score["reward_low_FP_rate"], score["reward_low_FN_rate"]
            exit !(score["standard"] > 70.1)
        }' "$dir/score" || below
}

cloudmon() {
    replay "$yard/../data/cloudmon" "cloud monitoring"
    "$python" "$yard/score.py" points --pred "$dir/out.csv" --labels "$yard/../data/cloudmon" >"$dir/score" || exit 1
    awk '{ score[$1] = $2 }
        END {
            printf "  composite F1 %.3f, VUS-PR %.3f\n", score["composite_f1"], score["vus_pr"]
            exit !(score["composite_f1"] > 0.414 && score["vus_pr"] > 0.525)
        }' "$dir/score" || below
}

for what in "$@"; do
    case $what in
        nab | cloudmon) [ -d "$yard/../data/$what" ] && "$what" || echo "SKIP watch: there is no $yard/../data/$what" ;;
        *) simulated "$what" ;;
    esac
done
exit $bad
