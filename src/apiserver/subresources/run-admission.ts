// Admission for what a handler does without writing the object in its path: tokens, evictions.
import type { KubernetesObject } from '../../api/meta/object.ts';
import type { AdmissionPlugin, AdmissionRequest } from '../admission/plugin.ts';
import type { SubresourceRequest } from './handler.ts';

/** Plugins that fill in, then plugins that refuse. @throws StatusError */
export async function runAdmission(
  plugins: readonly AdmissionPlugin[],
  request: SubresourceRequest,
  object: KubernetesObject,
): Promise<void> {
  const { info, user, isDryRun, objects } = request;
  const asked: AdmissionRequest = {
    operation: 'CREATE',
    resource: request.resource,
    subresource: info.subresource,
    namespace: info.namespace,
    name: info.name,
    object,
    user,
    isDryRun,
    warn: (text) => request.warn(text),
  };
  for (const plugin of plugins) await plugin.admit?.(asked, { objects });
  for (const plugin of plugins) await plugin.validate?.(asked, { objects });
}
