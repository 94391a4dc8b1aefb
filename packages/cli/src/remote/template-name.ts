import { CliError } from "../cli-error.ts";

/** NAME@VERSION taken apart. @throws CliError `bad-argument` */
export async function templateName(text: string): Promise<{ readonly name: string; readonly version: string }> {
  const { CatalogError, parseTemplateName } = await import("@samepage/catalog");
  try {
    return parseTemplateName(text);
  } catch (cause) {
    if (!(cause instanceof CatalogError)) throw cause;
    throw new CliError("bad-argument", `${JSON.stringify(text)} is not NAME@VERSION`, "Letters, digits, dot, plus, minus and underscore, e.g. debian-12@3.", { cause });
  }
}
