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
    """As a context manager it serves; `address` is for `base_url`, `asked` counts the requests, `held` those that never get an answer. `answer` gives the answer to a request's body."""

    def __init__(self, answer, delay=0.0):
        self.asked = self.held = 0
        batches = Batches(answer)

        class Handler(BaseHTTPRequestHandler):
            def do_GET(handler):
                handler.tell(batches.get(handler.path))

            def tell(handler, body):
                handler.send_response(200)
                handler.end_headers()
                handler.wfile.write(body.encode())

            def do_DELETE(handler):
                handler.tell("{}")

            def do_POST(handler):
                self.asked += 1
                sent = handler.rfile.read(int(handler.headers["Content-Length"]))
                if not handler.path.endswith("/completions"):
                    return handler.tell(batches.post(handler.path, sent))
                said = answer(json.loads(sent))
                self.held += said is None
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


class Batches:
    """OpenAI's batches: a file of requests, a batch of it, and a file of results. Each is over as soon as it is begun."""

    def __init__(self, answer):
        self.answer, self.files, self.made = answer, {}, {}

    def post(self, path, sent):
        if path.endswith("/files"):
            # The parts of the form around the file are no JSON.
            lines = [line for line in sent.splitlines() if line.startswith(b'{')]
            name = f"file-{len(self.files)}"
            self.files[name] = [json.loads(line) for line in lines]
            return json.dumps({"id": name, "object": "file", "purpose": "batch"})
        asked = json.loads(sent)
        name = f"batch-{len(self.made)}"
        requests = self.files[asked["input_file_id"]]
        self.made[name] = asked | {"id": name, "status": "completed", "output_file_id": f"{name}-results"}
        self.made[name]["request_counts"] = {"total": len(requests), "completed": len(requests), "failed": 0}
        return json.dumps(self.made[name])

    def get(self, path):
        name = path.split("?")[0].removesuffix("/content").rpartition("/")[2]
        if name in self.made:
            return json.dumps(self.made[name])
        if name.endswith("-results"):
            requests = self.files[self.made[name.removesuffix("-results")]["input_file_id"]]
            return "".join(json.dumps(self.result(request)) + "\n" for request in requests)
        return json.dumps({"data": list(self.made.values()), "has_more": False})

    def result(self, request):
        message = {"role": "assistant", "content": self.answer(request["body"])}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        body = {"choices": [choice], "usage": {"prompt_tokens": 50, "completion_tokens": 20}}
        return {"custom_id": request["custom_id"], "response": {"status_code": 200, "body": body}, "error": None}


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
