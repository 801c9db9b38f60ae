import type { Device, DeviceTaint, DeviceToleration } from '../../../generated/resource-v1.ts';
import { toleratesDeviceTaint } from '../../api/resource/device-toleration.ts';

/** Whether a taint keeps the device from who tolerates only this. */
export function isKeptBack({ taints }: Device, tolerations: readonly DeviceToleration[] | undefined): boolean {
  return (taints ?? []).some(
    (taint) => isEffective(taint) && !tolerations?.some((each) => toleratesDeviceTaint(each, taint)),
  );
}

const isEffective = ({ effect }: DeviceTaint) => effect === 'NoExecute' || effect === 'NoSchedule';
