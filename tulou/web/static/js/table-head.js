// The head of a column: its name, which sorts, its type, and how its values are spread; a bar shows only its rows.
import { element, wordOf } from "./table-cells.js";

const LABELS = 8;

export function headOf(column, at, table) {
  const { words } = table;
  const name = element("button", { type: "button", className: "link name", textContent: column.name });
  name.title = words.sort.replace("{column}", column.name);
  name.addEventListener("click", () => table.sort(column.name));
  const head = element("div", { className: "cell head" }, name, element("span", { className: "quiet kind", textContent: wordOf(column.type) }));
  head.setAttribute("role", "columnheader");
  head.setAttribute("aria-colindex", at + 2);
  return head;
}

// Add to a head how the values of its column are spread.
export function spread(head, column, found, total, table) {
  const { words } = table;
  const facts = found.column_statistics;
  const bars = barsOf(column, found.column_type, facts);
  if (bars.length) head.append(drawn(bars, column, table));
  const notes = [];
  if (facts.n_unique) notes.push(words.different.replace("{count}", facts.n_unique.toLocaleString()));
  if (facts.nan_count) notes.push(words.missing.replace("{share}", `${Math.max(0.1, (100 * facts.nan_count) / Math.max(1, total)).toFixed(1)} %`));
  const edges = facts.histogram?.bin_edges;
  if (edges?.length && found.column_type !== "bool") notes.unshift(`${short(edges[0])} – ${short(edges.at(-1))}`);
  head.append(element("span", { className: "quiet kind", textContent: notes.join(" · ") }));
}

function barsOf(column, kind, facts) {
  const quoted = `"${column.name.replaceAll('"', '""')}"`;
  if (facts.frequencies) return labelBars(quoted, kind, facts.frequencies, column.type);
  const { hist, bin_edges: edges } = facts.histogram ?? {};
  if (!hist || hist.length < 2) return [];
  const subject = { string_text: `len(${quoted})`, list: `len(${quoted})`, int: quoted, float: quoted, datetime: quoted }[kind];
  return hist.map((count, at) => {
    const [low, high, isLast] = [edges[at], edges[at + 1] ?? edges.at(-1), at === hist.length - 1];
    const where = subject && `${subject} >= ${literal(low)} and ${subject} ${isLast ? "<=" : "<"} ${literal(high)}`;
    return { count, label: `${short(low)} – ${short(high)}`, where };
  });
}

function labelBars(quoted, kind, frequencies, type) {
  const sorted = Object.entries(frequencies).sort((one, other) => other[1] - one[1]).slice(0, LABELS);
  return sorted.map(([label, count]) => {
    let value = literal(label);
    if (kind === "bool") value = label.toLowerCase();
    else if (kind === "class_label") value = String(type.names?.indexOf(label) ?? -1);
    return { count, label, where: `${quoted} = ${value}` };
  });
}

function drawn(bars, column, table) {
  const most = Math.max(1, ...bars.map((bar) => bar.count));
  const group = element("div", { className: "spread" });
  group.setAttribute("role", "group");
  group.setAttribute("aria-label", column.name);
  bars.forEach(({ count, label, where }, at) => {
    const text = `${label}: ${count.toLocaleString()}`;
    const bar = where ? element("button", { type: "button", tabIndex: at ? -1 : 0 }) : element("span");
    bar.className = "bar";
    bar.title = text;
    if (where) {
      bar.setAttribute("aria-label", table.words.only.replace("{what}", text));
      bar.setAttribute("aria-pressed", "false");
      bar.addEventListener("click", () => table.narrow(column.name, where, bar));
    }
    const fill = element("span", { className: "fill" });
    fill.style.height = `${Math.max(count ? 4 : 0, (100 * count) / most)}%`;
    bar.append(fill);
    group.append(bar);
  });
  group.addEventListener("keydown", (event) => walk(event, group));
  return group;
}

// One bar of a column is reached with Tab, the others with the arrows.
function walk(event, group) {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  const buttons = [...group.querySelectorAll("button")];
  const next = buttons[buttons.indexOf(document.activeElement) + step];
  if (!step || !next) return;
  event.preventDefault();
  event.stopPropagation();
  for (const button of buttons) button.tabIndex = button === next ? 0 : -1;
  next.focus();
}

const literal = (value) => (typeof value === "number" ? String(value) : `'${String(value).replaceAll("'", "''")}'`);

function short(value) {
  if (typeof value !== "number") return String(value).slice(0, 19);
  return Number.isInteger(value) ? value.toLocaleString() : String(Number(value.toPrecision(4)));
}
