import type { Release } from "@samepage/fleet";

/** What a host's installer is made from; no secret, so anyone may read the script. */
export interface InstallScriptFacts {
  readonly release: Release;
  /** PEM of the key that signs releases, for the host to pin; empty: none. */
  readonly releaseKey: string;
  /** Where hosts fetch from, e.g. `https://controller:7480`. */
  readonly installUrl: string;
  /** `host:port` for agents. */
  readonly agentAddress: string;
  /** `sha256:<hex>` of the authority. */
  readonly caFingerprint: string;
}

/** Debian's names of the architectures that agents are built for. */
const architectures = ["amd64", "arm64"] as const;

/**
 * The script that installs the agent on a host and joins: POSIX sh. Whoever runs it has compared its digest (see
 * install-command.ts), so what stands in it can be relied on: it fetches over a connection that proves nothing, and uses only
 * files that have the digests written here. The same facts give the same bytes.
 */
export function installScript({ release, releaseKey, installUrl, agentAddress, caFingerprint }: InstallScriptFacts): string {
  const cases: string[] = [];
  const words = (files: Release["files"]) => quoted(files.map(({ name, sha256 }) => `${name}:${sha256}`).join(" "));
  for (const architecture of architectures) {
    const debs = release.files.filter(({ name }) => name.endsWith(`_${architecture}.deb`) && (name.startsWith("samepage_") || name.startsWith("samepage-agent_")));
    const trees = release.files.filter(({ name }) => name.startsWith("samepage-agent_") && name.endsWith(`_${architecture}.tar.gz`));
    if (debs.length === 2) cases.push(`  debian-${architecture}) files=${words(debs)} ;;`);
    if (trees.length === 1) cases.push(`  other-${architecture}) files=${words(trees)} ;;`);
  }
  return `#!/bin/sh
# Installs Samepage's agent on this host and makes it a member of a fleet. The enrolment token comes on standard input.
# The name to join with may be given; else it is agent.yaml's or the host name.
set -eu
version=${quoted(release.version)}
url=${quoted(installUrl)}
controller=${quoted(agentAddress)}
fingerprint=${quoted(caFingerprint)}
release_key=${quoted(releaseKey)}
${body.replace("@CASES@", cases.join("\n"))}`;
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

/** What is the same for every fleet. */
const body = String.raw`
fail() {
  echo "samepage: $1" >&2
  exit 1
}

[ "$(id -u)" = 0 ] || fail "installing needs root: run this as root"
IFS= read -r token || fail "there is no token on standard input: run the whole command that samepage token create printed"
[ "$(uname -s)" = Linux ] || fail "the agent works on Linux only"
case "$(uname -m)" in
  x86_64) architecture=amd64 ;;
  aarch64) architecture=arm64 ;;
  *) fail "there is no agent for $(uname -m)" ;;
esac
system=other
[ ! -s /var/lib/dpkg/status ] || ! command -v dpkg >/dev/null || system=debian
case "$system-$architecture" in
@CASES@
  *) fail "the controller has no package for this kind of system ($system, $architecture)" ;;
esac

# Installs again only what is older than the controller's: running this twice changes nothing.
installed=$(/usr/bin/samepage --version 2>/dev/null </dev/null) || installed=
[ -e /lib/systemd/system/samepage-agent.service ] || [ -e /etc/systemd/system/samepage-agent.service ] || installed=
newest=$(printf '%s\n%s\n' "$installed" "$version" | sort -V | tail -n 1)
if [ -z "$installed" ] || [ "$installed" != "$newest" ]; then
  work=$(mktemp -d /var/tmp/samepage.XXXXXX)
  trap 'rm -rf "$work"' EXIT
  trap 'exit 1' HUP INT TERM
  for entry in $files; do
    name=$(printf %s "$entry" | cut -d: -f1)
    # The connection is not trusted, the digest is.
    curl -fsSkg --retry 2 -o "$work/$name" "$url/release/$name" </dev/null || fail "$name cannot be fetched from $url; nothing was installed"
    [ "$(sha256sum <"$work/$name")" = "$(printf %s "$entry" | cut -d: -f2)  -" ] || fail "$name is not the file that this command was made for; nothing was installed"
  done
  if [ "$system" = debian ]; then
    DEBIAN_FRONTEND=noninteractive dpkg --install "$work"/*.deb >"$work/log" 2>&1 </dev/null || fail "dpkg: $(grep -i -m 1 error "$work/log" || tail -n 1 "$work/log")"
  else
    mkdir "$work/tree"
    tar -xzf "$work"/*.tar.gz -C "$work/tree" --no-same-owner
    "$work/tree/lib/samepage/bin/node" "$work/tree/lib/samepage/lib/samepage.mjs" --version >/dev/null 2>"$work/log" </dev/null || fail "the agent does not run on this system (it needs glibc 2.36 or newer): $(tail -n 1 "$work/log"); nothing was installed"
    "$work/tree/share/samepage/install-tree" "$work/tree" </dev/null
  fi
fi
# Pinned once: no later release, and no controller, replaces it.
if [ -n "$release_key" ] && ! [ -e /etc/samepage/release-key.pem ]; then printf '%s\n' "$release_key" >/etc/samepage/release-key.pem; fi
[ $# = 0 ] || set -- --name "$1"
printf '%s\n' "$token" | /usr/bin/samepage agent join --controller "$controller" --ca-fingerprint "$fingerprint" "$@"
`;
