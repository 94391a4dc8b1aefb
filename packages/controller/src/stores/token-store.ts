import { createHash, randomBytes } from "node:crypto";
import type { Role } from "../api/role.ts";
import type { CreateToken, TokenView } from "../api/token-view.ts";
import { roles } from "../api/role.ts";
import type { RedisClient } from "../redis/connect-redis.ts";
import { keys } from "../redis/keys.ts";
import { runScript, script } from "../redis/script.ts";

/** Tokens are 256 random bits, so a plain hash of them cannot be guessed back; only that is stored. */
export interface TokenStore {
  create(request: CreateToken, now: number): Promise<{ readonly view: TokenView; readonly secret: string }>;
  /** Stores an operator's token whose secret exists already (the first admin's). Harmless when it is stored. */
  ensureAdmin(secret: string, name: string, now: number): Promise<void>;
  list(): Promise<readonly TokenView[]>;
  /** False when there is none. */
  remove(id: string): Promise<boolean>;
  /** The operator whose secret this is; undefined when unknown or expired. */
  operator(secret: string, now: number): Promise<{ readonly name: string; readonly role: Role } | undefined>;
  /** Marks an enrolment token as used by a host, in one step: of many that come with it, one succeeds. */
  spend(secret: string, host: string, now: number): Promise<SpentToken | RefusedToken>;
  /** Makes a spent token good again, for an enrolment that was refused for another reason. */
  restore(secret: string): Promise<void>;
}

interface SpentToken {
  readonly id: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface RefusedToken {
  readonly refused: "unknown" | "expired" | "used" | "other-host";
}

/** Spent and expired tokens can still be listed for this long. */
const keptMs = 30 * 24 * 3_600_000;

const defaultEnrolmentSeconds = 3600;

/** KEYS: token. ARGV: now, host. */
const spendScript = script(`
local kind, expires, used, only = unpack(redis.call("HMGET", KEYS[1], "kind", "expiresAt", "usedBy", "host"))
if kind ~= "enrolment" then return "unknown" end
if used and used ~= "" then return "used" end
if tonumber(expires) <= tonumber(ARGV[1]) then return "expired" end
if only and only ~= "" and only ~= ARGV[2] then return "other-host" end
redis.call("HSET", KEYS[1], "usedBy", ARGV[2])
return "ok"`);

export function createTokenStore(store: RedisClient): TokenStore {
  const write = async (secret: string, fields: Record<string, string>) => {
    const hash = hashOf(secret);
    const id = hash.slice(0, 12);
    await store.hset(keys.token(hash), { id, ...fields });
    const expiresAt = fields["expiresAt"];
    if (expiresAt !== undefined) await store.pexpireat(keys.token(hash), Number(expiresAt) + keptMs);
    await store.hset(keys.tokenIds, id, hash);
    return toView({ id, ...fields });
  };

  return {
    create: async (request, now) => {
      const secret = `${request.kind === "enrolment" ? "spe" : "spo"}_${randomBytes(32).toString("base64url")}`;
      const seconds = request.ttlSeconds ?? (request.kind === "enrolment" ? defaultEnrolmentSeconds : undefined);
      const view = await write(secret, {
        kind: request.kind,
        name: request.name ?? "",
        createdAt: String(now),
        ...(seconds === undefined ? {} : { expiresAt: String(now + seconds * 1000) }),
        ...(request.kind === "operator" ? { role: request.role } : { host: request.host ?? "", labels: JSON.stringify(request.labels ?? {}) }),
      });
      return { view, secret };
    },
    ensureAdmin: async (secret, name, now) => {
      if ((await store.exists(keys.token(hashOf(secret)))) === 1) return;
      await write(secret, { kind: "operator", name, role: "admin", createdAt: String(now) });
    },
    list: async () => {
      const ids = await store.hgetall(keys.tokenIds);
      const views = await Promise.all(
        Object.entries(ids).map(async ([id, hash]) => {
          const fields = await store.hgetall(keys.token(hash));
          if (fields["id"] !== undefined) return toView(fields);
          // Expired for long: Redis removed it.
          await store.hdel(keys.tokenIds, id);
          return undefined;
        }),
      );
      return views.filter((view) => view !== undefined).toSorted((a, b) => a.createdAt.localeCompare(b.createdAt));
    },
    remove: async (id) => {
      const hash = await store.hget(keys.tokenIds, id);
      if (hash === null) return false;
      await store.del(keys.token(hash));
      await store.hdel(keys.tokenIds, id);
      return true;
    },
    operator: async (secret, now) => {
      const fields = await store.hgetall(keys.token(hashOf(secret)));
      const role = roles.find((known) => known === fields["role"]);
      if (fields["kind"] !== "operator" || role === undefined || Number(fields["expiresAt"] ?? Infinity) <= now) return undefined;
      return { name: fields["name"] ?? "", role };
    },
    spend: async (secret, host, now) => {
      const key = keys.token(hashOf(secret));
      const answer = await runScript(store, spendScript, [key], [now, host]);
      if (answer === "unknown" || answer === "expired" || answer === "used" || answer === "other-host") return { refused: answer };
      const [id, labels] = await store.hmget(key, "id", "labels");
      return { id: id ?? "", labels: JSON.parse(labels ?? "{}") };
    },
    restore: async (secret) => {
      await store.hdel(keys.token(hashOf(secret)), "usedBy");
    },
  };
}

function hashOf(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}

function toView(fields: Readonly<Record<string, string>>): TokenView {
  const expiresAt = fields["expiresAt"];
  return {
    id: fields["id"] ?? "",
    kind: fields["kind"] === "operator" ? "operator" : "enrolment",
    name: fields["name"] ?? "",
    role: roles.find((known) => known === fields["role"]) ?? null,
    createdAt: new Date(Number(fields["createdAt"])).toISOString(),
    expiresAt: expiresAt === undefined ? null : new Date(Number(expiresAt)).toISOString(),
    usedBy: fields["usedBy"] ?? null,
  };
}
