import { execFile } from "node:child_process";
import { promisify } from "node:util";

/**
 * Tells systemd that the service works from now on, so that what waits for it (`systemctl start`, a package's installation) goes
 * on no sooner. Does nothing where no service manager asked (sd_notify(3): NOTIFY_SOCKET is set by it).
 */
export async function notifyReady(environment: Readonly<Record<string, string | undefined>>): Promise<void> {
  // The protocol needs a datagram on a Unix socket, which Node cannot send.
  if (environment["NOTIFY_SOCKET"] !== undefined) await promisify(execFile)("systemd-notify", ["--ready"]);
}
