/** How many at once: enough to use the time that each waits for its answer, few enough that each goes on. */
const together = 8;

/** Does something for each of many, some at a time; rejects with the first failure. */
export async function inTurns<T>(items: readonly T[], does: (item: T) => Promise<void>): Promise<void> {
  const left = [...items];
  const work = async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await does(item);
  };
  await Promise.all(Array.from({ length: together }, work));
}
