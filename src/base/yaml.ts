// YAML as kubectl reads it: YAML 1.1 scalars (`0644` is octal, `yes` is true), dates stay text, integers stay exact,
// duplicate keys are refused, and aliases cannot grow a small text into a large object.
import {
  boolYaml11Tag,
  defineScalarTag,
  FAILSAFE_SCHEMA,
  loadAll,
  mergeTag,
  NOT_RESOLVED,
  nullYaml11Tag,
  YAMLException,
} from 'js-yaml';
import { enableBigIntJson } from './big-integers.ts';
import { printYaml } from './yaml-print.ts';

/** A text that is not acceptable YAML; the message starts with `yaml: line N:` where the line is known. */
export class YamlError extends Error {
  override readonly name = 'YamlError';
  /** Two equal keys in one mapping; whoever reads leniently takes the last. */
  readonly isDuplicate: boolean;

  constructor(message: string, { isDuplicate } = { isDuplicate: false }) {
    super(message);
    this.isDuplicate = isDuplicate;
  }
}

const maxAliases = 100;
const maxDepth = 512;
const maxNodes = 500_000;

function integer(text: string): bigint | undefined {
  const plain = text.replaceAll('_', '');
  const match = /^([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|([1-9][0-9]*|0))$/.exec(plain);
  if (!match || plain.length > 80) return undefined;
  const [, sign, hex, binary, octal, digits] = match;
  const value = BigInt(hex ? `0x${hex}` : binary ? `0b${binary}` : octal ? `0o${octal}` : digits!);
  const signed = sign === '-' ? -value : value;
  return signed >= -(1n << 63n) && signed < 1n << 64n ? signed : undefined;
}

const floatShape = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;

// One tag for all numbers: whether a text is whole decides what it becomes.
const numberTag = defineScalarTag<number | bigint>('tag:yaml.org,2002:int', {
  implicit: true,
  implicitFirstChars: ['-', '+', '.', ...'0123456789'],
  resolve(text) {
    const whole = integer(text);
    if (whole !== undefined) {
      if (Number.isSafeInteger(Number(whole))) return Number(whole);
      enableBigIntJson();
      return whole;
    }
    const plain = text.replaceAll('_', '');
    if (!floatShape.test(plain)) return NOT_RESOLVED;
    const value = Number(plain);
    return Number.isFinite(value) ? value : NOT_RESOLVED;
  },
  identify: (value) => typeof value === 'number' || typeof value === 'bigint',
  represent: (value: number | bigint) => String(value),
});
const floatTag = defineScalarTag<number>('tag:yaml.org,2002:float', {
  resolve: (text) => (floatShape.test(text) ? Number(text) : NOT_RESOLVED),
  identify: () => false,
});
const schema = FAILSAFE_SCHEMA.withTags(nullYaml11Tag, boolYaml11Tag, numberTag, floatTag, mergeTag);

/** The problems that people meet often, in the words kubectl uses for them. */
function describe(reason: string, line: number, text: string): string {
  if (reason === duplicateReason) {
    const source = text.split('\n')[line - 1] ?? '';
    const key = /^[\s-]*(["']?)(.*?)\1\s*:/.exec(source)?.[2] ?? source.trim();
    return `yaml: unmarshal errors:\n  line ${line}: key ${JSON.stringify(key)} already set in map`;
  }
  return `yaml: line ${line}: ${/tab/.test(reason) ? 'found character that cannot start any token' : reason}`;
}

const duplicateReason = 'duplicated mapping key';

function load(text: string, lastKeyWins = false): unknown[] {
  try {
    return loadAll(text, { schema, maxAliases, maxDepth, json: lastKeyWins });
  } catch (error) {
    if (!(error instanceof YAMLException)) throw new YamlError(`yaml: ${(error as Error).message}`);
    const { mark, reason } = error as unknown as { mark?: { line: number }; reason: string };
    const problem = mark ? describe(reason, mark.line + 1, text) : `yaml: ${reason}`;
    throw new YamlError(problem, { isDuplicate: reason === duplicateReason });
  }
}

/**
 * Copies what aliases share, so that the result is a tree. Counts as it goes: an alias bomb ends at the node limit, and
 * an alias to its own parent at the depth limit. Not recursive.
 */
function expand(root: unknown): unknown {
  if (typeof root !== 'object' || root === null) return root;
  let nodes = 0;
  const copyOf = (value: object): object => (Array.isArray(value) ? [] : {});
  const result = copyOf(root);
  const stack: { from: object; to: object; depth: number }[] = [{ from: root, to: result, depth: 1 }];
  for (let frame = stack.pop(); frame; frame = stack.pop()) {
    const { from, to, depth } = frame;
    if (depth > maxDepth) throw new YamlError('yaml: document is nested too deeply');
    for (const key of Object.keys(from)) {
      if (++nodes > maxNodes) throw new YamlError('yaml: document contains excessive aliasing');
      const value = (from as Record<string, unknown>)[key];
      let next = value;
      if (typeof value === 'object' && value !== null) {
        next = copyOf(value);
        stack.push({ from: value, to: next as object, depth: depth + 1 });
      }
      Object.defineProperty(to, key, { value: next, enumerable: true, configurable: true, writable: true });
    }
  }
  return result;
}

const toTree = (text: string, value: unknown): unknown => (text.includes('*') ? expand(value) : value);

/** The first document of `text`; null when there is none. Throws YamlError, unless asked also for a key given twice. */
export function parseYaml(text: string, { lastKeyWins } = { lastKeyWins: false }): unknown {
  return toTree(text, load(text, lastKeyWins)[0] ?? null);
}

/** All documents of `text` but empty ones. Throws YamlError. */
export function parseYamlDocuments(text: string): unknown[] {
  return load(text)
    .filter((document) => document !== null && document !== undefined)
    .map((document) => toTree(text, document));
}

/** YAML that every reader, YAML 1.1 or 1.2, reads as the same values; keys in order, as kubectl prints them. */
export const stringifyYaml: (value: unknown) => string = printYaml;
