import { expect, test } from "vitest";
import type { GuestSelector } from "./guest-processes.ts";
import { HOST_PATHS } from "./ksm-paths.ts";
import { estimateGuests } from "./sample-guests.ts";
import { startGuest, testTool } from "./guest.test-support.ts";

const isRoot = process.getuid?.() === 0;

test.skipIf(!isRoot)("equal pages of two guests are predicted, and a guest that reserves a hundred terabytes costs no more than its pages", async () => {
  // Of 120 TiB of addresses one page: entry by entry that would be 32 billion entries of pagemap.
  await using one = await startGuest([testTool("memory-guest"), "8", "1", "4", "1", "120"]);
  await using two = await startGuest([testTool("memory-guest"), "8", "1", "4", "2"]);
  const { guests } = await estimateGuests(HOST_PATHS, new Map<string, GuestSelector>([["one", { by: "pids", pids: [one.pid] }], ["two", { by: "pids", pids: [two.pid] }]]));
  for (const { pages, saving } of guests) {
    expect(pages / 256).toBeGreaterThan(13);
    expect(pages / 256).toBeLessThan(14);
    // Half of 8 MiB, whose sample is one page in 64, and the zero pages but those kept.
    expect(saving / 1024 ** 2).toBeGreaterThan(3);
    expect(saving / 1024 ** 2).toBeLessThan(7);
  }
});
