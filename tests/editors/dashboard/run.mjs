// The checks of the page in a real Chromium, over a ledger that dashboard-eval makes.
//
//   run.mjs LAB SERVER EVAL      LAB: playwright, and a place for pictures; SERVER: the program; EVAL: what makes ledgers
//   run.mjs LAB --time PAGE      prints how long a page takes to draw
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

const [lab, server, maker] = process.argv.slice(2);
const { chromium } = createRequire(join(lab, 'package.json'))('playwright-core');
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ['--no-sandbox'] });
const place = mkdtempSync(join(tmpdir(), 'pennyworth-dashboard-'));
const HOSTILE = { model: '<img src=x onerror=alert(1)>', language: '</script><script>alert(2)</script>' };
const SECTIONS = ['outlook', 'days', 'tasks', 'saved', 'silences', 'models', 'dearest', 'providers', 'advice'];

let failures = 0;
async function check(what, action) {
  try {
    await action();
    console.log(`ok: ${what}`);
  } catch (error) {
    failures += 1;
    console.log(`FAILED: ${what}: ${error.message.split('\n')[0]}`);
  }
}

function expect(what, found, expected) {
  const [is, should] = [found, expected].map((value) => JSON.stringify(value));
  if (is !== should) throw new Error(`${what}: found ${is}, expected ${should}`);
}

/** Opens a page and waits until it is drawn. `said` has whatever the browser has to tell: errors, what the policy stopped, dialogs, requests. */
async function open(path, { width = 1280, height = 900, scheme = 'light', hash = '' } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme });
  const page = await context.newPage();
  page.said = [];
  page.on('console', (message) => page.said.push(message.text()));
  page.on('pageerror', (error) => page.said.push(String(error)));
  page.on('dialog', (dialog) => (page.said.push(`dialog: ${dialog.message()}`), dialog.dismiss()));
  page.on('request', (request) => request.url().startsWith('file:') || page.said.push(`request: ${request.url()}`));
  await page.goto(`file://${path}${hash}`);
  await page.waitForFunction(() => document.documentElement.dataset.drawn);
  return page;
}

/** A home with a ledger, in which the program runs. */
function home(name, ...options) {
  const folder = join(place, name);
  execFileSync('mkdir', ['-p', folder]);
  if (options.length) execFileSync(maker, [...options, '--home', folder]);
  const env = { HOME: folder, PATH: process.env.PATH, TZ: process.env.TZ ?? 'UTC' };
  const config = options.length ? ['--config', join(folder, 'config.toml')] : [];
  const run = (...args) => execFileSync(server, [...config, ...args], { env, encoding: 'utf8', maxBuffer: 1 << 26, stdio: ['ignore', 'pipe', 'ignore'] });
  const start = (...args) => spawn(server, [...config, ...args], { env, stdio: ['ignore', 'pipe', 'ignore'] });
  return { folder, run, start, page: join(folder, 'page.html'), ledger: join(folder, '.local/state/pennyworth/ledger.sqlite') };
}

/** The cells of a row of a section's first table, by its first cell. */
const row = (page, section, name) => page.locator(`#${section} table`).first().locator('tr').evaluateAll((rows, name) => {
  const found = rows.map((one) => [...one.children].map((cell) => cell.textContent)).find(([first]) => first === name);
  return found ?? null;
}, name);
const whole = (text) => Number(text.replaceAll(',', '').replace('–', '0'));

if (server === '--time') {
  for (let time = 0; time < 5; time += 1) {
    const page = await open(maker);
    console.log(`drawn ${await page.evaluate(() => document.documentElement.dataset.drawn)} ms after it was opened`);
    await page.context().close();
  }
  await browser.close();
  process.exit(0);
}

const busy = home('busy', '--calls', '6000', '--days', '60', '--hostile');
busy.run('dashboard', '--output', busy.page);
const stats = (...by) => JSON.parse(busy.run('stats', '--json', ...by));

const page = await open(busy.page);
await check('nothing is asked for, nothing is stopped, and no name is run', async () => {
  expect('said', page.said, []);
  expect('images', await page.locator('img').count(), 0);
  for (const [by, name] of Object.entries(HOSTILE)) {
    await page.locator('#days .choices button', { hasText: by }).click();
    expect(name, await page.locator('#days .legend button', { hasText: name }).count(), 1);
  }
  await page.locator('#days .choices button', { hasText: 'model' }).click();
  expect('what was run', await page.locator('img').count() + page.said.length, 0);
});
await check('all sections are there, in their order', async () => {
  expect('sections', await page.locator('main > section').evaluateAll((all) => all.map(({ id }) => id)), SECTIONS);
});
await check('the figures are those of `pennyworth stats`', async () => {
  const { total, silences } = stats();
  const all = await row(page, 'tasks', 'all');
  expect('calls and suggestions', all.slice(1, 3).map(whole), [total.calls, total.shown]);
  if (!(await page.locator('#silences p').first().textContent()).includes('requests of')) throw new Error('no requests');
  expect('reasons', await page.locator('#silences tbody tr').count(), silences.reasons.length);
});
await check('what was saved is counted from the rows', async () => {
  const ledger = new DatabaseSync(busy.ledger, { readOnly: true });
  const since = "date('now', 'localtime', '-29 days')";
  const count = (table, where) => ledger.prepare(`SELECT count(*) AS found FROM ${table} WHERE date(at_ms / 1000, 'unixepoch', 'localtime') >= ${since} AND ${where}`).get().found;
  const asked = (words) => ledger.prepare(`SELECT sum(count) AS found FROM replies WHERE day >= ${since} AND reply IN (${words.map((word) => `'${word}'`)})`).get().found;
  const [reached, overtaken] = [asked(['model', 'unsure', 'none_sure', 'empty']), asked(['superseded'])];
  const gated = (asked(['mid_word', 'finished', 'deletion', 'too_little', 'earlier']) * reached) / (reached + overtaken);
  for (const [name, expected] of [
    ['Answered from the cache', count('suggestions', "source = 'cache'")],
    ['Read on', count('suggestions', "source = 'lines'")],
    ['Answered by the model inside', count('suggestions', "model = 'embedded'")],
    ['Ended early', count('calls', "status IN ('cut', 'aborted') AND output < max_tokens")],
    ['Gated', Math.round(gated)],
  ]) expect(name, whole((await row(page, 'saved', name))[1]), expected);
  ledger.close();
});
await check('each chart is drawn, says what it shows, and has a table behind it', async () => {
  const charts = await page.locator('.chart').evaluateAll((all) => all.map((chart) => {
    const canvas = chart.querySelector('canvas'), bytes = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
    const colours = new Set();
    for (let at = 0; at < bytes.length; at += 4) if (bytes[at + 3] === 255) colours.add(`${bytes[at]},${bytes[at + 1]},${bytes[at + 2]}`);
    return { colours: colours.size > 4, label: !!chart.getAttribute('aria-label'), table: chart.nextElementSibling?.nextElementSibling?.tagName };
  }));
  expect('charts', charts, Array(3).fill({ colours: true, label: true, table: 'DETAILS' }));
  await page.locator('#days summary').click();
  await page.locator('#days details table').waitFor();
  expect('captions', await page.locator('table:not(:has(caption))').count(), 0);
});
await check('a name filters everything below, by the mouse and by the keyboard', async () => {
  await page.locator('#days .legend button', { hasText: 'codestral' }).click();
  const of = (await stats('--by', 'model')).rows.find(({ model }) => model === 'codestral');
  const all = await row(page, 'tasks', 'all');
  expect('of codestral', all.slice(1, 3).map(whole), [of.calls, of.shown]);
  expect('models', await page.locator('#models table').first().locator('tbody tr').count(), 1);
  expect('the filter', await page.locator('#filter').textContent(), 'Onlymodel: codestral ×');
  await page.locator('#tasks button', { hasText: 'block' }).focus();
  await page.keyboard.press('Enter');
  expect('the filter', await page.locator('#filter').textContent(), 'Onlymodel: codestral ×task: block ×');
  expect('tasks', await page.locator('#tasks tbody tr').count(), 1);
  expect('the focus stays', await page.evaluate(() => document.activeElement.textContent), 'block');
  await page.reload();
  await page.waitForFunction(() => document.documentElement.dataset.drawn);
  expect('after loading anew', await page.locator('#filter button').count(), 2);
  for (const _ of [1, 2]) await page.locator('#filter button').first().click();
  expect('given up', await page.locator('#filter').textContent(), '');
});
await check('a bar says what it is and filters its day', async () => {
  const over = page.locator('#days .u-over'), { width, height } = await over.boundingBox();
  await over.hover({ position: { x: width / 2, y: height / 2 } });
  const tip = await page.locator('#days .tip').innerText();
  const day = tip.match(/^\d{4}-\d\d-\d\d/)?.[0];
  if (!day || !tip.includes('$')) throw new Error(`the tip says ${tip}`);
  await over.click({ position: { x: width / 2, y: height / 2 } });
  expect('the filter', await page.locator('#filter').textContent(), `Onlyday: ${day} ×`);
  const ofDay = (await stats('--by', 'day')).rows.find((one) => one.day === day);
  expect('of the day', whole((await row(page, 'tasks', 'all'))[1]), ofDay.calls);
  await page.locator('#filter button').click();
});
await check('other measures, groups and spans', async () => {
  for (const name of ['calls', 'language', '7 days']) {
    await page.locator('#days .choices button', { hasText: name }).first().click();
    expect(name, await page.locator('#days .choices button[aria-pressed=true]', { hasText: name }).count(), 1);
  }
  const week = JSON.parse(busy.run('stats', '--json', '--days', '7'));
  expect('a week', whole((await row(page, 'tasks', 'all'))[1]), week.total.calls);
  expect('said', page.said, []);
});
await check('advice is that of `pennyworth advise`', async () => {
  const { advice } = JSON.parse(busy.run('advise', '--json'));
  expect('advice', await page.locator('#advice .advice > p:first-child').allTextContents(), advice.map(({ text }) => `${text}.`));
});
await page.context().close();

await check('both themes, wide and narrow', async () => {
  const backs = new Set();
  for (const [name, width] of [['wide', 1280], ['narrow', 390]]) {
    for (const scheme of ['light', 'dark']) {
      const shown = await open(busy.page, { width, scheme });
      backs.add(await shown.evaluate(() => getComputedStyle(document.body).backgroundColor));
      expect(`${name} ${scheme} scrolls sideways`, await shown.evaluate(() => document.documentElement.scrollWidth > innerWidth), false);
      await shown.screenshot({ path: join(lab, `${name}-${scheme}.png`), fullPage: true });
      await shown.context().close();
    }
  }
  expect('backgrounds', backs.size, 2);
});

await check('a new theme and a new width draw the charts anew', async () => {
  const shown = await open(busy.page);
  const picture = () => shown.locator('#days canvas').evaluate((canvas) => canvas.toDataURL());
  const [light, wide] = [await picture(), await shown.locator('#days canvas').boundingBox()];
  await shown.emulateMedia({ colorScheme: 'dark' });
  await shown.waitForFunction((before) => document.querySelector('#days canvas').toDataURL() !== before, light);
  await shown.setViewportSize({ width: 600, height: 900 });
  await shown.waitForFunction((before) => document.querySelector('#days canvas').clientWidth < before - 100, wide.width);
  await shown.context().close();
});

await check('a trial and a provider’s own bill have sections', async () => {
  const share = { value: 0.5, low: 0.4, high: 0.6 };
  const all = { holes: 40, shown: 30, right: share, first_line: share, saved: share, similarity: share, wait_p50_ms: 12, wait_p95_ms: null, input: 1, output: 1, cost_usd: 0.01, usd_per_1000: share };
  const trial = { trial: 1796093752828, seed: 1, holes: '40 holes', candidates: [{ name: HOSTILE.model, all, tasks: { line: all }, unjudged: {} }],
    differences: [{ one: 'a', other: 'b', task: null, saved: share, is_more_than_chance: true }] };
  const against = { provider: 'proxy:4000', spans: [{ span: '2026-11-29', ledger_usd: 0.02, provider_usd: 0.01, difference_percent: 100, ledger_calls: 4, provider_calls: null, why: ['a call is open'] }] };
  const put = (text, name, value) => text.replace(`"${name}":null`, `"${name}":${JSON.stringify(value).replaceAll('<', '\\u003c')}`);
  const path = join(place, 'measured.html');
  writeFileSync(path, put(put(readFileSync(busy.page, 'utf8'), 'trial', trial), 'against', against));
  const shown = await open(path);
  expect('said', shown.said, []);
  expect('difference', (await row(shown, 'against', '2026-11-29'))[3], '+100.0 %');
  expect('right', (await row(shown, 'trial', HOSTILE.model))[2], '50 % (40 % to 60 %)');
  await shown.context().close();
});

await check('an empty ledger says what to do', async () => {
  const empty = home('empty');
  empty.run('dashboard', '--output', empty.page);
  const shown = await open(empty.page);
  const said = await shown.locator('main').innerText();
  if (!said.includes('Nothing was asked or suggested yet') || !said.includes('pennyworth check')) throw new Error(said);
  expect('said', shown.said, []);
  await shown.context().close();
});

await check('a page that is watched shows what comes', async () => {
  const watcher = busy.start('dashboard', '--watch', '--output', busy.page);
  try {
    await new Promise((resolve) => watcher.stdout.once('data', resolve));
    const shown = await open(busy.page, { hash: '#model=codestral' });
    const calls = async () => whole((await row(shown, 'tasks', 'all'))[1]);
    const before = await calls();
    const ledger = new DatabaseSync(busy.ledger);
    const last = ledger.prepare('SELECT * FROM calls WHERE model = ? ORDER BY id DESC LIMIT 1');
    last.setReadBigInts(true);
    const now = BigInt(Date.now());
    const call = { ...last.get('codestral'), id: now << 22n, at_ms: now, counts_ms: now };
    const columns = Object.keys(call);
    ledger.prepare(`INSERT INTO calls (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`).run(...Object.values(call));
    ledger.close();
    await shown.waitForFunction((before) => {
      const foot = document.querySelector('#tasks tfoot td');
      return foot && Number(foot.textContent.replaceAll(',', '')) === before + 1;
    }, before, { timeout: 60_000 });
    expect('the filter', await shown.locator('#filter button').count(), 1);
    await shown.context().close();
  } finally {
    watcher.kill();
  }
});

await browser.close();
rmSync(place, { recursive: true, force: true });
console.log(failures ? `${failures} failed` : 'all checks passed');
process.exit(failures ? 1 : 0);
