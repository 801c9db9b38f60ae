// Lines of the kernel's log that mean trouble: told once as an event, or for good as a condition.

export interface EventRule {
  readonly reason: string;
  readonly pattern: RegExp;
}

export interface ConditionRule extends EventRule {
  readonly type: string;
}

export const eventRules: readonly EventRule[] = [
  { reason: 'OOMKilling', pattern: /Killed process \d+ \(.+?\),? .*total-vm:\d+kB, anon-rss:\d+kB, file-rss:\d+kB/ },
  { reason: 'TaskHung', pattern: /task [^:]+:\w+ blocked for more than \w+ seconds\./ },
  {
    reason: 'UnregisterNetDevice',
    pattern: /unregister_netdevice: waiting for \w+ to become free\. Usage count = \d+/,
  },
  { reason: 'KernelOops', pattern: /BUG: unable to handle (?:kernel NULL pointer dereference|page fault)/ },
  { reason: 'KernelOops', pattern: /BUG: kernel NULL pointer dereference/ },
  { reason: 'KernelOops', pattern: /divide error: 0000 \[#\d+\]/ },
  { reason: 'MemoryReadError', pattern: /CE memory read error / },
  { reason: 'Ext4Error', pattern: /EXT4-fs error / },
  { reason: 'Ext4Warning', pattern: /EXT4-fs warning / },
  { reason: 'IOError', pattern: /Buffer I\/O error / },
];

/** Of what stays so until the machine starts again. */
export const conditionRules: readonly ConditionRule[] = [
  {
    type: 'KernelDeadlock',
    reason: 'ContainerRuntimeHung',
    pattern: /task (?:containerd|dockerd?|crio|runc)[^:]*:\w+ blocked for more than \w+ seconds\./,
  },
  { type: 'ReadonlyFilesystem', reason: 'FilesystemIsReadOnly', pattern: /Remounting filesystem read-only/ },
];
