// The view of queued tasks, beside the changes. It is there once something is queued. The server sends, reads and applies them.
import * as vscode from 'vscode';
import type { Server } from './client.ts';
import { usd } from './status.ts';

/** A task that is queued for a batch, or was. */
type Job = { id: string; title: string; state: string; reason?: string | null; model: string; cost_usd: number };

const VIEW = 'pennyworth.jobs';
const ICONS: Record<string, string> = { done: 'pass', outdated: 'warning', failed: 'error', lost: 'error', expired: 'error', cancelled: 'circle-slash', applied: 'check' };

export class Jobs implements vscode.TreeDataProvider<Job>, vscode.Disposable {
  #jobs: Job[] = [];
  #counted = '';
  #changed = new vscode.EventEmitter<void>();
  #view: vscode.TreeView<Job>;
  #listener: vscode.Disposable;
  readonly onDidChangeTreeData = this.#changed.event;

  constructor(private server: Server) {
    this.#view = vscode.window.createTreeView(VIEW, { treeDataProvider: this });
    this.#listener = server.onChanged(() => this.#recount());
  }

  dispose(): void {
    vscode.Disposable.from(this.#view, this.#listener, this.#changed).dispose();
  }

  getChildren(job?: Job): Job[] {
    return job ? [] : this.#jobs;
  }

  getTreeItem({ title, state, reason, model, cost_usd: cost }: Job): vscode.TreeItem {
    const item = new vscode.TreeItem(title);
    item.description = reason ? `${state}: ${reason}` : state;
    item.tooltip = `${title}\n${item.description}\n${model}, ${usd(cost)}`;
    item.iconPath = new vscode.ThemeIcon(ICONS[state] ?? 'clock');
    // What is outdated can still be read.
    item.contextValue = state === 'done' || state === 'outdated' ? 'done' : 'other';
    return item;
  }

  /** Shows the view, after the providers were asked. */
  async show(): Promise<void> {
    await this.refresh();
    if (this.#jobs.length === 0) void vscode.window.showInformationMessage('Pennyworth: no jobs are queued');
    else await vscode.commands.executeCommand(`${VIEW}.focus`);
  }

  refresh(): Promise<void> {
    return this.#list('refresh');
  }

  /** Shows a job's result, or throws it away; the server does so. */
  async act(action: 'take' | 'discard', { id }: Job): Promise<void> {
    await this.server.run('pennyworth.jobs', { action, id });
    await this.#list('list');
  }

  /** Lists anew when the status counts other jobs than before. */
  #recount(): void {
    const { waiting, ready } = this.server.known.status?.jobs ?? { waiting: 0, ready: 0 };
    const counted = `${waiting} ${ready}`;
    this.#view.badge = ready > 0 ? { value: ready, tooltip: `${ready} ready` } : undefined;
    if (counted === this.#counted) return;
    this.#counted = counted;
    this.#list('list').catch((error) => this.server.log.debug(`jobs: ${error}`));
  }

  async #list(action: 'list' | 'refresh'): Promise<void> {
    await this.server.started();
    this.#jobs = (await this.server.run<{ jobs: Job[] }>('pennyworth.jobs', { action })).jobs;
    await vscode.commands.executeCommand('setContext', 'pennyworth.hasJobs', this.#jobs.length > 0);
    this.#changed.fire();
  }
}
