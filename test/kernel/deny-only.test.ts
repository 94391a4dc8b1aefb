import { describeMachine } from "./describe-machine.ts";

/** Debian 12's kernel has the hooks, but lacks what copying needs. */
describeMachine("the guard on Debian's 6.1 kernel, where it only refuses", {
  series: "6.1",
  suites: {
    deny: [
      "the probe and the status say that writes are refused, not copied",
      "an open for writing is refused with EPERM",
      "truncate is refused with EPERM",
      "chmod, chown and touch are refused with EPERM",
      "attributes, flags and descriptors of shared inodes are refused with EPERM",
      "reading, link, unlink, rename and rename-over are free",
      "what is not shared is written as before",
      "the last name is soon written in place",
      "a killed daemon opens nothing",
      "an unmarked inode is written again",
      "the shared inode is intact",
    ],
  },
  fileSystems: [],
  timeoutSeconds: 600,
});
