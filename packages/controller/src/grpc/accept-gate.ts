import { createServer, type Server, type Socket } from "node:net";

/**
 * Longest that a connection waits for its turn, seconds: less than the 20 s after which an agent gives up, so that turns are
 * not spent on connections that nobody wants any more. More than come through in that time are closed at once, and their
 * agents come back after a random time.
 */
const longestWaitSeconds = 15;

/** Turns are given this often, milliseconds. */
const turnMs = 20;

export interface AcceptGateOptions {
  readonly ratePerSecond: number;
  readonly admit: (socket: Socket) => void;
  /** A connection was closed because too many wait. */
  readonly refused?: () => void;
}

/**
 * A TCP server that lets at most so many connections a second through to TLS, which is what costs: after a restart all
 * agents come at once, and a controller that is busy with handshakes would answer nobody, lose streams and be stormed again.
 */
export function createAcceptGate({ ratePerSecond, admit, refused = () => {} }: AcceptGateOptions): Server {
  const waiting: Socket[] = [];
  const waitingLimit = ratePerSecond * longestWaitSeconds;
  // A tenth may come at once, and that tenth is taken off what flows: no second, wherever it begins, lets more through than the rate.
  const burst = Math.max(1, Math.ceil(ratePerSecond / 10));
  const flowPerSecond = ratePerSecond * 0.9;
  let allowance = burst;
  let refilledAt = performance.now();
  let timer: NodeJS.Timeout | undefined;

  const giveTurns = () => {
    const now = performance.now();
    allowance = Math.min(burst, allowance + ((now - refilledAt) * flowPerSecond) / 1000);
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
      refused();
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
