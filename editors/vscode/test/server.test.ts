// Finding the server, and checking that it is recent enough.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compare, expand, find, isFault, MIN_VERSION, parse, versionFault, type Surroundings } from '../src/server.ts';

const BUNDLED = '/ext/server/linux-x64/pennyworth';

function at(programs: string[], rest: Partial<Surroundings> = {}): Surroundings {
  const isProgram = (path: string) => programs.includes(path);
  return { setting: '', extension: '/ext', path: '/usr/bin:bin::/opt/bin', home: '/h', platform: 'linux', arch: 'x64', isProgram, ...rest };
}

function check(surroundings: Surroundings, expected: string | undefined) {
  const found = find(surroundings);
  assert.equal(isFault(found) ? undefined : `${found.origin}: ${found.path}`, expected);
  return found;
}

test('a setting goes before what came along, and that before the PATH', () => {
  const all = ['/mine/server', BUNDLED, '/opt/bin/pennyworth', '/h/.cargo/bin/pennyworth'];
  check(at(all, { setting: '/mine/server' }), 'setting: /mine/server');
  check(at(all), `bundled: ${BUNDLED}`);
  check(at(all.slice(2)), 'path: /opt/bin/pennyworth');
  check(at(all.slice(3)), 'path: /h/.cargo/bin/pennyworth');
});

test('a setting that names no program is a fault, whatever else is there', () => {
  const found = check(at([BUNDLED], { setting: '/gone/server' }), undefined);
  assert.match(isFault(found) ? found.message : '', /pennyworth\.server\.path is \/gone\/server/);
  // Relative to what? A workspace must not say.
  check(at(['tools/server'], { setting: 'tools/server' }), undefined);
  check(at(['/h/server'], { setting: '~/server' }), 'setting: /h/server');
});

test('nothing is looked up in the workspace', () => {
  check(at(['bin/pennyworth', 'pennyworth']), undefined);
});

test('where there is none, it says for which platform', () => {
  const found = find(at([], { platform: 'darwin', arch: 'arm64' }));
  assert.match(isFault(found) ? found.message : '', /darwin-arm64/);
});

test('versions', () => {
  assert.deepEqual(parse('pennyworth 1.20.3'), [1, 20, 3]);
  assert.deepEqual(parse('pennyworth 0.2.0-beta.1 (abc)'), [0, 2, 0]);
  assert.equal(parse('bash 5.2.15'), undefined);
  assert.ok(compare([0, 10, 0], [0, 9, 9]) > 0);
  assert.ok(compare([1, 0, 0], [1, 0, 0]) === 0);
  assert.ok(compare([0, 1, 0], [0, 1, 1]) < 0);
  assert.equal(versionFault('/x', `pennyworth ${MIN_VERSION}`), undefined);
  assert.match(versionFault('/x', 'pennyworth 0.0.9') ?? '', /version 0\.0\.9; this extension needs/);
  assert.match(versionFault('/x', 'something else') ?? '', /not the server/);
  assert.match(versionFault('/x', undefined) ?? '', /not the server/);
});

test('a tilde is the home', () => {
  assert.equal(expand('~/a', '/h'), '/h/a');
  assert.equal(expand('/a/~', '/h'), '/a/~');
  assert.equal(expand('~other/a', '/h'), '~other/a');
});
