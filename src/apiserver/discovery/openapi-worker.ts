// Makes one OpenAPI document and ends. See openapi-make.ts.
import { createHash } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { encodeGnostic } from '../../schema/openapi-gnostic.ts';
import { OpenApiV2, openApiV2Document, openApiV2ProtobufType } from '../../schema/openapi-v2.ts';
import { OpenApiV3 } from '../../schema/openapi-v3.ts';
import { type OpenApiTask, pathOf } from './openapi-make.ts';
import { mergeOpenApi, type SwaggerDocument } from './openapi-merge.ts';

const { name, resources, release, remotes } = workerData as OpenApiTask;

function make() {
  if (name === 'v2.json' || name === 'v2.pb') return remotes.length > 0 ? merged() : alone();
  const documents = new OpenApiV3(resources, release);
  return name === 'v3'
    ? documents.index()
    : documents.find(pathOf(name)!, name.startsWith('v3.pb/') ? 'protobuf' : 'json');
}

function alone() {
  const document = new OpenApiV2(resources, release);
  return name === 'v2.json' ? document.json() : document.protobuf();
}

function merged() {
  const document = openApiV2Document(resources, release);
  mergeOpenApi(document as unknown as SwaggerDocument, remotes);
  const json = Buffer.from(JSON.stringify(document));
  const etag = `"${createHash('sha512').update(json).digest('hex').toUpperCase()}"`;
  if (name === 'v2.json') return { body: json, contentType: 'application/json', etag };
  return { body: encodeGnostic(document), contentType: openApiV2ProtobufType, etag };
}

const made = make();
if (!made) throw new Error(`no OpenAPI document ${name}`);
// A copy of its own, which can be handed over instead of being copied again.
const body = Uint8Array.from(made.body);
parentPort!.postMessage({ body, contentType: made.contentType, etag: made.etag }, [body.buffer]);
