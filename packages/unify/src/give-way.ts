import { setBackground } from "@samepage/linux";
import { idleOwnSlice } from "./own-slice.ts";

/** Runs of this process, just now: those that read and give way, and those that change guests. */
const runs = { reading: 0, changing: 0 };
/** Undoes it while the process gives way. */
let restore: (() => void) | undefined;

/**
 * Lets this process as a whole give way to guests until disposed: planning and the runtime's collector compete with them as
 * reading does. It does not while any run of it changes guests' directories: guests would wait for locks that we hold.
 */
export function giveWay(): Disposable {
  return begin("reading");
}

/** Keeps this process from giving way until disposed: it changes what guests wait for. */
export function standGround(): Disposable {
  return begin("changing");
}

function begin(kind: keyof typeof runs): Disposable {
  runs[kind]++;
  settle();
  return {
    [Symbol.dispose]: () => {
      runs[kind]--;
      settle();
    },
  };
}

function settle(): void {
  const wanted = runs.reading > 0 && runs.changing === 0;
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
