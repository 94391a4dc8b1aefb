import packageJson from "../package.json" with { type: "json" };

/** The version that `--version` and the man pages print. */
export const version: string = packageJson.version;
