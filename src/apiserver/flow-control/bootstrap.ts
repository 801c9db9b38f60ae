// The configuration every cluster begins with. Mandatory objects are kept as they are here; suggested ones are an
// administrator's to change, once the annotation says so.
import type {
  FlowSchema,
  PolicyRulesWithSubjects,
  PriorityLevelConfiguration,
  Subject,
} from '../../../generated/flowcontrol-v1.ts';

export const autoUpdateAnnotation = 'apf.kubernetes.io/autoupdate-spec';

export interface BootstrapSet {
  readonly levels: readonly PriorityLevelConfiguration[];
  readonly schemas: readonly FlowSchema[];
}

const apiVersion = 'flowcontrol.apiserver.k8s.io/v1';
const metadata = (name: string) => ({ name, annotations: { [autoUpdateAnnotation]: 'true' } });

interface Queues {
  readonly queues: number;
  readonly handSize: number;
}

/** Without `queuing`, requests beyond the limit are refused at once. */
function limited(name: string, shares: number, lendablePercent: number, queuing?: Queues): PriorityLevelConfiguration {
  const limitResponse = queuing ? { type: 'Queue', queuing: { ...queuing, queueLengthLimit: 50 } } : { type: 'Reject' };
  return {
    apiVersion,
    kind: 'PriorityLevelConfiguration',
    metadata: metadata(name),
    spec: { type: 'Limited', limited: { nominalConcurrencyShares: shares, limitResponse, lendablePercent } },
  } as PriorityLevelConfiguration;
}

const exemptLevel: PriorityLevelConfiguration = {
  apiVersion,
  kind: 'PriorityLevelConfiguration',
  metadata: metadata('exempt'),
  spec: { type: 'Exempt', exempt: { nominalConcurrencyShares: 0, lendablePercent: 0 } },
};

const group = (name: string): Subject => ({ kind: 'Group', group: { name } });
const user = (name: string): Subject => ({ kind: 'User', user: { name } });
const kubeSystemAccounts: Subject = {
  kind: 'ServiceAccount',
  serviceAccount: { namespace: 'kube-system', name: '*' },
};
const everybody = [group('system:unauthenticated'), group('system:authenticated')];

const anyResource = { verbs: ['*'], apiGroups: ['*'], resources: ['*'], clusterScope: true, namespaces: ['*'] };
const anyPath = { verbs: ['*'], nonResourceURLs: ['*'] };
const leases = (verbs: string[]) => ({
  verbs,
  apiGroups: ['coordination.k8s.io'],
  resources: ['leases'],
  namespaces: ['*'],
});

const everythingOf = (...subjects: Subject[]): PolicyRulesWithSubjects => ({
  subjects,
  resourceRules: [anyResource],
  nonResourceRules: [anyPath],
});

function schema(
  name: string,
  level: string,
  matchingPrecedence: number,
  distinguisher: 'ByUser' | 'ByNamespace' | undefined,
  rule: PolicyRulesWithSubjects,
): FlowSchema {
  return {
    apiVersion,
    kind: 'FlowSchema',
    metadata: metadata(name),
    spec: {
      priorityLevelConfiguration: { name: level },
      matchingPrecedence,
      ...(distinguisher ? { distinguisherMethod: { type: distinguisher } } : {}),
      rules: [rule],
    },
  };
}

export const mandatory: BootstrapSet = {
  levels: [limited('catch-all', 5, 0), exemptLevel],
  schemas: [
    schema('exempt', 'exempt', 1, undefined, everythingOf(group('system:masters'))),
    schema('catch-all', 'catch-all', 10000, 'ByUser', everythingOf(...everybody)),
  ],
};

export const suggested: BootstrapSet = {
  levels: [
    limited('system', 30, 33, { queues: 64, handSize: 6 }),
    limited('node-high', 40, 25, { queues: 64, handSize: 6 }),
    limited('leader-election', 10, 0, { queues: 16, handSize: 4 }),
    limited('workload-high', 40, 50, { queues: 128, handSize: 6 }),
    limited('workload-low', 100, 90, { queues: 128, handSize: 6 }),
    limited('global-default', 20, 50, { queues: 128, handSize: 6 }),
  ],
  schemas: [
    schema('system-nodes', 'system', 500, 'ByUser', everythingOf(group('system:nodes'))),
    schema('system-node-high', 'node-high', 400, 'ByUser', {
      subjects: [group('system:nodes')],
      resourceRules: [{ ...anyResource, apiGroups: [''], resources: ['nodes', 'nodes/status'] }, leases(['*'])],
    }),
    schema('probes', 'exempt', 2, undefined, {
      subjects: everybody,
      nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/healthz', '/readyz', '/livez'] }],
    }),
    schema('system-leader-election', 'leader-election', 100, 'ByUser', {
      subjects: [user('system:kube-controller-manager'), user('system:kube-scheduler'), kubeSystemAccounts],
      resourceRules: [leases(['get', 'create', 'update'])],
    }),
    schema(
      'kube-controller-manager',
      'workload-high',
      800,
      'ByNamespace',
      everythingOf(user('system:kube-controller-manager')),
    ),
    schema('kube-scheduler', 'workload-high', 800, 'ByNamespace', everythingOf(user('system:kube-scheduler'))),
    schema('kube-system-service-accounts', 'workload-high', 900, 'ByNamespace', everythingOf(kubeSystemAccounts)),
    schema('service-accounts', 'workload-low', 9000, 'ByUser', everythingOf(group('system:serviceaccounts'))),
    schema('global-default', 'global-default', 9900, 'ByUser', everythingOf(...everybody)),
  ],
};
