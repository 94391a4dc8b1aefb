/** What one host last reported about its health. */
export interface HostSample {
  /** When it was taken, ms since the epoch on the controller's clock. Only samples taken after a wave's work count for its gates. */
  readonly at: number;
  /** Pressure stall `some avg60` of /proc/pressure, percent 0–100; null where the kernel has none. */
  readonly psi: { readonly cpu: number; readonly memory: number; readonly io: number } | null;
  /** Names of guests that ran before the job and do not now. */
  readonly guestsDown: readonly string[];
  /** Why KSM backed off because of the load it caused; null where it did not. */
  readonly ksmBackOff: string | null;
}
