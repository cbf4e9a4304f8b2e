// Pennyworth in VS Code. This is glue: the server decides, the editor shows. It connects the parts and leaves the work to them:
// `client.ts` talks to the server, `statusbar.ts` and `commands.ts` are what the user sees. Nothing here reports anything to anybody.
import * as vscode from 'vscode';
import { Server } from './client.ts';
import { register } from './commands.ts';
import { welcome } from './example.ts';
import { Dashboard } from './dashboard.ts';
import { Jobs } from './jobs.ts';
import { Keys } from './keys.ts';
import { StatusBar } from './statusbar.ts';
import { Tasks } from './tasks.ts';
import { Texts } from './texts.ts';

let server: Server | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const keys = new Keys(context.secrets);
  const texts = new Texts();
  server = new Server(context, keys);
  const tasks = new Tasks(server, texts);
  const jobs = new Jobs(server);
  const dashboard = new Dashboard(server);
  const settings = ['pennyworth.server.path', 'pennyworth.server.config'];
  context.subscriptions.push(
    texts,
    tasks,
    jobs,
    dashboard,
    new StatusBar(server),
    register({ context, server, texts, keys, tasks, jobs, dashboard }),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (settings.some((setting) => event.affectsConfiguration(setting))) void server?.restart();
    }),
    // A server restricted to the embedded model may now call the models of the configuration.
    vscode.workspace.onDidGrantWorkspaceTrust(() => void server?.restart()),
  );
  await server.restart();
  await welcome(context);
}

export function deactivate(): Promise<void> | undefined {
  return server?.dispose();
}
