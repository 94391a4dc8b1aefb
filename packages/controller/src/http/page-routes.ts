import { readdir, readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import type { FastifyInstance } from "fastify";
import { ControllerError } from "../api/controller-error.ts";

const contentTypes: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

/**
 * The page may load and call only the controller that served it, may not be framed, and runs no inline script:
 * an operator's token is in its memory. Inline styles are what the tables' heights are set with.
 */
const securityHeaders = {
  "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
} as const;

export interface PageFile {
  /** As requested, e.g. `/assets/index-1a2b.js`. */
  readonly url: string;
  readonly type: string;
  readonly body: Buffer;
}

/**
 * Reads the built page into memory (some 100 kB), so that no request ever names a path on disk.
 * @throws ControllerError `invalid` when the directory holds no page.
 */
export async function readPage(directory: string): Promise<readonly PageFile[]> {
  let names: readonly string[];
  try {
    const entries = await readdir(directory, { recursive: true, withFileTypes: true });
    names = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1));
  } catch (cause) {
    throw new ControllerError("invalid", `cannot read the page in ${directory}`, { hint: "build it with npm run build, or leave the option out", target: directory, cause });
  }
  if (!names.includes("index.html")) throw new ControllerError("invalid", `there is no page in ${directory}: index.html is missing`, { hint: "build it with npm run build", target: directory });
  return Promise.all(names.map(async (name) => ({ url: `/${name}`, type: contentTypes[extname(name)] ?? "application/octet-stream", body: await readFile(join(directory, name)) })));
}

export function addPageRoutes(app: FastifyInstance, files: readonly PageFile[]): void {
  for (const { url, type, body } of files) {
    // Vite puts a hash of the content into the names below assets/.
    const caching = url.startsWith("/assets/") ? "public, max-age=31536000, immutable" : "no-cache";
    for (const path of url === "/index.html" ? ["/", url] : [url]) {
      app.get(path, async (_request, reply) => reply.headers({ ...securityHeaders, "content-type": type, "cache-control": caching }).send(body));
    }
  }
}
