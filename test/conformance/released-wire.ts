import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createFileRegistry, type DescMessage, type FileRegistry, fromBinary, fromJson, type JsonObject, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { Client, credentials, Server, ServerCredentials, type ServerDuplexStream } from "@grpc/grpc-js";
import { readStoredIdentity } from "@samepage/test-e2e";

const method = "/samepage.v1.AgentService/Connect";
const serverName = "controller.samepage.internal";

/** The contract of the last release. */
export function releasedContract(): FileRegistry {
  const image: JsonObject = JSON.parse(readFileSync(new URL("../../proto/released.json", import.meta.url), "utf8"));
  // What buf adds to the descriptors is its own, and unknown here.
  return createFileRegistry(fromJson(FileDescriptorSetSchema, image, { ignoreUnknownFields: true }));
}

/** A wire between one agent and its controller that carries only what a contract knows. */
export interface ReleasedWire extends AsyncDisposable {
  /** Where the agent finds its controller. */
  readonly address: string;
  /** How many messages lost something on their way, by direction. */
  readonly dropped: { toController: number; toAgent: number };
}

/**
 * @param stateDir of an enrolled agent: the wire speaks to the controller as that host.
 * @param controllerDir state directory of the controller: the wire is a controller to the agent.
 */
export async function openReleasedWire(contract: FileRegistry, stateDir: string, controllerDir: string): Promise<ReleasedWire> {
  const identity = await readStoredIdentity(stateDir);
  const dropped = { toController: 0, toAgent: 0 };
  const request = narrow(messageOf(contract, "samepage.v1.ConnectRequest"), () => dropped.toController++);
  const response = narrow(messageOf(contract, "samepage.v1.ConnectResponse"), () => dropped.toAgent++);
  const { certificate, key } = issueServerCertificate(controllerDir);
  const server = new Server();
  const bytes = { serialize: (value: Buffer) => value, deserialize: (value: Buffer) => value };
  server.addService(
    { connect: { path: method, requestStream: true, responseStream: true, requestSerialize: bytes.serialize, requestDeserialize: bytes.deserialize, responseSerialize: bytes.serialize, responseDeserialize: bytes.deserialize } },
    {
      connect: (agent: ServerDuplexStream<Buffer, Buffer>) => {
        const tls = credentials.createSsl(Buffer.from(identity.authorities), Buffer.from(identity.key), Buffer.from(identity.certificate));
        const client = new Client(identity.controller, tls, { "grpc.ssl_target_name_override": serverName, "grpc.default_authority": serverName });
        const controller = client.makeBidiStreamRequest(method, bytes.serialize, bytes.deserialize);
        const end = () => {
          controller.cancel();
          client.close();
          agent.end();
        };
        agent.on("data", (message: Buffer) => controller.write(request(message)));
        controller.on("data", (message: Buffer) => agent.write(response(message)));
        for (const stream of [agent, controller]) {
          stream.on("error", end);
          stream.on("end", end);
        }
        agent.on("cancelled", end);
      },
    },
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createSsl(null, [{ cert_chain: certificate, private_key: key }]), (error, bound) => (error === null ? resolve(bound) : reject(error)));
  });
  return { address: `127.0.0.1:${port}`, dropped, [Symbol.asyncDispose]: async () => server.forceShutdown() };
}

/** Reads and writes a message with its descriptor; what that does not know is dropped. */
function narrow(message: DescMessage, lost: () => void): (bytes: Buffer) => Buffer {
  return (bytes) => {
    const known = Buffer.from(toBinary(message, fromBinary(message, bytes, { readUnknownFields: false })));
    const whole = toBinary(message, fromBinary(message, bytes));
    if (whole.length !== known.length) lost();
    return known;
  };
}

function messageOf(contract: FileRegistry, name: string): DescMessage {
  const message = contract.getMessage(name);
  if (message === undefined) throw new Error(`the released contract has no ${name}`);
  return message;
}

/** A certificate for the controllers' name, signed by the fleet's authority as the controller itself does it. */
function issueServerCertificate(controllerDir: string): { certificate: Buffer; key: Buffer } {
  const authority = join(controllerDir, "ca/current.pem");
  const key = join(controllerDir, "wire.key");
  const openssl = (...args: string[]) => execFileSync("openssl", args, { stdio: ["ignore", "pipe", "ignore"] });
  openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key);
  const certificate = openssl("req", "-x509", "-key", key, "-CA", authority, "-CAkey", authority, "-subj", "/CN=wire", "-days", "1", "-addext", `subjectAltName=DNS:${serverName}`, "-addext", "basicConstraints=CA:FALSE");
  return { certificate, key: readFileSync(key) };
}
