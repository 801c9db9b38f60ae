// The form of answers of a call, checked against whether it is one object or a list.
import { goQuote } from '../../api/meta/field-errors.ts';
import { badRequest, notAcceptable } from '../../api/meta/status-error.ts';
import { type Accepted, negotiate } from '../http/accept.ts';
import { header } from '../http/exchange.ts';
import type { ObjectFormat } from '../registry/format.ts';
import { formatFor } from '../registry/format-for.ts';
import type { Call } from './call.ts';
import { goPackage } from './go-names.ts';

type Shape = 'object' | 'list' | 'watch';

/** @throws StatusError 406 */
export const answerFormat = (call: Call, shape: Shape): ObjectFormat => lateFormat(call, shape)();

/**
 * Reads look at what is asked for before they look at whether it can be shown so: a form that does not fit is told when the
 * returned function is called. @throws StatusError 406 for what is no form at all
 */
export function lateFormat(call: Call, shape: Shape): () => ObjectFormat {
  const accept = header(call.http, 'accept');
  const hasProtobuf = !call.resource.custom;
  const accepted = negotiate(accept, { hasProtobuf, isList: shape !== 'object' });
  return () => {
    const isWatch = shape === 'watch';
    return fitting(call, shape, isWatch ? negotiate(accept, { hasProtobuf, isWatch }) : accepted);
  };
}

function fitting(call: Call, shape: Shape, accepted: Accepted): ObjectFormat {
  const group = goPackage(call.resource.group);
  if (shape === 'list' && accepted.transform === 'partial') {
    throw notAcceptable(
      `you requested PartialObjectMetadata, but the requested object is a list (*${group}.${call.resource.listKind})`,
    );
  }
  if (shape === 'object' && accepted.transform === 'partialList') {
    throw notAcceptable(
      `you requested PartialObjectMetadataList, but the requested object is not a list (*${group}.${call.resource.kind})`,
    );
  }
  const include = call.query.get('includeObject') ?? '';
  if (accepted.transform === 'table' && !['', 'Metadata', 'Object', 'None'].includes(include)) {
    throw badRequest(
      `Unable to convert to Table as requested: includeObject: Invalid value: ${goQuote(include)}: must be 'Metadata', 'Object', 'None', or empty`,
    );
  }
  const format = formatFor(call.resource, accepted, {
    includeObject: (include || 'Metadata') as 'Metadata',
    nowMs: call.server.clock.now(),
  });
  // One object at a time is no list.
  return shape === 'watch' && accepted.transform === 'partialList' ? { ...format, hasNoFrames: true } : format;
}
