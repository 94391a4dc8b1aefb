import { readFileSync } from "node:fs";
import { restoreGuests } from "@samepage/agent/restore-guests";

/** Guests that shall take over a template's prelinked files, as one JSON argument; for tests that kill this process. */
export interface AdoptOrder {
  /** File with the template's manifest, and its digest. */
  readonly manifest: string;
  readonly digest: string;
  /** Roots, in the order in which they are switched. */
  readonly guests: readonly string[];
  /** Where copies of the template's files are found. */
  readonly template: string;
}

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by adopt-prelink.test.ts only.
const order = JSON.parse(process.argv[2] ?? "{}") as AdoptOrder;
const never = async (): Promise<never> => Promise.reject(new Error("every copy is on this host"));
const answer = { version: "1", domain: "blue", manifest: Buffer.from(order.digest, "hex"), parts: 1, otherVersions: [], bytes: readFileSync(order.manifest) };
const [template, ...guests] = [order.template, ...order.guests].map((path) => ({ name: path, path, domain: "blue", state: "stopped" as const, provider: "dir" }));
const { restored, failures, leftAlone } = await restoreGuests(
  { template: "t", version: "1", paths: [], adoptPrelink: true },
  guests,
  template === undefined ? [] : [template],
  { readTemplate: async () => answer, wantContent: never, readContent: never },
  { limits: { background: false, paced: false, pressureLimit: 100 }, signal: new AbortController().signal },
);
console.log(JSON.stringify({ restored: Number(restored), failures, leftAlone }));
