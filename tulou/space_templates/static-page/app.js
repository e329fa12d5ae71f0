// Counts words, to show that scripts run here: in the visitor's browser, on an origin of this Space alone.
const form = document.querySelector("#words");
const counts = document.querySelector("#counts");

function count(text) {
  const found = new Map();
  for (const word of text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []) found.set(word, (found.get(word) ?? 0) + 1);
  return [...found].sort((a, b) => b[1] - a[1]).slice(0, 10);
}

function show() {
  const rows = count(form.elements.text.value);
  counts.replaceChildren(...rows.map(([word, times]) => {
    const row = document.createElement("tr");
    const meter = Object.assign(document.createElement("meter"), { max: rows[0][1], value: times, textContent: times });
    meter.setAttribute("aria-label", `${word}: ${times}`);
    row.append(document.createElement("td"), document.createElement("td"), document.createElement("td"));
    row.children[0].textContent = word;
    row.children[1].append(meter);
    row.children[2].textContent = times;
    return row;
  }));
}

form.elements.text.closest("form").addEventListener("submit", (event) => { event.preventDefault(); show(); });
show();
