// Makes one OpenAPI document and ends. See openapi-make.ts.
import { parentPort, workerData } from 'node:worker_threads';
import { OpenApiV2 } from '../../schema/openapi-v2.ts';
import { OpenApiV3 } from '../../schema/openapi-v3.ts';
import type { OpenApiTask } from './openapi-make.ts';

const { name, resources, release } = workerData as OpenApiTask;

function make() {
  if (name === 'v2.json') return new OpenApiV2(resources, release).json();
  if (name === 'v2.pb') return new OpenApiV2(resources, release).protobuf();
  const documents = new OpenApiV3(resources, release);
  return name === 'v3' ? documents.index() : documents.find(name.slice('v3/'.length));
}

const made = make();
if (!made) throw new Error(`no OpenAPI document ${name}`);
// A copy of its own, which can be handed over instead of being copied again.
const body = Uint8Array.from(made.body);
parentPort!.postMessage({ body, contentType: made.contentType, etag: made.etag }, [body.buffer]);
