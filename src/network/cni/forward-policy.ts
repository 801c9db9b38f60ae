// Docker and some firewalls refuse what is forwarded unless a rule lets it through, and no table of ours can overrule
// that. Where it is so, pods get a rule in that same chain; it goes with the network.
import { CommandFailure, runCommand } from '../run-command.ts';

const directions = ['-i', '-o'] as const;

/** The rules of a family: what manages them, and what nft calls them. */
interface Rules {
  readonly program: string;
  readonly packets: string;
}

const ofIPv4: Rules = { program: 'iptables', packets: 'ip' };
const ofIPv6: Rules = { program: 'ip6tables', packets: 'ip6' };

/** Lets traffic of the bridge through a FORWARD chain whose policy is to drop. May be repeated. */
export async function allowForwarding(bridge: string, usesIPv6 = false): Promise<void> {
  for (const rules of usesIPv6 ? [ofIPv4, ofIPv6] : [ofIPv4]) {
    if (!/policy drop/.test(await forwardChain(rules))) continue;
    for (const direction of directions) {
      if (await hasRule(rules, bridge, direction)) continue;
      await runCommand(rules.program, ['-w', '-I', 'FORWARD', ...ruleOf(bridge, direction)]);
    }
  }
}

/** Takes our rules away again. May be repeated. */
export async function stopAllowingForwarding(bridge: string): Promise<void> {
  for (const rules of [ofIPv4, ofIPv6]) {
    if ((await forwardChain(rules)) === '') continue;
    for (const direction of directions) {
      if (await hasRule(rules, bridge, direction))
        await runCommand(rules.program, ['-w', '-D', 'FORWARD', ...ruleOf(bridge, direction)]);
    }
  }
}

const ruleOf = (bridge: string, direction: string) => [direction, bridge, '-j', 'ACCEPT'];

async function hasRule({ program }: Rules, bridge: string, direction: string): Promise<boolean> {
  return succeeds(program, ['-w', '-C', 'FORWARD', ...ruleOf(bridge, direction)]);
}

/** Looked at through nft, which does not make the chain by looking. */
async function forwardChain({ packets }: Rules): Promise<string> {
  return runCommand('nft', ['list', 'chain', packets, 'filter', 'FORWARD']).catch((error: unknown) => {
    if (error instanceof CommandFailure) return ''; // there is none
    throw error;
  });
}

async function succeeds(command: string, args: readonly string[]): Promise<boolean> {
  return runCommand(command, args).then(
    () => true,
    () => false,
  );
}
