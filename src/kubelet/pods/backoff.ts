// Waiting longer each time: restarts of a container, pulls of an image.

interface Entry {
  delayMs: number;
  atMs: number;
}

/** Delays that double for each key, and are forgotten after twice the longest without trouble. */
export class Backoff {
  readonly #entries = new Map<string, Entry>();
  readonly #initialMs: number;
  readonly #maxMs: number;

  constructor(initialMs: number, maxMs: number) {
    this.#initialMs = initialMs;
    this.#maxMs = maxMs;
  }

  delayMs(key: string): number {
    return this.#entries.get(key)?.delayMs ?? 0;
  }

  /** How long still to wait for something that failed at `sinceMs`. */
  remainingMs(key: string, sinceMs: number, nowMs: number): number {
    const entry = this.#entries.get(key);
    if (!entry || sinceMs - entry.atMs > 2 * this.#maxMs) return 0;
    return Math.max(0, Math.min(entry.delayMs, sinceMs + entry.delayMs - nowMs));
  }

  /** The next failure waits twice as long. */
  next(key: string, nowMs: number): void {
    const entry = this.#entries.get(key);
    const isStale = !entry || nowMs - entry.atMs > 2 * this.#maxMs;
    const delayMs = isStale ? this.#initialMs : Math.min(this.#maxMs, entry.delayMs * 2);
    this.#entries.set(key, { delayMs, atMs: nowMs });
  }

  forget(key: string): void {
    this.#entries.delete(key);
  }

  /** Forgets every key that begins so. */
  forgetAll(prefix: string): void {
    for (const key of this.#entries.keys()) if (key.startsWith(prefix)) this.#entries.delete(key);
  }
}

/** Go's way to print a duration of whole seconds: `10s`, `1m20s`, `5m0s`. */
export function goDuration(durationMs: number): string {
  const seconds = Math.round(durationMs / 1000);
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes}m${seconds % 60}s` : `${Math.floor(minutes / 60)}h${minutes % 60}m${seconds % 60}s`;
}
