import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { exitCodes, UserFailure } from '../../cluster/failure.ts';
import type { Layout } from '../../cluster/settings/layout.ts';
import { type ClusterOptions, clusterCommand, layoutFrom } from '../cluster-options.ts';

/** Which file a component's lines are in; those of the server's process are told apart by their `component` field. */
const files: Record<string, { file: string; component?: string }> = {
  server: { file: 'server.log' },
  store: { file: 'server.log', component: 'store' },
  apiserver: { file: 'server.log', component: 'apiserver' },
  controllers: { file: 'server.log', component: 'controllers' },
  scheduler: { file: 'server.log', component: 'scheduler' },
  node: { file: 'node.log' },
  proxy: { file: 'node.log', component: 'proxy' },
  dns: { file: 'node.log', component: 'dns' },
  containerd: { file: '../containerd/containerd.log' },
};

/** `proxy/vm-2` is the proxy of the further node vm-2. */
function sourceOf(component: string): { file: string; component?: string } | undefined {
  const [part = '', node] = component.split('/');
  const source = Object.hasOwn(files, part) ? files[part] : undefined;
  if (!source || node === undefined) return source;
  if (!/^[a-z0-9-]+$/.test(node)) return undefined;
  if (part === 'containerd') return { file: `../nodes/${node}/containerd/containerd.log` };
  return source.file === 'node.log' ? { ...source, file: `node-${node}.log` } : undefined;
}

async function machineRuntime(layout: Layout) {
  const { nodesHere } = await import('../../cluster/nodes/nodes-here.ts');
  return nodesHere(layout)[0]?.machineRuntime;
}

export const logsCommand = clusterCommand('logs')
  .description(`print the log of a component (${Object.keys(files).join(', ')}; node/NAME of a further node)`)
  .argument('[component]', 'which one', 'server')
  .option('-f, --follow', 'go on as lines come')
  .action(async (component: string, options: ClusterOptions & { follow?: boolean }) => {
    const source = sourceOf(component);
    if (!source) {
      const known = Object.keys(files).join(', ');
      throw new UserFailure(
        exitCodes.usage,
        'E_NO_COMPONENT',
        `there is no component "${component}"`,
        `name one of: ${known}`,
      );
    }
    const layout = layoutFrom(options);
    const file = join(layout.logs, source.file);
    if (!existsSync(file)) {
      const runtime = component === 'containerd' ? await machineRuntime(layout) : undefined;
      if (runtime) {
        const message = `the runtime at ${runtime.socket} is the machine's own, and so is its log`;
        throw new UserFailure(exitCodes.missing, 'E_NO_LOG', message, 'journalctl --unit containerd (or crio)');
      }
      throw new UserFailure(exitCodes.missing, 'E_NO_LOG', `${file} is not there`, `coracle up --name ${layout.name}`);
    }
    const wanted = source.component ? `"component":"${source.component}"` : '';
    const write = (line: string) => line.includes(wanted) && process.stdout.write(`${line}\n`);
    let tail = '';
    let offset = 0;
    for (;;) {
      const size = statSync(file).size;
      if (size < offset) offset = 0; // rotated
      const lines = (tail + read(file, offset, size)).split('\n');
      offset = size;
      tail = lines.pop() ?? '';
      lines.forEach(write);
      if (!options.follow) break;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    if (tail) write(tail);
  });

function read(file: string, from: number, to: number): string {
  const descriptor = openSync(file, 'r');
  try {
    const buffer = Buffer.alloc(to - from);
    return buffer.toString('utf8', 0, readSync(descriptor, buffer, 0, buffer.length, from));
  } finally {
    closeSync(descriptor);
  }
}
