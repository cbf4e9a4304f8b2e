// Keys of services: kept by the editor's secret storage, given to the server by its environment under the names it looks for, written
// nowhere else. It leaves which model wants which key to the server's configuration.
import * as vscode from 'vscode';
import { VARIABLES } from './variables.ts';

const SECRET = 'keys';
const OTHER = 'Another variable…';

export class Keys {
  constructor(private secrets: vscode.SecretStorage) {}

  /** The variables and their values. */
  async environment(): Promise<Record<string, string>> {
    return JSON.parse((await this.secrets.get(SECRET)) ?? '{}');
  }

  /** Lets the user give a key, change it or take it away; whether anything changed. */
  async edit(): Promise<boolean> {
    const kept = await this.environment();
    const names = [...new Set([...VARIABLES, ...Object.keys(kept)])];
    const items = names.map((label) => (kept[label] ? { label, description: '$(check) kept here' } : { label }));
    const picked = await vscode.window.showQuickPick([...items, { label: OTHER }], { title: 'Which key?' });
    const name = picked?.label === OTHER ? await askName() : picked?.label;
    if (!name) return false;
    const value = await vscode.window.showInputBox({
      title: `The key for ${name}`,
      prompt: kept[name] ? 'Leave it empty to take away the key that is kept.' : 'It is kept by the secret storage of your editor.',
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

/** What changes how programs are loaded or found is no key. */
function askName(): Thenable<string | undefined> {
  return vscode.window.showInputBox({
    title: 'The variable, as in api_key_env of your configuration',
    validateInput: (name) => (/^[A-Z][A-Z0-9_]*_(KEY|TOKEN)$/.test(name) ? undefined : 'Capitals that end in _KEY or _TOKEN.'),
  });
}
