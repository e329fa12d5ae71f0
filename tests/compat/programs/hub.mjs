// Create a repository, upload, list and download with the JavaScript client: hub.mjs URL TOKEN REPOSITORY SIZE
import { createHash } from "node:crypto";
import { createRepo, downloadFile, listFiles, uploadFiles, whoAmI } from "@huggingface/hub";

const [hubUrl, accessToken, name, size] = process.argv.slice(2);
const large = new Uint8Array(Number(size)).map((_, at) => (at * 31 + (at >> 8)) & 255);
const sha = (bytes) => createHash("sha256").update(bytes).digest("hex");

await createRepo({ repo: name, accessToken, hubUrl });
const commit = await uploadFiles({
  repo: name, accessToken, hubUrl, commitTitle: "From JavaScript",
  files: [
    { path: "hello.txt", content: new Blob(["hello"]) },
    { path: "large.bin", content: new Blob([large]) },
  ],
});
const files = [];
for await (const file of listFiles({ repo: name, hubUrl, accessToken })) files.push(file.path);
const back = async (path) => new Uint8Array(await (await downloadFile({ repo: name, path, hubUrl, accessToken })).arrayBuffer());
console.log(JSON.stringify({
  me: (await whoAmI({ accessToken, hubUrl })).name,
  commit: commit?.commit?.oid,
  files: files.sort(),
  hello: new TextDecoder().decode(await back("hello.txt")),
  same: sha(await back("large.bin")) === sha(large),
}));
