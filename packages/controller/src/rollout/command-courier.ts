import type { Cancel, Dispatch } from "@samepage/fleet";
import type { Command } from "@samepage/proto";
import type { Logger } from "pino";
import { ControllerError } from "../api/controller-error.ts";
import type { StreamRegistry } from "../grpc/stream-registry.ts";
import type { Mail } from "../mailbox.ts";
import type { Presence } from "../stores/presence.ts";
import { toWireOperation } from "./operations.ts";
import type { RolloutStore } from "./rollout-store.ts";

/** Carries commands to agents, wherever their streams are. */
export interface CommandCourier {
  /**
   * Resolves at the agent's acknowledgement (its refusal is one too).
   * @throws ControllerError `unreachable` when the host is offline or silent.
   */
  deliver(command: Dispatch): Promise<void>;
  cancel(cancels: readonly Cancel[]): Promise<void>;
  /** Mail from another controller that concerns commands. */
  receive(mail: Extract<Mail, { type: "command" | "acknowledged" | "cancel" }>): Promise<void>;
  /** The agent has answered a command here. */
  acknowledged(job: string, fence: number): Promise<void>;
}

export interface CommandCourierDeps {
  readonly controller: string;
  readonly presence: Presence;
  readonly streams: StreamRegistry;
  readonly rollouts: RolloutStore;
  readonly send: (controller: string, mail: Mail) => Promise<void>;
  readonly logger: Logger;
}

/** Milliseconds for an agent to write a command to its disk and say so. */
const ackTimeoutMs = 15_000;

export function createCommandCourier({ controller, presence, streams, rollouts, send, logger }: CommandCourierDeps): CommandCourier {
  const waiting = new Map<string, () => void>();
  /** Who else waits for an acknowledgement that will come here. */
  const replyTo = new Map<string, string>();

  const sendHere = async (mail: Extract<Mail, { type: "command" }>): Promise<boolean> => {
    const record = await rollouts.recordOf(mail.rollout);
    if (record === undefined) return false;
    const command: Command = {
      jobId: mail.job,
      fence: BigInt(mail.fence),
      notBeforeNs: nanoseconds(mail.notBefore),
      notAfterNs: nanoseconds(mail.notAfter),
      planHash: Buffer.from(mail.planHash, "hex"),
      operation: toWireOperation(record.operation),
      rolloutId: mail.rollout,
    };
    return streams.get(mail.host)?.send({ $case: "command", value: command }) ?? false;
  };

  return {
    deliver: async ({ jobId, host, fence, notBefore, notAfter, planHash }) => {
      if (Date.now() >= notAfter) return; // The tick that finds it expired decides.
      const place = await presence.find(host);
      if (place === undefined) throw new ControllerError("unreachable", `${host} is offline`, { target: host });
      const key = waitKey(jobId, fence);
      const mail = { type: "command", host, rollout: rolloutOf(jobId), job: jobId, fence, notBefore, notAfter, planHash, replyTo: controller } as const;
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const timer = setTimeout(() => reject(new ControllerError("unreachable", `${host} has not acknowledged`, { target: host })), ackTimeoutMs);
      waiting.set(key, resolve);
      try {
        if (place.controller !== controller) await send(place.controller, mail);
        else if (!(await sendHere(mail))) throw new ControllerError("unreachable", `${host} has just gone offline`, { target: host });
        await promise;
      } finally {
        clearTimeout(timer);
        waiting.delete(key);
        // Whoever waits for the promise is gone: its late rejection is nobody's.
        promise.catch(() => {});
      }
    },
    cancel: async (cancels) => {
      for (const { jobId, host, fence, reason } of cancels) {
        const place = await presence.find(host);
        const mail = { type: "cancel", host, job: jobId, fence, reason } as const;
        if (place === undefined) continue; // Told again when it is back: the tick repeats it.
        if (place.controller === controller) streams.get(host)?.send(cancelMessage(mail));
        else await send(place.controller, mail);
      }
    },
    receive: async (mail) => {
      switch (mail.type) {
        case "command":
          replyTo.set(waitKey(mail.job, mail.fence), mail.replyTo);
          setTimeout(() => replyTo.delete(waitKey(mail.job, mail.fence)), ackTimeoutMs).unref();
          if (!(await sendHere(mail))) logger.info({ host: mail.host, job: mail.job }, "the agent's stream has just ended; the command is sent again later");
          break;
        case "acknowledged":
          waiting.get(waitKey(mail.job, mail.fence))?.();
          break;
        case "cancel":
          streams.get(mail.host)?.send(cancelMessage(mail));
          break;
      }
    },
    acknowledged: async (job, fence) => {
      const key = waitKey(job, fence);
      waiting.get(key)?.();
      const other = replyTo.get(key);
      if (other !== undefined) await send(other, { type: "acknowledged", job, fence });
    },
  };
}

/** A job's id is `<rollout>.<host index>`. */
export function rolloutOf(jobId: string): string {
  return jobId.slice(0, jobId.lastIndexOf("."));
}

function waitKey(job: string, fence: number): string {
  return `${job}.${fence}`;
}

function cancelMessage({ job, fence, reason }: { readonly job: string; readonly fence: number; readonly reason: string }) {
  return { $case: "cancel", value: { jobId: job, fence: BigInt(fence), reason } } as const;
}

function nanoseconds(milliseconds: number): bigint {
  return BigInt(Math.round(milliseconds)) * 1_000_000n;
}
