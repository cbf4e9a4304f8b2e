#!/usr/bin/env python3
"""What a user of Emacs sees and gets with the settings of editors/README.md: grey text or a menu with eglot, grey text with lsp-mode.

    run.py FOLDER_OF_EMACS SERVER FOLDER_FOR_SCREENS"""

import json
import subprocess
import sys
from pathlib import Path

sys.dont_write_bytecode = True
from emacs import HERE, ORDERS, TYPED, Emacs, settings  # noqa: E402
from model import Model, by_place  # noqa: E402
from terminal import check, end, eventually  # noqa: E402

HELIX, SESSION = HERE.parent / "helix", HERE.parent / "session"

SEEN = Path(sys.argv[3]).resolve()


def eglot():
    emacs = Emacs(settings("Emacs with eglot"))
    emacs.type_lines(TYPED)
    emacs.sees_grey("the rest stands there in grey", "en(path) as handle:")
    emacs.keep(SEEN / "eglot.txt")
    emacs.press("Tab")
    emacs.sees_taken()
    emacs.undone_and_taken_again()
    emacs.ends()


def eglot_by_hand():
    emacs = Emacs(settings("Emacs with eglot").replace("#'completion-preview-mode", "#'ignore"))
    emacs.type_lines(TYPED)
    emacs.press("C-M-i")
    emacs.sees_taken()
    emacs.ends()


def eglot_with_company():
    company = "(setq company-minimum-prefix-length 2 company-frontends '(company-pseudo-tooltip-frontend))\n(global-company-mode)\n"
    emacs = Emacs(settings("Emacs with eglot").replace("#'completion-preview-mode", "#'ignore") + company)
    emacs.type_lines(TYPED)
    emacs.sees("the menu says who offers it", "open(path) as handle: Pennyworth")
    emacs.keep(SEEN / "company.txt")
    emacs.press("Enter")
    emacs.sees_taken()
    emacs.ends()


def lsp_mode():
    emacs = Emacs(settings("Emacs with lsp-mode"))
    emacs.type(TYPED)
    emacs.sees_grey("the rest stands there in grey", "en(path) as handle:")
    emacs.keep(SEEN / "lsp-mode.txt")
    emacs.press("Tab")
    emacs.sees_taken()
    emacs.undone_and_taken_again()
    emacs.ends()


def eglot_actions():
    """What has no key is a code action."""
    emacs = Emacs(settings("Emacs with eglot"))
    emacs.command("eglot-code-actions")
    emacs.sees("the actions are asked for", "[eglot] Pick an action")
    # The first Tab completes the common beginning, the second lists the actions.
    emacs.press("Tab", "Tab")
    emacs.sees("they are listed", "Pennyworth: show what was spent")
    emacs.sees("all of them", "Pennyworth: pause suggestions in python")
    emacs.keep(SEEN / "actions.txt")
    emacs.type("show\t\n")
    emacs.sees("what was spent is shown as a document", "last 7 days")
    emacs.keep(SEEN / "spent.txt")
    emacs.press("C-x", "k", "Enter")
    emacs.ends(ORDERS, accepted=0)


def lsp_mode_beside_another_server():
    other = f"""
(lsp-register-client
 (make-lsp-client :server-id 'other :new-connection (lsp-stdio-connection '("python3" "{HELIX / "other.py"}"))
                  :activation-fn (lambda (_file mode) (provided-mode-derived-p mode 'python-base-mode))))
"""
    emacs = Emacs(settings("Emacs with lsp-mode") + other)
    emacs.type(TYPED + "e")
    emacs.sees("the menu has the other server's items", "operate_other")
    check("and ours is not among them", "Pennyworth" not in emacs.screen(), emacs.screen())
    emacs.keep(SEEN / "beside.txt")
    emacs.press("C-g")
    eventually("the menu is sent away", lambda: "operate_other" not in emacs.screen(), emacs.screen)
    emacs.type("n")
    emacs.sees_grey("behind the menu the rest stands there in grey", "(path) as handle:")
    emacs.press("Tab")
    emacs.sees_taken()
    emacs.ends()


def eglot_with_a_model():
    with_a_model(settings("Emacs with eglot").replace("#'completion-preview-mode", "#'ignore"), "C-M-i")


def lsp_mode_with_a_model():
    with_a_model(settings("Emacs with lsp-mode"), "Tab")


def with_a_model(init, key):
    """A slow model, for which the editor waits. It writes characters with a meaning in snippets, and several lines."""
    lines = '\n    shelf = "${name}\\\\", {1: "}"}\n    return shelf'
    with Model(by_place("", lines), delay=0.6) as slow:
        config = (
            f'discover = false\ndebounce_ms = 0\n[embedded]\nenabled = false\n[tasks.block]\ndeadline_ms = 5000\n'
            f'[model.slow]\nprotocol = "openai"\nbase_url = "{slow.address}"\nmodel = "qwen2.5-coder"\ncontext = 8000\ntier = "local"\n'
            f'price = {{ input = 0, output = 0, as_of = "2026-11-25" }}\n'
        )
        emacs = Emacs(init, {"orders.py": ""}, config=config)
        emacs.type("def shelf(name):")
        if key == "Tab":
            emacs.sees_grey("the first line is offered", '    shelf = "${name}')
            emacs.keep(SEEN / "model.txt")
            asked = slow.asked
            emacs.press(key)
            emacs.sees_grey("then the next", "    return shelf")
            check("which is not asked for again", slow.asked == asked, slow.asked)
        emacs.press(key)
        eventually("they are taken", lambda: "    return shelf" in emacs.screen() and not emacs.is_grey("    return shelf"), emacs.screen)
        emacs.ends(f"def shelf(name):{lines}\n", accepted=2 if key == "Tab" else 1)


def session_with_eglot():
    session(settings("Emacs with eglot"), "emacs, eglot")


def session_with_lsp_mode():
    session(settings("Emacs with lsp-mode"), "emacs, lsp-mode")


def session(init, name):
    """The session of every editor."""
    files = {file.name: file.read_text(encoding="utf-8") for file in (SESSION / "workspace").iterdir()} | {"debts.py": ""}
    emacs = Emacs(init, files, "debts.py")
    ghost = ""
    for step in json.loads((SESSION / "session.json").read_text(encoding="utf-8")):
        (what, value), = step.items()
        match what:
            case "type" | "accept_word":
                emacs.type_lines(value)
            case "ghost":
                ghost = value
                emacs.sees_grey(f"grey: {value}", value)
            case "accept":
                emacs.press("Tab")
                eventually("it is taken", lambda: not emacs.is_grey(ghost) and ghost in emacs.line(), emacs.screen)
            case "dismiss":
                # Any command removes it from the screen.
                emacs.press("C-e")
            case "undo":
                emacs.press("C-_", "C-e")
                eventually("it is taken back", lambda: ghost not in emacs.line(), emacs.screen)
            case "rename":
                emacs.press("M-<")
                emacs.command("replace-regexp")
                emacs.sees("it asks what to replace", "Replace regexp")
                emacs.type(rf"\b{value[0]}\b" + f"\n{value[1]}\n")
                emacs.sees("it is replaced", "Replaced ")
            case "save":
                emacs.press("C-x", "C-s")
                emacs.sees("it is saved", "Wrote ")
            case "close":
                emacs.leaves()
    found = subprocess.run([sys.executable, str(SESSION / "check.py"), name, str(emacs.state), str(emacs.document)])
    check("the session came to what it must", found.returncode == 0)
    emacs.close()


for scene in (
    eglot, eglot_by_hand, eglot_with_company, eglot_with_a_model, eglot_actions, session_with_eglot,
    lsp_mode, lsp_mode_beside_another_server, lsp_mode_with_a_model, session_with_lsp_mode,
):
    print(f"-- {scene.__name__.replace('_', ' ')}", flush=True)
    scene()
end()
