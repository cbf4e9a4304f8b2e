// Shows texts of the server as read-only documents, one of each kind. A new text replaces the old one. It leaves writing them to the server.
import * as vscode from 'vscode';

const SCHEME = 'pennyworth';
/** The language of these texts; package.json wraps its lines. */
const LANGUAGE = 'pennyworth-report';

export class Texts implements vscode.TextDocumentContentProvider, vscode.Disposable {
  #texts = new Map<string, string>();
  #changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.#changed.event;
  #registration = vscode.workspace.registerTextDocumentContentProvider(SCHEME, this);

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.#texts.get(uri.path) ?? '';
  }

  /** Shows a text below the code, as wide as the code, so that both can be read. The next text takes the place of this one. */
  async show(name: string, text: string): Promise<void> {
    const uri = this.#put(name, text);
    const document = await vscode.languages.setTextDocumentLanguage(await vscode.workspace.openTextDocument(uri), LANGUAGE);
    const isOurs = ({ input }: vscode.Tab) => input instanceof vscode.TabInputText && input.uri.scheme === SCHEME;
    const group = vscode.window.tabGroups.all.find(({ tabs }) => tabs.some(isOurs));
    if (!group) await vscode.commands.executeCommand('workbench.action.newGroupBelow');
    const viewColumn = group?.viewColumn ?? vscode.ViewColumn.Active;
    await vscode.window.showTextDocument(document, { viewColumn, preview: true, preserveFocus: group !== undefined });
    if (!group) await vscode.commands.executeCommand('workbench.action.focusPreviousGroup');
  }

  /** Shows rendered Markdown, in place of the code or beside it. */
  async preview(name: string, markdown: string, where?: 'beside'): Promise<void> {
    const command = where ? 'markdown.showPreviewToSide' : 'markdown.showPreview';
    await vscode.commands.executeCommand(command, this.#put(name, markdown));
  }

  dispose(): void {
    this.#registration.dispose();
    this.#changed.dispose();
  }

  #put(name: string, text: string): vscode.Uri {
    const uri = vscode.Uri.from({ scheme: SCHEME, path: `/${name}` });
    this.#texts.set(uri.path, text);
    this.#changed.fire(uri);
    return uri;
  }
}
