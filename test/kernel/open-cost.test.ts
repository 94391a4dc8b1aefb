import { describeMachine } from "./describe-machine.ts";

/** What an emulated CPU takes in time says little about a real one; how many instructions it runs is exact, and the same in every run. */
describeMachine("what the copy-on-write guard costs those who open other files, in instructions", {
  series: "6.12",
  suites: {
    "open-cost": [
      "opening for reading",
      "opening for reading, five directories deep",
      "opening for writing what is not marked",
      "opening for writing what is not marked, five directories deep",
    ].map((what) => `${what} costs at most 1.05 of what it costs without the guard`),
  },
  fileSystems: [],
  countsInstructions: true,
  timeoutSeconds: 600,
});
