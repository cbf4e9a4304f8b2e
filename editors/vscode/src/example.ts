// The first minute: an example that surely completes, and the walkthrough that leads to it.
import * as vscode from 'vscode';

const SEEN = 'walkthrough';

/** Similar functions, the last one unfinished: enough for the embedded model to complete it. */
const EXAMPLE = `# Press Tab to accept the grey text at the end.
# Ctrl+Right accepts a word, Escape dismisses it.
# Then go on typing.
import json


def load_orders(path):
    with open(path) as handle:
        return json.load(handle)


def load_invoices(path):
    with open(path) as handle:
        return json.load(handle)


def load_customers(path):
    with open(path) as handle:
        return json.load(handle)


def load_products(path):
    with `;

/** Opens the example with the cursor behind its last word, and asks for the rest. */
export async function openExample(context: vscode.ExtensionContext): Promise<void> {
  const folder = context.globalStorageUri;
  const uri = vscode.Uri.joinPath(folder, 'example.py');
  await vscode.workspace.fs.createDirectory(folder);
  await vscode.workspace.fs.writeFile(uri, new TextEncoder().encode(EXAMPLE));
  const editor = await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(uri), { preview: false });
  const last = editor.document.lineAt(editor.document.lineCount - 1).range.end;
  editor.selection = new vscode.Selection(last, last);
  editor.revealRange(new vscode.Range(last, last));
  await vscode.commands.executeCommand('editor.action.inlineSuggest.trigger');
}

export async function openWalkthrough(context: vscode.ExtensionContext): Promise<void> {
  await vscode.commands.executeCommand('workbench.action.openWalkthrough', `${context.extension.id}#start`, false);
}

/** Opens the walkthrough the first time the extension runs, and never again by itself. */
export async function welcome(context: vscode.ExtensionContext): Promise<void> {
  if (context.globalState.get(SEEN)) return;
  await context.globalState.update(SEEN, true);
  await openWalkthrough(context);
}
