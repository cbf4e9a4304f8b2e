#!/usr/bin/env python3
"""Checks the result of a session in an editor: the document, the outcome of each suggestion in the ledger, and the server's answer times,
from its own log (`PENNYWORTH_LOG=debug`). It leaves playing the session to the editor's driver.

    check.py EDITOR STATE_DIR DOCUMENT"""

import collections
import contextlib
import json
import re
import sqlite3
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ANSWERED = re.compile(r'answered method="textDocument/(?:inlineCompletion|completion)" ms=([0-9.]+)')


def times(state):
    lines = (line for log in sorted((state / "log").glob("*.log")) for line in log.read_text().splitlines())
    return sorted(float(found[1]) for line in lines if (found := ANSWERED.search(re.sub("\x1b\\[[0-9;]*m", "", line))))


def main():
    editor, state, document = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    failed = []

    def check(what, found, expected):
        print(f"{'ok' if found == expected else 'FAILED'}: {editor}: {what}")
        if found != expected:
            print(f"  expected {expected!r}\n  found    {found!r}")
            failed.append(what)

    check("the document is what was typed", document.read_text(encoding="utf-8"), (HERE / "expected.py").read_text(encoding="utf-8"))
    steps = json.loads((HERE / "session.json").read_text(encoding="utf-8"))
    with contextlib.closing(sqlite3.connect(state / "ledger.sqlite")) as ledger:
        outcomes = collections.Counter(outcome for outcome, in ledger.execute("SELECT outcome FROM suggestions"))
    check("each suggestion that was shown has an outcome", outcomes[None], 0)
    check("the ledger counts what was accepted", outcomes["accepted"], sum("accept" in step for step in steps))
    ms = times(state)
    check("the server's log has its times", len(ms) > 0, True)
    if ms:
        p50, p95 = (ms[int((len(ms) - 1) * share)] for share in (0.5, 0.95))
        print(f"   {editor}: {dict(outcomes)}; {len(ms)} answers of the server, p50 {p50:.2f} ms, p95 {p95:.2f} ms")
    sys.exit(bool(failed))


main()
