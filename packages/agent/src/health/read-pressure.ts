import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Pressure } from "@samepage/proto";

/** Pressure stall of the whole host; undefined where the kernel was built or booted without it. */
export async function readPressure(root: string): Promise<Pressure | undefined> {
  const [cpu, memory, io] = await Promise.all((["cpu", "memory", "io"] as const).map(async (resource) => readSome(join(root, "/proc/pressure", resource))));
  return cpu === undefined || memory === undefined || io === undefined ? undefined : { cpu, memory, io };
}

/** `some avg60` of one file, see Documentation/accounting/psi.rst. */
async function readSome(path: string): Promise<number | undefined> {
  // Booted with psi=0 the files are there and reading them fails.
  const text = await readFile(path, "utf8").catch(() => "");
  const value = /^some avg10=[\d.]+ avg60=(?<percent>[\d.]+)/mu.exec(text)?.groups?.["percent"];
  return value === undefined ? undefined : Number(value);
}
