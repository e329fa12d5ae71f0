// Ask the hub, and send it bytes with progress. Every function takes an AbortSignal and throws an Error with a sentence for people.

export async function ask(url, body, signal, type = "application/json") {
  const answer = await fetch(url, { method: "POST", body, signal, headers: { "content-type": type, accept: "application/json" } });
  const value = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(value.error ?? value.message ?? `HTTP ${answer.status}`);
  return value;
}

export function put(url, blob, signal, progress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const stop = () => request.abort();
    signal.addEventListener("abort", stop);
    request.upload.addEventListener("progress", (event) => progress(event.loaded));
    request.addEventListener("loadend", () => signal.removeEventListener("abort", stop));
    request.addEventListener("abort", () => reject(new DOMException("", "AbortError")));
    request.addEventListener("error", () => reject(new TypeError("")));
    request.addEventListener("load", () => {
      if (request.status < 300) resolve(request.getResponseHeader("etag"));
      else reject(new Error(said(request)));
    });
    request.open("PUT", url);
    request.send(blob);
  });
}

function said(request) {
  try {
    const value = JSON.parse(request.responseText);
    return value.message ?? value.error ?? `HTTP ${request.status}`;
  } catch {
    return `HTTP ${request.status}`;
  }
}

export function sha256(file, signal, progress) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./sha256-worker.js", import.meta.url), { type: "module" });
    const end = (settle, value) => {
      worker.terminate();
      settle(value);
    };
    signal.addEventListener("abort", () => end(reject, new DOMException("", "AbortError")));
    worker.addEventListener("error", () => end(reject, new Error("worker")));
    worker.addEventListener("message", ({ data }) => {
      if (data.hex) end(resolve, data.hex);
      else if (data.problem) end(reject, new Error(data.problem));
      else progress(data.done);
    });
    worker.postMessage(file);
  });
}

export async function sendLarge(object, file, signal, progress) {
  if (object.error) throw new Error(object.error.message);
  const upload = object.actions?.upload;
  if (!upload) return; // it is here already
  const size = Number(upload.header?.chunk_size ?? 0);
  if (!size) {
    await put(upload.href, file, signal, progress);
    return;
  }
  const parts = [];
  for (const number of Object.keys(upload.header).filter((key) => /^\d+$/.test(key)).sort()) {
    const start = (Number(number) - 1) * size;
    const piece = file.slice(start, start + size);
    const etag = await put(upload.header[number], piece, signal, (sent) => progress(start + sent));
    parts.push({ partNumber: Number(number), etag });
  }
  await ask(upload.href, JSON.stringify({ parts }), signal);
}

export function base64(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("error", () => reject(reader.error));
    reader.addEventListener("load", () => resolve(reader.result.slice(reader.result.indexOf(",") + 1)));
    reader.readAsDataURL(blob);
  });
}

// Files of a drop, folders included, as {file, path}.
export async function dropped(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return [...transfer.files].map((file) => ({ file, path: file.name }));
  const found = [];
  for (const entry of entries) await walk(entry, "", found);
  return found;
}

async function walk(entry, folder, found) {
  const path = folder + entry.name;
  if (entry.isFile) {
    found.push({ file: await new Promise((resolve, reject) => entry.file(resolve, reject)), path });
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return;
    for (const child of some) await walk(child, `${path}/`, found);
  }
}
