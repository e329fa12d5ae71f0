// How values look: in the cells of a table, and in full when a row is opened.
const WIDTHS = { number: 120, bool: 90, text: 300, list: 260, dict: 300, image: 150, audio: 320, video: 260, label: 160, time: 210 };

// Return the form of a column by the Hub's description of it.
export function formOf(type) {
  if (Array.isArray(type)) return "list";
  const word = type?._type;
  if (word === "ClassLabel") return "label";
  if (word === "Image" || word === "Audio" || word === "Video") return word.toLowerCase();
  if (word === "List" || word === "LargeList" || word === "Sequence") return "list";
  if (word !== "Value") return "dict";
  if (/^(u?int|float|decimal)/.test(type.dtype)) return "number";
  if (type.dtype === "bool") return "bool";
  return /^(timestamp|date|time)/.test(type.dtype) ? "time" : "text";
}

// Return the type of a column in a word.
export function wordOf(type) {
  const form = formOf(type);
  if (form === "label") return "class label";
  return ["number", "bool", "text", "time"].includes(form) ? type.dtype.replace("large_", "") : form;
}

export const widthOf = (type) => WIDTHS[formOf(type)];

// Return the nodes of a value. `marked` is what a search looked for, `isWhole` shows all of it.
export function nodesOf(value, type, { marked, isWhole, words }) {
  const form = formOf(type);
  if (value === null || value === undefined) return [element("span", { className: "quiet", textContent: "null" })];
  const medium = Array.isArray(value) && value.length === 1 ? value[0] : value;
  if (["image", "audio", "video"].includes(form) && typeof medium?.src === "string") return [media(form, medium, words)];
  if (form === "label" && type.names?.[value] !== undefined) return highlighted(type.names[value], marked);
  if (typeof value === "string") return highlighted(value, marked);
  if (typeof value !== "object") return [String(value)];
  const pictures = isWhole || form === "list" ? picturesIn(value, words) : [];
  if (pictures.length) return pictures;
  return highlighted(isWhole ? JSON.stringify(value, null, 2) : JSON.stringify(value), marked);
}

function media(form, { src, width, height }, words) {
  if (form === "image") return element("img", { src, alt: `${words.image}${width ? `, ${width} × ${height}` : ""}`, loading: "lazy" });
  return element(form, { src, controls: true, preload: "none" });
}

function picturesIn(value, words) {
  if (!Array.isArray(value)) return [];
  return value.filter((each) => typeof each?.src === "string" && "width" in each).map((each) => media("image", each, words));
}

function highlighted(text, marked) {
  if (!marked) return [text];
  return text.split(marked).map((part, at) => (at % 2 ? element("mark", { textContent: part }) : part));
}

// Return the pattern of what a query looks for, in one group; null when it has no words.
export function patternOf(query) {
  const parts = (query.match(/"[^"]+"|\S+/g) ?? []).map((part) => part.replace(/^"|"$/g, "")).filter(Boolean);
  if (!parts.length) return null;
  return new RegExp(`(${parts.map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|")})`, "giu");
}

export function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}
