# A server of models for the tests: what a row says it should answer, it answers. Prints its port; counts what
# it is asked in the file that is named by its argument, a line each.
#   POST /v1/models/m:predict  {"instances":[{"x": …}]}: x = "500", "404" … is answered so, "slow" late, "odd" with
#                              something else, "busy" with 503 twice and then well; others with {"y": x, "n": 1.0}
#   POST …/chat/completions, …/embeddings     as OpenAI: says what it was sent; the vector is [length, 0.5]
#   POST /v2/models/NAME/…/infer              as Triton: each output is the first input, and its datatype
import gzip, http.server, json, sys, time

log = open(sys.argv[1], 'a', buffering=1)
busy = {}

class Models(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def do_GET(self):
        log.write('GET %s\n' % self.path)
        self.answer(200, {'ok': True})

    def do_POST(self):
        data = self.rfile.read(int(self.headers['Content-Length']))
        if self.headers.get('Content-Encoding') == 'gzip':
            data = gzip.decompress(data)
        body = json.loads(data)
        if 'instances' not in body:
            return self.other(body)
        log.write('POST %s %d %s\n' % (self.path, len(body['instances']), self.headers.get('X-AUTH-TOKEN')))
        rows = [row['x'] for row in body['instances']]
        for x in rows:
            if x in ('500', '404', '400', '401'):
                return self.answer(int(x), {'error': 'no answer to %s' % x})
            if x == 'slow':
                time.sleep(1)
            if x == 'busy':
                busy[x] = busy.get(x, 0) + 1
                if busy[x] <= 2:
                    return self.answer(503, {'error': 'busy'})
            if x == 'odd':
                return self.answer(200, {'predictions': [1, 2, 3, 4, 5]})
        self.answer(200, {'predictions': [{'y': x, 'n': 1.0, 'probability(1)': '0.25', 'v': [1, 2.5]} for x in rows]})

    def other(self, body):
        log.write('POST %s %s %s\n' % (self.path, self.headers.get('Authorization'), self.headers.get('X-Extra')))
        log.write(json.dumps(body) + '\n')
        if self.headers.get('Authorization') == 'Bearer wrong':
            return self.answer(401, {'error': {'message': 'who are you?'}})
        if self.path.endswith('/chat/completions'):
            said = body['messages'][-1]['content']
            if said in ('429', '500'):
                busy[said] = busy.get(said, 0) + 1
                if said == '500' or busy[said] <= 2:
                    return self.answer(int(said), {'error': {'message': 'too much'}})
            return self.answer(200, {'choices': [{'message': {'role': 'assistant', 'content': 'you said ' + said}}]})
        if self.path.endswith('/embeddings'):
            return self.answer(200, {'data': [{'embedding': [len(body['input']), 0.5], 'index': 0}]})
        tensor = body['inputs'][0]
        self.answer(200, {'outputs': [dict(tensor, name=out['name']) for out in body['outputs']]})

    def answer(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args):
        pass

server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Models)
print(server.server_port, flush=True)
server.serve_forever()
