/** Messages an agent may send at once: after a reconnect come hello, inventory parts, reports and acknowledgements. */
const burst = 500;
/** And per second from then on; an agent at work sends two. */
const ratePerSecond = 50;

/** Counts one agent's messages; false once it has sent more than any honest agent would. */
export function createMessageBudget(now: () => number = () => performance.now()): () => boolean {
  let allowance = burst;
  let countedAt = now();
  return () => {
    const at = now();
    allowance = Math.min(burst, allowance + ((at - countedAt) * ratePerSecond) / 1000);
    countedAt = at;
    if (allowance < 1) return false;
    allowance--;
    return true;
  };
}
