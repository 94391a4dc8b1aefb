import { describeMachine } from "./describe-machine.ts";
import { isThorough, rounds, suites, treeFiles } from "./promises.ts";

describeMachine("the copy-on-write guard on Debian's 6.12 kernel", {
  series: "6.12",
  suites,
  fileSystems: ["xfs", "btrfs"],
  parameters: ["later=btrfs", `tree=${treeFiles}`, ...Object.entries(rounds).map(([type, count]) => `rounds_${type}=${count}`), ...(isThorough ? ["thorough=1"] : [])],
  hasSamepage: true,
  timeoutSeconds: isThorough ? 2400 : 1200,
});
