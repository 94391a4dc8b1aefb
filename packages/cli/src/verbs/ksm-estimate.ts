import { many } from "../option.ts";
import { formatBytes, formatCount } from "../terminal/format.ts";
import { table } from "../terminal/table.ts";
import { defineVerb } from "../verb.ts";

export const ksmEstimate = defineVerb({
  path: "ksm estimate",
  summary: "what merging these running guests would save",
  description: ["Samples their pages by content. The guests are neither stopped nor opted in, and swapped-out pages stay where they are."],
  arguments: { guests: many("guest", "name, pid:N, cgroup:/PATH or root directory") },
  options: {},
  examples: [{ command: "samepage ksm estimate web-1 web-2 web-3", meaning: "before enrolling them" }],
  run: async ({ guests }, { signal }) => {
    const { estimateGuests, HOST_PATHS, resolveGuest } = await import("@samepage/ksm");
    const selectors = await Promise.all(guests.map(async (guest) => [guest, await resolveGuest(HOST_PATHS.proc, guest, signal)] as const));
    const result = await estimateGuests(HOST_PATHS, new Map(selectors), signal);
    return {
      json: result,
      human: (terminal) => [
        ...table(
          result.guests,
          [
            { title: "guest", cell: ({ guest }) => guest, shrinks: true },
            { title: "pages", cell: ({ pages }) => formatCount(pages), align: "right" },
            { title: "saving", cell: ({ saving }) => formatBytes(saving), align: "right" },
            { title: "overhead", cell: ({ overhead }) => formatBytes(overhead), align: "right" },
            { title: "profit", cell: ({ profit }) => formatBytes(profit), align: "right" },
          ],
          terminal,
        ),
        `together: ${formatBytes(result.profit)}`,
      ],
    };
  },
});
