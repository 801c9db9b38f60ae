// The cluster's auditor, made of its options.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Auditor } from '../apiserver/audit/auditor.ts';
import { defaultPolicy } from '../apiserver/audit/default-policy.ts';
import { LogFile } from '../apiserver/audit/log-file.ts';
import type { Policy } from '../apiserver/audit/policy.ts';
import type { AuditSink } from '../apiserver/audit/sink.ts';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import { type AuditOptions, auditDefaults } from './audit-options.ts';
import { exitCodes, UserFailure } from './failure.ts';
import type { Layout } from './settings/layout.ts';

interface AuditParts {
  readonly options: AuditOptions | undefined;
  readonly layout: Layout;
  readonly clock: Clock;
  readonly log: Logger;
}

const dayMs = 24 * 3600_000;

/** Undefined: nothing is audited. @throws UserFailure for a file that cannot be used */
export async function openAuditor({ options = {}, layout, clock, log }: AuditParts): Promise<Auditor | undefined> {
  const policy = options.policyFile ? await readPolicy(options.policyFile) : defaultPolicy;
  const sinks: AuditSink[] = [];
  const path = options.logPath ?? join(layout.logs, 'audit.log');
  if (path === '-') sinks.push(standardOutput);
  else if (path) {
    const { logMaxAgeDays, logMaxBackups, logMaxSizeMegabytes } = { ...auditDefaults, ...options };
    const file = {
      path,
      maxSizeBytes: logMaxSizeMegabytes * 2 ** 20,
      maxBackups: logMaxBackups,
      maxAgeMs: logMaxAgeDays * dayMs,
    };
    sinks.push(new LogFile(file, { clock, log }));
  }
  if (options.webhookConfigFile) sinks.push(await openWebhook(options.webhookConfigFile, { clock, log }));
  return sinks.length > 0 ? new Auditor(policy, sinks, clock) : undefined;
}

async function readPolicy(file: string): Promise<Policy> {
  try {
    const { parsePolicy } = await import('../apiserver/audit/policy-file.ts');
    return await parsePolicy(readFileSync(file, 'utf8'));
  } catch (error) {
    throw unusable(`the audit policy ${file} cannot be used: ${(error as Error).message}`);
  }
}

async function openWebhook(file: string, parts: { clock: Clock; log: Logger }): Promise<AuditSink> {
  try {
    const { AuditWebhook, readWebhookConfig } = await import('../apiserver/audit/webhook.ts');
    return new AuditWebhook(await readWebhookConfig(file), parts);
  } catch (error) {
    throw unusable(`the configuration of the audit webhook ${file} cannot be used: ${(error as Error).message}`);
  }
}

const unusable = (problem: string) =>
  new UserFailure(exitCodes.usage, 'E_AUDIT_OPTIONS', problem, 'mend the file; docs/audit.md shows its form');

const standardOutput: AuditSink = {
  name: 'log',
  dropped: 0,
  write: (line) => void process.stdout.write(line),
  close: async () => {},
};
