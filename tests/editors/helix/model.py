"""A slow model server on loopback with two answers, one of them for a cursor behind a colon."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Model:
    """As a context manager it gives the address for `base_url`."""

    def __init__(self, text, behind_a_colon, delay):
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                prompt = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["prompt"]
                said = behind_a_colon if ":<|fim_suffix|>" in prompt else text
                time.sleep(delay)
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.end_headers()
                usage = {"prompt_tokens": 50, "completion_tokens": 20}
                for chunk in ({"choices": [{"text": said, "finish_reason": None}]}, {"choices": [{"text": "", "finish_reason": "stop"}], "usage": usage}):
                    self.wfile.write(b"data: " + json.dumps(chunk).encode() + b"\n\n")
                self.wfile.write(b"data: [DONE]\n\n")

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.handle_error = lambda *_: None  # a client that does not wait

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self.server.server_port}/v1"

    def __exit__(self, *_):
        self.server.shutdown()
