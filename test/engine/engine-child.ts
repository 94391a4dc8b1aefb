import { deunify, unify, type UnifyOptions } from "@samepage/unify";
import { predict } from "./scene.ts";

/** What to do, as one JSON argument; the report goes to standard output as JSON. For tests that kill, trace or limit the engine. */
interface Order {
  readonly verb: "plan" | "unify" | "deunify";
  readonly options: UnifyOptions;
}

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by engine-process.ts only.
const { verb, options } = JSON.parse(process.argv[2] ?? "{}") as Order;
const report = verb === "plan" ? await predict(options) : await (verb === "unify" ? unify : deunify)(options);
console.log(JSON.stringify(report));
