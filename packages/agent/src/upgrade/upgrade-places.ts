/** Where an agent that can be upgraded in place lives. */
export interface UpgradePlaces {
  /** What the package installed; other versions stand in `versions/VERSION`, and `current` links to the one that runs instead. */
  readonly home: string;
  /** Orders to the service that exchanges versions, and what it answers; see deploy/systemd/samepage-upgrade. */
  readonly state: string;
  /** PEM of the Ed25519 key that signs releases, pinned when the agent was installed. */
  readonly releaseKey: string;
}

/** Those of the installed service. */
export const servicePlaces: UpgradePlaces = { home: "/usr/lib/samepage", state: "/var/lib/samepage/upgrade", releaseKey: "/etc/samepage/release-key.pem" };
