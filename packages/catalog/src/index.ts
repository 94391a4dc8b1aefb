export { CatalogError } from "./catalog-error.ts";
export type { CatalogErrorCode } from "./catalog-error.ts";
export { findOriginal } from "./prelink/find-original.ts";
export type { OriginalFinding } from "./prelink/find-original.ts";
export { prelinkOfFile } from "./prelink/prelink-of-file.ts";
export type { PrelinkOfFile } from "./prelink/prelink-of-file.ts";
