// What the runtime is told of a container.
import type { Container, Pod } from '../../../generated/core-v1.ts';
import { containerLinuxResources, type MachineLimits } from '../resources.ts';
import type { ContainerConfig, ImageInfo, MountConfig, UserNamespace } from '../runtime/runtime.ts';
import { containerHash } from './container-hash.ts';
import { expandVariables } from './expand.ts';
import {
  containerHashAnnotation,
  containerNameLabel,
  gracePeriodAnnotation,
  podNameLabel,
  podNamespaceLabel,
  podUidLabel,
  restartCountAnnotation,
  terminationPathAnnotation,
  terminationPolicyAnnotation,
} from './labels.ts';
import { containerSecurity, type SecurityDefaults } from './security-context.ts';

export interface ContainerSettings extends MachineLimits {
  readonly image: ImageInfo;
  readonly environment: ReadonlyMap<string, string>;
  readonly mounts: MountConfig[];
  readonly devices?: ContainerConfig['devices'];
  readonly restartCount: number;
  readonly security: SecurityDefaults;
  readonly users?: UserNamespace;
  /** Container whose processes an ephemeral container sees. */
  readonly targetId?: string;
}

export function containerConfig(pod: Pod, container: Container, settings: ContainerSettings): ContainerConfig {
  const { environment, restartCount, image } = settings;
  const expand = (text: string) => expandVariables(text, (name) => environment.get(name));
  const securityContext = containerSecurity(pod, container, image, settings.security, settings.users);
  if (settings.targetId)
    securityContext.namespaceOptions = {
      ...securityContext.namespaceOptions,
      pid: 'TARGET',
      targetId: settings.targetId,
    };
  return {
    metadata: { name: container.name, attempt: restartCount },
    image: { image: image.id, userSpecifiedImage: container.image ?? '' },
    command: (container.command ?? []).map(expand),
    args: (container.args ?? []).map(expand),
    ...(container.workingDir ? { workingDir: container.workingDir } : {}),
    envs: [...environment].map(([key, value]) => ({ key, value })),
    mounts: settings.users ? settings.mounts.map((mount) => withUsers(mount, settings.users!)) : settings.mounts,
    ...(settings.devices?.length ? { devices: settings.devices } : {}),
    labels: {
      [podNameLabel]: pod.metadata.name,
      [podNamespaceLabel]: pod.metadata.namespace ?? '',
      [podUidLabel]: pod.metadata.uid ?? '',
      [containerNameLabel]: container.name,
    },
    annotations: {
      [containerHashAnnotation]: containerHash(container),
      [restartCountAnnotation]: String(restartCount),
      [terminationPathAnnotation]: container.terminationMessagePath || '/dev/termination-log',
      [terminationPolicyAnnotation]: container.terminationMessagePolicy ?? 'File',
      [gracePeriodAnnotation]: String(pod.spec.terminationGracePeriodSeconds ?? 30),
    },
    logPath: `${container.name}/${restartCount}.log`,
    stdin: container.stdin ?? false,
    stdinOnce: container.stdinOnce ?? false,
    tty: container.tty ?? false,
    linux: { resources: containerLinuxResources(pod, container, settings), securityContext },
    ...(container.lifecycle?.stopSignal ? { stopSignal: container.lifecycle.stopSignal } : {}),
  };
}

/** The pod's root sees its files as root's. */
function withUsers(mount: MountConfig, { uids, gids }: UserNamespace): MountConfig {
  return { ...mount, uidMappings: uids, gidMappings: gids };
}
