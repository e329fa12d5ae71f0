// <tulou-table> turns the first rows of a dataset, drawn by the server, into a grid of all of them: it fetches what is seen.
import { element, formOf, nodesOf, patternOf, widthOf } from "./table-cells.js";
import { PAGE, Rows } from "./table-data.js";
import { Detail } from "./table-detail.js";
import { headOf, spread } from "./table-head.js";

const OVERSCAN = 6;
const COLUMNS = 200;
// Browsers stop at some 16 million pixels: beyond this the scroll bar stands for a share of the rows.
const HEIGHT = 8_000_000;

class TulouTable extends HTMLElement {
  connectedCallback() {
    if (this.closest(".prose") || this.rows) return;
    const { dataset, config, split, state } = this.dataset;
    this.place = { dataset, ...(config && { config }), ...(split && { split }) };
    if (state === "ready") this.start();
    else if (state === "looking" || state === "waiting") this.wait(1000);
  }

  disconnectedCallback() {
    clearTimeout(this.timer);
  }

  // The pass over the files goes on: come again when there is more to see.
  wait(pause) {
    this.timer = setTimeout(async () => {
      const { config, split } = this.place;
      const asked = new URLSearchParams({ ...(config && { config }), ...(split && { split }) });
      const answer = await fetch(`/datasets/${this.place.dataset}/viewer-state?${asked}`).catch(() => null);
      const now = answer?.ok ? (await answer.json()).state : this.dataset.state;
      if (now === this.dataset.state) this.wait(Math.min(pause * 1.3, 10_000));
      else location.reload();
    }, pause);
  }

  async start() {
    this.words = JSON.parse(this.dataset.words);
    this.rows = new Rows(this.place);
    this.narrowed = new Map();
    this.form = this.parentElement.querySelector(".viewer-tools");
    const { query = "", where = "", orderby = "" } = this.dataset;
    this.typed = where;
    this.rows.ask({ query, where, orderby });
    this.first = Number(this.dataset.page) * PAGE;
    try {
      const answer = await this.rows.need(this.first);
      this.build(answer);
    } catch {
      this.rows = undefined; // what the server drew stays, and says what is wrong
    }
  }

  build(answer) {
    this.columns = answer.features.slice(0, COLUMNS);
    this.total = answer.num_rows_total;
    this.active = { row: 0, column: 0 };
    this.height = this.columns.some(({ type }) => ["image", "video"].includes(formOf(type))) ? 104 : 64;
    this.top = 0;
    this.shown = new Map();
    this.headRow = element("div", { className: "line" }, this.corner(), ...this.columns.map((column, at) => headOf(column, at, this)));
    this.headRow.setAttribute("role", "row");
    this.headRow.setAttribute("aria-rowindex", 1);
    this.space = element("div", { className: "space" });
    this.grid = element("div", { className: "grid", tabIndex: 0 }, group("heads", this.headRow), this.space);
    this.space.setAttribute("role", "rowgroup");
    this.grid.setAttribute("role", "grid");
    this.grid.setAttribute("aria-label", this.words.table);
    this.grid.setAttribute("aria-colcount", this.columns.length + 1);
    this.grid.style.setProperty("--columns", `4.5rem ${this.columns.map(({ type }) => `${widthOf(type)}px`).join(" ")}`);
    this.grid.style.setProperty("--line-height", `${this.height}px`);
    this.status = element("p", { className: "small quiet viewer-status" });
    this.status.setAttribute("role", "status");
    this.problem = element("div", { className: "notice bad", hidden: true });
    this.problem.setAttribute("role", "alert");
    this.replaceChildren(this.problem, this.grid, this.status);
    for (const pager of this.parentElement.querySelectorAll(".viewer-pager")) pager.hidden = true;
    this.detail = new Detail(this);
    this.listen();
    this.measure();
    if (this.first) this.showFrom(Math.min(this.first, Math.max(0, this.total - 1)));
    this.draw();
    this.loadSpread();
  }

  corner() {
    const corner = element("div", { className: "cell head", textContent: this.words.row });
    corner.setAttribute("role", "columnheader");
    corner.setAttribute("aria-colindex", 1);
    return corner;
  }

  listen() {
    this.grid.addEventListener("scroll", () => this.scrolled(), { passive: true });
    this.grid.addEventListener("keydown", (event) => this.key(event));
    this.space.addEventListener("click", (event) => this.click(event));
    new ResizeObserver(() => this.draw()).observe(this.grid);
    this.form?.addEventListener("submit", (event) => {
      event.preventDefault();
      this.typed = this.form.elements.where.value.trim();
      this.narrowed.clear();
      const query = this.form.elements.q?.value.trim() ?? "";
      // A search has no condition: what was changed last counts.
      const isSearch = query && (query !== this.rows.asked.query || this.typed === this.rows.asked.where);
      if (isSearch) this.typed = "";
      this.apply(isSearch ? { query } : { where: this.typed, orderby: this.rows.asked.orderby });
    });
  }

  // --- which rows -----------------------------------------------------------------------------------------------------

  async apply(asked) {
    this.rows.ask(asked);
    this.grid.setAttribute("aria-busy", "true");
    this.status.textContent = this.words.loading;
    try {
      const answer = await this.rows.need(0);
      this.total = answer.num_rows_total;
      this.problem.hidden = true;
    } catch (problem) {
      if (problem.name === "AbortError") return;
      this.total = 0;
      this.problem.textContent = problem.message;
      this.problem.hidden = false;
    }
    this.grid.removeAttribute("aria-busy");
    this.active.row = 0;
    this.forget();
    this.measure();
    this.showFrom(0);
    this.remember();
    this.draw();
  }

  sort(name) {
    const quoted = `"${name.replaceAll('"', '""')}"`;
    const orderby = { [`${quoted} asc`]: `${quoted} desc`, [`${quoted} desc`]: "" }[this.rows.asked.orderby] ?? `${quoted} asc`;
    this.apply({ where: this.where(), orderby });
  }

  narrow(name, where, bar) {
    const isOn = this.narrowed.get(name)?.where === where;
    if (isOn) this.narrowed.delete(name);
    else this.narrowed.set(name, { where, bar });
    this.apply({ where: this.where(), orderby: this.rows.asked.orderby });
  }

  where() {
    const parts = [...this.narrowed.values()].map((each) => each.where);
    if (this.typed) parts.unshift(parts.length && /\bor\b/i.test(this.typed) ? `(${this.typed})` : this.typed);
    return parts.join(" and ");
  }

  // Write what is shown into the fields, the heads and the address.
  remember() {
    const { query, where, orderby } = this.rows.asked;
    if (this.form) {
      if (this.form.elements.q) this.form.elements.q.value = query;
      this.form.elements.where.value = where;
      if (this.form.elements.orderby) this.form.elements.orderby.value = orderby;
    }
    this.columns.forEach(({ name }, at) => {
      const quoted = `"${name.replaceAll('"', '""')}"`;
      const sorted = { [`${quoted} asc`]: "ascending", [`${quoted} desc`]: "descending" }[orderby] ?? "none";
      this.headRow.children[at + 1].setAttribute("aria-sort", sorted);
    });
    const pressed = new Set([...this.narrowed.values()].map((each) => each.bar));
    for (const bar of this.headRow.querySelectorAll("button.bar")) bar.setAttribute("aria-pressed", pressed.has(bar));
    const own = new URL(this.dataset.url, location.href).pathname;
    if (!own.startsWith(location.pathname) || location.pathname.split("/").length < 5) return; // the card's address is its own
    const said = new URLSearchParams(Object.entries({ q: query, where, orderby }).filter(([, value]) => value));
    history.replaceState(null, "", `${own}${said.size ? `?${said}` : ""}`);
  }

  async loadSpread() {
    const found = await this.rows.statistics().catch(() => null);
    for (const each of found?.statistics ?? []) {
      const at = this.columns.findIndex(({ name }) => name === each.column_name);
      if (at >= 0) spread(this.headRow.children[at + 1], this.columns[at], each, found.num_examples, this);
    }
    this.draw();
  }

  // --- what is seen ---------------------------------------------------------------------------------------------------

  measure() {
    this.full = Math.min(this.total * this.height, HEIGHT);
    this.isScaled = this.total * this.height > HEIGHT;
    this.space.style.height = `${this.full}px`;
    this.grid.setAttribute("aria-rowcount", this.total + 1);
  }

  get seen() {
    return Math.max(1, (this.grid.clientHeight - this.headRow.offsetHeight) / this.height);
  }

  get reach() {
    return Math.max(1, this.full - this.seen * this.height);
  }

  scrolled() {
    const now = this.grid.scrollTop;
    const moved = now - (this.was ?? 0);
    this.was = now;
    const most = Math.max(0, this.total - this.seen);
    if (!this.isScaled) this.top = now / this.height;
    else if (Math.abs(moved) < 1.5 * this.grid.clientHeight) this.top = Math.min(most, Math.max(0, this.top + moved / this.height));
    else this.top = (now / this.reach) * most;
    clearTimeout(this.timer);
    if (this.isScaled) this.timer = setTimeout(() => this.showFrom(this.top), 200);
    this.soon ??= requestAnimationFrame(() => {
      this.soon = undefined;
      this.draw();
    });
  }

  // Show rows from `top` on, and let the scroll bar say so.
  showFrom(top) {
    const most = Math.max(0, this.total - this.seen);
    this.top = Math.min(most, Math.max(0, top));
    const wanted = this.isScaled ? (this.top / Math.max(1, most)) * this.reach : this.top * this.height;
    if (Math.abs(wanted - this.grid.scrollTop) >= 1) this.grid.scrollTop = wanted;
    this.was = this.grid.scrollTop;
    this.draw();
  }

  forget() {
    for (const line of this.shown.values()) line.remove();
    this.shown.clear();
  }

  draw() {
    const [start, end] = [Math.max(0, Math.floor(this.top) - OVERSCAN), Math.min(this.total, Math.ceil(this.top + this.seen) + OVERSCAN)];
    for (const [position, line] of this.shown) {
      if (position < start || position >= end || (line.isEmpty && this.rows.at(position))) {
        line.remove();
        this.shown.delete(position);
      }
    }
    for (let position = start; position < end; position++) {
      if (!this.shown.has(position)) this.shown.set(position, this.line(position));
      this.shown.get(position).style.transform = `translateY(${this.grid.scrollTop + (position - this.top) * this.height}px)`;
    }
    this.fetch(start, end);
    this.mark();
    this.tell();
  }

  fetch(start, end) {
    for (let page = Math.floor(start / PAGE); page * PAGE < end; page++) {
      if (this.rows.at(page * PAGE)) continue;
      const asked = this.rows.asked;
      this.rows.need(page * PAGE).then(
        () => asked === this.rows.asked && this.draw(),
        (problem) => {
          if (problem.name !== "AbortError") this.status.textContent = `${this.words.failed} ${problem.message}`;
        },
      );
    }
  }

  line(position) {
    const row = this.rows.at(position);
    const line = element("div", { className: "line" });
    line.isEmpty = !row;
    line.dataset.position = position;
    line.setAttribute("role", "row");
    line.setAttribute("aria-rowindex", position + 2);
    const number = cell("rowheader", 0, row ? row.row_idx.toLocaleString() : "…");
    number.classList.add("num", "quiet");
    line.append(number);
    const marked = row && patternOf(this.rows.asked.query);
    this.columns.forEach(({ name, type }, at) => {
      const made = cell("gridcell", at + 1, ...(row ? nodesOf(row.row[name], type, { marked, words: this.words }) : []));
      made.classList.add(formOf(type));
      if (row?.truncated_cells.includes(name)) made.classList.add("cut");
      line.append(made);
    });
    this.space.append(line);
    return line;
  }

  tell() {
    const [first, last] = [Math.floor(this.top) + 1, Math.min(this.total, Math.ceil(this.top + this.seen))];
    const said = { first, last, total: this.total };
    const text = this.total ? this.words.rows.replace(/{(\w+)}/g, (_all, word) => said[word].toLocaleString()) : this.words.none;
    if (this.status.textContent !== text) this.status.textContent = text;
  }

  // --- keys and pointers ----------------------------------------------------------------------------------------------

  key(event) {
    if (event.target !== this.grid) return;
    const { row, column } = this.active;
    const page = Math.max(1, Math.floor(this.seen) - 1);
    const last = this.total - 1;
    const isFar = event.ctrlKey || event.metaKey;
    const moves = {
      ArrowDown: [row + 1, column], ArrowUp: [row - 1, column], ArrowRight: [row, column + 1], ArrowLeft: [row, column - 1],
      PageDown: [row + page, column], PageUp: [row - page, column],
      Home: isFar ? [0, 0] : [row, 0], End: isFar ? [last, this.columns.length] : [row, this.columns.length],
    };
    if (event.key === "Enter" && this.total) this.detail.open(row);
    else if (moves[event.key]) this.go(...moves[event.key]);
    else return;
    event.preventDefault();
  }

  go(row, column) {
    this.active = { row: clamp(row, this.total - 1), column: clamp(column, this.columns.length) };
    if (this.active.row < this.top) this.showFrom(this.active.row);
    else if (this.active.row >= this.top + Math.floor(this.seen)) this.showFrom(this.active.row - Math.floor(this.seen) + 1);
    this.draw();
    this.shown.get(this.active.row)?.children[this.active.column]?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  mark() {
    this.grid.querySelector(".active")?.classList.remove("active");
    this.id ||= `table-${Math.random().toString(36).slice(2)}`;
    this.querySelector(`#${this.id}-at`)?.removeAttribute("id");
    const here = this.shown.get(this.active.row)?.children[this.active.column];
    if (!here) {
      this.grid.removeAttribute("aria-activedescendant");
      return;
    }
    here.classList.add("active");
    here.id = `${this.id}-at`;
    this.grid.setAttribute("aria-activedescendant", here.id);
  }

  click(event) {
    const here = event.target.closest(".cell");
    if (!here || event.target.closest("audio, video")) return;
    this.active = { row: Number(here.parentElement.dataset.position), column: [...here.parentElement.children].indexOf(here) };
    this.mark();
    if (String(getSelection())) return;
    this.detail.open(this.active.row);
  }
}

function group(name, ...children) {
  const made = element("div", { className: name }, ...children);
  made.setAttribute("role", "rowgroup");
  return made;
}

function cell(role, at, ...children) {
  const made = element("div", { className: "cell" }, ...children);
  made.setAttribute("role", role);
  made.setAttribute("aria-colindex", at + 1);
  return made;
}

const clamp = (value, most) => Math.max(0, Math.min(most, value));

customElements.define("tulou-table", TulouTable);
