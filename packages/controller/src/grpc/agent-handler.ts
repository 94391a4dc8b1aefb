import type { Ack, Guest, Heartbeat, Hello, Progress, Report } from "@samepage/proto";
import type { IssuedCertificate } from "../pki/certificate-authority.ts";

/** What becomes of agents' messages. `host` always comes from the certificate. A rejection ends the stream; the agent sends again. */
export interface AgentHandler {
  hello(host: string, hello: Hello, clockOffsetMs: number): Promise<void>;
  inventory(host: string, guests: readonly Guest[]): Promise<void>;
  ack(host: string, ack: Ack): Promise<void>;
  progress(host: string, progress: Progress): Promise<void>;
  /** Resolves when the report is stored: then the agent may forget it. */
  report(host: string, report: Report): Promise<void>;
  heartbeat(host: string, heartbeat: Heartbeat): Promise<void>;
  renew(host: string, csr: Buffer): Promise<IssuedCertificate>;
}
