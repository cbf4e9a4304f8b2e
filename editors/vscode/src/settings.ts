// The settings that the server is told: those that the user set, and only those. VS Code would send every default along, and a default of
// the editor would then win over what stands in config.toml. It leaves what they mean to the server.

/** Where a setting was set, of what VS Code tells about it. */
export type Inspected = { globalValue?: unknown } | undefined;

/** The settings among these that go to the server, by their names without `pennyworth.`. */
export function keys(contributed: string[]): string[] {
  const ours = contributed.filter((key) => !/^pennyworth\.(server|trace)\./.test(key));
  return ours.map((key) => key.slice('pennyworth.'.length));
}

/** What the user set, as tables within tables. A workspace's own values do not count: its say is `.pennyworth.toml`, which only tightens. */
export function given(keys: string[], inspect: (key: string) => Inspected): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const key of keys) {
    const value = inspect(key)?.globalValue;
    if (value === undefined) continue;
    const [table, inner] = key.split('.') as [string, string?];
    if (inner === undefined) out[table] = value;
    else out[table] = { ...(out[table] as object | undefined), [inner]: value };
  }
  return out;
}
