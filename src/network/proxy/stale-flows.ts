// UDP has no end that the kernel sees: a flow goes on to the endpoint it began with. When that endpoint is gone, or the
// first one comes, what the kernel remembers must go.
import type { IpFamily } from '../addresses.ts';
import type { UdpFlow } from '../nftables/rule-set.ts';
import { CommandFailure, runCommand } from '../run-command.ts';

/** What to forget: flows to this address and port which lead to `endpoint` (`address port`); without it, those that lead nowhere. */
export interface StaleFlow {
  readonly address?: string;
  readonly port: number;
  readonly endpoint?: string;
}

/** Compares what a service's flows led to with what they lead to now. */
export function planStaleFlows(before: readonly UdpFlow[], after: readonly UdpFlow[]): StaleFlow[] {
  const keyOf = ({ address = '', port }: UdpFlow) => `${address} ${port}`;
  const now = new Map(after.map((flow) => [keyOf(flow), flow]));
  const stale = before.flatMap((flow) => {
    const left = new Set(now.get(keyOf(flow))?.endpoints);
    return flow.endpoints.filter((endpoint) => !left.has(endpoint)).map((endpoint) => ({ ...placeOf(flow), endpoint }));
  });
  const led = new Set(before.filter(({ endpoints }) => endpoints.length > 0).map(keyOf));
  const first = after.filter((flow) => flow.endpoints.length > 0 && !led.has(keyOf(flow))).map(placeOf);
  return [...stale, ...first];
}

const placeOf = ({ address, port }: UdpFlow): StaleFlow => ({ port, ...(address && { address }) });

/**
 * The kernel forgets these flows; their next packets meet the rules anew. Does nothing where conntrack is missing.
 *
 * @param family of the flows to a port of the node that lead nowhere
 */
export async function forgetFlows(flows: readonly StaleFlow[], family: IpFamily = 'IPv4'): Promise<void> {
  for (const flow of flows) if (!(await isDone(conntrackArguments(flow, family)))) return;
}

/** False where there is no conntrack. */
async function isDone(args: readonly string[]): Promise<boolean> {
  try {
    await runCommand('conntrack', args);
  } catch (error) {
    if (error instanceof CommandFailure && error.isMissing) return false;
    // Exit code 1 also says that there was no such flow, which is as good.
  }
  return true;
}

const familyArguments = (family: IpFamily) => ['-f', family === 'IPv6' ? 'ipv6' : 'ipv4'];

function conntrackArguments({ address, port, endpoint }: StaleFlow, family: IpFamily): string[] {
  const place = address ? ['--orig-dst', address] : [];
  const [answeredBy = address, from] = endpoint?.split(' ') ?? [];
  const reply = [...(answeredBy ? ['--reply-src', answeredBy] : []), ...(from ? ['--reply-port-src', from] : [])];
  return ['-D', ...familyArguments(family), '-p', 'udp', ...place, '--orig-port-dst', String(port), ...reply];
}

/** What was left behind while nobody looked: flows to our addresses that lead where none of their endpoints is. */
export async function forgetStrayFlows(known: readonly UdpFlow[], family: IpFamily): Promise<void> {
  if (known.length === 0) return;
  const listed = await runCommand('conntrack', ['-L', ...familyArguments(family), '-p', 'udp', '-n']).catch(() => '');
  await forgetFlows(strayFlows(listed, known), family);
}

/** Pure: picks them out of what `conntrack -L` prints. */
export function strayFlows(listed: string, known: readonly UdpFlow[]): StaleFlow[] {
  const allowed = new Map<string, Set<string>>();
  for (const { address = '', port, endpoints } of known) {
    const place = `${address} ${port}`;
    allowed.set(place, new Set([...(allowed.get(place) ?? []), ...endpoints]));
  }
  const found = new Map<string, StaleFlow>();
  for (const line of listed.split('\n')) {
    const [, destination, port, from, fromPort] =
      /^udp .*?src=\S+ dst=(\S+) sport=\d+ dport=(\d+) .*?src=(\S+) dst=\S+ sport=(\d+)/.exec(line) ?? [];
    if (!destination || destination === from) continue;
    const endpoint = `${from} ${fromPort}`;
    const endpoints = allowed.get(`${destination} ${port}`);
    if (!endpoints || endpoints.has(endpoint)) continue;
    found.set(`${destination} ${port} ${endpoint}`, { address: destination, port: Number(port), endpoint });
  }
  return [...found.values()];
}
