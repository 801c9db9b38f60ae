import type { KubernetesObject } from '../../api/meta/object.ts';
import type { Steps } from '../../base/turns.ts';

export interface Patched {
  readonly object: KubernetesObject;
  readonly strictErrors: string[];
}

export interface Patch {
  readonly type: 'json' | 'merge' | 'strategic' | 'apply';
  /** The patch's own resourceVersion makes a lost race the client's matter. */
  readonly namesVersion: boolean;
  /** In canonical form, with what strict decoding would complain of. */
  apply(current: KubernetesObject, typeName: string, options?: { strict: boolean }): Steps<Patched>;
}
