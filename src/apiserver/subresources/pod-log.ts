import { FieldErrors, FieldPath } from '../../api/meta/field-errors.ts';
import { badRequest, internalError, invalid, StatusError } from '../../api/meta/status-error.ts';
import { type StreamAnswer, textAnswer } from '../http/answer.ts';
import { overWebSocket, wantsWebSocket } from '../http/web-socket-answer.ts';
import { get } from './backend.ts';
import type { SubresourceHandler, SubresourceRequest } from './handler.ts';
import { type KubeletIdentity, kubeletBackend } from './kubelet.ts';
import { copyBody } from './passed-on.ts';
import { containerOf, encodePath, nodeOf, podOf } from './pod-container.ts';
import { readText } from './tunnel.ts';

const flags = ['follow', 'previous', 'timestamps', 'insecureSkipTLSVerifyBackend'];
const numbers = ['sinceSeconds', 'tailLines', 'limitBytes'];

/** A container's log, from the agent of its node. */
export function podLog(identity: KubeletIdentity): SubresourceHandler {
  return {
    group: '',
    resource: 'pods',
    subresource: 'log',
    methods: ['GET'],
    isLongRunning: true,
    async handle(request) {
      const options = readOptions(request);
      checkOptions(request.info.name, options);
      const pod = podOf(request);
      const container = containerOf(pod, options.get('container') ?? '');
      const node = nodeOf(pod);
      if (!node) return { ...textAnswer(204, ''), headers: {} };
      options.delete('container');
      options.delete('insecureSkipTLSVerifyBackend');
      const path = encodePath('containerLogs', request.info.namespace, request.info.name, container);
      const query = options.size > 0 ? `?${options}` : '';
      const backend = kubeletBackend(request.objects, identity, node, path + query, 'pods');
      const response = await get(backend, request.signal);
      const status = response.statusCode ?? 500;
      if (status < 200 || status > 206) throw refusal(status, await readText(response), request.info.name);
      const isLive = options.has('follow');
      const answer: StreamAnswer = {
        type: 'stream',
        status: 200,
        contentType: 'text/plain',
        isLive,
        write: (sink) => copyBody(response, sink),
      };
      return wantsWebSocket(request.http) ? overWebSocket(request.http, answer) : answer;
    },
  };
}

/** The options in the agent's terms. @throws BadRequest for what cannot be read */
function readOptions({ query }: SubresourceRequest): URLSearchParams {
  const options = new URLSearchParams();
  for (const name of flags) {
    const text = query.get(name);
    if (text === null) continue;
    if (text === '' || /^(?:1|t|T|TRUE|true|True)$/.test(text)) options.set(name, 'true');
    else if (!/^(?:0|f|F|FALSE|false|False)$/.test(text)) options.set(name, 'true');
  }
  for (const name of numbers) {
    const text = query.get(name);
    if (text === null || text === '') continue;
    if (!/^[+-]?[0-9]+$/.test(text))
      throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
    options.set(name, String(BigInt(text.replace('+', ''))));
  }
  for (const name of ['container', 'sinceTime', 'stream']) {
    const text = query.get(name);
    if (text) options.set(name, text);
  }
  const since = options.get('sinceTime');
  if (since && !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/.test(since)) {
    throw badRequest(
      `parsing time ${JSON.stringify(since)} as "2006-01-02T15:04:05Z07:00": cannot parse ${JSON.stringify(since)} as "2006"`,
    );
  }
  return options;
}

function checkOptions(podName: string, options: URLSearchParams): void {
  const errors = new FieldErrors();
  const at = (name: string) => new FieldPath(name);
  const number = (name: string) => (options.has(name) ? Number(options.get(name)) : undefined);
  const [tail, limit, since] = [number('tailLines'), number('limitBytes'), number('sinceSeconds')];
  if (tail !== undefined && tail < 0) errors.invalid(at('tailLines'), tail, 'must be greater than or equal to 0');
  if (limit !== undefined && limit < 1) errors.invalid(at('limitBytes'), limit, 'must be greater than 0');
  // A field without a name, as upstream has it.
  if (since !== undefined && options.has('sinceTime')) {
    errors.forbidden(new FieldPath('[]'), 'at most one of `sinceTime` or `sinceSeconds` may be specified');
  } else if (since !== undefined && since < 1) errors.invalid(at('sinceSeconds'), since, 'must be greater than 0');
  const stream = options.get('stream');
  if (stream) errors.forbidden(at('stream'), 'may not be specified');
  if (!errors.isEmpty) throw invalid({ group: '', name: 'PodLogOptions' }, podName, errors.summary(), errors.causes());
}

function refusal(status: number, text: string, name: string): StatusError {
  if (status === 400) return badRequest(text);
  if (status === 500) return internalError(text);
  const message = status === 404 ? 'the server could not find the requested resource' : 'an error on the server';
  return new StatusError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: `${message} ( pods ${name})`,
    reason: status === 404 ? 'NotFound' : 'InternalError',
    details: { name, kind: 'pods', causes: [{ reason: 'UnexpectedServerResponse', message: text }] },
    code: status,
  });
}
