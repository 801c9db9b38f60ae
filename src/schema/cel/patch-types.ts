// The types that mutations are written in: `Object{spec: Object.spec{…}}` of any shape, and `JSONPatch{…}`.
import { type CelType, dynType, objectType, stringType } from './types.ts';

/** Any field may be set: what it may hold is known later. */
const dynamicObject = (name: string): CelType => ({ ...objectType(name, {}), field: () => ({ type: dynType }) });

const jsonPatchType = objectType('JSONPatch', {
  op: stringType,
  from: stringType,
  path: stringType,
  value: dynType,
});

/** undefined: it is none of these. */
export function patchType(name: string): CelType | undefined {
  if (name === 'JSONPatch') return jsonPatchType;
  return name === 'Object' || name.startsWith('Object.') ? dynamicObject(name) : undefined;
}
