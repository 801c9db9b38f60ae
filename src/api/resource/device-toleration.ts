import type { DeviceTaint, DeviceToleration } from '../../../generated/resource-v1.ts';

/** An empty effect stands for all, an empty key with `Exists` too. */
export function toleratesDeviceTaint({ key, operator, value, effect }: DeviceToleration, taint: DeviceTaint): boolean {
  if (effect && effect !== taint.effect) return false;
  if (key && key !== taint.key) return false;
  if (operator === 'Exists') return true;
  return (operator ?? 'Equal') === 'Equal' && (value ?? '') === (taint.value ?? '');
}
