import { FleetError } from "../fleet-error.ts";

/** One term of a selector. */
export type Term =
  | { readonly kind: "all" }
  | { readonly kind: "exists"; readonly key: string; readonly negated: boolean }
  | { readonly kind: "oneOf"; readonly key: string; readonly values: readonly string[]; readonly negated: boolean }
  | { readonly kind: "glob"; readonly key: string; readonly pattern: string; readonly negated: boolean }
  | { readonly kind: "version"; readonly key: string; readonly order: ">=" | ">" | "<=" | "<"; readonly version: string };

const KEY = /[A-Za-z0-9_][A-Za-z0-9_./-]*/uy;
const VALUE = /[^\s,()"]+/uy;
const QUOTED = /"([^"]*)"/uy;
const SPACE = /\s*/uy;
const OPERATOR = /!=|!~|>=|<=|=|~|>|</uy;
const SET_OPERATOR = /(?:notin|in)\b/uy;

/** Parses a selector's terms. @throws FleetError `bad-selector`. */
export function parseTerms(text: string): Term[] {
  const reader = new Reader(text);
  const terms: Term[] = [];
  do {
    terms.push(parseTerm(reader));
  } while (reader.takes(/,/uy));
  if (!reader.atEnd()) throw reader.error("this is not understood", "separate terms by commas");
  return terms;
}

function parseTerm(reader: Reader): Term {
  if (reader.takes(/!(?![=~])/uy)) return { kind: "exists", key: parseKey(reader), negated: true };
  const key = parseKey(reader);
  const operator = reader.take(OPERATOR);
  switch (operator) {
    case "=":
    case "!=":
      return { kind: "oneOf", key, values: [parseValue(reader)], negated: operator === "!=" };
    case "~":
    case "!~":
      return { kind: "glob", key, pattern: parseValue(reader), negated: operator === "!~" };
    case ">=":
    case ">":
    case "<=":
    case "<":
      return { kind: "version", key, order: operator, version: parseVersion(reader) };
    default:
  }
  const setOperator = reader.take(SET_OPERATOR);
  if (setOperator === undefined) return key === "all" ? { kind: "all" } : { kind: "exists", key, negated: false };
  return { kind: "oneOf", key, values: parseSet(reader), negated: setOperator === "notin" };
}

function parseKey(reader: Reader): string {
  const key = reader.take(KEY);
  if (key !== undefined) return key;
  throw reader.atEnd()
    ? reader.error("a label or fact is missing", "write for example env=prod, or all for every host")
    : reader.error("no label or fact begins like this", "names are letters, digits and _ . / -");
}

function parseValue(reader: Reader): string {
  const quoted = reader.take(QUOTED);
  if (quoted !== undefined) return quoted.slice(1, -1);
  const value = reader.take(VALUE);
  if (value !== undefined) return value;
  throw reader.error("a value is missing", 'put values with spaces, commas or brackets in double quotes; "" is the empty value');
}

function parseVersion(reader: Reader): string {
  const start = reader.position;
  const version = parseValue(reader);
  if (/^\d/u.test(version)) return version;
  throw reader.error(`${JSON.stringify(version)} is not a version`, "versions begin with a number, such as 5.10", start);
}

function parseSet(reader: Reader): string[] {
  if (!reader.takes(/\(/uy)) throw reader.error("the list is missing", "write for example role in (web,db)");
  const values: string[] = [];
  do {
    values.push(parseValue(reader));
  } while (reader.takes(/,/uy));
  if (!reader.takes(/\)/uy)) throw reader.error("the list does not end", "close it with )");
  return values;
}

class Reader {
  readonly text: string;
  position = 0;

  constructor(text: string) {
    this.text = text;
    this.skipSpace();
  }

  /** Takes what `pattern` (sticky) matches here, and the space after it. */
  take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.position;
    const match = pattern.exec(this.text);
    if (match === null) return undefined;
    this.position = pattern.lastIndex;
    this.skipSpace();
    return match[0];
  }

  takes(pattern: RegExp): boolean {
    return this.take(pattern) !== undefined;
  }

  atEnd(): boolean {
    return this.position === this.text.length;
  }

  error(message: string, hint: string, position = this.position): FleetError {
    return new FleetError("bad-selector", this.text, `selector ${JSON.stringify(this.text)}, position ${position + 1}: ${message}`, hint, position);
  }

  private skipSpace(): void {
    SPACE.lastIndex = this.position;
    SPACE.exec(this.text);
    this.position = SPACE.lastIndex;
  }
}
