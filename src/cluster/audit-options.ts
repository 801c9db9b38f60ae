// How a cluster keeps its audit log; decided by flags of `up`, kept in its settings, so that it comes back the same.

export interface AuditOptions {
  /** An audit.k8s.io/v1 Policy. Absent: the built-in one (docs/audit.md). */
  readonly policyFile?: string;
  /** '-': standard output; '': no log. Absent: logs/audit.log in the data directory. */
  readonly logPath?: string;
  /** Days that old files are kept; 0: for ever. */
  readonly logMaxAgeDays?: number;
  /** Old files kept; 0: all. */
  readonly logMaxBackups?: number;
  /** Megabytes at which a new file begins; 0: never. */
  readonly logMaxSizeMegabytes?: number;
  /** A kubeconfig that says where events are sent as well. */
  readonly webhookConfigFile?: string;
}

export const auditDefaults = { logMaxAgeDays: 30, logMaxBackups: 10, logMaxSizeMegabytes: 100 } as const;
