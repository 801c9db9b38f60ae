// Values of settings: one number, a range to draw from, weights, a course over time.
import { Quantity } from '../meta/quantity.ts';

export type ReadAmount = (text: string) => number;

/** `5`, or `1..5`: anything between, by `draw` in [0, 1). NaN: cannot be read. */
export function readRange(text: string, draw: () => number, read: ReadAmount = Number): number {
  const [low = '', high] = text.trim().split('..');
  if (low === '' || high === '') return Number.NaN;
  const from = read(low);
  return high === undefined ? from : from + (read(high) - from) * draw();
}

/** `1`, or `0:95, 137:5`: each as often as its weight says. NaN: cannot be read. */
export function readWeighted(text: string, draw: () => number): number {
  const choices = text.split(',').map((each): [value: number, weight: number] => {
    const [value = '', weight = '1'] = each.trim().split(':');
    return [value === '' ? Number.NaN : Number(value), Number(weight)];
  });
  if (choices.some(([value, weight]) => !Number.isInteger(value) || !(weight >= 0))) return Number.NaN;
  let left = choices.reduce((sum, [, weight]) => sum + weight, 0) * draw();
  for (const [value, weight] of choices) {
    left -= weight;
    if (left < 0) return value;
  }
  return choices.at(-1)![0];
}

/** `100m`, `100m..300m`, or a course: `0s=100m, 10m=2, 1h=100m`, with `repeat` behind it if it begins anew. */
export function readCourse(text: string, ageMs: number, draw: () => number): number {
  if (!text.includes('=')) return readRange(text, draw, readQuantity);
  const repeats = /\brepeat\s*$/.test(text);
  const points = text
    .replace(/,?\s*\brepeat\s*$/, '')
    .split(',')
    .map((each): [atMs: number, value: number] => {
      const [at = '', value = ''] = each.split('=');
      return [readSpan(at.trim()), readQuantity(value.trim())];
    });
  if (points.some(([at, value]) => Number.isNaN(at) || Number.isNaN(value))) return Number.NaN;
  const last = points.at(-1)!;
  const at = repeats && last[0] > 0 ? ageMs % last[0] : ageMs;
  const next = points.findIndex(([pointMs]) => pointMs > at);
  if (next === 0) return points[0]![1];
  if (next < 0) return last[1];
  const [[fromMs, from], [toMs, to]] = [points[next - 1]!, points[next]!];
  return from + ((to - from) * (at - fromMs)) / (toMs - fromMs);
}

/** In units: cores, bytes. */
export function readQuantity(text: string): number {
  try {
    return Number(Quantity.parse(text).nanos) / 1e9;
  } catch {
    return Number.NaN;
  }
}

const spanUnits: Readonly<Record<string, number>> = {
  '': 1000,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Milliseconds of `90`, `90s`, `10m`, `1h`, `2d`. */
function readSpan(text: string): number {
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text) ?? [];
  return amount === undefined ? Number.NaN : Number(amount) * spanUnits[unit]!;
}

/** A number in [0, 1) that depends on these alone: FNV-1a, then a finaliser so that near names lie far apart. */
export function drawFor(seed: number, ...names: readonly (string | number)[]): number {
  let hash = 0x811c9dc5 ^ seed;
  const text = names.join('\0');
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}
