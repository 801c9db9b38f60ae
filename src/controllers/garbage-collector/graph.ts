// Who owns whom, over all objects of the cluster. Holds of each object no more than that.
import type { ObjectMeta, OwnerReference } from '../../../generated/meta-v1.ts';
import { isEqual } from '../../api/meta/equality.ts';
import { apiVersionOf, type KindRef, type KubernetesObject } from '../../api/meta/object.ts';

export const foregroundFinalizer = 'foregroundDeletion';
export const orphanFinalizer = 'orphan';

export interface Node {
  readonly uid: string;
  readonly resource: KindRef<KubernetesObject>;
  readonly namespace: string;
  readonly name: string;
  resourceVersion: string;
  owners: readonly OwnerReference[];
  isDeleting: boolean;
  /** Finalizers of the collector that the object carries. */
  waitsForDependents: boolean;
  orphansDependents: boolean;
}

/** Tells of an object, as an event does. */
export type Tell = (about: { apiVersion: string; kind: string; metadata: ObjectMeta }, message: string) => void;

const noOwners: readonly OwnerReference[] = [];
const noNodes: ReadonlySet<Node> = new Set();

export class Graph {
  readonly #nodes = new Map<string, Node>();
  /** By the uid of the owner, known or not. */
  readonly #dependents = new Map<string, Set<Node>>();
  readonly #look: (uid: string, delayMs: number) => void;
  readonly #tellWrongNamespace: Tell;

  /** `look` is told whose turn it is to be judged, `tellWrongNamespace` of what names an owner in another namespace. */
  constructor(look: (uid: string, delayMs: number) => void, tellWrongNamespace: Tell) {
    this.#look = look;
    this.#tellWrongNamespace = tellWrongNamespace;
  }

  find(uid: string): Node | undefined {
    return this.#nodes.get(uid);
  }

  dependentsOf(uid: string): ReadonlySet<Node> {
    return this.#dependents.get(uid) ?? noNodes;
  }

  /** The dependents that hold up a foreground deletion. */
  blockersOf(uid: string): Node[] {
    const blocks = (reference: OwnerReference) => reference.uid === uid && reference.blockOwnerDeletion;
    return [...this.dependentsOf(uid)].filter(({ owners }) => owners.some(blocks));
  }

  nodesOf(resource: KindRef<KubernetesObject>): Node[] {
    return [...this.#nodes.values()].filter((node) => node.resource === resource);
  }

  put(resource: KindRef<KubernetesObject>, metadata: ObjectMeta): void {
    const { uid = '', namespace = '', name, resourceVersion = '' } = metadata;
    const before = this.#nodes.get(uid);
    const owners = metadata.ownerReferences ?? noOwners;
    const isDeleting = metadata.deletionTimestamp !== undefined;
    const waitsForDependents = isDeleting && (metadata.finalizers?.includes(foregroundFinalizer) ?? false);
    const orphansDependents = isDeleting && (metadata.finalizers?.includes(orphanFinalizer) ?? false);
    const state = { resourceVersion, owners, isDeleting, waitsForDependents, orphansDependents };
    const oldOwners = before?.owners ?? noOwners;
    const node = before ?? { uid, resource, namespace, name, ...state };
    const isNews =
      (waitsForDependents && !before?.waitsForDependents) || (orphansDependents && !before?.orphansDependents);
    Object.assign(node, state);
    this.#nodes.set(uid, node);
    // Those who named it before it was known; they are looked at anyway.
    if (!before) for (const dependent of this.dependentsOf(uid)) this.#checkNamespace(node, dependent);
    if (!isEqual(oldOwners, owners)) this.#relink(node, oldOwners);
    if (isNews) this.#look(uid, 0);
    if (waitsForDependents && isNews) for (const dependent of this.dependentsOf(uid)) this.#look(dependent.uid, 0);
  }

  remove(uid: string): void {
    const node = this.#nodes.get(uid);
    if (!node) return;
    this.#nodes.delete(uid);
    const { owners } = node;
    node.owners = noOwners;
    this.#relink(node, owners);
    for (const dependent of this.dependentsOf(uid)) this.#look(dependent.uid, 0);
  }

  #relink(node: Node, oldOwners: readonly OwnerReference[]): void {
    for (const { uid } of oldOwners) {
      const dependents = this.#dependents.get(uid);
      if (dependents?.delete(node) && dependents.size === 0) this.#dependents.delete(uid);
    }
    let isStrange = false;
    for (const reference of node.owners) {
      const dependents = this.#dependents.get(reference.uid);
      if (dependents) dependents.add(node);
      else this.#dependents.set(reference.uid, new Set([node]));
      const owner = this.#nodes.get(reference.uid);
      const isNew = !oldOwners.some((old) => old.uid === reference.uid);
      if (owner && isNew) this.#checkNamespace(owner, node);
      if (!owner || !isSameObject(owner, reference, node) || owner.isDeleting) isStrange = true;
    }
    // The owner may just not have been seen yet: it gets a moment before anybody asks the server.
    if (isStrange) this.#look(node.uid, 500);
    // An owner that waits for its dependents may have one less to wait for.
    for (const { uid } of oldOwners) if (this.#nodes.get(uid)?.waitsForDependents) this.#look(uid, 0);
  }

  #checkNamespace(owner: Node, { uid, name, namespace, owners, resource }: Node): void {
    if (owner.namespace === '' || owner.namespace === namespace) return;
    const reference = owners.find((each) => each.uid === owner.uid);
    if (!reference) return;
    const { apiVersion, kind } = reference;
    const wanted = `[${apiVersion}/${kind}, namespace: ${namespace}, name: ${reference.name}, uid: ${reference.uid}]`;
    const about = { apiVersion: apiVersionOf(resource), kind: resource.kind, metadata: { name, namespace, uid } };
    this.#tellWrongNamespace(about, `ownerRef ${wanted} does not exist in namespace "${namespace}"`);
  }
}

/** A reference is more than a uid: kind, name and namespace must be those of the object too. */
export function isSameObject(owner: Node, reference: OwnerReference, dependent: Node): boolean {
  const group = reference.apiVersion.includes('/') ? reference.apiVersion.split('/')[0] : '';
  return (
    owner.resource.kind === reference.kind &&
    owner.resource.group === group &&
    owner.name === reference.name &&
    (!owner.resource.namespaced || owner.namespace === dependent.namespace)
  );
}
