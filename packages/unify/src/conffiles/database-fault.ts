/** What is wrong with a package database, before it is known whose: becomes one finding about that guest. */
export class DatabaseFault extends Error {
  override readonly name = "DatabaseFault";
  readonly kind: "corrupt" | "unsupported";

  constructor(kind: "corrupt" | "unsupported", message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}
