import { setBackground } from "@samepage/linux";
import { idleOwnSlice } from "./own-slice.ts";

/** Runs of this process that read and give way, and runs that change guests, just now. */
let reading = 0;
let changing = 0;
/** Undoes it while the process gives way. */
let restore: (() => void) | undefined;

/**
 * Lets this process as a whole give way to guests until disposed: planning and the runtime's collector compete with them as
 * reading does. It does not while any run of it changes guests' directories: guests would wait for locks that we hold.
 */
export function giveWay(): Disposable {
  reading++;
  settle();
  return {
    [Symbol.dispose]: () => {
      reading--;
      settle();
    },
  };
}

/** Keeps this process from giving way until disposed: it changes what guests wait for. */
export function standGround(): Disposable {
  changing++;
  settle();
  return {
    [Symbol.dispose]: () => {
      changing--;
      settle();
    },
  };
}

function settle(): void {
  const wanted = reading > 0 && changing === 0;
  if (wanted === (restore !== undefined)) return;
  if (wanted) {
    setBackground(true);
    restore = idleOwnSlice();
  } else {
    restore?.();
    restore = undefined;
    setBackground(false);
  }
}
