// Judges one object at a time: is anybody left who owns it, and is it itself waiting for what it owns?
import type { OwnerReference } from '../../../generated/meta-v1.ts';
import { isConflict, isNotFound } from '../../api/meta/status-error.ts';
import type { Client } from '../../client/client.ts';
import { LruMap } from '../../reconcile/lru-map.ts';
import type { DiscoveredResource } from '../shared/discover.ts';
import { foregroundFinalizer, type Graph, isSameObject, type Node, orphanFinalizer } from './graph.ts';

export interface CollectorOptions {
  readonly client: Client;
  readonly graph: Graph;
  /** What serves an owner's kind; undefined for a kind nobody serves (now). */
  readonly resourceOf: (apiVersion: string, kind: string) => DiscoveredResource | undefined;
}

type OwnerState = 'there' | 'gone' | 'waits' | 'unknown';

export class Collector {
  readonly #client: Client;
  readonly #graph: Graph;
  readonly #resourceOf: CollectorOptions['resourceOf'];
  /** Owners that the server said do not exist. Uids are never used twice. */
  readonly #absent = new LruMap<string, true>(500);

  constructor({ client, graph, resourceOf }: CollectorOptions) {
    this.#client = client;
    this.#graph = graph;
    this.#resourceOf = resourceOf;
  }

  /** Does what is to be done about the object. False: its owner's kind is not known, ask again later. */
  async judge(uid: string): Promise<boolean> {
    const node = this.#graph.find(uid);
    if (!node) return true;
    try {
      if (node.orphansDependents) return await this.#orphanDependents(node);
      if (node.waitsForDependents) return await this.#finishForeground(node);
      if (node.isDeleting || node.owners.length === 0) return true;
      return await this.#judgeByOwners(node);
    } catch (error) {
      if (isNotFound(error)) return true; // Gone already: its watch event is on the way.
      throw error;
    }
  }

  async #judgeByOwners(node: Node): Promise<boolean> {
    const states = await Promise.all(node.owners.map((reference) => this.#stateOf(reference, node)));
    if (states.includes('unknown')) return false;
    const solid = node.owners.filter((_, index) => states[index] === 'there');
    if (solid.length === node.owners.length) return true;
    if (solid.length > 0) {
      await this.#patch(node, { ownerReferences: solid });
      return true;
    }
    const dependents = this.#graph.dependentsOf(node.uid);
    const isInForeground = states.includes('waits') && dependents.size > 0;
    if (isInForeground) await this.#unblockCycles(node, dependents);
    await this.#delete(node, isInForeground ? 'Foreground' : 'Background');
    return true;
  }

  async #stateOf(reference: OwnerReference, dependent: Node): Promise<OwnerState> {
    const known = this.#graph.find(reference.uid);
    if (known && isSameObject(known, reference, dependent)) return known.waitsForDependents ? 'waits' : 'there';
    const id = [reference.apiVersion, reference.kind, dependent.namespace, reference.name, reference.uid].join('|');
    if (this.#absent.get(id)) return 'gone';
    const resource = this.#resourceOf(reference.apiVersion, reference.kind);
    if (!resource) return 'unknown';
    // A cluster-scoped object cannot name an owner in a namespace: which one? Nothing is done about it.
    if (resource.namespaced && !dependent.namespace) return 'there';
    const namespace = resource.namespaced ? dependent.namespace : '';
    const owner = await this.#client
      .resource({ ...resource, metadataOnly: true })
      .find({ namespace, name: reference.name });
    if (!owner || owner.metadata.uid !== reference.uid) {
      this.#absent.set(id, true);
      return 'gone';
    }
    const isWaiting = owner.metadata.deletionTimestamp && owner.metadata.finalizers?.includes(foregroundFinalizer);
    return isWaiting ? 'waits' : 'there';
  }

  /** Two that wait for each other would wait for ever: the one above no longer waits for this one. */
  async #unblockCycles(node: Node, dependents: ReadonlySet<Node>): Promise<void> {
    if (![...dependents].some((dependent) => dependent.waitsForDependents)) return;
    const ownerReferences = node.owners.map((reference) => ({ ...reference, blockOwnerDeletion: false }));
    await this.#patch(node, { ownerReferences }, false);
  }

  async #finishForeground(node: Node): Promise<boolean> {
    const blockers = this.#graph.blockersOf(node.uid);
    for (const blocker of blockers) if (!blocker.isDeleting) await this.judge(blocker.uid);
    if (blockers.length === 0) await this.#removeFinalizer(node, foregroundFinalizer);
    return true;
  }

  async #orphanDependents(node: Node): Promise<boolean> {
    for (const dependent of this.#graph.dependentsOf(node.uid)) {
      const ownerReferences = dependent.owners.filter(({ uid }) => uid !== node.uid);
      await this.#patch(dependent, { ownerReferences }).catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
      });
    }
    await this.#removeFinalizer(node, orphanFinalizer);
    return true;
  }

  async #removeFinalizer(node: Node, finalizer: string): Promise<void> {
    const { namespace, name, resource } = node;
    const current = await this.#client.resource({ ...resource, metadataOnly: true }).find({ namespace, name });
    if (!current || current.metadata.uid !== node.uid) return;
    const finalizers = current.metadata.finalizers ?? [];
    if (!finalizers.includes(finalizer)) return;
    const { resourceVersion } = current.metadata;
    const patch = {
      metadata: { uid: node.uid, resourceVersion, finalizers: finalizers.filter((each) => each !== finalizer) },
    };
    await this.#client
      .resource({ ...resource, metadataOnly: true })
      .patch({ namespace, name }, patch, { type: 'merge' });
  }

  /** Changes metadata if the object is still the one that was judged. */
  async #patch(node: Node, change: object, isGuarded = true): Promise<void> {
    const { namespace, name, uid, resourceVersion } = node;
    const patch = { metadata: { uid, ...(isGuarded ? { resourceVersion } : {}), ...change } };
    await this.#client
      .resource({ ...node.resource, metadataOnly: true })
      .patch({ namespace, name }, patch, { type: 'merge' });
  }

  async #delete(node: Node, propagationPolicy: 'Foreground' | 'Background'): Promise<void> {
    const { namespace, name, uid, resourceVersion } = node;
    // Both in the precondition: an object that was given another owner meanwhile is not deleted.
    const preconditions = { uid, resourceVersion };
    try {
      await this.#client.resource(node.resource).delete({ namespace, name }, { preconditions, propagationPolicy });
    } catch (error) {
      // It has changed: the graph will know how in a moment, and it is judged again.
      if (!isConflict(error)) throw error;
      await this.#deleteByLatest(node, propagationPolicy);
    }
  }

  async #deleteByLatest(node: Node, propagationPolicy: 'Foreground' | 'Background'): Promise<void> {
    const { namespace, name, uid, owners } = node;
    const current = await this.#client.resource({ ...node.resource, metadataOnly: true }).find({ namespace, name });
    if (!current || current.metadata.uid !== uid || current.metadata.deletionTimestamp) return;
    const uids = (references: readonly OwnerReference[]) => references.map((each) => each.uid).join();
    if (uids(current.metadata.ownerReferences ?? []) !== uids(owners)) return; // The watch will tell, and it is judged again.
    const preconditions = { uid, resourceVersion: current.metadata.resourceVersion ?? '' };
    await this.#client.resource(node.resource).delete({ namespace, name }, { preconditions, propagationPolicy });
  }
}
