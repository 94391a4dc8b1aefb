/** Stable codes of everything this package refuses; scripts and tests match on them. */
export type CatalogErrorCode =
  | "elf-malformed" // a field points outside the file, or the structures contradict each other
  | "elf-unsupported" // a well-formed file of a kind this reader does not treat
  | "elf-too-costly" // reading it would cost more than linear time: built to waste it
  | "not-a-file" // a directory, link or device where a regular file was named
  | "prelink-undo-missing" // prelinked, but nothing to undo it with is left
  | "prelink-undo-mismatch" // the undo section does not describe this file
  | "template-corrupt" // a template manifest cut off, overwritten, or out of order
  | "template-name" // not NAME@VERSION, or an alias that cannot be one
  | "template-exists" // that version was published before, with other content
  | "template-unknown" // no such template, version or alias
  | "restore-unsupported" // only files are put back
  | "restore-digest" // the bytes offered are not the template's
  | "segment-corrupt" // a catalog segment that is not what its name or its header says
  | "segment-missing" // the manifest names a segment that is not there
  | "catalog-checksum" // the segments do not add up to the announced list
  | "manifest-malformed" // signed, but no manifest this version reads
  | "manifest-signature" // signed by nobody we trust
  | "manifest-other-domain" // a manifest of another trust domain
  | "manifest-rolled-back"; // an epoch below the one in force, or another manifest of the same epoch

/** The one error class of @samepage/catalog: a stable code, the subject concerned, and what to do about it. */
export class CatalogError extends Error {
  override readonly name = "CatalogError";
  readonly code: CatalogErrorCode;
  readonly hint: string | undefined;

  constructor(code: CatalogErrorCode, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(`${code}: ${message}`, "cause" in options ? { cause: options.cause } : {});
    this.code = code;
    this.hint = options.hint;
  }
}
