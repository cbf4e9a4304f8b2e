// The settings sent to the server, and that the generated files follow their schema.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { files, languagesById, settings, withSettings } from '../scripts/generate.ts';
import { Crashes } from '../src/crashes.ts';
import { given, keys } from '../src/settings.ts';
import { SERVICES } from '../src/variables.ts';

const ROOT = join(import.meta.dirname, '../../..');

test('the server is told what the user set, and no default', () => {
  const names = keys(['pennyworth.server.path', 'pennyworth.trace.server', 'pennyworth.enabled', 'pennyworth.log.file', 'pennyworth.log.level', 'pennyworth.tasks']);
  assert.deepEqual(names, ['enabled', 'log.file', 'log.level', 'tasks']);
  const set: Record<string, unknown> = { 'log.file': false, 'log.level': 'debug', tasks: { line: { enabled: 'off' } } };
  const inspect = (key: string) => ({ defaultValue: 1, workspaceValue: 2, globalValue: set[key] });
  assert.deepEqual(given(names, inspect), { log: { file: false, level: 'debug' }, tasks: { line: { enabled: 'off' } } });
  assert.deepEqual(given(names, () => undefined), {});
});

test('settings have names as VS Code writes them, and also go by the server\'s', () => {
  const names = keys(['pennyworth.capUsdPerDay', 'pennyworth.documents.maxBytes', 'pennyworth.localOnly']);
  assert.deepEqual(names, ['cap_usd_per_day', 'documents.max_bytes', 'local_only']);
  const set: Record<string, unknown> = { capUsdPerDay: 0.2, cap_usd_per_day: 0.3, 'documents.maxBytes': 5, local_only: true };
  const inspect = (key: string) => ({ globalValue: set[key] });
  assert.deepEqual(given(names, inspect), { cap_usd_per_day: 0.2, documents: { max_bytes: 5 }, local_only: true });
  const schema = { $defs: {}, properties: { a_b: { type: 'number', description: 'Like `c_d`, `a_b` and `e`.' }, c_d: { type: 'number' } } };
  assert.deepEqual(settings(schema), {
    'pennyworth.aB': { type: 'number', markdownDescription: 'Like `#pennyworth.cD#`, `a_b` and `e`. In `config.toml`: `a_b`.', scope: 'application', order: 10 },
    'pennyworth.cD': { type: 'number', markdownDescription: 'In `config.toml`: `c_d`.', scope: 'application', order: 10 },
  });
});

test('generated files are in step with what they are generated from', () => {
  for (const { path, is, should } of files()) assert.equal(is, should, `${path} is out of step; \`npm run generate\` rewrites it`);
});

test('the settings follow a schema', () => {
  const schema = {
    $defs: { Level: { enum: ['off', 'on'], type: 'string', description: 'A level.' }, Log: { type: 'object', properties: { level: { $ref: '#/$defs/Level', default: 'on', description: 'How much.' } } } },
    properties: {
      log: { $ref: '#/$defs/Log', default: {}, description: 'The log.' },
      pace: { oneOf: [{ const: 'slow', description: 'In time.' }], default: 'slow', description: 'How fast,\nif at all.' },
      model: { type: 'object', 'x-elsewhere': 'own' },
      cap: { type: 'number', description: 'The cap.', 'x-elsewhere': 'lower' },
      tasks: { type: 'object', properties: { line: { type: 'object', properties: { on: { type: 'boolean' }, pin: { type: 'string', 'x-elsewhere': 'own' } } } } },
    },
  };
  assert.deepEqual(settings(schema), {
    'pennyworth.log.level': { enum: ['off', 'on'], type: 'string', default: 'on', markdownDescription: 'The log. How much.', scope: 'application', order: 10 },
    'pennyworth.cap': { type: 'number', markdownDescription: 'The cap. It can be lowered here, not raised.', scope: 'application', order: 10 },
    'pennyworth.tasks': {
      type: 'object',
      propertyNames: { enum: ['line'] },
      additionalProperties: { type: 'object', properties: { on: { type: 'boolean' } } },
      scope: 'application',
      order: 10,
    },
    'pennyworth.pace': {
      default: 'slow',
      markdownDescription: 'How fast, if at all.',
      type: 'string',
      enum: ['slow'],
      markdownEnumDescriptions: ['In time.'],
      scope: 'application',
      order: 10,
    },
  });
  const manifest = '{ "a": "}", "contributes": { "configuration": { "properties": { "pennyworth.server.path": {}, "pennyworth.old": {} } } } }';
  const written = JSON.parse(withSettings(manifest, { $defs: {}, properties: {} }));
  assert.deepEqual(written, { a: '}', contributes: { configuration: { properties: { 'pennyworth.server.path': {} } } } });
});

test('languages are known by the ids that VS Code gives them', () => {
  const byId = languagesById();
  const expected = { typescriptreact: 'tsx', shellscript: 'bash', rust: 'rust', cpp: 'cpp', csharp: 'csharp' };
  for (const [id, name] of Object.entries(expected)) assert.equal(byId[id], name);
});

test('every variable in which a shipped service looks for its key can be set', () => {
  const table = readFileSync(join(ROOT, 'server/core/tables/models.toml'), 'utf8');
  const named = [...table.matchAll(/^api_key_env = "(.*)"$/gm)].map(([, name]) => name!);
  assert.ok(named.length > 10, `only ${named.length} found`);
  assert.deepEqual(Object.values(SERVICES).sort(), named.sort());
});

test('a crash is told once, and five in three minutes are enough', () => {
  const crashes = new Crashes();
  const verdicts = [0, 1, 2, 3, 4].map((second) => crashes.add(second * 1000));
  assert.deepEqual(verdicts.map(({ restart }) => restart), [true, true, true, true, false]);
  assert.deepEqual(verdicts.map(({ tell }) => tell), [true, false, false, false, true]);
  crashes.forget();
  assert.deepEqual(crashes.add(5000), { restart: true, tell: false });
  const slow = new Crashes();
  for (let minute = 0; minute < 20; minute++) assert.equal(slow.add(minute * 60_000).restart, true, `minute ${minute}`);
});
