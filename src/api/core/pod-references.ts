// Every Secret, ConfigMap and claim that a pod names, wherever in its spec: what its node may read.
import type { Container, EphemeralContainer, PersistentVolume, PodSpec, Volume } from '../../../generated/core-v1.ts';

export interface PodReferences {
  readonly secrets: ReadonlySet<string>;
  readonly configMaps: ReadonlySet<string>;
  readonly claims: ReadonlySet<string>;
  readonly serviceAccount: string;
}

export function allContainers(spec: PodSpec): (Container | EphemeralContainer)[] {
  return [...(spec.initContainers ?? []), ...(spec.containers ?? []), ...(spec.ephemeralContainers ?? [])];
}

/** `podName` names the claims that are made for a pod's ephemeral volumes. */
export function podReferences(spec: PodSpec, podName: string): PodReferences {
  const secrets = new Set<string>();
  const configMaps = new Set<string>();
  const claims = new Set<string>();
  const add = (set: Set<string>, name: string | undefined) => name && set.add(name);
  for (const { name } of spec.imagePullSecrets ?? []) add(secrets, name);
  for (const container of allContainers(spec)) {
    for (const source of container.envFrom ?? []) {
      add(configMaps, source.configMapRef?.name);
      add(secrets, source.secretRef?.name);
    }
    for (const { valueFrom } of container.env ?? []) {
      add(configMaps, valueFrom?.configMapKeyRef?.name);
      add(secrets, valueFrom?.secretKeyRef?.name);
    }
  }
  for (const volume of spec.volumes ?? []) {
    for (const name of volumeSecrets(volume)) add(secrets, name);
    add(configMaps, volume.configMap?.name);
    for (const source of volume.projected?.sources ?? []) add(configMaps, source.configMap?.name);
    add(claims, volume.persistentVolumeClaim?.claimName);
    if (volume.ephemeral) claims.add(`${podName}-${volume.name}`);
  }
  return { secrets, configMaps, claims, serviceAccount: spec.serviceAccountName ?? '' };
}

function volumeSecrets(volume: Volume): (string | undefined)[] {
  return [
    volume.secret?.secretName,
    ...(volume.projected?.sources ?? []).map((source) => source.secret?.name),
    volume.azureFile?.secretName,
    volume.cephfs?.secretRef?.name,
    volume.cinder?.secretRef?.name,
    volume.csi?.nodePublishSecretRef?.name,
    volume.flexVolume?.secretRef?.name,
    volume.iscsi?.secretRef?.name,
    volume.rbd?.secretRef?.name,
    volume.scaleIO?.secretRef?.name,
    volume.storageos?.secretRef?.name,
  ];
}

/** Secrets a kubelet needs to mount the volume. Those without a namespace are in the claim's. */
export function volumeSecretRefs({ spec }: PersistentVolume): { name: string; namespace: string }[] {
  const home = spec.claimRef?.namespace ?? '';
  const { azureFile, cephfs, cinder, flexVolume, rbd, scaleIO, iscsi, storageos, csi } = spec;
  const orHome = [cephfs, flexVolume, rbd, scaleIO, iscsi].map((source) => ({
    name: source?.secretRef?.name,
    namespace: source?.secretRef?.namespace || home,
  }));
  const exact = [
    cinder?.secretRef,
    storageos?.secretRef,
    csi?.nodePublishSecretRef,
    csi?.nodeStageSecretRef,
    csi?.nodeExpandSecretRef,
  ];
  const all = [
    ...orHome,
    ...exact.map((ref) => ({ name: ref?.name, namespace: ref?.namespace ?? '' })),
    { name: azureFile?.secretName, namespace: azureFile?.secretNamespace || home },
  ];
  return all.flatMap(({ name, namespace }) => (name ? [{ name, namespace }] : []));
}
