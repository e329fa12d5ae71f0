// Names one file by its SHA-256, away from the page, a piece at a time: a file of any size takes little memory.
import { Sha256 } from "./sha256.js";

const PIECE = 4 * 1024 * 1024;

addEventListener("message", async ({ data: file }) => {
  try {
    const hash = new Sha256();
    for (let at = 0; at < file.size; at += PIECE) {
      hash.update(new Uint8Array(await file.slice(at, at + PIECE).arrayBuffer()));
      postMessage({ done: Math.min(at + PIECE, file.size) });
    }
    postMessage({ hex: hash.hex() });
  } catch (problem) {
    postMessage({ problem: String(problem) });
  }
});
