/** Whether a cache shows what we wrote last: deciding from an older object would do things twice. */
export class WrittenVersions {
  readonly #byKey = new Map<string, bigint>();

  wrote(key: string, resourceVersion: string | undefined): void {
    if (resourceVersion) this.#byKey.set(key, BigInt(resourceVersion));
  }

  /**
   * The cached object is older than what was written; the event that brings it will come.
   *
   * @param cached its version, or the one up to which the cache has seen everything
   */
  isBehind(key: string, cached: string | undefined): boolean {
    const written = this.#byKey.get(key);
    if (written === undefined || !cached) return false;
    if (BigInt(cached) < written) return true;
    this.#byKey.delete(key);
    return false;
  }

  forget(key: string): void {
    this.#byKey.delete(key);
  }
}
