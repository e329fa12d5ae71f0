// The query runs with Ctrl and Enter, and shows that it does.
const form = document.querySelector(".sql-form");

form?.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    form.requestSubmit();
  }
});
form?.addEventListener("submit", () => {
  form.setAttribute("aria-busy", "true");
  form.querySelector("button").disabled = true;
});
addEventListener("pageshow", () => {
  form?.removeAttribute("aria-busy");
  if (form) form.querySelector("button").disabled = false;
});
