import { addSavings, type Saving } from "../saving.ts";
import type { RolloutPlan } from "./rollout-plan.ts";
import type { HostNote, HostPhase, RolloutState, RolloutStatus } from "./rollout-state.ts";
import { PHASE_LETTERS, PHASE_OF_LETTER } from "./rollout-state.ts";
import type { Transition } from "./tick-types.ts";

/** The parts of a state that are not per host. */
type Course = Pick<RolloutState, (typeof COURSE_KEYS)[number]>;

/** A state opened for change during one tick. Nothing outside the tick sees it; `close` makes the next state of it. */
export class RolloutDraft {
  readonly plan: RolloutPlan;
  readonly course: { -readonly [key in keyof Course]: Course[key] };
  readonly transitions: Transition[] = [];
  readonly notes: Map<number, HostNote>;
  readonly counts: { [phase in HostPhase]: number };
  readonly #before: RolloutState;
  readonly #phases: HostPhase[];
  readonly #fences: number[];
  readonly #since: number[];
  readonly #saved: Saving[];
  #changed = false;

  constructor(plan: RolloutPlan, state: RolloutState) {
    this.plan = plan;
    this.#before = state;
    const { status, reason, next, wave, waveSince, soakUntil, lateUntil, gatesWaived, startedAt, endedAt, lastFence } = state;
    this.course = { status, reason, next, wave, waveSince, soakUntil, lateUntil, gatesWaived, startedAt, endedAt, lastFence };
    this.#phases = Array.from(state.phases, (letter) => PHASE_OF_LETTER.get(letter) ?? "pending");
    this.#fences = [...state.fences];
    this.#since = [...state.since];
    this.#saved = [...state.saved];
    this.counts = { ...state.counts };
    this.notes = new Map(Object.entries(state.notes).map(([index, note]) => [Number(index), note]));
  }

  phase(index: number): HostPhase {
    return this.#phases[index] ?? "pending";
  }

  fence(index: number): number {
    return this.#fences[index] ?? 0;
  }

  note(index: number): HostNote {
    return this.notes.get(index) ?? NO_NOTE;
  }

  hostName(index: number): string {
    return this.plan.hosts[index]?.name ?? "";
  }

  /** Index after the last host whose wave has begun. */
  get turnEnd(): number {
    const wave = this.plan.waves[this.course.wave];
    return wave === undefined ? 0 : wave.first + wave.count;
  }

  /** Moves a host to a phase. The reason is for the operator; "" where the phases say it all. */
  move(index: number, to: HostPhase, reason: string): void {
    const from = this.phase(index);
    if (from === to) return;
    this.#phases[index] = to;
    this.counts[from]--;
    this.counts[to]++;
    this.#changed = true;
    this.transitions.push({ of: "host", host: this.hostName(index), from, to, fence: this.fence(index), reason });
  }

  /** Moves the rollout to a status. */
  enter(to: RolloutStatus, reason: string): void {
    const from = this.course.status;
    this.course.status = to;
    this.course.reason = reason;
    this.transitions.push({ of: "rollout", from, to, wave: this.course.wave, reason });
  }

  setFence(index: number, fence: number): void {
    this.#fences[index] = fence;
    this.course.lastFence = Math.max(this.course.lastFence, fence);
    this.#changed = true;
  }

  /** ms since the epoch, null where there is none. See RolloutState.since. */
  since(index: number): number | null {
    const offset = this.#since[index] ?? -1;
    return offset < 0 ? null : this.plan.createdAt + offset;
  }

  setSince(index: number, at: number | null): void {
    // A clock that was set back must not read as "never".
    const offset = at === null ? -1 : Math.max(0, at - this.plan.createdAt);
    if (this.#since[index] === offset) return;
    this.#since[index] = offset;
    this.#changed = true;
  }

  /** Changes part of a host's note; `undefined` takes a member away. */
  setNote(index: number, change: { [member in keyof HostNote]: HostNote[member] | undefined }): void {
    const note = Object.fromEntries(Object.entries({ ...this.note(index), ...change }).filter(([, value]) => value !== undefined));
    if (Object.keys(note).length === 0) this.notes.delete(index);
    else this.notes.set(index, note);
    this.#changed = true;
  }

  addSaved(index: number, saving: Saving): void {
    const wave = this.plan.waves.findIndex(({ first, count }) => index >= first && index < first + count);
    const before = this.#saved[wave];
    if (before !== undefined) this.#saved[wave] = addSavings(before, saving);
  }

  /** The next state; the one it was opened from where nothing changed. */
  close(): RolloutState {
    const before = this.#before;
    const course = this.course;
    const kept = COURSE_KEYS.every((key) => course[key] === before[key]);
    if (kept && !this.#changed) return before;
    return {
      ...course,
      version: before.version + 1,
      planHash: before.planHash,
      phases: this.#phases.map((phase) => PHASE_LETTERS[phase]).join(""),
      fences: this.#fences,
      since: this.#since,
      notes: Object.fromEntries(this.notes),
      counts: this.counts,
      saved: this.#saved,
    };
  }
}

const NO_NOTE: HostNote = {};
const COURSE_KEYS = ["status", "reason", "next", "wave", "waveSince", "soakUntil", "lateUntil", "gatesWaived", "startedAt", "endedAt", "lastFence"] as const satisfies readonly (keyof RolloutState)[];
