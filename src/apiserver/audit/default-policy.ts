// What is audited when nobody says otherwise: who did what, of everything that changes something and of people's reads;
// not what the cluster's own parts read and renew all day.
import type { Policy } from './policy.ts';

export const defaultPolicy: Policy = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  omitManagedFields: true,
  rules: [
    {
      level: 'None',
      nonResourceURLs: ['/healthz*', '/livez*', '/readyz*', '/version', '/openapi*', '/api*', '/metrics'],
    },
    { level: 'None', verbs: ['watch'] },
    { level: 'None', resources: [{ group: 'coordination.k8s.io', resources: ['leases'] }] },
    {
      level: 'None',
      resources: [
        { group: '', resources: ['events'] },
        { group: 'events.k8s.io', resources: ['events'] },
      ],
    },
    {
      level: 'None',
      users: ['system:apiserver', 'system:kube-controller-manager', 'system:kube-proxy', 'system:kube-scheduler'],
      verbs: ['get', 'list'],
    },
    { level: 'None', userGroups: ['system:nodes', 'system:serviceaccounts:kube-system'], verbs: ['get', 'list'] },
    {
      level: 'Request',
      verbs: ['create', 'update', 'patch', 'delete', 'deletecollection'],
      resources: [{ group: 'rbac.authorization.k8s.io' }],
    },
    { level: 'Metadata' },
  ],
};
