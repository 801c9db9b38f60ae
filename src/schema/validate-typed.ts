// Whether an applied object fits its type, in upstream's words: only then can its fields be owned.
// Recursion is bounded by the depth limit that the body was checked against.
import { printElement } from './field-set.ts';
import { ElementError, elementOf } from './list-elements.ts';
import { type ListMergeType, type MapMergeType, type MergeType, type Scalar, typeAt } from './merge-type.ts';
import { goPrint, isObject } from './patch-error.ts';

const isNumeric = (value: unknown): boolean => typeof value === 'number' || typeof value === 'bigint';

function goTypeOf(value: unknown): string {
  if (Array.isArray(value)) return '[]interface {}';
  if (isObject(value)) return 'map[string]interface {}';
  if (typeof value === 'boolean') return 'bool';
  return typeof value === 'string' ? 'string' : Number.isInteger(value) ? 'int64' : 'float64';
}

/** Go's %#v. */
function goSyntax(value: unknown): string {
  if (value === null) return 'interface {}(nil)';
  if (typeof value === 'string') return JSON.stringify(value);
  if (Array.isArray(value)) return `[]interface {}{${value.map(goSyntax).join(', ')}}`;
  if (!isObject(value)) return String(value);
  const pairs = Object.keys(value)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${goSyntax(value[key])}`);
  return `map[string]interface {}{${pairs.join(', ')}}`;
}

const scalarProblems: Record<Scalar, (value: unknown) => string | undefined> = {
  numeric: (value) => (isNumeric(value) ? undefined : `expected numeric (int or float), got ${goTypeOf(value)}`),
  string: (value) =>
    typeof value === 'string' ? undefined : `expected string, got &value.valueUnstructured{Value:${goSyntax(value)}}`,
  boolean: (value) => (typeof value === 'boolean' ? undefined : `expected boolean, got &{${goPrint(value)}}`),
  untyped: (value) =>
    isObject(value) || Array.isArray(value) ? `expected any scalar, got &{${goPrint(value)}}` : undefined,
};

class Validation {
  readonly problems: string[] = [];

  check(type: MergeType, value: unknown, path: string): void {
    if (value === null || value === undefined) return;
    if (type.shape === 'scalar') this.#report(path, scalarProblems[type.scalar](value));
    else if (type.shape === 'map') this.#checkMap(type, value, path);
    else if (type.shape === 'list') this.#checkList(type, value, path);
  }

  #report(path: string, problem: string | undefined): void {
    if (problem !== undefined) this.problems.push(`${path}: ${problem}`);
  }

  #checkMap(type: MapMergeType, value: unknown, path: string): void {
    if (!isObject(value)) {
      this.#report(path, `expected map, got &{${goPrint(value)}}`);
      return;
    }
    for (const key of Object.keys(value).sort()) {
      const inner = typeAt(type, key);
      if (inner) this.check(inner, value[key], `${path}.${key}`);
      else this.#report(`${path}.${key}`, 'field not declared in schema');
    }
  }

  #checkList(type: ListMergeType, value: unknown, path: string): void {
    if (!Array.isArray(value)) {
      this.#report(path, `expected list, got &{${goPrint(value)}}`);
      return;
    }
    const seen = new Set<string>();
    for (const [index, item] of value.entries()) {
      if (type.relation === 'atomic') {
        this.check(type.element, item, `${path}[${index}]`);
        continue;
      }
      let element: string;
      try {
        element = elementOf(type, item);
      } catch (error) {
        if (!(error instanceof ElementError)) throw error;
        this.#report(path, `element ${index}: ${error.message}`);
        return;
      }
      if (seen.has(element)) this.#report(path, `duplicate entries for key ${printElement(element)}`);
      seen.add(element);
      this.check(type.element, item, `${path}${printElement(element)}`);
    }
  }
}

/** What is wrong, as one text; undefined when nothing is. */
export function typedProblems(type: MapMergeType, object: object): string | undefined {
  const validation = new Validation();
  validation.check(type, object, '');
  const { problems } = validation;
  if (problems.length <= 1) return problems[0];
  return `errors:\n${problems.map((problem) => `  ${problem}`).join('\n')}`;
}
