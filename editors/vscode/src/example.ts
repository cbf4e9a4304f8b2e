// The first minute: an example in which a completion comes surely, and the pages that lead to it.
import * as vscode from 'vscode';

const SEEN = 'walkthrough';

/** Functions that are alike, and the last one begun: the model inside has learned enough from it to go on. */
const EXAMPLE = `# Press Tab to take what stands in grey; Ctrl+Right takes a word, Escape nothing. Then go on typing.
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

/** Opens the pages the first time the extension runs, and never again by itself. */
export async function welcome(context: vscode.ExtensionContext): Promise<void> {
  if (context.globalState.get(SEEN)) return;
  await context.globalState.update(SEEN, true);
  await openWalkthrough(context);
}
