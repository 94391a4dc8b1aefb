import { readManifest, resolveVersion, type TreeEntry } from "@samepage/catalog";
import { ControllerError } from "../api/controller-error.ts";
import type { StreamRegistry } from "../grpc/stream-registry.ts";
import type { Mail } from "../mailbox.ts";
import type { HostStore } from "../stores/host-store.ts";
import type { Presence } from "../stores/presence.ts";
import type { ContentRelay } from "./content-relay.ts";
import type { TemplateStore } from "./template-store.ts";

/** Finds hosts that may have a template's file and asks them to send it to one that has not. */
export interface ContentCourier {
  /** @throws ControllerError `not-found` when the template has no such file, `unreachable` when nobody who may have it is online. */
  want(reader: string, wanted: { readonly template: string; readonly version: string; readonly path: Buffer }): Promise<{ readonly relay: string; readonly asked: number }>;
  receive(mail: Extract<Mail, { type: "content-wanted" }>): void;
}

export interface ContentCourierDeps {
  readonly controller: string;
  readonly templates: TemplateStore;
  readonly relay: ContentRelay;
  readonly hosts: HostStore;
  readonly presence: Presence;
  readonly streams: StreamRegistry;
  readonly send: (controller: string, mail: Mail) => Promise<void>;
}

/** Hosts asked for one file: the one it was published from, and a few that have guests of the domain. Each looks by itself. */
const mostAsked = 8;

export function createContentCourier({ controller, templates, relay, hosts, presence, streams, send }: ContentCourierDeps): ContentCourier {
  const tell = (mail: Extract<Mail, { type: "content-wanted" }>) => {
    const { relay: id, domain, size, tree } = mail;
    streams.get(mail.host)?.send({ $case: "contentWanted", value: { relay: id, domain, size: BigInt(size), tree, digest: Buffer.from(mail.digest, "hex"), path: Buffer.from(mail.path, "base64") } });
  };
  return {
    want: async (reader, { template: name, version: asked, path }) => {
      const template = await templates.get(name);
      if (template === undefined) throw new ControllerError("not-found", `there is no template ${name}`, { target: name });
      const version = resolveVersion(template, asked);
      const entry = findFile(await templates.manifest(version.manifest), version.manifest, path);
      if (entry?.digest === undefined) throw new ControllerError("not-found", `${name}@${version.version} has no file ${path.toString()}`, { target: name });
      const online = await presence.online();
      const senders = await sendersOf(template.domain, version.source.host, reader, online, hosts);
      if (senders.length === 0) throw new ControllerError("unreachable", `no host that may have ${path.toString()} is online`, { hint: `${version.source.host} published it`, target: name });
      const id = await relay.open(reader, senders);
      for (const host of senders) {
        const place = await presence.find(host);
        if (place === undefined) continue;
        const tree = host === version.source.host ? version.source.path : "";
        const mail = { type: "content-wanted", host, relay: id, domain: template.domain, digest: entry.digest.toString("hex"), size: entry.size, path: path.toString("base64"), tree } as const;
        if (place.controller === controller) tell(mail);
        else await send(place.controller, mail);
      }
      return { relay: id, asked: senders.length };
    },
    receive: tell,
  };
}

function findFile(manifest: Buffer, name: string, path: Buffer): TreeEntry | undefined {
  for (const entry of readManifest(manifest, name)) if (entry.type === "file" && entry.path.equals(path)) return entry;
  return undefined;
}

async function sendersOf(domain: string, source: string, reader: string, online: ReadonlySet<string>, hosts: HostStore): Promise<string[]> {
  // The reader itself too, when it published the template: the tree need not be one of its guests.
  const senders = online.has(source) ? [source] : [];
  for (const host of online) {
    if (senders.length >= mostAsked) break;
    if (host === reader || host === source) continue;
    if ((await hosts.guests(host)).some((guest) => guest.domain === domain)) senders.push(host);
  }
  return senders;
}
