import { join } from "node:path";
import { run } from "@samepage/test-support";

/** Compiles native/NAME.c into a directory and resolves with the program's path. */
export async function nativeTool(name: "floor" | "make-crowd", directory: string): Promise<string> {
  const program = join(directory, name);
  await run("cc", ["-O2", "-pthread", "-o", program, join(import.meta.dirname, "native", `${name}.c`)]);
  return program;
}
