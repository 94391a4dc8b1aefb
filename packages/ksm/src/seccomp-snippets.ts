/** The system calls that opt a process in, with the argument that says so; native/ksm-deny.c has the whole story. */
const OPT_IN_CALLS = [
  { name: "prctl", index: 0, value: 67 },
  { name: "madvise", index: 2, value: 12 },
  { name: "process_madvise", index: 3, value: 12 },
] as const;

/** The kernel takes the low half of these arguments (int): compared whole, any bit set in the high half would pass. */
const LOW_HALF = 0xffff_ffff;
const EPERM = 1;
const ENOSYS = 38;

/**
 * A seccomp profile for `lxc.seccomp.profile`: everything allowed except the ways into KSM. To be merged by hand into a
 * container's own profile, since LXC takes one only.
 */
export function lxcSeccompProfile(): string {
  const rules = OPT_IN_CALLS.map(({ name, index, value }) => `${name} errno ${EPERM} [${index},${value},SCMP_CMP_MASKED_EQ,${LOW_HALF}]`);
  return ["2", "denylist", "[all]", ...rules, `io_uring_setup errno ${ENOSYS}`, ""].join("\n");
}

/** The rules for the `linux.seccomp.syscalls` array of an OCI runtime's config (Docker, Podman, containerd: same shape). */
export function ociSeccompRules(): readonly object[] {
  return [
    ...OPT_IN_CALLS.map(({ name, index, value }) => ({
      names: [name],
      action: "SCMP_ACT_ERRNO",
      errnoRet: EPERM,
      // The runtime specification's order: the mask, then what must be left under it.
      args: [{ index, value: LOW_HALF, valueTwo: value, op: "SCMP_CMP_MASKED_EQ" }],
    })),
    { names: ["io_uring_setup"], action: "SCMP_ACT_ERRNO", errnoRet: ENOSYS },
  ];
}
