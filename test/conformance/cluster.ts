// The cluster that the suite runs against: its own name, its own data directory, the suite's containerd and images.
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { delimiter, join } from 'node:path';
import { command } from './command.ts';
import { places, repository } from './places.ts';

// Runs side by side have clusters of their own; one that is kept is found again by its name. Interfaces have 15 letters.
const isKept = process.argv.includes('--keep');
const name = process.env['CORACLE_CONFORMANCE_CLUSTER'] ?? (isKept ? 'conformance' : `conf-${process.pid % 100_000}`);
const dataDir = `/var/lib/coracle-${name}`;

/** The program under test; `CORACLE` names one of another checkout. */
export const program = process.env['CORACLE'] ?? join(repository, 'bin/coracle');

/** Some specs ask for two; `NODES=3` for more. */
const nodes = process.env['NODES'] ?? '2';

export const clusterKubeconfig = join(dataDir, 'kubeconfig');

/** Brings the cluster up, anew unless `isKept` and it runs already; images are loaded, pulls go to `registryUrl`. */
export async function ensureCluster(archives: readonly string[], registryUrl: string): Promise<void> {
  const isUp = isKept && existsSync(join(dataDir, 'state.json'));
  if (!isUp) {
    await deleteCluster();
    const kubeconfig = join(places.results, 'kubeconfig');
    const port = String(await freePort());
    const flags = ['--kubeconfig', kubeconfig, '--port', port, '--etcd-compaction-interval', '1m'];
    await coracle(['up', '--detach', '--nodes', nodes, ...flags]);
    for (const archive of archives) await coracle(['image', 'import', archive]);
  }
  await pullFrom(registryUrl);
}

export async function deleteCluster(): Promise<void> {
  if (existsSync(dataDir)) await coracle(['delete', '--yes']);
}

function coracle(args: readonly string[]): Promise<string> {
  const own = ['--name', name, '--data-dir', dataDir];
  const path = [places.programs, process.env['PATH'] ?? ''].join(delimiter);
  return command(program, [...args, ...own], { env: { PATH: path } });
}

/** Not the default one: clusters that come up at the same time would both find it free. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

/** Each node's containerd reads this at each pull. */
async function pullFrom(url: string): Promise<void> {
  const hosts = `server = "${url}"\n[host."${url}"]\n  capabilities = ["pull", "resolve"]\n`;
  const others = await readdir(join(dataDir, 'nodes')).catch(() => []);
  for (const node of ['', ...others.map((name) => `nodes/${name}`)]) {
    const folder = join(dataDir, node, 'containerd/certs.d/registry.k8s.io');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'hosts.toml'), hosts);
  }
}
