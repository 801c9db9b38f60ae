import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resourceFacts, typeFacts } from './facts.ts';
import { typeOf } from './ir.ts';
import { descriptionOf, descriptions, otherName, stableName } from './openapi-descriptions.ts';
import { patchName } from './openapi-schemas.ts';
import { openApiV2Document } from './openapi-v2.ts';

/** All that there is, also what is off by default or served for old manifests only. */
const resources = resourceFacts().resources.map((fact) => ({ ...fact, typeName: fact.type }));
const definitions = Object.entries(openApiV2Document(resources, 'v1.36.3')['definitions'] as Record<string, any>);

test('every kind says in a sentence what it is, and begins with its name', () => {
  const silent = definitions
    .filter(([, schema]) => schema['x-kubernetes-group-version-kind'])
    .filter(([name, schema]) => !schema.description?.startsWith(`${name.slice(name.lastIndexOf('.') + 1)} `));
  assert.deepEqual(
    silent.map(([name]) => name),
    [],
  );
});

test('every type and every field of every kind is described', () => {
  const silent = definitions.flatMap(([name, { description, properties = {} }]) => [
    ...(description ? [] : [name]),
    ...Object.keys(properties)
      .filter((field) => !properties[field].description)
      .map((field) => `${name} ${field}`),
  ]);
  assert.deepEqual(silent, []);
});

test('every described type and field exists in the facts, in some version', () => {
  const known = new Map<string, Set<string>>();
  for (const typeName of Object.keys(typeFacts().types)) {
    for (const name of new Set([typeName, stableName(typeName)])) {
      const fields = known.get(name) ?? new Set();
      for (const field of typeOf(typeName).jsonField.keys()) fields.add(field);
      known.set(name, fields);
    }
  }
  const isThere = (typeName: string, field: string, text: string): boolean => {
    if (field === '') return true;
    if (field === '*') return descriptions().has(otherName(typeName, text));
    return known.get(typeName)!.has(field);
  };
  const unknown = [...descriptions()]
    .filter(([typeName]) => !typeName.startsWith('*.'))
    .flatMap(([typeName, fields]) => {
      if (!known.has(typeName) && typeName !== patchName) return [typeName];
      return Object.entries(fields)
        .filter(([field, text]) => !isThere(typeName, field, text))
        .map(([field]) => `${typeName} ${field}`);
    });
  assert.deepEqual(unknown, []);
});

test('descriptions are sentences of a reasonable length', () => {
  const odd = [...descriptions()].flatMap(([typeName, fields]) =>
    Object.entries(fields)
      .filter(([field, text]) => field !== '*' && !/^\S.{2,250}\.$/.test(text))
      .map(([field, text]) => `${typeName} ${field}: ${text}`),
  );
  assert.deepEqual(odd, []);
});

test('a list says what it is a list of', () => {
  assert.equal(descriptionOf('io.k8s.api.core.v1.PodList', ''), 'PodList is a list of Pod objects.');
});

test('an old version is described as the stable one is', () => {
  const name = 'io.k8s.api.core.v1.Pod';
  assert.equal(
    descriptionOf('io.k8s.api.batch.v1beta1.CronJob', 'spec'),
    descriptionOf('io.k8s.api.batch.v1.CronJob', 'spec'),
  );
  assert.match(descriptionOf(name, 'apiVersion')!, /version/);
  assert.match(descriptionOf('io.k8s.api.resource.v1beta1.BasicDevice', 'taints')!, /tolerate/);
  assert.equal(descriptionOf(name, 'nope'), undefined);
});
