// Quantities, times and durations: their canonical text is canonical, and means the same.
import { canonicalQuantity, parseQuantity } from '../../../src/schema/quantity.ts';
import { canonicalDuration, canonicalMicroTime, canonicalTime } from '../../../src/schema/time.ts';
import { mutatedBytes } from '../mutate-bytes.ts';
import { Broken, below, chance, type FuzzTarget, must, pick, textOf } from '../target.ts';

const pieces = [
  '1',
  '0',
  '9',
  '.',
  'e',
  'E',
  '-',
  '+',
  'Ki',
  'M',
  'Gi',
  'm',
  'n',
  'u',
  'h',
  's',
  'ms',
  'µs',
  'T',
  'Z',
  ':',
  '2026-01-02T03:04:05',
  '+00:00',
  '99999999999999999999',
  ' ',
];
const whole = [
  '1.5Gi',
  '100m',
  '1e3',
  '12E',
  '0.1n',
  '2026-01-02T03:04:05Z',
  '2026-01-02T03:04:05.123456+01:00',
  '1h30m0.5s',
  '-2m',
  `1e${'9'.repeat(300)}`,
  '9'.repeat(300),
];

/** What a reader that throws plain errors gives, or undefined. A program's mistakes are let through. */
function read<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof RangeError || error instanceof TypeError || !(error instanceof Error)) throw error;
    return undefined;
  }
}

export const scalarsTarget: FuzzTarget = {
  name: 'scalars',
  async open() {
    return {
      make: (random) =>
        chance(random, 0.4)
          ? mutatedBytes(random, Buffer.from(pick(random, whole)))
          : Buffer.from(Array.from({ length: below(random, 9) }, () => pick(random, pieces)).join('')),
      check(input) {
        const text = textOf(input);
        for (const canonical of [canonicalQuantity, canonicalTime, canonicalMicroTime, canonicalDuration]) {
          const once = read(() => canonical(text));
          if (once === undefined || once === null) continue;
          const twice = read(() => canonical(once));
          if (twice !== once) throw new Broken(`${canonical.name}: ${text} is ${once}, and that is ${twice}`);
        }
        const quantity = read(() => parseQuantity(text));
        if (!quantity) return;
        const shown = canonicalQuantity(text);
        must(parseQuantity(shown).nanos === quantity.nanos, () => `${text} and ${shown} are not the same amount`);
      },
    };
  },
};
