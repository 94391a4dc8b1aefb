/** What agents' certificates say in their one subject alternative name, before the host's name. */
const identityPrefix = "samepage://host/";

/** Names that are safe in URIs, Redis keys, file names and logs. Up to 253 characters, as host names are. */
const hostNamePattern = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?$/;

export function isHostName(name: string): boolean {
  return hostNamePattern.test(name);
}

export function identityUri(host: string): string {
  return identityPrefix + host;
}

/** The host that a certificate's subject alternative names (as Node.js writes them) name; undefined when it is not an agent's. */
export function hostOfNames(subjectAltName: string | undefined): string | undefined {
  const names = subjectAltName?.split(", ") ?? [];
  const [only] = names;
  if (names.length !== 1 || !only?.startsWith(`URI:${identityPrefix}`)) return undefined;
  const host = only.slice(`URI:${identityPrefix}`.length);
  return isHostName(host) ? host : undefined;
}
