// Docker and some firewalls refuse what is forwarded unless a rule lets it through, and no table of ours can overrule
// that. Where it is so, pods get a rule in that same chain; it goes with the network.
import { CommandFailure, runCommand } from '../run-command.ts';

const directions = ['-i', '-o'] as const;

/** Lets traffic of the bridge through a FORWARD chain whose policy is to drop. May be repeated. */
export async function allowForwarding(bridge: string): Promise<void> {
  if (!(await dropsForwarded())) return;
  for (const direction of directions) {
    if (await hasRule(bridge, direction)) continue;
    await runCommand('iptables', ['-w', '-I', 'FORWARD', ...ruleOf(bridge, direction)]);
  }
}

/** Takes our rules away again. May be repeated. */
export async function stopAllowingForwarding(bridge: string): Promise<void> {
  if (!(await hasForwardChain())) return;
  for (const direction of directions) {
    if (await hasRule(bridge, direction))
      await runCommand('iptables', ['-w', '-D', 'FORWARD', ...ruleOf(bridge, direction)]);
  }
}

const ruleOf = (bridge: string, direction: string) => [direction, bridge, '-j', 'ACCEPT'];

async function hasRule(bridge: string, direction: string): Promise<boolean> {
  return succeeds('iptables', ['-w', '-C', 'FORWARD', ...ruleOf(bridge, direction)]);
}

/** Looked at through nft, which does not make the chain by looking. */
async function forwardChain(): Promise<string> {
  return runCommand('nft', ['list', 'chain', 'ip', 'filter', 'FORWARD']).catch((error: unknown) => {
    if (error instanceof CommandFailure) return ''; // there is none
    throw error;
  });
}

async function dropsForwarded(): Promise<boolean> {
  return /policy drop/.test(await forwardChain());
}

async function hasForwardChain(): Promise<boolean> {
  return (await forwardChain()) !== '';
}

async function succeeds(command: string, args: readonly string[]): Promise<boolean> {
  return runCommand(command, args).then(
    () => true,
    () => false,
  );
}
