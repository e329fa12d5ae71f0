// A row in full, in a dialog; the arrows lead to its neighbours.
import { element, formOf, nodesOf, patternOf, wordOf } from "./table-cells.js";

export class Detail {
  constructor(table) {
    this.table = table;
    const { words } = table;
    this.title = element("h2", { id: `row-title-${Math.random().toString(36).slice(2)}` });
    this.list = element("dl", { className: "row-detail" });
    this.back = this.button(words.previous, "‹", -1);
    this.on = this.button(words.next, "›", 1);
    const close = element("button", { type: "button", className: "plain little", textContent: words.close });
    close.addEventListener("click", () => this.dialog.close());
    const bar = element("header", { className: "row" }, this.title, element("span", { className: "push row" }, this.back, this.on, close));
    const body = element("div", { className: "detail-body", tabIndex: 0 }, this.list);
    this.dialog = element("dialog", { className: "row-dialog" }, bar, body);
    this.dialog.setAttribute("aria-labelledby", this.title.id);
    this.dialog.addEventListener("close", () => table.grid.focus());
    this.dialog.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (step) this.open(this.position + step);
    });
    table.append(this.dialog);
  }

  button(label, sign, step) {
    const made = element("button", { type: "button", className: "plain little", textContent: sign, title: label, ariaLabel: label });
    made.addEventListener("click", () => this.open(this.position + step));
    return made;
  }

  async open(position) {
    const { rows, total, columns, words } = this.table;
    if (position < 0 || position >= total) return;
    this.position = position;
    await rows.need(position);
    const row = rows.at(position);
    this.title.textContent = `${words.row} ${row.row_idx.toLocaleString()}`;
    this.back.disabled = position === 0;
    this.on.disabled = position === total - 1;
    if (!this.dialog.open) this.dialog.showModal();
    const whole = row.truncated_cells.length ? await rows.whole(row.row_idx) : row;
    if (this.position !== position) return;
    const marked = patternOf(rows.asked.query);
    this.list.replaceChildren(
      ...columns.flatMap(({ name, type }) => [
        element("dt", {}, element("span", { textContent: name }), " ", element("span", { className: "quiet kind", textContent: wordOf(type) })),
        element("dd", { className: formOf(type) }, ...nodesOf(whole.row[name], type, { marked, isWhole: true, words })),
      ]),
    );
  }
}
