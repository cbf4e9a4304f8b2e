
// The page as a whole: what is chosen, the sections in their order, and loading anew. What is chosen stands in the address, so it outlives that.

const KEYS = ['span', 'day', ...NAMED];

/** Reads what is chosen from the address; what is not in the figures is left out. */
function fromAddress() {
  const said = new URLSearchParams(location.hash.slice(1));
  for (const what of NAMED) chosen[what] = names[what].includes(said.get(what)) ? said.get(what) : null;
  chosen.day = days.includes(said.get('day')) ? said.get('day') : null;
  const span = Number(said.get('span'));
  if (span > 0) chosen.span = span;
}

/** Chooses, and draws what follows from it. */
function pick(changes) {
  Object.assign(chosen, changes);
  const said = new URLSearchParams();
  for (const what of KEYS) if (chosen[what] !== null && !(what === 'span' && chosen.span === 30)) said.set(what, chosen[what]);
  // A page that an editor holds has no address of its own.
  try {
    history.replaceState(null, '', `#${said}`);
  } catch {}
  redraw();
}

/** Looks at the days in another way. */
function look(changes) {
  Object.assign(view, changes);
  redraw();
}

/** The bar that says what is chosen, with a button to give up each. */
function filterBar() {
  const bar = document.getElementById('filter');
  const is = ['day', ...NAMED].filter((what) => chosen[what] !== null);
  const give = (what) => element('button', { type: 'button', 'aria-label': `show every ${what} again`, onclick: () => pick({ [what]: null }) }, `${what}: ${chosen[what]} ×`);
  bar.replaceChildren(...(is.length ? ['Only', ...is.map(give)] : []));
}

/** Draws every section but the first, which is about all. The element that has the focus gets it back. */
function redraw() {
  const focused = document.activeElement?.textContent, inside = document.activeElement?.closest('section')?.id;
  const open = new Set([...document.querySelectorAll('details[open]')].map((one) => `${one.closest('section').id} ${one.previousElementSibling?.className}`));
  drawn.clear();
  counted.clear();
  filterBar();
  const sections = [outlook, daysSection, tasks, saved, silences, models, dearest, providers, against, trial, advice];
  document.getElementById('main').replaceChildren(...sections.map((draw) => draw()).filter(Boolean));
  for (const one of document.querySelectorAll('details')) if (open.has(`${one.closest('section').id} ${one.previousElementSibling?.className}`)) one.open = true;
  if (inside) [...document.querySelectorAll(`#${inside} button`)].find((button) => button.textContent === focused)?.focus();
}

/** What a page without figures says. */
function nothing() {
  const empty = element('div', { class: 'empty' },
    element('h2', {}, 'Nothing was asked or suggested yet'),
    element('p', {}, 'Open a file in your editor and type: each call and each suggestion gets a row in the ledger, and this page shows them.'),
    element('p', {}, 'If nothing comes, ', element('code', {}, 'pennyworth check'), ' says what is missing. Then make this page again with ', element('code', {}, 'pennyworth dashboard'), '.'));
  document.getElementById('main').replaceChildren(...[empty, against(), trial()].filter(Boolean));
}

document.getElementById('made').textContent = `Pennyworth ${data.program}, ${new Date(data.made_ms).toLocaleString()}${data.again_ms ? '; kept fresh' : ''}`;
if (names.model.length === 0 && names.word.length === 0) {
  nothing();
} else {
  // Who has only models that cost nothing sees what came of them.
  if (!total(['day', ...NAMED]).cost) view.measure = 'shown';
  fromAddress();
  redraw();
  addEventListener('hashchange', () => {
    fromAddress();
    redraw();
  });
}
// After the charts, which are drawn in microtasks: milliseconds since the page was opened.
setTimeout(() => (document.documentElement.dataset.drawn = String(Math.round(performance.now()))));
if (data.again_ms) setInterval(() => document.visibilityState === 'visible' && location.reload(), data.again_ms);
