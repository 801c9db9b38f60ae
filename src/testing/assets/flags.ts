// Flags as the programs take whose place we take: `--name=value`, `--name value`, `--name` for switches.

/** What a flag holds; `list` may be given several times, and holds values between commas. */
export type FlagKind = 'switch' | 'text' | 'integer' | 'duration' | 'address' | 'list' | 'repeated';

export type Flags = ReadonlyMap<string, readonly string[]>;

export class FlagError extends Error {}

/** How the program words what is wrong. */
export interface FlagWords {
  unknown(name: string): string;
  noArgument(name: string): string;
  positional(words: readonly string[]): string;
  wrongSwitch(name: string, value: string): string;
}

/** Values by name, in the order given. @throws FlagError worded as `words` do */
export function parseFlags(args: readonly string[], kinds: ReadonlyMap<string, FlagKind>, words: FlagWords): Flags {
  const flags = new Map<string, string[]>();
  const positional: string[] = [];
  for (let index = 0; index < args.length; index++) {
    const arg = args[index]!;
    if (arg === '--') {
      positional.push(...args.slice(index + 1));
      break;
    }
    if (!arg.startsWith('-') || arg === '-') {
      positional.push(arg);
      continue;
    }
    const [, name = '', given] = /^--?([^=]*)(?:=(.*))?$/s.exec(arg)!;
    const kind = kinds.get(name);
    if (!kind) throw new FlagError(words.unknown(name));
    const value = given ?? (kind === 'switch' ? 'true' : args[++index]);
    if (value === undefined) throw new FlagError(words.noArgument(name));
    if (kind === 'switch' && !isSwitch(value)) throw new FlagError(words.wrongSwitch(name, value));
    requireValue(name, kind, value);
    const values = kind === 'list' ? value.split(',').filter(Boolean) : [value];
    if (kind === 'list' || kind === 'repeated') flags.set(name, [...(flags.get(name) ?? []), ...values]);
    else flags.set(name, values);
  }
  if (positional.length > 0) throw new FlagError(words.positional(positional));
  return flags;
}

/** The kinds of flags, from their names by kind. */
export function kindsOf(names: Readonly<Partial<Record<FlagKind, string>>>): Map<string, FlagKind> {
  return new Map(
    Object.entries(names).flatMap(([kind, text]) => text.split(/\s+/).map((name) => [name, kind as FlagKind])),
  );
}

export const isSwitch = (value: string): boolean => /^(1|t|T|true|TRUE|True|0|f|F|false|FALSE|False)$/.test(value);

export const isOn = (flags: Flags, name: string, byDefault = false): boolean =>
  flags.has(name) ? /^[1tT]/.test(flags.get(name)![0]!) : byDefault;

/** Milliseconds of `1h30m`, or `5s`. */
export const durationMs = (value: string): number =>
  [...value.matchAll(/([\d.]+)(h|ms|m|s|us|µs|ns)/g)].reduce((sum, [, n, unit]) => sum + Number(n) * unitMs[unit!]!, 0);

const unitMs: Readonly<Record<string, number>> = {
  h: 3_600_000,
  m: 60_000,
  s: 1_000,
  ms: 1,
  us: 1e-3,
  µs: 1e-3,
  ns: 1e-6,
};

function requireValue(name: string, kind: FlagKind, value: string): void {
  const problem = problemOf(kind, value);
  if (problem) throw new FlagError(`invalid argument "${value}" for "--${name}" flag: ${problem}`);
}

function problemOf(kind: FlagKind, value: string): string | undefined {
  if (kind === 'integer' && !/^[+-]?\d+$/.test(value)) return `strconv.ParseInt: parsing "${value}": invalid syntax`;
  if (kind === 'duration') {
    if (/^[+-]?[\d.]+$/.test(value) && Number(value) !== 0) return `time: missing unit in duration "${value}"`;
    if (!/^[+-]?(0|([\d.]+(h|ms|m|s|us|µs|ns))+)$/.test(value)) return `time: invalid duration "${value}"`;
  }
  if (kind === 'address' && !/^[\d.]+$|^[\da-fA-F:.]*:[\da-fA-F:.]*$/.test(value)) {
    return `failed to parse IP: "${value}"`;
  }
  return undefined;
}
