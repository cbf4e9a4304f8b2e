// A real VS Code: code-server with the packed extension, in a headless Chromium. Its methods are what a user does and sees;
// each waits for its result, or fails with what it found instead. It leaves the checks to the scenarios.
import { spawn, execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { join } from 'node:path';

/** Longest wait for anything, in milliseconds. */
const LIMIT_MS = Number(process.env.LIMIT_MS ?? 60_000);
/** Time between two looks, in milliseconds. */
const LOOK_MS = 25;
/** Longest wait for a result before the action is repeated, in milliseconds. */
const A_MOMENT_MS = 4_000;
/** How often a letter is typed again. */
const AGAIN = 3;
/** Time between two keys, in milliseconds, as fast as a user can type. */
const KEY_MS = 30;

/** Waits until `look` gives something, and returns it. */
export async function eventually(what, look, found = () => 'nothing', limitMs = LIMIT_MS) {
  const end = Date.now() + limitMs;
  for (;;) {
    const seen = await look();
    if (seen) return seen;
    if (Date.now() > end) throw new Error(`${what}: not within ${limitMs / 1000} s; found ${await found()}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

/** Settings for a quiet window and literal typing: the editor adds nothing to the typed text. */
const QUIET = {
  'workbench.startupEditor': 'none',
  // Pictures must not show what is still fading in.
  'workbench.reduceMotion': 'on',
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.tips.enabled': false,
  'workbench.editor.useModal': 'off',
  'chat.disableAIFeatures': true,
  'extensions.autoCheckUpdates': false,
  'extensions.autoUpdate': false,
  'telemetry.telemetryLevel': 'off',
  'security.workspace.trust.startupPrompt': 'never',
  'security.workspace.trust.banner': 'never',
  'files.autoSave': 'off',
  'files.hotExit': 'off',
  'editor.minimap.enabled': false,
  'editor.autoClosingBrackets': 'never',
  'editor.autoClosingQuotes': 'never',
  'editor.autoIndent': 'none',
  'editor.quickSuggestions': { other: 'off', comments: 'off', strings: 'off' },
  'editor.suggestOnTriggerCharacters': false,
  'editor.parameterHints.enabled': false,
};

/** The editor's server: the code-server in `lab`, everything it writes below `place`. */
export class Host {
  static async start(lab, place, vsix, more = {}) {
    const [node, entry] = [process.execPath, join(lab, 'node_modules/code-server/out/node/entry.js')];
    const host = new Host();
    Object.assign(host, { place, isNew: true });
    host.set();
    const dirs = ['--user-data-dir', join(place, 'user'), '--extensions-dir', join(place, 'ext')];
    const env = { ...process.env, EXTENSIONS_GALLERY: '{"serviceUrl":""}', ...more };
    execFileSync(node, [entry, ...dirs, '--force', '--install-extension', vsix], { env, stdio: 'pipe' });
    const port = await freePort();
    const args = ['--auth', 'none', '--bind-addr', `127.0.0.1:${port}`, ...dirs, '--disable-telemetry', '--disable-update-check'];
    // A process group of its own, so that ending it ends all that it started.
    host.process = spawn(node, [entry, ...args, '--disable-getting-started-override'], { env, stdio: 'pipe', detached: true });
    host.said = '';
    for (const stream of [host.process.stdout, host.process.stderr]) stream.on('data', (bytes) => (host.said += bytes));
    host.address = `http://127.0.0.1:${port}`;
    const isUp = () => fetch(`${host.address}/healthz`).then((answer) => answer.ok, () => false);
    await eventually('code-server starts', isUp, () => host.said);
    return host;
  }

  /** Sets the user's settings, besides those that keep the window quiet, and the machine's settings, which name programs and their paths. */
  set(user = {}, machine = {}) {
    for (const [folder, settings] of [['User', { ...QUIET, ...user }], ['Machine', machine]]) {
      mkdirSync(join(this.place, 'user', folder), { recursive: true });
      writeFileSync(join(this.place, 'user', folder, 'settings.json'), JSON.stringify(settings));
    }
  }

  /** Lines of level error in the editor's extension logs, from our extension or about it. */
  errors() {
    const logs = join(this.place, 'user/logs');
    const files = readdirSync(logs, { recursive: true }).filter((name) => name.endsWith('.log') && name.includes('exthost'));
    const lines = files.flatMap((name) => readFileSync(join(logs, name), 'utf8').split('\n').map((line) => [name, line]));
    return lines.filter(([name, line]) => / \[(error|critical)\] /.test(line) && /pennyworth/i.test(name + line)).map(([, line]) => line);
  }

  /** Processes of a program, by its path. */
  static processes(program) {
    return readdirSync('/proc').filter((id) => /^\d+$/.test(id)).filter((id) => {
      try {
        return readlinkSync(`/proc/${id}/exe`) === program;
      } catch {
        return false;
      }
    }).map(Number);
  }

  stop() {
    try {
      process.kill(-this.process.pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  }
}

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A browser window with one workspace open. */
export class Editor {
  static async browser(lab, place) {
    const { chromium } = createRequire(join(lab, 'package.json'))('playwright-core');
    const profile = mkdtempSync(join(place, 'chromium-'));
    const quiet = ['no-sandbox', 'disable-gpu', 'disable-quic', 'no-first-run', 'disable-background-networking', 'disable-component-update', 'disable-sync'];
    const context = await chromium.launchPersistentContext(profile, {
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      headless: true,
      viewport: { width: 1000, height: 560 },
      permissions: ['clipboard-read', 'clipboard-write'],
      args: quiet.map((flag) => `--${flag}`),
    });
    return { context, close: async () => (await context.close(), rmSync(profile, { recursive: true, force: true })) };
  }

  /** Opens `query`, such as `folder=…` or `workspace=…`, and waits until the status bar says that the server is ready. */
  static async open(browser, host, query) {
    const editor = new Editor();
    editor.page = await browser.context.newPage();
    editor.complaints = [];
    editor.page.on('console', (message) => message.type() === 'error' && editor.complaints.push(message.text()));
    // Sometimes a window that follows another one opens without its workspace; a user would load it again.
    const rows = editor.page.locator('.explorer-folders-view .monaco-list-row');
    const isOpen = async () => {
      await editor.page.goto(`${host.address}/?${query}`);
      await rows.or(editor.page.getByText('No Folder Opened')).first().waitFor({ timeout: LIMIT_MS });
      return (await rows.count()) > 0;
    };
    await eventually('the workspace is open', isOpen, () => 'a window without one');
    await editor.status('the server is ready', (text) => text.includes('$'));
    // The walkthrough opens a moment later, and would take the focus.
    if (host.isNew) await editor.page.getByText('Get Started with Pennyworth').first().waitFor({ timeout: LIMIT_MS });
    host.isNew = false;
    return editor;
  }

  /** Waits for a wanted text of the extension in the status bar. */
  async status(what, wanted) {
    let text = '';
    const look = async () => {
      text = await this.page.evaluate(() => {
        const items = [...document.querySelectorAll('.statusbar .statusbar-item')];
        return items.find((item) => item.id.startsWith('pennyworth.'))?.textContent ?? '';
      });
      return wanted(text);
    };
    await eventually(what, look, () => `"${text}" in the status bar`);
    return text.trim();
  }

  /** Runs a command by its title, as a user would. Other windows that open meanwhile may close the list, so it tries again. */
  async command(title) {
    const input = this.page.locator('.quick-input-widget input[type=text]');
    const choose = async () => {
      await this.press('F1');
      await input.fill(`>${title}`, { timeout: A_MOMENT_MS });
      await this.page.locator('.quick-input-list .monaco-list-row', { hasText: title }).first().click({ timeout: A_MOMENT_MS });
      return true;
    };
    await eventually(title, () => choose().catch((error) => ((this.last = error), false)), () => this.last);
  }

  /** Opens a file of the workspace by its name, the cursor at its end. */
  async file(name) {
    await this.page.getByRole('treeitem', { name }).first().dblclick();
    await this.page.locator(`.tab.active[data-resource-name="${name}"]`).waitFor({ timeout: LIMIT_MS });
    await this.focus();
    await this.press('Control+End');
  }

  /** Puts the cursor into the code. */
  async focus() {
    await this.page.locator('.editor-group-container.active .monaco-editor textarea, .editor-group-container.active .native-edit-context').first().focus();
  }

  async type(text) {
    await this.page.keyboard.type(text, { delay: KEY_MS });
  }

  async press(key) {
    await this.page.keyboard.press(key);
  }

  /** The grey text now, in reading order; empty if there is none. */
  async grey() {
    return this.page.evaluate(() => {
      const group = document.querySelector('.editor-group-container.active') ?? document;
      const parts = [...group.querySelectorAll('.ghost-text-decoration, .ghost-text-decoration-preview, .suggest-preview-additional-widget, .ghost-text')];
      const outer = parts.filter((part) => !parts.some((other) => other !== part && other.contains(part)));
      const at = (part) => part.getBoundingClientRect();
      outer.sort((a, b) => Math.round(at(a).top - at(b).top) || at(a).left - at(b).left);
      const text = outer.map((part, index) => {
        const isNextLine = index > 0 && at(part).top - at(outer[index - 1]).top > 8;
        return `${isNextLine ? '\n' : ''}${part.textContent}`;
      });
      return text.join('').replace(/\u00a0/g, ' ').replace(/[\u200b\u00b7]/g, '');
    });
  }

  /** Waits for a wanted grey text. */
  async ghost(what, wanted, limitMs = LIMIT_MS) {
    let text = '';
    return eventually(what, async () => wanted((text = await this.grey())) && text, () => `grey text ${JSON.stringify(text)}`, limitMs);
  }

  /**
   * Types once the server runs and has read the workspace, and waits for a wanted grey text. VS Code starts to ask for suggestions in its
   * first editor when it is idle, seconds after it opened; if there is nothing by then, this types the last letter again.
   */
  async typeFor(what, text, wanted) {
    await this.status(`${what}: the server is ready`, (text) => text.includes('$') && !text.includes('reading'));
    await this.type(text);
    return this.ghostFor(what, text.slice(-1), wanted);
  }

  /** Waits for a wanted grey text behind the letter typed last. If none comes for a moment, it types the letter again, as a user would. */
  async ghostFor(what, letter, wanted) {
    for (let again = 0; again < AGAIN; again += 1) {
      const seen = await this.ghost(what, wanted, A_MOMENT_MS).catch(() => undefined);
      if (seen !== undefined) return seen;
      console.log(`typed again: ${what}`);
      await this.press('Backspace');
      await this.type(letter);
    }
    return this.ghost(what, wanted);
  }

  async noGhost(what, limitMs = LIMIT_MS) {
    await eventually(what, async () => (await this.grey()) === '', async () => `grey text ${JSON.stringify(await this.grey())}`, limitMs);
  }

  /**
   * Dismisses the grey text. Escape closes what lies on top first, a message or a widget, so a user would press it again; this does, and prints
   * what was on top.
   */
  async dismiss() {
    for (let again = 0; again < AGAIN; again += 1) {
      const top = this.page.locator('.notification-list-item-message:visible, .quick-input-widget:visible, .suggest-widget.visible');
      const texts = await top.allTextContents();
      await this.press('Escape');
      if (await this.noGhost('dismissed', A_MOMENT_MS).then(() => true, () => false)) return;
      console.log(`Escape again; on top were ${JSON.stringify(texts)}`);
    }
    await this.noGhost('dismissed');
  }

  /** Runs a step given as data: one key, the name of the step, with its argument. `tests/editors/README.md` explains each. */
  async step(step) {
    const [[name, what]] = Object.entries(step);
    const steps = {
      open: () => this.file(what),
      type: () => this.type(what),
      ghost: () => this.ghost(`grey text ${JSON.stringify(what)}`, (text) => text === what),
      accept: () => this.press('Tab'),
      accept_word: () => this.press('Control+ArrowRight'),
      accept_line: () => this.press('Control+Alt+ArrowRight'),
      dismiss: () => this.dismiss(),
      trigger: () => this.press('Control+Alt+Space'),
      undo: async () => (await this.press('Control+z'), await this.press('End')),
      rename: () => this.replace(...what),
      save: () => this.save(),
      revert: () => this.command('Revert and Close Editor'),
      close: () => this.page.goto('about:blank'),
    };
    if (!steps[name]) throw new Error(`no step "${name}"; known: ${Object.keys(steps).join(', ')}`);
    await steps[name]();
  }

  /** Replaces a word everywhere in the document. */
  async replace(from, to) {
    await this.press('Control+h');
    const widget = this.page.locator('.find-widget.visible');
    await widget.locator('.find-part textarea, .find-part input').first().fill(from);
    // The widget slides in, so a click may miss.
    for (const option of ['Match Case', 'Match Whole Word']) {
      const box = widget.locator(`[role=checkbox][aria-label^="${option}"]`).first();
      await eventually(option, async () => (await box.getAttribute('aria-checked')) === 'true' || void (await box.click()));
    }
    await widget.locator('.replace-part textarea, .replace-part input').first().fill(to);
    await this.press('Control+Alt+Enter');
    await this.press('Escape');
  }

  /** Saves, and waits until the tab says so. */
  async save() {
    await this.press('Control+s');
    await this.page.locator('.tab.active:not(.dirty)').waitFor({ timeout: LIMIT_MS });
  }

  /** Waits for a wanted text in a document, by the name on its tab; it sees only the visible lines. */
  async text(name, wanted) {
    const group = this.page.locator('.editor-group-container', { has: this.page.locator(`.tab.active[data-resource-name="${name}"]`) });
    let text = '';
    const look = async () => {
      const lines = await group.locator('.view-line').allTextContents();
      return wanted((text = lines.join('\n').replace(/\u00a0/g, ' '))) && text;
    };
    return eventually(`${name} says it`, look, () => JSON.stringify(text));
  }

  /** Waits for a message to the user, and returns its text. */
  async message(what, wanted) {
    const all = () => this.page.locator('.notification-list-item-message').allTextContents();
    return eventually(what, async () => (await all()).find(wanted), async () => `messages ${JSON.stringify(await all())}`);
  }

  /** Returns all messages, and clears them. */
  async messages() {
    await this.command('Notifications: Show Notifications');
    await this.page.locator('.notifications-center.visible').waitFor({ timeout: LIMIT_MS });
    const texts = await this.page.locator('.notifications-center .notification-list-item-message').allTextContents();
    await this.command('Notifications: Clear All Notifications');
    return texts;
  }

  async picture(path) {
    await this.page.screenshot({ path });
  }
}
