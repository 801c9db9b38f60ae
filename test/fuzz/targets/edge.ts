// What comes before a body is read: URLs, headers, continue tokens.
import { StatusError } from '../../../src/api/meta/status-error.ts';
import { impersonate } from '../../../src/apiserver/authn/impersonation.ts';
import { mediaForStatus, negotiate, wantsAggregatedDiscovery } from '../../../src/apiserver/http/accept.ts';
import { mediaTypeOf } from '../../../src/apiserver/http/media-type.ts';
import { parseRequest } from '../../../src/apiserver/http/parse-request.ts';
import { decodeContinue, encodeContinue } from '../../../src/apiserver/registry/continue-token.ts';
import { listOptions, watchOptions, writeOptions } from '../../../src/apiserver/verbs/options.ts';
import { recordedRequests } from '../corpus.ts';
import { mutatedBytes } from '../mutate-bytes.ts';
import { mutatedTree, printed } from '../mutate-json.ts';
import { below, chance, type FuzzTarget, must, pick, refusedOr, textOf } from '../target.ts';

const urlPieces = [
  '/',
  '//',
  '..',
  '.',
  '%2e%2e',
  '%2f',
  '%5c',
  '\\',
  '%00',
  '%',
  '%zz',
  '?',
  '&',
  '=',
  '#',
  ';',
  'api',
  'apis',
  'v1',
  'namespaces',
  'default',
  'pods',
  'proxy',
  'status',
  'watch',
  'limit=1',
  'watch=1',
  'continue=',
  'labelSelector=',
  'resourceVersion=',
  'http://',
  '@',
  ':',
  'ü',
  '%c0%ae',
  '%ff',
  '__proto__',
  ' ',
  '\t',
  'timeoutSeconds=1e9',
  'dryRun=All',
  'fieldManager=',
];

export const urlTarget: FuzzTarget = {
  name: 'url',
  async open() {
    const paths = recordedRequests().map(({ path }) => Buffer.from(path));
    return {
      make(random) {
        if (chance(random, 0.2))
          return Buffer.from(`/${Array.from({ length: below(random, 15) }, () => pick(random, urlPieces)).join('')}`);
        let text = textOf(mutatedBytes(random, pick(random, paths), pick(random, paths)));
        const at = below(random, text.length + 1);
        text = text.slice(0, at) + pick(random, urlPieces) + text.slice(at);
        return Buffer.from(text);
      },
      check(input) {
        const url = textOf(input);
        for (const method of ['GET', 'POST', 'DELETE']) {
          const parsed = refusedOr([StatusError], () => parseRequest(method, url));
          if (!parsed) continue;
          const { info, query } = parsed;
          for (const part of [info.group, info.version, info.namespace, info.resource, info.name, info.subresource]) {
            must(
              part !== '.' && part !== '..' && !/[/\\\0]/.test(part),
              () => `${JSON.stringify(part)} is a part of the path ${url}`,
            );
          }
          must(!`${info.trailingPath}/`.includes('/../'), () => `a proxied path climbs: ${url}`);
          refusedOr([StatusError], () => listOptions(query));
          refusedOr([StatusError], () => watchOptions(query));
          refusedOr([StatusError], () => writeOptions(query, 'CreateOptions'));
        }
      },
    };
  },
};

const headerPieces = [
  'application/json',
  'application/yaml',
  'application/vnd.kubernetes.protobuf',
  '*/*',
  ';',
  ',',
  '=',
  'q=0',
  'q=1e9',
  'as=Table',
  'v=v1',
  'g=meta.k8s.io',
  'as=APIGroupDiscoveryList',
  '"',
  ' ',
  'stream=watch',
  'as=constructor',
  'charset=utf-8',
  '\t',
  'as=__proto__',
  'gzip',
  'x'.repeat(200),
  ';'.repeat(300),
  ','.repeat(300),
];
const headerNames = [
  'Impersonate-User',
  'Impersonate-Group',
  'Impersonate-Uid',
  'Impersonate-Extra-a',
  'Impersonate-Extra-__proto__',
  'impersonate-extra-%zz',
  'Impersonate-Extra-%2f',
];

export const headersTarget: FuzzTarget = {
  name: 'headers',
  async open() {
    const allowAll = { authorize: () => ({ verdict: 'allow' as const, reason: '' }) };
    return {
      make(random) {
        const text = () => Array.from({ length: below(random, 12) }, () => pick(random, headerPieces)).join('');
        return Buffer.from(
          JSON.stringify({
            text: text(),
            raw: Array.from({ length: below(random, 4) }, () => [pick(random, headerNames), text()]).flat(),
          }),
        );
      },
      async check(input) {
        const { text, raw } = JSON.parse(textOf(input)) as { text: string; raw: string[] };
        refusedOr([StatusError], () => negotiate(text));
        mediaForStatus(text);
        wantsAggregatedDiscovery(text);
        mediaTypeOf(text);
        try {
          const user = { username: 'a', groups: [] };
          const nothing = { group: '', version: '', resource: '', subresource: '', namespace: '', name: '' };
          const request = { ...nothing, user, verb: 'get', isResource: false, path: '/' };
          await impersonate(request, raw, allowAll as never);
        } catch (error) {
          if (!(error instanceof StatusError)) throw error;
        }
      },
    };
  },
};

export const continueTarget: FuzzTarget = {
  name: 'continue',
  async open() {
    const trees = ['default/web\0', 'web\0', '', '../x\0', '/a'].map((start) => ({
      v: 'meta.k8s.io/v1',
      rv: 7,
      start,
    }));
    return {
      make(random) {
        const json = Buffer.from(printed(random, mutatedTree(random, pick(random, trees), trees)));
        const bytes = chance(random, 0.3) ? mutatedBytes(random, json) : json;
        const token = Buffer.from(bytes.toString('base64url'));
        return chance(random, 0.2) ? mutatedBytes(random, token) : token;
      },
      check(input) {
        const token = refusedOr([StatusError], () => decodeContinue(textOf(input)));
        if (!token) return;
        must(!`/${token.start}/`.includes('/../'), () => `a token climbs: ${token.start}`);
        const again = refusedOr([StatusError], () => decodeContinue(encodeContinue(token.revision, token.start)));
        must(
          !again || (again.start === token.start && again.revision === token.revision),
          () => `${JSON.stringify(token)} is read as ${JSON.stringify(again)}`,
        );
      },
    };
  },
};
