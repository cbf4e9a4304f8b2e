#!/usr/bin/env python3
"""A fake language server beside ours: it answers every completion at once with two items, supports all that Helix asks for, and writes what it
was asked to the file of its first argument, if there is one: a method a line, with the wanted kinds of actions. It reports each `RAT` as unknown."""

import json
import os
import sys

SUPPORTS = [
    "hover", "definition", "declaration", "typeDefinition", "implementation", "references", "documentHighlight", "documentSymbol",
    "codeAction", "rename", "documentFormatting",
]
CAPABILITIES = {
    **{f"{name}Provider": True for name in SUPPORTS},
    "completionProvider": {},
    "executeCommandProvider": {"commands": ["other.sort"]},
    "signatureHelpProvider": {"triggerCharacters": ["("]},
    "textDocumentSync": 1,
}


def send(message):
    body = json.dumps({"jsonrpc": "2.0", **message}).encode()
    sys.stdout.buffer.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
    sys.stdout.buffer.flush()


def answer(method):
    match method:
        case "initialize":
            return {"capabilities": CAPABILITIES, "serverInfo": {"name": "other"}}
        case "textDocument/completion":
            return {"isIncomplete": False, "items": [{"label": "operate_other"}, {"label": "opposite_other"}]}
        case "textDocument/codeAction" | "textDocument/documentSymbol":
            return []
    return None


def reported(document):
    """The problems of a document that was opened."""
    for number, line in enumerate(document["text"].splitlines()):
        if (at := line.find("RAT)")) >= 0:
            place = {"start": {"line": number, "character": at}, "end": {"line": number, "character": at + 3}}
            yield {"range": place, "severity": 1, "source": "other", "message": "cannot find name RAT"}


with open(sys.argv[1] if sys.argv[1:] else os.devnull, "w", buffering=1) as asked:
    while line := sys.stdin.buffer.readline():
        length = int(line.split(b":")[1])
        while sys.stdin.buffer.readline().strip():
            pass
        message = json.loads(sys.stdin.buffer.read(length))
        if message.get("method") == "exit":
            break
        if message.get("method") == "textDocument/didOpen":
            document = message["params"]["textDocument"]
            found = {"uri": document["uri"], "diagnostics": list(reported(document))}
            send({"method": "textDocument/publishDiagnostics", "params": found})
        if "id" in message:
            kinds = (message.get("params") or {}).get("context", {}).get("only") or []
            print(message.get("method"), *kinds, file=asked)
            send({"id": message["id"], "result": answer(message.get("method"))})
