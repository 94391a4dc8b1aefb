/**
 * What is left alone unless the operator says otherwise: util-vserver's own list in its order, then what
 * it later added (/media, /srv), then what this product keeps inside a tree.
 */
export const defaultExcludes: readonly string[] = [
  // The pool and its quarantine, where a file system's top is itself a guest's root.
  "/.samepage",
  "/.rpmdb",
  "/dev",
  // Who may log in: never shared, never copied into another guest.
  "~/etc/shadow",
  "~/etc/passwd",
  "~/etc/group",
  // Large, and nobody edits them, although they live in /etc.
  "+/etc/termcap",
  "+/etc/gconf",
  "+/etc/gconf/schemas",
  "/etc/gconf/*",
  "/etc/*",
  "/home",
  "/proc",
  "/mnt",
  "/media",
  "/srv",
  "+/root/.ssh",
  "~/root/.ssh/id*",
  "-/root/.ssh/*",
  "+/root/.gnupg",
  "~/root/.gnupg/secring*",
  "-/root/.gnupg/*",
  "-/root/*",
  "/run",
  "/selinux",
  "/sys",
  "~/tmp/*",
  "/tmp",
  "~/var/tmp/*",
  "/var",
  "/*/ls-R",
];
