// The flags of `up` about the audit log; named as upstream's API server names them.
import { resolve } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { type AuditOptions, auditDefaults } from '../cluster/audit-options.ts';

export interface AuditFlags {
  auditPolicyFile?: string;
  auditLogPath?: string;
  auditLogMaxage?: number;
  auditLogMaxbackup?: number;
  auditLogMaxsize?: number;
  auditWebhookConfigFile?: string;
}

export function addAuditFlags(command: Command): Command {
  const { logMaxAgeDays, logMaxBackups, logMaxSizeMegabytes } = auditDefaults;
  return command
    .option(
      '--audit-policy-file <file>',
      'which requests are audited, and how much of them (default: the built-in policy)',
    )
    .option(
      '--audit-log-path <file>',
      'where (default logs/audit.log in the data directory); - is standard output, none is no log',
    )
    .option(
      '--audit-log-maxage <days>',
      `days that old files are kept; 0 is for ever (default ${logMaxAgeDays})`,
      parseCount,
    )
    .option('--audit-log-maxbackup <files>', `old files kept; 0 is all (default ${logMaxBackups})`, parseCount)
    .option(
      '--audit-log-maxsize <megabytes>',
      `where a new file begins; 0 is never (default ${logMaxSizeMegabytes})`,
      parseCount,
    )
    .option('--audit-webhook-config-file <file>', 'kubeconfig of a server that gets the events as well');
}

/** What was asked; undefined when nothing was. */
export function auditOptions(flags: AuditFlags): AuditOptions | undefined {
  const { auditLogPath: path } = flags;
  const options: AuditOptions = {
    ...(flags.auditPolicyFile ? { policyFile: resolve(flags.auditPolicyFile) } : {}),
    ...(path === undefined ? {} : { logPath: path === 'none' ? '' : path === '-' ? '-' : resolve(path) }),
    ...(flags.auditLogMaxage === undefined ? {} : { logMaxAgeDays: flags.auditLogMaxage }),
    ...(flags.auditLogMaxbackup === undefined ? {} : { logMaxBackups: flags.auditLogMaxbackup }),
    ...(flags.auditLogMaxsize === undefined ? {} : { logMaxSizeMegabytes: flags.auditLogMaxsize }),
    ...(flags.auditWebhookConfigFile ? { webhookConfigFile: resolve(flags.auditWebhookConfigFile) } : {}),
  };
  return Object.keys(options).length > 0 ? options : undefined;
}

function parseCount(value: string): number {
  if (/^\d{1,6}$/.test(value)) return Number(value);
  throw new InvalidArgumentError('write a number from 0.');
}
