// Keys in the paths of JSON patches.
import type { Library } from '../overloads.ts';

const escapeKey = (key: string) => key.replaceAll('~', '~0').replaceAll('/', '~1');

export const jsonPatch: Library = {
  'jsonpatch.escapeKey': { overloads: { string_jsonpatch_escapeKey_string: ['(string) -> string', escapeKey] } },
};
