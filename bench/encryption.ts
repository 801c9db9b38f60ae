// What encryption between nodes costs: the same two ends on one wire, through VXLAN and through WireGuard, in turns. Each in a
// network namespace of its own; node bench/encryption.ts
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tunnelMac } from '../src/network/overlay/names.ts';
import type { PodRoute } from '../src/network/overlay/plan-routes.ts';
import { applyRoutes } from '../src/network/overlay/route-table.ts';
import { ensureTunnel } from '../src/network/overlay/tunnel.ts';
import { applyPeers, ensureWireGuard, removeWireGuard } from '../src/network/overlay/wireguard-device.ts';
import { whatWireGuardLacks } from '../src/network/overlay/wireguard-support.ts';
import { isInsideLab, type LabPod, labSkipReason, runInsideLab, startPod } from '../src/network/testing/lab.ts';
import { bareNetwork, measurePath, type Path, serverProgram } from './network-path.ts';
import { type Figure, median, printAlone } from './report.ts';

const marker = 'figures ';
const rounds = 3;
const clusterPodCidr = '10.244.0.0/16';
const tunnelId = 7;
const tunnelDevice = 'tunnel';

type Kind = 'vxlan' | 'wireguard';

/** One of the two nodes. */
interface End {
  readonly name: string;
  readonly address: string;
  readonly podCidr: string;
  /** Its device of WireGuard, whose name no other has. */
  readonly device: string;
  readonly keyFile: string;
}

export async function measureEncryption(): Promise<Figure[]> {
  const reason = labSkipReason() || (await whatWireGuardLacks())?.what;
  if (reason) {
    console.error(`encryption is not measured: ${reason}`);
    return [];
  }
  const { output, code } = runInsideLab(import.meta.filename);
  const line = output.split('\n').find((each) => each.startsWith(marker));
  if (code !== 0 || !line) throw new Error(output);
  return JSON.parse(line.slice(marker.length)) as Figure[];
}

async function measureInside(): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-encryption-'));
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rm(folder, { recursive: true }));
  const conflist = await bareNetwork(folder);
  const nodes = [0, 1].map(async (index) => {
    const pod = stack.use(await startPod({ conflist, program: serverProgram }));
    const name = `end${process.pid}${index}`;
    const podCidr = `10.244.${index}.0/24`;
    const end: End = { name, address: pod.address, podCidr, device: name, keyFile: join(folder, name) };
    stack.defer(() => removeWireGuard(end.device)); // the namespace goes with the pod, the program does not
    return { pod, end };
  });
  const [one, other] = (await Promise.all(nodes)) as [Node, Node];
  await prepare(one, other.end);
  await prepare(other, one.end);
  const throughTunnel = async (kind: Kind) => {
    await lead(one, other.end, kind);
    await lead(other, one.end, kind);
    return measure(one.pod, `${other.end.podCidr.split('.').slice(0, 3).join('.')}.1`);
  };
  const ways: readonly (readonly [string, () => Promise<Path>])[] = [
    ['wire', () => measure(one.pod, other.end.address)],
    ['vxlan', () => throughTunnel('vxlan')],
    ['wireguard', () => throughTunnel('wireguard')],
  ];
  const paths: Record<string, Path[]> = {};
  // The first round warms up.
  for (let round = 0; round <= rounds; round++)
    for (const [name, way] of ways) {
      const found = await way();
      if (round > 0) paths[name] = [...(paths[name] ?? []), found];
    }
  const of = (way: string, what: keyof Path) => median((paths[way] ?? []).map((each) => each[what]));
  const figure = (name: string, way: string, other: string, what: 'roundTripUs' | 'throughputMBs'): Figure => ({
    name: `nodes: ${name}`,
    value: of(way, what),
    unit: what === 'throughputMBs' ? 'MB/s' : 'µs',
    isCost: what !== 'throughputMBs',
    target: of(other, what),
  });
  return [
    figure('VXLAN, round trip, target: the bare wire', 'vxlan', 'wire', 'roundTripUs'),
    figure('VXLAN, throughput, target: the bare wire', 'vxlan', 'wire', 'throughputMBs'),
    figure('WireGuard, round trip, target: VXLAN', 'wireguard', 'vxlan', 'roundTripUs'),
    figure('WireGuard, throughput, target: VXLAN', 'wireguard', 'vxlan', 'throughputMBs'),
  ];
}

interface Node {
  readonly pod: LabPod;
  readonly end: End;
}

const measure = (from: LabPod, to: string): Promise<Path> => measurePath(from, `${to}:8080`, `${to}:8081`);

/** Runs this file in the node's network: devices are made from inside. */
const inside = ({ pod, end }: Node, far: End, what: 'prepare' | Kind): Promise<string> =>
  pod.run(process.execPath, '--no-warnings', import.meta.filename, what, JSON.stringify([end, far]));

async function prepare(node: Node, far: End): Promise<void> {
  const keys = JSON.parse(await inside(node, far, 'prepare')) as { publicKey: string; port: number };
  told.set(node.end.name, keys);
}

/** What each end would tell the other by its Node. */
const told = new Map<string, { publicKey: string; port: number }>();

async function lead(node: Node, far: End, kind: Kind): Promise<void> {
  await inside(node, { ...far, ...told.get(far.name) } as End, kind);
}

async function runInside(
  what: 'prepare' | Kind,
  own: End,
  far: End & { publicKey?: string; port?: number },
): Promise<void> {
  const { podCidr, address, device, keyFile, name } = own;
  const apply = (routes: readonly PodRoute[]) => applyRoutes(routes, { clusterPodCidr, tunnelDevice });
  if (what === 'prepare') {
    await ensureTunnel({ device: tunnelDevice, nodeName: name, address, podCidr, tunnelId, underlay: 'eth0' });
    const { publicKey, port } = await ensureWireGuard({ device, keyFile, address, podCidr });
    const { runCommand } = await import('../src/network/run-command.ts');
    await runCommand('ip', ['address', 'add', `${podCidr.replace('0/24', '1/32')}`, 'dev', 'lo']);
    console.log(JSON.stringify({ publicKey, port }));
  } else if (what === 'vxlan') {
    const tunnel = { mac: tunnelMac(tunnelId, far.name), address: far.address };
    await apply([{ podCidr: far.podCidr, via: far.podCidr.split('/')[0]!, device: tunnelDevice, tunnel }]);
  } else {
    const peer = { publicKey: far.publicKey!, endpoint: `${far.address}:${far.port}`, allowedIps: [far.podCidr] };
    await applyPeers(device, [peer], new Map());
    await apply([{ podCidr: far.podCidr, device }]);
  }
}

const [what, ends] = process.argv.slice(2);
if (what) {
  const [own, far] = JSON.parse(ends!) as [End, End];
  await runInside(what as Kind, own, far);
} else if (isInsideLab()) console.log(`${marker}${JSON.stringify(await measureInside())}`);
else if (import.meta.main) await printAlone(measureEncryption);
