import { defineConfig } from "vitest/config";

/** Tests that switch the whole machine's state (KSM knobs) or fill every core (QEMU) run alone, after the others. */
const alone = ["packages/ksm/src/**/*.machine.test.ts", "test/**/*.machine.test.ts", "test/kernel/**/*.test.ts", "test/load/**/*.test.ts"];
const ignored = ["**/node_modules/**", "**/.cache/**", "**/dist/**", "**/build/**"];

export default defineConfig({
  test: {
    // Real servers, loop devices and containers: slow under load is not wrong, hung is.
    testTimeout: 120_000,
    hookTimeout: 180_000,
    expect: { poll: { timeout: 60_000 } },
    maxWorkers: 3,
    projects: [
      {
        extends: true,
        test: {
          name: "shared",
          include: ["packages/*/src/**/*.test.ts", "test/**/*.test.ts", "scripts/**/*.test.ts"],
          exclude: [...ignored, ...alone],
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: { name: "alone", include: alone, exclude: ignored, fileParallelism: false, sequence: { groupOrder: 2 } },
      },
    ],
  },
});
