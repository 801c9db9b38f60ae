// `Object.spec{…}` may only stand where a field named spec is: the checker of expressions does not see to that.
import { CelList, CelMap, type CelValue } from '../../../schema/cel/values.ts';

const isObject = (name: string): boolean => name === 'Object' || name.startsWith('Object.');

/** What stands in the wrong place, a line each; '' when nothing does. Recursion is bounded by the expression's depth. */
export function misplacedObjects(value: CelValue): string {
  const problems: string[] = [];
  if (value instanceof CelMap && isObject(value.typeName)) collect(value, value.typeName, problems);
  return problems.join('\n');
}

function collect(value: CelValue, path: string, problems: string[]): void {
  if (value instanceof CelList) {
    for (let index = 0; index < value.size; index++) collect(value.at(index) as CelValue, path, problems);
    return;
  }
  if (!(value instanceof CelMap)) return;
  const { typeName } = value;
  const isTyped = isObject(typeName);
  if (isTyped && typeName !== path) {
    problems.push(
      `unexpected type name ${JSON.stringify(typeName)}, expected ${JSON.stringify(path)}, which matches field name path from root Object type`,
    );
  }
  // JSON of the request's objects has no names of types in it.
  if (!isTyped && !hasValues(value)) return;
  for (const key of value.keys()) {
    collect(value.find(key) as CelValue, isTyped ? `${path}.${String(key)}` : path, problems);
  }
}

const hasValues = (value: CelMap): boolean => !('raw' in value);
