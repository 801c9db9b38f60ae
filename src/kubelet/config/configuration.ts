// KubeletConfiguration of kubelet.config.k8s.io/v1beta1: read strictly, filled with upstream's defaults, judged in
// upstream's words.

import { unitsOf } from '../../api/meta/quantity.ts';
import { readConfigurationFile } from '../../base/configuration-file.ts';
import { ConfigurationError, checkFields } from '../../base/strict-fields.ts';
import { canonicalDuration, parseDuration } from '../../schema/time.ts';
import { parseThresholds } from '../eviction/thresholds.ts';
import { withDefaults, withoutFile } from './defaults.ts';
import { configurationFields } from './fields.ts';
import type { KubeletConfiguration, ShutdownGracePeriod } from './types.ts';
import { unsupportedSettings } from './unsupported.ts';
import { problemsOf } from './validation.ts';

const apiVersion = 'kubelet.config.k8s.io/v1beta1';
const kind = 'KubeletConfiguration';
const scheme = 'k8s.io/kubernetes/pkg/kubelet/apis/config/scheme/scheme.go:33';
const criticalPriority = 2_000_000_000;

type Json = Record<string, any>;

/** @throws ConfigurationError, in upstream's words. */
export function parseKubeletConfiguration(text: string): KubeletConfiguration {
  const json = readConfigurationFile(text, { apiVersions: [apiVersion], kind, scheme });
  checkFields(json, configurationFields);
  checkDurations(json);
  const full = withDefaults(json);
  const problems = problemsOf(full);
  if (problems.length > 0)
    throw new ConfigurationError(
      `failed to validate kubelet configuration, error: ${problems.length === 1 ? problems[0] : `[${problems.join(', ')}]`}`,
    );
  const unsupported = unsupportedSettings(full);
  if (unsupported.length > 0)
    throw new ConfigurationError(`settings that this node agent does not have: ${unsupported.join('; ')}`);
  const configuration = settingsOf(full, json);
  try {
    parseThresholds(configuration);
  } catch (error) {
    throw new ConfigurationError((error as Error).message);
  }
  return configuration;
}

/** What a node without a file has. */
export const defaultKubeletConfiguration = (): KubeletConfiguration => settingsOf(withDefaults(withoutFile));

/** Their texts are read once here, and are sound from then on. @throws ConfigurationError */
function checkDurations(json: Json): void {
  const read = (holder: Json, name: string) => {
    if (typeof holder[name] !== 'string') return;
    try {
      holder[name] = canonicalDuration(holder[name]);
    } catch (error) {
      throw new ConfigurationError((error as Error).message);
    }
  };
  for (const [name, field] of Object.entries(configurationFields.fields)) if (field === 'duration') read(json, name);
  for (const [outer, inner, name] of [
    ['crashLoopBackOff', undefined, 'maxContainerRestartPeriod'],
    ['authentication', 'webhook', 'cacheTTL'],
    ['authorization', 'webhook', 'cacheAuthorizedTTL'],
    ['authorization', 'webhook', 'cacheUnauthorizedTTL'],
  ] as const) {
    const holder = inner ? json[outer]?.[inner] : json[outer];
    if (holder) read(holder, name);
  }
}

const ms = (text: string | undefined): number => Number(parseDuration(text ?? '0s')) / 1e6;
const amounts = (map: Record<string, unknown> | undefined): Record<string, string> =>
  Object.fromEntries(Object.entries(map ?? {}).map(([name, value]) => [name, String(value)]));

/** @param given without the defaults: whose runtime it is depends on whether one was named */
function settingsOf(json: Json, given: Json = {}): KubeletConfiguration {
  return {
    containerRuntimeEndpoint: given['containerRuntimeEndpoint'] ?? '',
    imageServiceEndpoint: given['imageServiceEndpoint'] ?? '',
    cgroupDriver: json['cgroupDriver'] === 'systemd' ? 'systemd' : 'cgroupfs',
    staticPodPath: json['staticPodPath'] ?? '',
    staticPodURL: json['staticPodURL'] ?? '',
    staticPodURLHeader: json['staticPodURLHeader'] ?? {},
    fileCheckMs: ms(json['fileCheckFrequency']),
    httpCheckMs: ms(json['httpCheckFrequency']),
    maxPods: json['maxPods'],
    podsPerCore: json['podsPerCore'] ?? 0,
    podPidsLimit: json['podPidsLimit'],
    seccompDefault: json['seccompDefault'],
    providerId: json['providerID'] || undefined,
    registerWithTaints: json['registerWithTaints'] ?? [],
    containerLogMaxBytes: unitsOf(json['containerLogMaxSize']),
    containerLogMaxFiles: json['containerLogMaxFiles'],
    containerLogMaxWorkers: json['containerLogMaxWorkers'],
    containerLogMonitorMs: ms(json['containerLogMonitorInterval']),
    cpuLimits: { isHeld: json['cpuCFSQuota'], periodMicros: Math.floor(ms(json['cpuCFSQuotaPeriod']) * 1000) },
    singleProcessOomKill: json['singleProcessOOMKill'],
    maxRestartPeriodMs: ms(json['crashLoopBackOff'].maxContainerRestartPeriod),
    allowedUnsafeSysctls: json['allowedUnsafeSysctls'] ?? [],
    syncMs: ms(json['syncFrequency']),
    resolvConf: json['resolvConf'],
    registerNode: json['registerNode'],
    controllerAttaches: json['enableControllerAttachDetach'],
    nodeStatusUpdateMs: ms(json['nodeStatusUpdateFrequency']),
    nodeStatusReportMs: ms(json['nodeStatusReportFrequency']),
    nodeLeaseSeconds: json['nodeLeaseDurationSeconds'],
    nodeStatusMaxImages: json['nodeStatusMaxImages'],
    registryPulls: { perSecond: json['registryPullQPS'], burst: json['registryBurst'] },
    events: { perSecond: json['eventRecordQPS'], burst: json['eventBurst'] },
    evictionHard: amounts(json['evictionHard']),
    evictionSoft: amounts(json['evictionSoft']),
    evictionSoftGracePeriod: amounts(json['evictionSoftGracePeriod']),
    evictionMinimumReclaim: amounts(json['evictionMinimumReclaim']),
    evictionPressureTransitionMs: ms(json['evictionPressureTransitionPeriod']),
    evictionMaxPodGraceSeconds: json['evictionMaxPodGracePeriod'] ?? 0,
    localStorageCapacityIsolation: json['localStorageCapacityIsolation'],
    imageGcHighPercent: json['imageGCHighThresholdPercent'],
    imageGcLowPercent: json['imageGCLowThresholdPercent'],
    imageMinimumAgeMs: ms(json['imageMinimumGCAge']),
    imageMaximumAgeMs: ms(json['imageMaximumGCAge']),
    systemReserved: amounts(json['systemReserved']),
    kubeReserved: amounts(json['kubeReserved']),
    systemReservedCgroup: json['systemReservedCgroup'] ?? '',
    kubeReservedCgroup: json['kubeReservedCgroup'] ?? '',
    enforceNodeAllocatable: json['enforceNodeAllocatable'],
    qosReserved: amounts(json['qosReserved']),
    reservedSystemCpus: json['reservedSystemCPUs'] ?? '',
    cpuManagerPolicy: json['cpuManagerPolicy'],
    cpuManagerPolicyOptions: amounts(json['cpuManagerPolicyOptions']),
    topologyManagerPolicy: json['topologyManagerPolicy'],
    topologyManagerScope: json['topologyManagerScope'],
    shutdownGracePeriods: shutdownPeriods(json),
    json: { kind, apiVersion, ...json },
  };
}

/** By priority; where only totals are given, those of critical pods come after the others. */
function shutdownPeriods(json: Json): ShutdownGracePeriod[] {
  const given: { priority: number; shutdownGracePeriodSeconds: number }[] =
    json['shutdownGracePeriodByPodPriority'] ?? [];
  if (given.length > 0)
    return given
      .map(({ priority = 0, shutdownGracePeriodSeconds: seconds = 0 }) => ({ priority, seconds }))
      .sort((a, b) => a.priority - b.priority);
  const total = ms(json['shutdownGracePeriod']);
  const critical = ms(json['shutdownGracePeriodCriticalPods']);
  if (total === 0) return [];
  return [
    { priority: 0, seconds: Math.trunc((total - critical) / 1000) },
    { priority: criticalPriority, seconds: Math.trunc(critical / 1000) },
  ];
}
