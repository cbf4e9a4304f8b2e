
// The sections about models and providers: how good each is, what was learned, the dearest calls, errors, and what to change.

/** A share with its interval, in per cent. */
function uncertain(part, whole) {
  const [low, high] = interval(part, whole).map((end) => (end * 100).toFixed(0));
  return whole ? `${percent(part, whole)} (${low} to ${high})` : NONE;
}

/** Models: acceptance, waits, prices. */
function models() {
  const known = new Map(data.models.map((model) => [model.name, model]));
  const rows = sums('model').map((sum) => ({ ...sum, row: known.get(sum.name) }));
  const price = (place) => ({ row }) => (row ? (row.price[place] ? `$${Number(row.price[place].toPrecision(3))}` : 'free') : NONE);
  const columns = [
    { title: 'model', cell: ({ name }) => choose('model', name) },
    { title: 'tier', isText: true, cell: ({ name, row }) => (name === 'embedded' ? 'inside' : row ? row.tier : 'not switched on') },
    { title: 'shown', cell: ({ shown }) => count(shown) },
    { title: 'accepted (95 of 100)', cell: ({ accepted, shown }) => uncertain(accepted, shown) },
    { title: '', cell: ({ accepted, shown }) => (shown ? bar(accepted / shown, interval(accepted, shown)) : '') },
    { title: 'p50 ms', cell: (sum) => ms(wait(sum.rows, 0.5)) },
    { title: 'p95 ms', cell: (sum) => ms(wait(sum.rows, 0.95)) },
    { title: 'cost', cell: ({ cost }) => money(cost) },
    { title: 'per 1,000 accepted characters', cell: ({ cost, chars }) => (cost ? money(1000 * (ratio(cost, chars) ?? NaN)) : NONE) },
    { title: 'in', hint: 'US dollars per million tokens', cell: price(0) },
    { title: 'cached', cell: price(1) },
    { title: 'out', cell: price(2) },
    { title: 'price of', cell: ({ row }) => (row && row.age !== null ? row.as_of : NONE) },
    { title: 'notes', isLong: true, cell: ({ row }) => row?.notes.join('; ') ?? '' },
  ];
  return section('models', 'Models', 'The interval holds the true share 95 times of 100: two models whose intervals overlap may be equally good. Prices are per million tokens.',
    rows.length ? table('Models, the dearest first', columns, rows) : element('p', {}, 'Nothing in what is chosen.'), ...sureness(), ...routes());
}

/** What models said of their answers, against what was so. */
function sureness() {
  const lines = new Map();
  for (const sum of addUp(tables.sureness, ['said', 'shown', 'right'], (row) => `${tables.sureness.tenth[row]} ${tables.sureness.model[row]}`).values()) {
    const name = names.model[tables.sureness.model[sum.rows[0]]];
    if (!lines.has(name)) lines.set(name, { name, points: [], rows: [], shown: 0 });
    const line = lines.get(name), said = sum.said / 1000 / sum.shown;
    line.points.push([said, sum.right / sum.shown]);
    line.rows.push({ name, said, ...{ shown: sum.shown, right: sum.right } });
    line.shown += sum.shown;
  }
  const all = [...lines.values()].sort((a, b) => b.shown - a.shown).slice(0, COLOURS);
  if (!all.length) return [];
  const key = ({ name }, at) => {
    const box = element('i');
    box.style.background = `var(--c${at})`;
    return element('li', {}, box, name);
  };
  const rows = all.flatMap((line) => line.rows.sort((a, b) => a.said - b.said));
  return [
    element('h3', {}, 'How sure models are, and how often they are right'),
    element('p', { class: 'soft' }, 'On the dashed line a model is right as often as it says. Of all days.'),
    calibration('Lines: how often suggestions were right, by the probability that the model stated. The table below has the figures.', all),
    element('ul', { class: 'legend' }, ...all.map(key)),
    behind('The same as a table', () => table('Stated probabilities, and what was so', [
      { title: 'model', cell: ({ name }) => name },
      { title: 'suggestions', cell: ({ shown }) => count(shown) },
      { title: 'said', cell: ({ said }) => percent(said, 1) },
      { title: 'right (95 of 100)', cell: ({ right, shown }) => uncertain(right, shown) },
    ], rows)),
  ];
}

/** What routing has learned, and what follows from it. */
function routes() {
  const isChosen = (route) => NAMED.every((name) => chosen[name] === null || route[name] === chosen[name]);
  const { task, model } = tables.cells, pair = (taskNumber, modelNumber) => taskNumber * names.model.length + modelNumber;
  const means = costs((row) => pair(task[row], model[row]), ['day', ...NAMED]);
  const rows = data.learned.routes.filter(isChosen).map((route) => {
    const cost = means.get(pair(names.task.indexOf(route.task), names.model.indexOf(route.model))) ?? (route.model === 'embedded' ? 0 : null);
    const mean = route.acceptance?.mean ?? null;
    return { ...route, perAccepted: cost === null || !mean ? null : cost / mean };
  });
  if (!rows.length) return [];
  const best = new Map();
  const place = (row) => `${row.task} ${row.language}`;
  for (const row of rows) if (row.model !== 'embedded' && row.perAccepted !== null && !(best.get(place(row))?.perAccepted <= row.perAccepted)) best.set(place(row), row);
  const why = (row) => {
    if (row.model === 'embedded') return 'shown at once where it is sure enough';
    if (!row.acceptance) return 'is not in your tables any more';
    if (row.perAccepted === null) return 'was not called in these days';
    return best.get(place(row)) === row ? 'asked first: least per accepted suggestion' : 'asked if a cheaper one fails, or to learn more';
  };
  return [element('h3', {}, 'Learned routes'), behind(`What routing expects in ${plural(new Set(rows.map(place)).size, 'place')}, and why`, () => table('Expected acceptance; older suggestions count less', [
    { title: 'task', cell: ({ task }) => task },
    { title: 'language', isText: true, cell: ({ language }) => language },
    { title: 'model', isText: true, cell: ({ model }) => model },
    { title: 'shown', cell: ({ shown }) => shown.toFixed(1) },
    { title: 'expected', cell: ({ acceptance }) => (acceptance ? `${(acceptance.mean * 100).toFixed(0)} ± ${(acceptance.deviation * 100).toFixed(0)} %` : NONE) },
    { title: 'wait ms', cell: ({ wait_ms: time }) => ms(time) },
    { title: 'per accepted', cell: ({ perAccepted }) => money(perAccepted) },
    { title: 'why', isLong: true, cell: why },
  ], rows.sort((a, b) => place(a).localeCompare(place(b)) || (a.perAccepted ?? Infinity) - (b.perAccepted ?? Infinity))))];
}

/** The dearest twenty calls. */
function dearest() {
  const calls = tables.dearest;
  const rows = [...rowsOf(calls)].sort((a, b) => calls.cost[b] - calls.cost[a]).slice(0, 20);
  const name = (what) => (row) => names[what][calls[what][row]];
  return section('dearest', 'The dearest calls', null, rows.length ? table('The dearest twenty calls', [
    { title: 'when', cell: (row) => new Date(calls.at[row]).toLocaleString() },
    { title: 'model', isText: true, cell: name('model') },
    { title: 'task', isText: true, cell: name('task') },
    { title: 'language', isText: true, cell: name('language') },
    { title: 'end', isText: true, cell: name('word') },
    { title: 'input', cell: (row) => count(calls.input[row]) },
    { title: 'cached', cell: (row) => percent(calls.cached[row], calls.input[row]) },
    { title: 'output', cell: (row) => count(calls.output[row]) },
    { title: 'ms', cell: (row) => ms(calls.total[row]) },
    { title: 'cost', cell: (row) => money(calls.cost[row]) },
  ], rows) : element('p', {}, 'No call cost anything in what is chosen.'));
}

/** Errors by provider and kind over time, and what providers' caches had. */
function providers() {
  const errors = tables.errors;
  const shownDays = chosen.day === null ? days.slice(Math.max(days.length - chosen.span, 0)) : [chosen.day];
  const kind = (word) => (word === 'outrun' || word === '' ? 'took longer than we wait' : word);
  const name = (row) => `${names.provider[errors.provider[row]]}: ${kind(names.word[errors.word[row]])}`;
  const groups = byDay(rowsOf(errors), shownDays, { day: (row) => errors.day[row], name, value: (row) => errors.calls[row] });
  const list = () => table('Failed calls by provider and kind', [
    { title: 'provider: kind', cell: (row) => row.name }, { title: 'calls', cell: (row) => count(row.calls) },
  ], [...addUp(errors, ['calls'], name).values()].sort((a, b) => b.calls - a.calls));
  const chart = groups.length ? [...stacked('Bars: failed calls a day, by provider and kind. The table below has the figures.', shownDays, groups, count), behind('The same as a table', list)] : [element('p', {}, 'No call failed in what is chosen.')];
  const hits = sums('provider').filter(({ calls, input }) => calls > 0 && input > 0).sort((a, b) => b.input - a.input);
  return section('providers', 'Providers', null, element('h3', {}, 'Errors'), ...chart, element('h3', {}, 'What their caches had'), hits.length ? table('Input that was read from the provider’s cache', [
    { title: 'provider', cell: (row) => row.name || '(none)' },
    { title: 'calls', cell: ({ calls }) => count(calls) },
    { title: 'failed', cell: ({ failed, calls }) => percent(failed, calls) },
    { title: 'input tokens', cell: ({ input }) => count(input) },
    { title: 'from its cache', cell: ({ cached, input }) => percent(cached, input) },
    { title: '', cell: ({ cached, input }) => bar(cached / input) },
  ], hits) : element('p', {}, 'No input was counted.'));
}

/** What `pennyworth advise` says. */
function advice() {
  const pieces = data.advice.map(({ text, saving, lines }) => element('div', { class: 'advice' },
    element('p', {}, `${text}.`),
    saving && element('p', {}, element('strong', {}, `It saves ${usd(saving.expected)} a month`), ` (${usd(saving.low)} to ${usd(saving.high)}).`),
    lines.length ? element('pre', {}, lines.join('\n')) : null));
  return section('advice', 'What to change', `By the last ${plural(data.advice_days, 'day')}. \`pennyworth advise --apply\` writes the lines into config.toml.`,
    ...(pieces.length ? pieces : [element('p', {}, 'Nothing: no difference is larger than chance explains.')]));
}
