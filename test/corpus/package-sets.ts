/**
 * What a guest is made of. The Debian sets are built with mmdebstrap from the mirror this machine's apt uses;
 * `machine` is cut from this machine's own /usr, for machines that reach no mirror.
 */
export const packageSets = ["minbase", "web", "python", "build", "system", "machine"] as const;
export type PackageSet = (typeof packageSets)[number];

/** Packages on top of Debian's minimal base. */
export const packagesOf: Readonly<Record<Exclude<PackageSet, "machine">, readonly string[]>> = {
  minbase: [],
  web: ["nginx-light", "openssl", "ca-certificates", "curl", "iputils-ping"],
  python: ["python3", "python3-venv", "python3-requests", "python3-yaml", "sqlite3"],
  // A whole machine: boots with systemd, has the Redis a controller needs and the Python that Ansible needs, and can fetch.
  system: ["systemd-sysv", "dbus", "adduser", "redis-server", "iproute2", "ca-certificates", "curl", "python3"],
  build: ["gcc", "g++", "make", "git", "perl", "patch"],
};
