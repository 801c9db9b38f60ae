import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resourceFacts } from './facts.ts';
import { OpenApiV2, openApiV2ProtobufType } from './openapi-v2.ts';
import { OpenApiV3 } from './openapi-v3.ts';

const resources = resourceFacts()
  .resources.filter(({ served }) => served === 'default')
  .map((fact) => ({ ...fact, typeName: fact.type }));
const v3 = new OpenApiV3(resources, 'v1.36.3');
const read = (document: { body: Uint8Array } | undefined): any => JSON.parse(Buffer.from(document!.body).toString());
const apps = read(v3.find('apis/apps/v1'));
const gvk = { group: 'apps', version: 'v1', kind: 'Deployment' };

test('the v3 index names a document for each group version, and its hash is the document’s', () => {
  const { paths } = read(v3.index());
  const { serverRelativeURL } = paths['apis/apps/v1'];
  assert.equal(`"${new URL(serverRelativeURL, 'http://x').searchParams.get('hash')}"`, v3.find('apis/apps/v1')!.etag);
  assert.ok(paths['api/v1']);
  assert.equal(v3.find('apis/nope/v1'), undefined);
});

test('kubectl finds a kind by its list path and its schema by its kind', () => {
  const list = apps.paths['/apis/apps/v1/namespaces/{namespace}/deployments'].get;
  assert.deepEqual([list['x-kubernetes-action'], list['x-kubernetes-group-version-kind']], ['list', gvk]);
  assert.deepEqual(apps.components.schemas['io.k8s.api.apps.v1.Deployment']['x-kubernetes-group-version-kind'], [gvk]);
});

test('kubectl sees that strict validation and strategic patches are understood', () => {
  const { patch } = apps.paths['/apis/apps/v1/namespaces/{namespace}/deployments/{name}'];
  assert.ok(
    patch.parameters.some((parameter: any) => parameter.name === 'fieldValidation' && parameter.in === 'query'),
  );
  assert.ok(patch.requestBody.content['application/strategic-merge-patch+json']);
});

test('fields carry merge keys, list types, defaults and what is required', () => {
  const { properties, required } = apps.components.schemas['io.k8s.api.core.v1.PodSpec'];
  assert.deepEqual(required, ['containers']);
  assert.equal(properties.containers['x-kubernetes-patch-merge-key'], 'name');
  assert.equal(properties.containers['x-kubernetes-list-type'], 'map');
  assert.equal(apps.components.schemas['io.k8s.api.core.v1.ContainerPort'].properties.protocol.default, 'TCP');
});

test('metadata is explained', () => {
  const { properties } = apps.components.schemas['io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta'];
  assert.match(properties.creationTimestamp.description, /^CreationTimestamp is a timestamp/);
  assert.deepEqual(
    Object.keys(properties).filter((name) => !properties[name].description),
    [],
  );
});

test('every reference of every document leads to a schema', () => {
  const check = (document: any, schemas: object, prefix: string) => {
    for (const [, name] of JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)) {
      assert.ok(Object.hasOwn(schemas, name!.slice(prefix.length)), name);
    }
  };
  for (const name of Object.keys(read(v3.index()).paths)) {
    const document = read(v3.find(name));
    check(document, document.components.schemas, '#/components/schemas/');
  }
  const v2 = read(new OpenApiV2(resources, 'v1.36.3').json());
  check(v2, v2.definitions, '#/definitions/');
});

test('operation ids are unique in the whole API', () => {
  const ids = [
    ...Buffer.from(new OpenApiV2(resources, 'v1').json().body)
      .toString()
      .matchAll(/"operationId":"([^"]+)"/g),
  ];
  assert.equal(new Set(ids.map(([, id]) => id)).size, ids.length);
});

test('the v2 document has a protobuf form that starts with its version', () => {
  const document = new OpenApiV2(resources.slice(0, 3), 'v1.36.3').protobuf();
  assert.equal(document.contentType, openApiV2ProtobufType);
  assert.equal(Buffer.from(document.body.subarray(0, 5)).toString('latin1'), '\n\x032.0');
});

test('a custom resource brings its own schema', () => {
  const widget = {
    group: 'example.com',
    version: 'v1',
    kind: 'Widget',
    listKind: 'WidgetList',
    plural: 'widgets',
    namespaced: true,
    verbs: ['get', 'list', 'create', 'patch'],
    subresources: [],
    typeName: 'com.example.v1.Widget',
    schema: { type: 'object', properties: { spec: { type: 'object' } } },
  };
  const document = read(new OpenApiV3([widget], 'v1').find('apis/example.com/v1'));
  const schema = document.components.schemas['com.example.v1.Widget'];
  assert.deepEqual(Object.keys(schema.properties), ['apiVersion', 'kind', 'spec', 'metadata']);
  const { patch } = document.paths['/apis/example.com/v1/namespaces/{namespace}/widgets/{name}'];
  assert.equal(patch.requestBody.content['application/strategic-merge-patch+json'], undefined);
});
