// Semantic versions.
import { CelError } from '../errors.ts';
import type { Library } from '../overloads.ts';
import { CelOpaque, type CelValue, type Outcome } from '../value-types.ts';
import { intOf } from './operators.ts';

export class CelSemver extends CelOpaque {
  readonly typeName = 'kubernetes.Semver';
  /** Major, minor, patch. */
  readonly numbers: readonly bigint[];
  readonly prerelease: readonly string[];
  constructor(numbers: readonly bigint[], prerelease: readonly string[]) {
    super();
    this.numbers = numbers;
    this.prerelease = prerelease;
  }
  equals(other: CelValue): boolean {
    return other instanceof CelSemver && order(this, other) === 0n;
  }
}

const isNumeric = (text: string) => /^\d+$/.test(text);
const hasLeadingZero = (text: string) => text.length > 1 && text.startsWith('0');

class VersionProblem extends Error {}
const fail = (message: string): never => {
  throw new VersionProblem(message);
};

function number(text: string, name: string): bigint {
  const quoted = JSON.stringify(text);
  if (!isNumeric(text)) fail(`Invalid character(s) found in ${name.toLowerCase()} number ${quoted}`);
  if (hasLeadingZero(text)) fail(`${name} number must not contain leading zeroes ${quoted}`);
  if (text.length > 20 || BigInt(text) >= 1n << 64n) fail(`strconv.ParseUint: parsing ${quoted}: value out of range`);
  return BigInt(text);
}

/** Throws when it is none. */
export function parseVersion(text: string): CelSemver {
  if (text === '') fail('Version string empty');
  const parts = /^([^.]*)\.([^.]*)\.(.*)$/s.exec(text) ?? fail('No Major.Minor.Patch elements found');
  const [, major, minor, rest] = parts as unknown as [string, string, string, string];
  const numbers = [number(major, 'Major'), number(minor, 'Minor')];
  const plus = rest.indexOf('+');
  const core = plus < 0 ? rest : rest.slice(0, plus);
  const dash = core.indexOf('-');
  numbers.push(number(dash < 0 ? core : core.slice(0, dash), 'Patch'));
  const prerelease = dash < 0 ? [] : core.slice(dash + 1).split('.');
  for (const each of prerelease) {
    if (each === '') fail('Prerelease is empty');
    if (isNumeric(each) && hasLeadingZero(each)) {
      fail(`Numeric PreRelease version must not contain leading zeroes ${JSON.stringify(each)}`);
    }
    if (!/^[0-9A-Za-z-]+$/.test(each)) fail(`Invalid character(s) found in prerelease ${JSON.stringify(each)}`);
  }
  for (const each of plus < 0 ? [] : rest.slice(plus + 1).split('.')) {
    if (each === '') fail('Build meta data is empty');
    if (!/^[0-9A-Za-z-]+$/.test(each)) fail(`Invalid character(s) found in build meta data ${JSON.stringify(each)}`);
  }
  return new CelSemver(numbers, prerelease);
}

/** `v1.02` as `1.2.0`. */
function normalised(text: string): string {
  const [first = '', second, ...others] = text.replace(/^v/, '').split('.');
  const parts = [
    first,
    ...(second === undefined ? [] : [second]),
    ...(others.length > 0 ? [others.join('.')] : []),
  ].map((part) => (part.length > 1 ? part.replace(/^0+/, '').replace(/^(?!\d)/, '0') : part));
  if (parts.length < 3 && /[+-]/.test(parts.at(-1)!)) {
    fail('short version cannot contain PreRelease/Build meta data');
  }
  while (parts.length < 3) parts.push('0');
  return parts.join('.');
}

function semverOf(text: string, normalises = false): Outcome {
  try {
    return parseVersion(normalises ? normalised(text) : text);
  } catch (error) {
    if (error instanceof VersionProblem) return new CelError(error.message);
    throw error;
  }
}

function orderOfPart(one: string, other: string): number {
  if (isNumeric(one) && isNumeric(other))
    return Number(BigInt(one) > BigInt(other)) - Number(BigInt(one) < BigInt(other));
  if (isNumeric(one) !== isNumeric(other)) return isNumeric(one) ? -1 : 1;
  return one < other ? -1 : one > other ? 1 : 0;
}

function order(one: CelSemver, other: CelSemver): bigint {
  for (const [index, value] of one.numbers.entries()) {
    const against = other.numbers[index]!;
    if (value !== against) return value < against ? -1n : 1n;
  }
  const [left, right] = [one.prerelease, other.prerelease];
  if (left.length === 0 || right.length === 0) return BigInt(Number(left.length === 0) - Number(right.length === 0));
  for (let index = 0; index < Math.min(left.length, right.length); index++) {
    const difference = orderOfPart(left[index]!, right[index]!);
    if (difference !== 0) return BigInt(difference);
  }
  return BigInt(Math.sign(left.length - right.length));
}

const type = 'kubernetes.Semver';
const is = (text: string, normalises = false) => semverOf(text, normalises) instanceof CelSemver;
const numberAt = (index: number) => [`${type}.() -> int`, (value: CelSemver) => intOf(value.numbers[index]!)] as const;

export const semver: Library = {
  semver: {
    overloads: {
      string_to_semver: [`(string) -> ${type}`, semverOf],
      string_bool_to_semver: [`(string, bool) -> ${type}`, semverOf],
    },
  },
  isSemver: {
    overloads: { is_semver_string: ['(string) -> bool', is], is_semver_string_bool: ['(string, bool) -> bool', is] },
  },
  isGreaterThan: {
    overloads: {
      semver_is_greater_than: [
        `${type}.(${type}) -> bool`,
        (one: CelSemver, other: CelSemver) => order(one, other) > 0n,
      ],
    },
  },
  isLessThan: {
    overloads: {
      semver_is_less_than: [`${type}.(${type}) -> bool`, (one: CelSemver, other: CelSemver) => order(one, other) < 0n],
    },
  },
  compareTo: { overloads: { semver_compare_to: [`${type}.(${type}) -> int`, order] } },
  major: { overloads: { semver_major: numberAt(0) } },
  minor: { overloads: { semver_minor: numberAt(1) } },
  patch: { overloads: { semver_patch: numberAt(2) } },
};
