import { createPublicKey, verify } from "node:crypto";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run, temporaryDirectory } from "@samepage/test-support";
import { expect, test } from "vitest";
import { documentedBlocks } from "./documented-blocks.ts";

test("the commands of docs/deployment.md sign a release so that a host that pins the key takes it, and no other", async () => {
  await using directory = await temporaryDirectory("samepage-signing-");
  const manifest = Buffer.from('{ "version": "1.2.3", "files": [] }\n');
  await writeFile(join(directory.path, "release.json"), manifest);
  const page = await readFile(join(import.meta.dirname, "../../docs/deployment.md"), "utf8");
  const blocks = documentedBlocks(page).filter(({ machines }) => machines.includes("signer"));
  expect(blocks).toHaveLength(2);
  for (const { commands } of blocks) await run("sh", ["-ec", commands], { cwd: directory.path });

  const key = createPublicKey(await readFile(join(directory.path, "release-key.pem")));
  const signature = await readFile(join(directory.path, "release.json.sig"));
  expect(key.asymmetricKeyType).toBe("ed25519");
  expect(verify(undefined, manifest, key, signature)).toBe(true);
  expect(verify(undefined, Buffer.from(manifest).fill("9", 15, 16), key, signature)).toBe(false);
  expect((await stat(join(directory.path, "release-key.private.pem"))).mode & 0o077).toBe(0);
});
