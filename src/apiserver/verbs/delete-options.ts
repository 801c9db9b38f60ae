// DeleteOptions: from the body, or from the query when there is no body.
import type { DeleteOptions } from '../../../generated/meta-v1.ts';
import { FieldErrors, path } from '../../api/meta/field-errors.ts';
import { badRequest } from '../../api/meta/status-error.ts';
import { DecodeError, decodeJsonBody } from '../../schema/codec.ts';
import { isAsked } from '../http/parse-request.ts';
import type { Call } from './call.ts';
import { bodyFormat, maxBodyBytes } from './decode-body.ts';
import { integerParameter, throwIfInvalid } from './options.ts';

const optionsType = 'io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions';

async function jsonOf(body: Uint8Array): Promise<string> {
  const { yamlToJson } = await import('./decode-yaml.ts');
  return (await yamlToJson(body, 'DeleteOptions')).json;
}

async function optionsOfBody(call: Call): Promise<DeleteOptions | undefined> {
  const body = await call.http.body(maxBodyBytes);
  if (body.length > 0) call.noted?.requestPatch(body);
  if (body.length === 0) return undefined;
  const format = bodyFormat(call.http);
  if (format === 'protobuf')
    return (await import('./decode-protobuf.ts')).decodeProtobufAs(body, optionsType) as DeleteOptions;
  const text = format === 'yaml' ? await jsonOf(body) : body;
  try {
    return decodeJsonBody<DeleteOptions>(
      text,
      (says) => {
        if (says.kind && says.kind !== 'DeleteOptions') {
          throw badRequest(
            `no kind ${JSON.stringify(says.kind)} is registered for version ${JSON.stringify(says.apiVersion)} in scheme "k8s.io/apimachinery/pkg/apis/meta/v1/register.go:42"`,
          );
        }
        return optionsType;
      },
      { strict: false },
    ).object;
  } catch (error) {
    if (error instanceof DecodeError) throw badRequest(error.message);
    throw error;
  }
}

function optionsOfQuery(query: URLSearchParams): DeleteOptions {
  const grace = integerParameter(query, 'gracePeriodSeconds');
  const orphan = query.get('orphanDependents');
  const propagation = query.get('propagationPolicy');
  const dryRun = query.getAll('dryRun');
  return {
    ...(grace === undefined ? {} : { gracePeriodSeconds: grace }),
    ...(orphan === null ? {} : { orphanDependents: isAsked(orphan) }),
    ...(propagation ? { propagationPolicy: propagation } : {}),
    ...(dryRun.length > 0 ? { dryRun } : {}),
  };
}

/** @throws StatusError 422 */
export function checkDeleteOptions(options: DeleteOptions): void {
  const errors = new FieldErrors();
  const { orphanDependents, propagationPolicy, dryRun } = options;
  const at = path('propagationPolicy');
  if (typeof propagationPolicy === 'string' && orphanDependents !== undefined && orphanDependents !== null) {
    errors.invalid(at, propagationPolicy, 'orphanDependents and deletionPropagation cannot be both set');
  }
  if (typeof propagationPolicy === 'string' && !['Foreground', 'Background', 'Orphan'].includes(propagationPolicy)) {
    errors.notSupported(at, propagationPolicy, ['Foreground', 'Background', 'Orphan', 'nil']);
  }
  if (dryRun?.some((value) => value !== 'All')) errors.notSupported(path('dryRun'), dryRun, ['All']);
  throwIfInvalid('DeleteOptions', errors);
}

export async function deleteOptions(call: Call): Promise<DeleteOptions> {
  const options = (await optionsOfBody(call)) ?? optionsOfQuery(call.query);
  checkDeleteOptions(options);
  return options;
}
