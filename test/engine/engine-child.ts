import { accessSync, statSync } from "node:fs";
import { deunify, unify, type UnifyOptions } from "@samepage/unify";
import { predict } from "./scene.ts";

/** How a run cancels itself in the middle of its changes. */
export interface CancelOrder {
  /** It does so when the time of one of these directories changes. */
  readonly watched: readonly string[];
  /** A name that it looks for then, to be seen in a trace: whatever follows it was done in spite of the cancel. */
  readonly mark: string;
}

/** What to do, as one JSON argument; the report goes to standard output as JSON. For tests that kill, trace or limit the engine. */
interface Order {
  readonly verb: "plan" | "unify" | "deunify";
  readonly options: UnifyOptions;
  readonly cancel?: CancelOrder;
}

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by engine-process.ts only.
const { verb, options, cancel } = JSON.parse(process.argv[2] ?? "{}") as Order;
const abort = new AbortController();
if (cancel !== undefined) {
  const times = () => cancel.watched.map((path) => statSync(path).ctimeMs).join(" ");
  const before = times();
  const looking = setInterval(() => {
    if (times() === before) return;
    clearInterval(looking);
    abort.abort();
    try {
      accessSync(cancel.mark);
    } catch {
      // It is there for the trace only.
    }
  }, 5).unref();
}
const all = { ...options, signal: abort.signal };
const report = verb === "plan" ? await predict(all) : await (verb === "unify" ? unify : deunify)(all);
console.log(JSON.stringify(report));
