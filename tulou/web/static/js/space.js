// <live-log data-events="…"> goes on with the lines that its <pre> begins; <space-state> shows the page anew when the stage changes.
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

class SpaceState extends HTMLElement {
  connectedCallback() { this.timer = setInterval(() => this.look(), 1500); }

  disconnectedCallback() { clearInterval(this.timer); }

  async look() {
    const answer = await fetch(this.dataset.src).catch(() => null);
    if (answer?.ok && (await answer.json()).stage !== this.dataset.stage) location.reload();
  }
}

customElements.define("live-log", LiveLog);
customElements.define("space-state", SpaceState);
