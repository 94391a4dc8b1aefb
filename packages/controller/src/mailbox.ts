import type { Logger } from "pino";
import type { RedisClient } from "./redis/connect-redis.ts";
import { keys } from "./redis/keys.ts";

/** What one controller asks of another, because the agent's stream is there. Lost ones are harmless: senders wait and ask again. */
export type Mail =
  | { readonly type: "command"; readonly host: string; readonly rollout: string; readonly job: string; readonly fence: number; readonly notBefore: number; readonly notAfter: number; readonly planHash: string; readonly replyTo: string }
  | { readonly type: "acknowledged"; readonly job: string; readonly fence: number }
  | { readonly type: "cancel"; readonly host: string; readonly job: string; readonly fence: number; readonly reason: string }
  /** Tell the host that a file is wanted which it may have. Digest (hex) and path (base64) are bytes. */
  | { readonly type: "content-wanted"; readonly host: string; readonly relay: string; readonly domain: string; readonly digest: string; readonly size: number; readonly path: string; readonly tree: string }
  /** End the host's stream; with `except`, unless it is that one. */
  | { readonly type: "disconnect"; readonly host: string; readonly reason: string; readonly except?: string };

export interface Mailbox {
  send(controller: string, mail: Mail): Promise<void>;
  close(): Promise<void>;
}

/** `subscriber` is a connection of its own: it does nothing but listen. */
export async function openMailbox(store: RedisClient, subscriber: RedisClient, controller: string, receive: (mail: Mail) => Promise<void>, logger: Logger): Promise<Mailbox> {
  subscriber.on("message", (_channel: string, text: string) => {
    const mail: Mail = JSON.parse(text);
    receive(mail).catch((error: unknown) => logger.warn({ err: error, mail: mail.type }, "mail from another controller was not handled"));
  });
  await subscriber.subscribe(keys.mailbox(controller));
  return {
    send: async (to, mail) => {
      await store.publish(keys.mailbox(to), JSON.stringify(mail));
    },
    close: async () => {
      subscriber.disconnect();
    },
  };
}
