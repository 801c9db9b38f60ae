// Services: what they are given, what they keep when they change, and what is refused.
import type { Json } from '../side.ts';
import type { Step, Story } from '../stories.ts';
import { labels, make, patch, remove, story } from './words.ts';

const kinds = ['Service'];
const port = { port: 80 };
const service = (spec: Json = {}, name = 's') =>
  make('Service', name, { spec: { selector: labels, ports: [port], ...spec } });
const change = (spec: Json) => patch('Service', 's', { spec });
const tell = (title: string, ...steps: Step[]) => story(`svc/${title}`, kinds, ...steps);
const balanced = { type: 'LoadBalancer', externalTrafficPolicy: 'Local' };

export const serviceStories: readonly Story[] = [
  tell(
    'node port',
    service({ type: 'NodePort' }),
    change({ ports: [port, { port: 81, name: 'b' }] }),
    change({
      ports: [
        { port: 80, name: 'a' },
        { port: 81, name: 'b' },
      ],
    }),
  ),
  tell(
    'a node port that is taken',
    service({ type: 'NodePort', ports: [{ port: 80, nodePort: 31999 }] }),
    service({ type: 'NodePort', ports: [{ port: 80, nodePort: 31999 }] }, 't'),
    service({ type: 'NodePort', ports: [{ port: 80, nodePort: 31999, protocol: 'UDP' }] }, 'u'),
    remove('Service', 's'),
  ),
  tell('a node port without its type', service({ ports: [{ port: 80, nodePort: 31998 }] })),
  tell(
    'one node port twice',
    service({
      type: 'NodePort',
      ports: [
        { port: 80, nodePort: 31997, name: 'a' },
        { port: 81, nodePort: 31997, name: 'b' },
      ],
    }),
  ),
  tell(
    'local traffic',
    service(balanced),
    change({ externalTrafficPolicy: 'Cluster' }),
    change({ externalTrafficPolicy: 'Local' }),
    change({ type: 'ClusterIP' }),
  ),
  tell('local traffic without ports outside', service({ externalTrafficPolicy: 'Local' })),
  tell(
    'no node ports',
    service({ type: 'LoadBalancer', allocateLoadBalancerNodePorts: false }),
    change({ allocateLoadBalancerNodePorts: true }),
  ),
  tell(
    'source ranges',
    service({ type: 'LoadBalancer', loadBalancerSourceRanges: ['10.0.0.0/8'] }),
    change({ loadBalancerSourceRanges: ['10.0.0.1'] }),
    change({ type: 'ClusterIP' }),
  ),
  tell(
    'a class changes',
    service({ type: 'LoadBalancer', loadBalancerClass: 'example.com/a' }),
    change({ loadBalancerClass: 'example.com/b' }),
  ),
  tell('a class without balancer', service({ loadBalancerClass: 'example.com/a' })),
  tell('dual if there is', service({ ipFamilyPolicy: 'PreferDualStack' }), change({ ipFamilyPolicy: 'SingleStack' })),
  tell('two families', service({ ipFamilies: ['IPv4', 'IPv6'] })),
  tell('a family of none', service({ ipFamilies: ['IPv5'] })),
  tell(
    'headless without selector',
    service({ clusterIP: 'None', selector: null }),
    change({ clusterIP: '10.96.77.7' }),
  ),
  tell(
    'external, then not',
    service({ type: 'ExternalName', externalName: 'example.com', ports: null }),
    change({ type: 'ClusterIP', externalName: null, ports: [port] }),
  ),
  tell('external without name', service({ type: 'ExternalName' })),
  tell(
    'external and an address',
    service({ type: 'ExternalName', externalName: 'example.com', clusterIP: '10.96.77.8' }),
  ),
  tell('external, not a name', service({ type: 'ExternalName', externalName: 'A_b.' })),
  tell(
    'affinity times',
    service({ sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 86401 } } }),
    service({ sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 5 } } }),
    change({ sessionAffinity: 'None' }),
    change({ sessionAffinity: 'None', sessionAffinityConfig: null }),
  ),
  tell('no ports', service({ ports: null })),
  tell('ports beyond', service({ ports: [{ port: 0 }, { port: 65536, name: 'b' }] })),
  tell('a target that is no name', service({ ports: [{ port: 80, targetPort: 'Not-A-Name-Too-Long' }] })),
  tell('another protocol', service({ ports: [{ port: 80, protocol: 'ICMP' }] })),
  tell('SCTP', service({ ports: [{ port: 80, protocol: 'SCTP' }] })),
  tell('an external address that may not be', service({ externalIPs: ['127.0.0.1'] }), service({ externalIPs: ['x'] })),
  tell('internal traffic is odd', service({ internalTrafficPolicy: 'Odd' }), service({ trafficDistribution: 'Odd' })),
  tell('a taken address', service({ clusterIP: '10.96.77.9' }), service({ clusterIP: '10.96.77.9' }, 't')),
  tell('two addresses that differ', service({ clusterIP: '10.96.77.10', clusterIPs: ['10.96.77.11'] })),
  tell('a name that is none', service({}, '1s')),
  tell(
    'a status of a balancer',
    service({ type: 'LoadBalancer' }),
    patch('Service', 's', { status: { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } } }, { subresource: 'status' }),
    patch(
      'Service',
      's',
      { status: { loadBalancer: { ingress: [{ ip: 'x', hostname: 'X' }] } } },
      { subresource: 'status' },
    ),
    change({ type: 'ClusterIP' }),
  ),
];
