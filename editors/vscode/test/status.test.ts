// The text of the status bar.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { details, face, usd, type Scene, type Status } from '../src/status.ts';

const READY: Status = {
  state: 'ready',
  spent_today_usd: 0,
  spent_this_month_usd: 0,
  cap_usd_per_day: 0.5,
  cap_usd_per_month: 10,
  models: [],
  files: 12,
};
const QWEN = { ...READY, models: ['qwen'], model: 'qwen', spent_today_usd: 0.0312, spent_this_month_usd: 1.5 };

function scene(status: Partial<Status> | undefined, rest: Partial<Scene> = {}): Scene {
  return { phase: 'running', status: status && { ...READY, ...status }, restricted: false, ...rest };
}

function check(scene: Scene, expected: string, warning = false) {
  assert.deepEqual(face(scene), { text: expected, warning });
}

test('the text for each state', () => {
  check(scene(undefined), '$(loading~spin) Pennyworth');
  check(scene({}, { phase: 'starting' }), '$(loading~spin) Pennyworth');
  check(scene({}, { phase: 'stopped' }), '$(error) Pennyworth: no server', true);
  check(scene({}), '$(sparkle) Pennyworth $0.00');
  check(scene({ model: 'embedded' }), '$(sparkle) Pennyworth $0.00 · embedded');
  check(scene(QWEN), '$(sparkle) Pennyworth $0.031 of $0.50 · qwen');
  check(scene({ ...QWEN, asking: true }), '$(loading~spin) Pennyworth $0.031 of $0.50 · qwen');
  check(scene({ ...QWEN, state: 'indexing' }), '$(sync~spin) Pennyworth $0.031 of $0.50 · reading');
  check(scene({ ...QWEN, state: 'capped' }), '$(warning) Pennyworth $0.031 of $0.50 · cap reached', true);
  check(scene({ ...QWEN, trouble: 'no key' }), '$(warning) Pennyworth $0.031 of $0.50 · trouble', true);
  const down = { model: 'qwen', what: 'it cannot be reached', remedy: 'start it', since: 1_700_000_000, again: 0 };
  const failing = { ...QWEN, trouble: 'model.qwen: it cannot be reached', troubles: [down] };
  check(scene(failing), '$(warning) Pennyworth $0.031 of $0.50 · qwen fails', true);
  const hover = details(scene(failing), undefined);
  assert.match(hover, /qwen: it cannot be reached; start it .*since .*tried again at the next request/);
  const fault = { file: 'config.toml', line: 3, key: 'cap', message: 'unknown key', holds: 'nothing costs money' };
  check(scene({ ...QWEN, faults: [fault] }), '$(warning) Pennyworth $0.031 of $0.50 · settings have a fault', true);
  const told = details(scene({ ...QWEN, faults: [fault] }), undefined);
  assert.ok(told.includes('config.toml:3: cap: unknown key (nothing costs money)'), told);
  check(scene({ ...QWEN, state: 'paused' }), '$(debug-pause) Pennyworth paused · $0.031 of $0.50');
  check(scene({ state: 'off' }), '$(circle-slash) Pennyworth off');
  check(scene({}, { restricted: true }), '$(shield) Pennyworth restricted · $0.00');
});

test('a paused language shows only where it is spoken', () => {
  const status = { ...READY, paused_languages: ['rust'] };
  check(scene(status, { language: 'rust' }), '$(debug-pause) Pennyworth paused for rust · $0.00');
  check(scene(status, { language: 'python' }), '$(sparkle) Pennyworth $0.00');
  check(scene(status), '$(sparkle) Pennyworth $0.00');
});

test('money has the digits it needs', () => {
  const cases: [number, string][] = [[0, '$0.00'], [4e-10, '<$0.000000001'], [1e-9, '$0.000000001'], [0.00001, '$0.000010'], [0.001, '$0.0010'], [0.002303333, '$0.0023'], [0.01, '$0.010'], [0.12, '$0.12'], [12.345, '$12.35']];
  for (const [amount, text] of cases) assert.equal(usd(amount), text);
  check(scene({ ...QWEN, cap_usd_per_day: 0.001 }), '$(sparkle) Pennyworth $0.031 of $0.001 · qwen');
  check(scene({ ...QWEN, spent_today_usd: null }), '$(sparkle) Pennyworth cost unknown · qwen');
});

test('the hover tells state, costs, models and the table of the server', () => {
  const check = (stats: string | undefined, parts: string[]) => {
    const text = details(scene(QWEN), stats);
    for (const part of ['is ready', 'embedded, qwen', '12 files', ...parts]) assert.ok(text.includes(part), `${part} in ${text}`);
  };
  check(undefined, ['In 24 hours $0.031 of $0.50, this month $1.50 of $10.00']);
  const queued = details(scene({ ...QWEN, jobs: { waiting: 2, ready: 1 } }), undefined);
  assert.ok(queued.includes('Queued tasks: 2 waiting, 1 ready ([show](command:pennyworth.showJobs)).'), queued);
  check('| task | cost |\n|---|---|\n| line | $0.03 |\n', ['| line | $0.03 |']);
  assert.match(details(scene({}, { restricted: true }), undefined), /not trusted/);
  assert.match(details(scene({}, { phase: 'stopped', fault: 'no server' }), undefined), /is not running.*no server/s);
});

test('what a server says has no meaning in Markdown', () => {
  const text = details(scene({ trouble: 'see [this](command:x) $(x)' }), undefined);
  assert.ok(text.includes('see \\[this\\]\\(command:x\\) \\$\\(x\\)'), text);
});
