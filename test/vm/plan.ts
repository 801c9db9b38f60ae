// What is tried in the virtual machine, and why there.

export interface Check {
  readonly name: string;
  /** Files with tests, from the root of the repository. */
  readonly files: readonly string[];
  /** `--test-name-pattern`; absent: all of them. */
  readonly tests?: string;
  /** The machine's first process is systemd, which has the cgroups' tree; else it is a script, and nobody has. */
  readonly underSystemd?: boolean;
}

/** A check that makes this file wants to be run once more after the machine has gone off. */
export const againFile = '/results/again';

export const checks: readonly Check[] = [
  // cgroup v2, where each controller's files are others than v1's.
  { name: 'cgroups', files: ['test/vm/checks/cgroups.ts'] },
  { name: 'containers', files: ['test/e2e/containers.test.ts'] },
  { name: 'node-agent', files: ['test/e2e/node-agent.test.ts'] },
  { name: 'lifecycle', files: ['test/e2e/lifecycle.test.ts'] },
  { name: 'recovery', files: ['test/e2e/recovery.test.ts'] },
  { name: 'nodes', files: ['test/e2e/nodes.test.ts'] },
  { name: 'storage', files: ['test/e2e/storage.test.ts'] },
  { name: 'power-loss', files: ['test/vm/checks/power-loss.ts'] },
  // The kernel's own WireGuard, where other tests have a program's.
  { name: 'wireguard', files: ['test/e2e/pod-network-encryption.test.ts'] },
  // Disks and folders of servers that run in the same machine.
  { name: 'initiator', files: ['test/vm/checks/initiator.ts'] },
  { name: 'iscsi', files: ['test/vm/checks/iscsi.ts'] },
  { name: 'nfs', files: ['test/vm/checks/nfs.ts'] },
  { name: 'sctp', files: ['test/vm/checks/sctp.ts'] },
  { name: 'apparmor', files: ['test/vm/checks/apparmor.ts'] },
  { name: 'systemd-cgroups', files: ['test/vm/checks/cgroups.ts'], underSystemd: true },
];

/** Those whose names are in `only` (`iscsi,nfs`), in that order; all of them when it is empty. @throws for a name that is not there */
export function chosenChecks(only: string): readonly Check[] {
  const names = only.split(',').filter(Boolean);
  if (names.length === 0) return checks;
  return names.map((name) => {
    const found = checks.find((check) => check.name === name);
    if (!found) throw new Error(`no check is called "${name}": ${checks.map((each) => each.name).join(', ')}`);
    return found;
  });
}
