/** What the exit status of `samepage` means; scripts rely on it. */
export const exitCode = {
  done: 0,
  /** The work was asked for rightly and did not succeed. */
  failed: 1,
  /** The command line or what it names is wrong; nothing was tried. */
  usage: 2,
  /** It could be done, but a rule says no: a window, a domain, a role, another rollout. */
  refused: 3,
} as const;

export type ExitCode = (typeof exitCode)[keyof typeof exitCode];
