import { expect, test } from "vitest";
import { isStaleTranslation } from "./stale-translation.ts";

const panic = (code: string): string => `[  153.835997] Oops: int3: 0000 [#1] PREEMPT SMP NOPTI
[  153.837133] RIP: 0010:bpf_lsm_file_post_open+0x5/0x10
[  153.837780] Code: ${code}
[  153.842778] Kernel panic - not syncing: Fatal exception in interrupt`;

test("a breakpoint met where none is in memory is the emulator's fault", () => {
  expect(isStaleTranslation(panic("90 90 f3 0f 1e fa 0f <1f> 44 00 00 31 c0 c3"))).toBe(true);
  expect(isStaleTranslation(panic("c3 cc 66 90 f3 0f 1e fa e8 <f7> 1e 94 16"))).toBe(true);
});

test("every other end is the machine's", () => {
  expect(isStaleTranslation(panic("90 90 f3 0f 1e fa cc <1f> 44 00 00 31 c0 c3"))).toBe(false);
  expect(isStaleTranslation("[    1.0] BUG: kernel NULL pointer dereference\n[    1.0] Code: 90 0f <1f> 44 00")).toBe(false);
  expect(isStaleTranslation("")).toBe(false);
});
