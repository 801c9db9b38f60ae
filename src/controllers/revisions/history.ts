// ControllerRevisions: the templates a DaemonSet or StatefulSet has had, which roll-outs and undo work with.
import type { ControllerRevision } from '../../../generated/apps-v1.ts';
import type { PodTemplateSpec } from '../../../generated/core-v1.ts';
import { controllerRevisionKind } from '../../../generated/kinds.ts';
import { isEqual } from '../../api/meta/equality.ts';
import type { KindRef, KubernetesObject } from '../../api/meta/object.ts';
import { controllerReference, isControlledBy } from '../../api/meta/owner-references.ts';
import { isAlreadyExists, isNotFound } from '../../api/meta/status-error.ts';
import type { Client } from '../../client/client.ts';
import { type ClaimOptions, claim } from '../../reconcile/controller-refs.ts';
import type { Informer } from '../../reconcile/informer.ts';
import { canonical } from '../../schema/codec.ts';
import { candidatesFor } from '../shared/indexes.ts';
import { templateHash } from '../shared/template-hash.ts';

/** On pods: the revision they are of. */
export const revisionHashLabel = 'controller-revision-hash';

export interface RevisionedOwner extends KubernetesObject {
  spec: { template: PodTemplateSpec; revisionHistoryLimit?: number };
}

export interface HistoryOptions<O extends RevisionedOwner> {
  readonly client: Client;
  readonly kind: KindRef<O>;
  readonly owner: O;
  /** Those that the owner controls. */
  readonly revisions: readonly ControllerRevision[];
  readonly collisionCount: number | undefined;
  /** The label that the revision carries its hash in. */
  readonly hashLabel: string;
  /** Given: the latest revision is also that of the template when it differs only by these defaults. */
  readonly fill?: (template: PodTemplateSpec) => void;
}

/** The revisions that belong to the owner; those that a set of its name has left behind are taken up. */
export function claimRevisions<O extends RevisionedOwner>({
  revisions,
  ...options
}: Pick<ClaimOptions<O, ControllerRevision>, 'client' | 'ownerKind' | 'owner' | 'selector' | 'signal'> & {
  readonly revisions: Informer<ControllerRevision>;
}): Promise<ControllerRevision[]> {
  return claim({ ...options, kind: controllerRevisionKind, candidates: candidatesFor(revisions, options.owner) });
}

const byRevision = (a: ControllerRevision, b: ControllerRevision) => a.revision - b.revision;

/**
 * The patch that, applied to the owner, brings this template back. Clients compare it byte for byte with what they make of
 * the owner, with the names in order.
 */
export function revisionData(template: PodTemplateSpec): Record<string, unknown> {
  return JSON.parse(JSON.stringify({ spec: { template: { ...template, $patch: 'replace' } } }, inOrder));
}

function inOrder(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The revision of the current template: found, moved to the end of history, or made. Undefined: a collision was met. */
export async function ensureRevision<O extends RevisionedOwner>(
  options: HistoryOptions<O>,
): Promise<ControllerRevision | undefined> {
  const { client, owner, revisions } = options;
  const data = revisionData(owner.spec.template);
  const sorted = [...revisions].sort(byRevision);
  const last = sorted.at(-1);
  const same = sorted.filter((each) => isEqual(each.data, data)).at(-1);
  const resource = client.resource(controllerRevisionKind);
  if (same && same === last) return same;
  const revision = (last?.revision ?? 0) + 1;
  if (same) return resource.update({ ...same, revision });
  if (last && options.fill && bringsBack(last, data, options.fill)) return last;
  const draft = draftRevision(options, data, revision);
  try {
    return await resource.create(draft);
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
    const { namespace = '', name } = draft.metadata;
    const existing = await resource.get({ namespace, name });
    return isControlledBy(existing, owner) && isEqual(existing.data, data) ? existing : undefined;
  }
}

/** Whether the revision, read and filled in as the API server does today, holds `data`. */
export function bringsBack(
  revision: ControllerRevision,
  data: Record<string, unknown>,
  fill: (template: PodTemplateSpec) => void,
): boolean {
  try {
    const template = canonical<PodTemplateSpec>('io.k8s.api.core.v1.PodTemplateSpec', templateOf(revision));
    fill(template);
    return isEqual(revisionData(template), data);
  } catch {
    return false; // holds no template
  }
}

function draftRevision<O extends RevisionedOwner>(
  { owner, kind, collisionCount, hashLabel }: HistoryOptions<O>,
  data: Record<string, unknown>,
  revision: number,
): ControllerRevision {
  const hash = templateHash(owner.spec.template, collisionCount);
  const name = `${owner.metadata.name}-${hash}`;
  const { namespace = '', annotations } = owner.metadata;
  return {
    metadata: {
      name,
      namespace,
      labels: { ...owner.spec.template.metadata?.labels, [hashLabel]: hash },
      ...(annotations ? { annotations } : {}),
      ownerReferences: [controllerReference(owner, kind)],
    },
    data,
    revision,
  };
}

/**
 * Deletes the oldest revisions beyond the owner's limit that no pod is of.
 * @param current counted by nobody; when it is given, those that pods are of count against the limit, as DaemonSets have it
 */
export async function trimHistory<O extends RevisionedOwner>(
  { client, owner, revisions }: HistoryOptions<O>,
  isLive: (revision: ControllerRevision) => boolean,
  current?: ControllerRevision,
): Promise<void> {
  const limit = owner.spec.revisionHistoryLimit ?? 10;
  const unused = revisions.filter((revision) => !isLive(revision)).sort(byRevision);
  const counted = current ? revisions.filter(({ metadata }) => metadata.name !== current.metadata.name) : unused;
  for (const { metadata } of unused.slice(0, Math.max(0, counted.length - limit))) {
    try {
      await client
        .resource(controllerRevisionKind)
        .delete({ namespace: metadata.namespace ?? '', name: metadata.name });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}

/** The template a revision holds. */
export function templateOf(revision: ControllerRevision): PodTemplateSpec {
  const { spec } = revision.data as { spec: { template: PodTemplateSpec & { $patch?: string } } };
  const { $patch: _, ...template } = spec.template;
  return template;
}
