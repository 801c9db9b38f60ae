import assert from 'node:assert/strict';
import test from 'node:test';
import { planStaleFlows, strayFlows } from './stale-flows.ts';

test('flows to an endpoint that is gone are stale, and those that led nowhere once there is one', () => {
  const flow = (...endpoints: string[]) => [{ address: '10.96.0.5', port: 53, endpoints }];
  assert.deepEqual(planStaleFlows(flow('10.244.0.5 53', '10.244.0.6 53'), flow('10.244.0.6 53')), [
    { address: '10.96.0.5', port: 53, endpoint: '10.244.0.5 53' },
  ]);
  const moved = planStaleFlows(flow('10.244.0.6 53'), flow('10.244.0.6 54'));
  assert.deepEqual(moved, [{ address: '10.96.0.5', port: 53, endpoint: '10.244.0.6 53' }], 'its port counts too');
  assert.deepEqual(planStaleFlows(flow(), flow('10.244.0.6')), [{ address: '10.96.0.5', port: 53 }]);
  assert.deepEqual(planStaleFlows(flow('10.244.0.6'), flow('10.244.0.6')), []);
});

// As conntrack -L prints them.
const listed = `
udp      17 29 src=10.244.0.9 dst=10.96.0.10 sport=4000 dport=53 src=10.244.0.1 dst=10.244.0.9 sport=53 dport=4000 mark=0 use=1
udp      17 29 src=10.244.0.9 dst=10.96.0.10 sport=4001 dport=53 [UNREPLIED] src=10.244.7.7 dst=10.244.0.9 sport=53 dport=4001 mark=0 use=1
udp      17 29 src=10.244.0.9 dst=10.96.0.99 sport=4002 dport=53 src=10.244.7.7 dst=10.244.0.9 sport=53 dport=4002 mark=0 use=1
udp      17 29 src=10.244.0.9 dst=10.96.0.10 sport=4003 dport=54 src=10.244.7.7 dst=10.244.0.9 sport=54 dport=4003 mark=0 use=1
udp      17 29 src=fd00::9 dst=fd00:96::a sport=4004 dport=53 src=fd00::7 dst=fd00::9 sport=53 dport=4004 mark=0 use=1
`;

test('flows of our addresses that lead to none of their endpoints are found among all there are', () => {
  const known = [
    { address: '10.96.0.10', port: 53, endpoints: ['10.244.0.1 53'] },
    { address: 'fd00:96::a', port: 53, endpoints: ['fd00::1 53'] },
  ];
  assert.deepEqual(strayFlows(listed, known), [
    { address: '10.96.0.10', port: 53, endpoint: '10.244.7.7 53' },
    { address: 'fd00:96::a', port: 53, endpoint: 'fd00::7 53' },
  ]);
});
