// Patches of each type against objects: the object is not touched, and what comes out is an object of its type or an error
// that the client is told.

import { deepFreeze } from '../../../src/apiserver/registry/entry.ts';
import type { Random } from '../../../src/base/random.ts';
import { canonicalStrict, DecodeError, decodeJsonBody } from '../../../src/schema/codec.ts';
import { applyJsonPatch } from '../../../src/schema/json-patch.ts';
import { applyMergePatch } from '../../../src/schema/merge-patch.ts';
import { decodeJsonPatch, decodeMergePatch } from '../../../src/schema/patch-body.ts';
import { PatchError } from '../../../src/schema/patch-error.ts';
import { applyStrategicMerge } from '../../../src/schema/strategic-merge.ts';
import { recordedObjects, recordedTrees } from '../corpus.ts';
import { mutatedBytes } from '../mutate-bytes.ts';
import { mutatedTree, printed } from '../mutate-json.ts';
import { below, chance, type FuzzTarget, must, pick, refusedOr, textOf } from '../target.ts';
import { mustRoundTrip, typeOfBody } from './json.ts';

interface PatchInput {
  readonly object: object;
  /** The body as it is sent. */
  readonly patch: string;
}

type Apply = (target: object, typeName: string, patch: string) => object;

const clean = [PatchError, DecodeError] as const;

function target(
  name: string,
  contentType: string,
  apply: Apply,
  generate?: (random: Random, object: object) => unknown,
): FuzzTarget {
  return {
    name,
    async open() {
      const objects = recordedObjects();
      const patches = recordedTrees(contentType);
      const texts = patches.map((each) => Buffer.from(JSON.stringify(each)));
      return {
        make(random) {
          const object = pick(random, objects);
          let patch: string;
          if (generate && chance(random, 0.6)) patch = printed(random, generate(random, object));
          else if (chance(random, 0.15)) patch = textOf(mutatedBytes(random, pick(random, texts), pick(random, texts)));
          else {
            // Half of them are parts of the object itself: those meet what is there.
            const source = chance(random, 0.5) ? object : pick(random, patches);
            patch = printed(random, mutatedTree(random, source, [...patches, object]));
          }
          return Buffer.from(JSON.stringify({ object, patch } satisfies PatchInput));
        },
        check(input) {
          const { object, patch } = JSON.parse(textOf(input)) as PatchInput;
          let typeName = '';
          const resolve = (says: { apiVersion: string; kind: string }) => {
            typeName = typeOfBody(says);
            return typeName;
          };
          const decoded = refusedOr([DecodeError], () =>
            decodeJsonBody<object>(JSON.stringify(object), resolve, { strict: false }),
          );
          if (!decoded) return;
          const before = deepFreeze(decoded.object);
          const patched = refusedOr(clean, () => apply(before, typeName, patch));
          if (patched === undefined) return;
          const result = refusedOr([DecodeError], () => canonicalStrict<object>(typeName, patched));
          if (result) mustRoundTrip(typeName, result.object);
        },
      };
    },
  };
}

export const mergePatchTarget = target('merge-patch', 'application/merge-patch+json', (object, _type, patch) =>
  applyMergePatch(object, decodeMergePatch(patch).patch),
);

export const strategicTarget = target(
  'strategic',
  'application/strategic-merge-patch+json',
  (object, typeName, patch) => applyStrategicMerge(typeName, object, decodeMergePatch(patch).patch),
);

export const jsonPatchTarget = target(
  'json-patch',
  'application/json-patch+json',
  (object, _type, patch) => {
    const result = applyJsonPatch(object, decodeJsonPatch(patch).patch);
    must(JSON.stringify(result).length < 8_000_000, () => 'a small patch made a huge object');
    return result as object;
  },
  operations,
);

/** Operations on paths that are there, or nearly so. */
function operations(random: Random, object: object): unknown {
  return Array.from({ length: 1 + below(random, 12) }, () => {
    const operation = {
      op: pick(random, ['add', 'remove', 'replace', 'move', 'copy', 'test', 'x']),
      path: path(random, object),
    };
    return {
      ...operation,
      ...(chance(random, 0.5) ? { from: path(random, object) } : {}),
      ...(chance(random, 0.8) ? { value: pick(random, [1, 'a', null, {}, [], { a: [1] }, object]) } : {}),
    };
  });
}

function path(random: Random, object: object): string {
  let at: unknown = object;
  let text = '';
  while (typeof at === 'object' && at !== null && chance(random, 0.8)) {
    const key = chance(random, 0.85)
      ? pick(random, [...Object.keys(at), '-'])
      : pick(random, ['-1', '0', '01', '1e9', '__proto__', '', '~0', '~2', '99999999999', 'length']);
    text += `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    at = Object.hasOwn(at, key) ? (at as Record<string, unknown>)[key] : undefined;
  }
  return chance(random, 0.03) ? text.slice(1) : text;
}
