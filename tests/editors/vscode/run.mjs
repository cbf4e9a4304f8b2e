// The checks in a real VS Code: one page load for each workspace, with as many checks as possible.
//
//   run.mjs LAB OLD VSIX OUT     LAB: code-server and playwright; OLD: an old code-server; OUT: folder for pictures
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Editor, eventually, Host } from './editor.mjs';
import { modelServer } from './model.mjs';
import { makeTasks, tasks } from './tasks.mjs';

const [lab, old, vsix, out] = process.argv.slice(2);
const here = import.meta.dirname;
const begun = Date.now();
const place = mkdtempSync(join(tmpdir(), 'pennyworth-vscode-'));
const ORDERS = join(here, '../neovim/orders.py');
/** The embedded model's answer behind `    with op` in that file. */
const REST = 'en(path) as handle:';
/** The server in the folder of extensions. */
const PROGRAM = `pennyworth.pennyworth-0.1.0/server/${process.platform}-${process.arch}/pennyworth`;
/** The answer of the paid model. */
const ANSWER = 'price * RATE;';
/** Tasks for which that model is asked; they get a long deadline, for busy machines. */
const TASKS = ['block', 'expression', 'line', 'return', 'top_level'];
/** When servers were ended, in milliseconds; errors in the log within a second of that are expected. */
const killed = [];
/** Expected errors in the log. */
const PROVOKED = /is not the path of a program\.$|is version 0\.0\.9; this extension needs/;

let failures = 0;
function ok(what) {
  console.log(`ok: ${what} (${((Date.now() - begun) / 1000).toFixed(1)} s)`);
}

/** Runs an action that must succeed, and reports it; the action fails with what it found instead. */
async function check(what, action) {
  await action();
  ok(what);
}

function expect(what, found, expected) {
  if (found !== expected) throw new Error(`${what}: found ${JSON.stringify(found)}, expected ${JSON.stringify(expected)}`);
}

/** A session in one workspace; a failure ends it and takes a picture. */
async function session(name, host, browser, query, actions) {
  let editor;
  try {
    editor = await Editor.open(browser, host, query);
    await actions(editor);
    // The log also has, as it should, the errors that the scenario itself caused.
    const isKilled = (line) => killed.some((time) => Math.abs(Date.parse(line.slice(0, 24)) - time) < 1000);
    const errors = () => host.errors().filter((line) => !PROVOKED.test(line) && !isKilled(line));
    await check(`${name}: no errors in the editor's logs`, () => expect('errors', errors().join('\n'), ''));
  } catch (error) {
    failures += 1;
    console.log(`FAILED: ${name}: ${error.message.split('\n')[0]}`);
    const page = editor?.page ?? browser.context.pages().at(-1);
    await page?.screenshot({ path: join(out, `failed-${name}.png`) }).catch(() => {});
    // What the user was told may say why.
    const told = await editor?.messages().catch(() => undefined);
    if (told) console.log(`messages: ${JSON.stringify(told)}`);
  } finally {
    await editor?.page.close();
  }
}

/** Makes a folder with some of our files. */
function folder(name, files) {
  mkdirSync(join(place, name), { recursive: true });
  for (const [to, from] of Object.entries(files)) copyFileSync(from, join(place, name, to));
  return join(place, name);
}

/** The user's configuration: a paid model, a cap in US dollars, which it soon reaches, and the model's price per million tokens. */
function configure(model, cap = 0.01, price = 'input = 0, cached = 0, output = 100') {
  const folder = join(process.env.XDG_CONFIG_HOME, 'pennyworth');
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, 'config.toml'),
    `cap_usd_per_day = ${cap}
discover = false
[model.qwen]
protocol = "openai"
base_url = "${model.address}"
model = "qwen2.5-coder"
tier = "cheap"
context = 8000
stop_limit = 4
chars_per_token = 4.0
abort_billed = "no"
api_key_env = "OPENAI_API_KEY"
price = { ${price}, as_of = "2026-11-25" }
${TASKS.map((task) => `[tasks.${task}]\ndeadline_ms = 20000\n`).join('')}`,
  );
}

/** Completions of the embedded model, in a workspace that is not trusted. */
async function first(editor) {
  const { page } = editor;
  await check('the first start shows the walkthrough', () => page.getByText('Get Started with Pennyworth').first().waitFor());
  await editor.picture(join(out, 'walkthrough.png'));
  await check('its example completes without a key', async () => {
    await page.getByRole('button', { name: 'Open the Example' }).click();
    await editor.ghost('the example', (text) => text === `op${REST}`);
    await editor.picture(join(out, 'example.png'));
    await editor.step({ revert: true });
  });
  await check('a workspace that is not trusted is restricted', () => editor.status('restricted', (text) => text.includes('restricted')));
}

/** Ghost text while typing real code, and each way to accept or dismiss it. */
async function takes(editor, path, picture) {
  const text = async () => (await editor.save(), readFileSync(path, 'utf8'));
  // The server decides how much it shows at once; exactly that must be accepted.
  const begins = (text) => text.startsWith(REST);
  const end = async (length) => (await text()).slice(-length);
  let shown;
  await editor.step({ open: 'orders.py' });
  await check('ghost text while typing', async () => (shown = await editor.typeFor('typing', '    with op', begins)));
  await editor.picture(join(out, `${picture}.png`));
  await editor.step({ accept: true });
  await check('Tab takes all', async () => expect('the end', await end(shown.length), shown));
  await editor.step({ undo: true });
  await check('one undo takes it back', async () => expect('the end', await end(11), '    with op'));
  await editor.step({ trigger: true });
  await check('it comes when asked for', async () => (shown = await editor.ghost('asked', begins)));
  await editor.step({ accept_word: true });
  await check('a word is taken', () => editor.ghost('the rest', (text) => text === shown.slice(2)));
  await check('Escape dismisses', () => editor.step({ dismiss: true }));
  await editor.step({ trigger: true });
  await editor.ghost('the rest', (text) => text.startsWith(REST.slice(2)));
  await editor.step({ accept_line: true });
  await check('a line is taken', async () => expect('the end', (await text()).split('\n')[19], `    with op${REST}`));
}

/** Pauses for all languages, and for one. */
async function pauses(editor, program, state) {
  await editor.command('Pennyworth: Pause or Resume');
  await check('pausing shows', () => editor.status('paused', (text) => text.includes('paused')));
  await editor.step({ open: 'orders.py' });
  await editor.type('\n\n\ndef load_offers(path):\n    with op');
  await editor.command('Pennyworth: Explain Here');
  await check('and silences', () => editor.text('Explain', (text) => text.includes('completions are paused')));
  expect('grey text', await editor.grey(), '');
  await check('it is as wide as the code, and wrapped', async () => {
    const groups = await editor.page.locator('.editor-group-container').all();
    const widths = await Promise.all(groups.map(async (group) => (await group.boundingBox()).width));
    expect('widths', `${widths.length} ${widths.at(0) === widths.at(-1)}`, '2 true');
    const report = editor.page.locator('.editor-group-container', { has: editor.page.locator('.tab.active[data-resource-name="Explain"]') });
    const scrolls = await report.locator('.monaco-scrollable-element > .scrollbar.horizontal.visible').count();
    expect('scrollbars', scrolls, 0);
  });
  await editor.picture(join(out, 'explain.png'));
  await editor.command('Pennyworth: Pause or Resume');
  await editor.status('resumed', (text) => !text.includes('paused'));
  await editor.focus();
  await editor.type('e');
  await check('resumed, it goes on', () => editor.ghost('resumed', (text) => text.startsWith(REST.slice(1))));

  await editor.command('Pennyworth: Pause or Resume for This Language');
  const forPython = (text) => text.includes('paused for python');
  await check('a language is paused', () => editor.status('python', forPython));
  await editor.step({ open: 'prices.js' });
  await check('where it is spoken', () => editor.status('javascript', (text) => !text.includes('paused')));
  await editor.step({ open: 'orders.py' });
  await dies(editor, program, state, forPython);
  await editor.command('Pennyworth: Pause or Resume for This Language');
  await editor.status('resumed', (text) => !text.includes('paused'));
}

/** The reports for the user. */
async function looks(editor) {
  const { page } = editor;
  await editor.command('Pennyworth: What You Got for the Money');
  await check('what was got for the money is a page', async () => {
    const isShown = (frame) => frame.getByText('last 7 days').first().isVisible().catch(() => false);
    const inner = () => page.frames().filter((frame) => frame !== page.mainFrame());
    await eventually('the page', async () => (await Promise.all(inner().map(isShown))).includes(true));
  });
  await editor.command('Pennyworth: Where the Money Goes');
  await check('where the money goes is a page with charts, which its policy lets run', async () => {
    const isDrawn = (frame) => frame.locator('#days canvas').isVisible().catch(() => false);
    await eventually('the page', async () => (await Promise.all(page.frames().map(isDrawn))).includes(true));
    await editor.picture(join(out, 'dashboard.png'));
  });
  await editor.command('Pennyworth: Check Configuration');
  await check('the check is a text', () => editor.text('Check', (text) => /\d\d languages/.test(text)));
  await editor.picture(join(out, 'looks.png'));
  await editor.command('Pennyworth: Open Configuration');
  await check('the configuration opens', () => page.locator('.tab.active', { hasText: 'config.toml' }).waitFor());
  await editor.command('Pennyworth: Copy Diagnostics');
  await editor.message('copied', (text) => text.includes('in the clipboard'));
  const facts = JSON.parse(await page.evaluate(() => navigator.clipboard.readText()));
  await check('the diagnostics know the server', () => expect('found', `${facts.found.origin} ${facts.server}`, 'bundled pennyworth 0.1.0'));
  await editor.messages();
  await page.locator('.statusbar-item[id^="pennyworth."]').hover();
  await check('resting on the status bar tells the figures', async () => {
    const hover = page.locator('.monaco-hover', { hasText: 'is ready' });
    await hover.waitFor();
    expect('the table is there', (await hover.innerText()).includes('last 7 days'), true);
    await editor.picture(join(out, 'hover.png'));
  });
  await page.locator('.statusbar-item[id^="pennyworth."]').click();
  await check('a click opens the menu', () => page.locator('.quick-input-list .monaco-list-row', { hasText: 'Pause' }).first().waitFor());
  await editor.picture(join(out, 'menu.png'));
  await editor.press('Escape');
}

/**
 * Kills servers unless one of them is parsing: its mark would tell the next server that this text had ended it. They are stopped meanwhile, so
 * that no parse begins between the look and the end.
 */
function killIdle(ids, state) {
  const folder = join(state, 'pennyworth/parses');
  const isParsing = (id) => readdirSync(folder).some((name) => name.startsWith(`${id}-`) && readFileSync(join(folder, name), 'utf8').trim() !== '');
  for (const id of ids) process.kill(id, 'SIGSTOP');
  if (ids.some(isParsing)) {
    for (const id of ids) process.kill(id, 'SIGCONT');
    return false;
  }
  killed.push(Date.now());
  for (const id of ids) process.kill(id, 'SIGKILL');
  return true;
}

/** A server that dies restarts, and the user is told once. */
async function dies(editor, program, state, remains) {
  const kill = async () => {
    const before = Host.processes(program);
    await eventually('nothing is parsed', () => killIdle(before, state));
    await eventually('another server runs', () => Host.processes(program).some((id) => !before.includes(id)));
  };
  await kill();
  await check('a server that was killed is started again, and that is told', () => editor.message('told', (text) => text.includes('started again')));
  await check('what was paused stays paused', () => editor.status('as before', remains));
  await kill();
  await editor.status('and again', remains);
  const told = (await editor.messages()).filter((text) => text.includes('started again'));
  await check('once', () => expect('messages', told.length, 1));
}

/** Trusts the workspace; from then on the server may ask the model of the configuration, if it has a key. */
async function trusted(editor, model) {
  const { page } = editor;
  expect('calls of a model from a workspace that is not trusted', model.calls, 0);
  await editor.command('Manage Workspace Trust');
  await page.locator('.workspace-trust-editor').getByRole('button', { name: 'Trust', exact: true }).click();
  await check('a workspace that is trusted is not restricted', () =>
    editor.status('trusted', (text) => text.includes('of $0.01') && !text.includes('restricted')),
  );
}

/** Sets a key, which reaches the model and no file. */
async function key(editor, model, picture) {
  const { page } = editor;
  await editor.command('Pennyworth: Set API Key');
  await page.locator('.quick-input-list .monaco-list-row', { hasText: 'OpenAI' }).click();
  await page.locator('.quick-input-widget input[type=password]').fill('sesame');
  await editor.press('Enter');
  await editor.status('restarted', (text) => text.includes('of $0.01'));
  await editor.command('View: Close Editors in Other Groups');
  await editor.command('View: Close Saved Editors in Group');
  await editor.step({ open: 'prices.js' });
  model.delayMs = 1_500;
  await editor.type('export const discounted = (price) => ');
  await check('it shows that a model is asked', () => page.locator('.statusbar-item[id^="pennyworth."] .codicon-loading').waitFor());
  model.delayMs = 0;
  await check('a model of the configuration answers', () => editor.ghostFor('the answer', ' ', (text) => text === ANSWER));
  await check('with the key that was set', () => expect('authorization', model.authorization, 'Bearer sesame'));
  await check('the status bar tells the cost and the model', () => editor.status('spent', (text) => /\$0\.00\d\d of \$0\.01 · qwen/.test(text)));
  await editor.picture(join(out, `${picture}.png`));
  await editor.press('Tab');
}

/** Types until the day's cap is reached; then no call is made. */
async function cap(editor, model, picture) {
  const isCapped = (text) => text.includes('cap reached');
  let text = '';
  // Each text is new, or the embedded model would have learned to answer it.
  for (const begun of ['let total = ', 'var tax = ', 'this.fee = ', 'exports.cost = ', 'window.sum = ']) {
    const before = model.calls;
    await editor.type(`\n${begun}`);
    await eventually(`${begun}: an answer, or the cap`, async () => {
      text = await editor.status('any', () => true);
      return isCapped(text) || (model.calls > before && (await editor.grey()) !== '');
    });
    if (isCapped(text)) break;
    await editor.step({ dismiss: true });
  }
  await check('the cap is said when it is reached', () => editor.status('capped', isCapped));
  await editor.picture(join(out, `${picture}.png`));
}

/** One call answers several lines, which are taken one after the other; a key asks for another suggestion. */
async function lines(editor, model) {
  const answer = ['{', '  const tax = price * RATE;', '  return price + tax;', '}'];
  configure(model, 1, 'input = 0.15, output = 0.6');
  await editor.command('Pennyworth: Restart Server');
  await check('a higher cap holds after a restart', () => editor.status('higher', (text) => text.includes('of $1.00')));
  const asks = async (pasted, text) => {
    await editor.page.keyboard.insertText(pasted);
    model.text = text;
    await editor.type(' ');
  };
  await asks('\nexport function taxed(price)', answer.join('\n'));
  await check('the first of several lines is shown', () => editor.ghostFor('the first line', ' ', (text) => text === answer[0]));
  const before = model.calls;
  for (const line of answer.slice(1)) {
    await editor.press('Tab');
    await check(`taken, the next one stands there: ${line.trim()}`, () => editor.ghost(line, (text) => text.trim() === line.trim()));
  }
  await check('without another call', () => expect('calls', model.calls, before));
  await editor.picture(join(out, 'lines.png'));
  model.text = '';
  await editor.press('Tab');
  await asks('\n\nexport const first =', 'one(price);');
  await check('a suggestion', () => editor.ghostFor('one', ' ', (text) => text === 'one(price);'));
  model.text = 'two(price, RATE);';
  for (const text of ['two(price, RATE);', 'one(price);', 'two(price, RATE);']) {
    await editor.press('Alt+]');
    await check(`a key shows another: ${text}`, () => editor.ghost(text, (grey) => grey === text));
  }
  await editor.picture(join(out, 'another.png'));
  await editor.press('Tab');
  await editor.step({ save: true });
  model.text = ANSWER;
  configure(model);
}

/** Two folders in one window: completions in each come from its own code. */
async function roots(editor) {
  await editor.step({ open: 'orders.py' });
  await check('the first of two roots is completed', () => editor.typeFor('the first root', '    with op', (text) => text.startsWith(REST)));
  await editor.step({ dismiss: true });
  await editor.step({ open: 'invoices.js' });
  await editor.type('async function addOffer(offer) {\n');
  // How much it says depends on the key at which the editor first asks.
  await check('and so is the second', () => editor.typeFor('the second root', '  const con', (text) => text.startsWith('nection')));
  await editor.picture(join(out, 'roots.png'));
}

/** A server that is missing, too old, or back again: the user is told of each. */
async function servers(editor, host) {
  const old = join(place, 'old-server');
  writeFileSync(old, '#!/bin/sh\necho pennyworth 0.0.9\n', { mode: 0o755 });
  const stopped = (text) => text.includes('no server');
  host.set({}, { 'pennyworth.server.path': join(place, 'nothing') });
  await check('a server that is not there is said', () => editor.message('missing', (text) => text.includes('is not the path of a program')));
  await editor.status('no server', stopped);
  await editor.page.locator('.notifications-toasts.visible').waitFor();
  await editor.picture(join(out, 'missing.png'));
  host.set({}, { 'pennyworth.server.path': old });
  await check('one that is too old too', () => editor.message('too old', (text) => text.includes('is version 0.0.9; this extension needs')));
  host.set({}, {});
  await check('without the setting the one inside runs again', () => editor.status('runs', (text) => text.includes('$0.0')));
  await editor.messages();
}

/** The oldest VS Code that the extension supports, or the nearest one available. */
async function oldest(browser, both, model) {
  // A ledger of its own, in which nothing is spent yet.
  const state = join(place, 'old-state');
  const host = await Host.start(old, join(place, 'old'), vsix, { XDG_STATE_HOME: state });
  model.calls = 0;
  const four = folder('four', { 'orders.py': ORDERS, 'prices.js': join(here, 'prices.js') });
  await session('old editor', host, browser, `folder=${four}`, async (editor) => {
    await takes(editor, join(four, 'orders.py'), 'old');
    await pauses(editor, join(place, 'old/ext', PROGRAM), state);
    await trusted(editor, model);
    await key(editor, model, 'old-spent');
    await cap(editor, model, 'old-capped');
  });
  await session('old editor, two roots', host, browser, `workspace=${both}`, roots);
  host.stop();
}

/** The session that every editor plays; `session/check.py` checks the result. */
async function shared(browser) {
  const script = join(here, '../session');
  const state = join(place, 'session-state');
  const env = { XDG_STATE_HOME: state, XDG_CONFIG_HOME: join(place, 'session-config'), PENNYWORTH_LOG: 'debug' };
  const host = await Host.start(lab, join(place, 'session'), vsix, env);
  const five = folder('five', { 'store.py': join(script, 'workspace/store.py') });
  const document = join(five, 'debts.py');
  writeFileSync(document, '');
  await session('session', host, browser, `folder=${five}`, async (editor) => {
    await editor.step({ open: 'debts.py' });
    for (const [number, step] of JSON.parse(readFileSync(join(script, 'session.json'), 'utf8')).entries()) {
      if (step.close) await editor.picture(join(out, 'session.png'));
      await editor.step(step).catch((error) => {
        throw new Error(`step ${number}, ${JSON.stringify(step)}: ${error.message}`);
      });
    }
    // A closed window keeps its server for hours, in case it comes back.
    killed.push(Date.now());
    for (const id of Host.processes(join(place, 'session/ext', PROGRAM))) process.kill(id, 'SIGTERM');
    await eventually('the server ends', () => Host.processes(join(place, 'session/ext', PROGRAM)).length === 0);
    await check('the session comes to what it must', () => {
      const args = [join(script, 'check.py'), 'vscode', join(state, 'pennyworth'), document];
      const { status, stdout, stderr } = spawnSync('python3', args, { encoding: 'utf8' });
      process.stdout.write(stdout);
      expect('check.py', `${status}${stderr}`, '0');
    });
  });
  host.stop();
}

/** Tasks on demand, in a repository of its own. */
async function demands(browser) {
  const [home, workspace] = [join(place, 'tasks'), join(place, 'shop')];
  const env = { XDG_STATE_HOME: join(home, 'state'), XDG_CONFIG_HOME: join(home, 'config') };
  const stop = await makeTasks(workspace, join(env.XDG_CONFIG_HOME, 'pennyworth/config.toml'));
  const host = await Host.start(lab, home, vsix, env);
  host.set({ 'security.workspace.trust.enabled': false });
  await session('tasks', host, browser, `folder=${workspace}`, async (editor) => {
    await editor.command('View: Close All Editors');
    await tasks(editor, workspace, { check, expect, picture: (name) => editor.picture(join(out, `task-${name}.png`)) });
  });
  host.stop();
  stop();
}

async function main() {
  mkdirSync(out, { recursive: true });
  Object.assign(process.env, { HOME: place, PATH: '/usr/bin:/bin' });
  for (const kind of ['CONFIG', 'STATE', 'DATA', 'CACHE']) process.env[`XDG_${kind}_HOME`] = join(place, 'xdg');
  for (const name of Object.keys(process.env).filter((name) => /^PENNYWORTH_|_API_KEY$/.test(name))) delete process.env[name];
  const model = await modelServer(ANSWER, 40);
  const host = await Host.start(lab, place, vsix);
  ok('the extension is installed');
  const browser = await Editor.browser(lab, place);
  const program = join(place, 'ext', PROGRAM);
  try {
    const one = folder('one', { 'orders.py': ORDERS, 'prices.js': join(here, 'prices.js') });
    configure(model);
    await session('one folder', host, browser, `folder=${one}`, async (editor) => {
      await first(editor);
      await takes(editor, join(one, 'orders.py'), 'ghost');
      await pauses(editor, program, process.env.XDG_STATE_HOME);
      await looks(editor);
      await trusted(editor, model);
      await key(editor, model, 'screenshot');
      await cap(editor, model, 'capped');
      await lines(editor, model);
    });
    const two = folder('two', { 'orders.py': ORDERS });
    const three = folder('three', { 'invoices.js': join(here, 'invoices.js') });
    const both = join(place, 'both.code-workspace');
    writeFileSync(both, JSON.stringify({ folders: [{ path: two }, { path: three }] }));
    await session('two roots', host, browser, `workspace=${both}`, async (editor) => {
      await roots(editor);
      await servers(editor, host);
    });
    await oldest(browser, both, model);
    await shared(browser);
    await demands(browser);
  } finally {
    await browser.close();
    host.stop();
    model.close();
  }
}

await main().catch((error) => {
  failures += 1;
  console.log(`FAILED: ${error.stack}`);
});
rmSync(place, { recursive: true, force: true });
console.log(failures ? `${failures} failed` : `all is well, ${((Date.now() - begun) / 1000).toFixed(0)} s`);
process.exit(failures ? 1 : 0);
