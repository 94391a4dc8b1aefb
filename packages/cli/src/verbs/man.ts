import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { manPages } from "../generate/man-pages.ts";
import { text } from "../option.ts";
import { defineVerb } from "../verb.ts";

export const man = defineVerb({
  path: "man",
  summary: "write the man pages",
  description: ["Without --dir the main page goes to standard output: samepage man | man -l -"],
  arguments: {},
  options: { dir: text("dir", "write every page into this directory", { completes: "directory" }) },
  examples: [{ command: "samepage man --dir /usr/local/share/man/man1", meaning: "install the pages for this machine" }],
  run: async ({ dir }, { table }) => {
    const pages = manPages(table);
    if (dir === undefined) return { json: { pages }, human: () => [pages["samepage.1"] ?? ""] };
    await mkdir(dir, { recursive: true });
    for (const [name, page] of Object.entries(pages)) await writeFile(join(dir, name), page);
    const files = Object.keys(pages).map((name) => join(dir, name));
    return { json: { files }, human: () => files };
  },
});
