// Tasks on demand: what the user points at becomes a command of the server, and its result a preview, a page, or the text of the box for commit
// messages. An edit is applied only from its preview, and only to the text that it is for. It leaves the tasks, and showing findings, to the server.
import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { WorkspaceEdit } from 'vscode-languageclient/node';
import type { Server } from './client.ts';
import type { Texts } from './texts.ts';

/** The scheme of previews; package.json has buttons for it. */
const SCHEME = 'pennyworth-edit';

/** The tasks that edit, by the server's command, with the word in the title of the preview. */
const EDITS: Record<string, string> = {
  'pennyworth.document': 'documented',
  'pennyworth.fix': 'fixed',
  'pennyworth.edit': 'edited',
  'pennyworth.tests': 'with tests',
};
const EXPLAIN = 'pennyworth.explainCode';

/** What a command of the server takes. */
type Asked = {
  uri: string;
  range?: { start: Place; end: Place };
  instruction?: string;
  diagnostics?: { range: { start: Place; end: Place }; message: string }[];
};
type Place = { line: number; character: number };
/** What it answers; null if it was cancelled. */
type Told = { edit?: WorkspaceEdit; text?: string; markdown?: string; message?: string; why_nothing?: string } | null;

/** A result that waits for the user. */
type Pending = { edit: WorkspaceEdit; uri: vscode.Uri; text: string };

/** The part of Git's extension that we use. */
type Git = { getRepository(uri: vscode.Uri): { inputBox: { value: string } } | null };

export class Tasks implements vscode.TextDocumentContentProvider, vscode.Disposable {
  #pending = new Map<string, Pending>();
  #count = 0;
  #listeners: vscode.Disposable[];

  constructor(
    private server: Server,
    private texts: Texts,
  ) {
    this.#listeners = [
      vscode.workspace.registerTextDocumentContentProvider(SCHEME, this),
      vscode.workspace.onDidCloseTextDocument(({ uri }) => this.#pending.delete(uri.toString())),
    ];
    // The server's own actions run here, too, so that their edits have a preview.
    server.takes = (command, asked) => {
      if (command === EXPLAIN || command in EDITS) return this.#run(command, asked as Asked);
      return undefined;
    };
  }

  dispose(): void {
    vscode.Disposable.from(...this.#listeners).dispose();
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.#pending.get(uri.toString())?.text ?? '';
  }

  explain(): Promise<void> {
    return this.#run(EXPLAIN, here());
  }

  document(): Promise<void> {
    return this.#run('pennyworth.document', here());
  }

  tests(): Promise<void> {
    return this.#run('pennyworth.tests', here());
  }

  /** Mends what is reported in the selected lines. */
  async fix(): Promise<void> {
    const { document, selection } = editor();
    const lines = new vscode.Range(selection.start.line, 0, selection.end.line + 1, 0);
    const found = vscode.languages.getDiagnostics(document.uri).filter(({ range, source }) => source !== 'pennyworth' && range.intersection(lines));
    if (found.length === 0) throw new Error('no problem is reported in these lines');
    const diagnostics = found.map(({ range, message }) => ({ range: plain(range), message }));
    await this.#run('pennyworth.fix', { ...here(), diagnostics });
  }

  async edit(): Promise<void> {
    const asked = here();
    const prompt = 'What should change in the selected lines? Empty: what a comment above them says (pw: …)';
    const instruction = await vscode.window.showInputBox({ title: 'Pennyworth: Edit', prompt });
    if (instruction !== undefined) await this.#run('pennyworth.edit', { ...asked, instruction });
  }

  /** Reviews a repository's changes, at once or in a batch. The server marks what it finds. */
  async review(control?: vscode.SourceControl, later = false): Promise<void> {
    await this.server.run('pennyworth.review', { uri: root(control).toString(), later });
  }

  /** Writes the message of what is staged into the box for it. */
  async message(control?: vscode.SourceControl): Promise<void> {
    const place = root(control);
    const told = await this.#ask('pennyworth.commit', { uri: place.toString() });
    if (!told?.message) return;
    const git = vscode.extensions.getExtension<{ getAPI(version: 1): Git }>('vscode.git');
    const repository = (await git?.activate())?.getAPI(1).getRepository(place);
    if (repository) repository.inputBox.value = told.message;
    else await this.texts.show('Commit Message', told.message);
  }

  /** Applies the edit of the preview that is open, as one step to undo; an edit of a text that has changed since is shown instead. */
  async apply(): Promise<void> {
    const tab = preview();
    const pending = tab && this.#pending.get(modified(tab)!.toString());
    if (!pending) throw new Error('no preview of an edit is open');
    const { edit, uri, text } = pending;
    const isApplied = isCurrent(edit) && (await vscode.workspace.applyEdit(await this.server.edit(edit)));
    await vscode.window.tabGroups.close(tab);
    if (isApplied) {
      await vscode.window.showTextDocument(uri);
    } else {
      await this.texts.show(`Edited ${basename(uri.path)}`, text);
      void vscode.window.showWarningMessage('Pennyworth: not applied, as the document has changed. Its text below would be the result.');
    }
  }

  async discard(): Promise<void> {
    const tab = preview();
    if (tab) await vscode.window.tabGroups.close(tab);
  }

  async #run(command: string, asked: Asked): Promise<void> {
    const told = await this.#ask(command, asked);
    if (told?.markdown) await this.texts.preview('Explanation.md', told.markdown, 'beside');
    if (told?.edit && told.text !== undefined) await this.#preview(EDITS[command] ?? '', told.edit, told.text);
  }

  /** Runs a command until it is cancelled. The server tells in the status bar how far it is. */
  async #ask(command: string, asked: Asked): Promise<Told> {
    const title = `Pennyworth: ${command.replace('pennyworth.', '')}`;
    const options = { location: vscode.ProgressLocation.Notification, cancellable: true, title };
    const told = await vscode.window.withProgress(options, (_, cancelled) => {
      const begun = this.server.runUntil<Told>(cancelled, command, { ...asked, returns: true });
      return begun.catch((error: unknown) => {
        if (cancelled.isCancellationRequested) return null;
        throw error;
      });
    });
    if (told?.why_nothing) throw new Error(`there is no result: ${told.why_nothing}`);
    return told;
  }

  /** Shows what an edit changes. */
  async #preview(what: string, edit: WorkspaceEdit, text: string): Promise<void> {
    const uri = vscode.Uri.parse(target(edit));
    const name = basename(uri.path);
    const isThere = await vscode.workspace.openTextDocument(uri).then(() => true, () => false);
    const at = (folder: string) => vscode.Uri.from({ scheme: SCHEME, path: `/${folder}/${name}` });
    const shown = at(String(++this.#count));
    this.#pending.set(shown.toString(), { edit, uri, text });
    await vscode.commands.executeCommand('vscode.diff', isThere ? uri : at('new'), shown, `${name}, ${what}`, { preview: true });
  }
}

function editor(): vscode.TextEditor {
  const { activeTextEditor } = vscode.window;
  if (!activeTextEditor) throw new Error('no editor is open');
  return activeTextEditor;
}

/** The selected lines. */
function here(): Asked {
  const { document, selection } = editor();
  return { uri: document.uri.toString(), range: plain(selection) };
}

function plain({ start, end }: vscode.Range): { start: Place; end: Place } {
  const place = ({ line, character }: vscode.Position) => ({ line, character });
  return { start: place(start), end: place(end) };
}

/** A place in the repository that is meant: that of the view, else of the document, else of the first folder. */
function root(control?: vscode.SourceControl): vscode.Uri {
  const document = vscode.window.activeTextEditor?.document.uri;
  const uri = control?.rootUri ?? (document?.scheme === 'file' ? document : undefined) ?? vscode.workspace.workspaceFolders?.[0]?.uri;
  if (!uri) throw new Error('no folder is open');
  return uri;
}

/** The documents of an edit, with the versions that it is for. */
function documents(edit: WorkspaceEdit): { uri: string; version: number | null }[] {
  const versioned = (edit.documentChanges ?? []).flatMap((change) => ('textDocument' in change ? [change.textDocument] : []));
  return [...versioned, ...Object.keys(edit.changes ?? {}).map((uri) => ({ uri, version: null }))];
}

function target(edit: WorkspaceEdit): string {
  const [first] = documents(edit);
  if (!first) throw new Error('the edit changes no document');
  return first.uri;
}

/** Whether an edit is for the text as it is now. */
function isCurrent(edit: WorkspaceEdit): boolean {
  const find = (uri: string) => vscode.workspace.textDocuments.find((document) => document.uri.toString() === vscode.Uri.parse(uri).toString());
  return documents(edit).every(({ uri, version }) => version === null || find(uri)?.version === version);
}

/** The active tab, if it is a preview. */
function preview(): vscode.Tab | undefined {
  const tab = vscode.window.tabGroups.activeTabGroup.activeTab;
  return tab && modified(tab)?.scheme === SCHEME ? tab : undefined;
}

function modified({ input }: vscode.Tab): vscode.Uri | undefined {
  return input instanceof vscode.TabInputTextDiff ? input.modified : undefined;
}
