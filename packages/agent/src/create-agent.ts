import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Command, GuestState, type Inventory, type Progress, type Report } from "@samepage/proto";
import { HOST_PATHS } from "@samepage/ksm";
import { GuestMemory } from "@samepage/unify";
import { pino } from "pino";
import type { Agent, AgentOptions } from "./agent-options.ts";
import { createCatalogKeeper } from "./catalog/catalog-keeper.ts";
import { openCatalogCalls } from "./catalog/catalog-calls.ts";
import { createContentServer } from "./catalog/content-server.ts";
import { readAgentConfig } from "./config/agent-config.ts";
import { type DiscoveredGuest, discoverAllGuests, discoverGuests, withoutHost } from "./discovery/discover-guests.ts";
import { openGuestWatch } from "./health/guest-watch.ts";
import { readHealth } from "./health/read-health.ts";
import { readHostFacts } from "./host-facts.ts";
import { becomeMember } from "./identity/become-member.ts";
import { rejoin } from "./identity/enrol.ts";
import { type Identity, writeIdentity } from "./identity/identity-file.ts";
import { createRenewal } from "./identity/renewal.ts";
import { unifyEngine } from "./jobs/engine.ts";
import { openHostGuard } from "./jobs/host-guard.ts";
import { createJobRunner, interruptedReport } from "./jobs/job-runner.ts";
import { openJobSpool } from "./jobs/job-spool.ts";
import { createKsmKeeper } from "./ksm/ksm-keeper.ts";
import { ksmPolicyFile } from "./ksm/ksm-policy.ts";
import { openAgentMetrics } from "./metrics/open-agent-metrics.ts";
import { keepConnected } from "./stream/keep-connected.ts";
import type { ControllerStream, OutgoingMessage } from "./stream/open-stream.ts";
import { createProgressSender } from "./stream/progress-sender.ts";
import { openReleaseCalls } from "./upgrade/release-calls.ts";
import { upgradeReport } from "./upgrade/upgrade-report.ts";
import { noUpgrades, openUpgrades } from "./upgrade/upgrades.ts";

/** Guests are looked for this often, milliseconds; a job looks again by itself. */
const inventoryMs = 5 * 60_000;

/** Guests in one message: 500 with long paths stay below 1 MiB. */
const guestsPerMessage = 500;

/**
 * Starts this host's agent; resolves once it is a member, before it is connected.
 * @throws AgentError `config`, `state-dir`, `not-enrolled`, `wrong-authority`, `enrolment-refused` or `unreachable`.
 */
export async function createAgent(options: AgentOptions = {}): Promise<Agent> {
  const config = options.config ?? (await readAgentConfig("/etc/samepage/agent.yaml"));
  const stateDir = options.stateDir ?? "/var/lib/samepage";
  options.signal?.throwIfAborted();
  let identity = await becomeMember(config, stateDir, options.enrolment);
  const logger = (options.logger ?? pino()).child({ host: identity.host });
  const root = options.root ?? "";

  const spool = await openJobSpool(stateDir);
  const upgrades = options.upgrades === undefined ? noUpgrades : openUpgrades(options.upgrades, (signal) => openReleaseCalls(identity, signal));
  let upgrading: Command | undefined;
  for (const command of spool.interrupted) {
    if (await upgrades.isOrderOf(command.jobId)) upgrading = command;
    else await spool.finish(interruptedReport(command, Date.now()));
  }
  const guests = async () => discoverGuests(config.guests, root, (path, reason) => logger.warn({ path, reason }, "not a guest that can be unified"), stateDir);
  const memoryGuests = async () => discoverAllGuests(config.guests, root, (path, reason) => logger.debug({ path, reason }, "not a guest"));

  let stream: ControllerStream | undefined;
  let fleetSeconds = 0;
  const calls = (signal: AbortSignal) => openCatalogCalls(identity, signal, () => stream?.connection);
  const catalogs = createCatalogKeeper({ directory: join(stateDir, "catalog"), calls, domains: async () => new Set((await guests()).map(({ domain }) => domain)), fleetSeconds: () => fleetSeconds, logger });
  const content = createContentServer({ guests: async () => withoutHost(await guests()), root, calls, logger });
  const ksm = createKsmKeeper({ paths: { ...HOST_PATHS, state: join(stateDir, "ksm.json") }, policy: ksmPolicyFile(join(stateDir, "ksm-policy.json")), guests: memoryGuests, logger });
  await ksm.resume();
  const guard = await openHostGuard(config, logger);
  const memory = new GuestMemory();
  const watch = await openGuestWatch(join(stateDir, "guests-before.json"), guests);
  const measured = await openAgentMetrics(config.metrics.listen, { certificate: () => identity.certificate, isConnected: () => stream !== undefined, jobs: () => runner.jobs(), ksm, logger });
  const closing = new AbortController();
  /** What the controller was told of the guests on this stream. */
  let told = "";
  let waiting = Promise.withResolvers<void>();
  /** Sends when there is a stream. What must not be lost is sent again after each connect. */
  const send = async (message: OutgoingMessage): Promise<void> => {
    await stream?.send(message).catch((error: unknown) => logger.debug({ err: error }, "not sent"));
  };
  const sendReport = async (report: Report) => send({ $case: "report", value: report });
  const progress = createProgressSender((value: Progress) => void send({ $case: "progress", value }));
  const runner = createJobRunner({
    spool,
    context: { engine: options.engine ?? unifyEngine, guests, memoryGuests, catalog: calls, catalogs, root, stateDir: join(stateDir, "engine"), ksm, guard, memory, upgrades, mayRestore: config.restore === "on", limits: config.limits },
    // Without it only the guests' gate knows less.
    begins: async (jobId) => watch.before(jobId).catch((error: unknown) => logger.warn({ err: error, job: jobId }, "cannot take down which guests run")),
    finished: (report) => {
      measured?.metrics.finished(report);
      void sendReport(report);
    },
    progressed: (value) => progress.progressed(value),
    settled: async (command, signal) => {
      const outcome = await upgrades.settled(command.jobId, signal);
      return outcome === undefined ? undefined : upgradeReport(command, outcome, Date.now());
    },
    logger,
  });
  if (upgrading !== undefined) runner.resume(upgrading);
  const replaceIdentity = async (next: Identity) => {
    await writeIdentity(stateDir, next);
    identity = next;
  };
  const renewal = createRenewal({ identity: () => identity, replace: replaceIdentity, request: async (csr) => send({ $case: "renewal", value: { csr } }), logger });

  const sendInventory = async () => {
    const found = await guests();
    measured?.metrics.found(found.map(({ state }) => state));
    const news = JSON.stringify(found);
    if (news === told) return;
    told = news;
    for (const message of toInventory(found)) await send({ $case: "inventory", value: message });
  };
  const beat = async () => {
    const health = await readHealth(root, watch, ksm).catch((error: unknown) => {
      logger.warn({ err: error }, "cannot look at how this host is");
      return undefined;
    });
    await send({ $case: "heartbeat", value: { jobs: runner.jobs(), health } });
  };
  let heartbeat: NodeJS.Timeout | undefined;
  const connection = keepConnected(
    () => identity,
    {
      opened: async (open) => {
        stream = open;
        told = "";
        await upgrades.welcomed();
        measured?.metrics.connected();
        await send({ $case: "hello", value: { facts: await readHostFacts({ hasCowGuard: guard.isAvailable }), jobs: runner.jobs(), fence: spool.fence } });
        await sendInventory();
        for (const report of spool.reports()) await sendReport(report);
        renewal.check();
        waiting.resolve();
      },
      message: async (message, open, clock) => {
        switch (message.$case) {
          case "welcome":
            fleetSeconds = message.value.reconnectSeconds;
            clearInterval(heartbeat);
            heartbeat = setInterval(() => void beat(), Math.max(1, message.value.heartbeatSeconds) * 1000);
            if (message.value.trust !== undefined) await renewal.trust(message.value.trust.authorities);
            break;
          case "trust":
            await renewal.trust(message.value.authorities);
            break;
          case "command": {
            const ack = await runner.accept(message.value, (atNs) => clock.until(atNs));
            await send({ $case: "ack", value: ack });
            // A command that comes again after its job has ended: the report was not heard.
            const report = spool.reports().find(({ jobId, fence }) => jobId === ack.jobId && fence === ack.fence);
            if (report !== undefined) await sendReport(report);
            break;
          }
          case "cancel":
            runner.cancel(message.value);
            break;
          case "reportAck":
            await spool.forget(message.value.jobId, message.value.fence);
            break;
          case "contentWanted":
            // Whoever asks knows a digest only; without the host's own consent no content leaves it.
            if (config.restore === "on") content.wanted(message.value);
            break;
          case "renewal":
            await renewal.answered(message.value);
            // The new certificate is used from the next connection on; this one stays as it is.
            break;
        }
        if (open !== stream) logger.debug("a message of an older stream");
      },
      closed: () => {
        clearInterval(heartbeat);
        stream = undefined;
        waiting = Promise.withResolvers<void>();
      },
      rejoin: async () => replaceIdentity(await rejoin(identity)),
    },
    logger,
    closing.signal,
  );
  const looking = (async () => {
    for (;;) {
      await sleep(inventoryMs, undefined, { signal: closing.signal }).catch(() => {});
      if (closing.signal.aborted) return;
      renewal.check();
      await sendInventory().catch((error: unknown) => logger.warn({ err: error }, "guests cannot be looked for"));
    }
  })();

  const close = async () => {
    // The report of a stopped job still goes out on the open stream; if not, it is on disk.
    await runner.close();
    await ksm.close();
    await guard.close();
    memory[Symbol.dispose]();
    progress.close();
    closing.abort();
    await Promise.all([connection, looking, measured?.close(), catalogs.close(), content.close()]);
  };
  let closed: Promise<void> | undefined;
  const closeOnce = async () => {
    closed ??= close();
    return closed;
  };
  options.signal?.addEventListener("abort", () => void closeOnce(), { once: true });
  logger.info({ controller: identity.controller }, "agent is ready");
  return { host: identity.host, address: identity.controller, metrics: measured?.address, connected: async () => waiting.promise, close: closeOnce };
}

const states = { running: GuestState.RUNNING, stopped: GuestState.STOPPED, unknown: GuestState.UNSPECIFIED } as const;

function toInventory(guests: readonly DiscoveredGuest[]): Inventory[] {
  const all = guests.map(({ name, provider, path, domain, state }) => ({ name, provider, path, domain, state: states[state] }));
  const messages: Inventory[] = [];
  for (let first = 0; first === 0 || first < all.length; first += guestsPerMessage) {
    messages.push({ guests: all.slice(first, first + guestsPerMessage), more: first + guestsPerMessage < all.length });
  }
  return messages;
}
