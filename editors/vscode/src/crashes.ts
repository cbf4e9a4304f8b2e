// How often the server may crash before it stays down, and how often the user is told. It leaves starting and telling to `client.ts`.

/** Crashes within this time, in milliseconds, count together. */
const WINDOW_MS = 3 * 60_000;
/** After so many in that time, the server stays down. */
const LIMIT = 5;

export type Verdict = { restart: boolean; tell: boolean };

export class Crashes {
  #times: number[] = [];
  #told = false;

  /** Counts a crash. The user is told at the first one, and when the server stays down. */
  add(nowMs: number): Verdict {
    this.#times = this.#times.filter((time) => nowMs - time < WINDOW_MS).concat(nowMs);
    const restart = this.#times.length < LIMIT;
    const tell = !restart || !this.#told;
    this.#told = true;
    return { restart, tell };
  }

  /** Forgets earlier crashes, when the user starts the server by hand. */
  forget(): void {
    this.#times = [];
  }
}
