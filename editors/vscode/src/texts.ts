// Texts of the server as documents of the editor: read only, one of each kind, replaced when asked for again.
import * as vscode from 'vscode';

const SCHEME = 'pennyworth';

export class Texts implements vscode.TextDocumentContentProvider, vscode.Disposable {
  #texts = new Map<string, string>();
  #changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.#changed.event;
  #registration = vscode.workspace.registerTextDocumentContentProvider(SCHEME, this);

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.#texts.get(uri.path) ?? '';
  }

  /** Shows a text beside the code, so that both can be read. */
  async show(name: string, text: string): Promise<void> {
    const uri = this.#put(name, text);
    const document = await vscode.workspace.openTextDocument(uri);
    await vscode.window.showTextDocument(document, { viewColumn: vscode.ViewColumn.Beside, preview: true, preserveFocus: true });
  }

  /** Shows Markdown as it is meant to look. */
  async preview(name: string, markdown: string): Promise<void> {
    await vscode.commands.executeCommand('markdown.showPreview', this.#put(name, markdown));
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
