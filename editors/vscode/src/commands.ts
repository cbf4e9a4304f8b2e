// The commands, and the menu that lists them. Each calls the server or the editor for one thing, and leaves the work to it.
import { existsSync } from 'node:fs';
import * as vscode from 'vscode';
import type { Server } from './client.ts';
import { openExample, openWalkthrough } from './example.ts';
import type { Dashboard } from './dashboard.ts';
import type { Jobs } from './jobs.ts';
import type { Keys } from './keys.ts';
import { run } from './server.ts';
import { isPaused } from './status.ts';
import { activeLanguage } from './statusbar.ts';
import type { Tasks } from './tasks.ts';
import type { Texts } from './texts.ts';

const README = 'https://marketplace.visualstudio.com/items?itemName=pennyworth.pennyworth';

export type Parts = { context: vscode.ExtensionContext; server: Server; texts: Texts; keys: Keys; tasks: Tasks; jobs: Jobs; dashboard: Dashboard };

/** Registers every command. The user sees an error of any. */
export function register(parts: Parts): vscode.Disposable {
  const commands = Object.entries(all(parts)).map(([name, action]) =>
    vscode.commands.registerCommand(`pennyworth.${name}`, async (...args: unknown[]) => {
      try {
        await action(...args);
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        parts.server.log.error(`${name}: ${message}`);
        void vscode.window.showErrorMessage(`Pennyworth: ${message}`);
      }
    }),
  );
  return vscode.Disposable.from(...commands);
}

function all({ context, server, texts, keys, tasks, jobs, dashboard }: Parts): Record<string, (...args: any[]) => unknown> {
  return {
    menu: () => menu(server),
    trigger: () => vscode.commands.executeCommand('editor.action.inlineSuggest.trigger'),
    dismiss: () => dismiss(server),
    pauseOrResume: () => pause(server),
    pauseOrResumeLanguage: () => pause(server, language()),
    showStats: async () => texts.preview('What you got.md', (await server.run<{ markdown: string }>('pennyworth.stats')).markdown),
    showDashboard: () => dashboard.show(),
    explainHere: () => explain(server, texts),
    runCheck: () => check(server, texts),
    explainLines: () => tasks.explain(),
    documentItem: () => tasks.document(),
    fixLines: () => tasks.fix(),
    editLines: () => tasks.edit(),
    writeTests: () => tasks.tests(),
    reviewChanges: (control?: vscode.SourceControl) => tasks.review(control),
    reviewLater: (control?: vscode.SourceControl) => tasks.review(control, true),
    showJobs: () => jobs.show(),
    refreshJobs: () => jobs.refresh(),
    takeJob: (job) => jobs.act('take', job),
    discardJob: (job) => jobs.act('discard', job),
    writeMessage: (control?: vscode.SourceControl) => tasks.message(control),
    applyEdit: () => tasks.apply(),
    discardEdit: () => tasks.discard(),
    openConfig: () => openConfig(server),
    openSettings: () => vscode.commands.executeCommand('workbench.action.openSettings', '@ext:pennyworth.pennyworth'),
    openServerSetting: () => vscode.commands.executeCommand('workbench.action.openSettings', 'pennyworth.server.path'),
    setKey: async () => (await keys.edit()) && server.restart(),
    showLog: () => server.log.show(),
    restart: () => server.restart(),
    copyDiagnostics: () => copyDiagnostics(context, server),
    example: () => openExample(context),
    walkthrough: () => openWalkthrough(context),
    help: () => vscode.env.openExternal(vscode.Uri.parse(README)),
  };
}

/** The menu of the status bar: only what makes sense now. */
async function menu(server: Server): Promise<void> {
  const { phase, status } = server.known;
  const name = activeLanguage();
  const paused = isPaused(status);
  const isPausedHere = name !== undefined && !!status?.paused_languages?.includes(name);
  const running: [string, string][] = [
    [paused ? '$(play) Resume' : '$(debug-pause) Pause', 'pauseOrResume'],
    ...(name ? [[isPausedHere ? `$(play) Resume for ${name}` : `$(debug-pause) Pause for ${name}`, 'pauseOrResumeLanguage'] as [string, string]] : []),
    ['$(graph) What you got for the money', 'showStats'],
    ['$(pulse) Where the money goes', 'showDashboard'],
    ...(vscode.window.activeTextEditor ? [['$(question) Explain here', 'explainHere'] as [string, string]] : []),
    ['$(checklist) Check configuration and models', 'runCheck'],
    ['$(edit) Open configuration', 'openConfig'],
  ];
  const always: [string, string][] = [
    ['$(settings-gear) Open settings', 'openSettings'],
    ['$(key) Set API key', 'setKey'],
    ['$(output) Show log', 'showLog'],
    ['$(debug-restart) Restart server', 'restart'],
    ['$(clippy) Copy diagnostics', 'copyDiagnostics'],
    ['$(mortar-board) Get started', 'walkthrough'],
  ];
  const items = [...(phase === 'running' ? running : []), ...always].map(([label, command]) => ({ label, command }));
  const picked = await vscode.window.showQuickPick(items, { title: 'Pennyworth' });
  if (picked) await vscode.commands.executeCommand(`pennyworth.${picked.command}`);
}

/** Hides the grey text, as the key does without us, and tells the server, which does not show it there again for a while. */
async function dismiss(server: Server): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  const place = editor && at(editor);
  await vscode.commands.executeCommand('editor.action.inlineSuggest.hide');
  // The key works without a server, too.
  if (place && server.known.phase === 'running') await server.run('pennyworth.dismissed', ...place);
}

/** Pauses or resumes everything, or one language. */
async function pause(server: Server, language?: string): Promise<void> {
  const { status } = server.known;
  const paused = language === undefined ? isPaused(status) : status?.paused_languages?.includes(language);
  await server.run('pennyworth.pause', { paused: !paused, ...(language === undefined ? {} : { language }) });
}

function language(): string {
  const name = activeLanguage();
  if (name === undefined) throw new Error('the current document has no language that can be paused');
  return name;
}

async function explain(server: Server, texts: Texts): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  if (!editor) throw new Error('there is nothing to explain: no editor is open');
  const { text } = await server.run<{ text: string }>('pennyworth.explain', ...at(editor));
  await texts.show('Explain', text);
}

/** The document and the cursor's position, as arguments of a command. */
function at(editor: vscode.TextEditor): [string, { line: number; character: number }] {
  const { line, character } = editor.selection.active;
  return [editor.document.uri.toString(), { line, character }];
}

async function check(server: Server, texts: Texts): Promise<void> {
  const { text, ok } = await server.run<{ text: string; ok: boolean }>('pennyworth.check');
  await texts.show('Check', text);
  if (!ok) void vscode.window.showWarningMessage('Pennyworth: the check found problems; its text shows them.');
}

/** Opens the configuration; if there is none yet, the server writes one that explains every setting. */
async function openConfig(server: Server): Promise<void> {
  const { config } = await server.run<Files>('pennyworth.files');
  if (!existsSync(config)) {
    const { args, env } = await server.invocation();
    await run(server.known.found!.path, [...args, 'init'], env);
  }
  await vscode.window.showTextDocument(vscode.Uri.file(config));
}

/** The paths that the server reads and writes. */
type Files = { config: string; log: string | null; ledger: string };

/** Copies what a helper needs to know: versions, paths and states; no code and no keys. */
async function copyDiagnostics(context: vscode.ExtensionContext, server: Server): Promise<void> {
  const { known } = server;
  const ask = (command: string) => server.run<unknown>(command).catch((error: unknown) => String(error));
  const facts = {
    extension: context.extension.packageJSON.version,
    editor: `${vscode.env.appName} ${vscode.version}, ${process.platform}-${process.arch}, ${vscode.env.remoteName ?? 'local'}`,
    trusted: vscode.workspace.isTrusted,
    server: known.version ?? null,
    found: known.found ?? null,
    phase: known.phase,
    fault: known.fault ?? null,
    files: await ask('pennyworth.files'),
    status: await ask('pennyworth.status'),
    check: await ask('pennyworth.check'),
  };
  await vscode.env.clipboard.writeText(JSON.stringify(facts, null, 2));
  void vscode.window.showInformationMessage('Pennyworth: the diagnostics are in the clipboard. They contain paths, but no code and no keys.');
}
