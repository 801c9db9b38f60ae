// Server-side apply onto an object, and the same again until it must change nothing.
import { buildResources } from '../../../src/api/build-resources.ts';
import { kindDefinitions } from '../../../src/api/kinds.ts';
import { FieldErrors } from '../../../src/api/meta/field-errors.ts';
import type { KubernetesObject } from '../../../src/api/meta/object.ts';
import { StatusError } from '../../../src/api/meta/status-error.ts';
import type { ResourceInfo } from '../../../src/api/resource-info.ts';
import { applyObject, checkApplied, stampManagers } from '../../../src/apiserver/managed-fields/apply-object.ts';
import type { Write } from '../../../src/apiserver/managed-fields/track-update.ts';
import { deepFreeze } from '../../../src/apiserver/registry/entry.ts';
import { ResourceTable } from '../../../src/apiserver/registry/resource-table.ts';
import { inOnePiece } from '../../../src/base/turns.ts';
import { canonical, DecodeError, decodeJson } from '../../../src/schema/codec.ts';
import { PatchError } from '../../../src/schema/patch-error.ts';
import { decodeApplyPatch } from '../../../src/schema/yaml-body.ts';
import { recordedObjects, recordedTrees } from '../corpus.ts';
import { mutatedTree, printed } from '../mutate-json.ts';
import { chance, type FuzzTarget, must, pick, refusedOr, refusedOrAsync, textOf } from '../target.ts';

interface ApplyInput {
  /** What is there. */
  readonly object: Record<string, unknown>;
  /** The body as it is sent. */
  readonly applied: string;
}

const clean = [StatusError, DecodeError, PatchError] as const;

export const applyTarget: FuzzTarget = {
  name: 'apply',
  async open() {
    const table = new ResourceTable(buildResources(kindDefinitions));
    const find = ({ apiVersion, kind }: Record<string, unknown>): ResourceInfo | undefined => {
      const [version = '', group = ''] = String(apiVersion).split('/').reverse();
      return table.findKind(group, version, String(kind));
    };
    const objects = recordedObjects().filter(find);
    const applied = (recordedTrees('application/apply-patch+yaml') as Record<string, unknown>[]).filter(find);
    return {
      make(random) {
        const source = chance(random, 0.5) ? pick(random, applied) : pick(random, objects);
        const input: ApplyInput = {
          object: chance(random, 0.8) ? source : pick(random, objects),
          applied: printed(random, mutatedTree(random, source, [source, ...objects])),
        };
        return Buffer.from(JSON.stringify(input));
      },
      async check(input) {
        const { object, applied: text } = JSON.parse(textOf(input)) as ApplyInput;
        const resource = find(object)!;
        const current = refusedOr(clean, () => storedOf(resource, object));
        const body = await refusedOrAsync(clean, async () => decodeApplyPatch(text));
        if (!current || !body || !isOfKind(resource, body)) return;
        const write = (manager: string): Write => ({ resource, table, subresource: '', manager, nowMs: 0 });
        const first = refusedOr(clean, () => merged(write('one'), current, body));
        if (!first) return;
        if (!isValid(resource, first)) return;
        // Defaults and spellings may come in with the first; after that nothing moves.
        const second = merged(write('one'), first, body);
        const third = merged(write('one'), second, body);
        must(
          same(second, third),
          () => `applied again it differs:\n${JSON.stringify(second)}\n${JSON.stringify(third)}`,
        );
        refusedOr(clean, () => applyObject(write('two'), first, body, false));
      },
    };
  },
};

function isValid({ rules }: ResourceInfo, object: KubernetesObject): boolean {
  const errors = new FieldErrors();
  rules.validate?.(object, errors);
  rules.validateCreate?.(object, errors);
  return errors.isEmpty;
}

const same = (left: object, right: object): boolean => JSON.stringify(left) === JSON.stringify(right);

function isOfKind(resource: ResourceInfo, body: Record<string, unknown>): boolean {
  return refusedOr(clean, () => checkApplied(resource, body) ?? true) === true;
}

function storedOf(resource: ResourceInfo, object: object): KubernetesObject {
  const decoded = decodeJson<KubernetesObject>(resource.typeName, JSON.stringify(object), { strict: false }).object;
  resource.defaults(decoded);
  return deepFreeze(canonical<KubernetesObject>(resource.storage.typeName, resource.toStorage(decoded)));
}

function merged(write: Write, current: KubernetesObject, body: Record<string, unknown>): KubernetesObject {
  const { resource } = write;
  const { object, managers } = inOnePiece(applyObject(write, current, body, true));
  const next = object ? structuredClone(object) : structuredClone(current);
  if (object) resource.defaults(next);
  const stored = object ? resource.toStorage(next) : next;
  inOnePiece(stampManagers(stored, managers, current));
  return deepFreeze(canonical<KubernetesObject>(resource.storage.typeName, stored));
}
