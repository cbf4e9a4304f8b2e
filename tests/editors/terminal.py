"""A program in a terminal of its own, as a user has it: a fresh home with the settings of a test, keys pressed, the screen read. It waits for what
is to be seen, never for a time; the limit is for failures. It leaves what is to be seen to the tests."""

import atexit
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LIMIT = 20  # seconds
KEYS = {"\n": "Enter", " ": "Space", "\t": "Tab", ";": "\\;"}
failed = []


def check(what, holds, found=""):
    print(f"{'ok' if holds else 'FAILED'}: {what}", flush=True)
    if not holds:
        print(f"found: {found}")
        failed.append(what)
    return holds


def eventually(what, holds, found=lambda: ""):
    end = time.monotonic() + LIMIT
    while not (value := holds()) and time.monotonic() < end:
        time.sleep(0.02)
    return check(what, value, "" if value else found())


class Terminal:
    """One program with a home and a workspace of its own."""

    def __init__(self, server, files, config="discover = false\n"):
        self.server, self.home = server, Path(tempfile.mkdtemp())
        self.workspace, self.state = self.home / "workspace", self.home / "xdg/pennyworth"
        subprocess.run(["git", "init", "--quiet", self.workspace], check=True)
        for name, text in files.items():
            (self.workspace / name).write_text(text, encoding="utf-8")
        (self.state / "config.toml").parent.mkdir(parents=True)
        (self.state / "config.toml").write_text(config)
        # Users have the server on their PATH, under its name.
        (self.home / "bin").mkdir()
        (self.home / "bin/pennyworth").symlink_to(server)
        self.environment = {
            "PATH": f"{self.home}/bin:{os.environ['PATH']}", "HOME": str(self.home), "TERM": "xterm-256color", "LANG": "C.UTF-8",
            "PENNYWORTH_LOG": "debug",
        } | {f"XDG_{kind}_HOME": str(self.home / "xdg") for kind in ("CONFIG", "STATE", "DATA", "CACHE")}

    def start(self, *command, width=100, height=30, **environment):
        self.environment |= environment
        # It runs in a process of its own, which must not stay behind whatever becomes of this one.
        atexit.register(self.close)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", str(width), "-y", str(height), shlex.join(map(str, command)))
        self.tmux("set-option", "-s", "escape-time", "0")

    def tmux(self, *arguments):
        command = ["tmux", "-L", f"pennyworth-{os.getpid()}", *arguments]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, cwd=self.workspace).stdout

    def screen(self):
        return self.tmux("capture-pane", "-p")

    def press(self, *keys):
        self.tmux("send-keys", *keys)

    def type(self, text, pace=0.0):
        """Types as fast as it goes, or with so many seconds between keys, as people do."""
        for character in text:
            time.sleep(pace)
            self.press("-l", character) if character not in KEYS else self.press(KEYS[character])

    def type_lines(self, text):
        """Types it as fast as it goes, each line at once; but the last letter when the rest is there, as whoever waits for an answer does."""
        lines = text.split("\n")
        for number, line in enumerate(lines):
            if number:
                self.press("Enter")
            pieces = (line[:-1], line[-1:]) if number == len(lines) - 1 else (line,)
            for piece in filter(None, pieces):
                self.press("-l", "--", piece)
                if len(pieces) > 1:
                    self.shows(piece.strip())

    def shows(self, text):
        eventually(f"it is typed: {text}", lambda: text in self.line(), self.screen)

    def line(self):
        """The line of the cursor."""
        return self.screen().splitlines()[int(self.tmux("display-message", "-p", "#{cursor_y}"))]

    def sees(self, what, text):
        return eventually(what, lambda: text in self.screen(), self.screen)

    def keep(self, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.screen(), encoding="utf-8")

    def has_read_the_workspace(self):
        """The server's own log says so."""
        logs = self.state / "log"
        return eventually("the workspace is read", lambda: any("the workspace is read" in log.read_text() for log in logs.glob("*.log")), self.screen)

    def ended(self):
        return eventually("the editor ends", lambda: not self.tmux("list-sessions"), self.screen)

    def stats(self):
        """What the ledger says in all."""
        found = subprocess.run([self.server, "stats", "--json"], env=self.environment, capture_output=True, text=True, check=True)
        return json.loads(found.stdout)["total"]

    def close(self):
        atexit.unregister(self.close)
        self.tmux("kill-server")
        shutil.rmtree(self.home, ignore_errors=True)


def end():
    sys.exit(1 if failed else 0)
