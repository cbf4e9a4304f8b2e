"""An Emacs in a terminal as a user has it: packages installed, an init file of a few lines. It leaves the expected text to the tests."""

import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from terminal import Terminal, check, eventually  # noqa: E402

EMACS, SERVER = Path(sys.argv[1]).resolve(), sys.argv[2]
PAGE = (HERE.parents[2] / "editors/README.md").read_text(encoding="utf-8")
ORDERS = (HERE.parent / "neovim/orders.py").read_text(encoding="utf-8")
TYPED, TAKEN = "    with op", "    with open(path) as handle:"


def settings(heading):
    """The first block of Lisp below a heading of the page for users."""
    return re.search(rf"^#+ {heading}$.*?^```elisp\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL).group(1)


class Emacs(Terminal):
    """An Emacs as it is after installing packages and writing an init file, at the end of a document."""

    def __init__(self, init, files=None, document="orders.py", config=None):
        super().__init__(SERVER, files or {"orders.py": ORDERS}, config or "discover = false\n")
        folder = self.home / ".emacs.d"
        folder.mkdir()
        (folder / "early-init.el").write_text((HERE / "early-init.el").read_text())
        (folder / "init.el").write_text(init)
        self.document = self.workspace / document
        # This Emacs was built for another folder.
        shared, = (EMACS / "usr/share/emacs").glob("[0-9]*")
        programs, = (EMACS / "usr/libexec/emacs").glob("*/*/")
        dump, = programs.glob("*.pdmp")
        packages = (EMACS / "usr/share/emacs/site-lisp/elpa-src").iterdir()
        self.start(
            EMACS / "usr/bin/emacs-nox", f"--dump-file={dump}", "-nw", "--no-site-lisp", "--no-site-file", self.document,
            EMACSLOADPATH=":".join(map(str, [*packages, shared / "lisp"])), EMACSDATA=f"{shared}/etc", EMACSDOC=f"{shared}/etc", EMACSPATH=str(programs),
        )
        if config:
            eventually("the server is attached", lambda: re.search(r"LSP\[pennyworth:|eglot:", self.screen()), self.screen)
        else:
            self.has_read_the_workspace()
        self.press("M->")

    def command(self, name):
        self.press("M-x")
        self.type(f"{name}\n")

    def is_grey(self, text):
        """Whether the screen has the text in a colour that begins with it."""
        return re.search(r"\x1b\[[0-9;]+m" + re.escape(text), self.tmux("capture-pane", "-p", "-e"))

    def sees_grey(self, what, text):
        return eventually(what, lambda: self.is_grey(text), self.screen)

    def sees_taken(self, line=TAKEN):
        """Waits until the line is there once more than in the file."""
        eventually("it is taken", lambda: self.screen().count(line) == ORDERS.count(line) + 1 and not self.is_grey("en(path)"), self.screen)

    def undone_and_taken_again(self):
        self.press("C-_")
        eventually("one undo takes it back", lambda: re.search(r"    with op *$", self.screen(), re.MULTILINE), self.screen)
        self.command("undo-redo")
        self.sees_taken()

    def ends(self, expected=f"{ORDERS}{TAKEN}\n", accepted=1):
        """Saves and quits; checks the document, the ledger and the logs."""
        self.press("C-x", "C-s")
        eventually("it was inserted exactly", lambda: self.document.read_text(encoding="utf-8") == expected, self.screen)
        self.leaves()
        stats = self.stats()
        check(f"the ledger counts {accepted} taken", stats["accepted"] == accepted, stats)
        self.close()

    def leaves(self):
        self.press("C-x", "C-c")
        self.ended()
        written = self.home / "logs"
        logs = {log.name: log.read_text(encoding="utf-8", errors="replace") for log in (written.iterdir() if written.exists() else [])}
        check("Emacs wrote its logs", any("initialize" in log for log in logs.values()), list(logs))
        faults = [f"{name}: {line}" for name, log in logs.items() for line in log.splitlines() if is_fault(name, line)]
        check("Emacs has nothing to complain about", not faults, "\n".join(faults))


def is_fault(name, line):
    # Messages of a package about itself, and about missing Python checkers, are no faults.
    if "Pattern t is deprecated" in line or name == "Flymake log":
        return False
    return name == "Warnings" or bool(re.search(r'"error":|\berror\b|warning', line, re.IGNORECASE))
