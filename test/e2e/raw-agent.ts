import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type ClientDuplexStream, Client, credentials, type ServiceError } from "@grpc/grpc-js";
import { ConnectRequest, ConnectResponse } from "@samepage/proto";

/** What an agent keeps in its state directory. */
export interface StoredIdentity {
  readonly host: string;
  readonly controller: string;
  readonly key: string;
  readonly certificate: string;
  readonly authorities: string;
}

export async function readStoredIdentity(stateDir: string): Promise<StoredIdentity> {
  const identity: StoredIdentity = JSON.parse(await readFile(join(stateDir, "identity.json"), "utf8"));
  return identity;
}

/** A stream that says whatever a test wants, bytes that are no message included. */
export interface RawStream extends Disposable {
  send(message: ConnectRequest["message"]): void;
  sendBytes(bytes: Buffer): void;
  /** How the controller ended it. */
  readonly ended: Promise<ServiceError>;
  readonly received: ConnectResponse[];
}

/** Connects with an identity, or with none (server-authenticated TLS only). */
export function openRawStream(identity: Pick<StoredIdentity, "controller" | "authorities"> & Partial<StoredIdentity>): RawStream {
  const ca = Buffer.from(identity.authorities);
  const tls = identity.key === undefined || identity.certificate === undefined ? credentials.createSsl(ca) : credentials.createSsl(ca, Buffer.from(identity.key), Buffer.from(identity.certificate));
  const name = "controller.samepage.internal";
  const client = new Client(identity.controller, tls, { "grpc.ssl_target_name_override": name, "grpc.default_authority": name, "grpc.enable_retries": 0 });
  const call: ClientDuplexStream<Buffer, ConnectResponse> = client.makeBidiStreamRequest(
    "/samepage.v1.AgentService/Connect",
    (bytes: Buffer) => bytes,
    (bytes: Buffer) => ConnectResponse.decode(bytes),
  );
  const { promise, resolve } = Promise.withResolvers<ServiceError>();
  const received: ConnectResponse[] = [];
  call.on("data", (message: ConnectResponse) => received.push(message));
  call.on("error", (error: ServiceError) => resolve(error));
  const sendBytes = (bytes: Buffer) => {
    call.write(bytes);
  };
  return {
    ended: promise,
    received,
    sendBytes,
    send: (message) => sendBytes(Buffer.from(ConnectRequest.encode({ sentAtNs: BigInt(Date.now()) * 1_000_000n, message }).finish())),
    [Symbol.dispose]: () => {
      call.cancel();
      client.close();
    },
  };
}
