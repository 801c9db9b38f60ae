// Which objects a controller manages: those that name it as their controller and match its selector. Matching objects that
// nobody manages are adopted; managed ones that no longer match are released.
import { matchesSelector, type Selector } from '../api/meta/labels.ts';
import type { KindRef, KubernetesObject } from '../api/meta/object.ts';
import { controllerOf, controllerReference } from '../api/meta/owner-references.ts';
import { conflict, isInvalid, isNotFound } from '../api/meta/status-error.ts';
import type { Client } from '../client/client.ts';

export interface ClaimOptions<O extends KubernetesObject, T extends KubernetesObject> {
  readonly client: Client;
  readonly ownerKind: KindRef<O>;
  readonly owner: O;
  readonly kind: KindRef<T>;
  readonly selector: Selector;
  /** Those that name the owner, and those without any controller. */
  readonly candidates: readonly T[];
  /** Absent: every orphan that matches. */
  readonly mayAdopt?: (object: T) => boolean;
  /** Metadata that adopted objects get besides their owner. */
  readonly adoptWith?: { readonly finalizers: readonly string[] };
  readonly signal?: AbortSignal;
}

/** The candidates that belong to the owner from now on. Failed adoptions and releases are thrown, after all were tried. */
export async function claim<O extends KubernetesObject, T extends KubernetesObject>(
  options: ClaimOptions<O, T>,
): Promise<T[]> {
  const claimed: T[] = [];
  const problems: unknown[] = [];
  const mayAdopt = canAdoptOnce(options);
  for (const object of options.candidates) {
    try {
      if (await claimOne(options, object, mayAdopt)) claimed.push(object);
    } catch (error) {
      problems.push(error);
    }
  }
  if (problems.length > 0) throw problems[0];
  return claimed;
}

async function claimOne<O extends KubernetesObject, T extends KubernetesObject>(
  options: ClaimOptions<O, T>,
  object: T,
  assertMayAdopt: () => Promise<void>,
): Promise<boolean> {
  const { owner, selector } = options;
  const controller = controllerOf(object);
  const matches = matchesSelector(selector, object.metadata.labels);
  if (controller) {
    if (controller.uid !== owner.metadata.uid) return false;
    if (matches) return true;
    if (owner.metadata.deletionTimestamp) return false;
    await release(options, object);
    return false;
  }
  if (owner.metadata.deletionTimestamp || object.metadata.deletionTimestamp || !matches) return false;
  if (options.mayAdopt && !options.mayAdopt(object)) return false;
  await assertMayAdopt();
  return adopt(options, object);
}

/** Asks the server, not the cache, whether the owner still lives; once for all adoptions of a claim. */
function canAdoptOnce<O extends KubernetesObject, T extends KubernetesObject>(
  options: ClaimOptions<O, T>,
): () => Promise<void> {
  let asked: Promise<void> | undefined;
  const ask = async () => {
    const { namespace = '', name, uid } = options.owner.metadata;
    const fresh = await options.client.resource(options.ownerKind).get({ namespace, name });
    const resource = { group: options.ownerKind.group, name: options.ownerKind.plural };
    if (fresh.metadata.uid !== uid) throw conflict(resource, name, 'the original object is gone');
    if (fresh.metadata.deletionTimestamp) throw conflict(resource, name, 'the object is being deleted');
  };
  return () => {
    asked ??= ask();
    return asked;
  };
}

async function adopt<O extends KubernetesObject, T extends KubernetesObject>(
  options: ClaimOptions<O, T>,
  object: T,
): Promise<boolean> {
  const ownerReferences = [controllerReference(options.owner, options.ownerKind)];
  return patchOwners(options, object, ownerReferences, options.adoptWith);
}

async function release<O extends KubernetesObject, T extends KubernetesObject>(
  options: ClaimOptions<O, T>,
  object: T,
): Promise<void> {
  try {
    await patchOwners(options, object, [{ $patch: 'delete', uid: options.owner.metadata.uid }]);
  } catch (error) {
    // Invalid: somebody else released it first and the patch has nothing to delete.
    if (!isInvalid(error)) throw error;
  }
}

/** False when the object has gone meanwhile. The uid in the patch makes it miss a namesake. */
async function patchOwners<O extends KubernetesObject, T extends KubernetesObject>(
  options: ClaimOptions<O, T>,
  object: T,
  ownerReferences: readonly unknown[],
  more: object = {},
): Promise<boolean> {
  const { namespace = '', name, uid } = object.metadata;
  const patch = { metadata: { ...more, ownerReferences, uid } };
  const signal = options.signal ? { signal: options.signal } : {};
  try {
    await options.client.resource(options.kind).patch({ namespace, name }, patch, { type: 'strategic', ...signal });
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}
