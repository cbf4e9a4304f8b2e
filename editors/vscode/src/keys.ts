// API keys: the editor's secret storage keeps them, and the server gets them in its environment. They are written nowhere else.
// It leaves which model uses which key to the server's configuration.
import * as vscode from 'vscode';
import { SERVICES } from './variables.ts';

const SECRET = 'keys';
const OTHER = 'Another variable…';

export class Keys {
  constructor(private secrets: vscode.SecretStorage) {}

  /** The environment variables that hold keys, and their values. */
  async environment(): Promise<Record<string, string>> {
    return JSON.parse((await this.secrets.get(SECRET)) ?? '{}');
  }

  /** Lets the user add, change or delete a key; returns whether anything changed. */
  async edit(): Promise<boolean> {
    const kept = await this.environment();
    const items = services(kept).map(([label, name]) => ({ label, name, description: kept[name] ? `$(check) stored as ${name}` : name }));
    const other = { label: OTHER, name: '', description: '' };
    const picked = await vscode.window.showQuickPick([...items, other], { title: 'The key of which service?', matchOnDescription: true });
    const name = picked === other ? await askName() : picked?.name;
    if (!picked || !name) return false;
    const value = await vscode.window.showInputBox({
      title: picked === other ? `The key for ${name}` : `The key of ${picked.label}`,
      prompt: kept[name] ? 'Leave it empty to delete the stored key.' : "Your editor's secret storage keeps it.",
      password: true,
      ignoreFocusOut: true,
    });
    if (value === undefined || (value === '' && !kept[name])) return false;
    if (value.trim()) kept[name] = value.trim();
    else delete kept[name];
    await this.secrets.store(SECRET, JSON.stringify(kept));
    return true;
  }
}

/** The services with their variables; last, by their variables alone, other keys that are kept. */
function services(kept: Record<string, string>): [string, string][] {
  const known = Object.entries(SERVICES);
  const others = Object.keys(kept).filter((name) => !known.some(([, variable]) => variable === name));
  return [...known, ...others.map((name): [string, string] => [name, name])];
}

/** Asks for a variable. Only names of keys are allowed: others, such as PATH, change how programs are loaded or found. */
function askName(): Thenable<string | undefined> {
  return vscode.window.showInputBox({
    title: 'The variable that api_key_env names in your configuration',
    validateInput: (name) => (/^[A-Z][A-Z0-9_]*_(KEY|TOKEN)$/.test(name) ? undefined : 'Use capitals, ending in _KEY or _TOKEN.'),
  });
}
