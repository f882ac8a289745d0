// Every text of the page, in both languages, and how times and amounts are written.

const words = {
  title: ['Kioskwatch 实时监控', 'Kioskwatch live'],
  other_language: ['English', '中文'],
  live: ['实时', 'Live'],
  connecting: ['正在连接…', 'Connecting…'],
  not_live: ['非实时', 'Not live'],
  down_since: ['自 {time} 起未与采集服务器连通，下列为当时的状态；正在自动重连。', 'Not live since {time}: what is shown is as it was then. Reconnecting by itself.'],
  never_up: ['尚未与采集服务器连通，正在自动重连。', 'Not connected to the collector yet. Reconnecting by itself.'],
  counts: ['数量', 'Counts'],
  all_terminals: ['终端总数', 'Terminals'],
  only_these: ['只看这些终端', 'Show only these terminals'],
  open_faults: ['未恢复故障', 'Open faults'],
  open_orders: ['未结工单', 'Open orders'],
  terminals: ['终端', 'Terminals'],
  devices: ['设备', 'Devices'],
  fault: ['故障', 'Fault'],
  terminal: ['终端', 'Terminal'],
  device: ['设备', 'Device'],
  order: ['工单', 'Order'],
  state: ['状态', 'State'],
  lasting: ['持续', 'For'],
  age: ['已建单', 'Age'],
  step: ['处理', 'Step'],
  version: ['代理版本', 'Agent'],
  itself: ['终端本身', 'the terminal'],
  no_faults: ['没有未恢复的故障。', 'No open faults.'],
  no_orders: ['没有未结的工单。', 'No open orders.'],
  no_terminals: ['没有符合条件的终端。', 'No terminals match.'],
  no_devices: ['没有设备。', 'No devices.'],
  search: ['终端编号或名称', 'Terminal code or name'],
  pages: ['翻页', 'Pages'],
  previous: ['上一页', 'Previous'],
  next: ['下一页', 'Next'],
  page_number: ['第 {n} 页', 'Page {n}'],
  show_more: ['再显示 {n} 条（共 {all} 条）', 'Show {n} more (of {all})'],
  only_newest: ['只取最新 {n} 条', 'newest {n} only'],
  since: ['起于 {time}', 'since {time}'],
  model: ['型号', 'Model'],
  serial: ['序列号', 'Serial number'],
  firmware: ['固件', 'Firmware'],
  capacity: ['{have} / {all} {unit}', '{have} / {all} {unit}'],
  // Acts
  'act.accept': ['接单', 'Accept'],
  'act.resolve': ['已修复', 'Resolve'],
  'act.close': ['关闭', 'Close'],
  'act.failed': ['工单 {order} 未能处理：{why}', 'Order {order} was not changed: {why}'],
  'problem.not-possible-now': ['工单状态已变，现在不能这样处理', 'its state does not allow this now'],
  'problem.not-found': ['工单不存在', 'no such order'],
  'problem.no-answer': ['采集服务器没有应答', 'the collector does not answer'],
  // Terminal states
  'terminal.online': ['在线', 'Online'],
  'terminal.fault': ['故障', 'Fault'],
  'terminal.offline': ['离线', 'Offline'],
  'terminal.switched_off': ['已关机', 'Switched off'],
  'terminal.maintenance': ['维护', 'Maintenance'],
  'terminal.warning': ['预警', 'warning'],
  // Health of devices
  'health.ok': ['正常', 'OK'],
  'health.warning': ['预警', 'Warning'],
  'health.fault': ['故障', 'Fault'],
  'health.busy': ['使用中', 'Busy'],
  'health.unknown': ['未知', 'Unknown'],
  'health.disabled': ['停用', 'Disabled'],
  // Levels of faults
  'level.severe': ['严重', 'Severe'],
  'level.general': ['一般', 'General'],
  // States of orders
  'order.raised': ['已报障', 'Raised'],
  'order.dispatched': ['已派单', 'Dispatched'],
  'order.accepted': ['已接单', 'Accepted'],
  'order.appointment': ['已预约', 'Appointment made'],
  'order.en_route': ['途中', 'En route'],
  'order.on_site': ['已到场', 'On site'],
  'order.resolved': ['已修复', 'Resolved'],
  'order.confirmed': ['已确认', 'Confirmed'],
  'order.closed': ['已关闭', 'Closed'],
  'order.self_recovered': ['自行恢复', 'Recovered by itself'],
  'order.suspended': ['已挂起', 'Suspended'],
  'order.returned': ['已退回', 'Returned'],
  'order.cancelled': ['已取消', 'Cancelled'],
  // Kinds of devices
  'kind.host': ['主机', 'Host'],
  'kind.receipt_printer': ['凭条打印机', 'Receipt printer'],
  'kind.laser_printer': ['激光打印机', 'Laser printer'],
  'kind.id_reader': ['身份证阅读器', 'ID reader'],
  'kind.card_reader': ['读卡器', 'Card reader'],
  'kind.cabinet': ['机柜', 'Cabinet'],
  // States of consumables
  'level_is.unknown': ['未知', 'unknown'],
  'level_is.full': ['满', 'full'],
  'level_is.low': ['将尽', 'low'],
  'level_is.out': ['用尽', 'out'],
  'level_is.jammed': ['卡住', 'jammed'],
  'level_is.ok': ['充足', 'ok'],
  'level_is.high': ['将满', 'nearly full'],
  'level_is.missing': ['缺失', 'missing'],
  'level_is.inoperative': ['不可用', 'inoperative'],
  'consumable.receipt_paper': ['凭条纸', 'Receipt paper'],
  'consumable.a4_paper': ['A4 纸', 'A4 paper'],
  'consumable.paper': ['纸', 'Paper'],
  'consumable.toner': ['墨粉', 'Toner'],
  'consumable.waste_toner': ['废粉盒', 'Waste toner'],
  'consumable.ink': ['墨水', 'Ink'],
  'consumable.waste_ink': ['废墨盒', 'Waste ink'],
  'consumable.developer': ['显影剂', 'Developer'],
  'consumable.drum': ['感光鼓', 'Drum'],
  'consumable.fuser': ['定影器', 'Fuser'],
  'consumable.transfer_unit': ['转印组件', 'Transfer unit'],
  'consumable.ribbon': ['色带', 'Ribbon'],
  'consumable.cleaning_kit': ['清洁组件', 'Cleaning kit'],
  'consumable.staples': ['订书钉', 'Staples'],
  'consumable.card_stock': ['卡片', 'Cards'],
  'consumable.invoice_stock': ['票据', 'Forms'],
  'consumable.battery': ['电池', 'Battery'],
  'consumable.retain_bin': ['回收箱', 'Retain bin'],
  'consumable.other': ['其他耗材', 'Other supply'],
  of_colour: ['{what}（{colour}）', '{what} ({colour})'],
  'colour.black': ['黑', 'black'],
  'colour.cyan': ['青', 'cyan'],
  'colour.magenta': ['品红', 'magenta'],
  'colour.yellow': ['黄', 'yellow'],
  'unit.sheets': ['张', 'sheets'],
  'unit.metres': ['米', 'm'],
  'unit.pages': ['页', 'pages'],
  'unit.count': ['个', 'pieces'],
  'unit.cards': ['张', 'cards'],
  'unit.g': ['克', 'g'],
  'unit.ml': ['毫升', 'ml'],
  'unit.hours': ['小时', 'hours'],
  'unit.percent': ['%', '%'],
  'source.measured': ['设备测得', 'measured'],
  'source.flag': ['按设备传感器', 'by its sensor'],
  'source.counted': ['按用量计算', 'counted'],
  'source.technician': ['维护人员登记', 'told by a technician'],
  days_left: ['约可用 {days} 天', 'about {days} days left'],
  // Measurements of the host
  'measured.cpu_used_percent': ['处理器占用', 'CPU used'],
  'measured.memory_total_bytes': ['内存总量', 'Memory'],
  'measured.memory_available_bytes': ['可用内存', 'Memory available'],
  'measured.swap_total_bytes': ['交换区总量', 'Swap'],
  'measured.swap_free_bytes': ['可用交换区', 'Swap free'],
  'measured.disk_total_bytes': ['磁盘总量', 'Disk'],
  'measured.disk_used_percent': ['磁盘占用', 'Disk used'],
  'measured.network_receive_bytes': ['已接收', 'Received'],
  'measured.network_transmit_bytes': ['已发送', 'Sent'],
  'measured.boot_time_seconds': ['开机时间', 'Started'],
  'measured.uptime_seconds': ['运行时长', 'Up for'],
  'measured.load1': ['1 分钟负载', 'Load, 1 min'],
};

const remembered = 'kioskwatch.lang';
const languages = ['zh-CN', 'en'];

/// What the address asks for, else what was chosen last, else what the browser prefers.
function first_language() {
  const exact = (tag) => languages.find((known) => known.toLowerCase() === String(tag).toLowerCase());
  const asked = exact(new URLSearchParams(location.search).get('lang'));
  if (asked) return asked;
  let chosen = null;
  try { chosen = exact(localStorage.getItem(remembered)); } catch { /* storage is switched off */ }
  if (chosen) return chosen;
  for (const tag of navigator.languages ?? []) {
    if (/^zh\b/i.test(tag)) return 'zh-CN';
    if (/^en\b/i.test(tag)) return 'en';
  }
  return 'zh-CN';
}

export let language = first_language();

export function switch_language() {
  language = language === 'en' ? 'zh-CN' : 'en';
  try { localStorage.setItem(remembered, language); } catch { /* not remembered then */ }
  const address = new URL(location.href);
  address.searchParams.delete('lang');
  history.replaceState(null, '', address);
}

/// The text of `key`, with {name} replaced; what has no text stands for itself.
export function text(key, values = {}, fallback = key) {
  const both = words[key];
  if (!both) return fallback;
  return both[language === 'en' ? 1 : 0].replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ''));
}

/// A value of a list that both ends know: its text, or the value itself.
export const named = (list, value) => text(`${list}.${value}`, {}, value);

/// A supply's type; its colour, the end of the type, in brackets: "Toner (cyan)".
export function supply_name(type) {
  const [, one, place] = /^(.+)_(\d+)$/.exec(type) ?? [];
  if (place) return `${supply_name(one)} ${place}`;
  const [, what, colour] = /^(.+)_(black|cyan|magenta|yellow)$/.exec(type) ?? [];
  if (!colour) return named('consumable', type);
  return text('of_colour', { what: named('consumable', what), colour: named('colour', colour) });
}

const clock = new Intl.DateTimeFormat('sv-SE', {
  timeZone: 'Asia/Shanghai', hourCycle: 'h23', year: 'numeric', month: '2-digit', day: '2-digit',
  hour: '2-digit', minute: '2-digit', second: '2-digit',
});

/// "2026-11-22 14:31:05" in Asia/Shanghai.
export const date_time = (when) => clock.format(new Date(when));
/// "14:31:05" in Asia/Shanghai.
export const time_of_day = (when) => date_time(when).slice(-8);

/// The two largest units of a duration.
export function duration(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  const units = language === 'en' ? [' d', ' h', ' min', ' s'] : ['天', '小时', '分', '秒'];
  const parts = [Math.floor(s / 86400), Math.floor(s / 3600) % 24, Math.floor(s / 60) % 60, s % 60];
  let at = parts.findIndex((part) => part > 0);
  if (at < 0) at = 3;
  const between = language === 'en' ? ' ' : '';
  return parts.slice(at, at + 2).map((part, i) => part + units[at + i]).join(between);
}

export function amount(name, value) {
  if (/_bytes\b/.test(name)) {
    const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
    let i = 0;
    let n = value;
    for (; n >= 1024 && i + 1 < units.length; ++i) n /= 1024;
    return `${n.toLocaleString(language, { maximumFractionDigits: 1 })} ${units[i]}`;
  }
  if (/boot_time_seconds$/.test(name)) return date_time(value * 1000);
  if (/_seconds\b/.test(name)) return duration(value);
  const digits = value.toLocaleString(language, { maximumFractionDigits: 2 });
  return /_percent\b/.test(name) ? `${digits} %` : digits;
}

export const number = (value) => value.toLocaleString(language);
