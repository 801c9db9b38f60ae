// What a KubeletConfiguration has where it says nothing.

type Json = Readonly<Record<string, unknown>>;

export const defaultEvictionHard: Readonly<Record<string, string>> = {
  'memory.available': '100Mi',
  'nodefs.available': '10%',
  'nodefs.inodesFree': '5%',
  'imagefs.available': '15%',
  'imagefs.inodesFree': '5%',
};

/** Upstream's, in the order and form of its file. */
const upstream: Json = {
  enableServer: true,
  podLogsDir: '/var/log/pods',
  syncFrequency: '1m0s',
  fileCheckFrequency: '20s',
  httpCheckFrequency: '20s',
  address: '0.0.0.0',
  port: 10250,
  authentication: { x509: {}, webhook: { enabled: true, cacheTTL: '2m0s' }, anonymous: { enabled: false } },
  authorization: { mode: 'Webhook', webhook: { cacheAuthorizedTTL: '5m0s', cacheUnauthorizedTTL: '30s' } },
  registryPullQPS: 5,
  registryBurst: 10,
  imagePullCredentialsVerificationPolicy: 'NeverVerifyPreloadedImages',
  eventRecordQPS: 50,
  eventBurst: 100,
  enableDebuggingHandlers: true,
  healthzPort: 10248,
  healthzBindAddress: '127.0.0.1',
  oomScoreAdj: -999,
  streamingConnectionIdleTimeout: '4h0m0s',
  nodeStatusUpdateFrequency: '10s',
  nodeStatusReportFrequency: '5m0s',
  nodeLeaseDurationSeconds: 40,
  imageMinimumGCAge: '2m0s',
  imageMaximumGCAge: '0s',
  imageGCHighThresholdPercent: 85,
  imageGCLowThresholdPercent: 80,
  volumeStatsAggPeriod: '1m0s',
  cgroupsPerQOS: true,
  cgroupDriver: 'cgroupfs',
  cpuManagerPolicy: 'none',
  cpuManagerReconcilePeriod: '10s',
  memoryManagerPolicy: 'None',
  topologyManagerPolicy: 'none',
  topologyManagerScope: 'container',
  runtimeRequestTimeout: '2m0s',
  hairpinMode: 'promiscuous-bridge',
  maxPods: 110,
  podPidsLimit: -1,
  resolvConf: '/etc/resolv.conf',
  cpuCFSQuota: true,
  cpuCFSQuotaPeriod: '100ms',
  nodeStatusMaxImages: 50,
  maxOpenFiles: 1_000_000,
  contentType: 'application/vnd.kubernetes.protobuf',
  kubeAPIQPS: 50,
  kubeAPIBurst: 100,
  evictionPressureTransitionPeriod: '5m0s',
  mergeDefaultEvictionSettings: false,
  enableControllerAttachDetach: true,
  makeIPTablesUtilChains: true,
  iptablesMasqueradeBit: 14,
  iptablesDropBit: 15,
  failSwapOn: true,
  memorySwap: {},
  containerLogMaxSize: '10Mi',
  containerLogMaxFiles: 5,
  containerLogMaxWorkers: 1,
  containerLogMonitorInterval: '10s',
  configMapAndSecretChangeDetectionStrategy: 'Watch',
  enforceNodeAllocatable: ['pods'],
  volumePluginDir: '/usr/libexec/kubernetes/kubelet-plugins/volume/exec/',
  logging: {
    format: 'text',
    flushFrequency: '5s',
    verbosity: 0,
    options: { text: { infoBufferSize: '0' }, json: { infoBufferSize: '0' } },
  },
  enableSystemLogHandler: true,
  enableSystemLogQuery: false,
  shutdownGracePeriod: '0s',
  shutdownGracePeriodCriticalPods: '0s',
  crashLoopBackOff: { maxContainerRestartPeriod: '5m0s' },
  enableProfilingHandler: true,
  enableDebugFlagsHandler: true,
  memoryThrottlingFactor: 0.9,
  memoryReservationPolicy: 'None',
  registerNode: true,
  localStorageCapacityIsolation: true,
  containerRuntimeEndpoint: 'unix:///run/containerd/containerd.sock',
  failCgroupV1: false,
  // Upstream's is false; here nothing runs without a profile unless somebody says so.
  seccompDefault: true,
};

/**
 * What a node has that nobody gave a file: a developer's disk is often fuller than upstream likes, and images that were
 * imported there cannot be pulled again.
 */
export const withoutFile: Json = {
  // Upstream pulls one image after the other unless it is told how many at a time.
  maxParallelImagePulls: 5,
  evictionHard: {
    'memory.available': '100Mi',
    'nodefs.available': '2%',
    'nodefs.inodesFree': '2%',
    'imagefs.available': '2%',
    'imagefs.inodesFree': '2%',
  },
  imageGCHighThresholdPercent: 97,
  imageGCLowThresholdPercent: 96,
  // Enough for every program, and too few for a fork bomb.
  podPidsLimit: 4096,
};

/** The file with upstream's defaults. */
export function withDefaults(given: Json): Record<string, any> {
  const merged: Record<string, any> = { ...upstream, ...withoutNulls(given) };
  for (const name of ['authentication', 'authorization', 'crashLoopBackOff'])
    merged[name] = deepen(upstream[name] as Json, given[name] as Json | undefined);
  // Who says how often the status is looked at means how often it is written as well.
  if (given['nodeStatusUpdateFrequency'] && !given['nodeStatusReportFrequency'])
    merged['nodeStatusReportFrequency'] = given['nodeStatusUpdateFrequency'];
  merged['serializeImagePulls'] ??= !(((given['maxParallelImagePulls'] as number | undefined) ?? 0) >= 2);
  if ((merged['podPidsLimit'] as number) < 0) merged['podPidsLimit'] = -1;
  const hard = given['evictionHard'] as Json | undefined;
  if (hard === undefined || hard === null) merged['evictionHard'] = defaultEvictionHard;
  else if (given['mergeDefaultEvictionSettings']) merged['evictionHard'] = { ...defaultEvictionHard, ...hard };
  return merged;
}

function deepen(base: Json, given: Json | undefined): Json {
  const entries = Object.entries(given ?? {}).map(([name, value]) => [
    name,
    typeof value === 'object' && value !== null ? { ...(base[name] as Json), ...value } : value,
  ]);
  return { ...base, ...Object.fromEntries(entries) };
}

/** Go leaves a field as it was where the file says null; a text or number that is zero is as good as absent to it. */
function withoutNulls(given: Json): Json {
  const isAbsent = (name: string, value: unknown) =>
    value === null ||
    value === '' ||
    (value === '0s' && zeroMeansDefault.has(name)) ||
    (value === 0 && zeroMeansDefault.has(name));
  return Object.fromEntries(Object.entries(given).filter(([name, value]) => !isAbsent(name, value)));
}

/** Fields that are no pointers in Go: their zero cannot be told from silence. */
const zeroMeansDefault: ReadonlySet<string> = new Set([
  'syncFrequency',
  'fileCheckFrequency',
  'httpCheckFrequency',
  'port',
  'registryBurst',
  'eventBurst',
  'streamingConnectionIdleTimeout',
  'nodeStatusUpdateFrequency',
  'nodeStatusReportFrequency',
  'nodeLeaseDurationSeconds',
  'imageMinimumGCAge',
  'volumeStatsAggPeriod',
  'cpuManagerReconcilePeriod',
  'runtimeRequestTimeout',
  'maxPods',
  'maxOpenFiles',
  'kubeAPIBurst',
  'evictionPressureTransitionPeriod',
]);
