/** A block of shell commands in a page, and the machines that the page says it is for. */
export interface Block {
  readonly machines: readonly string[];
  readonly commands: string;
  /** The heading it stands under. */
  readonly section: string;
}

/** Blocks marked `<!-- on NAME… -->` in Markdown, in order. A shell block without a mark is an error: it would never be tried. */
export function documentedBlocks(page: string): Block[] {
  const blocks: Block[] = [];
  let section = "";
  for (const [, heading, machines, commands] of page.matchAll(/^## ([^\n]*)$|(?:^<!-- on ([^\n]*) -->\n)?^```sh\n(.*?)^```$/gmsu)) {
    if (heading !== undefined) section = heading;
    else if (machines === undefined) throw new Error(`a shell block under “${section}” does not say which machine it is for`);
    else blocks.push({ section, machines: machines.split(" "), commands: commands ?? "" });
  }
  return blocks;
}
