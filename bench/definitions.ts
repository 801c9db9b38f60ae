// An operator with 200 kinds is installed: from the first definition to the last one served. node bench/definitions.ts [count]
import type { CustomResourceDefinition } from '../generated/apiextensions-v1.ts';
import { customResourceDefinitionKind } from '../generated/kinds.ts';
import { systemClock } from '../src/base/clock.ts';
import type { Client, NewObject } from '../src/client/client.ts';
import { createClient } from '../src/client/create-client.ts';
import { createKubeconfigTransport } from '../src/client/kubeconfig-transport.ts';
import { TestCluster } from '../test/e2e/cluster.ts';
import { ownProcesses, residentMegabytes } from './processes.ts';
import { type Figure, printAlone } from './report.ts';
import { UpstreamControlPlane, upstreamFolder } from './upstream.ts';

const group = 'bench.example.com';
const inFlight = 8;
const patienceMs = 300_000;

/** About 60 KB, 700 fields five levels deep, with rules, a status and columns. */
function definition(index: number): NewObject<CustomResourceDefinition> {
  const plural = `widgets${index}`;
  const leaf = (field: number) => ({
    type: field % 3 === 0 ? 'integer' : 'string',
    description: `Field ${field} of the widget, and what an operator would like to know of it before setting it.`,
    ...(field % 3 === 0 ? { minimum: 0 } : { maxLength: 253 }),
  });
  const level = (depth: number): object => ({
    type: 'object',
    properties: {
      ...Object.fromEntries(Array.from({ length: 20 }, (_, field) => [`field${field}`, leaf(field)])),
      ...(depth > 0 ? { left: level(depth - 1), right: { type: 'array', maxItems: 10, items: level(depth - 1) } } : {}),
    },
    'x-kubernetes-validations': [{ rule: '!has(self.field0) || self.field0 < 1000', message: 'field0 is too large' }],
  });
  const spec = {
    group,
    scope: 'Namespaced',
    names: { plural, singular: `widget${index}`, kind: `Widget${index}`, listKind: `Widget${index}List` },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: { status: {} },
        additionalPrinterColumns: [{ name: 'Size', type: 'integer', jsonPath: '.spec.field0' }],
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: { spec: level(4), status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
          },
        },
      },
    ],
  };
  return { metadata: { name: `${plural}.${group}` }, spec } as NewObject<CustomResourceDefinition>;
}

interface Installed {
  readonly seconds: number;
  readonly megabytes: number;
}

/** Until every kind is in the discovery document and OpenAPI has its group. */
async function install(kubeconfig: string, count: number, resident: () => number): Promise<Installed> {
  await using transport = await createKubeconfigTransport({ path: kubeconfig, clock: systemClock });
  const client = createClient(transport);
  const definitions = client.resource(customResourceDefinitionKind);
  const before = resident();
  const began = performance.now();
  let next = 0;
  const worker = async () => {
    for (let index = next++; index < count; index = next++) await definitions.create(definition(index));
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  await untilServed(client, count, began + patienceMs);
  const seconds = (performance.now() - began) / 1000;
  return { seconds, megabytes: resident() - before };
}

async function untilServed(client: Client, count: number, deadline: number): Promise<void> {
  for (;;) {
    const served = await client
      .getJson<{ resources: { name: string }[] }>(`/apis/${group}/v1`)
      .then(({ resources }) => resources.filter(({ name }) => !name.includes('/')).length)
      .catch(() => 0);
    const { paths } = await client.getJson<{ paths: object }>('/openapi/v3');
    if (served === count && Object.hasOwn(paths, `apis/${group}/v1`)) return;
    if (performance.now() > deadline) throw new Error(`${served} of ${count} kinds are served`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export async function measureDefinitions(count = 200): Promise<Figure[]> {
  const ours = await installOurs(count);
  const bin = upstreamFolder();
  const theirs = bin ? await installUpstream(bin, count) : undefined;
  const beside = (value: number | undefined) => (value === undefined ? {} : { upstream: value });
  const name = `${count} definitions of 60 KB`;
  return [
    { name: `${name}: installed and served`, value: ours.seconds, unit: 's', isCost: true, ...beside(theirs?.seconds) },
    { name: `${name}: memory`, value: ours.megabytes, unit: 'MB', isCost: true, ...beside(theirs?.megabytes) },
  ];
}

async function installOurs(count: number): Promise<Installed> {
  await using cluster = await TestCluster.create({ simulatedNodes: 0 });
  return await install(cluster.kubeconfig, count, () => residentMegabytes(ownProcesses(cluster)));
}

async function installUpstream(bin: string, count: number): Promise<Installed> {
  await using plane = await UpstreamControlPlane.start(bin);
  return await install(plane.kubeconfig, count, () => plane.residentMegabytes());
}

if (import.meta.main) await printAlone(() => measureDefinitions(Number(process.argv[2] ?? 200)));
