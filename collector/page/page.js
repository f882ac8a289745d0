// The plain live page: what stands in it and what a person does there.

import { el, sync } from './dom.js';
import { Feed, act, read, read_all } from './feed.js';
import { amount, date_time, duration, language, named, number, supply_name, switch_language, text, time_of_day } from './words.js';

const most_rows = 5_000; // of open faults and of open orders
const shown_at_first = 100;
const page_size = 100;
const devices_every_ms = 10_000; // measurements come without a message
const marks = {
  online: '●', ok: '●', fault: '▲', severe: '▲', offline: '■', switched_off: '○', disabled: '○', warning: '◆',
  maintenance: '◆', general: '◆', busy: '◐', unknown: '?',
};

const by_id = (id) => document.getElementById(id);
const state = {
  faults: new Map(), orders: new Map(), figures: null, conditions: null, terminals: [], next: null, devices: null,
};
const view = { faults: shown_at_first, orders: shown_at_first, filter: '', search: '', cursors: [''], chosen: null };
const busy = new Set(); // orders whose step is under way
let down_since = null;
let live = false;
let ever_live = false;

// ---- reading

const read_terminals = () => read('terminals', {
  limit: page_size, cursor: view.cursors.at(-1), state: view.filter, q: view.search,
});
const read_devices = async (code) => ({ code, items: (await read('devices', { terminal: code, limit: 500 })).items });

async function load() {
  const [faults, orders, terminals] = await Promise.all([
    read_all('faults', { state: 'open' }, most_rows),
    read_all('orders', { state: 'open' }, most_rows),
    read_terminals(),
    state.conditions ?? read('conditions').then(({ items }) => {
      state.conditions = new Map(items.map((row) => [row.code, row]));
    }),
  ]);
  const chosen = view.chosen ?? terminals.items[0]?.terminal_code;
  return { faults, orders, terminals, devices: chosen ? await read_devices(chosen) : null };
}

function install({ faults, orders, terminals, devices }) {
  state.faults = new Map(faults.map((row) => [row.id, row]));
  state.orders = new Map(orders.map((row) => [row.id, row]));
  take_terminals(terminals);
  if (devices && (view.chosen ?? devices.code) === devices.code) {
    view.chosen = devices.code;
    state.devices = devices.items;
  }
  show();
}

function take_terminals(page) {
  state.terminals = page.items;
  state.next = page.next_cursor;
}

/// One thing at a time; when it is asked for again meanwhile, once more.
function serial(work, pause_ms = 0) {
  let running = false;
  let again = false;
  return async () => {
    if (running) { again = true; return; }
    running = true;
    do {
      again = false;
      await work().catch((error) => console.warn('not read', error));
      if (again && pause_ms) await new Promise((done) => { setTimeout(done, pause_ms); });
    } while (again);
    running = false;
  };
}

const reload_terminals = serial(async () => {
  const asked = JSON.stringify([view.filter, view.search, view.cursors]);
  const page = await read_terminals();
  if (asked !== JSON.stringify([view.filter, view.search, view.cursors])) return;
  take_terminals(page);
  if (!view.chosen && page.items.length) choose(page.items[0].terminal_code);
  show();
}, 1_000);

const reload_devices = serial(async () => {
  const code = view.chosen;
  if (!code) return;
  const { items } = await read_devices(code);
  if (code !== view.chosen) return;
  state.devices = items;
  show();
}, 200);

const fits = (row) => (!view.filter || row.state === view.filter) && (!view.search
  || `${row.terminal_code}\n${row.name}`.toLowerCase().includes(view.search.toLowerCase()));

function apply({ terminals = [], figures }) {
  const changed = new Set(terminals.map((one) => one.terminal.terminal_code));
  for (const rows of [state.faults, state.orders]) {
    for (const [id, row] of rows) if (changed.has(row.terminal_code)) rows.delete(id);
  }
  let stale = false;
  for (const { terminal, faults, orders } of terminals) {
    for (const row of faults) state.faults.set(row.id, row);
    for (const row of orders) state.orders.set(row.id, row);
    const at = state.terminals.findIndex((row) => row.terminal_code === terminal.terminal_code);
    if (at >= 0) state.terminals[at] = terminal;
    if (fits(terminal) !== at >= 0) stale = true; // comes, goes, or is on another page
  }
  if (figures) state.figures = figures;
  if (stale) reload_terminals();
  if (changed.has(view.chosen)) reload_devices();
  show();
}

// ---- showing

const tag = (value, list, kind = value) => el('span', { class: `tag ${kind}` },
  el('span', { class: 'mark', ariaHidden: 'true' }, marks[kind] ?? '●'), named(list, value));
const says = (code) => state.conditions?.get(code)?.[language === 'en' ? 'en' : 'zh'] ?? code;
const lasts = (since) => (since == null ? '' : el('time', {
  class: 'lasts', dateTime: since, title: text('since', { time: date_time(since) }), data: { since },
}, duration((feed.now() - Date.parse(since)) / 1000)));
const cell = (label, ...children) => el('td', { data: { label: text(label) } }, ...children);
const terminal_link = (code) => el('button', {
  class: 'link', type: 'button', title: code, onclick: () => choose(code, true),
}, code);
const newest_first = (a, b) => (a.at + a.row.id < b.at + b.row.id ? 1 : -1);

/// `seen`: all that a row shows; it is built anew only when that changes.
function rows_of(id, items, key, build, seen) {
  sync(by_id(id), items, {
    key: (row) => row[key],
    sign: (row) => JSON.stringify([language, seen(row)]),
    build,
  });
}

function list(id, rows, at, build, seen) {
  const all = [...rows.values()].map((row) => ({ row, at: at(row) })).sort(newest_first).map(({ row }) => row);
  rows_of(id, all.slice(0, view[id]), 'id', build, seen);
  const capped = all.length >= most_rows ? ` (${text('only_newest', { n: number(most_rows) })})` : '';
  by_id(`${id}-count`).textContent = number(all.length) + capped;
  by_id(`${id}-none`).hidden = all.length > 0 || !ever_live;
  const hidden = all.length - view[id];
  const more = by_id(`${id}-more`);
  more.hidden = hidden <= 0;
  more.textContent = text('show_more', { n: number(Math.min(hidden, shown_at_first)), all: number(all.length) });
}

const fault_row = (row) => el('tr', {},
  cell('fault', tag(row.level, 'level'), ' ', el('strong', { title: row.code }, says(row.code))),
  cell('terminal', terminal_link(row.terminal_code)),
  cell('device', row.device ?? text('itself')),
  cell('lasting', lasts(row.since)),
  cell('order', el('span', { class: 'whole' }, row.order ?? '–')));

const step_of = { dispatched: 'accept', accepted: 'resolve', on_site: 'resolve', resolved: 'close' };

function order_row(row) {
  const action = step_of[row.state];
  const button = action && el('button', {
    class: 'act', type: 'button', disabled: busy.has(row.id), onclick: () => take_step(row, action),
  }, text(`act.${action}`));
  return el('tr', {},
    cell('order', el('span', { class: 'whole' }, row.number)),
    cell('fault', tag(row.level, 'level'), ' ', el('strong', { title: row.code }, says(row.code))),
    cell('terminal', terminal_link(row.terminal_code), row.device ? ` · ${row.device}` : ''),
    cell('state', el('span', { class: 'whole' }, named('order', row.state))),
    cell('age', lasts(row.created_at)),
    cell('step', button ?? '–'));
}

/// Since when the terminal is as it is, as far as the page can tell.
function state_since(row) {
  if (row.state === 'offline' || row.state === 'switched_off') return row.last_seen_at;
  const began = [...state.faults.values()]
    .filter((fault) => fault.terminal_code === row.terminal_code && fault.device).map((fault) => fault.since);
  return row.state === 'fault' ? began.sort()[0] ?? null : null;
}

const terminal_row = (row) => el('tr', { class: row.terminal_code === view.chosen ? 'chosen' : '' },
  cell('terminal', terminal_link(row.terminal_code),
    row.name && row.name !== row.terminal_code ? el('span', { class: 'name' }, row.name) : ''),
  cell('state', tag(row.state, 'terminal'), row.warning ? el('span', { class: 'tag warning' },
    el('span', { class: 'mark', ariaHidden: 'true' }, marks.warning), text('terminal.warning')) : ''),
  cell('lasting', lasts(state_since(row)) || '–'),
  cell('devices', number(row.devices)),
  cell('open_faults', number(row.open_faults)),
  cell('version', row.agent_version ?? '–'));

function consumable(row) {
  const parts = [supply_name(row.type), ' ', named('level_is', row.state)];
  const unit = named('unit', row.unit ?? '');
  if (row.percent != null) parts.push(` ${number(row.percent)} % `, el('meter', { min: 0, max: 100, value: row.percent }));
  if (row.available != null && row.unit !== 'percent') {
    parts.push(row.capacity == null ? ` ${number(row.available)} ${unit}`
      : ` ${text('capacity', { have: number(row.available), all: number(row.capacity), unit })}`);
  }
  if (row.source !== 'unknown') parts.push(` · ${named('source', row.source)}`);
  if (row.days_left != null) parts.push(` · ${text('days_left', { days: number(row.days_left) })}`);
  return el('li', {}, ...parts);
}

function facts(row) {
  const out = [];
  const { vendor, model, serial, firmware } = row.identity;
  const put = (name, value) => { if (value) out.push(el('div', {}, el('dt', {}, name), el('dd', {}, value))); };
  put(text('model'), [vendor, model].filter(Boolean).join(' '));
  put(text('serial'), serial);
  put(text('firmware'), firmware);
  for (const [name, value] of Object.entries(row.measurements)) {
    const [, what, of] = /^([^[]*)(?:\[(.*)\])?$/.exec(name) ?? [null, name];
    put(named('measured', what) + (of ? ` ${of}` : ''), amount(what, value));
  }
  return out;
}

function device_card(row) {
  const list_of = (items, build) => (items.length ? el('ul', {}, ...items.map(build)) : '');
  return el('article', { class: `device ${row.health}` },
    el('h3', {}, row.device, ' ', el('span', { class: 'kind' }, named('kind', row.kind))),
    el('p', {}, tag(row.health, 'health'), ' ', lasts(row.state_since)),
    list_of(row.conditions, (one) => el('li', { class: one.severity }, el('strong', { title: one.code }, says(one.code)),
      one.detail ? ` ${one.detail}` : '', one.vendor_code ? ` [${one.vendor_code}]` : '')),
    list_of(row.consumables, consumable),
    el('dl', {}, ...facts(row)));
}

function show_counts() {
  const { terminals_by_state: by_state = {}, open_faults = null, open_orders = null } = state.figures ?? {};
  const total = state.figures && Object.values(by_state).reduce((sum, n) => sum + n, 0);
  const cards = [{ id: '', name: text('all_terminals'), n: total, filter: true }];
  for (const [id, n] of Object.entries(by_state).reverse()) cards.push({ id, name: named('terminal', id), n, filter: true });
  cards.push({ id: 'faults-panel', name: text('open_faults'), n: open_faults });
  cards.push({ id: 'orders-panel', name: text('open_orders'), n: open_orders });
  sync(by_id('counts'), cards, {
    key: (card) => `count-${card.id}`,
    sign: (card) => language + JSON.stringify(card) + (view.filter === card.id),
    build: (card) => el('button', {
      class: `card ${card.id}${card.n ? '' : ' zero'}`, type: 'button',
      ariaPressed: card.filter ? String(view.filter === card.id) : null,
      title: card.filter ? text('only_these') : card.name,
      onclick: () => (card.filter ? search({ filter: card.id }) : by_id(card.id).scrollIntoView({ behavior: 'smooth' })),
    }, el('span', { class: 'card-name' }, marks[card.id] ? `${marks[card.id]} ` : '', card.name),
    el('span', { class: 'card-number' }, card.n == null ? '–' : number(card.n))),
  });
  document.title = `${open_faults ? `(${number(open_faults)}) ` : ''}${text('title')}`;
}

let due = null;
/// Soon, once for whatever has changed until then.
function show() {
  due ??= setTimeout(() => {
    due = null;
    show_counts();
    list('faults', state.faults, (row) => row.opened_at, fault_row,
      (row) => [row.level, row.code, row.device, row.since, row.order]);
    list('orders', state.orders, (row) => row.created_at, order_row,
      (row) => [row.level, row.code, row.state, busy.has(row.id)]);
    rows_of('terminals', state.terminals, 'terminal_code', terminal_row,
      (row) => [row.name, row.state, row.warning, row.devices, row.open_faults, row.agent_version, state_since(row),
        row.terminal_code === view.chosen]);
    by_id('terminals-none').hidden = state.terminals.length > 0 || !ever_live;
    by_id('previous').disabled = view.cursors.length < 2;
    by_id('next').disabled = !state.next;
    by_id('page-number').textContent = text('page_number', { n: view.cursors.length });
    by_id('devices-panel').hidden = !view.chosen;
    by_id('chosen').textContent = view.chosen ?? '';
    rows_of('devices', state.devices ?? [], 'device', device_card, (row) => row);
    by_id('devices-none').hidden = state.devices === null || state.devices.length > 0;
    show_link();
  }, 30);
}

function show_link() {
  by_id('live').textContent = text(live ? 'live' : down_since === null ? 'connecting' : 'not_live');
  by_id('live').className = live ? 'live on' : 'live off';
  const down = by_id('down');
  down.hidden = live || down_since === null;
  down.textContent = text(ever_live ? 'down_since' : 'never_up', { time: down_since ? time_of_day(down_since) : '' });
  document.body.classList.toggle('stale', !live && ever_live);
}

function show_words() {
  document.documentElement.lang = language;
  for (const node of document.querySelectorAll('[data-text]')) node.textContent = text(node.dataset.text);
  for (const node of document.querySelectorAll('[data-label]:not(td)')) node.ariaLabel = text(node.dataset.label);
  for (const node of document.querySelectorAll('[data-hint]')) node.placeholder = text(node.dataset.hint);
  by_id('language').textContent = text('other_language');
  show();
}

// ---- what a person does

async function take_step(row, action) {
  busy.add(row.id);
  by_id('notice').hidden = true;
  show();
  try {
    const now = await act(row.id, action);
    if (now.ended) state.orders.delete(now.id);
    else if (state.orders.has(now.id)) state.orders.set(now.id, now);
  } catch (error) {
    const why = text(`problem.${error.code}`, {}, error.message || error.code);
    by_id('notice').textContent = text('act.failed', { order: row.number, why });
    by_id('notice').hidden = false;
  }
  busy.delete(row.id);
  show();
}

function choose(code, move = false) {
  if (code !== view.chosen) state.devices = null;
  view.chosen = code;
  reload_devices();
  show();
  if (move) setTimeout(() => by_id('devices-panel').scrollIntoView({ behavior: 'smooth', block: 'nearest' }), 50);
}

function search(change) {
  Object.assign(view, change, { cursors: [''] });
  reload_terminals();
  show();
}

let typed = null;
by_id('search').oninput = (event) => {
  clearTimeout(typed);
  typed = setTimeout(() => search({ search: event.target.value.trim() }), 250);
};
by_id('next').onclick = () => { view.cursors.push(state.next); reload_terminals(); };
by_id('previous').onclick = () => { view.cursors.pop(); reload_terminals(); };
for (const id of ['faults', 'orders']) {
  by_id(`${id}-more`).onclick = () => { view[id] += shown_at_first; show(); };
}
by_id('language').onclick = () => { switch_language(); show_words(); };

const feed = new Feed({
  load,
  install,
  apply,
  status: (is_live) => {
    if (!is_live) down_since ??= feed.now();
    if (is_live) down_since = null;
    live = is_live;
    ever_live ||= is_live;
    show();
  },
});
show_words();
setInterval(() => {
  if (!live) return; // what is shown is as it was
  for (const node of document.querySelectorAll('.lasts')) {
    node.textContent = duration((feed.now() - Date.parse(node.dataset.since)) / 1000);
  }
}, 1_000);
setInterval(() => { if (live && !document.hidden) reload_devices(); }, devices_every_ms);
