// The fields of the configuration and of the plugins' arguments.
import type { Field, Fields } from '../../base/strict-fields.ts';
import { extensionPoints } from './types.ts';

const of = (type: string, fields: Readonly<Record<string, Field>>): Fields => ({ type, fields });
const texts: Field = { list: 'string' };
const typeMeta = { apiVersion: 'string', kind: 'string' } as const;
const pluginEntries: Field = { list: of('Plugin', { name: 'string', weight: 'int32' }) };
const pluginSet = of('PluginSet', { enabled: pluginEntries, disabled: pluginEntries });
const resources: Field = { list: of('ResourceSpec', { name: 'string', weight: 'int64' }) };
const shape: Field = { list: of('UtilizationShapePoint', { utilization: 'int32', score: 'int32' }) };

const leaderElection = of('LeaderElectionConfiguration', {
  leaderElect: 'bool',
  leaseDuration: 'duration',
  renewDeadline: 'duration',
  retryPeriod: 'duration',
  resourceLock: 'string',
  resourceName: 'string',
  resourceNamespace: 'string',
});

const clientConnection = of('ClientConnectionConfiguration', {
  kubeconfig: 'string',
  acceptContentTypes: 'string',
  contentType: 'string',
  qps: 'float',
  burst: 'int32',
});

const tls = of('ExtenderTLSConfig', {
  insecure: 'bool',
  serverName: 'string',
  certFile: 'string',
  keyFile: 'string',
  caFile: 'string',
  certData: 'string',
  keyData: 'string',
  caData: 'string',
});

const extender = of('Extender', {
  urlPrefix: 'string',
  filterVerb: 'string',
  preemptVerb: 'string',
  prioritizeVerb: 'string',
  weight: 'int64',
  bindVerb: 'string',
  enableHTTPS: 'bool',
  tlsConfig: tls,
  httpTimeout: 'duration',
  nodeCacheCapable: 'bool',
  managedResources: { list: of('ExtenderManagedResource', { name: 'string', ignoredByScheduler: 'bool' }) },
  ignorable: 'bool',
});

const points = Object.fromEntries(
  [...extensionPoints, 'multiPoint', 'placementGenerate', 'placementScore'].map((point) => [point, pluginSet]),
);

const profile = of('KubeSchedulerProfile', {
  schedulerName: 'string',
  percentageOfNodesToScore: 'int32',
  plugins: of('Plugins', points),
  pluginConfig: { list: of('PluginConfig', { name: 'string', args: 'any' }) },
});

export const configurationFields = of('KubeSchedulerConfiguration', {
  ...typeMeta,
  parallelism: 'int32',
  leaderElection,
  clientConnection,
  enableProfiling: 'bool',
  enableContentionProfiling: 'bool',
  percentageOfNodesToScore: 'int32',
  podInitialBackoffSeconds: 'int64',
  podMaxBackoffSeconds: 'int64',
  profiles: { list: profile },
  extenders: { list: extender },
  delayCacheUntilActive: 'bool',
});

/** By name of the plugin. */
export const pluginArgsFields: Readonly<Record<string, Fields>> = {
  DefaultPreemption: of('DefaultPreemptionArgs', {
    minCandidateNodesPercentage: 'int32',
    minCandidateNodesAbsolute: 'int32',
  }),
  DynamicResources: of('DynamicResourcesArgs', { filterTimeout: 'duration', bindingTimeout: 'duration' }),
  InterPodAffinity: of('InterPodAffinityArgs', {
    hardPodAffinityWeight: 'int32',
    ignorePreferredTermsOfExistingPods: 'bool',
  }),
  NodeAffinity: of('NodeAffinityArgs', { addedAffinity: 'any' }),
  NodeResourcesBalancedAllocation: of('NodeResourcesBalancedAllocationArgs', { resources }),
  NodeResourcesFit: of('NodeResourcesFitArgs', {
    ignoredResources: texts,
    ignoredResourceGroups: texts,
    scoringStrategy: of('ScoringStrategy', {
      type: 'string',
      resources,
      requestedToCapacityRatio: of('RequestedToCapacityRatioParam', { shape }),
    }),
  }),
  PodTopologySpread: of('PodTopologySpreadArgs', { defaultConstraints: { list: 'any' }, defaultingType: 'string' }),
  VolumeBinding: of('VolumeBindingArgs', { bindTimeoutSeconds: 'int64', shape }),
};
