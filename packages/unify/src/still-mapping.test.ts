import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { deviceText } from "./held-inodes.ts";
import { readStillMapping } from "./still-mapping.ts";

test("a process that runs from a replaced file is named with its guest until it ends", async () => {
  const directory = await mkdtemp(join(tmpdir(), "samepage-mapping-"));
  try {
    const program = join(directory, "program");
    await copyFile("/bin/sleep", program);
    const { dev, ino } = await stat(program, { bigint: true });
    const replaced = () => [{ device: deviceText(dev), ino: Number(ino), guest: "web-1" }];
    const child = spawn(program, ["60"]);
    await once(child, "spawn");
    try {
      const found = await readStillMapping(replaced, new AbortController().signal);
      expect(found).toEqual([{ pid: child.pid, command: "program", guest: "web-1", files: 1 }]);
    } finally {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    expect(await readStillMapping(replaced, new AbortController().signal)).toEqual([]);
  } finally {
    await rm(directory, { recursive: true });
  }
});
