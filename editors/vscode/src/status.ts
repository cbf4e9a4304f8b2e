// What the status bar says, as text: made from what the server told and nothing else, so that it can be tested without an editor.
// It leaves showing it to `statusbar.ts`.

/** The server's notification `$/pennyworth/status`. */
export type Status = {
  state: 'ready' | 'indexing' | 'capped' | 'paused' | 'off';
  spent_today_usd: number;
  spent_this_month_usd: number;
  cap_usd_per_day: number;
  cap_usd_per_month: number;
  models: string[];
  files: number;
  model?: string | null;
  asking?: boolean;
  trouble?: string | null;
  paused_languages?: string[];
};

/** Whether the server runs. */
export type Phase = 'starting' | 'running' | 'stopped';

export type Scene = {
  phase: Phase;
  /** Why it is stopped, if somebody should do something about it. */
  fault?: string | undefined;
  status?: Status | undefined;
  /** The server's name of the language in the active editor. */
  language?: string | undefined;
  /** Whether the workspace is not trusted. */
  restricted: boolean;
};

export type Face = { text: string; warning: boolean };

/** The line in the status bar. */
export function face(scene: Scene): Face {
  const { phase, status, restricted, language } = scene;
  if (phase === 'stopped') return { text: '$(error) Pennyworth: no server', warning: true };
  if (phase === 'starting' || !status) return { text: '$(loading~spin) Pennyworth', warning: false };
  const warning = status.state === 'capped' || !!status.trouble;
  const say = (icon: string, ...parts: (string | undefined)[]) => {
    const all = [restricted ? 'restricted' : undefined, ...parts].filter((part) => part !== undefined);
    return { text: `$(${icon}) Pennyworth ${all.join(' · ')}`, warning };
  };
  const money = cost(status);
  if (status.state === 'off') return say('circle-slash', 'off');
  if (status.state === 'paused') return say('debug-pause', 'paused', money);
  if (language && status.paused_languages?.includes(language)) return say('debug-pause', `paused for ${language}`, money);
  if (status.asking) return say('loading~spin', money, status.model ?? undefined);
  if (status.state === 'capped') return say('warning', money, 'cap reached');
  if (status.trouble) return say('warning', money, status.model ?? undefined);
  if (status.state === 'indexing') return say('sync~spin', money, 'reading');
  return say(restricted ? 'shield' : 'sparkle', money, status.model ?? undefined);
}

/** Today's cost, and beside it the cap where there is a model that could cost. */
function cost(status: Status): string {
  const spent = usd(status.spent_today_usd);
  return status.models.length > 0 || status.spent_today_usd > 0 ? `${spent} of ${usd(status.cap_usd_per_day)}` : spent;
}

/** An amount with as many digits as it takes to see that it is not nothing. */
export function usd(amount: number): string {
  if (amount <= 0 || amount >= 0.01) return `$${amount.toFixed(2)}`;
  return amount < 0.0001 ? '<$0.0001' : `$${amount.toFixed(4)}`;
}

/** What is shown when the mouse rests on it, in Markdown. `stats` is the server's own table. */
export function details(scene: Scene, stats: string | undefined): string {
  const { status, fault, phase, restricted } = scene;
  if (phase === 'stopped') return `**Pennyworth** does not run.\n\n${fault ? plain(fault) : 'It was stopped.'}`;
  if (!status) return '**Pennyworth** is starting.';
  const lines = [`**Pennyworth** ${doing(status)}`];
  if (status.trouble) lines.push(`$(warning) ${plain(status.trouble)}`);
  if (restricted) lines.push('$(shield) This workspace is not trusted: only the model inside answers.');
  const paused = status.paused_languages ?? [];
  if (paused.length > 0) lines.push(`Paused for ${paused.map(plain).join(', ')}.`);
  const { spent_today_usd: today, spent_this_month_usd: month, cap_usd_per_day: day, cap_usd_per_month: most } = status;
  // The table says the same, and more.
  lines.push(stats?.trim() || `Today ${usd(today)} of ${usd(day)}, this month ${usd(month)} of ${usd(most)}.`);
  lines.push(`Models: ${['the one inside', ...status.models.map(plain)].join(', ')}. It learned ${status.files} files.`);
  return lines.join('\n\n');
}

function doing(status: Status): string {
  switch (status.state) {
    case 'ready':
      return status.asking ? 'is asking a model.' : 'is ready.';
    case 'indexing':
      return 'is ready, and still reading the workspace.';
    case 'capped':
      return 'has reached a cap: only what costs nothing goes on.';
    case 'paused':
      return 'is paused: it suggests only when asked.';
    case 'off':
      return 'is switched off by its settings.';
  }
}

/** A text that may come from anywhere, without a meaning in Markdown. */
function plain(text: string): string {
  return text.replace(/[\\`*_{}[\]()#+\-!|<>~$]/g, '\\$&');
}
