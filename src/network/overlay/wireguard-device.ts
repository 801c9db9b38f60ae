// The device that encrypts what pods of different nodes send each other: the kernel's own kind, or a program in user space
// (`wireguard-go`) behind a device of the same name. Either is told by `wg`. The program outlives the agent, as pods do.
import { createSocket } from 'node:dgram';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { systemClock } from '../../base/clock.ts';
import { addressAt, gatewayOf, rangeOf } from '../addresses.ts';
import { allowForwarding, stopAllowingForwarding } from '../cni/forward-policy.ts';
import { CommandFailure, runCommand } from '../run-command.ts';
import { hasLink, linkOf, mtuOfAddress } from './links.ts';
import type { WireGuardPeer } from './plan-wireguard.ts';
import { ensureWireGuardKey } from './wireguard-key.ts';

export interface WireGuardOptions {
  readonly device: string;
  /** Holds this node's private key; made when it is not there. */
  readonly keyFile: string;
  /** This node's, which others send to. */
  readonly address: string;
  readonly podCidr: string;
}

export interface WireGuardDevice {
  readonly publicKey: string;
  readonly port: number;
  /** It was not there before, or nobody was behind it. */
  readonly isNew: boolean;
}

/** Outer IPv4 and UDP headers, and WireGuard's own. Nodes know each other by IPv4. */
const overhead = 60;
/** What everybody expects; each further cluster of a machine has the next that is free. */
const firstPort = 51_820;
const mostPorts = 64;
const startMs = 5_000;
const endMs = 5_000;
const pollMs = 20;
/** Peers that one command is told of: arguments have a limit. */
const mostPeers = 500;

/** The largest packet that pods of a node at this address may send. */
export async function encryptedPacketSize(address: string): Promise<number> {
  return (await mtuOfAddress(address)) - overhead;
}

/** May be repeated: what is right is left alone, and connections with it. @throws CommandFailure */
export async function ensureWireGuard(options: WireGuardOptions): Promise<WireGuardDevice> {
  const { device, keyFile, podCidr } = options;
  const publicKey = await ensureWireGuardKey(keyFile);
  const pods6 = rangeOf(podCidr, 'IPv6');
  const isThere = (await hasLink(device)) && (await ask(device, 'public-key')) !== undefined;
  if (!isThere) {
    await removeWireGuard(device);
    await makeDevice(device);
  }
  await runCommand('ip', ['link', 'set', device, 'mtu', String(await encryptedPacketSize(options.address)), 'up']);
  if (!isThere) await runCommand('wg', ['set', device, 'listen-port', String(await freePort())]);
  if ((await ask(device, 'public-key')) !== publicKey) await runCommand('wg', ['set', device, 'private-key', keyFile]);
  // What the node itself sends to pods must come from its own range: others take nothing else from it.
  await runCommand('ip', ['address', 'replace', `${addressAt(rangeOf(podCidr, 'IPv4')!, 0)}/32`, 'dev', device]);
  if (pods6) await runCommand('ip', ['-6', 'address', 'replace', `${gatewayOf(pods6)}/128`, 'dev', device, 'nodad']);
  await allowForwarding(device, pods6 !== undefined);
  return { publicKey, port: Number(await ask(device, 'listen-port')), isNew: !isThere };
}

/** The device, with the program behind it. May be repeated. @param namespace a named one; default: this one */
export async function removeWireGuard(device: string, namespace?: string): Promise<void> {
  const socket = socketOf(device);
  const ended = existsSync(socket) ? untilEnded(socket) : undefined;
  if (await hasLink(device, namespace)) {
    if (!namespace) await stopAllowingForwarding(device);
    await runCommand('ip', [...(namespace ? ['-n', namespace] : []), 'link', 'delete', device]);
  }
  // The program ends without it too, where the device went with a namespace.
  await rm(socket, { force: true });
  await ended;
}

/** Makes the device's peers these; connections with those that stay go on. @throws CommandFailure */
export async function applyPeers(
  device: string,
  wanted: readonly WireGuardPeer[],
  told: Map<string, string>,
): Promise<void> {
  const known = new Map(
    lines(await runCommand('wg', ['show', device, 'allowed-ips'])).map((line) => {
      const [publicKey = '', list = ''] = line.split('\t');
      return [publicKey, list === '(none)' ? '' : list.split(' ').sort().join()] as const;
    }),
  );
  const keys = new Set(wanted.map(({ publicKey }) => publicKey));
  const removed = [...known.keys()].filter((key) => !keys.has(key));
  // WireGuard finds out by itself where a peer really is: it is told again only when the peer says something new.
  const changed = wanted.filter(
    ({ publicKey, endpoint, allowedIps }) =>
      known.get(publicKey) !== allowedIps.join() || told.get(publicKey) !== endpoint,
  );
  const changes = [
    ...removed.map((key) => ['peer', key, 'remove']),
    ...changed.map(({ publicKey, endpoint, allowedIps }) => [
      ...['peer', publicKey, 'endpoint', endpoint],
      ...['allowed-ips', allowedIps.join()],
    ]),
  ];
  for (let from = 0; from < changes.length; from += mostPeers)
    await runCommand('wg', ['set', device, ...changes.slice(from, from + mostPeers).flat()]);
  for (const key of told.keys()) if (!keys.has(key)) told.delete(key);
  for (const { publicKey, endpoint } of wanted) told.set(publicKey, endpoint);
}

/** Tells once when the program behind the device ends; a device of the kernel has none. */
export function onProgramEnd(device: string, tell: () => void): Disposable {
  const path = socketOf(device);
  if (!existsSync(path)) return { [Symbol.dispose]() {} };
  const line = connect(path)
    .on('error', () => {})
    .on('close', () => tell());
  return {
    [Symbol.dispose]() {
      line.removeAllListeners('close').destroy();
    },
  };
}

const lines = (text: string) => text.split('\n').filter(Boolean);

/** Where a program in user space listens to `wg`. The folder is the machine's, not a namespace's. */
const socketOf = (device: string) => `/var/run/wireguard/${device}.sock`;

/** One fact of a device; undefined where there is no such device, or nobody behind it. */
async function ask(device: string, what: 'public-key' | 'listen-port'): Promise<string | undefined> {
  try {
    return (await runCommand('wg', ['show', device, what])).trim();
  } catch (error) {
    if (error instanceof CommandFailure && !error.isMissing) return undefined;
    throw error;
  }
}

async function makeDevice(device: string): Promise<void> {
  try {
    await runCommand('ip', ['link', 'add', device, 'type', 'wireguard']);
  } catch (error) {
    if (!(error instanceof CommandFailure) || error.isMissing) throw error;
    await startProgram(device);
  }
}

/** It makes the device and goes to the background once `wg` can reach it. */
async function startProgram(device: string): Promise<void> {
  // In a session of its own: what ends the agent, or interrupts it at a terminal, does not end this. Told to log, it would
  // hold on to our pipe.
  await runCommand('setsid', ['--wait', 'env', '-u', 'LOG_LEVEL', 'wireguard-go', device]);
  const until = systemClock.monotonicMs() + startMs;
  while ((await ask(device, 'listen-port')) === undefined || !(await linkOf(device))) {
    if (systemClock.monotonicMs() > until) throw new CommandFailure('wireguard-go: did not start', false, undefined);
    await systemClock.sleep(pollMs);
  }
}

/** Settles when nobody listens there any more; gives up in time, since an end is only waited for to be sure. */
async function untilEnded(path: string): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => line.destroy(), endMs);
    const line = connect(path)
      .on('error', () => {})
      .on('close', () => {
        clearTimeout(timer);
        resolve();
      });
  });
}

async function freePort(): Promise<number> {
  for (let port = firstPort; port < firstPort + mostPorts; port++) if (await isFree(port)) return port;
  throw new Error(`no port for WireGuard is free from ${firstPort} on`);
}

/** Of both families, where the machine has both. */
async function isFree(port: number): Promise<boolean> {
  for (const type of ['udp4', 'udp6'] as const) {
    const socket = createSocket({ type, ipv6Only: type === 'udp6' });
    const problem = await new Promise<string | undefined>((resolve) => {
      socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code));
      socket.bind({ port, exclusive: true }, () => resolve(undefined));
    });
    socket.close();
    if (problem === 'EADDRINUSE') return false;
  }
  return true;
}
