import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Deployment } from '../../../generated/apps-v1.ts';
import { FieldErrors } from '../meta/field-errors.ts';
import { deploymentKind } from './deployment.ts';

/** As the articles write it: no selector. */
const ofArticle = (): Deployment =>
  ({
    metadata: { name: 'nginx-deployment', namespace: 'shop' },
    spec: {
      replicas: 3,
      template: {
        metadata: { labels: { app: 'nginx' } },
        spec: { containers: [{ name: 'nginx', image: 'nginx:1.7.9' }] },
      },
    },
  }) as unknown as Deployment;

function inVersion(group: string, version: string): Deployment {
  const deployment = ofArticle();
  const other = deploymentKind.otherVersions?.find((each) => each.group === group && each.version === version);
  (other?.defaults ?? deploymentKind.defaults!)(deployment as never);
  return deployment;
}

for (const { version, history, deadline, rolling } of [
  { version: 'apps/v1beta1', history: 2, deadline: 600, rolling: '25%' },
  { version: 'extensions/v1beta1', history: 2147483647, deadline: 2147483647, rolling: 1 },
]) {
  test(`${version} takes the selector from the labels of the template and has its own defaults`, () => {
    const [group, name] = version.split('/') as [string, string];
    const { spec, metadata } = inVersion(group, name);
    assert.deepEqual(spec?.selector, { matchLabels: { app: 'nginx' } });
    assert.deepEqual(metadata.labels, { app: 'nginx' });
    assert.equal(spec?.revisionHistoryLimit, history);
    assert.equal(spec?.progressDeadlineSeconds, deadline);
    assert.deepEqual(spec?.strategy?.rollingUpdate, { maxUnavailable: rolling, maxSurge: rolling });
  });
}

test('apps/v1 wants the selector to be written', () => {
  const errors = new FieldErrors();
  deploymentKind.validate!(inVersion('apps', 'v1'), errors);
  assert.deepEqual(
    errors.list.map(({ field }) => field),
    ['spec.selector', 'spec.template.metadata.labels'],
  );
});

test('old versions name the one to use', () => {
  const warnings = deploymentKind.otherVersions?.map(({ deprecationWarning }) => deprecationWarning) ?? [];
  for (const warning of warnings) assert.match(warning ?? '', /unavailable in v1\.16\+; use apps\/v1 Deployment$/);
});

test('a changed spec or annotation is a new generation, a changed label is not', () => {
  const current = inVersion('apps', 'v1beta1');
  current.metadata.generation = 4;
  const after = (change: (next: Deployment) => void): number | undefined => {
    const next = structuredClone(current);
    change(next);
    deploymentKind.prepareForUpdate!(next, current, { nowMs: 0, isDryRun: false });
    return next.metadata.generation;
  };
  assert.equal(
    after((next) => (next.metadata.labels = { a: 'b' })),
    4,
  );
  assert.equal(
    after((next) => (next.spec!.replicas = 5)),
    5,
  );
  assert.equal(
    after((next) => (next.metadata.annotations = { a: 'b' })),
    5,
  );
});
