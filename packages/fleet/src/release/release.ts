import { FleetError } from "../fleet-error.ts";

/** One package of a release. */
export interface ReleaseFile {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** SHA-256, hex. */
  readonly sha256: string;
}

/** The packages of one version, as `npm run package` describes them in release.json. */
export interface Release {
  readonly version: string;
  readonly files: readonly ReleaseFile[];
}

/** Names become paths, shell words and addresses. */
const safeName = /^[A-Za-z0-9][A-Za-z0-9._+~-]{0,199}$/u;
const safeVersion = /^\d+(?:\.\d+){0,3}(?:[+~-][A-Za-z0-9.]{1,40})?$/u;

/** Whether a text can be a version of Samepage: it becomes a path. */
export function isVersion(text: string): boolean {
  return safeVersion.test(text);
}

/** @throws FleetError `bad-release`. */
export function parseRelease(text: string): Release {
  const wrong = (what: string) => new FleetError("bad-release", "release.json", `the release cannot be understood: ${what}`, "copy the whole directory that npm run package made");
  let release: Partial<Release> | null;
  try {
    release = JSON.parse(text);
  } catch {
    throw wrong("release.json is not JSON");
  }
  const { version, files } = release ?? {};
  if (typeof version !== "string" || !isVersion(version)) throw wrong("it has no version");
  if (!Array.isArray(files) || !files.every(isReleaseFile)) throw wrong("it has a file without a name, size and SHA-256");
  return { version, files };
}

function isReleaseFile(value: unknown): value is ReleaseFile {
  if (typeof value !== "object" || value === null) return false;
  const { name, size, sha256 }: Partial<Record<keyof ReleaseFile, unknown>> = value;
  return typeof name === "string" && safeName.test(name) && Number.isSafeInteger(size) && typeof sha256 === "string" && /^[0-9a-f]{64}$/u.test(sha256);
}

/** Debian's names of the machines that agents are built for, by what `uname -m` says. */
const architectures: Readonly<Record<string, string>> = { x86_64: "amd64", aarch64: "arm64" };

/** The agent as a tree for a machine, undefined where the release has none. @param machine as `uname -m` says */
export function agentTreeOf({ version, files }: Release, machine: string): ReleaseFile | undefined {
  return files.find(({ name }) => name === `samepage-agent_${version}_${architectures[machine] ?? machine}.tar.gz`);
}
