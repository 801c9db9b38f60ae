import type { KubernetesObject } from '../../api/meta/object.ts';

export interface Patch {
  readonly type: 'json' | 'merge' | 'strategic' | 'apply';
  /** The patch's own resourceVersion makes a lost race the client's matter. */
  readonly namesVersion: boolean;
  /** In canonical form, with what strict decoding would complain of. */
  apply(
    current: KubernetesObject,
    typeName: string,
    options?: { strict: boolean },
  ): { object: KubernetesObject; strictErrors: string[] };
}
