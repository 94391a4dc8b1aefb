import { one, toggle } from "../option.ts";
import { connect, connectionOptions } from "../remote/connection.ts";
import { defineVerb } from "../verb.ts";

export const windowRm = defineVerb({
  path: "window rm",
  summary: "remove a window or blackout",
  description: ["A host whose last window goes may be worked on at any time."],
  arguments: { name: one("name", "its name") },
  options: { blackout: toggle("remove a blackout instead of a window"), ...connectionOptions },
  examples: [{ command: "samepage window rm nightly", meaning: "that window opens no more" }],
  run: async ({ name, blackout, ...connection }, context) => {
    const { windows } = await connect(connection, context);
    await (blackout ? windows.removeBlackout(name, context.signal) : windows.remove(name, context.signal));
    return { json: { removed: name }, human: () => [`${blackout ? "blackout" : "window"} ${name} is removed`] };
  },
});
