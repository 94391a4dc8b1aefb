import { createHash, type KeyObject, sign } from "node:crypto";
import { chmod, cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "@samepage/test-support";

/** What a made-up version does differently from the one that it is made of. */
export type Behaviour = "good" | "crashes" | "never-connects";

/** Runs before the program, where it was started as the service. */
const prologues: Readonly<Record<Behaviour, string>> = {
  good: "",
  crashes: 'if (process.argv.includes("run")) process.exit(70);\n',
  "never-connects": 'if (process.argv.includes("run")) await new Promise(() => setInterval(() => {}, 60_000));\n',
};

/**
 * Fills a release directory with a version of the agent: the packaged program under another number, signed as an operator would.
 * Its node is the installed one, which keeps the archive small.
 * @param tree unpacked `samepage-agent_*.tar.gz`
 */
export async function makeRelease(directory: string, tree: string, version: string, behaviour: Behaviour, key: KeyObject): Promise<void> {
  const staged = join(directory, ".stage");
  await rm(staged, { recursive: true, force: true });
  await cp(join(tree, "lib/samepage/build"), join(staged, "lib/samepage/build"), { recursive: true });
  await mkdir(join(staged, "lib/samepage/bin"), { recursive: true });
  await cp(join(tree, "lib/samepage/lib"), join(staged, "lib/samepage/lib"), { recursive: true });
  await writeFile(join(staged, "lib/samepage/bin/node"), '#!/bin/sh\nexec /usr/lib/samepage/bin/node "$@"\n');
  await chmod(join(staged, "lib/samepage/bin/node"), 0o755);
  for (const part of (await readdir(join(staged, "lib/samepage/lib"))).filter((each) => each.endsWith(".mjs"))) {
    const path = join(staged, "lib/samepage/lib", part);
    const program = (await readFile(path, "utf8")).replaceAll('"0.1.0"', `"${version}"`);
    await writeFile(path, part === "samepage.mjs" ? prologues[behaviour] + program : program);
  }
  const name = `samepage-agent_${version}_${process.arch === "arm64" ? "arm64" : "amd64"}.tar.gz`;
  await run("tar", ["--create", "--gzip", "--file", join(directory, name), "-C", staged, "lib"]);
  await rm(staged, { recursive: true });
  const content = await readFile(join(directory, name));
  const manifest = Buffer.from(JSON.stringify({ version, files: [{ name, size: content.length, sha256: createHash("sha256").update(content).digest("hex") }] }));
  await writeFile(join(directory, "release.json"), manifest);
  await writeFile(join(directory, "release.json.sig"), sign(undefined, manifest, key));
}
