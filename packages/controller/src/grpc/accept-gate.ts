import { createServer, type Server, type Socket } from "node:net";

/** Connections that may wait for their turn; more are closed at once, and their agents come back after a random time. */
const waitingLimit = 4096;

/** Turns are given this often, milliseconds. */
const turnMs = 20;

/**
 * A TCP server that lets at most so many connections a second through to TLS, which is what costs: after a restart all
 * agents come at once, and a controller that is busy with handshakes would answer nobody, lose streams and be stormed again.
 */
export function createAcceptGate(ratePerSecond: number, admit: (socket: Socket) => void): Server {
  const waiting: Socket[] = [];
  const burst = Math.max(1, Math.ceil(ratePerSecond / 10));
  let allowance = burst;
  let refilledAt = performance.now();
  let timer: NodeJS.Timeout | undefined;

  const giveTurns = () => {
    const now = performance.now();
    allowance = Math.min(burst, allowance + ((now - refilledAt) * ratePerSecond) / 1000);
    refilledAt = now;
    while (allowance >= 1 && waiting.length > 0) {
      const socket = waiting.shift();
      if (socket === undefined || socket.destroyed) continue;
      allowance--;
      admit(socket);
    }
    if (waiting.length === 0) {
      clearInterval(timer);
      timer = undefined;
    } else timer ??= setInterval(giveTurns, turnMs);
  };

  const server = createServer({ pauseOnConnect: true, noDelay: true }, (socket) => {
    if (waiting.length >= waitingLimit) {
      socket.destroy();
      return;
    }
    // A socket may fail before anyone else listens to it.
    socket.on("error", () => socket.destroy());
    waiting.push(socket);
    giveTurns();
  });
  server.on("close", () => {
    clearInterval(timer);
    for (const socket of waiting) socket.destroy();
  });
  return server;
}
