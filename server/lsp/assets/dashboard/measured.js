
// What was measured besides the ledger: a provider's own books, and the last trial. Neither has a section until somebody asked for it.

/** US dollars as money. */
const ofUsd = (usd) => money(usd * 1e9);

/** The ledger beside what a provider says. */
function against() {
  const both = data.against;
  if (!both) return null;
  const rows = both.spans;
  const says = `What the ledger has beside what ${both.provider} says, by days in UTC.`;
  return section('against', 'Checked against the provider', says, rows.length ? table('The ledger beside the provider', [
    { title: 'day', cell: (row) => row.span },
    { title: 'ledger', cell: (row) => ofUsd(row.ledger_usd) },
    { title: 'provider', cell: (row) => ofUsd(row.provider_usd) },
    { title: 'difference', cell: (row) => (row.difference_percent === null ? NONE : `${row.difference_percent > 0 ? '+' : ''}${row.difference_percent.toFixed(1)} %`) },
    { title: 'calls here', cell: (row) => count(row.ledger_calls) },
    { title: 'calls there', cell: (row) => (row.provider_calls === null ? NONE : count(row.provider_calls)) },
    { title: 'why', isLong: true, cell: (row) => row.why.join('; ') },
  ], rows) : element('p', {}, 'Neither has a call in these days.'));
}

/** A figure with its interval, each written by `of`. */
function withEnds({ value, low, high }, of) {
  return low === null ? of(value) : `${of(value)} (${of(low)} to ${of(high)})`;
}

/** The last trial. */
function trial() {
  const last = data.trial;
  if (!last || !last.candidates.length) return null;
  const share = (value) => `${(value * 100).toFixed(0)} %`, number = (value) => value.toFixed(1);
  const columns = [
    { title: 'model', cell: ({ name }) => name },
    { title: 'holes', cell: ({ holes }) => count(holes) },
    { title: 'right', cell: ({ right }) => withEnds(right, share) },
    { title: 'first line', cell: (row) => withEnds(row.first_line, share) },
    { title: 'saved at a hole', cell: ({ saved: chars }) => withEnds(chars, number) },
    { title: 'wait ms', cell: (row) => (row.wait_p50_ms === null ? NONE : ms(row.wait_p50_ms)) },
    { title: 'cost', cell: (row) => ofUsd(row.cost_usd) },
    { title: 'per 1,000 right characters', cell: (row) => (row.usd_per_1000 === null ? NONE : withEnds(row.usd_per_1000, ofUsd)) },
  ];
  const rows = last.candidates.map(({ name, all }) => ({ name, ...all })).filter(({ holes }) => holes > 0);
  const tasks = last.candidates.flatMap(({ name, tasks: of }) => Object.entries(of).map(([task, figures]) => ({ task, name, ...figures })));
  const sure = last.differences.filter((pair) => pair.task === null && pair.is_more_than_chance)
    .map((pair) => element('p', {}, `${pair.one} saves more than ${pair.other}: ${withEnds(pair.saved, number)} characters a hole, more than chance explains.`));
  const waiting = last.candidates.filter((one) => one.waiting > 0)
    .map((one) => element('p', {}, `${one.name}: ${count(one.waiting)} of its answers are in a batch, and may still come.`));
  const unknown = rows.some((row) => row.shown > 0 && row.wait_p50_ms === null) ? ' Nobody waited for answers that came in batches, so their waits are not known.' : '';
  const says = `Of ${new Date(last.trial).toLocaleString()}, ${last.holes}: what models did at holes in your own code. An interval holds the true figure 95 times of 100.${unknown}`;
  return section('trial', 'The last trial', says, ...waiting, table('What each model did', columns, rows), ...sure,
    behind('By task', () => table('What each model did, by task', [{ title: 'task', cell: ({ task }) => task }, ...columns.map((column) => ({ ...column, isText: column.title === 'model' }))], tasks.sort((a, b) => a.task.localeCompare(b.task)))));
}
