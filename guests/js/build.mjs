// Makes a component of a script: node build.mjs WASI_WIT_DIR SCRIPT.js COMPONENT.wasm
// WASI_WIT_DIR is what `componentize wasi` writes.
import { componentize } from "@bytecodealliance/componentize-js";
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

// The engine inside componentize-js is made for this one; what it imports reads the same in every 0.2.z.
const VERSION = "0.2.10";
const WORLD = `package duet:guests; world handler { include wasi:http/proxy@${VERSION}; }`;

async function writeWorld(wasi, folder) {
  await mkdir(join(folder, "deps"));
  await writeFile(join(folder, "world.wit"), WORLD);
  for (const name of await readdir(wasi)) {
    const text = await readFile(join(wasi, name), "utf8");
    await writeFile(join(folder, "deps", name), text.replaceAll(/\b0\.2\.\d+\b/g, VERSION));
  }
}

const [wasi, script, out] = process.argv.slice(2);
if (!out) {
  console.error("usage: node build.mjs WASI_WIT_DIR SCRIPT.js COMPONENT.wasm");
  process.exit(2);
}
const witPath = await mkdtemp(join(tmpdir(), "duet-js-"));
try {
  await writeWorld(wasi, witPath);
  const { component } = await componentize(await readFile(script, "utf8"), { witPath, worldName: "handler" });
  await writeFile(out, component);
} finally {
  await rm(witPath, { recursive: true });
}
