// Where a program of ours that is started by file is: a .ts file in the source tree, a bundle beside the others in dist/.
// The bundler is told to make NAME.js in dist/ out of each of these.

/** Entry file of each worker thread and process, from this folder. */
export const workerEntries = {
  'sqlite-worker': '../store/engines/sqlite-worker.ts',
  'body-worker': '../schema/body-worker.ts',
  'openapi-worker': '../apiserver/discovery/openapi-worker.ts',
  'server-process': '../cluster/server-process.ts',
  'controllers-worker': '../cluster/control/controllers-worker.ts',
  'simulated-worker': '../cluster/nodes/simulated/simulated-worker.ts',
  'node-process': '../cluster/nodes/node-process.ts',
  'test-apiserver': '../testing/assets/apiserver-main.ts',
  'test-etcd': '../testing/assets/etcd-main.ts',
} as const;

export function workerUrl(name: keyof typeof workerEntries): URL {
  const isSource = import.meta.url.endsWith('.ts');
  return new URL(isSource ? workerEntries[name] : `./${name}.js`, import.meta.url);
}
