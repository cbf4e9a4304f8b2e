// Writes what follows from other parts of the repository: the settings in package.json from the server's schema, and the languages by
// the ids that editors give them. `npm run generate` writes; a unit test looks whether it should have been run.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

type Json = Record<string, any>;

const here = join(import.meta.dirname, '..');
const root = join(here, '../..');
const manifest = join(here, 'package.json');
const languages = join(here, 'src/languages.json');

/** Settings of this extension, which the server does not know. */
const own = (key: string) => /^pennyworth\.(server|trace)\./.test(key);
/** Only the user's own config.toml may say these, or there is nothing to say here: a menu is not shown beside ghost text. */
const elsewhere = new Set(['model', 'provider', 'format', 'telemetry', 'completion_menu']);

/** A schema as VS Code reads it: references resolved, what only others understand left out. */
function plain(schema: Json, defs: Json): Json {
  if (schema['$ref']) {
    const { $ref, ...rest } = schema;
    return plain({ ...defs[$ref.split('/').at(-1)], ...rest }, defs);
  }
  const { description, format, oneOf, anyOf, 'x-adds': _, ...rest } = schema;
  const out: Json = { ...rest };
  if (description) out['markdownDescription'] = description.replace(/(?<!\n)\n(?!\n)/g, ' ');
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
  if (out['properties']) out['properties'] = mapped(out['properties'], (value) => plain(value, defs));
  return out;
}

/** Eighteen tasks have the same keys; said once, the table stays readable. */
function together(schema: Json): Json {
  const { properties, additionalProperties, ...rest } = schema;
  return { ...rest, propertyNames: { enum: Object.keys(properties) }, additionalProperties: Object.values(properties)[0] };
}

/** A setting is read alone, so it says what the table it stands in is about. */
function below(table: Json, one: Json): Json {
  return { ...one, markdownDescription: `${table['markdownDescription']} ${one['markdownDescription']}` };
}

function mapped(object: Json, change: (value: Json) => Json): Json {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]));
}

/**
 * The settings by their name in VS Code. Each holds on every machine and stands in the user's own settings only: a workspace's say in the matter is its `.pennyworth.toml`,
 * which can but tighten.
 */
export function settings(schema: Json): Json {
  const out: Json = {};
  const add = (key: string, value: Json) => (out[`pennyworth.${key}`] = { ...value, scope: 'application' });
  for (const [key, value] of Object.entries<Json>(schema['properties']).filter(([key]) => !elsewhere.has(key))) {
    const it = plain(value, schema['$defs']);
    if (key === 'tasks') add(key, together(it));
    else if (it['properties']) for (const [inner, one] of Object.entries<Json>(it['properties'])) add(`${key}.${inner}`, below(it, one));
    else add(key, it);
  }
  return out;
}

/** package.json with these settings behind the extension's own. */
export function withSettings(text: string, schema: Json): string {
  const json = JSON.parse(text);
  const configuration = json.contributes.configuration;
  const kept = Object.entries(configuration.properties).filter(([key]) => own(key));
  const settingsText = JSON.stringify({ ...Object.fromEntries(kept), ...settings(schema) }, null, 2);
  // Only the one object is written anew; the rest keeps its form.
  const start = text.indexOf('{', text.indexOf('"properties"', text.indexOf('"configuration"')));
  return text.slice(0, start) + settingsText.replace(/\n/g, '\n      ') + text.slice(end(text, start));
}

/** Behind the object that begins at `start`. */
function end(text: string, start: number): number {
  let depth = 0;
  for (const { 0: token, index } of text.slice(start).matchAll(/"(?:[^"\\]|\\.)*"|[{}]/g)) {
    depth += token === '{' ? 1 : token === '}' ? -1 : 0;
    if (depth === 0) return start + index + 1;
  }
  throw new Error('package.json: an object does not end');
}

/** The server's name of a language by the id an editor gives it. */
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

/** What the generated files hold and what they should. */
export function files(): { path: string; is: string; should: string }[] {
  const schema = JSON.parse(readFileSync(join(root, 'editors/config.schema.json'), 'utf8'));
  const is = read(manifest);
  return [
    { path: manifest, is, should: withSettings(is, schema) },
    { path: languages, is: read(languages), should: JSON.stringify(languagesById(), null, 2) + '\n' },
  ];
}

if (import.meta.main) for (const { path, should } of files()) writeFileSync(path, should);
