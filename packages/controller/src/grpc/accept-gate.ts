import { createServer, type Server, type Socket } from "node:net";

/** Connections that may wait for their turn; more are closed at once, and their agents come back after a random time. */
const waitingLimit = 4096;

/** Turns are given this often, milliseconds. */
const turnMs = 20;

/** Bytes that a waiting connection may send: a ClientHello has less than 2 kB, and then waits for an answer. */
const helloLimit = 16 * 1024;

/** A connection that has not begun its TLS handshake by then is closed, milliseconds: an agent does so at once. */
const silentMs = 10_000;

export interface AcceptGateOptions {
  readonly ratePerSecond: number;
  /** Takes a connection over; the first bytes that it sent wait in it. */
  readonly admit: (socket: Socket) => void;
  /** A connection was closed because too many wait. */
  readonly refused?: () => void;
}

/**
 * A TCP server that lets at most so many connections a second through to TLS, which is what costs: after a restart all
 * agents come at once, and a controller that is busy with handshakes would answer nobody, lose streams and be stormed again.
 * Only a connection that has spoken and is still open takes a turn: who gave up while waiting, or never says anything, costs none.
 */
export function createAcceptGate({ ratePerSecond, admit, refused = () => {} }: AcceptGateOptions): Server {
  /** Connections that have not said anything yet, and those that wait for a turn with what they said, the longest waiting first. */
  const silent = new Set<Socket>();
  const waiting = new Map<Socket, Buffer>();
  const burst = Math.max(1, Math.ceil(ratePerSecond / 10));
  let allowance = burst;
  let refilledAt = performance.now();
  let timer: NodeJS.Timeout | undefined;

  const giveTurns = () => {
    const now = performance.now();
    allowance = Math.min(burst, allowance + ((now - refilledAt) * ratePerSecond) / 1000);
    refilledAt = now;
    for (const [socket, said] of waiting) {
      if (allowance < 1) break;
      waiting.delete(socket);
      allowance--;
      socket.removeAllListeners("readable").removeListener("end", giveUp).setTimeout(0);
      socket.unshift(said);
      admit(socket);
    }
    if (waiting.size === 0) {
      clearInterval(timer);
      timer = undefined;
    } else timer ??= setInterval(giveTurns, turnMs);
  };

  const server = createServer({ noDelay: true }, (socket) => {
    if (silent.size + waiting.size >= waitingLimit) {
      socket.destroy();
      refused();
      return;
    }
    // A socket may fail before anyone else listens to it.
    socket.on("error", () => socket.destroy());
    socket.once("close", () => {
      silent.delete(socket);
      waiting.delete(socket);
    });
    socket.on("end", giveUp);
    socket.setTimeout(silentMs, () => {
      if (silent.has(socket)) socket.destroy();
    });
    silent.add(socket);
    // Reading is what tells that the other side has gone.
    socket.on("readable", () => {
      const bytes: Buffer | null = socket.read();
      if (bytes === null) return;
      silent.delete(socket);
      waiting.set(socket, Buffer.concat([waiting.get(socket) ?? Buffer.alloc(0), bytes]));
      // So much without an answer: no TLS client.
      if ((waiting.get(socket)?.length ?? 0) > helloLimit) {
        waiting.delete(socket);
        socket.destroy();
      }
      giveTurns();
    });
  });
  server.on("close", () => {
    clearInterval(timer);
    for (const socket of [...silent, ...waiting.keys()]) socket.destroy();
  });
  return server;
}

function giveUp(this: Socket): void {
  this.destroy();
}
