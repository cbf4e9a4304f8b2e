"""Model servers on loopback with known answers. As a program it is one that takes instructions, with the answers of a file, and prints its address:

    model.py ANSWERS"""

import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

# Longer than any test waits, in seconds.
NEVER = 3600


class Model:
    """As a context manager it serves; `address` is for `base_url`, `asked` counts the requests. `answer` gives the answer to a request's body."""

    def __init__(self, answer, delay=0.0):
        self.asked = 0

        class Handler(BaseHTTPRequestHandler):
            def do_POST(handler):
                self.asked += 1
                said = answer(json.loads(handler.rfile.read(int(handler.headers["Content-Length"]))))
                time.sleep(delay if said is not None else NEVER)
                handler.send_response(200)
                handler.send_header("Content-Type", "text/event-stream")
                handler.end_headers()
                usage = {"prompt_tokens": 50, "completion_tokens": 20}
                begun = {"choices": [{"index": 0, "text": said, "delta": {"content": said}, "finish_reason": None}]}
                ended = {"choices": [{"index": 0, "text": "", "delta": {}, "finish_reason": "stop"}], "usage": usage}
                for chunk in (begun, ended):
                    handler.wfile.write(b"data: " + json.dumps(chunk).encode() + b"\n\n")
                handler.wfile.write(b"data: [DONE]\n\n")

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # a client that does not wait

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.address = f"http://127.0.0.1:{self.server.server_port}/v1"
        return self

    def __exit__(self, *_):
        self.server.shutdown()


def by_place(text, behind_a_colon):
    """Two answers, one of them for a cursor behind a colon."""
    return lambda body: behind_a_colon if ":<|fim_suffix|>" in body["prompt"] else text


def by_instruction(path):
    """The first answer of a file whose words are in the request; one that `holds` never comes."""
    answers = json.loads(Path(path).read_text(encoding="utf-8"))

    def answer(body):
        said = "\n".join(str(message["content"]) for message in body["messages"] if message["role"] == "user")
        return next((answer.get("says") for answer in answers if answer["asked"] in said), "")

    return answer


if __name__ == "__main__":
    with Model(by_instruction(sys.argv[1])) as model:
        print(model.address, flush=True)
        sys.stdin.read()  # serves until the one who started it ends
