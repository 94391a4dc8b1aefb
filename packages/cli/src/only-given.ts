type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Takes out the entries that are undefined, for options whose defaults live in another package. */
export function onlyGiven<T extends object>(values: T): Given<T> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only entries that are undefined are taken out
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Given<T>;
}
