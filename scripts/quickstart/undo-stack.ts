/** What was set up and must be taken down again, newest first. */
export class UndoStack implements AsyncDisposable {
  readonly #steps: { readonly what: string; readonly undo: () => Promise<unknown> }[] = [];

  push(what: string, undo: () => Promise<unknown>): void {
    this.#steps.push({ what, undo });
  }

  /** Runs every step even when one fails; says which failed, because something may then be left behind. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      try {
        await step.undo();
      } catch (error) {
        console.error(`quickstart: could not ${step.what}: ${error instanceof Error ? error.message : String(error)}`);
        process.exitCode = 1;
      }
    }
  }
}
