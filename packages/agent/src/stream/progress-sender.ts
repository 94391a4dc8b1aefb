import type { Progress } from "@samepage/proto";

/** Progress is sent at most this often, milliseconds: twice a second is more than a person sees. */
const everyMs = 500;

/** Sends the newest progress now and then; what comes in between is replaced by what comes after it. */
export interface ProgressSender {
  progressed(progress: Progress): void;
  close(): void;
}

export function createProgressSender(send: (progress: Progress) => void): ProgressSender {
  let newest: Progress | undefined;
  let timer: NodeJS.Timeout | undefined;
  const flush = () => {
    timer = undefined;
    if (newest === undefined) return;
    send(newest);
    newest = undefined;
    timer = setTimeout(flush, everyMs);
  };
  return {
    progressed: (progress) => {
      newest = progress;
      if (timer === undefined) flush();
    },
    close: () => clearTimeout(timer),
  };
}
