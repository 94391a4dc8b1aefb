import { expect, test } from "vitest";
import { deviceText, parseLocks } from "./held-inodes.ts";

test("every kind of lock holds its inode, but not our own leases and not delegations", () => {
  const text = [
    "1: FLOCK  ADVISORY  WRITE 812 fd:01:1311 0 EOF",
    "2: POSIX  ADVISORY  READ  99 08:11:12 0 EOF",
    "2: -> POSIX  ADVISORY  WRITE  100 08:11:13 0 EOF",
    "3: OFDLCK ADVISORY  READ  -1 00:2a:14 0 EOF",
    "4: LEASE  ACTIVE    READ  4711 fd:01:15 0 EOF",
    "5: LEASE  ACTIVE    READ  1 fd:01:16 0 EOF",
    "6: DELEG  ACTIVE    READ  2 fd:01:17 0 EOF",
    "",
  ].join("\n");
  expect([...parseLocks(text, 4711)]).toEqual(["253:1:1311", "8:17:12", "8:17:13", "0:42:14", "253:1:16"]);
});

test("a device number reads as the kernel prints it", () => {
  expect(deviceText(0xfd01n)).toBe("253:1");
  expect(deviceText(0x10002an)).toBe("0:298");
});
