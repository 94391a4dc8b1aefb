/** Resolves when the signal aborts; rejects when something that must go on running ends before that. */
export async function untilStopped(signal: AbortSignal, ...mustRun: readonly Promise<unknown>[]): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => resolve(), { once: true });
  await Promise.race([promise, ...mustRun]);
}
