"""A program in a terminal of its own, as a user runs it: it makes a fresh home with a test's settings, presses keys and reads the screen. It waits
for text on the screen, never for a time; the limit is for failures. It leaves the expected text to the tests."""

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

LIMIT = 60  # seconds
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
        # tmux is a process of its own, which must end with this one in any case.
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
        """Types as fast as possible, or with this many seconds between keys, as users do."""
        for character in text:
            time.sleep(pace)
            self.press("-l", character) if character not in KEYS else self.press(KEYS[character])

    def type_lines(self, text):
        """Pastes each line, but types the last letter, only when the rest is on the screen, like a user who waits for a suggestion.

        It does not type the lines: keys that wait interrupt eglot while it sends an edit, and it sends that edit again with the next one."""
        lines = text.split("\n")
        for number, line in enumerate(lines):
            if number:
                self.press("Enter")
            is_last = number == len(lines) - 1
            if rest := line[:-1] if is_last else line:
                self.paste(rest)
                if not self.has_shown(rest.strip()):
                    # Emacs was interrupted behind the escape that begins pasted text, took that for a key, and dropped the text.
                    self.press("C-g")
                    self.paste(rest)
                self.shows(rest.strip())
            if is_last and line:
                self.press("-l", "--", line[-1])
                self.shows(line[-1])

    def paste(self, text):
        """Pastes a text, as one key where the program knows pasted text."""
        self.tmux("set-buffer", "--", text)
        self.tmux("paste-buffer", "-p")

    def has_shown(self, text, seconds=5):
        end = time.monotonic() + seconds
        while text not in self.line() and time.monotonic() < end:
            time.sleep(0.02)
        return text in self.line()

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
        """Waits for it in the server's own log."""
        logs = self.state / "log"
        return eventually("the workspace is read", lambda: any("the workspace is read" in log.read_text() for log in logs.glob("*.log")), self.screen)

    def ended(self):
        return eventually("the editor ends", lambda: not self.tmux("list-sessions"), self.screen)

    def stats(self):
        """The ledger's total."""
        found = subprocess.run([self.server, "stats", "--json"], env=self.environment, capture_output=True, text=True, check=True)
        return json.loads(found.stdout)["total"]

    def close(self):
        atexit.unregister(self.close)
        self.tmux("kill-server")
        shutil.rmtree(self.home, ignore_errors=True)


def end():
    sys.exit(1 if failed else 0)
