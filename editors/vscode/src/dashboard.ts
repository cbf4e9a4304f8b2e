// The page that shows where the money goes, in a tab. The server writes it, with its own policy; nothing is added here.
import * as vscode from 'vscode';
import type { Server } from './client.ts';

export class Dashboard implements vscode.Disposable {
  #panel: vscode.WebviewPanel | undefined;

  constructor(private server: Server) {}

  dispose(): void {
    this.#panel?.dispose();
  }

  /** Shows the page as the ledger is now, in the tab that is open or in a new one. */
  async show(): Promise<void> {
    const { html } = await this.server.run<{ html: string }>('pennyworth.dashboard');
    this.#panel ??= this.#made();
    this.#panel.webview.html = html;
    this.#panel.reveal();
  }

  #made(): vscode.WebviewPanel {
    // What is chosen on the page outlives a look at another tab.
    const options = { enableScripts: true, retainContextWhenHidden: true, localResourceRoots: [], enableFindWidget: true };
    const panel = vscode.window.createWebviewPanel('pennyworth.dashboard', 'Where the Money Goes', vscode.ViewColumn.Active, options);
    panel.onDidDispose(() => (this.#panel = undefined));
    return panel;
  }
}
