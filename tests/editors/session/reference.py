#!/usr/bin/env python3
"""Plays the session against the server without an editor, and writes the expected result: the suggestions in `session.json` and the document in
`expected.py`. Run it after a change of the session or the embedded model, and read the diff. It leaves the editors to their own drivers.

    reference.py SERVER"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
LIMIT = 10  # seconds for a suggestion


class Client:
    def __init__(self, server, home):
        env = {"HOME": home, "PATH": os.environ["PATH"]}
        self.process = subprocess.Popen([server], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env)
        self.id = 0

    def send(self, message):
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self.process.stdin.flush()

    def notify(self, method, params):
        self.send({"method": method, "params": params})

    def request(self, method, params):
        self.id += 1
        self.send({"id": self.id, "method": method, "params": params})
        while True:
            message = self.receive()
            if message.get("id") == self.id and "method" not in message:
                return message.get("result")
            if "id" in message:
                self.send({"id": message["id"], "result": None})

    def receive(self):
        length = 0
        while (line := self.process.stdout.readline().strip()) or not length:
            length = int(line.split(b":")[1])
        return json.loads(self.process.stdout.read(length))


def main():
    workspace, home = Path(tempfile.mkdtemp()), tempfile.mkdtemp()
    for file in (HERE / "workspace").iterdir():
        (workspace / file.name).write_bytes(file.read_bytes())
    client = Client(sys.argv[1], home)
    folder, uri = workspace.as_uri(), (workspace / "debts.py").as_uri()
    capabilities = {"textDocument": {"inlineCompletion": {}}, "general": {"positionEncodings": ["utf-32"]}}
    client.request("initialize", {"processId": None, "rootUri": folder, "capabilities": capabilities,
                                  "workspaceFolders": [{"uri": folder, "name": "shop"}]})
    client.notify("initialized", {})
    client.notify("textDocument/didOpen", {"textDocument": {"uri": uri, "languageId": "python", "version": 0, "text": ""}})
    text, before, ghost, version = "", "", "", 0

    def edit(start, end, new):
        nonlocal text, version
        def at(offset):
            return {"line": text.count("\n", 0, offset), "character": offset - text.rfind("\n", 0, offset) - 1}
        change = {"range": {"start": at(start), "end": at(end)}, "text": new}
        text, version = text[:start] + new + text[end:], version + 1
        client.notify("textDocument/didChange", {"textDocument": {"uri": uri, "version": version}, "contentChanges": [change]})

    steps = json.loads((HERE / "session.json").read_text())
    for step in steps:
        (name, value), = step.items()
        match name:
            case "type":
                for character in value:
                    edit(len(text), len(text), character)
            case "ghost":
                position = {"line": text.count("\n"), "character": len(text) - text.rfind("\n") - 1}
                place = {"textDocument": {"uri": uri}, "position": position, "context": {"triggerKind": 2}}
                begun, ghost = time.monotonic(), ""
                while not ghost and time.monotonic() < begun + LIMIT:
                    items = (client.request("textDocument/inlineCompletion", place) or {}).get("items", [])
                    ghost = items[0]["insertText"] if items else ""
                step["ghost"] = ghost
            case "accept":
                before = text
                edit(len(text), len(text), ghost)
            case "accept_word":
                edit(len(text), len(text), value)
            case "undo":
                edit(len(before), len(text), "")
            case "rename":
                new = re.sub(rf"\b{value[0]}\b", value[1], text)
                edit(0, len(text), new)
            case "dismiss" | "save" | "close":
                pass
            case unknown:
                sys.exit(f"no step `{unknown}`")
    client.process.kill()
    lines = ",\n".join("  " + json.dumps(step, ensure_ascii=False).replace("{", "{ ", 1)[:-1] + " }" for step in steps)
    (HERE / "session.json").write_text(f"[\n{lines}\n]\n")
    (HERE / "expected.py").write_text(text)


main()
