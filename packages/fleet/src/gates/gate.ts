import type { Share } from "../share.ts";

/**
 * One condition for going on to the next wave. The set is closed: a gate reads what agents report anyway, it never runs a program.
 * - `jobs`: at most `maxFailed` of this wave's hosts failed (a percentage is of the hosts that finished in this wave).
 * - `psi`: pressure stall of a resource, `some` averaged over 60 s, is at most `maxPercent` on all but `except` of the wave's hosts.
 * - `guests`: every guest that ran before its host's job runs now.
 * - `ksm`: no host's KSM tuner has backed off because of the load it caused.
 */
export type Gate =
  | { readonly kind: "jobs"; readonly maxFailed: Share }
  | { readonly kind: "psi"; readonly resource: "cpu" | "memory" | "io"; readonly maxPercent: number; readonly except: Share }
  | { readonly kind: "guests" }
  | { readonly kind: "ksm" };
