import { CliError } from "../cli-error.ts";
import { one, text } from "../option.ts";
import { connect, connectionOptions } from "../remote/connection.ts";
import { guestLines } from "../remote/host-lines.ts";
import { defineVerb } from "../verb.ts";

export const guestShow = defineVerb({
  path: "guest show",
  summary: "show the guests of one name",
  description: ["A name is unique on its host, not in the fleet; --host picks one."],
  arguments: { name: one("guest", "the guest's name, for example lxc/web") },
  options: { host: text("name", "the host it is on", { defaultText: "every host that has one" }), ...connectionOptions },
  examples: [{ command: "samepage guest show lxc/web --host web-1", meaning: "where it is and whether it runs" }],
  run: async ({ name, host, ...connection }, context) => {
    const all = await (await connect(connection, context)).guests.list(host === undefined ? {} : { host }, context.signal);
    const guests = all.filter((guest) => guest.name === name);
    if (guests.length === 0) throw new CliError("not-found", `there is no guest ${name}${host === undefined ? "" : ` on ${host}`}`, "samepage guest ls lists them.");
    return { json: { guests }, human: (terminal) => guestLines(guests, terminal) };
  },
});
