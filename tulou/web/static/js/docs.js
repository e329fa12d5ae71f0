// <docs-text> makes a page of documentation handier: tabs, buttons that copy, and links to anchors as other hubs write them.
class DocsText extends HTMLElement {
  connectedCallback() {
    for (const tabs of this.querySelectorAll(".doc-tabs")) this.arrange(tabs);
    const wanted = new URLSearchParams(location.search);
    for (const tabs of this.querySelectorAll(".doc-tabs[data-group]")) {
      const word = wanted.get(tabs.dataset.group) ?? localStorage.getItem(`docs:${tabs.dataset.group}`);
      if (word) this.choose(tabs, word);
    }
    for (const block of this.querySelectorAll("pre")) this.offerCopy(block);
    addEventListener("hashchange", () => this.findAnchor());
    this.findAnchor();
  }

  findAnchor() {
    const name = decodeURIComponent(location.hash.slice(1));
    if (!name || document.getElementById(name)) return;
    document.getElementById(`u-${name}`)?.scrollIntoView();
  }

  arrange(tabs) {
    const panels = [...tabs.children].filter((child) => child.matches(".doc-tab"));
    if (panels.length < 2 || tabs.querySelector(":scope > .doc-tab-list")) return;
    const list = document.createElement("div");
    list.className = "doc-tab-list";
    list.setAttribute("role", "tablist");
    const group = `tabs-${Math.random().toString(36).slice(2)}`;
    panels.forEach((panel, number) => {
      const title = panel.querySelector(":scope > .doc-tab-title");
      title.hidden = true;
      const tab = document.createElement("button");
      tab.type = "button";
      tab.id = `${group}-${number}`;
      tab.textContent = title.textContent;
      tab.dataset.tab = panel.dataset.tab;
      tab.setAttribute("role", "tab");
      panel.id = `${tab.id}-text`;
      panel.setAttribute("role", "tabpanel");
      panel.setAttribute("aria-labelledby", tab.id);
      tab.setAttribute("aria-controls", panel.id);
      tab.addEventListener("click", () => this.chooseEverywhere(tabs, tab.dataset.tab));
      list.append(tab);
    });
    list.addEventListener("keydown", (event) => this.step(event, tabs, list));
    tabs.prepend(list);
    this.choose(tabs, panels[0].dataset.tab);
  }

  step(event, tabs, list) {
    const move = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!move) return;
    event.preventDefault();
    const all = [...list.children];
    const next = all[(all.indexOf(document.activeElement) + move + all.length) % all.length];
    this.chooseEverywhere(tabs, next.dataset.tab);
    next.focus();
  }

  chooseEverywhere(tabs, word) {
    const group = tabs.dataset.group;
    if (!group) return this.choose(tabs, word);
    localStorage.setItem(`docs:${group}`, word);
    for (const other of this.querySelectorAll(".doc-tabs")) if (other.dataset.group === group) this.choose(other, word);
  }

  choose(tabs, word) {
    const list = tabs.querySelector(":scope > .doc-tab-list");
    if (!list || ![...list.children].some((tab) => tab.dataset.tab === word)) return;
    for (const tab of list.children) {
      const isChosen = tab.dataset.tab === word;
      tab.setAttribute("aria-selected", isChosen);
      tab.tabIndex = isChosen ? 0 : -1;
      document.getElementById(tab.getAttribute("aria-controls")).hidden = !isChosen;
    }
  }

  offerCopy(block) {
    if (!navigator.clipboard) return;
    const place = document.createElement("div");
    place.className = "doc-code";
    block.replaceWith(place);
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy-button";
    button.textContent = this.dataset.copy;
    const said = document.createElement("span");
    said.className = "sr";
    said.setAttribute("role", "status");
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(typed(block.textContent));
      button.textContent = said.textContent = this.dataset.done;
      setTimeout(() => {
        button.textContent = this.dataset.copy;
        said.textContent = "";
      }, 2000);
    });
    place.append(block, button, said);
  }
}

// Of a session with the interpreter, what a person types: the lines behind the prompts.
function typed(text) {
  const lines = text.split("\n");
  if (!lines.some((line) => line.startsWith(">>> "))) return text;
  return lines.filter((line) => /^(>>>|\.\.\.)( |$)/.test(line)).map((line) => line.slice(4)).join("\n");
}

customElements.define("docs-text", DocsText);
