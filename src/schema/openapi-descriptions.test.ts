import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasType, typeOf } from './ir.ts';
import { descriptionOf, descriptions } from './openapi-descriptions.ts';

test('every described type and field exists in the facts', () => {
  const unknown: string[] = [];
  for (const [typeName, fields] of descriptions()) {
    if (typeName.startsWith('*.')) continue;
    if (!hasType(typeName)) {
      unknown.push(typeName);
      continue;
    }
    for (const field of Object.keys(fields)) {
      if (field === '') continue;
      const isThere =
        field === '*'
          ? descriptions().has(typeName.replace(/\w+$/, fields['*']!))
          : typeOf(typeName).jsonField.has(field);
      if (!isThere) unknown.push(`${typeName} ${field}`);
    }
  }
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

test('an old version is described as the stable one is', () => {
  const name = 'io.k8s.api.core.v1.Pod';
  assert.equal(
    descriptionOf('io.k8s.api.batch.v1beta1.CronJob', 'spec'),
    descriptionOf('io.k8s.api.batch.v1.CronJob', 'spec'),
  );
  assert.match(descriptionOf(name, 'apiVersion')!, /version/);
  assert.equal(descriptionOf(name, 'nope'), undefined);
});
