// `kubectl apply --server-side`, thinly: what is sent is merged into what is there, lists by their keys. Ownership of
// fields, conflicts and removal of what is no longer sent need managedFields, which are not kept yet.
import type { KubernetesObject } from '../../api/meta/object.ts';
import { badRequest } from '../../api/meta/status-error.ts';
import { canonicalStrict, DecodeError } from '../../schema/codec.ts';
import { PatchError } from '../../schema/patch-error.ts';
import { applyStrategicMerge } from '../../schema/strategic-merge.ts';
import type { Patch } from './patch-type.ts';

export async function applyPatch(body: Uint8Array): Promise<Patch> {
  const { parseYaml, YamlError } = await import('../../base/yaml.ts');
  let sent: any;
  try {
    sent = parseYaml(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString());
  } catch (error) {
    if (error instanceof YamlError) throw badRequest(`error decoding YAML: ${error.message}`);
    throw error;
  }
  if (typeof sent !== 'object' || sent === null || Array.isArray(sent))
    throw badRequest('error decoding YAML: not an object');
  const namesVersion = Boolean(sent.metadata?.resourceVersion);
  return {
    type: 'apply',
    namesVersion,
    mayCreate: true,
    apply(current: KubernetesObject | undefined, typeName: string) {
      try {
        const merged = current ? applyStrategicMerge(typeName, current, sent) : sent;
        return canonicalStrict<KubernetesObject>(typeName, merged);
      } catch (error) {
        if (error instanceof DecodeError || error instanceof PatchError) throw badRequest(error.message);
        throw error;
      }
    },
  };
}
