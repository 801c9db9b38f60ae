// Of several groups that would help, which one grows: pure.
import type { Random } from '../../base/random.ts';
import type { Expander } from './config.ts';
import type { Option } from './scale-up.ts';

/** Higher wins; groups are matched by regular expressions. */
export type Priorities = ReadonlyMap<number, readonly { test(text: string): boolean }[]>;

export interface ExpanderInput {
  readonly random: Random;
  readonly priorities: Priorities;
}

/** Undefined when there is no choice to make, or the priorities name none of them. */
export function choose(options: readonly Option[], expander: Expander, input: ExpanderInput): Option | undefined {
  const best = strategies[expander](options, input);
  return best.length === 0 ? undefined : best[Math.floor(input.random.next() * best.length)];
}

const strategies: Record<Expander, (options: readonly Option[], input: ExpanderInput) => readonly Option[]> = {
  random: (options) => options,
  'most-pods': (options) => leastBy(options, ({ pods }) => -pods.length),
  'least-waste': (options) => leastBy(options, ({ waste }) => waste),
  priority(options, { priorities }) {
    const of = ({ group }: Option) =>
      Math.max(
        Number.NEGATIVE_INFINITY,
        ...[...priorities].flatMap(([priority, patterns]) =>
          patterns.some((pattern) => pattern.test(group.name)) ? [priority] : [],
        ),
      );
    // Without priorities, or when none fits, chance decides, as upstream.
    return leastBy(options, (option) => -of(option));
  },
};

function leastBy(options: readonly Option[], costOf: (option: Option) => number): readonly Option[] {
  const values = options.map(costOf);
  const least = Math.min(...values);
  return options.filter((_, index) => values[index] === least);
}
