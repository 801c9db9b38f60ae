// What is wrong with the machine below the node: in its kernel's log, with its runtime, with what it lacks.
import { access, readFile } from 'node:fs/promises';
import type { Node } from '../../../generated/core-v1.ts';
import { type Clock, every } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { NodeEvents } from '../events.ts';
import type { NodeFinding } from '../node/node-status.ts';
import { followKernelLog, type KernelLine } from './kernel-log.ts';
import { conditionRules, eventRules } from './rules.ts';
import { SystemOomReader } from './system-oom.ts';

export interface ProblemDetectorOptions {
  /** Why the runtime does not answer; undefined while it does. */
  readonly runtimeError: () => string | undefined;
  readonly node: Pick<Node, 'metadata'>;
  readonly events: NodeEvents;
  readonly clock: Clock;
  readonly log: Logger;
  readonly onChange: () => void;
}

const lookMs = 60_000;
const maxText = 512;

const absent: Readonly<Record<string, readonly [reason: string, message: string]>> = {
  KernelDeadlock: ['KernelHasNoDeadlock', 'kernel has no deadlock'],
  ReadonlyFilesystem: ['FilesystemIsNotReadOnly', 'Filesystem is not read-only'],
  ContainerRuntimeUnhealthy: ['ContainerRuntimeIsHealthy', 'Container runtime on the node is functioning properly'],
  RebootRequired: ['NoRebootRequired', 'no update waits for a restart of the machine'],
  SeccompUnavailable: ['SeccompIsAvailable', 'the kernel filters system calls'],
};

export class ProblemDetector {
  readonly #options: ProblemDetectorOptions;
  readonly #systemOom = new SystemOomReader();
  /** By type of the condition; only those that are there. */
  readonly #found = new Map<string, readonly [reason: string, message: string]>();

  constructor(options: ProblemDetectorOptions) {
    this.#options = options;
  }

  /** A condition of each kind, whether it is there or not. */
  get findings(): NodeFinding[] {
    return Object.entries(absent).map(([type, usual]) => {
      const found = this.#found.get(type);
      const [reason, message] = found ?? usual;
      return { type, status: found ? 'True' : 'False', reason, message };
    });
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([followKernelLog((line) => this.#hear(line), this.#options.clock, signal), this.#looks(signal)]);
  }

  #hear({ text }: KernelLine): void {
    const { events, node } = this.#options;
    const message = text.slice(0, maxText);
    const outOfMemory = this.#systemOom.hear(text);
    if (outOfMemory) events.node(node, 'Warning', 'SystemOOM', outOfMemory.slice(0, maxText));
    const rule = eventRules.find(({ pattern }) => pattern.test(text));
    if (rule) events.node(node, 'Warning', rule.reason, message);
    for (const { type, reason, pattern } of conditionRules) if (pattern.test(text)) this.#set(type, [reason, message]);
  }

  async #looks(signal: AbortSignal): Promise<void> {
    await this.#look();
    for await (const _ of every(this.#options.clock, lookMs, signal)) await this.#look();
  }

  async #look(): Promise<void> {
    const runtimeError = this.#options.runtimeError();
    this.#set('ContainerRuntimeUnhealthy', runtimeError ? ['ContainerRuntimeUnhealthy', runtimeError] : undefined);
    const waits = await isThere('/run/reboot-required');
    this.#set('RebootRequired', waits ? ['RebootRequired', 'updates wait for a restart of the machine'] : undefined);
    const lacks = !(await hasSeccomp());
    this.#set(
      'SeccompUnavailable',
      lacks ? ['SeccompIsMissing', 'the kernel does not filter system calls'] : undefined,
    );
  }

  #set(type: string, found: readonly [string, string] | undefined): void {
    const before = this.#found.get(type);
    if (before?.[0] === found?.[0] && before?.[1] === found?.[1]) return;
    if (found) this.#found.set(type, found);
    else this.#found.delete(type);
    const { log, onChange, events, node } = this.#options;
    log.warn('a condition of the machine has changed', { type, reason: found?.[0] ?? 'gone' });
    if (found && !before)
      events.node(node, 'Warning', found[0], `Node condition ${type} is now: True, reason: ${found[0]}`);
    onChange();
  }
}

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

async function hasSeccomp(): Promise<boolean> {
  const actions = await readFile('/proc/sys/kernel/seccomp/actions_avail', 'utf8').catch(() => '');
  return actions.includes('errno');
}
