// The list that a new target joins. Each is loaded where it is run.
import type { FuzzTarget } from '../target.ts';

const lazy = (name: string, load: () => Promise<FuzzTarget>): FuzzTarget => ({
  name,
  open: async () => (await load()).open(),
});

export const targets: readonly FuzzTarget[] = [
  lazy('json', async () => (await import('./json.ts')).jsonTarget),
  lazy('yaml', async () => (await import('./yaml.ts')).yamlTarget),
  lazy('protobuf', async () => (await import('./protobuf.ts')).protobufTarget),
  lazy('json-patch', async () => (await import('./patches.ts')).jsonPatchTarget),
  lazy('merge-patch', async () => (await import('./patches.ts')).mergePatchTarget),
  lazy('strategic', async () => (await import('./patches.ts')).strategicTarget),
  lazy('apply', async () => (await import('./apply.ts')).applyTarget),
  lazy('crd', async () => (await import('./crd.ts')).crdTarget),
  lazy('cel', async () => (await import('./cel.ts')).celTarget),
  lazy('label-selector', async () => (await import('./selectors.ts')).labelSelectorTarget),
  lazy('field-selector', async () => (await import('./selectors.ts')).fieldSelectorTarget),
  lazy('scalars', async () => (await import('./scalars.ts')).scalarsTarget),
  lazy('url', async () => (await import('./edge.ts')).urlTarget),
  lazy('headers', async () => (await import('./edge.ts')).headersTarget),
  lazy('continue', async () => (await import('./edge.ts')).continueTarget),
  lazy('requests', async () => (await import('./requests.ts')).requestsTarget),
];
