import { cp } from "node:fs/promises";
import { join } from "node:path";
import { createController } from "@samepage/controller";
import { createApiClient } from "@samepage/controller/api";
import { startRedis, temporaryDirectory } from "@samepage/test-support";
import { pino } from "pino";

/** A controller that hands packages to new hosts. */
export interface InstallSite extends AsyncDisposable {
  /** Its copy of the release: a test may tamper with it. */
  readonly releaseDir: string;
  /** The line that an operator copies to a new host, by a new token. */
  command(host: string): Promise<string>;
  hosts(): Promise<readonly string[]>;
}

/** @param packages a release as `npm run package` makes it */
export async function openInstallSite(packages: string): Promise<InstallSite> {
  const stack = new AsyncDisposableStack();
  try {
    const { path: dir } = stack.use(await temporaryDirectory("samepage-install-"));
    const redis = stack.use(await startRedis(dir));
    const releaseDir = join(dir, "release");
    await cp(packages, releaseDir, { recursive: true });
    const controller = await createController({ stateDir: join(dir, "controller"), redis: redis.url, agentListen: "127.0.0.1:0", apiListen: "0.0.0.0:0", releaseDir, logger: pino({ level: "silent" }) });
    stack.defer(async () => controller.close());
    const api = createApiClient({ url: controller.address.api.replace("0.0.0.0", "127.0.0.1"), token: controller.adminToken, ca: controller.ca });
    return {
      releaseDir,
      command: async (host) => {
        const { installCommand } = await api.tokens.create({ kind: "enrolment", host });
        if (installCommand === null) throw new Error("the controller offers no installer");
        return installCommand;
      },
      hosts: async () => (await api.hosts.list()).map(({ name }) => name),
      [Symbol.asyncDispose]: async () => stack.disposeAsync(),
    };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}
