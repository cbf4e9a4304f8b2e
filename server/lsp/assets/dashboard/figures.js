
// The figures of the page: reads them, adds them up under what is chosen, and writes numbers. It leaves elements and charts to the files behind it.
'use strict';

const data = JSON.parse(document.getElementById('data').textContent);
const { names } = data;

/** Columns as arrays of numbers. */
function read(columns) {
  return Object.fromEntries(Object.entries(columns).map(([name, numbers]) => [name, new Float64Array(numbers)]));
}
const tables = { cells: read(data.cells), sureness: read(data.sureness), errors: read(data.errors), dearest: read(data.dearest), replies: read(data.replies) };

/** Days in their order, without gaps, from the first with a figure to today. */
const days = (() => {
  const known = names.day.filter((day) => /^\d{4}-\d\d-\d\d$/.test(day)).sort();
  const today = data.outlook.today || known.at(-1);
  const all = [];
  for (let at = Date.parse(known[0]); at <= Date.parse(today); at += 86_400_000) all.push(new Date(at).toISOString().slice(0, 10));
  return all;
})();
/** The place of each day's number among `days`. */
const placeOfDay = (() => {
  const places = new Map(days.map((day, place) => [day, place]));
  return names.day.map((day) => places.get(day) ?? -1);
})();

/** What is chosen: the latest days, and one day, model, task or language. */
const chosen = { span: 30, day: null, model: null, task: null, language: null };
const NAMED = ['model', 'task', 'language'];

/** The rows of each table that were found to count, until something else is chosen. */
const counted = new Map();

/** The rows of a table that count under what is chosen. Columns that a table does not have exclude nothing. */
function rowsOf(table, without = []) {
  const known = `${Object.keys(tables).find((name) => tables[name] === table)} ${without}`;
  if (counted.has(known)) return counted.get(known);
  const only = chosen.day === null ? null : days.indexOf(chosen.day), first = days.length - chosen.span;
  const isDay = placeOfDay.map((place) => (only === null ? place >= first : place === only));
  const exact = NAMED.filter((name) => chosen[name] !== null && table[name] && !without.includes(name)).map((name) => [table[name], names[name].indexOf(chosen[name])]);
  const ofDay = table.day && !without.includes('day') ? table.day : null;
  const found = [];
  const length = Object.values(table)[0].length;
  for (let row = 0; row < length; row += 1) {
    if ((!ofDay || isDay[ofDay[row]]) && exact.every(([column, number]) => column[row] === number)) found.push(row);
  }
  counted.set(known, found);
  return found;
}

/** The sums of columns of a table by a key, which is a column's name or a function of a row; `''` makes one sum. */
function addUp(table, columns, by = '', without = []) {
  const column = table[by];
  const key = typeof by === 'function' ? by : column ? (row) => column[row] : () => '';
  const groups = new Map();
  for (const row of rowsOf(table, without)) {
    const name = key(row), rows = groups.get(name);
    if (rows) rows.push(row);
    else groups.set(name, [row]);
  }
  const sum = (rows, of) => {
    let all = 0;
    for (const row of rows) all += of[row];
    return all;
  };
  return new Map([...groups].map(([name, rows]) => {
    const shown = column ? names[by][name] : name;
    return [shown, { name: shown, rows, ...Object.fromEntries(columns.map((of) => [of, sum(rows, table[of])])) }];
  }));
}

const SUMS = ['calls', 'estimated', 'failed', 'aborted', 'outrun', 'input', 'cached', 'output', 'cost', 'answers', 'allowed', 'used', 'cutOff',
  'early', 'earlyCost', 'batched', 'batchedCost', 'shown', 'accepted', 'fromCache', 'fromLines', 'chars', 'checked', 'kept'];

/** The sums of calls and suggestions by a key, the dearest first. */
function sums(by, without = []) {
  return [...addUp(tables.cells, SUMS, by, without).values()].sort((a, b) => b.cost - a.cost || b.shown - a.shown);
}

/** The sum of everything that is chosen. */
function total(without = []) {
  return sums('', without)[0] ?? { name: '', rows: [], ...Object.fromEntries(SUMS.map((column) => [column, 0])) };
}

/** The wait that a share of the calls in these cells did not exceed, in milliseconds. Four steps double it; inside one they are spread evenly. */
function wait(cells, share) {
  const counts = new Map();
  let all = 0;
  for (const cell of cells) {
    const pairs = data.waits[cell];
    for (let at = 0; at < pairs.length; at += 2) {
      counts.set(pairs[at], (counts.get(pairs[at]) ?? 0) + pairs[at + 1]);
      all += pairs[at + 1];
    }
  }
  let left = all * share;
  for (const [step, count] of [...counts].sort(([a], [b]) => a - b)) {
    if (left <= count) return 2 ** ((step - 0.5 + left / count) / 4);
    left -= count;
  }
  return null;
}

/** The interval of a share, after Wilson (1927): 95 of 100 hold what is so. */
function interval(part, whole) {
  if (!whole) return [0, 1];
  const z = 1.96, p = Math.min(part, whole) / whole;
  const middle = p + (z * z) / (2 * whole), wide = z * Math.sqrt((p * (1 - p)) / whole + (z * z) / (4 * whole * whole));
  return [middle - wide, middle + wide].map((end) => Math.min(Math.max(end / (1 + (z * z) / whole), 0), 1));
}

const NONE = '–';

/** Nanodollars as money, with two digits that count. */
function money(nano) {
  if (nano === null || Number.isNaN(nano)) return NONE;
  const usd = nano / 1e9, amount = Math.abs(usd);
  if (amount === 0) return '$0.00';
  if (amount < 1e-9) return '<$0.000000001';
  const digits = amount < 0.1 ? Math.min(1 - Math.floor(Math.log10(amount)), 9) : 2;
  return `${usd < 0 ? '-' : ''}$${amount.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })}`;
}
const usd = (dollars) => (dollars === null ? NONE : money(dollars * 1e9));
const count = (number) => (number ? Math.round(number).toLocaleString('en-US') : NONE);
const percent = (part, whole) => (whole ? `${((part / whole) * 100).toFixed(part / whole < 0.1 && part ? 1 : 0)} %` : NONE);
const ms = (time) => (time === null ? NONE : time < 9_950 ? `${Number(time.toPrecision(2)).toLocaleString('en-US')}` : `${Math.round(time / 1000)} s`);
const ratio = (part, whole) => (whole ? part / whole : null);
const plural = (number, word) => `${number.toLocaleString('en-US')} ${word}${number === 1 ? '' : 's'}`;
