/** What was found out about a host, for the decision whether it can carry the guard. */
export interface GuardFacts {
  /** As `uname -r` says. */
  readonly kernelRelease: string;
  readonly isRoot: boolean;
  /** Active security modules (`/sys/kernel/security/lsm`); undefined when it cannot be read. */
  readonly securityModules: readonly string[] | undefined;
  readonly hasTypeInformation: boolean;
  readonly hasDaemon: boolean;
  /** `kernel.yama.ptrace_scope`; undefined where the kernel has no Yama. */
  readonly ptraceScope: number | undefined;
  /** What the daemon's own attempt to load the programs said; undefined when it was not tried. */
  readonly probe: { readonly mode: "copy" | "deny" } | { readonly error: string } | undefined;
}

export type GuardAvailability =
  | { readonly mode: "copy"; readonly reason: string }
  /** In-place changes are refused, unlink and replace are free (Linux-VServer's older IUNLINK). */
  | { readonly mode: "deny"; readonly reason: string }
  | { readonly mode: "none"; readonly reason: string; readonly hint: string };

/** The oldest kernel whose copying is promised: some before it have what it needs, none was tried. */
const copySince = [6, 9] as const;
/** The first with sleepable LSM programs and ring buffers as the programs use them. */
const denySince = [5, 11] as const;
/** The setting of Yama at which nobody is traced, whatever his capabilities (Documentation/admin-guide/LSM/Yama.rst). */
export const noTracing = 3;

/** Decides, and says why not and what would help. Pure: `guardAvailability` gathers the facts. */
export function judgeAvailability(facts: GuardFacts): GuardAvailability {
  const none = (reason: string, hint: string): GuardAvailability => ({ mode: "none", reason, hint });
  const { securityModules } = facts;
  if (!isAtLeast(facts.kernelRelease, denySince))
    return none(`Linux ${facts.kernelRelease} is too old for BPF security hooks`, `Use Linux ${denySince.join(".")} or newer (${copySince.join(".")} for copy on write).`);
  if (securityModules && !securityModules.includes("bpf"))
    return none("the kernel's active security modules lack bpf", `Add to the kernel command line: lsm=${[...securityModules.filter((name) => name !== "capability"), "bpf"].join(",")}`);
  if (!facts.hasTypeInformation) return none("the kernel has no BTF (/sys/kernel/btf/vmlinux)", "Use a kernel built with CONFIG_DEBUG_INFO_BTF, as distributions' kernels are.");
  if (!facts.hasDaemon) return none("the guard's daemon is not built", "Install clang, bpftool and libbpf-dev, then build again.");
  if (!facts.isRoot) return none("only root may load the guard", "Run as root.");
  if (facts.probe && "error" in facts.probe) return none(`the kernel refuses the guard's programs: ${facts.probe.error}`, "It may lack CONFIG_BPF_LSM, or this machine may forbid BPF (a container, lockdown).");
  if (facts.probe?.mode === "copy" && facts.ptraceScope === noTracing)
    return none(`kernel.yama.ptrace_scope=${noTracing} forbids tracing, by which callers are held while their copy is made`, "Set kernel.yama.ptrace_scope to 2 or less where /etc/sysctl.d sets it, and reboot: this setting cannot be taken back.");
  if (facts.probe?.mode === "copy") return { mode: "copy", reason: "BPF LSM: a guest that writes gets its own copy" };
  return { mode: "deny", reason: `Linux ${facts.kernelRelease} only carries the guard that refuses (copying needs ${copySince.join(".")}): in-place writes of shared files get EPERM, replacing them is free` };
}

function isAtLeast(release: string, [major, minor]: readonly [number, number]): boolean {
  const [found = 0, foundMinor = 0] = release.split(/[.-]/).map(Number);
  return found > major || (found === major && foundMinor >= minor);
}
