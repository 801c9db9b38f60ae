// Some refusals quote values as the client gave them, and `[]` is not `null` there. Canonical form leaves both out, so
// what is refused is looked at once more, with the empty lists and maps of the request in their places.
import { FieldErrors } from '../../api/meta/field-errors.ts';
import type { KubernetesObject } from '../../api/meta/object.ts';
import { type Type, typeOf } from '../../schema/ir.ts';
import type { WriteCall } from './admit.ts';

type Tree = Record<string, unknown>;

const maxBytes = 256 * 1024;

/** What the client sent, parsed; undefined where that tells nothing more. */
export function parseGiven(body: Uint8Array | undefined): unknown {
  if (!body || body.length > maxBytes) return undefined;
  try {
    return JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.length).toString());
  } catch {
    return undefined;
  }
}

/** What `judge` finds. */
export function judged(judge: (errors: FieldErrors) => void): FieldErrors {
  const errors = new FieldErrors();
  judge(errors);
  return errors;
}

/** The errors of `judge` in the words of a server that knows which lists the client gave as empty ones. */
export function judgedAsGiven(
  call: WriteCall,
  object: KubernetesObject,
  errors: FieldErrors,
  judge: (errors: FieldErrors) => void,
): FieldErrors {
  const { storage, version, custom } = call.resource;
  if (storage.version !== version || call.subresource || custom) return errors;
  const given = call.given?.();
  const type = typeOf(storage.typeName);
  if (!given || !fillEmpties(given as Tree, object as unknown as Tree, type)) return errors;
  const again = judged(judge);
  const places = (list: FieldErrors) => JSON.stringify(list.causes().map(({ reason, field }) => [reason, field]));
  return places(again) === places(errors) ? again : errors;
}

/** Parts of label selectors, which show nothing that is empty. */
const aside: ReadonlySet<string> = new Set(['matchLabels', 'matchExpressions']);

const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null;

/** Lists and maps only: a struct that is not there any more was taken away by purpose. */
function fillEmpties(given: Tree, object: Tree, root: Type): boolean {
  let hasFilled = false;
  const waiting: [from: Tree, to: Tree, type: Type | undefined][] = [[given, object, root]];
  for (let part = waiting.pop(); part; part = waiting.pop()) {
    const [from, to, type] = part;
    if (Object.isFrozen(to) || Array.isArray(from) !== Array.isArray(to)) continue;
    for (const [key, value] of Object.entries(from)) {
      const field = type?.jsonField.get(key);
      if (!isTree(value) || !field || aside.has(key) || (key === 'metadata' && from === given)) continue;
      if (!isTree(to[key])) {
        if ((to[key] !== undefined && to[key] !== null) || !field.wrap || Object.keys(value).length > 0) continue;
        to[key] = Array.isArray(value) ? [] : {};
        hasFilled = true;
        continue;
      }
      if (!field.typeName) continue;
      const inner = typeOf(field.typeName);
      if (!field.wrap) waiting.push([value, to[key], inner]);
      else
        for (const [name, element] of Object.entries(value)) {
          const own = (to[key] as Tree)[name];
          if (isTree(element) && isTree(own)) waiting.push([element, own, inner]);
        }
    }
  }
  return hasFilled;
}
