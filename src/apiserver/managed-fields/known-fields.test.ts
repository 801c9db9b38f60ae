import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubernetesObject } from '../../api/meta/object.ts';
import { seededRandom } from '../../base/random.ts';
import { inOnePiece } from '../../base/turns.ts';
import { canonical } from '../../schema/codec.ts';
import { compareFields } from '../../schema/compare-fields.ts';
import { inOrder } from '../../schema/field-set.ts';
import { randomObject } from '../../schema/random-object.ts';
import { serve } from '../testing/serve.ts';
import { knownFields } from './known-fields.ts';
import { ownable } from './tracked-fields.ts';
import { blankObject, mergeType } from './versioned.ts';

const types = ['core.v1.Pod', 'apps.v1.Deployment', 'core.v1.Service', 'core.v1.ConfigMap', 'networking.v1.Ingress'];
const skip = new Set(['kind', 'apiVersion', 'status']);

for (const name of types) {
  test(`what is known of a ${name} that looks like another is what would be found`, () => {
    const typeName = `io.k8s.api.${name}`;
    const of = { type: mergeType({ typeName }), blank: blankObject(typeName), skip };
    const random = seededRandom(20261122);
    const below = (count: number) => Math.floor(random.next() * count);
    let hits = 0;
    const check = (object: KubernetesObject) => {
      let hasLooked = false;
      const find = () => {
        hasLooked = true;
        return compareFields(of.type, of.blank, object, skip).changed;
      };
      const found = inOrder(ownable(compareFields(of.type, of.blank, object, skip).changed));
      assert.equal(JSON.stringify(inOnePiece(knownFields(of, object, find))), JSON.stringify(found));
      if (!hasLooked) hits++;
    };
    for (let round = 0; round < 30; round++) {
      const options = { random: () => random.next(), density: 0.2 + 0.6 * random.next(), maxDepth: 5 };
      const first = canonical<KubernetesObject>(typeName, randomObject(typeName, options));
      check(first);
      check(structuredClone(first));
      for (let change = 0; change < 10; change++) {
        const other = structuredClone(first);
        alter(other, below);
        check(canonical<KubernetesObject>(typeName, other));
      }
    }
    assert.ok(hits >= 20, String(hits));
  });
}

/** Takes something out somewhere, or has an element of a list twice. */
function alter(root: object, below: (count: number) => number): void {
  const all: object[] = [];
  for (const pending = [root]; pending.length > 0; ) {
    const each = pending.pop()!;
    all.push(each);
    for (const child of Object.values(each)) if (typeof child === 'object' && child !== null) pending.push(child);
  }
  const place = all[below(all.length)]! as Record<string, unknown>;
  if (Array.isArray(place)) {
    if (place.length > 0) place.splice(below(place.length), below(2), structuredClone(place[below(place.length)]));
    return;
  }
  const keys = Object.keys(place);
  if (keys.length > 0) delete place[keys[below(keys.length)]!];
}

test('objects that look alike keep managers of their own', async () => {
  await using api = await serve();
  const path = '/api/v1/namespaces/default/configmaps';
  // In a label, and before the fields: what the fields are found by when they are printed.
  const labels = { fieldsV1: '0', '"fieldsV1":0': 'x' };
  const make = (name: string, more: object = {}) =>
    api.call('POST', `${path}?fieldManager=${name}`, {
      metadata: { name, annotations: labels, ...more },
      data: { a: name },
    });
  for (const name of ['one', 'two']) {
    const { body, status, text } = await make(name);
    assert.equal(status, 422, text); // an annotation's name has no quotes
    assert.match(body.message, /annotations/);
  }
  labels['"fieldsV1":0'] = undefined as never;
  const made = await Promise.all(['one', 'two'].map((name) => make(name)));
  for (const [index, { body }] of made.entries()) {
    const name = ['one', 'two'][index];
    assert.deepEqual(
      body.metadata.managedFields.map((each: { manager: string }) => each.manager),
      [name],
    );
    assert.deepEqual(body.metadata.managedFields[0].fieldsV1['f:data'], { '.': {}, 'f:a': {} });
    assert.deepEqual(body.metadata.annotations, { fieldsV1: '0' });
  }
  const json = JSON.stringify({ metadata: { labels: { b: 'c' } } });
  const type = { 'content-type': 'application/merge-patch+json' };
  const changed = await api.call('PATCH', `${path}/one?fieldManager=other`, json, type);
  assert.equal(changed.body.metadata.managedFields.length, 2);
  assert.equal((await api.call('GET', `${path}/two`)).body.metadata.managedFields.length, 1);
});
