// What upstream refuses in a KubeletConfiguration, in its words. Judged after the defaults.
import { parseDuration } from '../../schema/time.ts';

type Json = Readonly<Record<string, any>>;

/** Field, its flag as messages name it, the least and the most it may be. */
const ranges: readonly (readonly [field: string, flag: string, least: number, most: number])[] = [
  ['healthzPort', '--healthz-port', 0, 65_535],
  ['imageGCHighThresholdPercent', '--image-gc-high-threshold', 0, 100],
  ['imageGCLowThresholdPercent', '--image-gc-low-threshold', 0, 100],
  ['iptablesDropBit', '--iptables-drop-bit', 0, 31],
  ['iptablesMasqueradeBit', '--iptables-masquerade-bit', 0, 31],
  ['oomScoreAdj', '--oom-score-adj', -1000, 1000],
  ['port', '--port', 1, 65_535],
  ['readOnlyPort', '--read-only-port', 0, 65_535],
];

const notNegative: Readonly<Record<string, string>> = {
  eventBurst: '--event-burst',
  eventRecordQPS: '--event-qps',
  kubeAPIBurst: '--kube-api-burst',
  kubeAPIQPS: '--kube-api-qps',
  maxOpenFiles: '--max-open-files',
  maxPods: '--max-pods',
  podsPerCore: '--pods-per-core',
  registryBurst: '--registry-burst',
  registryPullQPS: '--registry-qps',
};

/** Field, flag, and what it may be. */
const choices: readonly (readonly [field: string, flag: string, values: readonly string[]])[] = [
  ['topologyManagerPolicy', '--topology-manager-policy', ['none', 'best-effort', 'restricted', 'single-numa-node']],
];

const enforcements = [
  'pods',
  'system-reserved',
  'kube-reserved',
  'system-reserved-compressible',
  'kube-reserved-compressible',
  'none',
];

export function problemsOf(json: Json): string[] {
  const problems: string[] = [];
  const say = (text: string) => void problems.push(`invalid configuration: ${text}`);
  const ms = (field: string): number => Number(parseDuration(String(json[field] ?? '0s')) / 1_000_000n);
  if (json['nodeLeaseDurationSeconds'] <= 0) say('nodeLeaseDurationSeconds must be greater than 0');
  for (const [field, flag, least, most] of ranges) {
    const value = json[field];
    if (value === undefined || (value >= least && value <= most)) continue;
    const from = field === 'healthzPort' ? 1 : least;
    say(`${field} (${flag}) ${value} must be between ${from} and ${most}, inclusive`);
  }
  for (const [field, flag] of Object.entries(notNegative))
    if (json[field] < 0) say(`${field} (${flag}) ${json[field]} must not be a negative number`);
  const period = ms('cpuCFSQuotaPeriod');
  if (period < 1 || period > 1000)
    say(
      `cpuCFSQuotaPeriod (--cpu-cfs-quota-period) {${json['cpuCFSQuotaPeriod']}} must be between 1ms and 1sec, inclusive`,
    );
  imageProblems(json, ms, say);
  if (json['nodeStatusMaxImages'] < -1)
    say(`nodeStatusMaxImages (--node-status-max-images) ${json['nodeStatusMaxImages']} must be -1 or greater`);
  if (json['maxParallelImagePulls'] < 1)
    say(`maxParallelImagePulls ${json['maxParallelImagePulls']} must be a positive number`);
  if (json['maxParallelImagePulls'] > 1 && json['serializeImagePulls'])
    say(
      'maxParallelImagePulls cannot be larger than 1 unless SerializeImagePulls (--serialize-image-pulls) is set to false',
    );
  if (json['runOnce']) say('runOnce (--runOnce) true, Runonce mode has been deprecated and should not be set');
  for (const [field, flag, values] of choices)
    if (!values.includes(json[field])) say(`${field} (${flag}) "${json[field]}" must be one of: ${quoted(values)}`);
  if (!['container', 'pod'].includes(json['topologyManagerScope']))
    say(
      `topologyManagerScope (--topology-manager-scope) "${json['topologyManagerScope']}" must be one of: "container", or "pod"`,
    );
  shutdownProblems(json, ms, say);
  const longest = Number(parseDuration(json['crashLoopBackOff'].maxContainerRestartPeriod)) / 1e9;
  if (longest < 1 || longest > 300)
    say(`CrashLoopBackOff.MaxContainerRestartPeriod (got: ${longest} seconds) must be set between 1s and 300s`);
  allocatableProblems(json, say);
  if (!['promiscuous-bridge', 'hairpin-veth', 'none'].includes(json['hairpinMode']))
    say(
      `option "${json['hairpinMode']}" specified for hairpinMode (--hairpin-mode). Valid options are "none", "hairpin-veth" or "promiscuous-bridge"`,
    );
  if (json['containerLogMaxWorkers'] < 1) say('containerLogMaxWorkers must be greater than or equal to 1');
  if (ms('containerLogMonitorInterval') < 3000)
    say('containerLogMonitorInterval must be a positive time duration greater than or equal to 3s');
  if (json['containerLogMaxFiles'] <= 1) say('containerLogMaxFiles must be greater than 1');
  if (!String(json['podLogsDir']).startsWith('/')) say(`pod logs path "${json['podLogsDir']}" must be absolute path`);
  return problems;
}

const quoted = (values: readonly string[]) => `[${values.map((value) => `"${value}"`).join(' ')}]`;

type Say = (text: string) => void;
type Ms = (field: string) => number;

function imageProblems(json: Json, ms: Ms, say: Say): void {
  const [low, high] = [json['imageGCLowThresholdPercent'], json['imageGCHighThresholdPercent']];
  if (low >= high)
    say(
      `imageGCLowThresholdPercent (--image-gc-low-threshold) ${low} must be less than imageGCHighThresholdPercent (--image-gc-high-threshold) ${high}`,
    );
  const [least, most] = [ms('imageMinimumGCAge'), ms('imageMaximumGCAge')];
  if (least < 0) say(`imageMinimumGCAge ${json['imageMinimumGCAge']} must not be negative`);
  if (most < 0) say(`imageMaximumGCAge ${json['imageMaximumGCAge']} must not be negative`);
  if (most > 0 && most <= least)
    say(
      `imageMaximumGCAge {${json['imageMaximumGCAge']}} must be greater than imageMinimumGCAge {${json['imageMinimumGCAge']}}`,
    );
}

function shutdownProblems(json: Json, ms: Ms, say: Say): void {
  const total = json['shutdownGracePeriod'];
  const critical = json['shutdownGracePeriodCriticalPods'];
  const [totalMs, criticalMs] = [ms('shutdownGracePeriod'), ms('shutdownGracePeriodCriticalPods')];
  if (totalMs < criticalMs)
    say(`shutdownGracePeriodCriticalPods {${critical}} must be <= shutdownGracePeriod {${total}}`);
  if (totalMs !== 0 && totalMs < 1000) say(`shutdownGracePeriod {${total}} must be either zero or otherwise >= 1 sec`);
  if (criticalMs !== 0 && criticalMs < 1000)
    say(`shutdownGracePeriodCriticalPods {${critical}} must be either zero or otherwise >= 1 sec`);
  if ((totalMs || criticalMs) && json['shutdownGracePeriodByPodPriority']?.length)
    say('Cannot specify both shutdownGracePeriodByPodPriority and shutdownGracePeriod at the same time');
}

function allocatableProblems(json: Json, say: Say): void {
  const list: readonly string[] = json['enforceNodeAllocatable'] ?? [];
  const where = 'enforceNodeAllocatable (--enforce-node-allocatable)';
  for (const part of ['system-reserved', 'kube-reserved'])
    if (list.includes(part) && list.includes(`${part}-compressible`))
      say(`both "${part}" and "${part}-compressible" cannot be specified together in ${where}`);
  const seen = new Set<string>();
  for (const each of list) {
    if (seen.has(each)) {
      say(`duplicated enforcements "${each}" in ${where}`);
      continue;
    }
    seen.add(each);
    const part = each.replace('-compressible', '');
    if (part === 'system-reserved' || part === 'kube-reserved') {
      const [field, flag] =
        part === 'system-reserved'
          ? ['systemReservedCgroup', '--system-reserved-cgroup']
          : ['kubeReservedCgroup', '--kube-reserved-cgroup'];
      if (!json[field!])
        say(`${field} (${flag}) must be specified when "${part}" or "${part}-compressible" included in ${where}`);
    } else if (each === 'none') {
      if (list.length > 1) say(`${where} may not contain additional enforcements when "none" is specified`);
    } else if (each !== 'pods') {
      const valid = enforcements.slice(0, -1).map((name) => `"${name}"`);
      say(`option "${each}" specified for ${where}. Valid options are ${valid.join(', ')} or "none"`);
    }
  }
  if (json['reservedSystemCPUs'] && (json['systemReservedCgroup'] || json['kubeReservedCgroup']))
    say(
      "can't use reservedSystemCPUs (--reserved-cpus) with systemReservedCgroup (--system-reserved-cgroup) or kubeReservedCgroup (--kube-reserved-cgroup)",
    );
}
