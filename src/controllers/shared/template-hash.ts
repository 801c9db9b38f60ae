import type { PodTemplateSpec } from '../../../generated/core-v1.ts';

const alphabet = 'bcdfghjklmnpqrstvwxz2456789';

/**
 * A short name for a pod template: FNV-32a over its JSON with sorted keys, in letters that spell no words. Collisions
 * are told apart by counting. (Upstream hashes a dump of its Go structures, which nobody else can make.)
 */
export function templateHash(template: PodTemplateSpec | object, collisionCount: number | undefined): string {
  let hash = fnv32a(0x811c9dc5, JSON.stringify(template, sortKeys));
  if (collisionCount !== undefined) hash = fnv32a(hash, `/${collisionCount}`);
  return [...`${hash}`].map((digit) => alphabet[digit.charCodeAt(0) % alphabet.length]).join('');
}

function fnv32a(seed: number, text: string): number {
  let hash = seed;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}

function sortKeys(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
