import { CatalogError, parseTemplateName } from "@samepage/catalog";
import { CliError } from "../cli-error.ts";

/** NAME@VERSION taken apart. @throws CliError `bad-argument` */
export function templateName(text: string): { readonly name: string; readonly version: string } {
  try {
    return parseTemplateName(text);
  } catch (cause) {
    if (!(cause instanceof CatalogError)) throw cause;
    throw new CliError("bad-argument", `${JSON.stringify(text)} is not NAME@VERSION`, "Letters, digits, dot, plus, minus and underscore, e.g. debian-12@3.", { cause });
  }
}
