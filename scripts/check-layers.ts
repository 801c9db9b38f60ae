// Fails when a folder of src/ imports against the order of layers, or when files import each other in a circle.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

const root = join(import.meta.dirname, '../src');
const leaves = [
  'controllers',
  'scheduler',
  'kubelet',
  'network',
  'gateway',
  'serverless',
  'charts',
  'observe',
  'delivery',
  'federation',
];
const all = ['base', 'schema', 'store', 'api', 'client', 'apiserver', 'reconcile', ...leaves];
const belowLeaf = ['base', 'schema', 'api', 'client', 'reconcile'];
const top = ['cluster', 'dashboard', 'testing', 'cli'];
const mayImport: Record<string, readonly string[]> = {
  base: [],
  schema: ['base'],
  store: ['base'],
  api: ['base', 'schema'],
  client: ['base', 'schema', 'api'],
  apiserver: ['base', 'schema', 'api', 'store'],
  reconcile: ['base', 'api', 'client'],
  ...Object.fromEntries(leaves.map((leaf) => [leaf, belowLeaf])),
  ...Object.fromEntries(top.map((folder) => [folder, [...all, ...top]])),
};

const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
const graph = new Map<string, string[]>();
const problems: string[] = [];
for (const file of files) {
  const text = readFileSync(join(root, file), 'utf8');
  const targets = [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map((match) =>
    relative(root, join(root, dirname(file), match[1]!)),
  );
  graph.set(file, targets);
  const folder = file.split('/')[0]!;
  if (!mayImport[folder]) problems.push(`${file}: src/${folder} is not a layer`);
  for (const target of targets) {
    const other = target.split('/')[0]!;
    if (target.startsWith('..') || other === folder || mayImport[folder]?.includes(other)) continue;
    if (file.endsWith('.test.ts')) continue;
    problems.push(`${file}: ${folder} must not import ${other} (${target})`);
  }
}

/** Depth-first search; a file met again on the stack closes a circle. */
function findCircles(): void {
  const done = new Set<string>();
  for (const start of graph.keys()) {
    const stack: { file: string; next: number }[] = done.has(start) ? [] : [{ file: start, next: 0 }];
    const onStack = new Set([start]);
    while (stack.length > 0) {
      const frame = stack.at(-1)!;
      const target = graph.get(frame.file)?.[frame.next++];
      if (target === undefined) {
        stack.pop();
        onStack.delete(frame.file);
        done.add(frame.file);
      } else if (onStack.has(target)) {
        const names = stack.map((entry) => entry.file);
        problems.push(`circle: ${[...names.slice(names.indexOf(target)), target].join(' → ')}`);
      } else if (graph.has(target) && !done.has(target)) {
        onStack.add(target);
        stack.push({ file: target, next: 0 });
      }
    }
  }
}
findCircles();

if (problems.length > 0) {
  console.error(problems.join('\n'));
  process.exit(1);
}
console.log(`layers: ${files.length} files in order`);
