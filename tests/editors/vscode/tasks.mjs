// The tasks on demand in a real VS Code, with a model whose answers are known: each edit has a preview, which is applied, discarded or refused; a
// review's findings are problems that can be mended; a commit message goes into its box.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { eventually } from './editor.mjs';

const TASKS = join(import.meta.dirname, '../tasks');

/** Makes the workspace, and starts the model; `stop` ends it. */
export async function makeTasks(workspace, config) {
  const model = spawn('python3', [join(TASKS, '../model.py'), join(TASKS, 'answers.json')], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [address] = await once(createInterface({ input: model.stdout }), 'line');
  execFileSync(join(TASKS, 'make'), [workspace, config, address], { stdio: 'inherit' });
  return () => model.kill();
}

export async function tasks(editor, workspace, { check, expect, picture }) {
  const { page } = editor;
  const read = (name) => readFileSync(join(workspace, name), 'utf8');
  const saved = async (name) => (await editor.save(), read(name));
  const button = (name) => page.locator(`.editor-group-container.active .editor-actions a[aria-label^="${name}"]`).first();
  const previewed = async (what) => {
    await page.locator('.tab.active', { hasText: what }).waitFor();
    await button('Apply').waitFor();
    await page.locator('.monaco-diff-editor .line-insert, .monaco-diff-editor .view-line').first().waitFor();
  };
  /** Waits until the preview has made way for the text. */
  const back = async (what) => {
    await page.locator('.tab', { hasText: what }).waitFor({ state: 'detached' });
    await editor.focus();
  };
  const at = async (line) => {
    await editor.press('Control+g');
    await page.locator('.quick-input-widget input[type=text]').fill(`:${line}`);
    await editor.press('Enter');
  };
  const edit = async (instruction) => {
    await editor.command('Pennyworth: Edit…');
    await page.locator('.quick-input-widget input[type=text]').fill(instruction);
    await editor.press('Enter');
  };

  /** The entry of the menu of quick fixes, which opens only once the editor has asked for them. */
  const quickFix = async (title) => {
    const entry = page.locator('.action-widget').getByText(title).first();
    await eventually(title, async () => {
      await editor.focus();
      await editor.press('Control+.');
      return entry.waitFor({ timeout: 4_000 }).then(() => true, () => false);
    });
    return entry;
  };

  await editor.file('basket.ts');
  const before = read('basket.ts');
  await at(5);
  await editor.command('Pennyworth: Document');
  await check('an edit is shown before it is applied', () => previewed('basket.ts, documented'));
  await page.locator('.diff-editor, .monaco-diff-editor').getByText('The sum of all prices').first().waitFor();
  await picture('documented');
  await button('Apply').click();
  await check('a button applies it', async () => {
    await back('basket.ts, documented');
    expect('the text', (await saved('basket.ts')).includes('/** The sum of all prices, each by its count. */\nexport function total'), true);
  });
  // The editor reports a problem again only a moment after the text changed; until then, an extension sees it where it was.
  const reported = (line) => page.locator('.markers-panel .monaco-list-row', { hasText: `[Ln ${line},` }).first().waitFor();
  await editor.command('Problems: Focus on Problems View');
  await reported(11);
  await editor.focus();
  await editor.press('Control+z');
  await check('one undo takes it back', async () => expect('the text', await saved('basket.ts'), before));

  await reported(10);
  await editor.command('View: Hide Panel');
  await editor.focus();
  await at(10);
  await editor.command('Pennyworth: Fix');
  await previewed('basket.ts, fixed');
  await editor.press('Control+Enter');
  await check('a problem is mended, and a key applies it', async () => {
    await back('basket.ts, fixed');
    expect('the text', await saved('basket.ts'), before.replace('RAT)', 'RATE)'));
  });
  const mended = read('basket.ts');

  await at(15);
  await edit('return 0 for an empty basket');
  await previewed('basket.ts, edited');
  await button('Discard').click();
  await check('what is discarded changes nothing', async () => {
    await back('basket.ts, edited');
    expect('the text', await saved('basket.ts'), mended);
  });
  // The progress of the task before goes away a moment after its preview has come.
  const progress = page.locator('.notification-list-item', { hasText: 'Pennyworth: edit' });
  const isGone = () => eventually('no task runs', async () => (await progress.count()) === 0);
  await isGone();
  await edit('take your time');
  await progress.getByRole('button', { name: 'Cancel' }).click();
  await check('a task is cancelled', isGone);
  await edit('return 0 for an empty basket');
  await previewed('basket.ts, edited');
  appendFileSync(join(workspace, 'basket.ts'), '// more\n');
  await page.locator('.monaco-diff-editor').getByText('// more').first().waitFor();
  await button('Apply').click();
  await check('an edit of a text that has changed is shown, not applied', async () => {
    await editor.message('changed', (text) => text.includes('not applied'));
    await page.locator('.tab[data-resource-name="Edited basket.ts"]').waitFor();
    expect('the text', read('basket.ts'), `${mended}// more\n`);
  });
  await picture('refused');
  await editor.messages();
  await editor.command('View: Close Editors in Other Groups');

  await editor.file('basket.ts');
  await at(5);
  await editor.command('Pennyworth: Write Tests');
  await previewed('with tests');
  await picture('tests');
  await button('Apply').click();
  await check('tests go into a new file', async () => {
    await back('with tests');
    await page.locator('.tab.active[data-resource-name="basket.test.ts"]').waitFor();
    expect('the text', (await saved('basket.test.ts')).startsWith("import { total } from './basket';"), true);
  });

  await editor.file('basket.ts');
  await at(15);
  await editor.command('Pennyworth: Explain Code');
  await check('an explanation is a page beside the code', async () => {
    const inner = () => page.frames().filter((frame) => frame !== page.mainFrame());
    const isShown = (frame) => frame.getByText('divides the total').first().isVisible().catch(() => false);
    await eventually('the page', async () => (await Promise.all(inner().map(isShown))).includes(true));
    expect('groups', await page.locator('.editor-group-container').count(), 2);
  });
  await picture('explained');
  await editor.command('View: Close Editors in Other Groups');

  await editor.command('Pennyworth: Queued Jobs');
  await check('nothing is queued', () => editor.message('none', (text) => text.includes('no jobs are queued')));
  await editor.command('Pennyworth: Review Changes by Tomorrow');
  await check('a review is queued', () => editor.message('queued', (text) => text.includes('queued: 1 job, at most $')));
  await editor.messages();
  await editor.command('Pennyworth: Restart Server');
  await editor.command('Pennyworth: Queued Jobs');
  const job = page.locator('.sidebar .monaco-list-row', { hasText: 'review' }).first();
  await check('its answer comes back after a restart', () => eventually('the view', async () => (await job.innerText().catch(() => '')).includes('done')));
  await page.locator('.statusbar-item', { hasText: '1 ready' }).first().waitFor();
  await job.hover();
  await picture('queued');
  await job.locator('a[aria-label^="Show or Apply"]').click();
  await check('its findings are shown', () => editor.message('found', (text) => text.includes('the review found 2 things')));
  await editor.messages();
  await job.hover();
  await job.locator('a[aria-label^="Discard"]').click();
  await check('and it is thrown away', () => eventually('the view', async () => !(await job.innerText().catch(() => '')).includes('done')));

  await editor.command('Source Control: Focus on Changes View');
  const title = (name) => page.locator(`.sidebar a.action-label[aria-label*="${name}"]`).first();
  await picture('changes');
  await title('Write Commit Message').click();
  await check('a commit message goes into its box', () =>
    eventually('the box', async () => (await page.locator('.scm-editor').innerText()).replace(/\u00a0/g, ' ').includes('notes: shipping is free')));
  await title('Review Changes').click();
  await check('a review tells what it found', () => editor.message('found', (text) => text.includes('the review found 2 things')));
  await editor.messages();
  await editor.command('Problems: Focus on Problems View');
  const problem = page.locator('.markers-panel .monaco-list-row', { hasText: 'Shipping is free below the limit' });
  await check('its findings are problems', () => problem.first().waitFor());
  await problem.first().dblclick();
  await page.locator('.tab.active[data-resource-name="ship.ts"]').waitFor();
  const apply = await quickFix('Pennyworth: apply: Shipping is free below the limit');
  await picture('review');
  await apply.click();
  await check('one of them is applied, and then gone', async () => {
    await problem.first().waitFor({ state: 'detached' });
    expect('the text', (await saved('ship.ts')).includes('return total > 50 ? 0 : 4.9;'), true);
  });
  await at(6);
  await (await quickFix('Pennyworth: dismiss: A name of one word fails')).click();
  await check('the other is dismissed', () => page.locator('.markers-panel .monaco-list-row', { hasText: 'A name of one word' }).first().waitFor({ state: 'detached' }));
}
