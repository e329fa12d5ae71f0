// Links to lines: #L10 marks one (the stylesheet does that alone), #L10-L20 a range; shift and click makes one.
const code = document.querySelector("pre.code");

function range() {
  const found = /^#L(\d+)(?:-L(\d+))?$/.exec(location.hash);
  if (!found) return null;
  const ends = [Number(found[1]), Number(found[2] ?? found[1])].sort((a, b) => a - b);
  return { first: ends[0], last: ends[1] };
}

function mark() {
  for (const line of code.querySelectorAll(".line.on")) line.classList.remove("on");
  const wanted = range();
  if (!wanted) return;
  const lines = code.querySelectorAll(".line");
  for (let at = wanted.first; at <= Math.min(wanted.last, lines.length); at++) lines[at - 1]?.classList.add("on");
  if (wanted.last > wanted.first) lines[wanted.first - 1]?.scrollIntoView({ block: "center" });
}

code?.addEventListener("click", (event) => {
  const number = event.target.closest("a[data-n]");
  const now = range();
  if (!number || !event.shiftKey || !now) return;
  event.preventDefault();
  const other = Number(number.dataset.n);
  history.replaceState(null, "", `#L${Math.min(now.first, other)}-L${Math.max(now.first, other)}`);
  mark();
});
if (code) {
  addEventListener("hashchange", mark);
  mark();
}
