// The checks of the Pod Security Standards. Each says what is wrong with a pod, in upstream's words, or nothing.
import type {
  Container,
  EphemeralContainer,
  LifecycleHandler,
  PodSpec,
  SecurityContext,
} from '../../../../generated/core-v1.ts';
import { allContainers } from '../../../api/core/pod-references.ts';

interface Target {
  readonly spec: PodSpec;
  readonly annotations: Readonly<Record<string, string>>;
  readonly containers: readonly (Container | EphemeralContainer)[];
  readonly isWindows: boolean;
  readonly isRestricted: boolean;
  /** Minor version of Kubernetes whose rules apply. */
  readonly minor: number;
}

interface Violation {
  readonly reason: string;
  readonly detail: string;
}

interface Check {
  readonly level: 'baseline' | 'restricted';
  /** First minor version that has it. */
  readonly since?: number;
  /** At the restricted level another check says it instead, from this minor version on. */
  readonly replacedSince?: number;
  find(target: Target): Violation | undefined;
}

const quote = (values: Iterable<string>) => [...values].map((value) => JSON.stringify(value)).join(', ');
const sorted = (values: Iterable<string>) => [...new Set(values)].sort();
const some = (one: string, count: number, many = `${one}s`) => (count === 1 ? one : many);
const violation = (reason: string, detail: string): Violation => ({ reason, detail });

/** `container "a"`, `containers "a", "b"` */
function named(containers: readonly { name: string }[]): string {
  return `${some('container', containers.length)} ${quote(containers.map(({ name }) => name))}`;
}

function matching({ containers }: Target, is: (context: SecurityContext, container: Container) => boolean | undefined) {
  return containers.filter((container) => is(container.securityContext ?? {}, container as Container));
}

/** Who set something forbidden: the pod, containers, or both. */
function setters(isPod: boolean, containers: readonly { name: string }[]): string {
  return [...(isPod ? ['pod'] : []), ...(containers.length > 0 ? [named(containers)] : [])].join(' and ');
}

const baselineCapabilities = new Set(
  'AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID SYS_CHROOT'.split(
    ' ',
  ),
);

/** Safe sysctls, with the minor version they became so in. */
const safeSysctls: Readonly<Record<string, number>> = {
  'kernel.shm_rmid_forced': 0,
  'net.ipv4.ip_local_port_range': 0,
  'net.ipv4.tcp_syncookies': 0,
  'net.ipv4.ping_group_range': 0,
  'net.ipv4.ip_unprivileged_port_start': 0,
  'net.ipv4.ip_local_reserved_ports': 27,
  'net.ipv4.tcp_keepalive_time': 29,
  'net.ipv4.tcp_fin_timeout': 29,
  'net.ipv4.tcp_keepalive_intvl': 29,
  'net.ipv4.tcp_keepalive_probes': 29,
  'net.ipv4.tcp_rmem': 32,
  'net.ipv4.tcp_wmem': 32,
};

const restrictedVolumes = new Set(
  'configMap csi downwardAPI emptyDir ephemeral image persistentVolumeClaim projected secret'.split(' '),
);

/** In the order in which upstream lists them: by name, baseline before restricted. */
const checks: readonly Check[] = [
  { level: 'baseline', find: appArmor },
  {
    level: 'baseline',
    replacedSince: 22,
    find(target) {
      const added = new Set<string>();
      const bad = matching(target, ({ capabilities }) => {
        const forbidden = (capabilities?.add ?? []).filter((name) => !baselineCapabilities.has(name));
        for (const name of forbidden) added.add(name);
        return forbidden.length > 0;
      });
      if (bad.length === 0) return undefined;
      return violation(
        'non-default capabilities',
        `${named(bad)} must not include ${quote(sorted(added))} in securityContext.capabilities.add`,
      );
    },
  },
  {
    level: 'baseline',
    find({ spec }) {
      const set = (['hostNetwork', 'hostPID', 'hostIPC'] as const).filter((field) => spec[field]);
      return set.length > 0 ? violation('host namespaces', set.map((field) => `${field}=true`).join(', ')) : undefined;
    },
  },
  {
    level: 'baseline',
    replacedSince: 0,
    find({ spec }) {
      const volumes = (spec.volumes ?? []).filter((volume) => volume.hostPath).map(({ name }) => name);
      if (volumes.length === 0) return undefined;
      return violation('hostPath volumes', `${some('volume', volumes.length)} ${quote(volumes)}`);
    },
  },
  {
    level: 'baseline',
    find(target) {
      const ports = new Set<number>();
      const bad = matching(target, (_, container) => {
        const used = (container.ports ?? []).flatMap(({ hostPort }) => hostPort || []);
        for (const port of used) ports.add(port);
        return used.length > 0;
      });
      if (bad.length === 0) return undefined;
      const list = sorted([...ports].map(String)).join(', ');
      return violation(
        'hostPort',
        `${named(bad)} ${some('uses', bad.length, 'use')} ${some('hostPort', ports.size)} ${list}`,
      );
    },
  },
  { level: 'baseline', since: 34, find: probeHosts },
  {
    level: 'baseline',
    find(target) {
      const bad = matching(target, ({ privileged }) => privileged);
      return bad.length > 0
        ? violation('privileged', `${named(bad)} must not set securityContext.privileged=true`)
        : undefined;
    },
  },
  { level: 'baseline', find: procMount },
  { level: 'baseline', find: seLinux },
  { level: 'baseline', replacedSince: 19, find: (target) => seccomp(target, false) },
  {
    level: 'baseline',
    find({ spec, minor }) {
      const bad = (spec.securityContext?.sysctls ?? [])
        .map(({ name }) => name)
        .filter((name) => !((safeSysctls[name] ?? 99) <= minor));
      return bad.length > 0 ? violation('forbidden sysctls', bad.join(', ')) : undefined;
    },
  },
  {
    level: 'baseline',
    find(target) {
      const isPod = target.spec.securityContext?.windowsOptions?.hostProcess === true;
      const bad = matching(target, ({ windowsOptions }) => windowsOptions?.hostProcess);
      if (!isPod && bad.length === 0) return undefined;
      return violation(
        'hostProcess',
        `${setters(isPod, bad)} must not set securityContext.windowsOptions.hostProcess=true`,
      );
    },
  },
  {
    level: 'restricted',
    since: 8,
    find(target) {
      if (target.isWindows && target.minor >= 25) return undefined;
      const bad = matching(target, ({ allowPrivilegeEscalation }) => allowPrivilegeEscalation !== false);
      if (bad.length === 0) return undefined;
      return violation(
        'allowPrivilegeEscalation != false',
        `${named(bad)} must set securityContext.allowPrivilegeEscalation=false`,
      );
    },
  },
  { level: 'restricted', since: 22, find: restrictedCapabilities },
  {
    level: 'restricted',
    find({ spec }) {
      const types = new Set<string>();
      const bad = (spec.volumes ?? []).filter((volume) => {
        const forbidden = Object.keys(volume).filter((key) => key !== 'name' && !restrictedVolumes.has(key));
        for (const type of forbidden) types.add(type);
        return forbidden.length > 0;
      });
      if (bad.length === 0) return undefined;
      const volumes = `${some('volume', bad.length)} ${quote(bad.map(({ name }) => name))}`;
      const uses = `${some('uses', bad.length, 'use')} ${some('restricted volume type', types.size)}`;
      return violation('restricted volume types', `${volumes} ${uses} ${quote(sorted(types))}`);
    },
  },
  { level: 'restricted', find: runAsNonRoot },
  {
    level: 'restricted',
    since: 23,
    find(target) {
      if (target.minor >= 35 && target.spec.hostUsers === false) return undefined;
      const isPod = target.spec.securityContext?.runAsUser === 0;
      const bad = matching(target, ({ runAsUser }) => runAsUser === 0);
      return isPod || bad.length > 0
        ? violation('runAsUser=0', `${setters(isPod, bad)} must not set runAsUser=0`)
        : undefined;
    },
  },
  { level: 'restricted', since: 19, find: (target) => seccomp(target, true) },
];

export interface SecurityPolicy {
  readonly level: 'privileged' | 'baseline' | 'restricted';
  readonly minor: number;
}

/** What the policy has against a pod: `privileged (container "a" must not …), …`; '' when nothing. */
export function podViolations(
  policy: SecurityPolicy,
  spec: PodSpec,
  annotations: Readonly<Record<string, string>> = {},
): string {
  if (policy.level === 'privileged') return '';
  const { minor } = policy;
  const isRestricted = policy.level === 'restricted';
  const isWindows = spec.os?.name === 'windows';
  const target: Target = { spec, annotations, containers: allContainers(spec), isWindows, isRestricted, minor };
  const found = checks.flatMap((check) => {
    if (minor < (check.since ?? 0) || (check.level === 'restricted' && !isRestricted)) return [];
    if (isRestricted && check.replacedSince !== undefined && minor >= check.replacedSince) return [];
    return check.find(target) ?? [];
  });
  return found.map(({ reason, detail }) => (detail ? `${reason} (${detail})` : reason)).join(', ');
}

function appArmor(target: Target): Violation | undefined {
  const types = new Set<string>();
  const isBad = (type: string | undefined) => {
    const bad = type !== undefined && type !== 'RuntimeDefault' && type !== 'Localhost';
    if (bad) types.add(type);
    return bad;
  };
  const isPod = isBad(target.spec.securityContext?.appArmorProfile?.type);
  const bad = matching(target, ({ appArmorProfile }) => isBad(appArmorProfile?.type));
  const annotations = Object.entries(target.annotations).filter(([key, value]) => {
    const isProfile = key.startsWith('container.apparmor.security.beta.kubernetes.io/');
    return isProfile && value !== '' && value !== 'runtime/default' && !value.startsWith('localhost/');
  });
  const values = [...sorted(types), ...annotations.map(([key, value]) => `${key}=${JSON.stringify(value)}`).sort()];
  if (values.length === 0) return undefined;
  const who = [setters(isPod, bad), annotations.length > 0 ? some('annotation', annotations.length) : ''].filter(
    Boolean,
  );
  const detail = `${who.join(' and ')} must not set AppArmor profile type to ${quote(values)}`;
  return violation(some('forbidden AppArmor profile', values.length), detail);
}

function probeHosts(target: Target): Violation | undefined {
  const hosts = new Set<string>();
  const bad = matching(target, (_, container) => {
    const { livenessProbe, readinessProbe, startupProbe, lifecycle } = container;
    const handlers: (LifecycleHandler | undefined)[] = [
      livenessProbe,
      readinessProbe,
      startupProbe,
      lifecycle?.postStart,
      lifecycle?.preStop,
    ];
    const used = handlers
      .flatMap((handler) => [handler?.httpGet?.host, handler?.tcpSocket?.host])
      .filter((host) => host);
    for (const host of used) hosts.add(host!);
    return used.length > 0;
  });
  if (bad.length === 0) return undefined;
  const what = some('probe or lifecycle host', hosts.size);
  return violation(
    'probe or lifecycle host',
    `${named(bad)} ${some('uses', bad.length, 'use')} ${what} ${quote(sorted(hosts))}`,
  );
}

function procMount(target: Target): Violation | undefined {
  // In a user namespace the mask protects nothing that is not the pod's own; only the baseline says so.
  if (!target.isRestricted && target.minor >= 35 && target.spec.hostUsers === false) return undefined;
  const values = new Set<string>();
  const bad = matching(target, (context) => {
    const isBad = context.procMount !== undefined && context.procMount !== 'Default';
    if (isBad) values.add(context.procMount!);
    return isBad;
  });
  if (bad.length === 0) return undefined;
  return violation('procMount', `${named(bad)} must not set securityContext.procMount to ${quote(sorted(values))}`);
}

function seLinux(target: Target): Violation | undefined {
  const allowed = new Set([
    '',
    'container_t',
    'container_init_t',
    'container_kvm_t',
    ...(target.minor >= 31 ? ['container_engine_t'] : []),
  ]);
  const types = new Set<string>();
  let [hasUser, hasRole] = [false, false];
  const isBad = (options: SecurityContext['seLinuxOptions']) => {
    if (!options) return false;
    const isBadType = !allowed.has(options.type ?? '');
    if (isBadType) types.add(options.type!);
    hasUser ||= Boolean(options.user);
    hasRole ||= Boolean(options.role);
    return isBadType || Boolean(options.user) || Boolean(options.role);
  };
  const isPod = isBad(target.spec.securityContext?.seLinuxOptions);
  const bad = matching(target, ({ seLinuxOptions }) => isBad(seLinuxOptions));
  if (!isPod && bad.length === 0) return undefined;
  const problems = [
    ...(types.size > 0 ? [`${some('type', types.size)} ${quote(sorted(types))}`] : []),
    ...(hasUser ? ['user may not be set'] : []),
    ...(hasRole ? ['role may not be set'] : []),
  ];
  return violation(
    'seLinuxOptions',
    `${setters(isPod, bad)} set forbidden securityContext.seLinuxOptions: ${problems.join('; ')}`,
  );
}

function seccomp(target: Target, isRestricted: boolean): Violation | undefined {
  if (isRestricted && target.isWindows && target.minor >= 25) return undefined;
  const values = new Set<string>();
  const isBad = (type: string | undefined) => {
    const bad = type !== undefined && type !== 'RuntimeDefault' && type !== 'Localhost';
    if (bad) values.add(type);
    return bad;
  };
  const podType = target.spec.securityContext?.seccompProfile?.type;
  const isPod = isBad(podType);
  const bad = matching(target, ({ seccompProfile }) => isBad(seccompProfile?.type));
  if (isPod || bad.length > 0) {
    return violation(
      'seccompProfile',
      `${setters(isPod, bad)} must not set securityContext.seccompProfile.type to ${quote(sorted(values))}`,
    );
  }
  if (!isRestricted || podType !== undefined) return undefined;
  const missing = matching(target, ({ seccompProfile }) => seccompProfile?.type === undefined);
  if (missing.length === 0) return undefined;
  return violation(
    'seccompProfile',
    `pod or ${named(missing)} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"`,
  );
}

function restrictedCapabilities(target: Target): Violation | undefined {
  if (target.isWindows && target.minor >= 25) return undefined;
  const added = new Set<string>();
  const missing = matching(target, ({ capabilities }) => !capabilities?.drop?.includes('ALL'));
  const bad = matching(target, ({ capabilities }) => {
    const forbidden = (capabilities?.add ?? []).filter((name) => name !== 'NET_BIND_SERVICE');
    for (const name of forbidden) added.add(name);
    return forbidden.length > 0;
  });
  const details = [
    ...(missing.length > 0 ? [`${named(missing)} must set securityContext.capabilities.drop=["ALL"]`] : []),
    ...(bad.length > 0
      ? [`${named(bad)} must not include ${quote(sorted(added))} in securityContext.capabilities.add`]
      : []),
  ];
  return details.length > 0 ? violation('unrestricted capabilities', details.join('; ')) : undefined;
}

function runAsNonRoot(target: Target): Violation | undefined {
  if (target.minor >= 35 && target.spec.hostUsers === false) return undefined;
  const reason = 'runAsNonRoot != true';
  const pod = target.spec.securityContext?.runAsNonRoot;
  const bad = matching(target, (context) => context.runAsNonRoot === false);
  if (pod === false || bad.length > 0) {
    return violation(reason, `${setters(pod === false, bad)} must not set securityContext.runAsNonRoot=false`);
  }
  if (pod) return undefined;
  const missing = matching(target, (context) => context.runAsNonRoot === undefined);
  if (missing.length === 0) return undefined;
  return violation(reason, `pod or ${named(missing)} must set securityContext.runAsNonRoot=true`);
}
