// What the collector tells: the state by REST, then every change over the live WebSocket.

const api = '/api/v1/';
const silent_after_ms = 40_000; // the collector says something every 15 s
const first_wait_ms = 500;
const longest_wait_ms = 15_000;

export class Refused extends Error {
  constructor(code, detail) {
    super(detail);
    this.code = code;
  }
}

async function answer_of(request) {
  let response;
  try {
    response = await request;
  } catch {
    throw new Refused('no-answer', '');
  }
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refused(body.code ?? String(response.status), body.detail ?? '');
  return body;
}

export function read(path, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== '' && value != null);
  const search = new URLSearchParams(given).toString();
  return answer_of(fetch(api + path + (search ? `?${search}` : ''), { cache: 'no-store' }));
}

/// Every row of a list, up to `most`, newest first.
export async function read_all(path, query, most) {
  const rows = [];
  let cursor = '';
  while (rows.length < most) {
    const page = await read(path, { ...query, limit: 500, cursor });
    rows.push(...page.items);
    cursor = page.next_cursor;
    if (!cursor) break;
  }
  return rows;
}

export const act = (order, action) => answer_of(
  fetch(`${api}orders/${encodeURIComponent(order)}/${action}`, {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}',
  }));

/// Keeps the page up to date: `load` reads the whole state, `install` shows it, `apply` changes it
/// by one message, `status` hears whether what is shown is live.
export class Feed {
  constructor({ load, install, apply, status }) {
    Object.assign(this, { load, install, apply, status });
    this.wait = first_wait_ms;
    this.skew_ms = 0;
    addEventListener('online', () => this.at_once());
    document.addEventListener('visibilitychange', () => { if (!document.hidden) this.at_once(); });
    this.connect();
  }

  /// The collector's clock, in milliseconds.
  now() { return Date.now() + this.skew_ms; }

  connect() {
    this.retry = null;
    const socket = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}${api}live`);
    this.socket = socket;
    this.watch(socket);
    socket.onmessage = (event) => { if (socket === this.socket) this.heard(JSON.parse(event.data)); };
    socket.onclose = () => { if (socket === this.socket) this.lost(); };
  }

  /// A connection that is dead without a word is ended.
  watch(socket) {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => {
      if (socket !== this.socket) return;
      socket.close();
      this.lost();
    }, silent_after_ms);
  }

  heard(message) {
    this.watch(this.socket);
    this.skew_ms = Date.parse(message.at) - Date.now();
    if (message.type === 'hello') {
      if (this.page && this.page !== message.page) location.reload(); // the collector was replaced
      this.page = message.page;
      this.seq = message.seq;
      this.begin();
    } else if (message.type === 'resync') {
      this.seq = message.seq;
      this.begin();
    } else if (message.seq !== this.seq + 1) {
      this.socket.close(); // something is missing: begin anew
      this.lost();
    } else {
      this.seq = message.seq;
      if (this.waiting) this.waiting.push(message);
      else this.apply(message);
    }
  }

  /// Reads the whole state, then applies what has come since.
  async begin() {
    const waiting = [];
    this.waiting = waiting;
    const current = () => this.waiting === waiting;
    try {
      const state = await this.load();
      if (!current()) return;
      this.waiting = null;
      this.install(state);
      for (const message of waiting) this.apply(message);
      this.wait = first_wait_ms;
      this.status(true);
    } catch (error) {
      console.warn('state not read', error);
      if (!current()) return;
      this.socket.close();
      this.lost();
    }
  }

  lost() {
    this.socket = null;
    this.waiting = undefined;
    clearTimeout(this.silence);
    this.status(false);
    const spread = 0.5 + Math.random() / 2;
    this.retry = setTimeout(() => this.connect(), this.wait * spread);
    this.wait = Math.min(this.wait * 2, longest_wait_ms);
  }

  at_once() {
    if (!this.retry) return;
    clearTimeout(this.retry);
    this.connect();
  }
}
