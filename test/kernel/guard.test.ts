import { describeMachine } from "./describe-machine.ts";
import { isThorough, killedCallers, longCopySeconds, rounds, suites, treeFiles, unit } from "./promises.ts";

describeMachine("the copy-on-write guard on Debian's 6.12 kernel", {
  series: "6.12",
  suites,
  // Starting systemd under emulation takes as long as five other suites.
  ...(isThorough ? { unit } : {}),
  fileSystems: ["xfs", "btrfs"],
  parameters: ["later=btrfs", `tree=${treeFiles}`, `killed=${killedCallers}`, `long=${longCopySeconds}`, ...Object.entries(rounds).map(([type, count]) => `rounds_${type}=${count}`), ...(isThorough ? ["thorough=1"] : [])],
  hasSamepage: true,
  timeoutSeconds: isThorough ? 5400 : 1200,
});
