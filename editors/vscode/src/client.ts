// The client of the server: starts and restarts it, and receives its status. It leaves what is suggested to the server, showing that to the
// editor, and what else the user sees to `statusbar.ts` and `commands.ts`.
import { homedir } from 'node:os';
import { createInterface } from 'node:readline';
import * as vscode from 'vscode';
import {
  CloseAction,
  DidChangeConfigurationNotification,
  ErrorAction,
  ExecuteCommandRequest,
  LanguageClient,
  RevealOutputChannelOn,
  State,
  type LanguageClientOptions,
  type MessageSignature,
  type WorkspaceEdit,
} from 'vscode-languageclient/node';
import { Crashes } from './crashes.ts';
import { Keys } from './keys.ts';
import { ask, expand, find, isFault, surroundings, versionFault, type Found } from './server.ts';
import { given, keys } from './settings.ts';
import { isPaused, type Phase, type Status } from './status.ts';

/** The current state of the server. */
export type Known = { phase: Phase; fault?: string | undefined; status?: Status | undefined; found?: Found; version?: string };

/** A client that is silent about requests that fail because its server is being stopped: the light bulb asks at any time. */
class Client extends LanguageClient {
  isStopping = false;

  override handleFailedRequest<T>(type: MessageSignature, token: vscode.CancellationToken | undefined, error: any, otherwise: T, shows?: boolean): T {
    return this.isStopping ? otherwise : super.handleFailedRequest(type, token, error, otherwise, shows);
  }
}

export class Server implements vscode.Disposable {
  readonly log = vscode.window.createOutputChannel('Pennyworth', { log: true });
  known: Known = { phase: 'starting' };
  /** Takes commands of the server's actions that are run here; undefined for one that is not. */
  takes: (command: string, argument: unknown) => Promise<void> | undefined = () => undefined;
  #changed = new vscode.EventEmitter<void>();
  /** Fires when something changed that the user may see. */
  readonly onChanged = this.#changed.event;
  #client: Client | undefined;
  #crashes = new Crashes();
  /** Runs starts and stops one after the other. */
  #queue: Promise<void> = Promise.resolve();

  constructor(
    private context: vscode.ExtensionContext,
    private keys: Keys,
  ) {}

  /** Starts or restarts the server with the current settings. */
  restart(): Promise<void> {
    this.#crashes.forget();
    const begun = this.#queue.then(() => this.#stop()).then(() => this.#start());
    this.#queue = begun.catch((error: unknown) => this.#failed(String(error), false));
    return this.#queue;
  }

  /** Waits until the server has started, or could not. */
  started(): Promise<void> {
    return this.#queue;
  }

  /** Runs a command of the server; throws if the server is not running. */
  async run<T>(command: string, ...args: unknown[]): Promise<T> {
    return this.runUntil(undefined, command, ...args);
  }

  /** Runs a command until it is cancelled. */
  async runUntil<T>(cancelled: vscode.CancellationToken | undefined, command: string, ...args: unknown[]): Promise<T> {
    if (!this.#client || this.known.phase !== 'running') throw new Error('the server is not running');
    return this.#client.sendRequest(ExecuteCommandRequest.type, { command, arguments: args }, cancelled) as Promise<T>;
  }

  /** An edit of the server as the editor's. */
  async edit(edit: WorkspaceEdit): Promise<vscode.WorkspaceEdit> {
    if (!this.#client) throw new Error('the server is not running');
    return this.#client.protocol2CodeConverter.asWorkspaceEdit(edit);
  }

  /** The arguments and environment with which a command reads the configuration of the running server. */
  async invocation(): Promise<{ args: string[]; env: NodeJS.ProcessEnv }> {
    const config = vscode.workspace.getConfiguration('pennyworth').get('server.config', '');
    const args = config ? ['--config', expand(config, homedir())] : [];
    return { args, env: { ...process.env, ...(vscode.workspace.isTrusted ? await this.keys.environment() : {}) } };
  }

  dispose(): Promise<void> {
    this.#queue = this.#queue.then(() => this.#stop());
    return this.#queue.finally(() => this.log.dispose());
  }

  async #start(): Promise<void> {
    const setting = vscode.workspace.getConfiguration('pennyworth').get('server.path', '');
    const found = find(surroundings(setting, this.context.extensionPath));
    if (isFault(found)) return this.#failed(found.message, found.setting);
    const said = await ask(found.path);
    const fault = versionFault(found.path, said);
    if (fault !== undefined) return this.#failed(fault, found.origin === 'setting');
    this.#set({ phase: 'starting', status: this.known.status, found, version: said! });
    this.log.info(`${said} (${found.origin}): ${found.path}`);
    const { args, env } = await this.invocation();
    const executable = { command: found.path, args, options: { env, cwd: homedir() } };
    const client = new Client('pennyworth', 'Pennyworth', executable, this.#options());
    client.onDidChangeState(({ newState }) => client === this.#client && this.#moved(newState));
    client.onNotification('$/pennyworth/status', (status: Status) => this.#told(status));
    client.onNotification('$/pennyworth/nothing', ({ reason }: { reason: string }) => {
      void vscode.window.setStatusBarMessage(`$(circle-slash) nothing here: ${reason}`, NOTHING_MS);
    });
    this.#client = client;
    await client.start();
  }

  async #stop(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    if (client) client.isStopping = true;
    // A client that never started has nothing to stop.
    await client?.dispose().catch((error: unknown) => this.log.debug(String(error)));
  }

  #options(): LanguageClientOptions {
    return {
      documentSelector: [{ scheme: 'file' }, { scheme: 'untitled' }, { scheme: 'vscode-notebook-cell' }],
      outputChannel: this.log,
      traceOutputChannel: this.log,
      revealOutputChannelOn: RevealOutputChannelOn.Never,
      initializationOptions: () => ({ ...this.#settings(), restricted: !vscode.workspace.isTrusted }),
      stdioOptions: {
        // stdout belongs to the protocol.
        stdout: () => undefined,
        stderr: (input, log) => void createInterface({ input }).on('line', (line) => relay(line, log)),
      },
      errorHandler: {
        error: () => ({ action: ErrorAction.Continue, handled: true }),
        closed: () => this.#crashed(),
      },
      initializationFailedHandler: (error) => (this.log.error(`initialize: ${error}`), false),
      middleware: {
        executeCommand: (command, args, next) => this.takes(command, args[0]) ?? next(command, args),
        workspace: {
          configuration: (params) => params.items.map(({ section }) => (section === 'pennyworth' ? this.#settings() : null)),
          didChangeConfiguration: () => this.#tellSettings(),
        },
      },
    };
  }

  /** Sends the settings. A failure is only logged: a server that is restarting for the same change gets them at its start. */
  async #tellSettings(): Promise<void> {
    const settings = { pennyworth: this.#settings() };
    const told = this.#client?.sendNotification(DidChangeConfigurationNotification.type, { settings });
    await told?.catch((error: unknown) => this.log.debug(`settings: ${error}`));
  }

  #settings(): Record<string, unknown> {
    const { properties } = this.context.extension.packageJSON.contributes.configuration;
    const configuration = vscode.workspace.getConfiguration('pennyworth');
    return given(keys(Object.keys(properties)), (key) => configuration.inspect(key));
  }

  #moved(state: State): void {
    if (state === State.Running) {
      this.#set({ ...this.known, phase: 'running' });
      void this.#pauseAgain().catch((error: unknown) => this.log.warn(`status: ${error}`));
    } else if (state === State.Starting) {
      this.#set({ ...this.known, phase: 'starting' });
    }
  }

  /** Restores the pauses after a restart of the server. */
  async #pauseAgain(): Promise<void> {
    const before = this.known.status;
    if (isPaused(before)) await this.run('pennyworth.pause', { paused: true });
    for (const language of before?.paused_languages ?? []) await this.run('pennyworth.pause', { paused: true, language });
    this.#told(await this.run<Status>('pennyworth.status'));
  }

  #told(status: Status): void {
    this.#set({ ...this.known, status });
  }

  #set(known: Known): void {
    this.known = known;
    this.#changed.fire();
  }

  #crashed() {
    const { restart, tell } = this.#crashes.add(Date.now());
    const action = restart ? CloseAction.Restart : CloseAction.DoNotRestart;
    const message = restart ? 'The server stopped and was started again.' : 'The server stopped five times in three minutes.';
    if (!restart) this.#set({ ...this.known, phase: 'stopped', fault: message });
    if (tell) void this.#offer(message, restart ? ['showLog'] : ['restart', 'showLog']);
    return { action, message, handled: true };
  }

  /** Reports that there is no server to start. */
  #failed(message: string, setting: boolean): void {
    this.log.error(message);
    this.#set({ phase: 'stopped', fault: message });
    void this.#offer(message, setting ? ['openServerSetting', 'restart'] : ['help', 'openServerSetting', 'restart']);
  }

  async #offer(message: string, commands: (keyof typeof OFFERS)[]): Promise<void> {
    const chosen = await vscode.window.showWarningMessage(`Pennyworth: ${message}`, ...commands.map((name) => OFFERS[name]));
    const command = commands.find((name) => OFFERS[name] === chosen);
    if (command) await vscode.commands.executeCommand(`pennyworth.${command}`);
  }
}

/** How long the status bar says why a key gave nothing, in milliseconds. */
const NOTHING_MS = 8_000;

const OFFERS = { showLog: 'Show Log', restart: 'Restart', openServerSetting: 'Open Setting', help: 'How to Install It' };

/** Writes a line of the server's log at its own level. */
function relay(line: string, log: vscode.LogOutputChannel): void {
  const level = /\b(ERROR|WARN)\b/.exec(line.slice(0, 60))?.[1];
  if (level === 'ERROR') log.error(line);
  else if (level === 'WARN') log.warn(line);
  else log.info(line);
}
