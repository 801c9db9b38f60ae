// Tables for the small pure parts of the agent.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { Node, Pod, PodSpec } from '../../generated/core-v1.ts';
import { parseImageName } from './images/image-name.ts';
import { runtimeProblems } from './node/node-status.ts';
import { Backoff, goDuration } from './pods/backoff.ts';
import { parseResolvConf, podDns } from './pods/dns-config.ts';
import { type HookTarget, runHook } from './pods/hooks.ts';
import { hostsFile, kernelHostName } from './pods/host-names.ts';
import { nodeRejectionOf } from './pods/node-admission.ts';
import type { PodServices } from './pods/pod-services.ts';
import { isRecursivelyReadOnly } from './pods/recursive-read-only.ts';
import { containerSecurity } from './pods/security-context.ts';
import { ProbeCounter } from './probes/probe-counter.ts';
import { renderContainerdConfig } from './runtime/containerd-config.ts';
import { parseNodeRequest } from './server/node-request.ts';
import { verdictText } from './streaming/web-socket-streams.ts';

const pod = (spec: Partial<PodSpec>, name = 'web'): Pod => ({
  metadata: { name, namespace: 'ns', uid: 'u' },
  spec: { containers: [], ...spec },
});

for (const { text, want } of [
  { text: 'nginx', want: { registry: 'docker.io', path: 'library/nginx' } },
  { text: 'nginx:1.7.9', want: { registry: 'docker.io', path: 'library/nginx', tag: '1.7.9' } },
  { text: 'localhost:5000/a/b:x', want: { registry: 'localhost:5000', path: 'a/b', tag: 'x' } },
  {
    text: `quay.io/a@sha256:${'0'.repeat(64)}`,
    want: { registry: 'quay.io', path: 'a', digest: `sha256:${'0'.repeat(64)}` },
  },
  { text: 'Upper', want: undefined },
  { text: 'a b', want: undefined },
  { text: '', want: undefined },
  { text: 'a@b@c', want: undefined },
])
  test(`parseImageName reads ${JSON.stringify(text)}`, () => assert.deepEqual(parseImageName(text), want));

const host = parseResolvConf('# made by hand\nnameserver 9.9.9.9\nsearch corp.example\noptions edns0\n');
const cluster = { clusterDns: ['10.96.0.10'], clusterDomain: 'cluster.local', host };
const own = ['ns.svc.cluster.local', 'svc.cluster.local', 'cluster.local', 'corp.example'];
for (const { name, spec, want } of [
  { name: 'asks the cluster first', spec: {}, want: { servers: ['10.96.0.10'], searches: own, options: ['ndots:5'] } },
  { name: 'asks the host with the host network', spec: { hostNetwork: true }, want: host },
  {
    name: 'asks the cluster with the host network when told to',
    spec: { hostNetwork: true, dnsPolicy: 'ClusterFirstWithHostNet' },
    want: { servers: ['10.96.0.10'], searches: own, options: ['ndots:5'] },
  },
  {
    name: 'asks nobody but whom the pod names',
    spec: { dnsPolicy: 'None', dnsConfig: { nameservers: ['1.1.1.1'], options: [{ name: 'ndots', value: '2' }] } },
    want: { servers: ['1.1.1.1'], searches: [], options: ['ndots:2'] },
  },
] as { name: string; spec: Partial<PodSpec>; want: object }[])
  test(`podDns ${name}`, () => assert.deepEqual(podDns(pod(spec), cluster), { ...want, warnings: [] }));

test('podDns says what it leaves out of names that are too many, or too long', () => {
  const searches = ['x'.repeat(254), ...Array.from({ length: 40 }, (_, index) => `${'y'.repeat(96)}.${10 + index}`)];
  const nameservers = ['1.1.1.1', '1.1.1.2', '1.1.1.3', '1.1.1.4'];
  const dns = podDns(pod({ dnsPolicy: 'None', dnsConfig: { nameservers, searches } }), cluster);
  assert.deepEqual(dns.servers, nameservers.slice(0, 3));
  // 20 of 99 characters and the spaces between them are 1,999; 21 would be 2,099.
  assert.deepEqual(dns.searches, searches.slice(1, 21));
  assert.deepEqual(dns.warnings, [
    'Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: 1.1.1.1 1.1.1.2 1.1.1.3',
    `Search Line limits were exceeded, some search paths have been omitted, the applied search line is: ${dns.searches.join(' ')}`,
  ]);
});

const node = (taints: object[] = []) =>
  ({ metadata: { name: 'n', labels: { disk: 'ssd' } }, spec: { taints } }) as unknown as Node;
const tainted = node([{ key: 'k', value: 'v', effect: 'NoExecute' }]);
for (const { name, labels = {}, annotations = {}, spec = {}, known = node(), now = known, reason } of [
  { name: 'takes a pod that asks for what the node has', spec: { nodeSelector: { disk: 'ssd' } } },
  { name: 'refuses a selector of others', spec: { nodeSelector: { disk: 'hdd' } }, reason: 'NodeAffinity' },
  {
    name: 'asks again before it refuses',
    spec: { nodeSelector: { disk: 'hdd' } },
    now: { ...node(), metadata: { name: 'n', labels: { disk: 'hdd' } } },
  },
  { name: 'refuses whom a taint keeps from running', known: tainted, reason: 'TaintToleration' },
  { name: 'takes who tolerates it', known: tainted, spec: { tolerations: [{ operator: 'Exists' }] } },
  { name: 'takes its own pods', known: tainted, annotations: { 'kubernetes.io/config.source': 'file' } },
  {
    name: 'refuses groups that the runtime cannot give',
    spec: { securityContext: { supplementalGroupsPolicy: 'Strict' } },
    reason: 'SupplementalGroupsPolicyNotSupported',
  },
  {
    name: 'refuses a label of another system',
    labels: { 'kubernetes.io/os': 'windows' },
    reason: 'PodOSSelectorNodeLabelDoesNotMatch',
  },
] as {
  name: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  spec?: Partial<PodSpec>;
  known?: Node;
  now?: Node;
  reason?: string;
}[])
  test(`a node ${name}`, async () => {
    const services = {
      runtime: { features: async () => ({ supplementalGroupsPolicy: false, handlers: [] }) },
      node: { known: () => known, now: async () => now },
    } as unknown as PodServices;
    const { metadata, ...rest } = pod(spec);
    const rejection = await nodeRejectionOf(services, { ...rest, metadata: { ...metadata, labels, annotations } });
    assert.equal(rejection?.reason, reason);
  });

test('a mount is read-only all the way down where it asks for that, and never less than it insists on', () => {
  const mount = { name: 'v', mountPath: '/v', readOnly: true };
  const insisting = { ...mount, recursiveReadOnly: 'Enabled' };
  assert.equal(isRecursivelyReadOnly(mount, true), false);
  assert.equal(isRecursivelyReadOnly(insisting, true), true);
  assert.equal(isRecursivelyReadOnly({ ...mount, recursiveReadOnly: 'IfPossible' }, false), false);
  assert.throws(() => isRecursivelyReadOnly(insisting, false), {
    message: 'volume "v" requested recursive read-only mode, but it is not supported by the runtime',
  });
});

test('a hook has been told whatever the answer, with TLS or without', async () => {
  const asked: unknown[] = [];
  const server = createServer((request, response) => {
    asked.push([request.url, request.headers['authorization']]);
    response.writeHead(500).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const fallbacks: string[] = [];
  const target = {
    container: { name: 'c' },
    containerId: 'i',
    podIP: '127.0.0.1',
    onFallback: (address: string) => fallbacks.push(address),
  } as unknown as HookTarget;
  const httpHeaders = [{ name: 'Authorization', value: 'secret' }];
  for (const scheme of ['HTTP', 'HTTPS'] as const)
    await runHook({ httpGet: { scheme, port, path: '/told', httpHeaders } }, target, 30);
  server.close();
  assert.deepEqual(asked, [
    ['/told', 'secret'],
    ['/told', undefined],
  ]);
  assert.deepEqual(fallbacks, [`127.0.0.1:${port}`]);
});

test('a pod is named after itself, within a label, or by its whole name', () => {
  assert.equal(kernelHostName(pod({}, `${'a'.repeat(62)}-b`), 'c.local'), 'a'.repeat(62));
  assert.equal(
    kernelHostName(pod({ hostname: 'h', subdomain: 's', setHostnameAsFQDN: true }), 'c.local'),
    'h.s.ns.svc.c.local',
  );
  const hosts = hostsFile(
    pod({ subdomain: 's', hostAliases: [{ ip: '1.2.3.4', hostnames: ['x', 'y'] }] }),
    ['10.0.0.1'],
    'c.local',
    '',
  );
  assert.match(hosts, /^10\.0\.0\.1\tweb\.s\.ns\.svc\.c\.local\tweb$/m);
  assert.match(hosts, /^1\.2\.3\.4\tx\ty$/m);
});

test('back-off doubles to its limit and is forgotten after a long good run', () => {
  const backoff = new Backoff(10_000, 300_000);
  const delays: string[] = [];
  for (let now = 0; delays.length < 7; now += 1000) {
    backoff.next('k', now);
    delays.push(goDuration(backoff.delayMs('k')));
  }
  assert.deepEqual(delays, ['10s', '20s', '40s', '1m20s', '2m40s', '5m0s', '5m0s']);
  assert.equal(backoff.remainingMs('k', 10_000, 11_000), 299_000);
  assert.equal(backoff.remainingMs('k', 10_000_000, 10_000_000), 0);
  assert.equal(backoff.remainingMs('other', 0, 0), 0);
});

test('a probe changes its verdict after as many equal outcomes as asked', () => {
  const counter = new ProbeCounter({ failureThreshold: 2, successThreshold: 2 });
  const verdicts = [false, false, true, false, true, true].map((outcome) => counter.add(outcome));
  assert.deepEqual(verdicts, [undefined, false, undefined, undefined, undefined, true]);
});

const defaults = { seccompDefault: true, seccompRoot: '/s' };
const image = { id: 'i', repoTags: [], repoDigests: [], sizeBytes: 1, username: '', pinned: false };
test('a container runs under the default seccomp profile, unless it is privileged', () => {
  const rights = (securityContext: object) =>
    containerSecurity(pod({}), { name: 'c', securityContext }, image, defaults);
  assert.deepEqual(rights({}).seccomp, { profileType: 'RuntimeDefault' });
  assert.deepEqual(rights({ privileged: true }).seccomp, { profileType: 'Unconfined' });
  assert.deepEqual(rights({ seccompProfile: { type: 'Localhost', localhostProfile: 'p' } }).seccomp, {
    profileType: 'Localhost',
    localhostRef: '/s/p',
  });
  assert.equal(rights({ allowPrivilegeEscalation: false }).noNewPrivs, true);
  assert.throws(() => rights({ runAsNonRoot: true }), /image will run as root/);
  assert.throws(() => rights({ runAsNonRoot: true, runAsUser: 0 }), /breaks non-root policy/);
  assert.deepEqual(rights({ runAsNonRoot: true, runAsUser: 7 }).runAsUser, { value: 7 });
});

for (const { path, want } of [
  { path: '/containerLogs/ns/web/c?follow=true', want: 'logs ns/web/c' },
  { path: '/exec/ns/web/uid-1/c?command=ls', want: 'exec ns/web/c' },
  { path: '/portForward/ns/web', want: 'portForward ns/web/' },
  { path: '/pods/', want: 'pods //' },
  { path: '/exec/ns/web', want: undefined },
  { path: '/exec/ns/../c', want: undefined },
  { path: '/logs/', want: 'nodeLogs //' },
  { path: '/etc/', want: undefined },
])
  test(`the node API reads ${path}`, () => {
    const found = parseNodeRequest(path);
    assert.equal(found && `${found.action} ${found.namespace}/${found.pod}/${found.container}`, want);
  });

test('containerd gets the form of config that its version reads', () => {
  const base = {
    dataDir: '/d',
    socketPath: '/d/s',
    sandboxImage: 'p',
    cniBinDir: '/b',
    cniConfDir: '/c',
    restrictOomScoreAdj: true,
  };
  assert.match(
    renderContainerdConfig({ ...base, configVersion: 2 }),
    /^version = 2\n[\s\S]*sandbox_image = "p"\n\s+restrict_oom_score_adj = true/,
  );
  assert.match(
    renderContainerdConfig({ ...base, configVersion: 3 }),
    /^version = 3\n[\s\S]*bin_dirs = \["\/b"\][\s\S]*sandbox = "p"/,
  );
});

test('runtimeProblems heeds the two conditions that keep pods away, not what else a runtime tells', () => {
  const condition = (type: string, status: boolean) => ({ type, status, reason: 'Because', message: 'of this' });
  assert.deepEqual(
    runtimeProblems([
      condition('RuntimeReady', true),
      condition('NetworkReady', false),
      condition('ContainerdHasNoDeprecationWarnings', false),
    ]),
    ['container runtime network not ready: NetworkReady=false reason:Because message:of this'],
  );
});

for (const { status, want } of [
  { status: '{"metadata":{},"status":"Success"}', want: undefined },
  {
    status: '{"status":"Failure","message":"command terminated with exit code 1"}',
    want: 'command terminated with exit code 1',
  },
  { status: 'not JSON', want: 'not JSON' },
])
  test(`verdictText says to clients without a Status: ${want}`, () =>
    assert.equal(verdictText(Buffer.from(status))?.toString(), want));
