import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultKubeletConfiguration, parseKubeletConfiguration } from './configuration.ts';

const header = 'apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n';

/** What upstream's kubelet says of the same file. */
function problemOf(body: string): string {
  try {
    parseKubeletConfiguration(header + body);
    return 'none';
  } catch (error) {
    return (error as Error).message;
  }
}

const judged = (problem: string) =>
  `failed to validate kubelet configuration, error: invalid configuration: ${problem}`;

const cases: Readonly<Record<string, string>> = {
  'evictionHard: {memory.available: 200Mi}\nfeatureGates: {NodeSwap: true}\nsystemReserved: {cpu: 1}': 'none',
  'maxPod: 1': 'strict decoding error: unknown field "maxPod"',
  'maxPods: many': 'json: cannot unmarshal string into Go struct field KubeletConfiguration.maxPods of type int32',
  'evictionHard: {memory.available: 1}':
    'json: cannot unmarshal number into Go struct field KubeletConfiguration.evictionHard of type string',
  'fileCheckFrequency: 5 seconds': 'time: unknown unit " seconds" in duration "5 seconds"',
  'evictionHard: {memory.free: 1Gi}': 'unsupported eviction signal memory.free',
  'evictionHard: {memory.available: 101%}': 'eviction percentage threshold memory.available must be <= 100%: 101%',
  'evictionSoft: {memory.available: 1Gi}':
    'grace period must be specified for the soft eviction threshold memory.available',
  'shutdownGracePeriod: 10s\nshutdownGracePeriodCriticalPods: 20s': judged(
    'shutdownGracePeriodCriticalPods {20s} must be <= shutdownGracePeriod {10s}',
  ),
  'enforceNodeAllocatable: [system-reserved]': judged(
    'systemReservedCgroup (--system-reserved-cgroup) must be specified when "system-reserved" or "system-reserved-compressible" included in enforceNodeAllocatable (--enforce-node-allocatable)',
  ),
  'cpuManagerPolicy: static\nmemorySwap: {swapBehavior: LimitedSwap}':
    'settings that this node agent does not have: cpuManagerPolicy: must be "none", got "static"; memorySwap.swapBehavior: must be "NoSwap", got "LimitedSwap"',
  'imageGCHighThresholdPercent: 70': judged(
    'imageGCLowThresholdPercent (--image-gc-low-threshold) 80 must be less than imageGCHighThresholdPercent (--image-gc-high-threshold) 70',
  ),
};

for (const [body, want] of Object.entries(cases))
  test(`a KubeletConfiguration with ${body.split('\n')[0]}: ${want.slice(0, 60)}`, () =>
    assert.equal(problemOf(body), want));

test('what a KubeletConfiguration leaves out is as upstream has it; one threshold replaces all of its defaults', () => {
  const empty = parseKubeletConfiguration(header);
  assert.equal(empty.evictionHard['nodefs.available'], '10%');
  assert.deepEqual([empty.maxPods, empty.podPidsLimit, empty.imageGcHighPercent], [110, -1, 85]);
  const one = parseKubeletConfiguration(`${header}evictionHard: {memory.available: 1Gi}`);
  assert.deepEqual(one.evictionHard, { 'memory.available': '1Gi' });
  const merged = parseKubeletConfiguration(
    `${header}evictionHard: {memory.available: 1Gi}\nmergeDefaultEvictionSettings: true`,
  );
  assert.equal(merged.evictionHard['imagefs.available'], '15%');
});

test('times and rates of the node are what the file says', () => {
  const given = parseKubeletConfiguration(
    `${header}containerLogMaxSize: 20Mi\ncontainerLogMonitorInterval: 3s\ncpuCFSQuota: false\ncpuCFSQuotaPeriod: 10ms
crashLoopBackOff: {maxContainerRestartPeriod: 8s}\nregistryPullQPS: 0\neventRecordQPS: 7\nnodeStatusUpdateFrequency: 4s`,
  );
  assert.deepEqual([given.containerLogMaxBytes, given.containerLogMonitorMs], [20 * 2 ** 20, 3_000]);
  assert.deepEqual(given.cpuLimits, { isHeld: false, periodMicros: 10_000 });
  assert.deepEqual([given.maxRestartPeriodMs, given.nodeStatusReportMs], [8_000, 4_000]);
  assert.deepEqual(
    [given.registryPulls, given.events],
    [
      { perSecond: 0, burst: 10 },
      { perSecond: 7, burst: 100 },
    ],
  );
});

test('grace periods of a shutdown come in order of priority', () => {
  const { shutdownGracePeriods } = parseKubeletConfiguration(
    `${header}shutdownGracePeriod: 30s\nshutdownGracePeriodCriticalPods: 10s`,
  );
  assert.deepEqual(shutdownGracePeriods, [
    { priority: 0, seconds: 20 },
    { priority: 2_000_000_000, seconds: 10 },
  ]);
  assert.deepEqual(defaultKubeletConfiguration().shutdownGracePeriods, []);
});
