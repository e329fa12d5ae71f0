// <upload-files> takes over the upload form: drop files and folders, see each one travel, cancel, try again.
import { ask, base64, dropped, sendLarge, sha256 } from "./transfer.js";

const AT_ONCE = 3;
const ADVICE_FILES = 200;
const COMMIT_FILES = 2000;
const COMMIT_BYTES = 128 * 1024 * 1024;

class UploadFiles extends HTMLElement {
  connectedCallback() {
    if (this.closest(".prose") || this.items) return;
    this.items = [];
    this.form = this.querySelector("form");
    this.form.querySelector(".plain-files").replaceWith(this.zone());
    this.button = this.form.querySelector("button:not([type])");
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.run();
    });
    addEventListener("beforeunload", (event) => {
      if (this.work) event.preventDefault();
    });
  }

  zone() {
    const zone = element("div", "drop-zone");
    zone.append(element("p", "", `${this.dataset.drop} `), this.chooser("choose", {}), this.chooser("chooseFolder", { webkitdirectory: true }));
    this.list = element("ul", "rows uploads");
    this.total = element("p", "row total");
    this.total.setAttribute("role", "status");
    this.problem = element("p", "notice bad");
    this.problem.setAttribute("role", "alert");
    this.problem.hidden = this.total.hidden = true;
    const whole = element("div", "stack");
    whole.append(zone, this.list, this.total, this.problem);
    for (const name of ["dragover", "dragenter"]) {
      zone.addEventListener(name, (event) => {
        event.preventDefault();
        zone.classList.add("over");
      });
    }
    zone.addEventListener("dragleave", () => zone.classList.remove("over"));
    zone.addEventListener("drop", async (event) => {
      event.preventDefault();
      zone.classList.remove("over");
      this.add(await dropped(event.dataTransfer));
    });
    return whole;
  }

  chooser(word, options) {
    const label = element("label", "button plain", this.dataset[word]);
    const input = Object.assign(element("input", "sr"), { type: "file", multiple: true, ...options });
    input.addEventListener("change", () => {
      this.add([...input.files].map((file) => ({ file, path: file.webkitRelativePath || file.name })));
      input.value = "";
    });
    label.append(input);
    return label;
  }

  add(chosen) {
    const folder = this.dataset.folder ? `${this.dataset.folder}/` : "";
    for (const { file, path } of chosen) {
      this.items.filter((item) => item.path === folder + path && !item.isDone).forEach((item) => this.remove(item));
      this.items.push(this.shown({ file, path: folder + path, sent: 0, state: "waiting" }));
    }
    this.problem.hidden = true;
  }

  shown(item) {
    item.row = element("li");
    item.word = element("span", "quiet small state", this.dataset.waiting);
    item.bar = Object.assign(element("progress"), { max: Math.max(1, item.file.size), value: 0 });
    item.bar.setAttribute("aria-label", item.path);
    item.drop = Object.assign(element("button", "plain little", this.dataset.remove), { type: "button" });
    item.drop.addEventListener("click", () => this.remove(item));
    item.row.append(element("span", "clip mono", item.path), element("span", "quiet small nowrap", bytes(item.file.size)), item.bar, item.word, item.drop);
    this.list.append(item.row);
    return item;
  }

  remove(item) {
    item.row.remove();
    this.items = this.items.filter((other) => other !== item);
  }

  say(item, state, words) {
    item.state = state;
    item.word.textContent = words ?? this.dataset[state];
    item.row.dataset.state = state;
  }

  progress(item, sent) {
    item.sent = item.bar.value = sent;
    const all = this.items.reduce((sum, one) => sum + one.file.size, 0);
    const now = this.items.reduce((sum, one) => sum + one.sent, 0);
    this.total.hidden = false;
    this.total.textContent = this.dataset.total.replace("{done}", bytes(now)).replace("{total}", bytes(all));
  }

  async run() {
    if (this.work) {
      this.work.abort();
      return;
    }
    if (!this.items.length) return this.fail(new Error(this.dataset.nothing));
    this.problem.hidden = true;
    this.work = new AbortController();
    this.before = this.button.textContent;
    this.button.textContent = this.dataset.stop;
    this.toggleAttribute("busy", true);
    try {
      const url = await this.everything(this.work.signal);
      this.work = null;
      location.assign(url);
    } catch (problem) {
      this.work = null;
      this.fail(problem);
    }
  }

  fail(problem) {
    this.toggleAttribute("busy", false);
    const isCancelled = problem.name === "AbortError";
    this.button.textContent = isCancelled || !this.before ? this.before || this.button.textContent : this.dataset.retry;
    for (const item of this.items) if (!["done", "ignored", "failed"].includes(item.state)) this.say(item, "waiting");
    this.problem.hidden = isCancelled;
    this.problem.textContent = problem instanceof TypeError ? this.dataset.offline : problem.message;
  }

  async everything(signal) {
    await this.advise(signal);
    const large = this.items.filter((item) => item.isLarge && !item.isDone && item.state !== "ignored");
    const queue = [...large];
    await Promise.all(Array.from({ length: AT_ONCE }, async () => {
      for (let item = queue.shift(); item; item = queue.shift()) await this.send(item, signal);
    }));
    return this.commit(signal);
  }

  async advise(signal) {
    const unknown = this.items.filter((item) => item.isLarge === undefined);
    for (let at = 0; at < unknown.length; at += ADVICE_FILES) {
      const some = unknown.slice(at, at + ADVICE_FILES);
      const files = await Promise.all(some.map(async (item) => ({ path: item.path, size: item.file.size, sample: await base64(item.file.slice(0, 512)) })));
      const answer = await ask(this.url("upload-advice"), JSON.stringify({ files }), signal);
      some.forEach((item, number) => {
        item.isLarge = answer.files[number].large;
        if (answer.files[number].ignored) this.say(item, "ignored");
      });
    }
  }

  async send(item, signal) {
    try {
      this.say(item, "hashing");
      item.oid ??= await sha256(item.file, signal, (done) => (item.bar.value = done));
      this.say(item, "sending");
      const asked = { objects: [{ oid: item.oid, size: item.file.size }] };
      const answer = await ask(this.url("upload-links"), JSON.stringify(asked), signal);
      await sendLarge(answer.objects[0], item.file, signal, (sent) => this.progress(item, sent));
      this.progress(item, item.file.size);
      item.isDone = true;
      this.say(item, "done");
    } catch (problem) {
      if (problem.name !== "AbortError") this.say(item, "failed");
      throw problem;
    }
  }

  async commit(signal) {
    const batches = this.batches();
    const asPull = this.form.elements.where?.value === "pull";
    if (asPull && batches.length > 1) throw new Error(this.dataset.failed);
    let url = "";
    for (const [at, batch] of batches.entries()) {
      const lines = [JSON.stringify({ key: "header", value: this.header(at, batches.length) })];
      for (const item of batch) {
        if (!item.isLarge) this.say(item, "sending");
        lines.push(JSON.stringify(await operation(item)));
      }
      const body = new Blob(lines.map((line) => `${line}\n`));
      const folder = this.dataset.folder ? `/${this.dataset.folder.split("/").map(encodeURIComponent).join("/")}` : "";
      const query = asPull ? "?create_pr=1" : "";
      this.total.hidden = false;
      this.total.textContent = this.dataset.committing;
      const answer = await ask(this.url("upload-commit") + folder + query, body, signal, "application/x-ndjson");
      for (const item of batch) {
        this.progress(item, item.file.size);
        item.isCommitted = true;
        this.say(item, "done");
      }
      url = answer.url;
    }
    return url;
  }

  // Several commits when one would be too large a body for the small files in it.
  batches() {
    const wanted = this.items.filter((item) => item.state !== "ignored" && !item.isCommitted);
    if (!wanted.length) throw new Error(this.dataset.nothing);
    const found = [[]];
    let size = 0;
    for (const item of wanted) {
      const more = item.isLarge ? 0 : item.file.size;
      if (found.at(-1).length >= COMMIT_FILES || (size + more > COMMIT_BYTES && found.at(-1).length)) {
        found.push([]);
        size = 0;
      }
      found.at(-1).push(item);
      size += more;
    }
    return found;
  }

  header(at, count) {
    const fields = this.form.elements;
    const one = this.items.length === 1 ? this.items[0].path : `${this.items.length} files`;
    const summary = (fields.summary.value.trim() || `Upload ${one}`) + (count > 1 ? ` (${at + 1}/${count})` : "");
    return { summary, description: fields.description.value.trim() };
  }

  url(verb) {
    return `${this.dataset.page}/${verb}/${this.dataset.revision}`;
  }
}

async function operation(item) {
  if (item.isLarge) return { key: "lfsFile", value: { path: item.path, algo: "sha256", oid: item.oid, size: item.file.size } };
  return { key: "file", value: { path: item.path, encoding: "base64", content: item.file.size ? await base64(item.file) : "" } };
}

function element(name, classes = "", words = "") {
  const made = document.createElement(name);
  if (classes) made.className = classes;
  if (words) made.textContent = words;
  return made;
}

function bytes(count) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let power = 0;
  while (count >= 999.5 && power < units.length - 1) {
    count /= 1000;
    power++;
  }
  return `${power ? count.toPrecision(3) : count} ${units[power]}`;
}

customElements.define("upload-files", UploadFiles);
