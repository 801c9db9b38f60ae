// The fields of a KubeletConfiguration, as upstream's decoder knows them.
import type { Field, Fields } from '../../base/strict-fields.ts';

const version = 'v1beta1';
const of = (type: string, fields: Readonly<Record<string, Field>>): Fields => ({ type, fields, version });
const all = (type: Field, names: string): Record<string, Field> =>
  Object.fromEntries(
    names
      .trim()
      .split(/\s+/)
      .map((name) => [name, type]),
  );

const texts: Field = { list: 'string' };
const amounts: Field = { map: 'string' };

export const configurationFields = of('KubeletConfiguration', {
  ...all(
    'bool',
    `enableServer rotateCertificates serverTLSBootstrap enableDebuggingHandlers enableContentionProfiling cgroupsPerQOS
     singleProcessOOMKill runOnce cpuCFSQuota serializeImagePulls mergeDefaultEvictionSettings
     enableControllerAttachDetach protectKernelDefaults makeIPTablesUtilChains failSwapOn failCgroupV1
     kernelMemcgNotification enableSystemLogHandler enableSystemLogQuery enableProfilingHandler enableDebugFlagsHandler
     seccompDefault registerNode localStorageCapacityIsolation`,
  ),
  ...all(
    'string',
    `apiVersion kind staticPodPath podLogsDir staticPodURL address tlsCertFile tlsPrivateKeyFile tlsMinVersion
     imagePullCredentialsVerificationPolicy healthzBindAddress clusterDomain kubeletCgroups systemCgroups cgroupRoot
     cgroupDriver cpuManagerPolicy memoryManagerPolicy topologyManagerPolicy topologyManagerScope hairpinMode podCIDR
     resolvConf contentType containerLogMaxSize configMapAndSecretChangeDetectionStrategy reservedSystemCPUs
     showHiddenMetricsForVersion systemReservedCgroup kubeReservedCgroup volumePluginDir providerID
     memoryReservationPolicy containerRuntimeEndpoint imageServiceEndpoint`,
  ),
  ...all(
    'duration',
    `syncFrequency fileCheckFrequency httpCheckFrequency streamingConnectionIdleTimeout nodeStatusUpdateFrequency
     nodeStatusReportFrequency imageMinimumGCAge imageMaximumGCAge volumeStatsAggPeriod cpuManagerReconcilePeriod
     runtimeRequestTimeout cpuCFSQuotaPeriod evictionPressureTransitionPeriod containerLogMonitorInterval
     shutdownGracePeriod shutdownGracePeriodCriticalPods`,
  ),
  ...all(
    'int32',
    `port readOnlyPort registryPullQPS registryBurst eventRecordQPS eventBurst healthzPort oomScoreAdj
     nodeLeaseDurationSeconds imageGCHighThresholdPercent imageGCLowThresholdPercent maxPods nodeStatusMaxImages
     kubeAPIQPS kubeAPIBurst maxParallelImagePulls evictionMaxPodGracePeriod podsPerCore iptablesMasqueradeBit
     iptablesDropBit containerLogMaxFiles containerLogMaxWorkers`,
  ),
  ...all('int64', 'podPidsLimit maxOpenFiles'),
  ...all('float', 'memoryThrottlingFactor'),
  ...all(
    texts,
    'tlsCipherSuites preloadedImagesVerificationAllowlist clusterDNS enforceNodeAllocatable allowedUnsafeSysctls',
  ),
  ...all(
    amounts,
    `cpuManagerPolicyOptions topologyManagerPolicyOptions qosReserved evictionHard evictionSoft evictionSoftGracePeriod
     evictionMinimumReclaim`,
  ),
  // Written as `cpu: 1` or `cpu: "1"`.
  systemReserved: { map: 'any' },
  kubeReserved: { map: 'any' },
  staticPodURLHeader: { map: texts },
  tlsCurvePreferences: { list: 'int32' },
  featureGates: { map: 'bool' },
  authentication: of('KubeletAuthentication', {
    x509: of('KubeletX509Authentication', { clientCAFile: 'string' }),
    webhook: of('KubeletWebhookAuthentication', { enabled: 'bool', cacheTTL: 'duration' }),
    anonymous: of('KubeletAnonymousAuthentication', { enabled: 'bool' }),
  }),
  authorization: of('KubeletAuthorization', {
    mode: 'string',
    webhook: of('KubeletWebhookAuthorization', { cacheAuthorizedTTL: 'duration', cacheUnauthorizedTTL: 'duration' }),
  }),
  memorySwap: of('MemorySwapConfiguration', { swapBehavior: 'string' }),
  crashLoopBackOff: of('CrashLoopBackOffConfig', { maxContainerRestartPeriod: 'duration' }),
  shutdownGracePeriodByPodPriority: {
    list: of('ShutdownGracePeriodByPodPriority', { priority: 'int32', shutdownGracePeriodSeconds: 'int64' }),
  },
  reservedMemory: { list: of('MemoryReservation', { numaNode: 'int32', limits: { map: 'any' } }) },
  registerWithTaints: {
    list: of('Taint', { key: 'string', value: 'string', effect: 'string', timeAdded: 'string' }),
  },
  userNamespaces: of('UserNamespaces', { idsPerPod: 'int64' }),
  // Of other packages; nothing here follows them.
  logging: 'any',
  tracing: 'any',
});
