#!/usr/bin/env bash
# test/services/watch_api.sh - what a watch takes over HTTP: ten thousand metrics in one call, quotas, points that
# Prometheus writes, a moment of many metrics, promotions, missed incidents, calendars. No broker.
. "$(dirname "$0")/../lib.sh"
. "$TREE/test/watch_server.sh"
command -v python3 >/dev/null || skip_all "no python3"
serve --checkpoint 100ms

# A platform with quotas, and one without.
TINY=$(curl -s "$AT/v1/platforms" -d '{"name":"tiny","metrics_max":2,"points_max":10}' | sed 's/.*"token":"\([^"]*\)".*/\1/')
tiny() { curl -s -m 10 -w ' %{http_code}' -H "Authorization: Bearer $TINY" "$AT/v1/$@"; }
platform shop
says() { "${@:2}" >"$SCRATCH/said" 2>&1; grep -q -- "$1" "$SCRATCH/said" || { cat "$SCRATCH/said"; return 1; }; }

many() { awk -v n=10000 'BEGIN { for (i = 0; i < n; i++) printf "%s{\"id\":\"m%d\",\"granularity\":60,\"group\":\"g%d\"}", i ? "," : "[", i, i % 100; print "]" }' | ask metrics -d @-; }
check "ten thousand metrics in one call" says '"added":10000,"updated":0,"same":0' many
check "again they are the same" says '"added":0,"updated":0,"same":10000' many
check "they are listed page by page" says '"count":10000.*"id":"m999".*"after":' ask "metrics?limit=1000"
check "of a call with one that is wrong none is taken" says "metric 2 ('y').*granularity" ask metrics -d '[{"id":"x","granularity":60},{"id":"y","granularity":"soon"}]'
check "so the first of them is not there" says "no metric 'x'" ask metrics/x

check "a platform's quota of metrics holds" says 'quota is 2.* 400$' tiny metrics -d '[{"id":"a","granularity":60},{"id":"b","granularity":60},{"id":"c","granularity":60}]'
check "within it they are taken" says '"added":2.* 200$' tiny metrics -d '[{"id":"a","granularity":60},{"id":"b","granularity":60}]'
over_quota() {  # 8 points twice in a second; a second may end in between
    local body='{"points":['
    for i in 1 2 3 4 5 6 7 8; do body="$body{\"metric\":\"a\",\"ts\":$((1760054400 + 60 * i)),\"value\":1},"; done
    for _ in 1 2 3 4 5; do
        tiny points -d "${body%,}]}" >/dev/null
        says 'quota allows.* 429$' tiny points -d "${body%,}]}" >/dev/null && return
    done
    cat "$SCRATCH/said"
    return 1
}
check "and its points of a second" over_quota

# As Prometheus does it: a WriteRequest of two series in a Snappy block.
ask metrics -d '[{"id":"up{instance=\"a\",job=\"web\"}","granularity":60}]' >/dev/null
python3 - >"$SCRATCH/write" <<'PYTHON'
import struct, sys
def varint(n):
    out = b""
    while n > 127:
        out, n = out + bytes([n & 127 | 128]), n >> 7
    return out + bytes([n])
def field(number, body):
    return varint(number << 3 | 2) + varint(len(body)) + body
def sample(value, ms):
    return field(2, varint(1 << 3 | 1) + struct.pack("<d", value) + varint(2 << 3) + varint(ms))
def series(labels, samples):
    return field(1, b"".join(field(1, field(1, k.encode()) + field(2, v.encode())) for k, v in labels) + b"".join(samples))
body = series([("__name__", "up"), ("instance", "a"), ("job", "web")],
              [sample(1.5, 1760054400000), sample(2.5, 1760054460000)])
body += series([("__name__", "nobody"), ("job", "web")], [sample(1, 1760054400000)])
sys.stdout.buffer.write(varint(len(body)) + bytes([60 << 2, len(body) - 1]) + body)
PYTHON
write() { curl -s -m 10 -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $TOKEN" --data-binary @"$SCRATCH/write" "$AT/v1/prometheus/write"; }
check "Prometheus writes; series that nobody registered are no failure" [ "$(write)" = 204 ]
written() { ask 'metrics/up%7Binstance=%22a%22,job=%22web%22%7D/history' | grep -q '"values":\[1.5,2.5\]'; }
check "its samples are points" wait_for 20 written

check "a moment of many metrics" says '"accepted":3,"unknown":1,"unknown_metrics":\["zz"\]' ask points -d '{"ts":"2025-10-10T00:00:00Z","values":{"m1":1,"m2":2,"m3":3,"zz":4}}'
kept() { ask metrics/m2/history | grep -q '"from":1760054400000,"step":60000,"values":\[2\]'; }
check "each has its point" wait_for 20 kept
check "a promotion is announced" says '"announced":true' ask promotions -d '{"name":"sale","group":"g1","from":"2025-11-11","to":"2025-11-12"}'
check "and known" says '"from":1762819200000,"to":1762905600000,"name":"sale","group":"g1"' ask promotions
check "an incident that nobody noticed is told" says '"labels":1' ask labels -d '{"metric":"m2","kind":"missed","from":"2025-10-10T00:00:00Z","to":"2025-10-10T00:10:00Z"}'
check "and known" says '"kind":"missed","from":1760054400000,"to":1760055000000,"metric":"m2"' ask labels
check "a calendar is put" says '"stored":true' curl -s -X PUT "$AT/v1/calendars/fair" --data-binary $'zone,+08:00\n2027-05-20,holiday\n'
check "and may be a metric's" says '"added":1' ask metrics -d '{"id":"fair","granularity":60,"calendar":"fair"}'
check "China's days are built in" says '2027-02-06,holiday' curl -s "$AT/v1/calendars/china"
check "a paused metric says so" says '"state":"paused"' eval 'ask metrics/m3/pause -X POST; ask metrics/m3/status'
check "another platform's metrics are nobody's" says "no metric 'm3'" tiny metrics/m3
check "without a token nothing is told" says 'token is missing or wrong' curl -s "$AT/v1/metrics"

kill_server
serve --checkpoint 100ms
check "after a kill all is there" says '"count":10002' ask "metrics?limit=1"
check "and what is paused stays so" says '"state":"paused"' ask metrics/m3/status
