// <copy-text data-text="…"> becomes a button that copies the text; without data-text it copies the <pre> or <code> beside it.
class CopyText extends HTMLElement {
  connectedCallback() {
    if (this.closest(".prose") || this.firstChild || !navigator.clipboard) return;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy-button";
    button.textContent = this.dataset.label;
    if (this.dataset.title) button.ariaLabel = button.title = this.dataset.title;
    button.addEventListener("click", () => this.copy(button));
    const said = document.createElement("span");
    said.className = "sr";
    said.setAttribute("role", "status");
    this.append(button, said);
  }

  async copy(button) {
    const source = this.parentElement.querySelector("pre, code");
    await navigator.clipboard.writeText(this.dataset.text ?? source.textContent);
    button.textContent = this.lastChild.textContent = this.dataset.done;
    setTimeout(() => {
      button.textContent = this.dataset.label;
      this.lastChild.textContent = "";
    }, 2000);
  }
}

customElements.define("copy-text", CopyText);
