// Binds the patch formats of schema/ to a request.
import type { KubernetesObject } from '../../api/meta/object.ts';
import { canonicalStrict } from '../../schema/codec.ts';
import type { Patch } from './patch-type.ts';

export function compilePatch(type: 'json' | 'merge' | 'strategic', text: string): Patch {
  const patch = JSON.parse(text);
  return {
    type,
    namesVersion: Boolean(patch?.metadata?.resourceVersion),
    apply(current, typeName) {
      const merged = mergePatch(current, patch);
      const { object, strictErrors } = canonicalStrict<KubernetesObject>(typeName, merged);
      return { object, strictErrors };
    },
  };
}

function mergePatch(target: any, patch: any): any {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const out: any = typeof target === 'object' && target !== null && !Array.isArray(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete out[key];
    else out[key] = mergePatch(out[key], value);
  }
  return out;
}
