// Times as the API writes them.

// RFC 3339 in UTC: the `Time` of the API in whole seconds, the `MicroTime` of Leases and Events with six decimals.
export { rfc3339 as timeText, rfc3339Micro as microTimeText } from '../../base/clock.ts';

/** Milliseconds of a stored time; undefined where there is none. */
export function timeMs(time: string | null | undefined): number | undefined {
  if (!time) return undefined;
  const ms = Date.parse(time);
  return Number.isNaN(ms) ? undefined : ms;
}
