import { bashCompletion } from "../generate/bash-completion.ts";
import { fishCompletion } from "../generate/fish-completion.ts";
import { zshCompletion } from "../generate/zsh-completion.ts";
import { one } from "../option.ts";
import { defineVerb, type Verb } from "../verb.ts";

const generators: Readonly<Record<string, (verbs: readonly Verb[]) => string>> = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion };

export const completion = defineVerb({
  path: "completion",
  summary: "print the completion script for a shell",
  arguments: { shell: one("shell", "which shell", { choices: Object.keys(generators) }) },
  options: {},
  examples: [
    { command: "samepage completion bash > /etc/bash_completion.d/samepage", meaning: "completion for every user's bash" },
    { command: "samepage completion fish > ~/.config/fish/completions/samepage.fish", meaning: "completion for your own fish" },
  ],
  run: ({ shell }, { table }) => {
    const script = generators[shell]?.(table.verbs) ?? "";
    return Promise.resolve({ json: { shell, script }, human: () => [script.trimEnd()] });
  },
});
