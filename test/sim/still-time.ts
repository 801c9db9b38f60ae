// What would make two runs of a seed differ: long work gives way to other work by the machine's clock, and modules that are
// rarely needed are read from disk when they are. Here that clock stands still, and they are read beforehand.
import { loadPatchKinds } from '../../src/apiserver/verbs/patch-body.ts';

/** Milliseconds by the machine's clock, for the figures that are printed. */
export const realNowMs: () => number = performance.now.bind(performance);

let ready: Promise<unknown> | undefined;

/** May be called again. */
export async function stillTime(): Promise<void> {
  ready ??= Promise.all([
    loadPatchKinds(),
    import('../../src/apiserver/verbs/apply.ts'),
    import('../../src/controllers/admission-policy-status/type-check.ts'),
    import('../../src/controllers/admission-policy-status/served-kinds.ts'),
  ]);
  Object.defineProperty(performance, 'now', { value: () => 1, configurable: true, writable: true });
  await ready;
}
