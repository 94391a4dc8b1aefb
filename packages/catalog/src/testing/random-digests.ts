import { createHash } from "node:crypto";

/** `count` distinct digests, the same for the same seed. */
export function randomDigests(count: number, seed = "seed"): Buffer[] {
  return Array.from({ length: count }, (_, index) => createHash("sha256").update(`${seed} ${index}`).digest());
}
