import { lstatSync, readdirSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createController } from "@samepage/controller";
import { startRedis, temporaryDirectory } from "@samepage/test-support";
import { pino } from "pino";
import { beforeAll, expect, test } from "vitest";
import { isRedisNewEnough, redisVersion } from "./doctor/redis-version.ts";
import { expiredCertificate, serveExpired } from "./expired-certificate.test-support.ts";
import { runSamepage } from "./run-samepage.test-support.ts";

/** Everything that bad input is tried against. */
interface Scene {
  readonly dir: string;
  /** Two guests with equal files, and a file. */
  readonly one: string;
  readonly two: string;
  readonly file: string;
  /** A real controller; undefined where Redis is missing. */
  readonly controller: { readonly url: string; readonly agents: string; readonly ca: string; readonly fingerprint: string; readonly tokenFile: string } | undefined;
  readonly expired: { readonly url: string; readonly ca: string };
}

let scene: Scene;

beforeAll(async () => {
  const stack = new AsyncDisposableStack();
  const { path: dir } = stack.use(await temporaryDirectory("samepage-bad-input-"));
  for (const guest of ["one", "two"]) {
    await mkdir(join(dir, guest, "usr/lib"), { recursive: true });
    await writeFile(join(dir, guest, "usr/lib/library.so"), "the same in both guests".repeat(100));
  }
  const version = await redisVersion();
  let controller: Scene["controller"];
  if (version !== undefined && isRedisNewEnough(version)) {
    const redis = stack.use(await startRedis(dir));
    const running = await createController({ stateDir: join(dir, "controller"), redis: redis.url, agentListen: "127.0.0.1:0", apiListen: "127.0.0.1:0", logger: pino({ level: "silent" }) });
    stack.defer(async () => running.close());
    const { createApiClient } = await import("@samepage/controller/api");
    const { caFingerprint } = await createApiClient({ url: running.address.api, token: running.adminToken, ca: running.ca }).tokens.create({ kind: "enrolment" });
    const place = join(dir, "controller");
    controller = { url: running.address.api, agents: running.address.agents, ca: join(place, "ca.pem"), fingerprint: caFingerprint, tokenFile: join(place, "admin-token") };
  }
  const pair = await expiredCertificate();
  await writeFile(join(dir, "expired.pem"), pair.certificate);
  const { server, url } = await serveExpired(pair);
  stack.defer(() => void server.close());
  await writeFile(join(dir, "wrong-token"), "spe_0000000000000000000000000000000000000000000\n");
  scene = { dir, one: join(dir, "one"), two: join(dir, "two"), file: join(dir, "wrong-token"), controller, expired: { url, ca: join(dir, "expired.pem") } };
  return async () => stack.disposeAsync();
});

/** Inode, size and times of everything in the guests: what any change would change. */
function state(): string {
  const lines = [scene.one, scene.two].flatMap((root) => readdirSync(root, { recursive: true, encoding: "utf8" }).map((name) => {
    const { ino, size, nlink, mtimeNs, ctimeNs } = lstatSync(join(root, name), { bigint: true });
    return [root, name, ino, size, nlink, mtimeNs, ctimeNs].join(" ");
  }));
  return lines.sort().join("\n");
}

interface Case {
  readonly what: string;
  readonly words: (scene: Scene) => readonly string[];
  readonly status: 1 | 2;
  readonly line: RegExp;
}

const local: readonly Case[] = [
  { what: "a path that does not exist", words: ({ one, dir }) => ["local", "unify", one, join(dir, "three")], status: 2, line: /three: does not exist.*Check the spelling/u },
  { what: "a path that is not a directory", words: ({ one, file }) => ["local", "unify", one, file], status: 2, line: /wrong-token: is not a directory.*Name the guest's root directory/u },
  { what: "a guest on another file system", words: ({ one }) => ["local", "unify", one, "/proc/self"], status: 2, line: /\/proc\/self: is on another file system.*Name guests that lie on one file system/u },
  { what: "two guests one inside the other", words: ({ one, dir }) => ["local", "unify", one, dir], status: 2, line: /lies inside the guest.*Name guests that do not contain one another/u },
  { what: "an unknown strategy", words: ({ one, two }) => ["local", "unify", one, two, "--strategy", "copy"], status: 2, line: /--strategy copy: there is no such strategy\. Choose one of auto, hardlink, reflink/u },
  { what: "an unknown guard", words: ({ one, two }) => ["local", "unify", one, two, "--guard", "dog"], status: 2, line: /--guard dog: there is no such guard\. Choose one of cow, immutable, none/u },
  { what: "a guard that nothing provides here", words: ({ one, two }) => ["local", "unify", one, two, "--guard", "cow"], status: 1, line: /guard cow.*samepage doctor/u },
  { what: "a size that is no size", words: ({ one, two }) => ["local", "unify", one, two, "--min-size", "big"], status: 2, line: /--min-size big: not a number of bytes\. Write digits/u },
  { what: "a deadline without a zone", words: ({ one, two }) => ["local", "unify", one, two, "--deadline", "2030-01-01T00:00"], status: 2, line: /not an instant\. Write it as ISO 8601 with its zone/u },
  { what: "an exclude file that is missing", words: ({ one, two, dir }) => ["local", "plan", one, two, "--exclude-from", join(dir, "none")], status: 2, line: /exclude file .*none cannot be read: ENOENT\. Name a file/u },
  { what: "no guests", words: () => ["local", "plan"], status: 2, line: /missing required argument 'dir'\. See --help/u },
  { what: "a window that never opens", words: () => ["window", "apply", "nightly", "--for", "3h"], status: 2, line: /nightly has no --schedule\. Say when it opens/u },
  { what: "a blackout without its end", words: () => ["window", "apply", "holidays", "--blackout", "--from", "2026-12-24"], status: 2, line: /needs both its ends/u },
  { what: "a template to retire without its version", words: () => ["template", "retire", "debian-12"], status: 2, line: /debian-12 names no version\. Say which one/u },
  { what: "an alias that is none", words: () => ["template", "alias", "debian-12@3", "a".repeat(300)], status: 2, line: /is not NAME@VERSION\. Letters, digits/u },
  { what: "an operator's token without a name", words: () => ["token", "create", "--role", "viewer"], status: 2, line: /needs a name\. Add --name/u },
];

const remote: readonly Case[] = [
  { what: "Redis down", words: ({ dir }) => ["controller", "run", "--redis", `unix:${join(dir, "none.sock")}`, "--state-dir", join(dir, "second")], status: 1, line: /Redis at unix:.*none\.sock does not answer.*Is redis-server running/u },
  { what: "the controller down", words: ({ dir }) => ["host", "ls", "--controller", `unix:${join(dir, "none.sock")}`], status: 1, line: /does not answer: connect ENOENT.*Is the controller running/u },
  { what: "a wrong operator's token", words: ({ controller, dir }) => ["host", "ls", "--controller", controller?.url ?? "", "--ca", controller?.ca ?? "", "--token-file", join(dir, "wrong-token")], status: 1, line: /token/u },
  {
    what: "a wrong enrolment token",
    words: ({ controller, dir }) => ["agent", "join", "--controller", controller?.agents ?? "", "--ca-fingerprint", controller?.fingerprint ?? "", "--token-file", join(dir, "wrong-token"), "--state-dir", join(dir, "agent"), "--name", "web-1"],
    status: 1,
    line: /refused: .*token/u,
  },
  {
    what: "another authority than the fingerprint says",
    words: ({ controller, dir }) => ["agent", "join", "--controller", controller?.agents ?? "", "--ca-fingerprint", `sha256:${"0".repeat(64)}`, "--token-file", join(dir, "wrong-token"), "--state-dir", join(dir, "agent")],
    status: 1,
    line: /the token was not sent\. Compare the fingerprint/u,
  },
  { what: "an expired certificate", words: ({ expired }) => ["host", "ls", "--controller", expired.url, "--ca", expired.ca], status: 1, line: /has expired\. Start that controller again/u },
  { what: "a controller's address in clear", words: () => ["host", "ls", "--controller", "http://127.0.0.1:7480"], status: 2, line: /only https/u },
];

/** What came of it, and whether anything in the guests changed. */
async function tried({ words }: Case): Promise<{ status: number | null; lines: readonly string[]; stdout: string; changed: boolean }> {
  const before = state();
  const { status, stdout, stderr } = await runSamepage(words(scene));
  // Progress, and the daemons' logs, are lines of their own.
  const lines = stderr.split("\n").filter((line) => line.startsWith("samepage: "));
  return { status, lines, stdout, changed: state() !== before };
}

test.for(local)("$what: one line with the cause and the remedy, nothing changed", async (one) => {
  expect(await tried(one)).toEqual({ status: one.status, lines: [expect.stringMatching(one.line)], stdout: "", changed: false });
});

test.for(remote)("$what: one line with the cause and the remedy, nothing changed", async (one, { skip }) => {
  skip(scene.controller === undefined, "redis-server 6.2 or newer is not installed");
  expect(await tried(one)).toEqual({ status: one.status, lines: [expect.stringMatching(one.line)], stdout: "", changed: false });
});
