// The text of the status bar, made only from the server's status, so that it can be tested without an editor.
// It leaves showing it to `statusbar.ts`.

/** The server's notification `$/pennyworth/status`. */
export type Status = {
  state: 'ready' | 'indexing' | 'capped' | 'paused' | 'off';
  /** In the last 24 hours; null if it is unknown. */
  spent_today_usd: number | null;
  spent_this_month_usd: number | null;
  /** Held for calls under way. */
  reserved_usd?: number;
  cap_usd_per_day: number;
  cap_usd_per_month: number;
  models: string[];
  files: number;
  model?: string | null;
  asking?: boolean;
  /** The first of the troubles that the user is told of. */
  trouble?: string | null;
  /** Tasks in the queue: those that wait for answers, and answers that nobody has taken yet. */
  jobs?: { waiting: number; ready: number };
  /** All troubles: times in seconds since 1970; `again` is 0 for the next request and null for a change of the configuration. */
  troubles?: { model: string | null; what: string; remedy: string | null; since: number; again: number | null }[];
  /** Faults in the settings, until they are mended. */
  faults?: { file: string; line: number | null; key: string; message: string; holds: string }[];
  /** Models that were found on this machine and that no configuration names. */
  found?: { name: string }[];
  paused_languages?: string[];
  /** Whether everything is paused, also where `state` says that the settings switch everything off. */
  paused?: boolean;
};

/** Whether the user paused everything. */
export function isPaused(status: Status | undefined): boolean {
  return status?.paused ?? status?.state === 'paused';
}

/** Whether the server runs. */
export type Phase = 'starting' | 'running' | 'stopped';

export type Scene = {
  phase: Phase;
  /** Why it is stopped, if the user should act. */
  fault?: string | undefined;
  status?: Status | undefined;
  /** The server's name of the language in the active editor. */
  language?: string | undefined;
  /** Whether the workspace is not trusted. */
  restricted: boolean;
};

export type Face = { text: string; warning: boolean };

/** The text in the status bar. */
export function face(scene: Scene): Face {
  const { phase, status, restricted, language } = scene;
  if (phase === 'stopped') return { text: '$(error) Pennyworth: no server', warning: true };
  if (phase === 'starting' || !status) return { text: '$(loading~spin) Pennyworth', warning: false };
  const isFaulty = (status.faults ?? []).length > 0;
  const warning = status.state === 'capped' || !!status.trouble || isFaulty;
  const say = (icon: string, ...parts: (string | undefined)[]) => {
    const all = [restricted ? 'restricted' : undefined, ...parts].filter((part) => part !== undefined);
    return { text: `$(${icon}) Pennyworth ${all.join(' · ')}`, warning };
  };
  const ready = status.jobs?.ready ?? 0;
  const money = ready > 0 ? `${cost(status)} · ${ready} ready` : cost(status);
  if (status.state === 'off') return say('circle-slash', 'off');
  if (status.state === 'paused') return say('debug-pause', 'paused', money);
  if (language && status.paused_languages?.includes(language)) return say('debug-pause', `paused for ${language}`, money);
  if (status.asking) return say('loading~spin', money, status.model ?? undefined);
  if (status.state === 'capped') return say('warning', money, 'cap reached');
  if (isFaulty) return say('warning', money, 'settings have a fault');
  if (status.trouble) return say('warning', money, failing(status));
  if (status.state === 'indexing') return say('sync~spin', money, 'reading');
  return say(restricted ? 'shield' : 'sparkle', money, status.model ?? undefined);
}

/** Which model fails; for what is about no model, only that there is trouble. */
function failing(status: Status): string {
  const named = status.troubles?.find(({ model }) => model && status.trouble?.startsWith(`model.${model}: `))?.model;
  return named ? `${named} fails` : 'trouble';
}

/** The day's cost, and the cap if there is a model that may cost money. */
function cost(status: Status): string {
  const spent = usd(status.spent_today_usd);
  if (status.spent_today_usd === null) return spent;
  return status.models.length > 0 || (status.spent_today_usd ?? 0) > 0 ? `${spent} of ${cap(status.cap_usd_per_day)}` : spent;
}

/** An amount as the server writes it: two decimals, and below ten cents the two digits that count. */
export function usd(amount: number | null): string {
  if (amount === null) return 'cost unknown';
  // What is not zero never reads as zero.
  if (amount > 0 && amount < 1e-9) return '<$0.000000001';
  if (amount <= 0 || amount >= 0.1) return `$${amount.toFixed(2)}`;
  return `$${amount.toFixed(Math.min(1 - Math.floor(Math.log10(amount)), 9))}`;
}

/** A cap with all its digits. */
function cap(amount: number): string {
  return `$${amount.toLocaleString('en-US', { useGrouping: false, minimumFractionDigits: 2, maximumFractionDigits: 12 })}`;
}

/** The text of the hover, in Markdown. `stats` is the server's own table. */
export function details(scene: Scene, stats: string | undefined): string {
  const { status, fault, phase, restricted } = scene;
  if (phase === 'stopped') return `**Pennyworth** is not running.\n\n${fault ? plain(fault) : 'It was stopped.'}`;
  if (!status) return '**Pennyworth** is starting.';
  const lines = [`**Pennyworth** ${doing(status)}`];
  for (const { file, line, key, message, holds } of status.faults ?? []) {
    const place = [line === null ? file : `${file}:${line}`, key].filter((part) => part !== '').join(': ');
    lines.push(`$(warning) ${plain(`${place}: ${message}`)} (${plain(holds)}).`);
  }
  const troubles = (status.troubles ?? []).map(told);
  for (const trouble of troubles.length > 0 ? troubles : status.trouble ? [status.trouble] : []) lines.push(`$(warning) ${plain(trouble)}`);
  if (restricted) lines.push('$(shield) This workspace is not trusted: only the embedded model answers.');
  const paused = status.paused_languages ?? [];
  if (paused.length > 0) lines.push(`Paused for ${paused.map(plain).join(', ')}.`);
  const { spent_today_usd: today, spent_this_month_usd: month, cap_usd_per_day: day, cap_usd_per_month: most } = status;
  // The table contains the same, and more.
  lines.push(stats?.trim() || `In 24 hours ${usd(today)} of ${cap(day)}, this month ${usd(month)} of ${cap(most)}.`);
  const { waiting, ready } = status.jobs ?? { waiting: 0, ready: 0 };
  if (waiting + ready > 0) lines.push(`Queued tasks: ${waiting} waiting, ${ready} ready ([show](command:pennyworth.showJobs)).`);
  lines.push(`Models: ${['embedded', ...status.models.map(plain)].join(', ')}. The embedded model learned ${status.files} ${status.files === 1 ? 'file' : 'files'}.`);
  return lines.join('\n\n');
}

/** A trouble with its times, in the user's own zone. */
function told({ model, what, remedy, since, again }: NonNullable<Status['troubles']>[number]): string {
  const at = (seconds: number) => new Date(seconds * 1000).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
  const next = again === null ? 'not tried again before the configuration changes' : again === 0 ? 'tried again at the next request' : `tried again at ${at(again)}`;
  const when = model ? `since ${at(since)}, ${next}` : `since ${at(since)}`;
  return `${model ? `${model}: ` : ''}${what}${remedy ? `; ${remedy}` : ''} (${when})`;
}

function doing(status: Status): string {
  switch (status.state) {
    case 'ready':
      return status.asking ? 'is asking a model.' : 'is ready.';
    case 'indexing':
      return 'is ready, and still reading the workspace.';
    case 'capped':
      return 'has reached a cap: only free models answer.';
    case 'paused':
      return 'is paused: it suggests only when asked.';
    case 'off':
      return 'is switched off by its settings.';
  }
}

/** Escapes a text from anywhere, so that it has no meaning in Markdown. */
function plain(text: string): string {
  return text.replace(/[\\`*_{}[\]()#+\-!|<>~$]/g, '\\$&');
}
