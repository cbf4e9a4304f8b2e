// Finds the server to start: the one in the settings, else the bundled one, else an installed one; and checks that it is recent enough.
// It leaves starting it and reporting errors to `client.ts`.
import { execFile } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, isAbsolute, join } from 'node:path';

/** The oldest server this extension works with. */
export const MIN_VERSION = '0.1.0';
/** Timeout of a command of the server, in milliseconds. */
const PATIENCE_MS = 10_000;

export type Origin = 'setting' | 'bundled' | 'path';
export type Found = { path: string; origin: Origin };
export type Fault = { message: string; setting: boolean };

/** The inputs of the search. Tests bring their own. */
export type Surroundings = {
  setting: string;
  extension: string;
  path: string;
  home: string;
  platform: string;
  arch: string;
  isProgram: (path: string) => boolean;
};

export function surroundings(setting: string, extension: string): Surroundings {
  const { platform, arch, env } = process;
  return { setting, extension, path: env['PATH'] ?? '', home: homedir(), platform, arch, isProgram };
}

/** The server to start, or why there is none. If the program in the settings is missing, no other one replaces it. */
export function find(at: Surroundings): Found | Fault {
  const name = at.platform === 'win32' ? 'pennyworth.exe' : 'pennyworth';
  if (at.setting) {
    const path = expand(at.setting, at.home);
    if (isAbsolute(path) && at.isProgram(path)) return { path, origin: 'setting' };
    return { message: `pennyworth.server.path is ${at.setting}, which is not the path of a program.`, setting: true };
  }
  const bundled = join(at.extension, 'server', `${at.platform}-${at.arch}`, name);
  if (at.isProgram(bundled)) return { path: bundled, origin: 'bundled' };
  // A relative entry of PATH would mean the workspace. An editor started from a desktop may not have cargo's folder on its PATH.
  const folders = at.path.split(delimiter).filter(isAbsolute).concat(join(at.home, '.cargo/bin'));
  const path = folders.map((folder) => join(folder, name)).find(at.isProgram);
  if (path) return { path, origin: 'path' };
  const message = `no server: this extension contains none for ${at.platform}-${at.arch}, and there is no \`pennyworth\` on the PATH.`;
  return { message, setting: false };
}

export function isFault(found: Found | Fault): found is Fault {
  return 'message' in found;
}

/** Expands `~` to the home folder, as a shell does. */
export function expand(path: string, home: string): string {
  return path === '~' || path.startsWith('~/') || path.startsWith('~\\') ? join(home, path.slice(1)) : path;
}

/** What is wrong with a version; undefined if it is recent enough. */
export function versionFault(path: string, said: string | undefined): string | undefined {
  const version = said === undefined ? undefined : parse(said);
  if (!version) return `${path} does not print its version, so it is not the server.`;
  if (compare(version, parse(MIN_VERSION)!) >= 0) return undefined;
  return `${path} is version ${version.join('.')}; this extension needs ${MIN_VERSION} or newer.`;
}

/** The version in what `pennyworth --version` prints. */
export function parse(said: string): number[] | undefined {
  const match = /^pennyworth (\d+)\.(\d+)\.(\d+)/.exec(said.startsWith('pennyworth ') ? said : `pennyworth ${said}`);
  return match?.slice(1).map(Number);
}

export function compare(a: number[], b: number[]): number {
  const at = a.findIndex((part, index) => part !== b[index]);
  return at < 0 ? 0 : a[at]! - b[at]!;
}

/** The output of a program's `--version`; undefined if it does not run. */
export async function ask(path: string): Promise<string | undefined> {
  return run(path, ['--version']).catch(() => undefined);
}

/** The output of a command of the server, which must be a quick one. */
export function run(path: string, args: string[], env = process.env): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(path, args, { timeout: PATIENCE_MS, cwd: homedir(), env, windowsHide: true }, (error, out, complaint) => {
      if (error) reject(new Error(complaint.trim() || error.message));
      else resolve(out.trim());
    });
  });
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
