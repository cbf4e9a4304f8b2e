"""A slow model server on loopback with two answers, one of them for a cursor behind a colon."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Model:
    """As a context manager it serves; `address` is for `base_url`, `asked` counts the requests."""

    def __init__(self, text, behind_a_colon, delay):
        self.asked = 0

        class Handler(BaseHTTPRequestHandler):
            def do_POST(handler):
                self.asked += 1
                prompt = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))["prompt"]
                said = behind_a_colon if ":<|fim_suffix|>" in prompt else text
                time.sleep(delay)
                handler.send_response(200)
                handler.send_header("Content-Type", "text/event-stream")
                handler.end_headers()
                usage = {"prompt_tokens": 50, "completion_tokens": 20}
                for chunk in ({"choices": [{"text": said, "finish_reason": None}]}, {"choices": [{"text": "", "finish_reason": "stop"}], "usage": usage}):
                    handler.wfile.write(b"data: " + json.dumps(chunk).encode() + b"\n\n")
                handler.wfile.write(b"data: [DONE]\n\n")

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.handle_error = lambda *_: None  # a client that does not wait

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.address = f"http://127.0.0.1:{self.server.server_port}/v1"
        return self

    def __exit__(self, *_):
        self.server.shutdown()
