// <live-log data-events="…"> goes on with the lines that its <pre> begins. <stage-badge> follows the stage of a Space beside its
// application; <space-state>, where there is no application to see yet, shows the page anew when the stage changes.
const KEPT = 5000;

class LiveLog extends HTMLElement {
  connectedCallback() {
    this.pre = this.querySelector("pre");
    if (!this.pre) return;
    this.pre.scrollTop = this.pre.scrollHeight;
    if (!this.dataset.events) return;
    this.source = new EventSource(this.dataset.events);
    this.source.onmessage = (event) => this.add(JSON.parse(event.data));
    // The server closes the stream when the program ended; a browser would ask again for ever.
    this.source.onerror = () => this.source.readyState !== EventSource.OPEN && this.lost();
    this.source.onopen = () => { this.failures = 0; };
  }

  disconnectedCallback() { this.source?.close(); }

  lost() {
    this.failures = (this.failures ?? 0) + 1;
    if (this.failures > 3) this.source.close();
  }

  add({ data, timestamp }) {
    this.failures = 0;
    const isAtEnd = this.pre.scrollHeight - this.pre.scrollTop - this.pre.clientHeight < 40;
    const line = document.createElement("span");
    line.title = timestamp;
    line.textContent = data + "\n";
    this.pre.append(line);
    while (this.pre.childElementCount > KEPT) this.pre.firstElementChild.remove();
    if (isAtEnd) this.pre.scrollTop = this.pre.scrollHeight;
  }
}

class Watcher extends HTMLElement {
  connectedCallback() { this.timer = setInterval(() => document.hidden || this.look(), this.every); }

  disconnectedCallback() { clearInterval(this.timer); }

  async look() {
    const answer = await fetch(this.dataset.src).catch(() => null);
    if (!answer?.ok) return;
    const now = await answer.json();
    if (now.stage !== this.dataset.stage) this.changed(now);
  }
}

class SpaceState extends Watcher {
  every = 1500;

  changed() { location.reload(); }
}

class StageBadge extends Watcher {
  every = 4000;

  changed({ stage, words, tone }) {
    this.dataset.stage = stage;
    this.firstElementChild.className = `badge ${tone}`;
    this.firstElementChild.textContent = words;
  }
}

customElements.define("live-log", LiveLog);
customElements.define("space-state", SpaceState);
customElements.define("stage-badge", StageBadge);
