// Which implementation of a function takes the values at hand.
import { noOverloadFor } from './library/operators.ts';
import type { Implementation, Overload } from './overloads.ts';
import { matcherOf } from './runtime-types.ts';

/** The first overload that takes the values. */
export function dispatch(name: string, overloads: readonly Overload[]): Implementation {
  const candidates = overloads.map(({ params, run }) => ({ matches: params.map(matcherOf), run: run! }));
  if (candidates.length === 1) {
    const { matches, run } = candidates[0]!;
    return (...args) => (args.every((arg, index) => matches[index]!(arg)) ? run(...args) : noOverloadFor(name, args));
  }
  return (...args) => {
    const chosen = candidates.find(({ matches }) => args.every((arg, index) => matches[index]!(arg)));
    return chosen ? chosen.run(...args) : noOverloadFor(name, args);
  };
}
