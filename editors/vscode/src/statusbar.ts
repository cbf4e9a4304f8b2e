// The item in the status bar, with the server's table of costs in its hover. It leaves the text to `status.ts`.
import * as vscode from 'vscode';
import type { Server } from './client.ts';
import languages from './languages.json' with { type: 'json' };
import { details, face, type Scene } from './status.ts';

/** Shortest time between two requests for the table, in milliseconds. */
const REFRESH_MS = 2_000;

/** The server's name of the language in the active editor. */
export function activeLanguage(): string | undefined {
  const id = vscode.window.activeTextEditor?.document.languageId;
  return id === undefined ? undefined : (languages as Record<string, string>)[id];
}

export class StatusBar implements vscode.Disposable {
  #item = vscode.window.createStatusBarItem('pennyworth.status', vscode.StatusBarAlignment.Right, 100);
  #stats: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #listeners: vscode.Disposable[];

  constructor(private server: Server) {
    this.#item.name = 'Pennyworth';
    this.#item.command = 'pennyworth.menu';
    this.#listeners = [
      server.onChanged(() => (this.#show(), this.#refreshSoon())),
      vscode.window.onDidChangeActiveTextEditor(() => this.#show()),
    ];
    this.#show();
    this.#item.show();
  }

  dispose(): void {
    clearTimeout(this.#timer);
    vscode.Disposable.from(this.#item, ...this.#listeners).dispose();
  }

  #show(): void {
    const { phase, fault, status } = this.server.known;
    const scene: Scene = { phase, fault, status, language: activeLanguage(), restricted: !vscode.workspace.isTrusted };
    const { text, warning } = face(scene);
    const tooltip = new vscode.MarkdownString(details(scene, this.#stats), true);
    // What is not ours in it has no links.
    tooltip.isTrusted = { enabledCommands: ['pennyworth.showJobs'] };
    this.#item.text = text;
    this.#item.tooltip = tooltip;
    this.#item.accessibilityInformation = { label: text.replace(/\$\(.*?\) ?/g, '') };
    this.#item.backgroundColor = warning ? new vscode.ThemeColor('statusBarItem.warningBackground') : undefined;
  }

  /** Spending and accepting change the table; until it is refreshed, a hover shows the last one. */
  #refreshSoon(): void {
    if (this.server.known.phase !== 'running') return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.#refresh();
    }, REFRESH_MS);
  }

  async #refresh(): Promise<void> {
    try {
      this.#stats = (await this.server.run<{ markdown: string }>('pennyworth.stats')).markdown;
      this.#show();
    } catch (error) {
      this.server.log.debug(`stats: ${error}`);
    }
  }
}
