/** How what the catalog asks of hosts is rolled out: on all of them at once, since nothing is touched that another host depends on. */
export const wholeAtOnce = { canary: "0", failureBudget: "100%" } as const;
