// UDP has no end that the kernel sees: a flow goes on to the endpoint it began with. When that endpoint is gone, or the
// first one comes, what the kernel remembers must go.
import { isIPv4 } from 'node:net';
import type { UdpFlow } from '../nftables/rule-set.ts';
import { CommandFailure, runCommand } from '../run-command.ts';

/** What to forget: flows to this address and port which lead to `endpoint`; without it, those that lead nowhere. */
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

/** The kernel forgets these flows; their next packets meet the rules anew. Does nothing where conntrack is missing. */
export async function forgetFlows(flows: readonly StaleFlow[]): Promise<void> {
  for (const flow of flows) {
    try {
      await runCommand('conntrack', conntrackArguments(flow));
    } catch (error) {
      if (error instanceof CommandFailure && error.isMissing) return;
      // Exit code 1 also says that there was no such flow, which is as good.
    }
  }
}

function conntrackArguments({ address, port, endpoint }: StaleFlow): string[] {
  const place = address && isIPv4(address) ? ['--orig-dst', address] : [];
  const answeredBy = endpoint ?? address;
  const reply = answeredBy && isIPv4(answeredBy) ? ['--reply-src', answeredBy] : [];
  return ['-D', '-p', 'udp', ...place, '--orig-port-dst', String(port), ...reply];
}
