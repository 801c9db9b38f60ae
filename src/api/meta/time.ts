// Times as the API writes them.

/** RFC 3339 in whole seconds, UTC: the `Time` of the API. */
export function timeText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/** With six decimals: the `MicroTime` of Leases and Events. */
export function microTimeText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 23)}000Z`;
}

/** Milliseconds of a stored time; undefined where there is none. */
export function timeMs(time: string | null | undefined): number | undefined {
  if (!time) return undefined;
  const ms = Date.parse(time);
  return Number.isNaN(ms) ? undefined : ms;
}
