// Fill a bucket, copy within it, list, download and delete with the JavaScript client: bucket.mjs URL TOKEN BUCKET SIZE
import { createHash } from "node:crypto";
import { copyFile, createRepo, deleteFiles, deleteRepo, downloadFile, fileExists, listFiles, pathsInfo, uploadFiles } from "@huggingface/hub";

const [hubUrl, accessToken, name, size] = process.argv.slice(2);
const repo = { type: "bucket", name };
const large = new Uint8Array(Number(size)).map((_, at) => (at * 31 + (at >> 8)) & 255);
const sha = (bytes) => createHash("sha256").update(bytes).digest("hex");
const all = { repo, accessToken, hubUrl };

const made = await createRepo({ ...all, visibility: "private" });
await uploadFiles({
  ...all,
  files: [
    { path: "hello.txt", content: new Blob(["hello"]) },
    { path: "deep/large.bin", content: new Blob([large]) },
  ],
});
await copyFile({ source: { repo, path: "deep/large.bin" }, destination: { repo, path: "copy.bin" }, accessToken, hubUrl });
const level = [];
for await (const file of listFiles(all)) level.push(`${file.type} ${file.path}`);
const back = async (path) => new Uint8Array(await (await downloadFile({ ...all, path })).arrayBuffer());
const same = sha(await back("copy.bin")) === sha(large);
const [info] = await pathsInfo({ ...all, paths: ["hello.txt"] });
await deleteFiles({ ...all, paths: ["hello.txt"] });
const stillThere = await fileExists({ ...all, path: "hello.txt" });
const files = [];
for await (const file of listFiles({ ...all, recursive: true })) files.push(file.path);
await deleteRepo(all);
console.log(JSON.stringify({ url: made.repoUrl, level: level.sort(), same, size: info.size, stillThere, files: files.sort() }));
