// The settings sent to the server: only those that the user set. VS Code would also send every default, and an editor's default would
// then win over config.toml. It leaves what they mean to the server.

/** The part of VS Code's `inspect` result that we use. */
export type Inspected = { globalValue?: unknown } | undefined;

/** A setting's name in VS Code, which shows `capUsdPerDay` as *Cap Usd Per Day*. The server's name is `cap_usd_per_day`. */
export function inEditor(key: string): string {
  return key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** The server's name of a setting. */
function atServer(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** The server's names of the settings that go to it. */
export function keys(contributed: string[]): string[] {
  const ours = contributed.filter((key) => !/^pennyworth\.(server|trace)\./.test(key));
  return ours.map((key) => atServer(key.slice('pennyworth.'.length)));
}

/**
 * The user's settings as nested tables, under the server's names. A workspace's values do not count: it has `.pennyworth.toml`, which can only
 * tighten. A setting under the server's name counts too, so that a line of `config.toml` holds here as well.
 */
export function given(keys: string[], inspect: (key: string) => Inspected): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const key of keys) {
    const value = inspect(inEditor(key))?.globalValue ?? inspect(key)?.globalValue;
    if (value === undefined) continue;
    const [table, inner] = key.split('.') as [string, string?];
    if (inner === undefined) out[table] = value;
    else out[table] = { ...(out[table] as object | undefined), [inner]: value };
  }
  return out;
}
