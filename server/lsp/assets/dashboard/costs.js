
// The sections about money: caps and forecast, days, tasks, what was saved, and why nothing came.

/** What was spent beside the caps, the forecast, and how sure the figures are. */
function outlook() {
  const { cap_day: capDay, cap_month: capMonth, spent, forecast } = data.outlook;
  const card = (title, figure, ...more) => element('div', { class: 'card' }, element('h3', {}, title), element('div', { class: 'figure' }, figure), ...more);
  const ofCap = (title, part, cap) => {
    const share = cap > 0 ? part / cap : 0;
    return card(title, usd(part), bar(share, null, share >= 0.8), element('p', { class: 'soft' }, `${percent(part, cap)} of the cap of ${usd(cap)}`));
  };
  const unknown = (title) => card(title, 'unknown', element('p', { class: 'soft' }, 'the ledger does not know what was spent; `pennyworth check` says why'));
  const cards = spent ? [ofCap('Last 24 hours', spent.day, capDay), ofCap('This month, in UTC', spent.month, capMonth)] : [unknown('Last 24 hours'), unknown('This month, in UTC')];
  if (forecast) {
    const range = forecast.low === null ? '' : `between ${usd(forecast.low)} and ${usd(forecast.high)}, `;
    const isHigh = forecast.expected > capMonth && capMonth > 0;
    cards.push(card('At the end of the month', usd(forecast.expected), bar(capMonth > 0 ? forecast.expected / capMonth : 0, null, isHigh),
      element('p', { class: 'soft' }, `${range}by the last ${plural(forecast.days, 'day')}${isHigh ? '; the cap holds calls back before' : ''}`)));
  }
  const { calls, estimated } = total(['day', ...NAMED]);
  const old = data.models.filter(({ age }) => age !== null).sort((a, b) => b.age - a.age)[0];
  cards.push(card('How sure the figures are', calls ? `${percent(calls - estimated, calls)} billed` : NONE,
    element('p', { class: 'soft' }, `${calls ? `${percent(estimated, calls)} of ${plural(calls, 'call')} are estimates, as the provider sent no usage; ` : ''}${old ? `the oldest price, of ${old.name}, is ${plural(old.age, 'day')} old` : 'no model that costs money is switched on'}`)));
  const held = spent?.reserved ? element('p', { class: 'soft' }, `${usd(spent.reserved)} more are reserved for calls under way.`) : null;
  return section('outlook', 'Today and this month', null, element('div', { class: 'cards' }, ...cards), held);
}

const MEASURES = {
  cost: ['cost', money],
  calls: ['calls', count],
  shown: ['suggestions shown', count],
  chars: ['characters accepted', count],
};
const view = { by: 'model', measure: 'cost' };

/** Days, stacked by model, task or language. */
function daysSection() {
  const [title, written] = MEASURES[view.measure];
  const column = tables.cells[view.measure], by = view.by;
  const shownDays = days.slice(Math.max(days.length - chosen.span, 0));
  const rows = rowsOf(tables.cells, ['day']).filter((row) => column[row] > 0);
  const groups = byDay(rows, shownDays, {
    day: (row) => tables.cells.day[row], name: (row) => names[by][tables.cells[by][row]], value: (row) => column[row],
  });
  const spans = [7, 30, 90, 366].filter((span, at, all) => at === 0 || all[at - 1] < days.length).map((span) => [span, span === 366 ? 'year' : `${span} days`]);
  const controls = element('div', { class: 'choices' },
    choices('Show', Object.entries(MEASURES).map(([name, [shown]]) => [name, shown]), view.measure, (measure) => look({ measure })),
    choices('by', NAMED.map((name) => [name, name]), by, (name) => look({ by: name })),
    choices('of the last', spans, chosen.span, (span) => pick({ span, day: null })));
  const label = `Bars: ${title} a day, by ${by}, from ${shownDays[0]} to ${shownDays.at(-1)}. The table below has the figures.`;
  const sum = (place) => groups.reduce((all, { values }) => all + values[place], 0);
  const list = () => table(`${title} a day, by ${by}`, [
    { title: 'day', cell: (at) => choose('day', shownDays[at]) },
    ...groups.map(({ name, values }) => ({ title: name || '(none)', cell: (at) => (values[at] ? written(values[at]) : NONE) })),
    { title: 'all', cell: (at) => written(sum(at)) },
  ], [...shownDays.keys()].filter((at) => sum(at) > 0).reverse());
  const chart = groups.length ? stacked(label, shownDays, groups, written, { what: by, clicked: (day) => pick({ day: chosen.day === day ? null : day }) }) : [element('p', {}, 'Nothing in these days.')];
  return section('days', 'Days', 'A click on a day, or on a name, shows only that below.', controls, ...chart, groups.length ? behind('The same as a table', list) : null);
}

/** What each task cost and brought. */
function tasks() {
  const rows = sums('task');
  const columns = [
    { title: 'task', cell: ({ name, isTotal }) => (isTotal ? 'all' : choose('task', name)) },
    { title: 'calls', cell: ({ calls }) => count(calls) },
    { title: 'shown', cell: ({ shown }) => count(shown) },
    { title: 'accepted', cell: ({ accepted, shown }) => percent(accepted, shown) },
    { title: 'kept', hint: 'accepted characters that were still there a minute later', cell: ({ kept, checked }) => percent(kept, checked) },
    { title: 'p50 ms', hint: 'until the first text of a call', cell: (sum) => ms(wait(sum.rows, 0.5)) },
    { title: 'p95 ms', cell: (sum) => ms(wait(sum.rows, 0.95)) },
    { title: 'cost', cell: ({ cost }) => money(cost) },
    { title: 'per accepted character', cell: ({ cost, chars }) => (cost ? money(ratio(cost, chars)) : NONE) },
    { title: 'ceiling', hint: 'tokens allowed per answer', cell: ({ allowed, answers }) => count(ratio(allowed, answers)) },
    { title: 'used', hint: 'tokens per answer', cell: ({ used, answers }) => count(ratio(used, answers)) },
    { title: 'cut off', hint: 'answers that the ceiling ended', cell: ({ cutOff, answers }) => percent(cutOff, answers) },
  ];
  return section('tasks', 'By task', 'What each kind of place cost, and what you took. “Kept” is what was still there a minute after you took it.',
    rows.length ? table('Calls, suggestions and costs by task', columns, rows, { ...total(), isTotal: true }) : element('p', {}, 'Nothing in what is chosen.'));
}

/** The mean cost of a call by a key. */
function costs(by, without) {
  const found = [...addUp(tables.cells, ['cost', 'calls'], by, without).values()];
  return new Map(found.filter(({ calls }) => calls > 0).map(({ name, cost, calls }) => [name, cost / calls]));
}

/** The mean cost of a call for a task and language; of the task, or of all, where there was none. */
function priceOfCall() {
  // Whatever model is chosen: the embedded one has no calls.
  const { task, language } = tables.cells;
  const pair = (taskNumber, languageNumber) => taskNumber * names.language.length + languageNumber;
  const [both, one, all] = [costs((row) => pair(task[row], language[row]), ['model', 'day']), costs((row) => task[row], ['model', 'day']), costs('', ['model', 'day'])];
  return (taskNumber, languageNumber) => both.get(pair(taskNumber, languageNumber)) ?? one.get(taskNumber) ?? all.get('') ?? 0;
}

/** Calls that were not made or cost less, and the money of each. */
function savings() {
  const price = priceOfCall();
  const cells = tables.cells, found = { cache: [0, 0], lines: [0, 0], embedded: [0, 0], early: [0, 0], batched: [0, 0], gated: [0, 0] };
  const add = (what, calls, cost) => {
    found[what][0] += calls;
    found[what][1] += cost;
  };
  const share = new Map(data.models.map(({ name, batch }) => [name, batch]));
  for (const row of rowsOf(cells)) {
    const each = price(cells.task[row], cells.language[row]), model = names.model[cells.model[row]];
    add('cache', cells.fromCache[row], cells.fromCache[row] * each);
    add('lines', cells.fromLines[row], cells.fromLines[row] * each);
    if (model === 'embedded') add('embedded', cells.shown[row] - cells.fromCache[row], (cells.shown[row] - cells.fromCache[row]) * each);
    add('early', cells.early[row], cells.earlyCost[row]);
    const paid = share.get(model);
    if (paid > 0 && paid < 1) add('batched', cells.batched[row], cells.batchedCost[row] * (1 / paid - 1));
  }
  // Of the requests that reach the models, some are overtaken by the next key. As many of those that the gate stopped would have been.
  const replies = tables.replies, reached = { asked: 0, overtaken: 0 };
  const gated = [];
  for (const row of rowsOf(replies)) {
    const word = names.word[replies.word[row]], kind = data.reasons[word]?.[0];
    if (word === 'model' || kind === data.reasons.unsure[0]) reached.asked += replies.requests[row];
    if (word === 'superseded') reached.overtaken += replies.requests[row];
    if (kind === data.reasons.mid_word[0]) gated.push(row);
  }
  const asks = reached.asked + reached.overtaken ? reached.asked / (reached.asked + reached.overtaken) : 0;
  for (const row of gated) add('gated', replies.requests[row] * asks, replies.requests[row] * asks * price(replies.task[row], replies.language[row]));
  return { found, asks };
}

/** What was saved. */
function saved() {
  const { found, asks } = savings();
  const rows = [
    ['cache', 'Answered from the cache', 'suggestions that came from an earlier answer'],
    ['embedded', 'Answered by the model inside', 'suggestions of the embedded model, which costs nothing'],
    ['gated', 'Gated', `requests at places where a call would have brought nothing, ${percent(asks, 1)} of which would have led to a call`],
    ['lines', 'Read on', 'further lines of an answer that was there already'],
    ['early', 'Ended early', 'calls that ended once enough was read: at most what was left of their ceiling'],
    ['batched', 'Batched', 'tasks that waited for the price of a batch'],
  ].map(([id, title, says]) => ({ title, says, calls: found[id][0], cost: found[id][1], isCheaper: id === 'early' || id === 'batched' }));
  const all = rows.reduce((sum, row) => ({ ...sum, calls: sum.calls + (row.isCheaper ? 0 : row.calls), cost: sum.cost + row.cost }), { title: 'all', says: '', calls: 0, cost: 0 });
  const most = Math.max(...rows.map(({ cost }) => cost), 1);
  return section('saved', 'What was saved', 'Each suggestion that needed no call counts as one, at the mean cost of a call for the same task and language.',
    table('Calls and money that were saved', [
      { title: 'how', cell: ({ title }) => title },
      { title: 'calls', hint: 'not made; for the last two, made for less', cell: ({ calls }) => count(calls) },
      { title: 'money', cell: ({ cost }) => (cost ? money(cost) : NONE) },
      { title: '', cell: (row) => (row === all ? '' : bar(row.cost / most)) },
      { title: 'what', isLong: true, cell: ({ says }) => says },
    ], rows, all));
}

/** Why nothing came, by how often. */
function silences() {
  const rows = [...addUp(tables.replies, ['requests'], 'word').values()].map((row) => ({ ...row, reason: data.reasons[row.name] }));
  const isSource = ({ name }) => ['model', 'cache', 'lines', 'embedded'].includes(name);
  const silent = rows.filter((row) => !isSource(row)).sort((a, b) => b.requests - a.requests);
  const sum = (some) => some.reduce((all, { requests }) => all + requests, 0);
  const [all, none] = [sum(rows), sum(silent)];
  const most = silent[0]?.requests ?? 1;
  const says = all ? `${plural(none, 'request')} of ${all.toLocaleString('en-US')} got no suggestion (${percent(none, all)}). Editors ask at every key, so most should get none.` : 'Nothing was counted in what is chosen. Requests are counted since this version.';
  return section('silences', 'Why nothing came', says, silent.length ? table('Reasons by how often', [
    { title: 'reason', isLong: true, cell: ({ name, reason }) => reason?.[1] ?? name },
    { title: 'requests', cell: ({ requests }) => count(requests) },
    { title: 'share', cell: ({ requests }) => percent(requests, none) },
    { title: '', cell: ({ requests }) => bar(requests / most) },
    { title: 'kind', isLong: true, cell: ({ reason }) => reason?.[0] ?? 'a newer program knows' },
  ], silent) : null);
}
