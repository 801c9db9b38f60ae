// Tokens that let a machine in for the first time. Each is a Secret `bootstrap-token-ID` in kube-system.
import type { Secret } from '../../../generated/core-v1.ts';

export const bootstrapTokenType = 'bootstrap.kubernetes.io/token';
export const bootstrapTokenNamespace = 'kube-system';
export const bootstrapTokenName = (id: string) => `bootstrap-token-${id}`;
/** Everybody who comes with such a token is in it. */
export const bootstrappersGroup = 'system:bootstrappers';

export type BootstrapUsage = 'authentication' | 'signing';
export const bootstrapUsages: readonly BootstrapUsage[] = ['authentication', 'signing'];

export interface BootstrapToken {
  readonly id: string;
  readonly secret: string;
  /** Absent: it never ends. */
  readonly expiresMs?: number;
  readonly usages: readonly BootstrapUsage[];
  /** Beside `system:bootstrappers`. */
  readonly groups: readonly string[];
  readonly description: string;
}

const tokenPattern = /^([a-z0-9]{6})\.([a-z0-9]{16})$/;
const groupPattern = /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/;

/** `abcdef.0123456789abcdef` → its two halves; undefined for what is no such token. */
export function parseBootstrapToken(token: string): { readonly id: string; readonly secret: string } | undefined {
  const [, id, secret] = tokenPattern.exec(token) ?? [];
  return id && secret ? { id, secret } : undefined;
}

export const isBootstrapGroup = (group: string) => groupPattern.test(group);

/** What a Secret says; undefined where it is none, or contradicts itself. A time that cannot be read is long past. */
export function bootstrapTokenOf({ metadata, type, data = {} }: Secret): BootstrapToken | undefined {
  const text = (key: string) => Buffer.from(data[key] ?? '', 'base64').toString();
  const parsed = parseBootstrapToken(`${text('token-id')}.${text('token-secret')}`);
  if (type !== bootstrapTokenType || !parsed || metadata.name !== bootstrapTokenName(parsed.id)) return undefined;
  const groups = text('auth-extra-groups').split(',').filter(Boolean);
  if (!groups.every(isBootstrapGroup)) return undefined;
  const expiration = text('expiration');
  return {
    ...parsed,
    ...(expiration ? { expiresMs: Date.parse(expiration) || 0 } : {}),
    usages: bootstrapUsages.filter((usage) => text(`usage-bootstrap-${usage}`) === 'true'),
    groups,
    description: text('description'),
  };
}

export const isExpired = ({ expiresMs }: BootstrapToken, nowMs: number) =>
  expiresMs !== undefined && expiresMs <= nowMs;
