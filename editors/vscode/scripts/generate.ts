// Generates the settings in package.json from the server's schema, and the map from editors' language ids to the server's languages.
// `npm run generate` writes them; a unit test checks that they are current.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inEditor } from '../src/settings.ts';

type Json = Record<string, any>;

const here = join(import.meta.dirname, '..');
const root = join(here, '../..');
const manifest = join(here, 'package.json');
const languages = join(here, 'src/languages.json');

/** Whether a setting is the extension's own, unknown to the server. */
const own = (key: string) => /^pennyworth\.(server|trace)\./.test(key);
/** Settings that have no effect here: there is no menu beside ghost text. */
const useless = new Set(['completion_menu']);

/** What an editor's settings may do to a key, by the schema's `x-elsewhere`. Those that are the user's own are not offered. */
const may: Record<string, (type: unknown) => string> = {
  lower: (type) => (type === 'boolean' ? 'It can be switched off here, not on.' : 'It can be lowered here, not raised.'),
  raise: (type) => (type === 'boolean' ? 'It can be switched on here, not off.' : 'It can be raised here, not lowered.'),
  later: () => 'Here, only a later value than that of `config.toml` counts.',
  add: () => 'Patterns that begin with `!` count only in `config.toml`.',
  off: () => 'Here they can be switched off, not on.',
};
const isOwn = (schema: Json) => schema['x-elsewhere'] === 'own';

/** A schema in VS Code's form: references resolved, unsupported keys left out. */
function plain(schema: Json, defs: Json): Json {
  if (schema['$ref']) {
    const { $ref, ...rest } = schema;
    return plain({ ...defs[$ref.split('/').at(-1)], ...rest }, defs);
  }
  const { description, format, oneOf, anyOf, 'x-adds': _, 'x-whole': __, 'x-elsewhere': rule, ...rest } = schema;
  const out: Json = { ...rest };
  const words = [description?.replace(/(?<!\n)\n(?!\n)/g, ' '), may[rule]?.(rest['type'])].filter(Boolean);
  if (words.length > 0) out['markdownDescription'] = words.join(' ');
  if (oneOf) {
    Object.assign(out, { type: 'string', enum: oneOf.map((choice: Json) => choice['const']) });
    out['markdownEnumDescriptions'] = oneOf.map((choice: Json) => choice['description']);
  }
  if (anyOf) {
    const { markdownDescription: _, ...choice } = plain(anyOf.find((choice: Json) => choice['type'] !== 'null'), defs);
    Object.assign(out, choice);
  }
  for (const key of ['items', 'additionalProperties']) {
    if (typeof out[key] === 'object') out[key] = plain(out[key], defs);
  }
  if (out['properties']) out['properties'] = mapped(offered(out['properties']), (value) => plain(value, defs));
  return out;
}

/** Eighteen tasks have the same keys. One schema for all keeps the table readable. */
function together(schema: Json): Json {
  const { properties, additionalProperties, ...rest } = schema;
  return { ...rest, propertyNames: { enum: Object.keys(properties) }, additionalProperties: Object.values(properties)[0] };
}

/** VS Code shows each setting alone, so its description begins with that of its table. */
function below(table: Json, one: Json): Json {
  return { ...one, markdownDescription: `${table['markdownDescription']} ${one['markdownDescription']}` };
}

/** The settings that an editor may hold. */
function offered(properties: Json): Json {
  return Object.fromEntries(Object.entries<Json>(properties).filter(([key, schema]) => !isOwn(schema) && !useless.has(key)));
}

function mapped(object: Json, change: (value: Json) => Json): Json {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]));
}

/** Settings stand between the extension's own: `server` before them, `trace` behind. */
const ORDER = 10;

/**
 * The settings by their name in VS Code. Each applies on every machine and only in the user's own settings: a workspace has its
 * `.pennyworth.toml`, which can only tighten.
 */
export function settings(schema: Json): Json {
  const tables: Json = {};
  for (const [key, value] of Object.entries<Json>(offered(schema['properties']))) {
    const it = plain(value, schema['$defs']);
    if (key === 'tasks') tables[key] = together(it);
    else if (it['properties']) for (const [inner, one] of Object.entries<Json>(it['properties'])) tables[`${key}.${inner}`] = below(it, one);
    else tables[key] = it;
  }
  return Object.fromEntries(Object.entries<Json>(tables).map(([key, one]) => [`pennyworth.${inEditor(key)}`, shown(key, one, tables)]));
}

/** A setting as VS Code shows it: settings that its description names are links, and a name that differs from that in `config.toml` is told. */
function shown(key: string, one: Json, all: Json): Json {
  const linked = one['markdownDescription']?.replace(/`([a-z._]+)`/g, (text: string, name: string) =>
    name in all && name !== key ? `\`#pennyworth.${inEditor(name)}#\`` : text,
  );
  const other = inEditor(key) === key ? undefined : `In \`config.toml\`: \`${key}\`.`;
  const words = [linked, other].filter(Boolean).join(' ');
  return { ...one, ...(words && { markdownDescription: words }), scope: 'application', order: ORDER };
}

/** Returns package.json with these settings after the extension's own. */
export function withSettings(text: string, schema: Json): string {
  const json = JSON.parse(text);
  const configuration = json.contributes.configuration;
  const kept = Object.entries(configuration.properties).filter(([key]) => own(key));
  const settingsText = JSON.stringify({ ...Object.fromEntries(kept), ...settings(schema) }, null, 2);
  // Replaces only this object; the rest keeps its format.
  const start = text.indexOf('{', text.indexOf('"properties"', text.indexOf('"configuration"')));
  return text.slice(0, start) + settingsText.replace(/\n/g, '\n      ') + text.slice(end(text, start));
}

/** The position behind the object that begins at `start`. */
function end(text: string, start: number): number {
  let depth = 0;
  for (const { 0: token, index } of text.slice(start).matchAll(/"(?:[^"\\]|\\.)*"|[{}]/g)) {
    depth += token === '{' ? 1 : token === '}' ? -1 : 0;
    if (depth === 0) return start + index + 1;
  }
  throw new Error('package.json: an object does not end');
}

/** The server's name of each language, by the editors' ids. */
export function languagesById(): Json {
  const out: Json = {};
  for (const folder of readdirSync(join(root, 'grammars'), { withFileTypes: true }).filter((entry) => entry.isDirectory())) {
    const facts = read(join(root, 'grammars', folder.name, 'language.toml'));
    const name = /^name = "(.*)"$/m.exec(facts)?.[1];
    for (const [, id] of (/^ids = \[(.*)\]$/m.exec(facts)?.[1] ?? '').matchAll(/"(.*?)"/g)) if (name) out[id!] = name;
  }
  return out;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** The generated files: their content, and what it should be. */
export function files(): { path: string; is: string; should: string }[] {
  const schema = JSON.parse(readFileSync(join(root, 'editors/config.schema.json'), 'utf8'));
  const is = read(manifest);
  return [
    { path: manifest, is, should: withSettings(is, schema) },
    { path: languages, is: read(languages), should: JSON.stringify(languagesById(), null, 2) + '\n' },
  ];
}

if (import.meta.main) for (const { path, should } of files()) writeFileSync(path, should);
