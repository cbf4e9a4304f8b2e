
// The charts, drawn by uPlot: stacked bars over days, and lines of shares. It leaves what they show to the sections.

/** Most groups with a colour of their own; the others are added up. */
const COLOURS = 7;
const OTHERS = 'others';
/** Steps of an axis that counts: no half calls. */
const WHOLE = [...Array(10).keys()].flatMap((zeros) => [1, 2, 5].map((one) => one * 10 ** zeros));
/** The charts on the page, which follow its width and its theme. */
const drawn = new Set();

const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const colour = (place) => style(`--c${Math.min(place, COLOURS)}`);

/** The groups of rows by day, whose number `day` gives, the largest first: `{name, values}`, a value for each of these days. */
function byDay(rows, shownDays, { day, name, value }) {
  const ofDay = new Map(shownDays.map((one, at) => [one, at]));
  const places = names.day.map((one) => ofDay.get(one));
  const all = new Map();
  for (const row of rows) {
    const place = places[day(row)];
    if (place === undefined) continue;
    const group = name(row);
    if (!all.has(group)) all.set(group, { name: group, sum: 0, values: new Array(shownDays.length).fill(0) });
    const one = all.get(group);
    one.values[place] += value(row);
    one.sum += value(row);
  }
  const groups = [...all.values()].filter(({ sum }) => sum > 0).sort((a, b) => b.sum - a.sum);
  if (groups.length <= COLOURS + 1) return groups;
  const others = { name: OTHERS, isOthers: true, sum: 0, values: new Array(shownDays.length).fill(0) };
  for (const group of groups.splice(COLOURS)) {
    others.sum += group.sum;
    group.values.forEach((one, place) => (others.values[place] += one));
  }
  return [...groups, others];
}

/** The axes in the colours of the theme. */
function axes(x, y) {
  const common = { stroke: style('--soft'), grid: { stroke: style('--line'), width: 1 }, ticks: { stroke: style('--line'), width: 1 }, font: '12px system-ui, sans-serif' };
  return [{ ...common, size: 32, grid: { show: false }, ...x }, { ...common, size: 64, ...y }];
}

/** Keeps a chart as wide as its place, and draws it anew in another theme. */
function place(holder, make) {
  let chart;
  const draw = () => {
    chart?.destroy();
    chart = make(Math.max(holder.clientWidth, 200));
  };
  drawn.add({ holder, draw, resize: () => chart?.setSize({ width: Math.max(holder.clientWidth, 200), height: chart.height }) });
  // It is in the page before it is drawn, so that it has a width.
  queueMicrotask(draw);
}

/** Stacked bars of groups over days, with a legend. A click on a bar calls `clicked` with the day; names in the legend choose themselves if `what` says what they are. */
function stacked(label, shownDays, groups, written, { clicked, what } = {}) {
  const holder = element('div', { class: clicked ? 'chart clicks' : 'chart', role: 'img', 'aria-label': label });
  const tip = element('div', { class: 'tip', hidden: true });
  const sums = shownDays.map(() => 0);
  // The last is drawn first, and each covers the sums below it.
  const stack = groups.map(({ values }) => values.map((value, at) => (sums[at] += value)));
  const xs = shownDays.map((_, at) => at);
  const bars = uPlot.paths.bars({ size: [0.85, 40], align: 0 });
  const nameDay = (at) => (Number.isInteger(at) ? (shownDays[at] ?? '').slice(5) : '');
  const tell = (chart) => {
    const { idx, left, top } = chart.cursor;
    tip.hidden = idx === null || idx === undefined || left < 0;
    if (tip.hidden) return;
    const line = (name, value) => element('div', {}, element('span', {}, name), element('span', {}, written(value)));
    const lines = groups.filter(({ values }) => values[idx] > 0).map(({ name, values }) => line(name || '(none)', values[idx]));
    tip.replaceChildren(element('strong', {}, shownDays[idx]), ...lines, line('all', sums[idx]));
    const isRight = left > chart.over.clientWidth / 2;
    tip.style.left = isRight ? 'auto' : `${chart.over.offsetLeft + left + 12}px`;
    tip.style.right = isRight ? `${chart.over.clientWidth - left + 12}px` : 'auto';
    tip.style.top = `${Math.max(top - 20, 0)}px`;
  };
  place(holder, (width) => {
    const series = groups.map((_, at) => ({ fill: colour(at), width: 0, paths: bars, points: { show: false } })).reverse();
    const chart = new uPlot({
      width, height: 260, legend: { show: false }, padding: [8, 8, 0, 0],
      scales: { x: { time: false, range: [-0.6, Math.max(shownDays.length - 0.4, 1)] }, y: { range: (_, __, most) => [0, most > 0 ? most * 1.05 : 1] } },
      axes: axes({ values: (_, at) => at.map(nameDay), space: 60, incrs: [1, 2, 7, 14, 30, 60, 90] }, { values: (_, at) => at.map((one) => (one ? written(one) : '0')), ...(written === count ? { incrs: WHOLE } : {}) }),
      cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
      series: [{}, ...series],
      hooks: { setCursor: [tell] },
    }, [xs, ...stack.toReversed()], holder);
    holder.append(tip);
    if (clicked) chart.over.addEventListener('click', () => chart.cursor.idx !== null && clicked(shownDays[chart.cursor.idx]));
    return chart;
  });
  const key = (at) => {
    const box = element('i');
    box.style.background = `var(--c${Math.min(at, COLOURS)})`;
    return box;
  };
  const legend = element('ul', { class: 'legend' }, ...groups.map(({ name, isOthers }, at) =>
    element('li', {}, key(at), what && !isOthers ? choose(what, name) : name || '(none)')));
  return [holder, legend];
}

/** Lines of points, each from 0 to 1, over a diagonal: what was said against what was so. */
function calibration(label, lines) {
  const holder = element('div', { class: 'chart', role: 'img', 'aria-label': label });
  const xs = [...new Set([0, 1, ...lines.flatMap(({ points }) => points.map(([x]) => x))])].sort((a, b) => a - b);
  const columns = lines.map(({ points }) => {
    const at = new Map(points);
    return xs.map((x) => at.get(x) ?? null);
  });
  const shares = (_, at) => at.map((share) => `${Math.round(share * 100)} %`);
  place(holder, (width) => new uPlot({
    width: Math.min(width, 560), height: 300, legend: { show: false }, padding: [8, 28, 0, 0],
    scales: { x: { time: false, range: [0, 1] }, y: { range: [0, 1] } },
    axes: axes({ values: shares, label: 'said', labelSize: 20 }, { values: shares, label: 'right', labelSize: 20 }),
    cursor: { show: false },
    series: [{}, { stroke: style('--soft'), width: 1, dash: [4, 4], spanGaps: true, points: { show: false } },
      ...lines.map((_, at) => ({ stroke: colour(at), width: 2, spanGaps: true, points: { show: true, size: 7, fill: colour(at) } }))],
  }, [xs, xs, ...columns], holder));
  return holder;
}

addEventListener('resize', () => drawn.forEach(({ resize }) => resize()));
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => drawn.forEach(({ draw }) => draw()));
// An editor changes its theme by a class.
new MutationObserver(() => drawn.forEach(({ draw }) => draw())).observe(document.body, { attributeFilter: ['class'] });
