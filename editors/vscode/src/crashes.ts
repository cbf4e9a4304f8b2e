// How often the server may crash before it stays down, and how often that is told. It leaves starting and telling to `client.ts`.

/** Crashes within this time, in milliseconds, count together. */
const WINDOW_MS = 3 * 60_000;
/** As many in that time, and the server stays down. */
const LIMIT = 5;

export type Verdict = { restart: boolean; tell: boolean };

export class Crashes {
  #times: number[] = [];
  #told = false;

  /** One more. It is told once, and once more when the server stays down. */
  add(nowMs: number): Verdict {
    this.#times = this.#times.filter((time) => nowMs - time < WINDOW_MS).concat(nowMs);
    const restart = this.#times.length < LIMIT;
    const tell = !restart || !this.#told;
    this.#told = true;
    return { restart, tell };
  }

  /** The user started it by hand: what was before does not count. */
  forget(): void {
    this.#times = [];
  }
}
