/**
 * Orders two versions by the numbers in their leading dotted part: 5.9 before 5.10, and `5.10.0-28-amd64` is 5.10.0.
 * A missing number counts as 0. Negative: a before b; 0: same; positive: a after b.
 */
export function compareVersions(a: string, b: string): number {
  const left = numbersOf(a);
  const right = numbersOf(b);
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function numbersOf(version: string): number[] {
  const dotted = /^\d+(?:\.\d+)*/u.exec(version);
  return dotted === null ? [] : dotted[0].split(".").map(Number);
}
