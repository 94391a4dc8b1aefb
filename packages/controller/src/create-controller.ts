import { randomUUID } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { hostname, networkInterfaces } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { ensureAdminToken } from "./admin-token.ts";
import { createAgentHandler } from "./agent-messages.ts";
import { ControllerError } from "./api/controller-error.ts";
import type { HealthView } from "./api/health-view.ts";
import type { Controller, ControllerOptions } from "./controller-options.ts";
import { createAgentCatalogs } from "./catalog/agent-catalogs.ts";
import { openCatalogKey } from "./catalog/catalog-key.ts";
import { createContentCourier } from "./catalog/content-courier.ts";
import { createContentRelay } from "./catalog/content-relay.ts";
import { createDomainCatalogs } from "./catalog/domain-catalogs.ts";
import { createDriftLedger } from "./catalog/drift-ledger.ts";
import { createTemplateStore } from "./catalog/template-store.ts";
import { createTemplates } from "./catalog/templates.ts";
import { createUncoveredStore } from "./catalog/uncovered-store.ts";
import type { CreateRollout } from "./api/rollout-view.ts";
import { createEnrolment } from "./enrolment.ts";
import { createFleet } from "./fleet-view.ts";
import { createCatalogService } from "./grpc/catalog-service.ts";
import { createAgentServer } from "./grpc/agent-server.ts";
import { createHealthService } from "./grpc/health-service.ts";
import { createEnrolmentService } from "./grpc/enrolment-service.ts";
import { heartbeatSeconds } from "./grpc/heartbeat-seconds.ts";
import { createReleaseService } from "./grpc/release-service.ts";
import { serveAgentStream } from "./grpc/serve-agent-stream.ts";
import { createStreamRegistry } from "./grpc/stream-registry.ts";
import { createApiServer } from "./http/api-server.ts";
import { addAuthorityRoutes } from "./http/authority-routes.ts";
import { addMetricsRoute } from "./http/metrics-route.ts";
import { addFleetMetrics } from "./fleet-metrics.ts";
import { countMessages, countTransition, createMetrics, timeDelivery, timeStep } from "./metrics.ts";
import { addAuditRoutes } from "./http/audit-routes.ts";
import { addCatalogRoutes } from "./http/catalog-routes.ts";
import { addEventRoutes } from "./http/event-routes.ts";
import { addHealthRoute } from "./http/health-route.ts";
import { addHostRoutes } from "./http/host-routes.ts";
import { addRolloutRoutes, startRollout } from "./http/rollout-routes.ts";
import { addPageRoutes, readPage } from "./http/page-routes.ts";
import { addReleaseRoutes } from "./http/release-routes.ts";
import { addSavingsRoute } from "./http/savings-route.ts";
import { addSessionRoute } from "./http/session-route.ts";
import { addTemplateRoutes } from "./http/template-routes.ts";
import { addTokenRoutes } from "./http/token-routes.ts";
import { closeInTurn } from "./close-in-turn.ts";
import { parseListenAddress } from "./listen-address.ts";
import { type Mail, openMailbox } from "./mailbox.ts";
import { authorityFiles } from "./pki/authority-files.ts";
import { keepAuthority } from "./pki/authority-keeper.ts";
import { rotateAuthority } from "./pki/rotate-authority.ts";
import { installCommand } from "./release/install-command.ts";
import { installScript } from "./release/install-script.ts";
import { checkedInstallUrl, installUrlOf } from "./release/install-url.ts";
import { openReleaseDirectory } from "./release/release-directory.ts";
import { createProgressBoard } from "./progress-board.ts";
import { connectRedis } from "./redis/connect-redis.ts";
import { keys } from "./redis/keys.ts";
import { checkRedisFitness } from "./redis/redis-fitness.ts";
import { createCommandCourier } from "./rollout/command-courier.ts";
import { selectHosts } from "./rollout/create-rollout.ts";
import { createJobInbox } from "./rollout/job-inbox.ts";
import { startReconciler } from "./rollout/reconciler.ts";
import { createRolloutQueues, type RolloutQueues } from "./rollout/rollout-queues.ts";
import { createRolloutRunner } from "./rollout/rollout-runner.ts";
import { createRolloutStore } from "./rollout/rollout-store.ts";
import { createAuditLog } from "./stores/audit-log.ts";
import { createEventLog } from "./stores/event-log.ts";
import { createHealthBoard } from "./stores/health-board.ts";
import { createHostStore } from "./stores/host-store.ts";
import { createPresence } from "./stores/presence.ts";
import { silentMembers } from "./stores/silent-members.ts";
import { createSavingsLedger } from "./stores/savings-ledger.ts";
import { createTokenStore } from "./stores/token-store.ts";
import { addWindowRoutes } from "./http/window-routes.ts";
import { createWindowCalendar } from "./windows/window-calendar.ts";
import { createWindowStore } from "./windows/window-store.ts";
import { createStreamLifecycle } from "./stream-lifecycle.ts";
import { writePrivateFile } from "./write-private-file.ts";

/** For everything to close, milliseconds: well within the 30 s that systemd and Kubernetes are told to wait before they kill. */
const closeMs = 10_000;

/**
 * Starts a controller; resolves when agents and operators can connect.
 * @throws ControllerError `redis-unreachable`, `redis-unfit`, `state-dir`, `listen` or `invalid`, with nothing left running.
 */
export async function createController(options: ControllerOptions = {}): Promise<Controller> {
  const opened: (() => Promise<void>)[] = [];
  let closed: Promise<void> | undefined;
  // Whoever asks a second time waits for the same end.
  const closeAll = async () => (closed ??= closeInTurn(opened, closeMs, logger));
  const id = randomUUID();
  const logger = (options.logger ?? pino()).child({ controller: id.slice(0, 8) });
  try {
    options.signal?.throwIfAborted();
    return await open(options, id, logger, opened, closeAll);
  } catch (error) {
    await closeAll();
    throw error;
  }
}

async function open(options: ControllerOptions, id: string, logger: NonNullable<ControllerOptions["logger"]>, opened: (() => Promise<void>)[], closeAll: () => Promise<void>): Promise<Controller> {
  const stateDir = options.stateDir ?? "/var/lib/samepage-controller";
  const agentListen = parseListenAddress(options.agentListen ?? "0.0.0.0:7443");
  await mkdir(stateDir, { recursive: true, mode: 0o700 }).catch((cause: unknown) => {
    throw new ControllerError("state-dir", `cannot make ${stateDir}`, { hint: "run as root, or give another state directory", target: stateDir, cause });
  });

  const redisAddress = options.redis ?? "redis://127.0.0.1:6379";
  const connect = async (use: "store" | "queue") => {
    const client = await connectRedis(redisAddress, use, logger);
    opened.push(async () => client.disconnect());
    return client;
  };
  const store = await connect("store");
  await checkRedisFitness(store);
  const closing = new AbortController();
  const streams = createStreamRegistry();
  const metrics = createMetrics(() => streams.size);

  const certificateHours = options.certificateHours ?? 24;
  const files = authorityFiles(join(stateDir, "ca"));
  // For operators on this machine and to copy to others; certificates are no secret, the directory is private all the same.
  const publish = async (authorities: string) => writePrivateFile(join(stateDir, "ca.pem"), authorities);
  const keeper = await keepAuthority(
    files,
    ownNames(options),
    async ({ authority, server }) => {
      await publish(authority.authorities);
      agents.setCertificates(server, authority.authorities);
      api.setCertificate(server);
      for (const stream of streams.all()) stream.send({ $case: "trust", value: { authorities: authority.authorities } });
    },
    logger,
  );
  opened.push(async () => keeper.close());
  await publish(keeper.authority.authorities);

  const hosts = createHostStore(store);
  const tokens = createTokenStore(store);
  const audit = createAuditLog(store);
  const rollouts = createRolloutStore(store);
  const savings = createSavingsLedger(store);
  const windows = createWindowStore(store);
  const adminToken = await ensureAdminToken(stateDir, tokens);
  const presence = await createPresence(store, id, logger);
  opened.push(async () => presence.close());
  const events = createEventLog(store, await connect("queue"), logger);
  opened.push(async () => events.close());
  const progress = createProgressBoard(events);
  const health = createHealthBoard(store, logger);
  opened.push(async () => health.close());
  const enrolment = createEnrolment({ tokens, hosts, audit, authority: () => keeper.authority, certificateHours, logger });

  let send: (controller: string, mail: Mail) => Promise<void> = async () => {};
  const courier = createCommandCourier({ controller: id, presence, streams, rollouts, send: async (to, mail) => send(to, mail), logger });
  const lifecycle = createStreamLifecycle({ controller: id, streams, presence, events, send: async (to, mail) => send(to, mail), changed: async () => reconciler.wake(), logger });
  const templateStore = createTemplateStore(store);
  const relay = createContentRelay(store);
  const content = createContentCourier({ controller: id, templates: templateStore, relay, hosts, presence, streams, send: async (to, mail) => send(to, mail) });
  const receive = async (mail: Mail) => {
    if (mail.type === "disconnect") return lifecycle.receive(mail);
    return mail.type === "content-wanted" ? content.receive(mail) : courier.receive(mail);
  };
  const mailbox = await openMailbox(store, await connect("queue"), id, receive, logger);
  opened.push(async () => mailbox.close());
  send = async (to, mail) => mailbox.send(to, mail);

  let queues: RolloutQueues | undefined;
  const runner = createRolloutRunner({
    rollouts,
    presence,
    health,
    windows: createWindowCalendar(windows, hosts),
    cordoned: async () => new Set(await store.smembers(keys.cordoned)),
    effects: {
      dispatch: async (commands) => queues?.dispatch(commands),
      cancel: async (cancels) => courier.cancel(cancels),
      wakeAt: async (rollout, at) => queues?.wakeAt(rollout, at),
    },
    moved: (transition) => countTransition(metrics, transition),
    logger,
  });
  queues = createRolloutQueues(store, await connect("queue"), { tick: async (rollout) => timeStep(metrics, async () => runner.step(rollout)), deliver: async (command) => timeDelivery(metrics, async () => courier.deliver(command)) }, logger);
  const requestTick = async (rollout: string) => queues.requestTick(rollout);
  opened.push(async () => queues.close());
  const reconciler = startReconciler({ rollouts, requestTick, logger });
  opened.push(async () => reconciler.close());

  const catalogKey = await openCatalogKey(join(stateDir, "ca"));
  const catalogs = createDomainCatalogs(store, catalogKey.privateKey);
  const templates = createTemplates({ rollouts, store: templateStore, catalogs, audit });
  const agentCatalogs = createAgentCatalogs(store);
  const drift = createDriftLedger(store);
  const uncovered = createUncoveredStore(store);
  const jobs = createJobInbox({ rollouts, hosts, events, savings, drift, acknowledged: async (job, fence) => courier.acknowledged(job, fence), requestTick, logger });
  const handler = countMessages(createAgentHandler(hosts, jobs, health, enrolment), metrics);
  const ownHealth = async (): Promise<HealthView> => {
    const problem = await store.ping().then(
      () => undefined,
      () => "Redis does not answer",
    );
    return { state: problem === undefined ? "ok" : "degraded", version, problems: problem === undefined ? [] : [problem], streams: streams.size };
  };
  const acceptsPerSecond = options.acceptsPerSecond ?? 150;
  const installUrl = options.installUrl === undefined ? undefined : checkedInstallUrl(options.installUrl);
  const release = openReleaseDirectory(options.releaseDir ?? "/var/lib/samepage-release");
  const agents = await createAgentServer({
    listen: agentListen,
    acceptsPerSecond,
    connections: metrics.connections,
    admitted: metrics.admitted,
    server: keeper.server,
    authorities: keeper.authority.authorities,
    agents: { connect: (call) => void serveAgentStream(call, { hosts, handler, authorities: () => keeper.authority.authorities, opened: async (stream) => lifecycle.opened(stream), closed: async (stream) => lifecycle.closed(stream), cut: (peer) => agents.cut(peer), heartbeatSeconds: async () => heartbeatSeconds(options.heartbeatSeconds ?? 30, await hosts.count()), reconnectSeconds: async () => Math.ceil((await hosts.count()) / acceptsPerSecond), logger }) },
    enrolment: createEnrolmentService(enrolment, logger),
    release: createReleaseService({ release, hosts, logger }),
    health: createHealthService(async () => (await ownHealth()).state === "ok"),
    catalog: createCatalogService({ hosts, store: templateStore, templates, catalogs, agents: agentCatalogs, content, relay, uncovered, rollouts, keys: catalogKey.trusted, logger }),
  });
  opened.push(async () => agents.close());
  opened.push(async () => lifecycle.close());

  const agentAddress = options.agentAddress ?? advertised(agents.address);
  const fleet = createFleet({ store, hosts, presence, select: selectHosts });
  addFleetMetrics(metrics.registry, { version, fleet, savings, health: ownHealth, authority: () => keeper.authority.certificate });
  /** Undefined where hosts cannot fetch anything: there is nothing, or operators are served on this machine only. */
  const installer = async (): Promise<{ readonly url: string; readonly script: string } | undefined> => {
    const found = await release.read();
    const url = installUrl ?? installUrlOf(api.address, agentAddress);
    if (found === undefined || url === undefined) return undefined;
    return { url, script: installScript({ release: found, releaseKey: await release.key(), installUrl: url, agentAddress, caFingerprint: keeper.authority.fingerprint }) };
  };
  const page = options.pageDirectory === undefined ? [] : await readPage(options.pageDirectory);
  const api = await createApiServer(options.apiListen ?? "127.0.0.1:7480", keeper.server, logger, (app) => {
    addHealthRoute(app, ownHealth);
    addMetricsRoute(app, { metrics, tokens });
    addAuthorityRoutes(app, { keeper, rotate: async (step) => rotateAuthority(step, { files, silentSince: async (at) => silentMembers(hosts, presence, at), certificateHours }, Date.now()), tokens, audit });
    addHostRoutes(app, { fleet, tokens, audit, disconnect: async (host, reason) => lifecycle.disconnect(host, reason) });
    addTokenRoutes(app, { tokens, audit, caFingerprint: () => keeper.authority.fingerprint, agentAddress: () => agentAddress, installCommand: async () => commandOf(await installer()) });
    addReleaseRoutes(app, { release, installScript: async () => (await installer())?.script });
    addRolloutRoutes(app, { rollouts, hosts, tokens, runner, progressOf: (rollout) => progress.of(rollout), release });
    addWindowRoutes(app, { windows, hosts, tokens, audit, changed: async () => reconciler.wake() });
    const start = async (request: CreateRollout, actor: string) => startRollout(request, actor, { rollouts, hosts, runner, progressOf: (rollout) => progress.of(rollout) });
    addTemplateRoutes(app, { fleet, store: templateStore, templates, catalogs, tokens, audit, start });
    addCatalogRoutes(app, { templates: templateStore, catalogs, agents: agentCatalogs, drift, uncovered, hosts, tokens, start });
    addEventRoutes(app, { events, tokens, closing: closing.signal });
    addAuditRoutes(app, { audit, tokens });
    addSavingsRoute(app, { savings, tokens });
    addSessionRoute(app, { tokens });
    addPageRoutes(app, page);
  });
  opened.push(async () => api.close());
  opened.push(async () => closing.abort());

  options.signal?.addEventListener("abort", () => void closeAll(), { once: true });
  logger.info({ agents: agents.address, api: api.address }, "controller is ready");
  return { address: { agents: agentAddress, api: api.address }, adminToken, ca: keeper.authority.authorities, close: closeAll };
}

const version = "0.1.0";

function commandOf(installer: { readonly url: string; readonly script: string } | undefined): (secret: string, host: string | undefined) => string | null {
  return (secret, host) => (installer === undefined ? null : installCommand(installer.url, installer.script, secret, host));
}

/** Names and addresses that operators may reach this machine by. */
function ownNames(options: ControllerOptions): readonly string[] {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address.split("%")[0] ?? address));
  return [...new Set(["localhost", hostname(), ...addresses, ...(options.names ?? [])])];
}

/** An address that listens everywhere is reached by the machine's name. */
function advertised(address: string): string {
  return address.replace(/^(0\.0\.0\.0|::):/u, `${hostname()}:`);
}
