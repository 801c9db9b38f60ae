// Whole requests to a whole server: whatever is asked, the answer is a clean one and the log has no failure in it.

import { serve } from '../../../src/apiserver/testing/serve.ts';
import { createLogger } from '../../../src/base/log.ts';
import { recordedRequests } from '../corpus.ts';
import { mutatedBytes } from '../mutate-bytes.ts';
import { mutatedTree, printed } from '../mutate-json.ts';
import { Broken, below, chance, type FuzzTarget, must, pick, textOf } from '../target.ts';

interface RequestInput {
  readonly method: string;
  readonly path: string;
  readonly contentType: string;
  readonly accept: string;
  /** Base64. */
  readonly body?: string;
}

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'PURGE'];
const contentTypes = [
  'application/json',
  'application/yaml',
  'application/vnd.kubernetes.protobuf',
  'application/merge-patch+json',
  'application/json-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
  'text/plain',
  '',
];
const accepts = [
  'application/json',
  'application/yaml',
  'application/vnd.kubernetes.protobuf',
  'application/json;as=Table;v=v1;g=meta.k8s.io',
  'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io',
  'text/html',
  '*/*',
];
const queries = [
  'limit=1',
  'limit=-1',
  'continue=AAAA',
  'labelSelector=a%20in%20(b)',
  'fieldSelector=metadata.name%3Da',
  'resourceVersion=0',
  'resourceVersionMatch=Exact',
  'dryRun=All',
  'dryRun=Some',
  'fieldValidation=Strict',
  'fieldValidation=Ignore',
  'fieldManager=a',
  'force=true',
  'pretty=1',
  'propagationPolicy=Orphan',
  'gracePeriodSeconds=-1',
  'resourceVersion=-1',
  'timeout=1ms',
];

export const requestsTarget: FuzzTarget = {
  name: 'requests',
  async open() {
    const recorded = recordedRequests().filter(({ path }) => !/watch|stream|readyz|livez/.test(path));
    const failures: string[] = [];
    const log = createLogger((line) => {
      if (line.includes('"level":"error"')) failures.push(line);
    }, 'error');
    const api = await serve({ log });
    return {
      make(random) {
        const { method, path, contentType, body, tree } = pick(random, recorded);
        const others = recorded.map((each) => each.tree);
        const sent =
          tree !== undefined && chance(random, 0.75)
            ? Buffer.from(printed(random, mutatedTree(random, tree, [tree, pick(random, others)])))
            : body && mutatedBytes(random, body);
        const query = Array.from({ length: below(random, 3) }, () => pick(random, queries)).join('&');
        const input: RequestInput = {
          method: chance(random, 0.8) ? method : pick(random, methods),
          path: query ? `${path}${path.includes('?') ? '&' : '?'}${query}` : path,
          contentType: chance(random, 0.9) ? contentType : pick(random, contentTypes),
          accept: pick(random, accepts),
          ...(sent ? { body: sent.toString('base64') } : {}),
        };
        return Buffer.from(JSON.stringify(input));
      },
      async check(input) {
        const { method, path, contentType, accept, body } = JSON.parse(textOf(input)) as RequestInput;
        if (/watch/.test(path)) return;
        failures.length = 0;
        const { status, text } = await api.call(method, path, body && Buffer.from(body, 'base64'), {
          'content-type': contentType,
          accept,
        });
        if (failures.length > 0) throw new Broken(failures.join('\n'));
        must(status >= 200 && status < 600, () => `the answer is ${status}`);
        must(!text.includes('an unexpected failure'), () => text);
      },
      close: async () => api[Symbol.asyncDispose](),
    };
  },
};
