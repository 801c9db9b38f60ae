// What the pods of a node refer to. Pods are found by their node and volumes by their claim, in indexes that the caches
// keep: a question costs as much as the node has pods, however many others there are.

import type { PersistentVolume, Pod } from '../../../generated/core-v1.ts';
import { persistentVolumeKind, podKind } from '../../../generated/kinds.ts';
import { podReferences, volumeSecretRefs } from '../../api/core/pod-references.ts';
import type { KubernetesObject } from '../../api/meta/object.ts';
import type { ObjectIndex, ObjectReader } from '../registry/object-reader.ts';

const mirrorAnnotation = 'kubernetes.io/config.mirror';

/** By what kind of thing it is: the names of those that a pod refers to, all of them in its namespace. */
interface PodNames {
  readonly namespace: string;
  readonly secrets: ReadonlySet<string>;
  readonly configMaps: ReadonlySet<string>;
  readonly claims: ReadonlySet<string>;
  readonly serviceAccounts: ReadonlySet<string>;
  readonly resourceClaims: ReadonlySet<string>;
}

export type Referred = Exclude<keyof PodNames, 'namespace'>;

const none: ReadonlySet<string> = new Set();
const setOf = (names: Iterable<string>): ReadonlySet<string> => {
  const set = new Set(names);
  return set.size > 0 ? set : none;
};

const podsByNode: ObjectIndex<Pod & KubernetesObject, PodNames> = {
  // There is one of it already: what nodes watch their pods by.
  name: 'spec.nodeName',
  keyOf: ({ spec }) => spec.nodeName ?? '',
  rowOf(pod) {
    const { namespace = '', name = '', annotations } = pod.metadata;
    // A mirror pod is the node's own word: it must not open anything to it.
    if (annotations?.[mirrorAnnotation] !== undefined) return { namespace, ...nothing };
    const { secrets, configMaps, claims, serviceAccount } = podReferences(pod.spec, name);
    return {
      namespace,
      secrets: setOf(secrets),
      configMaps: setOf(configMaps),
      claims: setOf(claims),
      serviceAccounts: setOf(serviceAccount ? [serviceAccount] : []),
      resourceClaims: setOf(resourceClaimsOf(pod)),
    };
  },
};

const nothing = { secrets: none, configMaps: none, claims: none, serviceAccounts: none, resourceClaims: none };

/** Claims for devices: named in the pod, or made for it and told in its status. */
function* resourceClaimsOf({ spec, status }: Pod): Generator<string> {
  const made = new Map(status?.resourceClaimStatuses?.map((each) => [each.name, each.resourceClaimName]));
  for (const { name, resourceClaimName, resourceClaimTemplateName } of spec.resourceClaims ?? []) {
    const claim = resourceClaimName ?? (resourceClaimTemplateName ? made.get(name) : undefined);
    if (claim) yield claim;
  }
  const { resourceClaimName } = status?.extendedResourceClaimStatus ?? {};
  if (resourceClaimName) yield resourceClaimName;
}

const placeOf = (namespace: string | undefined, name: string | undefined) => `${namespace ?? ''}/${name ?? ''}`;

interface VolumeNames {
  readonly name: string;
  /** As `namespace/name`. */
  readonly secrets: ReadonlySet<string>;
}

const volumesByClaim: ObjectIndex<PersistentVolume & KubernetesObject, VolumeNames> = {
  name: 'spec.claimRef',
  keyOf: ({ spec: { claimRef } }) => (claimRef ? placeOf(claimRef.namespace, claimRef.name) : ''),
  rowOf: (volume) => ({
    name: volume.metadata.name ?? '',
    secrets: setOf(volumeSecretRefs(volume).map(({ namespace, name }) => placeOf(namespace, name))),
  }),
};

export class NodeRelations {
  readonly #objects: ObjectReader;

  constructor(objects: ObjectReader) {
    this.#objects = objects;
  }

  /** Whether a pod of the node names it. */
  refers(node: string, what: Referred, namespace: string, name: string): boolean {
    if (!namespace || !name) return false;
    return this.#podsOf(node).some((pod) => pod.namespace === namespace && pod[what].has(name));
  }

  /** Whether a volume that a pod of the node claims is mounted with the Secret. */
  mountsWith(node: string, namespace: string, secret: string): boolean {
    const place = placeOf(namespace, secret);
    for (const volume of this.#volumesOf(node)) if (volume.secrets.has(place)) return true;
    return false;
  }

  /** Whether a pod of the node claims the volume. */
  mounts(node: string, volume: string): boolean {
    const { claimRef } = this.#objects.find(persistentVolumeKind, '', volume)?.spec ?? {};
    return claimRef !== undefined && this.refers(node, 'claims', claimRef.namespace ?? '', claimRef.name ?? '');
  }

  *#volumesOf(node: string): Generator<VolumeNames> {
    for (const { namespace, claims } of this.#podsOf(node)) {
      for (const claim of claims)
        yield* this.#objects.rows(persistentVolumeKind, volumesByClaim, placeOf(namespace, claim));
    }
  }

  #podsOf(node: string): readonly PodNames[] {
    return this.#objects.rows(podKind, podsByNode, node);
  }
}
