import type { KubernetesObject } from '../../api/meta/object.ts';
import type { Steps } from '../../base/turns.ts';

export interface Patched {
  readonly object: KubernetesObject;
  readonly strictErrors: string[];
}

export interface PatchReading {
  readonly strict: boolean;
  /** Told of what the patch has made before that is read; `quote`: as upstream writes it. May refuse. */
  seen?(patched: unknown, quote: () => string): void;
}

export interface Patch {
  readonly type: 'json' | 'merge' | 'strategic' | 'apply';
  /** The patch's own resourceVersion makes a lost race the client's matter. */
  readonly namesVersion: boolean;
  /** In canonical form, with what strict decoding would complain of. */
  apply(current: KubernetesObject, typeName: string, options?: PatchReading): Steps<Patched>;
}
