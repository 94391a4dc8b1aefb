import { native } from "./native.ts";

/**
 * Lets every thread of this process, the runtime's own included, run only when a processor is idle (SCHED_IDLE), or again as
 * it was started. Threads of running jobs keep their own class until those end. Back from SCHED_IDLE takes CAP_SYS_NICE or
 * nice 0; without it the process stays in the background.
 */
export function setBackground(on: boolean): void {
  native.setBackground(on);
}
