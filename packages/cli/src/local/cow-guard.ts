import type { CowGuard, GuardStatus } from "@samepage/guard";

/** The host's copy-on-write guard where what was asked may use it. Its programs are tried only then. */
export async function cowGuardFor({ strategy, guard }: { readonly strategy: string | undefined; readonly guard: string | undefined }): Promise<CowGuard | undefined> {
  if (strategy === "reflink" || (guard !== undefined && guard !== "cow")) return undefined;
  const guards = await import("@samepage/guard");
  return guards.CowGuard.ofThisHost();
}

/** The guard to lift marks with, where any may be in force. */
export async function cowGuardInForce(): Promise<CowGuard | undefined> {
  const guards = await import("@samepage/guard");
  return guards.CowGuard.inForce();
}

/** What the running guard says of itself; null when none runs. */
export async function cowGuardStatus(): Promise<GuardStatus | null> {
  const { GuardClient } = await import("@samepage/guard");
  const client = await GuardClient.connect().catch(() => null);
  if (client === null) return null;
  using connection = client;
  return await connection.status();
}
