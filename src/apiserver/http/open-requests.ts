/** Requests under way, so that a server that stops can end them. A signal with thousands of listeners would be slow. */
export class OpenRequests {
  readonly #stops = new Set<() => void>();
  #isStopped = false;

  /** Calls back when the server stops, unless disposed first. */
  add(stop: () => void): Disposable {
    if (this.#isStopped) stop();
    else this.#stops.add(stop);
    return { [Symbol.dispose]: () => this.#stops.delete(stop) };
  }

  stop(): void {
    this.#isStopped = true;
    for (const stop of this.#stops) stop();
    this.#stops.clear();
  }
}
