// Where a worker thread's code is: a .ts file in the source tree, a bundle of its own beside the others in dist/.
// The bundler is told to make NAME.js in dist/ out of each of these.

/** Entry file of each worker, from this folder. */
export const workerEntries = {
  'sqlite-worker': '../store/engines/sqlite-worker.ts',
} as const;

export function workerUrl(name: keyof typeof workerEntries): URL {
  const isSource = import.meta.url.endsWith('.ts');
  return new URL(isSource ? workerEntries[name] : `./${name}.js`, import.meta.url);
}
