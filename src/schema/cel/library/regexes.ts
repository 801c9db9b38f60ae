// `find` and `findAll`.
import { CelError } from '../errors.ts';
import type { Library } from '../overloads.ts';
import { compileRegex } from '../regex.ts';
import { ArrayList, type Outcome } from '../value-types.ts';

const illegal = (error: CelError) => new CelError(`Illegal regex: ${error.message}`);

function find(text: string, pattern: string): Outcome {
  const regex = compileRegex(pattern);
  return regex instanceof CelError ? illegal(regex) : regex.find(text);
}

function findAll(text: string, pattern: string, count = -1n): Outcome {
  const regex = compileRegex(pattern);
  if (regex instanceof CelError) return illegal(regex);
  return new ArrayList(regex.findAll(text, count < 0n ? Infinity : Number(count)));
}

export const regexes: Library = {
  find: { overloads: { string_find_string: ['string.(string) -> string', find] } },
  findAll: {
    overloads: {
      string_find_all_string: ['string.(string) -> list(string)', findAll],
      string_find_all_string_int: ['string.(string, int) -> list(string)', findAll],
    },
  },
};
