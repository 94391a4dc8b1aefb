import { status } from "@grpc/grpc-js";
import type { ReleaseServiceServer } from "@samepage/proto";
import type { Logger } from "pino";
import type { ReleaseDirectory } from "../release/release-directory.ts";
import type { HostStore } from "../stores/host-store.ts";
import { refusal } from "./refusal.ts";
import { serveMember } from "./serve-member.ts";

/** Bytes in one answer: a message is at most 1 MiB. */
const partBytes = 512 * 1024;

/** Hands the agent's packages to members. What they are worth is between the host and the release key: nothing here signs. */
export function createReleaseService({ release, hosts, logger }: { readonly release: ReleaseDirectory; readonly hosts: HostStore; readonly logger: Logger }): ReleaseServiceServer {
  return {
    getRelease: serveMember(hosts, logger, async () => release.signed()),
    readReleaseFile: serveMember(hosts, logger, async (_host, { name, offset }) => {
      const content = await release.part(name, Number(offset), partBytes);
      if (content === undefined) throw refusal(status.NOT_FOUND, `the release has no file ${name.slice(0, 200)}`);
      return { content };
    }),
  };
}
