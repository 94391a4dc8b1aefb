/** Why a file was left alone. An enumeration: reports count by it and operators filter by it. */
export const skipReasons = [
  "excluded",
  "conffile",
  "too-small",
  "empty",
  "not-regular",
  "symlink",
  "already-unified",
  "unique",
  "busy",
  "locked",
  "changed",
  "immutable",
  "append-only",
  "link-limit",
  // Has names outside the scanned, included trees: moving only some of them would tear a hard link.
  "outside-link",
  // Has several names in one guest: under the copy-on-write guard a write through one of them would part it from the others.
  "own-links",
  "mount-point",
  "other-device",
  "swap-file",
  // The run is limited to what templates have, and none has this content.
  "not-in-template",
  "unsupported",
  "error",
] as const;

export type SkipReason = (typeof skipReasons)[number];
