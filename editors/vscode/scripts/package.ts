// Packs the extension with a built server, for the server's platform:
//
//   npm run package -- SERVER [TARGET] [OUTPUT]     SERVER: path of the program; TARGET: as vsce names it, this machine's if left out
//
// Without SERVER the package contains none: the extension then looks for one on the PATH. It leaves building the server to cargo.
import { execFileSync } from 'node:child_process';
import { copyFileSync, chmodSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';

const here = join(import.meta.dirname, '..');
const [server, target = `${process.platform}-${process.arch}`, output] = process.argv.slice(2);
const { version } = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8'));
const vsix = resolve(output ?? join(here, `pennyworth-${server ? `${target}-` : ''}${version}.vsix`));

/** The folder in which the extension looks for the server, with Node's name of the platform. */
function folder(target: string): string {
  const [platform, arch] = target.split('-');
  return `${platform === 'alpine' ? 'linux' : platform}-${arch === 'armhf' ? 'arm' : arch}`;
}

const bundled = join(here, 'server');
rmSync(bundled, { recursive: true, force: true });
if (server) {
  const name = target.startsWith('win32') ? 'pennyworth.exe' : 'pennyworth';
  mkdirSync(join(bundled, folder(target)), { recursive: true });
  copyFileSync(server, join(bundled, folder(target), name));
  chmodSync(join(bundled, folder(target), name), 0o755);
}
for (const licence of ['LICENSE-MIT', 'LICENSE-APACHE']) copyFileSync(join(here, '../..', licence), join(here, licence));

const run = (program: string, args: string[]) =>
  execFileSync(join(here, 'node_modules/.bin', program), args, { cwd: here, stdio: 'inherit', shell: process.platform === 'win32' });
const { scripts } = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8'));
const [bundler, ...options] = scripts.build.split(' ');
run(bundler, options);
// The bundle contains all code. Links in the README are for readers of the repository.
run('vsce', ['package', '--no-dependencies', '--skip-license', '--allow-missing-repository', '--no-rewrite-relative-links', '-o', vsix, ...(server ? ['--target', target] : [])]);
