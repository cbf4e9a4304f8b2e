// What is checked in a real VS Code. One page load for each workspace, and in it as much as can be seen from there.
//
//   run.mjs LAB VSIX OUT     LAB: folder with code-server and playwright; OUT: where pictures go
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Editor, eventually, Host } from './editor.mjs';
import { modelServer } from './model.mjs';

const [lab, vsix, out] = process.argv.slice(2);
const here = import.meta.dirname;
const begun = Date.now();
const place = mkdtempSync(join(tmpdir(), 'pennyworth-vscode-'));
const ORDERS = join(here, '../neovim/orders.py');
/** What the model inside says surely behind `    with op` in that file. */
const REST = 'en(path) as handle:';

let failures = 0;
function ok(what) {
  console.log(`ok: ${what} (${((Date.now() - begun) / 1000).toFixed(1)} s)`);
}

/** A check is what must come about; it says so, or what it found instead. */
async function check(what, action) {
  await action();
  ok(what);
}

function expect(what, found, expected) {
  if (found !== expected) throw new Error(`${what}: found ${JSON.stringify(found)}, expected ${JSON.stringify(expected)}`);
}

/** A session in one workspace: what fails in it ends it, with a picture. */
async function session(name, host, browser, query, actions) {
  let editor;
  try {
    editor = await Editor.open(browser, host, query);
    await actions(editor);
    // That we killed the server is in there, and should be.
    const errors = () => host.errors().filter((line) => !line.endsWith('Server process exited with signal SIGKILL.'));
    await check(`${name}: no errors in the editor's logs`, () => expect('errors', errors().join('\n'), ''));
  } catch (error) {
    failures += 1;
    console.log(`FAILED: ${name}: ${error.message.split('\n')[0]}`);
    const page = editor?.page ?? browser.context.pages().at(-1);
    await page?.screenshot({ path: join(out, `failed-${name}.png`) }).catch(() => {});
  } finally {
    await editor?.page.close();
  }
}

/** A folder with files of ours. */
function folder(name, files) {
  mkdirSync(join(place, name), { recursive: true });
  for (const [to, from] of Object.entries(files)) copyFileSync(from, join(place, name, to));
  return join(place, name);
}

/** Completions of the model inside, in a workspace that is not trusted. */
async function first(editor, path) {
  const { page } = editor;
  const text = async () => (await editor.save(), readFileSync(path, 'utf8'));
  await check('the first start shows the walkthrough', () => page.getByText('Get Started with Pennyworth').first().waitFor());
  await editor.picture(join(out, 'walkthrough.png'));
  await check('its example completes without a key', async () => {
    await page.getByRole('button', { name: 'Open the Example' }).click();
    await editor.ghost('the example', (text) => text === `op${REST}`);
    await editor.picture(join(out, 'example.png'));
    await editor.step({ do: 'close' });
  });
  await check('a workspace that is not trusted is restricted', () => editor.status('restricted', (text) => text.includes('restricted')));

  // How much is shown at once is the server's affair; what is shown is what must be taken.
  const begins = (text) => text.startsWith(REST);
  const end = async (length) => (await text()).slice(-length);
  let shown;
  await editor.step({ do: 'open', file: 'orders.py' });
  await editor.type('    with op');
  await check('ghost text while typing', async () => (shown = await editor.ghost('typing', begins)));
  await editor.picture(join(out, 'ghost.png'));
  await editor.step({ do: 'accept' });
  await check('Tab takes all', async () => expect('the end', await end(shown.length), shown));
  await editor.step({ do: 'undo' });
  await check('one undo takes it back', async () => expect('the end', await end(11), '    with op'));
  await editor.step({ do: 'trigger' });
  await check('it comes when asked for', async () => (shown = await editor.ghost('asked', begins)));
  await editor.picture(join(out, 'asked.png'));
  await editor.step({ do: 'accept_word' });
  await check('a word is taken', () => editor.ghost('the rest', (text) => text === shown.slice(2)));
  await editor.step({ do: 'dismiss' });
  await check('Escape dismisses', () => editor.noGhost('dismissed'));
  await editor.step({ do: 'trigger' });
  await editor.ghost('the rest', (text) => text.startsWith(REST.slice(2)));
  await editor.step({ do: 'accept_line' });
  await check('a line is taken', async () => expect('the end', (await text()).split('\n')[19], `    with op${REST}`));
}

/** A server that dies comes back, and the user hears of it once. */
async function dies(editor, program) {
  const kill = async () => {
    const before = Host.processes(program);
    for (const id of before) process.kill(id, 'SIGKILL');
    await eventually('another server runs', () => Host.processes(program).some((id) => !before.includes(id)));
  };
  await kill();
  await check('a server that was killed is started again, and that is told', () => editor.message('told', (text) => text.includes('started again')));
  await editor.status('ready again', (text) => text.includes('$0.00'));
  await kill();
  await editor.status('and again', (text) => text.includes('$0.00'));
  const told = await editor.page.locator('.notifications-toasts .notification-list-item-message', { hasText: 'started again' }).count();
  await check('once', () => expect('messages', told, 1));
}

async function main() {
  mkdirSync(out, { recursive: true });
  Object.assign(process.env, { HOME: place, PATH: '/usr/bin:/bin' });
  for (const kind of ['CONFIG', 'STATE', 'DATA', 'CACHE']) process.env[`XDG_${kind}_HOME`] = join(place, 'xdg');
  for (const name of Object.keys(process.env).filter((name) => /^PENNYWORTH_|_API_KEY$/.test(name))) delete process.env[name];
  const model = await modelServer('price * 0.9', 40);
  const entry = join(lab, 'node_modules/code-server/out/node/entry.js');
  const host = await Host.start({ node: process.execPath, entry, place, vsix });
  ok('the extension is installed');
  const browser = await Editor.browser(lab, place);
  const program = join(place, 'ext/pennyworth.pennyworth-0.1.0/server', `${process.platform}-${process.arch}`, 'pennyworth');
  try {
    const one = folder('one', { 'orders.py': ORDERS });
    await session('one folder', host, browser, `folder=${one}`, async (editor) => {
      await first(editor, join(one, 'orders.py'));
      await dies(editor, program);
    });
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
