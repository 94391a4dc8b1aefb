/** Where the kernel's files and our own state live. Other values serve containers with bind-mounted host files, and tests. */
export interface KsmPaths {
  /** KSM's knobs and counters. */
  readonly sysfs: string;
  readonly proc: string;
  /** Parent of the zram devices. */
  readonly block: string;
  /** What we found and what we wrote: survives us, is removed by `off`. */
  readonly state: string;
}

export const HOST_PATHS: KsmPaths = {
  sysfs: "/sys/kernel/mm/ksm",
  proc: "/proc",
  block: "/sys/block",
  state: "/var/lib/samepage/ksm.json",
};
