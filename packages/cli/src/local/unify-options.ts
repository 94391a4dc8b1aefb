import type { UnifyOptions } from "@samepage/unify";
import { onlyGiven } from "../only-given.ts";
import { bytes, choice, instant, text, toggle } from "../option.ts";
import { readExcludes } from "../read-excludes.ts";
import type { Context } from "../verb.ts";
import { type LimitInput, limitOptions, limitsOf } from "./limit-options.ts";
import { guestOptions, poolOptions } from "./guest-options.ts";

/** What `local plan`, `local unify` and `local deunify` take. */
export const unifyVerbOptions = {
  strategy: choice("strategy", ["auto", "hardlink", "reflink"], "how files share", "auto: the strongest that this host can"),
  guard: choice("guard", ["cow", "immutable", "none"], "what protects a shared file from a guest's write", "the strongest that this host and the guests' state allow"),
  excludeFrom: text("file", "exclude rules in vunify-exclude syntax, first match wins", { defaultText: "the built-in list", completes: "file" }),
  minSize: bytes("leave smaller files alone", "16"),
  ignoreMtime: toggle("unify files that differ only in modification time"),
  deadline: instant("stop by itself then, with a checkpoint; the next run goes on"),
  ...limitOptions,
  ...guestOptions,
} as const;

interface UnifyInput extends LimitInput {
  readonly dirs: readonly string[];
  readonly domain: string | undefined;
  readonly hostFirst: boolean;
  readonly stateDir: string | undefined;
  readonly strategy: "auto" | "hardlink" | "reflink" | undefined;
  readonly guard: "cow" | "immutable" | "none" | undefined;
  readonly excludeFrom: string | undefined;
  readonly minSize: number | undefined;
  readonly ignoreMtime: boolean;
  readonly deadline: number | undefined;
}

/** The engine's options; what was not given is left out, so that defaults live in one place. */
export async function unifyOptions(input: UnifyInput, context: Context): Promise<UnifyOptions> {
  const { strategy, guard, excludeFrom, minSize, ignoreMtime, deadline } = input;
  const excludes = excludeFrom === undefined ? undefined : await readExcludes(excludeFrom);
  return { ...(await poolOptions(input, context)), ...limitsOf(input), ...onlyGiven({ strategy, guard, excludes, minSize, deadline }), ...(ignoreMtime ? { ignoreMtime } : {}) };
}
