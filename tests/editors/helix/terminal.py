"""Helix in a terminal: starts it with a home of its own, presses keys, reads the screen. Waits for what is to be seen, never for a time; the
limit is for failures. It leaves what is to be seen to the tests."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LIMIT = 20  # seconds
KEYS = {"\n": "Enter", " ": "Space", "\t": "Tab", ";": "\\;"}
CONFIG = """
[editor]
auto-pairs = false
indent-heuristic = "simple"
auto-completion = true
completion-timeout = 50
[editor.lsp]
display-messages = true
"""
failed = []


def check(what, holds, seen=""):
    print(f"{'ok' if holds else 'FAILED'}: {what}", flush=True)
    if not holds:
        print(seen)
        failed.append(what)
    return holds


def eventually(what, found, seen=lambda: ""):
    end = time.monotonic() + LIMIT
    while not (value := found()) and time.monotonic() < end:
        time.sleep(0.02)
    check(what, value, seen())
    return value


class Helix:
    """One Helix with a home, a workspace and a document."""

    def __init__(self, program, server, files, document, servers, config="", width=100, height=30):
        self.home, self.name = Path(tempfile.mkdtemp()), f"pennyworth-{os.getpid()}"
        self.workspace, self.log = self.home / "workspace", self.home / "helix.log"
        self.state = self.home / "xdg/pennyworth"
        self.workspace.mkdir()
        (self.workspace / ".git").mkdir()
        for file, text in files.items():
            (self.workspace / file).write_text(text, encoding="utf-8")
        self.document = self.workspace / document
        for folder, file, text in [("helix", "config.toml", CONFIG), ("pennyworth", "config.toml", config or "discover = false\n")]:
            (self.home / "xdg" / folder).mkdir(parents=True, exist_ok=True)
            (self.home / "xdg" / folder / file).write_text(text)
        self.environment = {
            "PATH": f"{Path(server).parent}:{os.environ['PATH']}", "HOME": str(self.home), "TERM": "xterm-256color", "LANG": "C.UTF-8",
            "PENNYWORTH_LOG": "debug",
        } | {f"XDG_{kind}_HOME": str(self.home / "xdg") for kind in ("CONFIG", "STATE", "DATA", "CACHE")}
        (self.home / "xdg/helix/languages.toml").write_text(servers(self))
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", str(width), "-y", str(height), program, "-vv", "--log", str(self.log), str(self.document))
        self.tmux("set-option", "-s", "escape-time", "0")

    def tmux(self, *arguments):
        return subprocess.run(["tmux", "-L", self.name, *arguments], env=self.environment, capture_output=True, text=True, cwd=self.workspace).stdout

    def screen(self):
        return self.tmux("capture-pane", "-p")

    def press(self, *keys):
        self.tmux("send-keys", *keys)

    def escape(self):
        """Escape and the next key would be read as one with Alt."""
        self.press("Escape")
        eventually("normal mode", lambda: " NOR " in self.screen(), self.screen) if " NOR " not in self.screen() else None
        time.sleep(0.05)

    def type(self, text, pace=0.0):
        """Types as fast as it goes, or with so many seconds between keys, as people do."""
        for character in text:
            time.sleep(pace)
            self.press("-l", character) if character not in KEYS else self.press(KEYS[character])

    def sees(self, what, text):
        return eventually(what, lambda: text in self.screen(), self.screen)

    def attached(self):
        """The server has answered `initialize`."""
        return eventually("the server is attached", lambda: self.logged('"serverInfo"') and self.logged("Pennyworth"), self.tail)

    def has_read_the_workspace(self):
        """The server's own log says so."""
        logs = self.state / "log"
        return eventually("the workspace is read", lambda: any("the workspace is read" in log.read_text() for log in logs.glob("*.log")), self.tail)

    def logged(self, text):
        return self.log.exists() and text in self.log.read_text(errors="replace")

    def tail(self):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-10:]) if self.log.exists() else "no log"

    def command(self, text):
        self.type(f":{text}")
        self.press("Enter")

    def text(self):
        """The document as the user would save it now."""
        self.escape()
        before = self.document.stat().st_mtime_ns if self.document.exists() else 0
        self.command("w!")
        eventually("the document is saved", lambda: self.document.exists() and self.document.stat().st_mtime_ns != before, self.screen)
        return self.document.read_text(encoding="utf-8")

    def quit(self):
        self.escape()
        # What comes later is about servers that are gone.
        errors = [line for line in self.log.read_text(errors="replace").splitlines() if "[ERROR]" in line]
        self.command("qa!")
        eventually("Helix ends", lambda: not self.tmux("list-sessions"), self.screen)
        check("Helix has nothing to complain about", not errors, "\n".join(errors))

    def close(self):
        self.tmux("kill-server")
        shutil.rmtree(self.home, ignore_errors=True)


def end():
    sys.exit(1 if failed else 0)
