"""Helix in a terminal: its settings, its modes, its log. It leaves the terminal to `terminal.py` and the expected text to the tests."""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from terminal import Terminal, check, eventually

CONFIG = """
[editor]
auto-pairs = false
indent-heuristic = "simple"
auto-completion = true
completion-timeout = 50
"""


class Helix(Terminal):
    """One Helix with a document; `servers` gives its `languages.toml`."""

    def __init__(self, program, server, files, document, servers, config="discover = false\n"):
        super().__init__(server, files, config)
        self.document, self.began = self.workspace / document, 0
        (self.home / "xdg/helix").mkdir()
        (self.home / "xdg/helix/config.toml").write_text(CONFIG)
        (self.home / "xdg/helix/languages.toml").write_text(servers(self))
        self.begin(program)

    def begin(self, program):
        """Starts it, or once more after its end."""
        self.began += 1
        self.log = self.home / f"helix-{self.began}.log"
        self.start(program, "-vv", "--log", self.log, self.document)

    def escape(self):
        """Goes to normal mode, and waits: Helix would read Escape and the next key as one key with Alt."""
        if " NOR " not in self.screen():
            self.press("Escape")
            self.sees("normal mode", " NOR ")
        time.sleep(0.05)

    def attached(self, name):
        """Waits until a server has answered `initialize`."""
        return eventually(f"{name} is attached", lambda: self.logged(name) and self.logged('"serverInfo"'), self.tail)

    def logged(self, text):
        return self.log.exists() and text in self.log.read_text(errors="replace")

    def tail(self):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-10:]) if self.log.exists() else "no log"

    def command(self, text):
        self.type(f":{text}")
        self.press("Enter")

    def offers(self, what, text):
        """Waits for an item of the menu. A key closes the menu, and Helix asks about it, but not if it comes just as the menu opens: then users ask."""
        again = [time.monotonic() + 3]

        def is_there():
            if text not in self.screen() and time.monotonic() > again[0]:
                self.press("C-x")
                again[0] = time.monotonic() + 3
            return text in self.screen()

        return eventually(what, is_there, self.screen)

    def take(self, key, shown):
        """Selects an item of the menu, and takes it once it stays in the text. A menu that closes or is filled anew meanwhile selects nothing, and Enter
        would break the line; then it is asked for again."""
        for _ in range(5):
            self.press(key)
            if self.has_shown(shown, 2):
                time.sleep(0.3)
                if shown in self.line():
                    break
            self.press("C-x")
            time.sleep(0.5)
        self.press("Enter")

    def text(self):
        """The document as the user would save it now."""
        self.escape()
        self.command("w!")
        self.sees("the document is saved", "' written")
        return self.document.read_text(encoding="utf-8")

    def quit(self):
        self.escape()
        # Later errors are about servers that have ended.
        errors = [line for line in self.log.read_text(errors="replace").splitlines() if "[ERROR]" in line]
        self.command("qa!")
        self.ended()
        check("Helix has nothing to complain about", not errors, "\n".join(errors))
