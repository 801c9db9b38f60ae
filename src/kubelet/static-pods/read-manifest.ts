// A manifest that lies on this machine, or comes from an address, made a pod of this node.
import { createHash } from 'node:crypto';
import type { Pod } from '../../../generated/core-v1.ts';
import { firstApiRead } from '../../api/core/pod-api-reads.ts';
import { FieldErrors } from '../../api/meta/field-errors.ts';
import { rfc3339Micro } from '../../base/clock.ts';
import { yamlToJson } from '../../base/yaml-json.ts';
import { decodeJson } from '../../schema/codec.ts';

export interface ManifestSource {
  readonly kind: 'file' | 'http';
  /** Path or address: two places make two pods of the same text. */
  readonly place: string;
  readonly nodeName: string;
  readonly nowMs: number;
}

export const hashAnnotation = 'kubernetes.io/config.hash';
const sourceAnnotation = 'kubernetes.io/config.source';
const seenAnnotation = 'kubernetes.io/config.seen';

/** Those of a text: one pod, or a list where `mayBeList`. @throws with what is wrong with it */
export async function readManifest(text: string, source: ManifestSource, mayBeList = false): Promise<Pod[]> {
  const { json } = yamlToJson(text);
  const read = JSON.parse(json) as { kind?: string; apiVersion?: string; items?: unknown[] } | null;
  if (mayBeList && read?.kind === 'PodList' && read.apiVersion === 'v1')
    return Promise.all(
      (read.items ?? []).map((item) =>
        podOf(JSON.stringify({ apiVersion: 'v1', kind: 'Pod', ...(item as object) }), source),
      ),
    );
  if (read?.kind !== 'Pod' || read.apiVersion !== 'v1') {
    const what = `kind ${JSON.stringify(read?.kind ?? '')} of version ${JSON.stringify(read?.apiVersion ?? '')}`;
    throw new Error(`invalid pod: ${what} is none`);
  }
  return [await podOf(json, source)];
}

async function podOf(json: string, source: ManifestSource): Promise<Pod> {
  const { object: pod } = decodeJson<Pod>('io.k8s.api.core.v1.Pod', json, { strict: false });
  pod.metadata ??= { name: '' };
  if (!pod.metadata.name) throw new Error('invalid pod: name is needed for the pod');
  if (!pod.spec) throw new Error('invalid pod: spec is needed for the pod');
  // Rules of pods are many: only a node with such manifests has them in memory.
  const [{ defaultPod }, { validateNewPod, validatePod }] = await Promise.all([
    import('../../api/core/pod-defaults.ts'),
    import('../../api/core/pod-validation.ts'),
  ]);
  const uid = pod.metadata.uid ?? hashOf(json, source);
  settle(pod, uid, source);
  defaultPod(pod);
  const errors = new FieldErrors();
  validatePod(pod, errors);
  validateNewPod(pod, errors);
  if (!errors.isEmpty)
    throw new Error(`invalid pod: [${errors.list.map(({ field, body }) => `${field}: ${body}`).join(', ')}]`);
  // The API server may not be there.
  const needed = firstApiRead(pod.spec, pod.metadata.name ?? '');
  if (needed) throw new Error(`static pods may not reference ${needed}`);
  return pod;
}

function hashOf(json: string, { kind, place, nodeName }: ManifestSource): string {
  const origin = kind === 'file' ? `host:${nodeName}file:${place}` : `url:${place}`;
  return createHash('sha256').update(json).update('\0').update(origin).digest('hex').slice(0, 32);
}

/** Gives it its place on this node. */
function settle(pod: Pod, uid: string, { kind, nodeName, nowMs }: ManifestSource): void {
  const { metadata, spec } = pod;
  pod.metadata = {
    ...metadata,
    name: `${metadata.name}-${nodeName.toLowerCase()}`,
    namespace: metadata.namespace || 'default',
    uid,
    annotations: {
      ...metadata.annotations,
      [hashAnnotation]: uid,
      [seenAnnotation]: rfc3339Micro(nowMs),
      [sourceAnnotation]: kind,
    },
  };
  spec.nodeName = nodeName;
  // Whatever befalls the node, they stay.
  if (
    kind === 'file' &&
    !spec.tolerations?.some((each) => !each.key && each.effect === 'NoExecute' && each.operator === 'Exists')
  )
    spec.tolerations = [...(spec.tolerations ?? []), { operator: 'Exists', effect: 'NoExecute' }];
  pod.status = { phase: 'Pending' };
}
