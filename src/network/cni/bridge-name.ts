import { createHash } from 'node:crypto';

/** The kernel's limit for interface names. */
const maxLength = 15;

/** `cor-NAME`; longer names are replaced by a digest, so that two clusters never share a bridge. */
export function bridgeName(clusterName: string): string {
  const plain = `cor-${clusterName}`;
  if (plain.length <= maxLength) return plain;
  return `cor-${digest(clusterName).slice(0, maxLength - 4)}`;
}

/** An address for the bridge that stays: one taken from its ports changes as pods come and go, and neighbours notice. */
export function bridgeMac(clusterName: string): string {
  const bytes = digest(clusterName).slice(0, 10).match(/../g)!;
  return ['02', ...bytes].join(':');
}

const digest = (text: string) => createHash('sha256').update(text).digest('hex');
