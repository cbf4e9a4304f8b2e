
// Elements of the page: text, tables, bars and choices. Everything is written as text, never as HTML. It leaves what they say to the sections.

/** An element with attributes and children; a string becomes text. */
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? '' : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** A section with a heading; `says` is a sentence below it. */
function section(id, title, says, ...children) {
  const heading = element('h2', { id: `${id}-title` }, title);
  return element('section', { id, 'aria-labelledby': heading.id }, heading, says ? element('p', { class: 'soft' }, says) : null, ...children);
}

/** A bar of a share from 0 to 1; with an interval, its ends are marked. */
function bar(share, ends, isHigh) {
  const made = element('div', { class: isHigh ? 'bar high' : 'bar', 'aria-hidden': 'true' });
  const part = (from, to) => {
    const one = element('i');
    one.style.left = `${from * 100}%`;
    one.style.width = `${Math.max(to - from, 0) * 100}%`;
    made.append(one);
  };
  part(0, Math.min(Math.max(share, 0), 1));
  if (ends) part(ends[0], ends[1]);
  return made;
}

/**
 * A table. A column has a title and a cell of a row: a string, or an element. Its first column names the row. `isText` aligns a column to the left; `isLong`
 * also breaks its lines.
 */
function table(caption, columns, rows, foot) {
  const cell = (column, row, place, tag = place === 0 ? 'th' : 'td') =>
    element(tag, { class: column.isLong ? 'text long' : column.isText ? 'text' : null, scope: tag === 'th' ? 'row' : null }, column.cell(row));
  const head = element('thead', {}, element('tr', {}, ...columns.map(({ title, isText, isLong, hint }) =>
    element('th', { scope: 'col', class: isText || isLong ? 'text' : null, title: hint }, title))));
  const body = element('tbody', {}, ...rows.map((row) => element('tr', {}, ...columns.map((column, place) => cell(column, row, place)))));
  const end = foot && element('tfoot', {}, element('tr', {}, ...columns.map((column, place) => cell(column, foot, place))));
  // A table that scrolls can be reached by the keyboard.
  const scroll = element('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': caption });
  scroll.append(element('table', {}, element('caption', {}, caption), head, body, ...(end ? [end] : [])));
  return scroll;
}

/** The table behind a chart. It is made when it is opened: a year has many rows. */
function behind(title, make) {
  const made = element('details', { ontoggle: () => made.open && made.children.length === 1 && made.append(make()) }, element('summary', {}, title));
  return made;
}

/** A name that chooses itself, or gives up the choice. */
function choose(what, name, shown = name) {
  const is = chosen[what] === name;
  return element('button', {
    type: 'button', class: 'name', 'aria-pressed': String(is),
    title: is ? `${name}: show everything again` : `show only ${name}`,
    onclick: () => pick({ [what]: is ? null : name }),
  }, shown || '(none)');
}

/** Buttons of which one is pressed. */
function choices(title, options, is, act) {
  const buttons = options.map(([value, shown]) =>
    element('button', { type: 'button', 'aria-pressed': String(value === is), onclick: () => act(value) }, shown));
  return element('span', { role: 'group', 'aria-label': title }, element('span', { class: 'soft' }, title), ...buttons);
}
