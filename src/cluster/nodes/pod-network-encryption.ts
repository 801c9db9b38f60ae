// Whether a cluster's pod network is encrypted between its nodes: decided when it is made.
import { exitCodes, UserFailure } from '../failure.ts';

export const podNetworkEncryptions = ['none', 'wireguard'] as const;
export type PodNetworkEncryption = (typeof podNetworkEncryptions)[number];

/** @throws UserFailure where this machine cannot: nothing goes out as it is because of that */
export async function checkEncryption(wanted: PodNetworkEncryption | undefined): Promise<void> {
  if (wanted !== 'wireguard') return;
  const { whatWireGuardLacks } = await import('../../network/overlay/wireguard-support.ts');
  const lack = await whatWireGuardLacks();
  if (lack) throw new UserFailure(exitCodes.missing, 'E_NO_WIREGUARD', lack.what, lack.remedy);
}
