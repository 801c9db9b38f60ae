// Label and field selectors of a query: what can be read is printed as something that is read as the same.

import { matchesSelector } from '../../../src/api/meta/labels.ts';
import {
  formatSelector,
  matchesFields,
  parseFieldSelector,
  parseLabelSelector,
  SelectorError,
} from '../../../src/api/meta/selectors.ts';
import type { Random } from '../../../src/base/random.ts';
import { mutatedBytes } from '../mutate-bytes.ts';
import { below, chance, type FuzzTarget, must, pick, refusedOr, textOf } from '../target.ts';

const words = [
  'a',
  'app',
  'example.com/tier',
  'in',
  'notin',
  '(',
  ')',
  ',',
  '=',
  '==',
  '!=',
  '!',
  '<',
  '>',
  ' ',
  '  ',
  '1',
  '-1',
  '__proto__',
  'constructor',
  'x'.repeat(64),
  '\\',
  '\\,',
  '\\=',
  'metadata.name',
  'status.phase',
  '\n',
  'ü',
  '\0',
  '((',
  '==',
];
const whole = [
  'app=web,tier in (a, b),!old',
  'a notin (b,c)',
  'metadata.name=web,status.phase!=Running',
  'a>1,b<2',
  'a==b',
  'in in (in)',
  ',',
  'a,'.repeat(2000),
  `a in (${'b,'.repeat(3000)}c)`,
];

function make(random: Random): Buffer {
  if (chance(random, 0.3)) return mutatedBytes(random, Buffer.from(pick(random, whole)));
  return Buffer.from(Array.from({ length: below(random, 25) }, () => pick(random, words)).join(''));
}

const labels = { app: 'web', a: '1', 'example.com/tier': '' };

export const labelSelectorTarget: FuzzTarget = {
  name: 'label-selector',
  async open() {
    return {
      make,
      check(input) {
        const selector = refusedOr([SelectorError], () => parseLabelSelector(textOf(input)));
        if (!selector) return;
        const printed = formatSelector(selector);
        const again = parseLabelSelector(printed);
        must(formatSelector(again) === printed, () => `${printed} is read as ${formatSelector(again)}`);
        must(
          matchesSelector(selector, labels) === matchesSelector(again, labels),
          () => `${printed} selects something else`,
        );
      },
    };
  },
};

const escaped = (value: string): string => value.replace(/[\\,=]/g, '\\$&');

export const fieldSelectorTarget: FuzzTarget = {
  name: 'field-selector',
  async open() {
    return {
      make,
      check(input) {
        const terms = refusedOr([SelectorError], () => parseFieldSelector(textOf(input)));
        if (!terms) return;
        matchesFields(terms, labels);
        for (const { field, isEqual, value } of terms) {
          if (/[\\,]/.test(field)) continue;
          const [again] = parseFieldSelector(`${field}${isEqual ? '=' : '!='}${escaped(value)}`);
          must(again?.value === value, () => `${JSON.stringify(value)} is read as ${JSON.stringify(again)}`);
        }
      },
    };
  },
};
