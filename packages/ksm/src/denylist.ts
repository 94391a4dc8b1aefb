import { readlinkSync } from "node:fs";
import { basename, join } from "node:path";
import type { ProcessHead } from "./process-key.ts";

/** A program that is kept out of KSM, and why. */
export interface DenyRule {
  /** The name of the executable; `*` at the end stands for any rest. */
  readonly program: string;
  readonly reason: string;
}

const DATABASE = "database: its cache is its own, rarely equal to another's, and copy-on-write breaks cost it latency";
const KEYS = "holds keys: merging tells a neighbour by timing that it holds an equal page";

/** Out by default. An operator's list is added to it or replaces it. */
export const DEFAULT_DENYLIST: readonly DenyRule[] = [
  ...["postgres", "mysqld", "mariadbd", "mongod", "redis-server", "valkey-server", "memcached", "clickhouse*", "etcd", "influxd", "cassandra", "scylla"].map(
    (program) => ({ program, reason: DATABASE }),
  ),
  ...["sshd", "sshd-session", "ssh-agent", "gpg-agent", "scdaemon", "keyboxd", "gnome-keyring-d*", "vault", "bao", "krb5kdc", "kadmind", "slapd", "step-ca", "stunnel*", "charon*", "openvpn", "wpa_supplicant", "cryptsetup", "pcscd", "kwalletd*"].map(
    (program) => ({ program, reason: KEYS }),
  ),
];

/** The rule that keeps this process out, if any: by its executable's name, or by its own where the executable is hidden. */
export function denyRule(proc: string, head: ProcessHead, rules: readonly DenyRule[]): DenyRule | undefined {
  const names = [head.comm];
  try {
    names.push(basename(readlinkSync(join(proc, String(head.pid), "exe")).replace(/ \(deleted\)$/u, "")));
  } catch {
    // Gone, or a kernel thread: its own name has to do.
  }
  return rules.find((rule) => names.some((name) => matches(rule.program, name)));
}

function matches(pattern: string, name: string): boolean {
  return pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}
