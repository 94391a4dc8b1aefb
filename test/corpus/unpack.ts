import { run } from "@samepage/test-support";

/** Unpacks a root tree's archive into a directory, with everything that makes it a guest: owners, devices, attributes, ACLs. */
export async function unpack(archive: string, directory: string): Promise<void> {
  await run("tar", ["--extract", `--file=${archive}`, `--directory=${directory}`, "--numeric-owner", "--preserve-permissions", "--xattrs", "--xattrs-include=*", "--acls"]);
}
