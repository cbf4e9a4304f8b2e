#!/usr/bin/env python3
"""What a user of Helix sees and gets: items in the menu beside another server's, inserted exactly, late items from a model, actions, and the
session that every editor plays.

    run.py HELIX SERVER FOLDER_FOR_SCREENS"""

import json
import subprocess
import sys
from pathlib import Path

from helix import Helix
from model import Model, by_instruction, by_place
from terminal import check, end, eventually

HX, SERVER, SEEN = sys.argv[1], str(Path(sys.argv[2]).resolve()), Path(sys.argv[3]).resolve()
HERE = Path(__file__).resolve().parent
SESSION = HERE.parent / "session"
# Seconds between the keys of a user who waits for an answer: Helix asks again only at a key after the last answer. It waits 0.1 s for slow servers
# before it shows a menu; a key at that very moment is never asked about.
PACE = 0.3
# Our entry, as `pennyworth init helix` prints it.
OURS = '{ except-features = ["code-action"], name = "pennyworth" }'
ORDERS = (HERE.parent / "neovim/orders.py").read_text()


def keep(helix, name):
    helix.keep(SEEN / f"{name}.txt")


def written(path):
    """What stands in a file; nothing while it is not there, as for a moment whenever Helix writes it again."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""


def printed(helix, *languages):
    """What `pennyworth init helix` prints, with this server."""
    found = subprocess.run([SERVER, "init", "helix", *languages], env=helix.environment, capture_output=True, text=True, check=True)
    return found.stdout


def alone(helix):
    """The same without servers that are not installed, so that Helix's log has no errors about them."""
    text = printed(helix, "python")
    check("init helix keeps the language's own servers", f'[{OURS}, "ty", "ruff"' in text, text)
    return "\n".join(f"language-servers = [{OURS}]" if line.startswith("language-servers") else line for line in text.splitlines())


def beside(helix):
    other = f'[language-server.other]\ncommand = "python3"\nargs = ["{HERE / "other.py"}", "{helix.home / "asked"}"]\n'
    both = f'[{OURS}, "other"]\ncode-actions-on-save = ["source.organizeImports"]'
    return alone(helix).replace(f"[{OURS}]", both) + "\n" + other


def with_actions(helix):
    return beside(helix).replace(OURS, '"pennyworth"')


def menu_and_exact_text():
    helix = Helix(HX, SERVER, {"orders.py": ORDERS}, "orders.py", beside)
    helix.sees("the file is open", "load_customers")
    helix.attached("Pennyworth")
    helix.attached('"other"')
    helix.has_read_the_workspace()
    helix.press("g", "e")
    helix.press("o")
    helix.type("    with op", pace=PACE)
    helix.offers("the label shows what will be inserted", "open(path) as handle: text")
    helix.sees("the other server's items are there too", "operate_other")
    lines = helix.screen().splitlines()
    ours, others = (max((n for n, line in enumerate(lines) if text in line), default=-1) for text in ("handle: text", "operate_other"))
    check("ours stand below the other server's", -1 < others < ours, helix.screen())
    keep(helix, "menu")
    helix.take("BTab", "with open(path) as handle:")
    helix.sees("the item is taken", "    with open(path) as handle:")
    text = helix.text()
    check("it was inserted exactly", text.startswith(ORDERS.rstrip("\n") + "\n    with open(path) as handle:"), repr(text[-90:]))
    helix.quit()
    stats = helix.stats()
    check("the acceptance was seen from the edit", stats["accepted"] == 1, stats)
    helix.close()


def actions_and_a_slow_model():
    """A slow model: the other server's items do not wait for it, and its answer joins them. It writes characters with a meaning in snippets,
    and several lines."""
    answer, lines = 'render("${name}\\\\", {1: "}"})', '\n    shelf = "$1"\n    return shelf'
    with Model(by_place(answer, lines), delay=0.6) as slow:
        config = (
            f'discover = false\ndebounce_ms = 0\n[embedded]\nenabled = false\n[tasks.expression]\ndeadline_ms = 5000\n'
            f'[tasks.line]\ndeadline_ms = 5000\n[tasks.block]\ndeadline_ms = 5000\n'
            f'[model.slow]\nprotocol = "openai"\nbase_url = "{slow.address}"\nmodel = "qwen2.5-coder"\ncontext = 8000\ntier = "local"\nprice = {{ input = 0, output = 0, as_of = "2026-11-25" }}\n'
        )
        source = "def page(name):\n    total = 0\n"
        helix = Helix(HX, SERVER, {"page.py": source}, "page.py", with_actions, config)
        helix.sees("the file is open", "total = 0")
        helix.attached("Pennyworth")
        helix.attached('"other"')
        helix.press("g", "e")
        helix.press("o")
        helix.type("total = op", pace=PACE)
        helix.sees("the other server's items do not wait for the model", "operate_other")
        check("the model is still at it", "${name}" not in helix.screen(), helix.screen())
        keep(helix, "before-the-model")
        helix.sees("what the model says joins them", "${name}")
        keep(helix, "model")
        helix.take("BTab", f"total = op{answer}")
        helix.sees("it is taken", f"total = op{answer}")
        helix.escape()
        helix.press("g", "g", "O")
        helix.type("def shelf(name):", pace=PACE)
        helix.sees("several lines are offered", 'shelf = "$1"')
        keep(helix, "lines")
        asked = slow.asked
        helix.take("BTab", "return shelf")
        helix.sees("they are taken", "    return shelf")
        check("no line is asked for again", slow.asked == asked, slow.asked)
        found = helix.text()
        check("signs of snippets and line breaks are inserted as they are", found == f"def shelf(name):{lines}\n{source}    total = op{answer}\n", found)
        helix.press("Space", "a")
        helix.sees("the actions are listed", "Pennyworth: complete here")
        helix.sees("all of them", "Pennyworth: pause suggestions in python")
        keep(helix, "actions")
        helix.press("Escape")
        helix.escape()
        helix.press("Space", "a")
        helix.sees("the actions are listed again", "Pennyworth: show what was spent")
        helix.press("Down", "Down", "Enter")
        helix.sees("what was spent is shown as a document", "last 7 days")
        keep(helix, "spent")
        helix.command("bc")
        # Helix cancels no request: the answer to one from before the word was typed differs, and the item is for the word.
        stats = helix.stats()
        check("no call failed, and none is still held", stats["calls"] >= 2 and stats["failed"] == 0, stats)
        helix.quit()
        helix.close()


def what_stays_theirs():
    """Beside Pennyworth, the other server is asked for everything that it was asked for without it."""
    helix = Helix(HX, SERVER, {"orders.py": ORDERS}, "orders.py", beside)
    helix.attached("Pennyworth")
    helix.attached('"other"')
    helix.sees("the file is open", "load_customers")
    lines = lambda: (helix.home / "asked").read_text().splitlines()
    asked = lambda what, method: eventually(
        f"the other server is asked for {what}", lambda: any(line.startswith(method) for line in lines()), lambda: "\n".join(lines())
    )
    for what, method, *keys in (
        ("hover", "textDocument/hover", "Space", "k"),
        ("the definition", "textDocument/definition", "g", "d"),
        ("the declaration", "textDocument/declaration", "g", "D"),
        ("the type's definition", "textDocument/typeDefinition", "g", "y"),
        ("the implementation", "textDocument/implementation", "g", "i"),
        ("references", "textDocument/references", "g", "r"),
        ("highlights", "textDocument/documentHighlight", "Space", "h"),
        ("symbols", "textDocument/documentSymbol", "Space", "s"),
        ("actions", "textDocument/codeAction", "Space", "a"),
    ):
        helix.escape()
        helix.press(*keys)
        asked(what, method)
        helix.press("Escape")
    helix.escape()
    helix.press("Space", "r")
    helix.type("renamed")
    helix.press("Enter")
    asked("a new name", "textDocument/rename")
    for what, method, command in (
        ("its command", "workspace/executeCommand", "lsp-workspace-command other.sort"),
        ("the format", "textDocument/formatting", "format"),
    ):
        helix.escape()
        helix.command(command)
        asked(what, method)
    helix.escape()
    helix.press("i")
    helix.type("f(")
    asked("a signature", "textDocument/signatureHelp")
    helix.escape()
    helix.press("u")
    helix.command("w!")
    asked("the actions on save", "textDocument/codeAction source.organizeImports")
    helix.quit()
    helix.close()


def tasks():
    """Tasks on demand by code actions and commands, with a model whose answers are known."""
    folder = HERE.parent / "tasks"

    def servers(helix):
        make = [folder / "make", helix.workspace, helix.state / "config.toml", model.address]
        subprocess.run(make, env=helix.environment, check=True)
        other = f'[language-server.other]\ncommand = "python3"\nargs = ["{HERE / "other.py"}"]\n'
        both = 'language-servers = ["pennyworth", "other"]\n'
        languages = "".join(f'[[language]]\nname = "{name}"\n{both}' for name in ("typescript", "git-commit"))
        return f'[language-server.pennyworth]\ncommand = "pennyworth"\n{other}{languages}'

    with Model(by_instruction(folder / "answers.json")) as model:
        helix = Helix(HX, SERVER, {}, "basket.ts", servers)

        def at(line):
            helix.escape()
            helix.type(f"{line}gg")
            eventually(f"the cursor is in line {line}", lambda: f" {line}:1\n" in helix.screen(), helix.screen)

        def choose(title):
            helix.press("Space", "a")
            helix.sees(f"an action: {title}", title)
            listed = [line for line in helix.screen().splitlines() if "Pennyworth: " in line]
            below = next(number for number, line in enumerate(listed) if title in line)
            helix.press(*["Down"] * below, "Enter")

        helix.sees("the file is open", "export function average")
        helix.attached("Pennyworth")
        before = helix.document.read_text()
        at(5)
        choose("document this")
        helix.sees("an item is documented", "/** The sum of all prices, each by its count. */")
        keep(helix, "documented")
        helix.press("u")
        check("one undo takes it back", helix.text() == before, helix.text())
        # Helix tells a server only of problems under the cursor.
        helix.type("gg]d")
        choose("fix this")
        helix.sees("a problem is mended", "(1 + RATE)")
        at(14)
        choose("edit as the comment above says")
        helix.sees("an instruction in a comment is followed", "if (items.length === 0) return 0;")
        check("and removed", "pw:" not in helix.text(), helix.text())
        taken = helix.text()
        at(15)
        helix.press("O")
        helix.type("// pw: take your time")
        helix.escape()
        at(16)
        held = model.held
        choose("edit as the comment above says")
        eventually("a model is asked", lambda: model.held > held, helix.screen)
        helix.command("lsp-workspace-command pennyworth.cancel")
        helix.sees("a task is cancelled", "Pennyworth: cancelled")
        helix.press("u")
        check("and changes nothing", helix.text() == taken, helix.text())
        at(5)
        choose("write tests")
        tests = helix.workspace / "basket.test.ts"
        helix.sees("it says where tests are", "tests: they are in basket.test.ts")
        helix.command("wa")
        eventually("they are in a new file", lambda: "toBe(6)" in written(tests), helix.screen)
        helix.command("open ship.ts")
        helix.sees("the changed file is open", "export function shipping")
        helix.command("lsp-workspace-command pennyworth.review")
        helix.sees("a review marks what it finds", "Shipping is free below the limit")
        keep(helix, "review")
        at(2)
        choose("apply: Shipping")
        helix.sees("a finding is applied", "return total > 50 ? 0 : 4.9;")
        at(6)
        choose("dismiss: A name")
        eventually("another is dismissed", lambda: "A name of one word fails" not in helix.screen(), helix.screen)
        helix.command("write-all")
        message = helix.workspace / ".git/COMMIT_EDITMSG"
        helix.command(f"open {message}")
        helix.sees("a commit's message is open", "COMMIT_EDITMSG")
        choose("write this commit message")
        helix.sees("it is written", "notes: shipping is free")
        keep(helix, "message")
        helix.command("write-all")
        helix.quit()
        helix.close()


def queued():
    """A review that nobody waits for, which comes back after a restart."""
    folder = HERE.parent / "tasks"

    def servers(helix):
        config = helix.state / "config.toml"
        subprocess.run([folder / "make", helix.workspace, config, model.address], env=helix.environment, check=True)
        config.write_text('tasks.review.queue = "batch"\n' + config.read_text())
        return '[language-server.pennyworth]\ncommand = "pennyworth"\n[[language]]\nname = "typescript"\nlanguage-servers = ["pennyworth"]\n'

    with Model(by_instruction(folder / "answers.json")) as model:
        helix = Helix(HX, SERVER, {}, "ship.ts", servers)
        helix.sees("the file is open", "export function shipping")
        helix.attached("Pennyworth")
        helix.command("lsp-workspace-command pennyworth.review")
        helix.sees("it is queued", "queued: 1 job")
        helix.quit()
        helix.begin(HX)
        helix.sees("the file is open again", "export function shipping")
        helix.attached("Pennyworth")
        helix.command("lsp-workspace-command pennyworth.jobs")
        helix.sees("the review marks what it found", "Shipping is free below the limit")
        keep(helix, "queued")
        helix.command("lsp-workspace-command pennyworth.jobs")
        helix.sees("nothing is shown twice", "nothing is queued")
        helix.quit()
        helix.close()


def session():
    """The session of every editor."""
    files = {file.name: file.read_text() for file in (SESSION / "workspace").iterdir()} | {"debts.py": ""}
    helix = Helix(HX, SERVER, files, "debts.py", alone)
    helix.attached("Pennyworth")
    helix.has_read_the_workspace()
    helix.press("i")
    line, ghost = "", ""
    for step in json.loads((SESSION / "session.json").read_text(encoding="utf-8")):
        (name, value), = step.items()
        match name:
            case "type":
                for left, character in zip(range(len(value), 0, -1), value):
                    helix.type(character, pace=PACE if left < 3 else 0.0)
                    if character == "\n":
                        # Helix repeats the indentation of the line before.
                        if line[:1] == " ":
                            helix.press("C-u")
                        line = ""
                    else:
                        line += character
            case "ghost":
                ghost, word = value, line.split()[-1]
                helix.offers(f"the menu offers {word}{value}", f"{word}{value}"[:60])
            case "accept":
                helix.take("Tab", (line + ghost).strip()[-60:])
                line += ghost
                helix.sees("it is taken", line.strip()[-60:])
            case "accept_word":
                helix.type(value)
                line += value
            case "dismiss":
                helix.escape()
                helix.press("A")
            case "undo":
                helix.escape()
                helix.press("u", "A")
                line = line.removesuffix(ghost)
            case "rename":
                helix.escape()
                helix.press("%", "s")
                helix.type(rf"\b{value[0]}\b")
                helix.press("Enter", "c")
                helix.type(value[1])
                helix.escape()
                helix.press(",")
            case "save":
                keep(helix, "session")
                helix.command("w")
                # Helix writes behind the keys, and an end would leave half of a file.
                helix.sees("the document is saved", "' written")
            case "close":
                helix.quit()
    check_session = [sys.executable, str(SESSION / "check.py"), "helix", str(helix.state), str(helix.document)]
    check("the session came to what it must", subprocess.run(check_session).returncode == 0)
    helix.close()


for scene in (menu_and_exact_text, actions_and_a_slow_model, what_stays_theirs, tasks, queued, session):
    print(f"-- {scene.__name__.replace('_', ' ')}", flush=True)
    scene()
end()
