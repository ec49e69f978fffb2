"""The platform that test/services/watch.sh plays: metrics, their history, live points, incidents.

    watch_feed.py prepare ADDRESS DIR             registers the metrics, loads six weeks, waits for models
    watch_feed.py live ADDRESS DIR FROM TO        pushes the ticks [FROM, TO); points of odd metrics go
                                                  over Kafka when $FEED_TOPIC is set
    watch_feed.py label ADDRESS DIR               calls the alarms of the graded metrics false
    watch_feed.py retrain ADDRESS DIR             has a metric trained again while points come
    watch_feed.py collect BROKER TOPIC DIR        writes what comes on the topic, and when
    watch_feed.py hook DIR                        is a webhook: writes its port, and what is posted to it

ADDRESS is a file that says where the watch listens. All is made of seeds: two runs push the same points.
"""
import http.client
import json
import math
import os
import random
import subprocess
import sys
import time

METRICS, STEP_S, DAYS = 200, 1200, 42
T0 = 1760054400  # 2025-10-10 00:00 UTC, a Friday
DAY = 86400 // STEP_S
# Sudden drops and rises: metric -> (first tick, end, factor).
INCIDENTS = {5 * i + 3: (20 + i, 40 + i, 0.45 if i % 2 else 1.7) for i in range(20)}
# The same fault of another depth for each metric, on two days: the second follows a label.
GRADED = {100 + i: 0.965 - 0.002 * i for i in range(40)}
GRADED_AT = [(DAY + 40, DAY + 46), (2 * DAY + 40, 2 * DAY + 46)]


def name(m):
    return "orders_%03d" % m


def mean(m, t):
    day = (t % 86400) / 86400
    week = [1, 1.02, 1.01, 1, 1.05, 1.2, 1.15][(t // 86400 + 3) % 7]
    return (400 + 20 * m) * week * (0.35 + 0.65 * (0.5 - 0.5 * math.cos(2 * math.pi * (day - 0.15))) ** 1.3)


def values(m, first, last):
    """Counts at the times [first, last)."""
    out = []
    for t in range(first, last, STEP_S):
        mu = mean(m, t)
        out.append(max(0, round(random.Random(m * 1000003 + t).gauss(mu, 1.2 * math.sqrt(mu)))))
    return out


def live(m, tick):
    value = values(m, T0 + tick * STEP_S, T0 + (tick + 1) * STEP_S)[0]
    if m in INCIDENTS and INCIDENTS[m][0] <= tick < INCIDENTS[m][1]:
        return round(value * INCIDENTS[m][2])
    if m in GRADED and any(a <= tick < b for a, b in GRADED_AT):
        return round(value * GRADED[m])
    return value


class Api:
    def __init__(self, address, folder):
        self.address, self.folder = address, folder
        self.token = open(folder + "/token").read().strip() if os.path.exists(folder + "/token") else ""
        self.connection = None

    def ask(self, method, path, body=None, kind="application/json", patience=30):
        if body is not None and not isinstance(body, str):
            body = json.dumps(body)
        end = time.time() + patience
        while True:
            try:
                if not self.connection:
                    with open(self.address) as file:  # away while nobody listens
                        self.connection = http.client.HTTPConnection(file.read().strip() or "none", timeout=20)
                self.connection.request(method, path, body, {
                    "Authorization": "Bearer " + self.token, "Content-Type": kind})
                reply = self.connection.getresponse()
                text = reply.read().decode()
                if reply.status >= 300:
                    raise SystemExit("%s %s: %d %s" % (method, path, reply.status, text[:300]))
                return json.loads(text) if text.startswith("{") else text
            except (OSError, http.client.HTTPException):
                self.connection = None
                if time.time() > end:
                    raise
                time.sleep(0.02)

    def figures(self):
        lines = (line.split() for line in self.ask("GET", "/metrics").splitlines() if line[0] != "#")
        return {key[11:]: float(value) for key, value in lines}


def fast_history(m):
    """values() of six weeks, but quick: one generator a metric."""
    rnd, root = random.Random(m), math.sqrt
    out = []
    for t in range(T0 - DAYS * 86400, T0, STEP_S):
        mu = SHAPE[t % (7 * 86400)] * (400 + 20 * m)
        out.append("%s,%d,%d" % (name(m), t, max(0, round(rnd.gauss(mu, 1.2 * root(mu))))))
    return out


def prepare(api):
    begin = time.time()
    made = api.ask("POST", "/v1/metrics", [
        {"id": name(m), "granularity": STEP_S, "unit": "orders", "sensitivity": "middle", "group": "shop"}
        for m in range(METRICS)])
    again = api.ask("POST", "/v1/metrics", [
        {"id": name(m), "granularity": STEP_S, "unit": "orders", "sensitivity": "middle", "group": "shop"}
        for m in range(METRICS)])
    assert made["added"] == METRICS and again["same"] == METRICS, (made, again)
    print("registered in %.3f s" % (time.time() - begin))
    begin = time.time()
    for t in range(0, 7 * 86400, STEP_S):
        SHAPE[t] = mean(0, t) / 400
    for m in range(0, METRICS, 20):
        lines = [line for k in range(m, min(m + 20, METRICS)) for line in fast_history(k)]
        api.ask("POST", "/v1/history", "\n".join(lines), "text/csv")
    figures = api.figures()
    print("%d points of history loaded in %.1f s" % (figures["history_points"], time.time() - begin))
    assert figures["history_points"] == METRICS * DAYS * DAY
    begin = time.time()
    while figures["models_trained_total"] < METRICS:
        assert time.time() - begin < 300 and not figures["models_failed_total"], figures
        time.sleep(0.1)
        figures = api.figures()
    print("%d models in %.1f s" % (METRICS, time.time() - begin))


SHAPE = {}


def run_live(api, first, last):
    topic, broker = os.environ.get("FEED_TOPIC"), os.environ.get("KAFKA_BROKER")
    kcat = None
    if topic:
        kcat = subprocess.Popen(["kcat", "-q", "-b", broker, "-P", "-t", topic, "-X", "linger.ms=0"],
                                stdin=subprocess.PIPE, text=True)
    with open(api.folder + "/pushed", "a") as log:
        for tick in range(first, last):
            t, posted, took = T0 + tick * STEP_S, {}, {}
            now = time.time()
            for m in range(METRICS):
                if kcat and m % 2:
                    kcat.stdin.write(json.dumps({"metric": name(m), "ts": t, "value": live(m, tick)}) + "\n")
                else:
                    posted[name(m)] = live(m, tick)
            if kcat:
                kcat.stdin.flush()
            api.ask("POST", "/v1/points", {"ts": t, "values": posted})
            log.write("%d %.3f\n" % (t * 1000, now))
            log.flush()
            time.sleep(float(os.environ.get("FEED_PAUSE", "0.02")))
    if kcat:
        kcat.stdin.close()
        kcat.wait(30)


def label(api):
    alarms = api.ask("GET", "/v1/alarms?limit=1000")["alarms"]
    graded = [a for a in alarms if int(a["metric"][-3:]) in GRADED]
    for _ in range(2):  # the second time changes nothing
        api.ask("POST", "/v1/labels", {"labels": [
            {"alarm": a["id"], "kind": "false_alarm", "note": "a test"} for a in graded]})
    print(len(graded))


def version(api, m):
    return api.ask("GET", "/v1/metrics/%s/status" % name(m))["model"]


def retrain(api):
    """A new model is made and taken up while points are pushed; no push waits for it."""
    before, tick, slowest = version(api, 2), 3 * DAY + 1, 0
    api.ask("POST", "/v1/metrics/%s/retrain" % name(2), "{}")
    end = time.time() + 60
    while version(api, 2) == before and time.time() < end:
        begin = time.time()
        api.ask("POST", "/v1/points", {"ts": T0 + tick * STEP_S, "values": {name(2): live(2, tick)}})
        slowest = max(slowest, time.time() - begin)
        tick += 1
        time.sleep(0.02)
    assert version(api, 2) > before, "no new version"
    for tick in range(tick, tick + 6):  # an incident, which the new model judges
        api.ask("POST", "/v1/points", {"ts": T0 + tick * STEP_S, "values": {name(2): 3}})
    while time.time() < end:
        alarms = api.ask("GET", "/v1/metrics/%s/alarms" % name(2))["alarms"]
        if alarms and alarms[0]["model"] > before:
            print("version %d judges; the slowest push took %.0f ms" % (alarms[0]["model"], slowest * 1e3))
            assert slowest < 1
            return
        time.sleep(0.05)
    raise SystemExit("the new version judged nothing")


def collect(broker, topic, folder):
    kcat = subprocess.Popen(["kcat", "-q", "-u", "-b", broker, "-C", "-t", topic, "-o", "beginning",
                             "-X", "isolation.level=read_committed", "-X", "fetch.wait.max.ms=5"],
                            stdout=subprocess.PIPE, text=True)
    with open(folder + "/collected", "w") as log:
        for line in kcat.stdout:
            log.write("%.3f %s" % (time.time(), line))
            log.flush()


def hook(folder):
    import http.server

    class Hook(http.server.BaseHTTPRequestHandler):
        asked = 0

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            Hook.asked += 1
            good = Hook.asked % 7 != 3  # now and then it is not well
            if good:
                with open(folder + "/hooked", "a") as log:
                    log.write(body + "\n")
            self.send_response(200 if good else 500)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Hook)
    with open(folder + "/hook.part", "w") as file:
        file.write(str(server.server_port))
    os.rename(folder + "/hook.part", folder + "/hook")
    server.serve_forever()


if __name__ == "__main__":
    verb, args = sys.argv[1], sys.argv[2:]
    if verb == "collect":
        collect(*args)
    elif verb == "hook":
        hook(*args)
    else:
        api = Api(args[0], args[1])
        {"prepare": prepare, "live": lambda a: run_live(a, int(args[2]), int(args[3])),
         "label": label, "retrain": retrain}[verb](api)
