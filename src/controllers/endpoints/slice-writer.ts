// Writes the slices of one owner as planned. Remembers what it has created until the cache shows it: planning on an older
// cache would create it twice.
import type { EndpointSlice } from '../../../generated/discovery-v1.ts';
import { endpointSliceKind } from '../../../generated/kinds.ts';
import type { OwnerReference } from '../../../generated/meta-v1.ts';
import { isEqual } from '../../api/meta/equality.ts';
import { isNotFound } from '../../api/meta/status-error.ts';
import type { Client } from '../../client/client.ts';
import type { Expectations } from '../../reconcile/expectations.ts';
import { isNamespaceEnding } from '../../reconcile/namespace-ending.ts';
import type { SliceContent, SlicePlan } from './plan-slices.ts';
import { withTriggerTime } from './trigger-times.ts';

export const serviceNameLabel = 'kubernetes.io/service-name';
export const managedByLabel = 'endpointslice.kubernetes.io/managed-by';
export const headlessLabel = 'service.kubernetes.io/headless';

export interface SliceShape {
  readonly namespace: string;
  /** Of the Service; names of slices begin with it. */
  readonly serviceName: string;
  readonly labels: Record<string, string>;
  /** Of what is mirrored. */
  readonly annotations?: Record<string, string>;
  /** Kept as an annotation of what is written: when what led to it happened. `''`: nothing is known of it. */
  readonly triggeredAt?: string;
  readonly owner: OwnerReference;
  readonly addressType: EndpointSlice['addressType'];
}

export interface SliceWriterOptions {
  readonly client: Client;
  readonly expectations: Expectations;
  readonly key: string;
}

export async function writeSlices(
  { client, expectations, key }: SliceWriterOptions,
  shape: SliceShape,
  existing: readonly EndpointSlice[],
  plan: SlicePlan,
): Promise<void> {
  const slices = client.resource(endpointSliceKind);
  const { namespace, labels, annotations, addressType } = shape;
  if (plan.create.length > 0) expectations.expectCreations(key, plan.create.length);
  for (const content of plan.create) {
    const metadata = {
      namespace,
      generateName: `${shape.serviceName}-`,
      labels,
      ...annotated(annotations, shape.triggeredAt),
      ownerReferences: [shape.owner],
    };
    try {
      await slices.create({ metadata, addressType, ...listed(content) });
    } catch (error) {
      expectations.creationSeen(key);
      if (!isNamespaceEnding(error)) throw error;
    }
  }
  const updates = new Map(plan.update.map(({ slice, content }) => [slice, content]));
  const reused = new Set(plan.update.flatMap(({ slice, isReused }) => (isReused ? [slice] : [])));
  for (const slice of existing) {
    const content = updates.get(slice);
    if (plan.delete.includes(slice)) continue;
    // What mirrors has the annotations of what it mirrors, and nothing else.
    const isMirror = annotations !== undefined;
    const isSame =
      isEqual(slice.metadata.labels, labels) && (!isMirror || isEqual(slice.metadata.annotations ?? {}, annotations));
    if (!content && isSame) continue;
    const { endpoints = [], ports = [], ...rest } = slice;
    const { generateName, annotations: before, ...meta } = slice.metadata;
    await slices.update({
      ...rest,
      ...listed(content ?? { endpoints, ports }),
      metadata: {
        ...meta,
        ...(generateName && !isMirror ? { generateName } : {}),
        ...(isMirror && reused.has(slice) ? { generateName: `${shape.serviceName}-` } : {}),
        labels,
        ...annotated(isMirror ? annotations : before, shape.triggeredAt),
      },
    });
  }
  for (const slice of plan.delete) {
    await slices.delete({ namespace, name: slice.metadata.name }).catch((error: unknown) => {
      if (!isNotFound(error)) throw error;
    });
  }
}

function annotated(annotations: Record<string, string> | undefined, triggeredAt: string | undefined) {
  if (triggeredAt === undefined) return annotations ? { annotations } : {};
  return { annotations: withTriggerTime(annotations, triggeredAt || undefined) };
}

/** Empty lists are left out: that is how the API writes them down. */
function listed({ endpoints, ports }: SliceContent): Partial<SliceContent> {
  return { ...(endpoints.length > 0 ? { endpoints } : {}), ...(ports.length > 0 ? { ports } : {}) };
}
