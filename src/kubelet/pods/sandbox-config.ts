// What the runtime is told of a pod's sandbox.
import type { Pod } from '../../../generated/core-v1.ts';
import { type CpuLimits, overheadResources, podLinuxResources } from '../resources.ts';
import type { SandboxConfig, UserNamespace } from '../runtime/runtime.ts';
import { type ClusterDns, podDns } from './dns-config.ts';
import { kernelHostName } from './host-names.ts';
import { podNameLabel, podNamespaceLabel, podUidLabel } from './labels.ts';
import { type SecurityDefaults, sandboxSecurity } from './security-context.ts';

export interface SandboxSettings {
  readonly dns: ClusterDns;
  readonly security: SecurityDefaults;
  readonly logDirectory: string;
  readonly cgroupParent: string;
  readonly attempt: number;
  readonly cpuLimits: CpuLimits;
  readonly users?: UserNamespace;
}

export function sandboxConfig(pod: Pod, settings: SandboxSettings): SandboxConfig {
  const { name, namespace = '', uid = '' } = pod.metadata;
  const dns = podDns(pod, settings.dns);
  const { overhead: _, ...spec } = pod.spec;
  const overhead = overheadResources(pod.spec, settings.cpuLimits);
  const containers = [...(pod.spec.initContainers ?? []), ...pod.spec.containers];
  return {
    metadata: { name, namespace, uid, attempt: settings.attempt },
    // With the host's network the host's name stays.
    ...(pod.spec.hostNetwork ? {} : { hostname: kernelHostName(pod, settings.dns.clusterDomain) }),
    logDirectory: settings.logDirectory,
    dnsConfig: { servers: [...dns.servers], searches: [...dns.searches], options: [...dns.options] },
    portMappings: containers.flatMap(({ ports = [] }) =>
      ports
        .filter(({ hostPort }) => hostPort && !pod.spec.hostNetwork)
        .map(({ protocol = 'TCP', containerPort, hostPort, hostIP }) => ({
          protocol,
          containerPort,
          hostPort: hostPort!,
          ...(hostIP ? { hostIp: hostIP } : {}),
        })),
    ),
    labels: { ...pod.metadata.labels, [podNameLabel]: name, [podNamespaceLabel]: namespace, [podUidLabel]: uid },
    annotations: { ...pod.metadata.annotations },
    linux: {
      cgroupParent: settings.cgroupParent,
      securityContext: sandboxSecurity(pod, settings.security, settings.users),
      sysctls: Object.fromEntries((pod.spec.securityContext?.sysctls ?? []).map((each) => [each.name, each.value])),
      resources: podLinuxResources(spec, settings.cpuLimits),
      ...(overhead ? { overhead } : {}),
    },
  };
}
