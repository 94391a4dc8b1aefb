import { setBackground } from "@samepage/linux";
import { idleOwnSlice } from "./own-slice.ts";

/** Runs that give way just now, and what is to be undone after the last one. */
let running = 0;
let restore = () => {};

/**
 * Lets this process as a whole give way to guests until disposed: planning and the runtime's collector compete with them as
 * reading does. Nothing here may last while guests' directories are changed: guests would wait for locks that we hold.
 */
export function giveWay(): Disposable {
  if (running++ === 0) {
    setBackground(true);
    restore = idleOwnSlice();
  }
  return {
    [Symbol.dispose]: () => {
      if (--running > 0) return;
      restore();
      setBackground(false);
    },
  };
}
