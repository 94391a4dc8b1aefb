import type { GateRequest } from "@samepage/controller/api";
import { CliError } from "../cli-error.ts";

/** How gates are written, for help and for whoever writes one wrongly. */
export const gateForms = "failed=N|%, cpu=%, memory=%, io=%, guests, ksm";

/**
 * Conditions between waves as operators write them: `failed=0`, `memory=20%`, `guests`, `ksm`.
 * @throws CliError `bad-argument` naming the one that cannot be read.
 */
export function parseGates(texts: readonly string[]): readonly GateRequest[] {
  return texts.map(parseGate);
}

function parseGate(text: string): GateRequest {
  const { kind = "", limit } = /^(?<kind>[a-z]+)(?:=(?<limit>.+))?$/u.exec(text)?.groups ?? {};
  if ((kind === "guests" || kind === "ksm") && limit === undefined) return { kind };
  if (kind === "failed" && limit !== undefined) return { kind: "jobs", maxFailed: limit };
  const percent = Number(/^(?<digits>\d{1,3}(?:\.\d{1,2})?)%?$/u.exec(limit ?? "")?.groups?.["digits"] ?? Number.NaN);
  if ((kind === "cpu" || kind === "memory" || kind === "io") && percent <= 100) return { kind: "psi", resource: kind, maxPercent: percent };
  throw new CliError("bad-argument", `--gate ${text}: not a gate`, `Write one of ${gateForms}, for example --gate memory=20% --gate guests.`);
}
