/** One guest's files that no template of its domain covers. */
export interface UncoveredFiles {
  host: string;
  /** Unique on the host. */
  guest: string;
  domain: string;
  /** One per distinct digest. */
  files: Iterable<{ digest: Buffer; size: number; path: Buffer }>;
}

/** Files that several guests have in common and no template covers. */
export interface Candidate {
  domain: string;
  /** Guests that all have every one of the files, as `<host>/<guest>`, sorted. */
  guests: string[];
  files: number;
  /** Bytes of the files once. */
  bytes: number;
  /** Bytes that sharing them frees: on each host all copies but one. */
  saving: number;
  /** Some of the paths, to see what it is. */
  examples: Buffer[];
}

export interface CandidateOptions {
  /** Guests that must have a file before it counts. Default 3: two copies are a coincidence or a clone. */
  minimumGuests?: number;
  /** Candidates returned at most, best saving first. Default 100. */
  limit?: number;
}

/** Paths shown per candidate. */
const exampleCount = 5;

/**
 * Finds what many guests have in common that no template covers, with the saving that publishing it
 * would bring. Files held by the same guests make one candidate. Domains are never mixed: what
 * another domain has must not even show in the figures.
 */
export function findCandidates(guests: Iterable<UncoveredFiles>, options: CandidateOptions = {}): Candidate[] {
  const { minimumGuests = 3, limit = 100 } = options;
  const holders = new Map<string, { domain: string; guests: string[]; hosts: Set<string>; size: number; path: Buffer }>();
  for (const { host, guest: own, domain, files } of guests) {
    const guest = `${host}/${own}`;
    for (const { digest, size, path } of files) {
      const key = `${domain}\0${digest.toString("latin1")}`;
      const known = holders.get(key);
      if (known === undefined) holders.set(key, { domain, guests: [guest], hosts: new Set([host]), size, path });
      else if (known.guests.at(-1) !== guest) {
        known.guests.push(guest);
        known.hosts.add(host);
      }
    }
  }
  const candidates = new Map<string, Candidate>();
  for (const { domain, guests: members, hosts, size, path } of holders.values()) {
    if (members.length < minimumGuests) continue;
    const sorted = members.toSorted();
    const key = [domain, ...sorted].join("\0");
    const candidate = candidates.get(key) ?? { domain, guests: sorted, files: 0, bytes: 0, saving: 0, examples: [] };
    candidate.files++;
    candidate.bytes += size;
    candidate.saving += size * (sorted.length - hosts.size);
    if (candidate.examples.length < exampleCount) candidate.examples.push(path);
    candidates.set(key, candidate);
  }
  return [...candidates.values()].sort((a, b) => b.saving - a.saving || b.bytes - a.bytes).slice(0, limit);
}
