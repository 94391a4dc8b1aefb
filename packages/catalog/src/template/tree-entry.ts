/** What a name in a tree can be. Sockets are runtime state and belong to no template. */
export type EntryType = "file" | "directory" | "symlink" | "fifo" | "character" | "block";

/** An extended attribute. File capabilities (`security.capability`), ACLs and labels are some of them. */
export interface ExtendedAttribute {
  name: string;
  value: Buffer;
}

/** One name of a tree, with everything that makes it the same elsewhere. Times are not part of it. */
export interface TreeEntry {
  /** Bytes of the path below the root, without a leading slash; the root itself is not listed. Need not be UTF-8. */
  path: Buffer;
  type: EntryType;
  /** Permission bits, 07777. */
  mode: number;
  uid: number;
  gid: number;
  /** Bytes in a file; 0 otherwise. */
  size: number;
  /** SHA-256 of a file's content. */
  digest?: Buffer;
  /** Where a symbolic link points. */
  target?: Buffer;
  /** Device number of a character or block special file, as in st_rdev. */
  device?: number;
  /** Sorted by name. */
  attributes: readonly ExtendedAttribute[];
  /** GNU build-id of a program or library: groups variants, never an identity. */
  buildId?: Buffer;
  /** Name of the package that owns it, read from the tree's own package database. */
  package?: string;
  /** Configuration that its package lets an administrator change. */
  conffile: boolean;
  /** Whether prelink wrote it. */
  prelinked: boolean;
  /** SHA-256 of what it was before prelinking, where that can be computed: a candidate. */
  original?: Buffer;
}
