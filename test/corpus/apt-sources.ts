import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** Debian's own suites as this machine's apt knows them, in deb822 form; mirrors, keys and proxies stay the machine's affair. */
export interface AptSources {
  /** VERSION_CODENAME of this machine, e.g. `bookworm`. */
  readonly codename: string;
  /** Stanzas for the release alone: what its installer would have put there. */
  readonly release: string;
  /** The same with updates and security: what the guest becomes by its first upgrade. */
  readonly current: string;
}

interface Stanza {
  readonly uris: readonly string[];
  readonly suites: readonly string[];
  readonly signedBy: string | undefined;
}

/** Reads /etc/apt; undefined where it names no Debian mirror for this machine's own release. */
export async function readAptSources(aptDirectory = "/etc/apt", osRelease = "/etc/os-release"): Promise<AptSources | undefined> {
  const codename = /^VERSION_CODENAME=(\w+)$/mu.exec(await readFile(osRelease, "utf8"))?.[1];
  if (codename === undefined) return undefined;
  const parts = join(aptDirectory, "sources.list.d");
  const files = [join(aptDirectory, "sources.list"), ...(await readdir(parts).catch((): string[] => [])).sort().map((name) => join(parts, name))];
  const stanzas: Stanza[] = [];
  for (const file of files) {
    const text = await readFile(file, "utf8").catch(() => "");
    if (file.endsWith(".sources")) stanzas.push(...parseDeb822(text));
    if (file.endsWith(".list")) stanzas.push(...parseOneLine(text));
  }
  // Third parties name their suites otherwise, or serve one suite we do not ask for.
  const only = (wanted: readonly string[]) =>
    stanzas.flatMap((stanza) => {
      const suites = stanza.suites.filter((suite) => wanted.includes(suite));
      return suites.length === 0 ? [] : [format({ ...stanza, suites })];
    });
  const release = only([codename]).join("\n");
  if (release === "") return undefined;
  return { codename, release, current: only([codename, `${codename}-updates`, `${codename}-security`]).join("\n") };
}

function format({ uris, suites, signedBy }: Stanza): string {
  const key = signedBy === undefined ? "" : `Signed-By: ${signedBy}\n`;
  return `Types: deb\nURIs: ${uris.join(" ")}\nSuites: ${suites.join(" ")}\nComponents: main\n${key}`;
}

function parseDeb822(text: string): Stanza[] {
  return text.split(/\n\s*\n/u).flatMap((block) => {
    const field = (name: string) => new RegExp(`^${name}:[ \\t]*(.*(?:\\n[ \\t].*)*)$`, "imu").exec(block)?.[1]?.trim();
    const words = (name: string) => field(name)?.split(/\s+/u) ?? [];
    const signedBy = field("Signed-By");
    // A key written out in the file would need deb822's folding; a path is what Debian installs.
    const usable = words("Types").includes("deb") && words("Components").includes("main") && field("Enabled") !== "no";
    return usable ? [{ uris: words("URIs"), suites: words("Suites"), signedBy: signedBy?.startsWith("/") ? signedBy : undefined }] : [];
  });
}

function parseOneLine(text: string): Stanza[] {
  return [...text.matchAll(/^deb[ \t]+(?:\[(?<options>[^\]]*)\][ \t]+)?(?<uri>\S+)[ \t]+(?<suite>\S+)[ \t]+(?<components>.+)$/gmu)].flatMap(
    ({ groups }) => {
      const { options = "", uri, suite, components = "" } = groups ?? {};
      if (uri === undefined || suite === undefined || !components.split(/\s+/u).includes("main")) return [];
      return [{ uris: [uri], suites: [suite], signedBy: /signed-by=(\/\S+)/u.exec(options)?.[1] }];
    },
  );
}
