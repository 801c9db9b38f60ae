// How fast bodies become objects and back. Run: node bench/codec.ts
import { cpus } from 'node:os';
import { seededRandom } from '../src/base/random.ts';
import * as codec from '../src/schema/codec.ts';
import { resourceFacts, typeFacts } from '../src/schema/facts.ts';
import { OpenApiV2 } from '../src/schema/openapi-v2.ts';
import { OpenApiV3 } from '../src/schema/openapi-v3.ts';
import { randomObject } from '../src/schema/random-object.ts';
import { applyStrategicMerge } from '../src/schema/strategic-merge.ts';

const type = 'io.k8s.api.core.v1.Pod';
const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: 'web-7d4b9c6f5-x2x7k',
    generateName: 'web-7d4b9c6f5-',
    namespace: 'default',
    uid: '0d5f3c1e-4b1a-4c86-9d4e-6f2d1a3b5c7d',
    resourceVersion: '48213',
    creationTimestamp: '2026-01-02T03:04:05Z',
    labels: { app: 'web', 'pod-template-hash': '7d4b9c6f5' },
    ownerReferences: [
      {
        apiVersion: 'apps/v1',
        kind: 'ReplicaSet',
        name: 'web-7d4b9c6f5',
        uid: 'a3f1',
        controller: true,
        blockOwnerDeletion: true,
      },
    ],
  },
  spec: {
    containers: ['web', 'side'].map((name) => ({
      name,
      image: `registry.example.com/team/${name}:1.25.3`,
      ports: [{ name: 'http', containerPort: 8080, protocol: 'TCP' }],
      env: ['A', 'B', 'C', 'D'].map((key) => ({ name: key, value: `value of ${key}` })),
      resources: { limits: { cpu: '500m', memory: '256Mi' }, requests: { cpu: '100m', memory: '128Mi' } },
      readinessProbe: {
        httpGet: { path: '/healthz', port: 'http', scheme: 'HTTP' },
        periodSeconds: 10,
        timeoutSeconds: 1,
      },
      volumeMounts: [{ name: 'config', mountPath: '/etc/config', readOnly: true }],
      terminationMessagePath: '/dev/termination-log',
      terminationMessagePolicy: 'File',
      imagePullPolicy: 'IfNotPresent',
    })),
    volumes: [{ name: 'config', configMap: { name: 'web', defaultMode: 420 } }],
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: 30,
    dnsPolicy: 'ClusterFirst',
    serviceAccountName: 'default',
    nodeName: 'node-a',
    securityContext: {},
    schedulerName: 'default-scheduler',
    tolerations: [
      { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 },
    ],
  },
  status: {
    phase: 'Running',
    podIP: '10.244.0.7',
    conditions: ['Ready', 'PodScheduled'].map((name) => ({
      type: name,
      status: 'True',
      lastTransitionTime: '2026-01-02T03:04:05Z',
    })),
  },
};

function measure(name: string, run: () => unknown): void {
  for (let warm = 0; warm < 3000; warm++) run();
  let count = 0;
  const start = performance.now();
  const end = start + 500;
  while (performance.now() < end) for (let batch = 0; batch < 100; batch++, count++) run();
  const perSecond = (count * 1000) / (performance.now() - start);
  console.log(
    `${name.padEnd(44)} ${Math.round(perSecond).toLocaleString('en').padStart(10)} /s ${(1e6 / perSecond).toFixed(1).padStart(8)} µs`,
  );
}

function once(name: string, run: () => unknown): void {
  const start = performance.now();
  run();
  console.log(`${name.padEnd(44)} ${(performance.now() - start).toFixed(1).padStart(8)} ms`);
}

console.log(`${cpus()[0]?.model}, node ${process.version}`);
once('read the fact tables', () => typeFacts());
once('first pod decoded (compiles its types)', () => codec.decodeJson(type, JSON.stringify(pod), { strict: true }));

const text = JSON.stringify(pod);
const bytes = Buffer.from(text);
const { object } = codec.decodeJson(type, bytes, { strict: true });
const raw = codec.encodeProtobuf(type, object);
const body = codec.encodeProtobufBody(type, object);
const source = seededRandom(1);
const unknownField = text.replace('"restartPolicy"', '"nonsense":1,"restartPolicy"');
const items = Array.from({ length: 1000 }, () => raw);

console.log(`\na pod of ${text.length} bytes of JSON, ${raw.length} of protobuf`);
measure('JSON.parse alone', () => JSON.parse(text));
measure('decodeJson, strict', () => codec.decodeJson(type, bytes, { strict: true }));
measure('decodeJson with an unknown field', () => codec.decodeJson(type, unknownField, { strict: true }));
measure('canonical (deep copy)', () => codec.canonical(type, object));
measure('structuredClone, to compare', () => structuredClone(object));
measure('stringify', () => codec.stringify(type, object));
measure('encodeProtobuf', () => codec.encodeProtobuf(type, object));
measure('decodeProtobuf', () => codec.decodeProtobuf(type, raw));
measure('JSON bytes to a protobuf body', () => codec.encodeProtobufBody(type, JSON.parse(text)));
measure('watch frame around a body', () => codec.encodeWatchFrame('MODIFIED', body));
measure('list of 1000 encoded pods', () =>
  codec.encodeProtobufList({ apiVersion: 'v1', kind: 'PodList', metadata: {}, items }),
);
measure('strategic merge of one container image', () =>
  applyStrategicMerge(type, object, { spec: { containers: [{ name: 'web', image: 'x' }] } }),
);
const crd = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition';
const large = JSON.stringify(randomObject(crd, { random: () => source.next(), density: 0.5, maxDepth: 6 }));
measure(`decodeJson, a random CRD of ${large.length} bytes`, () => codec.decodeJson(crd, large, { strict: true }));

const resources = resourceFacts()
  .resources.filter(({ served }) => served === 'default')
  .map((fact) => ({ ...fact, typeName: fact.type }));
console.log('');
once('OpenAPI v3 index', () => new OpenApiV3(resources, 'v1.36.3').index());
once('OpenAPI v3 document of the core group', () => new OpenApiV3(resources, 'v1.36.3').find('api/v1'));
once('OpenAPI v2 document, JSON', () => new OpenApiV2(resources, 'v1.36.3').json());
once('OpenAPI v2 document, protobuf', () => new OpenApiV2(resources, 'v1.36.3').protobuf());
