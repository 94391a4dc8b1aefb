import { KsmError } from "./ksm-error.ts";
import { lxcSeccompProfile, ociSeccompRules } from "./seccomp-snippets.ts";

/** A file to write so that an opt-in, or a refusal, holds over restarts. */
export interface Snippet {
  /** Absolute path where the service manager or the container manager looks for it. */
  readonly path: string;
  readonly content: string;
  /** What makes it count, one sentence. */
  readonly activate: string;
}

/** What keeps a guest: its manager decides the form. */
export type GuestManager = "systemd" | "lxc" | "nspawn" | "oci";

const OPT_IN_NOTE = "# Written by samepage: this guest's memory may merge with its domain's (KSM).";
const DENY_NOTE = "# Written by samepage: this guest is kept out of KSM.";

/** What the snippets need to know of the host. */
export interface SnippetHost {
  /** Absolute path of the static helper that opts in (ksm-exec) or keeps out (ksm-deny), then runs a command. */
  readonly helper: string;
  /** systemd's version; 0: none. MemoryKSM= is written for 256 and later only: 254 and 255 have it and fail with EINVAL. */
  readonly systemdVersion: number;
  /** The unit's own ExecStart= value, which a drop-in must repeat to put a command in front. */
  readonly execStart: string;
}

/**
 * The snippet that opts a guest in whenever it starts; pure.
 * @param name the unit (systemd), the container (lxc) or the machine (nspawn)
 * @throws KsmError unsupported for managers that have no place for it
 */
export function optInSnippet(manager: GuestManager, name: string, host: SnippetHost): Snippet {
  switch (manager) {
    case "systemd":
    case "nspawn":
      return dropIn(unitOf(manager, name), OPT_IN_NOTE, host.systemdVersion >= 256 ? "MemoryKSM=yes" : prefixed(host));
    case "lxc":
      // Bound into the container, so that it works however the container is started and whatever is inside.
      return {
        path: `/etc/samepage/ksm/lxc-${name}.conf`,
        content: `${OPT_IN_NOTE}
lxc.mount.entry = ${host.helper} .samepage-ksm-exec none ro,bind,create=file 0 0
lxc.init.cmd = /.samepage-ksm-exec /sbin/init
`,
        activate: `add to /var/lib/lxc/${name}/config: lxc.include = /etc/samepage/ksm/lxc-${name}.conf, then restart the container`,
      };
    case "oci":
      throw new KsmError("unsupported", name, "an OCI runtime has no setting for KSM", "put ksm-exec in front of the image's command, or enroll the running container by its pid");
  }
}

/** A snippet that keeps a guest out whenever it starts; pure. */
export function denySnippet(manager: GuestManager, name: string, host: SnippetHost): Snippet {
  switch (manager) {
    case "systemd":
    case "nspawn":
      // SystemCallFilter= of units and of nspawn cannot look at arguments; the wrapper's filter can, and is inherited.
      return dropIn(unitOf(manager, name), DENY_NOTE, prefixed(host));
    case "lxc":
      return {
        path: `/etc/samepage/ksm/lxc-${name}.seccomp`,
        content: lxcSeccompProfile(),
        activate: `add to /var/lib/lxc/${name}/config: lxc.seccomp.profile = /etc/samepage/ksm/lxc-${name}.seccomp, then restart the container`,
      };
    case "oci":
      return {
        path: `/etc/samepage/ksm/oci-${name}.json`,
        content: `${JSON.stringify({ defaultAction: "SCMP_ACT_ALLOW", syscalls: ociSeccompRules() }, null, 2)}\n`,
        activate: "merge its rules into the profile in use, then start the container with --security-opt seccomp=FILE",
      };
  }
}

/** The unit that runs a guest. */
export function unitOf(manager: "systemd" | "nspawn", name: string): string {
  if (manager === "nspawn") return `systemd-nspawn@${name}.service`;
  return name.includes(".") ? name : `${name}.service`;
}

function dropIn(unit: string, note: string, lines: string): Snippet {
  return {
    path: `/etc/systemd/system/${unit}.d/50-samepage-ksm.conf`,
    content: `${note}\n[Service]\n${lines}\n`,
    activate: `systemctl daemon-reload && systemctl restart ${unit}`,
  };
}

/** ExecStart= with the helper in front; its special prefixes (systemd.service(5)) stay first. */
function prefixed({ execStart, helper }: SnippetHost): string {
  const [, marks = "", command = ""] = /^([-:+!]*)(.*)$/su.exec(execStart.trim()) ?? [];
  if (command === "" || command.startsWith("@"))
    throw new KsmError("unsupported", "ExecStart", `"${execStart}" cannot be put behind a wrapper`, "write the drop-in by hand");
  return `ExecStart=\nExecStart=${marks}${helper} ${command}`;
}
