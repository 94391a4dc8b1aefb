import { expect, test } from "vitest";
import { native, requireWhole } from "./native.ts";

test("an addon of older sources is refused with what it lacks, before anything is read", () => {
  const older = Object.fromEntries(Object.entries(native).filter(([name]) => name !== "scan" && name !== "swapRun"));
  expect(() => requireWhole(older)).toThrow(expect.objectContaining({ code: "ENOSYS", message: "the native part of @samepage/linux is of another version: it lacks scan, swapRun", hint: expect.stringContaining("npm run build") }));
});
